"""Which schedules serve one appointment (a room of `rules`: pure): one of each group, none twice.

The answer is deterministic: groups in their declared order, in each the lowest schedule (by `order`, then
`no`) that still lets every later group find one.
"""

from collections.abc import Collection, Sequence


def _pairs(wants: Sequence[Sequence[str]], taken: Collection[str] = ()) -> bool:
    """Whether each entry can get a member of its own (bipartite matching by augmenting paths)."""
    owner: dict[str, int] = {}

    def place(index: int, seen: set[str]) -> bool:
        for member in wants[index]:
            if member in seen or member in taken:
                continue
            seen.add(member)
            if member not in owner or place(owner[member], seen):
                owner[member] = index
                return True
        return False

    return all(place(index, set()) for index in range(len(wants)))


def _feasible(groups: Sequence[Sequence[str]], must: Collection[str], taken: Collection[str]) -> bool:
    if not _pairs(groups, taken):
        return False
    missing = [name for name in must if name not in taken]
    # If the groups can be served, and the demanded schedules can be used, then both can at once
    # (theorem of Mendelsohn and Dulmage on matchings).
    seats = [[str(n) for n, group in enumerate(groups) if name in group] for name in missing]
    return _pairs(seats)


def combine(groups: Sequence[Sequence[str]], must: Collection[str] = ()) -> tuple[str, ...] | None:
    """The first combination with one member of each group, none twice, holding all of `must`; else None.

    `groups` hold the members that are free, best first. No groups: None, for nothing would be booked.
    """
    if not groups or not all(groups):
        return None
    first = tuple(group[0] for group in groups)
    if len(set(first)) == len(first) and set(must) <= set(first):
        # Nearly always: the best of each group do not get in each other's way.
        return first
    if not _feasible(groups, must, ()):
        return None
    chosen: list[str] = []
    for index, group in enumerate(groups):
        for member in group:
            if member not in chosen and _feasible(groups[index + 1 :], must, [*chosen, member]):
                chosen.append(member)
                break
    return tuple(chosen)


def narrow(groups: Sequence[Sequence[str]], must: Collection[str]) -> list[list[str]]:
    """The groups without the members that `must` rules out; `combine` gives the same answer, sooner.

    Where no schedule stands in two groups, a demanded one stands alone in its group. Otherwise the groups
    are returned as they are.
    """
    members = [name for group in groups for name in group]
    if not must or len(set(members)) < len(members):
        return [list(group) for group in groups]
    return [[name for name in group if name in must] or list(group) for group in groups]
