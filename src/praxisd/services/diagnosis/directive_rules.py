"""Which items of the directive hold for a practice, and how each stands today. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from praxisd.kernel.errors import Problem
from praxisd.model.directive import Item, Kept, Line, Look, Note, Practice, State, System
from praxisd.model.machine import Disk, Fact, SystemFacts

PERSON_MISSING = "diagnosis.directive_person_missing"
DUE_INVALID = "diagnosis.directive_due_invalid"
LONGEST = timedelta(days=5 * 366)
"""So far ahead a reminder may lie; further is a slip of the keyboard."""
_ANNEXES = {
    "small": ("1", "5", "more"),
    "medium": ("1", "2", "5", "more"),
    "large": ("1", "2", "3", "5", "more"),
}
ORDER = ("1", "2", "3", "4", "5", "more")
SYSTEM_UNKNOWN, STALE, WAITING = "system_unknown", "stale", "waiting"
FRESH_S = 7 * 86_400
"""So long what a computer sent of itself tells how it is today. Seconds."""
PATIENCE = timedelta(days=14)
"""So long updates may wait until praxisd says they are not put in in time: a proposal, the directive names no days."""


def wanted(items: Iterable[Item], practice: Practice | None) -> list[Item]:
    """The items that hold: annexes 1 and 5 for all, 2 from 6 persons, 3 from 21, 4 with large devices; none while nobody
    said how large the practice is.
    """
    if practice is None:
        return []
    annexes = {*_ANNEXES[practice.size], *(("4",) if practice.large_devices else ())}
    return sorted((one for one in items if one.annex in annexes), key=lambda one: ORDER.index(one.annex))


def line(item: Item, note: Note | None, look: Look | None, today: date) -> Line:
    """How an item stands: what is measured counts more than what a person said, but for "does not apply to us".

    A reminder is never good by measuring: its probe sees only a part of what the item speaks of.
    """
    return Line(item, _state(item, note, look, today), look, note)


def _state(item: Item, note: Note | None, look: Look | None, today: date) -> State:
    if note is not None and note.state == "not_applicable":
        return "not_applicable"
    if look is not None and (look.verdict == "bad" or (look.verdict == "good" and item.kind == "measured")):
        return look.verdict
    if note is None or note.state != "done":
        return "open"
    return "due" if overdue(note, today) else "done"


def overdue(note: Note | None, today: date) -> bool:
    """Done once, and its date has passed."""
    return note is not None and note.state == "done" and note.due is not None and note.due < today


def noted(item: Item, state: Kept, person: str, note: str, due: date | None, today: date, at: int) -> Note:
    """What a person says of an item today.

    "Done" needs the person who takes care (`diagnosis.directive_person_missing`); the next date is proposed, or given and
    then between tomorrow and five years from now (`diagnosis.directive_due_invalid`).
    """
    person, note = person.strip(), note.strip()
    if state != "done":
        return Note(state, person, note, None, at)
    if not person:
        raise Problem(PERSON_MISSING, 422)
    if due is not None and not today < due <= today + LONGEST:
        raise Problem(DUE_INVALID, 422)
    return Note(state, person, note, due or today + timedelta(days=item.every_days), at)


def counts(lines: Iterable[Line]) -> dict[str, int]:
    """How many items are in each state; all states are named."""
    found: dict[str, int] = dict.fromkeys(("good", "bad", "done", "due", "open", "not_applicable"), 0)
    for one in lines:
        found[one.state] += 1
    return found


Verdicts = Mapping[str, tuple[bool | None, str | None]]
"""By computer: fulfilled, not fulfilled, or None and the code of why that is unknown."""


def together(probe: str, found: Verdicts, seats: int, expected: int) -> Look:
    """One word about all computers: bad if one is; good only if all are, and all of the practice's were measured.

    `seats`: how many of the measured are workstations; `expected`: how many the practice has, 0 if nobody said.
    """
    bad = sorted(host for host, (good, _) in found.items() if good is False)
    unsure = {host: why or "failed" for host, (good, why) in sorted(found.items()) if good is None}
    if bad:
        return Look("bad", f"{probe}.bad", {"hosts": ", ".join(bad)})
    late = [host for host, why in unsure.items() if why == WAITING]
    if late:
        return Look("unknown", f"{probe}.waiting", {"hosts": ", ".join(late)})
    if unsure or not found:
        why = next(iter(unsure.values()), "not_measured")
        return Look("unknown", "unknown", {"hosts": ", ".join(unsure) or "–"}, why)
    hosts = ", ".join(sorted(found))
    if seats < expected or not expected:
        more = "some" if expected else "how_many"
        return Look("unknown", f"{probe}.good", {"hosts": hosts, "n": seats, "of": expected}, more=more)
    return Look("good", f"{probe}.good", {"hosts": hosts})


def aged(found: tuple[bool | None, str | None], at: int, now: int) -> tuple[bool | None, str | None]:
    """What a computer sent at `at` (epoch s): good only as long as it is fresh; what was bad is taken to be so still."""
    return (None, STALE) if found[0] and now - at > FRESH_S else found


def updates(pending: Fact[int], since: date | None, today: date) -> tuple[bool | None, str | None]:
    """Are updates put in in time? None while they wait no longer than `PATIENCE`; `since`: the first day they waited."""
    if pending.value is None:
        return None, pending.why
    if pending.value <= 0:
        return True, None
    return (False, None) if since is not None and today - since > PATIENCE else (None, WAITING)


def waiting(known: Mapping[str, date], pending: Mapping[str, Fact[int]], today: date) -> dict[str, date]:
    """Since when updates wait, by computer: from the first day on which some did, until none does; where nobody could look
    the day stays.
    """
    found = {}
    for host, fact in pending.items():
        if fact.value is None:
            found.update({host: known[host]} if host in known else {})
        elif fact.value > 0:
            found[host] = known.get(host, today)
    return found


def supported(system: SystemFacts, known: Sequence[System], today: date) -> tuple[bool | None, str | None]:
    """Does the operating system still get security updates? None where it is not in the list, or not known."""
    if system.name.value is None:
        return None, system.name.why
    edition = (system.edition.value or "").casefold()
    version = (system.version.value or "").split(".")
    for one in sorted(known, key=lambda each: -len(each.name)):
        if not (system.name.value + " ").startswith((one.name + " ", one.name + ".")):
            continue
        if any(word.casefold() in edition for word in one.other_rules):
            return None, SYSTEM_UNKNOWN
        if one.build and one.build not in version:
            continue
        if one.editions and edition.split(" ")[0] not in {word.casefold() for word in one.editions}:
            continue
        return today <= one.ends, None
    return None, SYSTEM_UNKNOWN


def removable(disks: Fact[tuple[Disk, ...]]) -> tuple[bool | None, str | None]:
    """Are all removable media that are plugged in encrypted? None where there is none now."""
    if disks.value is None:
        return None, disks.why
    found = [one for one in disks.value if one.kind.value == "removable"]
    if not found:
        return None, "no_medium"
    if any(one.encrypted.value is False for one in found):
        return False, None
    unsure = next((one.encrypted.why for one in found if one.encrypted.value is None), None)
    return (None, unsure) if unsure else (True, None)
