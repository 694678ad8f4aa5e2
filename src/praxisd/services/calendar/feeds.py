"""What others read to keep in step: the change feed with tombstones, and iCalendar feeds (SPEC 1.3, 1.8)."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id, token
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import OCCUPYING, Appointment
from praxisd.services.calendar import feed_store, store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_PAST_DAYS = 30
_AHEAD_DAYS = 400


class Change(msgspec.Struct, frozen=True):
    """One entry of the change feed: the appointment as it is now, or only its id once it is deleted."""

    id: str
    appointment: Appointment | None


def changes(tx: Tx, cursor: str | None, limit: int) -> tuple[list[Change], str, bool]:
    """Appointments changed after `cursor`, each once with its present state; the next cursor; whether more wait.

    Without a cursor the feed first brings every appointment, then goes on with what changed meanwhile,
    so a reader never needs anything else. A portal gets its own bookings only. Problem
    calendar.cursor_invalid (400), calendar.cursor_expired (410) when the events were purged.
    """
    kind, number, last = _parse(cursor, tx)
    if kind == "s":
        return _snapshot(tx, number, last, limit)
    if not events.floor(tx) <= number <= events.head(tx):
        # Purged, or from after the state that a restored backup holds: the reader must begin anew, or miss changes.
        raise Problem("calendar.cursor_expired", 410)
    found = events.since(tx, number, subject_type="Appointment", portal=tx.actor.portal, limit=limit)
    seen: dict[str, None] = {}
    for one in found:
        seen.pop(one.subject_id, None)
        seen[one.subject_id] = None
    more = len(found) == limit
    top = found[-1].seq if more else max(number, events.head(tx))
    return [Change(i, store.APPOINTMENTS.get(tx, i)) for i in seen], f"e{top}", more


def _parse(cursor: str | None, tx: Tx) -> tuple[str, int, str]:
    if cursor is None:
        return "s", events.head(tx), ""
    kind, body = cursor[:1], cursor[1:]
    number, _, last = body.partition(".")
    if kind not in ("e", "s") or not number.isascii() or not number.isdigit() or len(number) > 18:
        raise Problem("calendar.cursor_invalid", 400)
    return kind, int(number), last


def _snapshot(tx: Tx, number: int, last: str, limit: int) -> tuple[list[Change], str, bool]:
    c = store.APPOINTMENT.c
    own = [c.portal == tx.actor.portal] if tx.actor.portal is not None else []
    page, after = store.APPOINTMENTS.page(tx, *own, after=last or None, limit=limit)
    cursor = f"s{number}.{after}" if after else f"e{number}"
    return [Change(one.id, one) for one in page], cursor, after is not None


def open_feed(tx: Tx, schedule: str, titles: bool) -> tuple[str, str]:
    """A new secret link for one column: (id, token). The token is shown once; only its digest is kept."""
    store.SCHEDULES.need(tx, schedule)
    secret, id_ = token(32), new_id()
    digest = hashlib.sha256(secret.encode()).hexdigest()
    tx.run(
        feed_store.ADD,
        id=id_,
        schedule=schedule,
        digest=digest,
        titles=int(titles),
        created_at=tx.now,
        revoked_at=None,
    )
    events.note(tx, "feed.created", "Schedule", schedule, feed=id_, titles=titles)
    return id_, secret


def revoke_feed(tx: Tx, id_: str) -> None:
    """End a link at once; 404 if there is none in force."""
    if not tx.run(feed_store.REVOKE, id=id_, moment=tx.now):
        raise not_found("Feed")
    events.note(tx, "feed.revoked", "Feed", id_)


def feeds(tx: Tx) -> list[Any]:
    """All links of the practice, revoked ones included."""
    return tx.all(feed_store.ALL)


def ical(house: "House", secret: str, lang: str) -> tuple[bytes, str]:
    """The RFC 5545 calendar behind a secret link, and its ETag. 404 for an unknown or revoked link.

    Busy-only, or with the names of the appointment types; never anything about a patient.
    """
    digest = hashlib.sha256(secret.encode()).hexdigest()
    with house.store.read(system("feed")) as tx:
        row = tx.first(feed_store.BY_DIGEST, digest=digest)
        if row is None or not hmac.compare_digest(row.digest, digest):
            raise not_found("Feed")
        tx.organization = row.organization
        schedule = store.SCHEDULES.need(tx, row.schedule)
        entries = _entries(tx, row.schedule)
        names = {s.id: s.name for s in store.SERVICES.all(tx)} if row.titles else {}
    text = house.texts
    data = _render(
        schedule.name,
        [
            (uid, start, end, names.get(service or "", text.get("calendar.feed.busy", lang)), stamp, sequence)
            for uid, start, end, service, stamp, sequence in entries
        ],
    )
    return data, hashlib.blake2b(data, digest_size=12).hexdigest()


Entry = tuple[str, int, int, str | None, int, int]


def _entries(tx: Tx, schedule: str) -> list[Entry]:
    since, until = tx.now - _PAST_DAYS * 86_400, tx.now + _AHEAD_DAYS * 86_400
    rows = sorted(store.busy_rows(tx, since, until, [schedule]), key=lambda row: row[1])
    found: list[Entry] = []
    for owner in dict.fromkeys(row[3] for row in rows if row[4] is None):
        kind, _, id_ = owner.partition("/")
        if kind == "Appointment":
            one = store.APPOINTMENTS.get(tx, id_)
            if one is not None and one.status in OCCUPYING:
                found.append((id_, one.start, one.end, one.service, one.updated, one.version))
            continue
        # The rows are cut at the edges of the window; the record knows its own beginning and end.
        records: Any = store.RESERVATIONS if kind == "Reservation" else store.IMPORTED_SLOTS
        other = records.get(tx, id_)
        if other is not None:
            stamp = records.changed_at(tx, id_)
            found.append((id_, other.start, other.end, None, stamp, other.version))
    return found


def _render(name: str, entries: list[tuple[str, int, int, str, int, int]]) -> bytes:
    from icalendar import Calendar, Event

    calendar = Calendar()
    calendar.add("PRODID", "-//praxisd//calendar//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("X-WR-CALNAME", name)
    calendar.add("REFRESH-INTERVAL", timedelta(minutes=15), parameters={"VALUE": "DURATION"})
    for uid, start, end, title, stamp, sequence in entries:
        event = Event()
        event.add("UID", f"{uid}@praxisd")
        event.add("DTSTAMP", datetime.fromtimestamp(stamp, UTC))
        event.add("DTSTART", datetime.fromtimestamp(start, UTC))
        event.add("DTEND", datetime.fromtimestamp(end, UTC))
        event.add("SEQUENCE", sequence)
        event.add("SUMMARY", title)
        event.add("TRANSP", "OPAQUE")
        calendar.add_component(event)
    return calendar.to_ical()  # type: ignore[no-any-return]
