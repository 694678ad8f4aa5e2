"""Choose the columns of an occupation, lock them and make sure that they are still free."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from praxisd.kernel.engines import Conflict
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import HealthcareService
from praxisd.services.calendar import rules, store
from praxisd.services.calendar.view import touch, views

if TYPE_CHECKING:
    from praxisd.kernel.app import House

IGNORE_HOURS = "calendar.hours.ignore"
_NAMED_MOST = 20


def service_of(house: "House", tx: Tx, id_: str | None) -> HealthcareService | None:
    """The active type this actor may book; Problem calendar.service_unknown (422).

    None (columns only, no type) is for the practice itself.
    """
    if id_ is None:
        if tx.actor.portal is not None:
            raise Problem("calendar.service_unknown", 422)
        return None
    found = views(house).calendar(tx).service_for(tx.actor, id_)
    if found is None or not found.active:
        raise Problem("calendar.service_unknown", 422)
    return found


def end_of(service: HealthcareService | None, start: int, end: int | None) -> int:
    """The given end, else start plus the type's duration; Problem calendar.end_missing (422)."""
    if end is not None:
        return end
    if service is None or service.duration is None:
        raise Problem("calendar.end_missing", 422)
    return start + service.duration * 60


def choose(
    house: "House",
    tx: Tx,
    service_id: str | None,
    start: int,
    end: int,
    must: Sequence[str],
    outside_hours: bool,
    but: str = "",
) -> tuple[str, ...]:
    """One free column of each group, locked (`busy_rev` bumped) and, where others write too, looked at under the lock.

    The practice itself is not bound to lead times and durations; a portal is. Raises what `rules.place`
    raises, and access.forbidden without the right to book outside the opening hours. `but`: an owner whose own rows are not
    in its way.
    """
    if outside_hours and not tx.actor.may(IGNORE_HOURS):
        raise Problem("access.forbidden", 403, permission=IGNORE_HOURS)
    if tx.actor.portal is not None and start % rules.UNIT and not store.imported_start(tx, start):
        # A portal that books at 10:03 would break the day into pieces nobody else can be offered.
        raise Problem("calendar.off_grid", 422, minutes=rules.UNIT // 60)
    chosen, queue = _look(house, tx, service_id, start, end, must, outside_hours, but)
    if not tx.store.alone:
        # All columns that may be chosen, not only those: who finds his choice taken and then waits for another
        # column waits out of order, and PostgreSQL needs a second to notice the deadlock.
        store.line_up(tx, queue)
        chosen, after = _look(house, tx, service_id, start, end, must, outside_hours, but)
        if not set(after) <= set(queue):
            raise Conflict("the groups of the type changed meanwhile")
    touch(house, tx, chosen)
    store.drop_lapsed(tx, chosen)
    return chosen


def _look(
    house: "House",
    tx: Tx,
    service_id: str | None,
    start: int,
    end: int,
    must: Sequence[str],
    outside_hours: bool,
    but: str,
) -> tuple[tuple[str, ...], Sequence[str]]:
    """(what `rules.place` chooses by what is committed now, all columns that could have been chosen)."""
    desk = tx.actor.portal is None
    calendar = views(house).calendar(tx)
    service = calendar.services.get(service_id) if service_id else None
    before = service.buffer_before * 60 if service else 0
    after = service.buffer_after * 60 if service else 0
    busy: dict[str, list[tuple[int, int]]] = {}
    owners: list[str] = []
    queue = candidates(service, must)
    for schedule, low, high, owner, expires in store.busy_rows(tx, start - before, end + after, queue):
        if owner != but and (expires is None or expires > tx.now):
            busy.setdefault(schedule, []).append((low, high))
            if not must or schedule in must:
                owners.append(owner)
    try:
        chosen = rules.place(
            service,
            calendar.for_actor(tx.actor),
            calendar.almanac,
            start,
            end,
            busy=busy,
            now=tx.now,
            must=must,
            ignore_hours=outside_hours,
            ignore_notice=desk,
            ignore_duration=desk,
        )
    except Problem as problem:
        if desk and problem.code == "calendar.slot_taken":
            problem.params |= in_the_way(owners)  # a portal must not learn who else comes
        raise
    return chosen, queue


def in_the_way(owners: Iterable[str]) -> dict[str, Any]:
    """What stands where something was to be put, as params of a Problem: ids divided by commas, `held` for holds.

    `rounds`: of the waiting list; the time is being offered, and ending the round sets it free.

    At most 20 of each kind; `count` is the number of all.
    """
    found = sorted(set(owners))
    told: dict[str, Any] = {}
    for name, prefix in (
        ("appointments", "Appointment/"),
        ("reservations", "Reservation/"),
        ("rounds", "Offer/"),
    ):
        ids = [one.removeprefix(prefix) for one in found if one.startswith(prefix)]
        if ids:
            told[name] = ",".join(ids[:_NAMED_MOST])
    if any(one.startswith("Hold/") for one in found):
        told["held"] = True
    return told | {"count": len(found)} if found else {}


def candidates(service: HealthcareService | None, must: Sequence[str]) -> Sequence[str]:
    """The columns a booking may come to use; exactly `must` where that serves every group."""
    if service is None or len(must) == len(service.groups):
        return list(must)
    return sorted({name for group in service.groups for name in group})
