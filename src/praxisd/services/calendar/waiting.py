"""The waiting list itself: who waits is entered, changed, and leaves (SPEC 1.14)."""

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import FROZEN
from praxisd.model.waiting import WaitingEntry
from praxisd.services.calendar import columns, offers, rules, store, waiting_store
from praxisd.services.calendar.view import views
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def enter(house: "House", tx: Tx, **fields: Any) -> WaitingEntry:
    """Somebody waits from now on. Problems: those of `_check`, directory.patient_unknown and patient_inactive (422)."""
    fields["patient"] = directory.resolve(tx, fields["patient"])
    one = columns.checked(WaitingEntry, {"id": new_id(), "created": tx.now, **fields})
    _check(house, tx, one)
    one = waiting_store.ENTRIES.insert(tx, one)
    _note(tx, "waiting.entered", one)
    return one


def change(house: "House", tx: Tx, id_: str, expected: int | None, **fields: Any) -> WaitingEntry:
    """Change what somebody waits for; the place in the queue stays. calendar.not_waiting (409) for who no longer does."""
    old = _waiting(tx, id_, expected)
    if "patient" in fields:
        fields["patient"] = directory.resolve(tx, fields["patient"])
    new = columns.replaced(old, fields)
    names = changed_fields(old, new)
    if not names:
        return old
    _check(house, tx, new)
    new = waiting_store.ENTRIES.save(tx, new, old.version)
    _note(tx, "waiting.changed", new, fields=names)
    return new


def leave(house: "House", tx: Tx, id_: str, expected: int | None = None, state: str = "left") -> WaitingEntry:
    """Somebody waits no more; an open offer is declined. Leaving twice changes nothing. 404, resource.stale (412),
    calendar.offer_gone (409) where the offer is being accepted at this moment.
    """
    there = waiting_store.entry(tx, id_)
    if there is None:
        raise not_found("WaitingEntry")
    if there.state != "waiting":
        return there
    offer = waiting_store.open_offer(tx, id_)
    if offer is not None:  # the round is locked before the entry, as by who accepts
        offers.decline_offer(house, tx, offer.id)
    old = _waiting(tx, id_, expected)
    new = waiting_store.ENTRIES.save(tx, msgspec.structs.replace(old, state=state), old.version)  # type: ignore[arg-type]
    _note(tx, "waiting.left", new)
    return new


def overdue(house: "House", tx: Tx) -> list[WaitingEntry]:
    """Those whose last day is over."""
    today: date = rules.local_date(tx.now, views(house).calendar(tx).almanac.zone)
    return waiting_store.overdue(tx, today.isoformat())


def expire(house: "House", tx: Tx) -> None:
    """Whose last day is over waits no more."""
    for one in overdue(house, tx):
        leave(house, tx, one.id, state="expired")


def _waiting(tx: Tx, id_: str, expected: int | None) -> WaitingEntry:
    old = waiting_store.entry(tx, id_, lock=True)
    if old is None:
        raise not_found("WaitingEntry")
    check_version(expected, old.version, "WaitingEntry")
    if old.state != "waiting":
        raise Problem("calendar.not_waiting", 409)
    return old


def _check(house: "House", tx: Tx, one: WaitingEntry) -> None:
    """Problems calendar.service_unknown, calendar.schedule_unfit, calendar.waiting_replaces (422)."""
    calendar = views(house).calendar(tx)
    service = calendar.services.get(one.service)
    if service is None or not service.active or service.duration is None:
        raise Problem("calendar.service_unknown", 422)
    if any(not any(name in group for group in service.groups) for name in one.schedules):
        raise Problem("calendar.schedule_unfit", 422)
    if one.replaces is not None:
        kept = store.APPOINTMENTS.get(tx, one.replaces)
        if kept is None or kept.status in FROZEN or kept.patient != one.patient or kept.start <= tx.now:
            raise Problem("calendar.waiting_replaces", 422)


def _note(tx: Tx, type_: str, one: WaitingEntry, fields: tuple[str, ...] = ()) -> None:
    events.note(tx, type_, "WaitingEntry", one.id, version=one.version, fields=fields, state=one.state)
