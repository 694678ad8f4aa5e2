"""A simulated booking portal: calendars, what practices told of their busy times, and what patients booked.

Everything is in a journal before it is answered, so that a kill -9 of anybody loses nothing. One lock: of two patients who
book the same time at once, one gets it. Times are epoch seconds.
"""

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from praxisd.sandbox import portal_booking as rules
from praxisd.sandbox.door import Bad
from praxisd.sandbox.journal import Journal
from praxisd.sandbox.portal_booking import Booking, Late, Patient
from praxisd.sandbox.portal_times import (
    Calendar,
    Service,
    Span,
    Wrong,
    calendar_of,
    free_starts,
    merged,
    opened,
    period,
    replaced,
    shown,
    touches,
)

UPLOADS_KEPT = 200
MOST_CALENDARS = 100
MOST_BOOKINGS = 20_000
MOST_BLOCKERS = 20_000


@dataclass(frozen=True)
class Upload:
    """Busy times as they were told. `way`: drflex, api or dav. `size`: bytes of the body."""

    id: int
    at: float
    calendar: str
    way: str
    start: int
    end: int
    busy: tuple[Span, ...]
    size: int

    def json(self, zone: ZoneInfo) -> dict[str, Any]:
        """As `GET /uploads` shows it."""
        return {
            "id": self.id,
            "at": datetime.fromtimestamp(self.at, zone).isoformat(timespec="milliseconds"),
            "calendar": self.calendar,
            "way": self.way,
            "start": shown(self.start, zone),
            "end": shown(self.end, zone),
            "count": len(self.busy),
            "busy": [{"start": shown(start, zone), "end": shown(end, zone)} for start, end in self.busy],
            "bytes": self.size,
        }


class Board:
    """All that one simulated portal knows. Raises Bad, as it is answered to whoever asked.

    `lock`: held by whoever must do several things at once. `changed(booking)` is called after a booking was made or changed.
    """

    def __init__(
        self, journal: Journal, zone: str = "Europe/Berlin", now: Callable[[], float] = time.time
    ) -> None:
        self.zone = ZoneInfo(zone)
        self.now = now
        self._journal = journal
        self.lock = threading.RLock()
        self._calendars: dict[str, Calendar] = {}
        self._busy: dict[str, list[Span]] = {}
        self._uploads: deque[Upload] = deque(maxlen=UPLOADS_KEPT)
        self._told = 0
        self._bookings: dict[str, Booking] = {}
        self._once: dict[str, str] = {}
        self._blockers: dict[str, tuple[str, int, int]] = {}
        self._mark = 0
        self._stored: dict[str, Any] = {}
        self.changed: Callable[[Booking], None] = lambda _: None
        for entry in journal.read():
            self._take_up(entry)

    def _take_up(self, entry: Mapping[str, Any]) -> None:
        """One line of the journal."""
        kind, name = entry.get("kind"), entry.get("name", "")
        if kind == "calendar":
            self._calendars[name] = calendar_of(entry["calendar"])
        elif kind == "calendar_gone":
            self._calendars.pop(name, None)
            self._busy.pop(name, None)
        elif kind == "upload":
            self._keep(
                Upload(**{**entry["upload"], "busy": tuple((a, b) for a, b in entry["upload"]["busy"])})
            )
        elif kind == "booking":
            self._put(rules.booking_of(entry["booking"]))
        elif kind == "blocker":
            self._blockers[entry["id"]] = (name, entry["start"], entry["end"])
        elif kind == "blocker_gone":
            self._blockers.pop(entry["id"], None)
        elif kind == "stored":
            self._stored[name] = entry["value"]

    # Calendars

    def calendars(self) -> list[Calendar]:
        """All, in the order in which they were made."""
        with self.lock:
            return list(self._calendars.values())

    def calendar(self, name: str) -> Calendar:
        """The one of this name; 404 with the names there are."""
        with self.lock:
            found = self._calendars.get(name)
            if found is None:
                raise Bad("calendar_unknown", 404, calendars=list(self._calendars))
            return found

    def put_calendar(self, calendar: Calendar) -> None:
        """Make it, or make it anew under its name; what is booked and busy stays."""
        with self.lock:
            if calendar.name not in self._calendars and len(self._calendars) >= MOST_CALENDARS:
                raise Bad("calendars_full", 409)
            self._journal.add(kind="calendar", name=calendar.name, calendar=calendar.json())
            self._calendars[calendar.name] = calendar

    def drop_calendar(self, name: str) -> None:
        """It is no longer there; its bookings stay in the list."""
        with self.lock:
            self.calendar(name)
            self._journal.add(kind="calendar_gone", name=name)
            del self._calendars[name]
            self._busy.pop(name, None)

    def period(self, name: str) -> Span:
        """What it wants to know about."""
        return period(self.calendar(name), self.now(), self.zone)

    def hours(self, name: str, start: int, end: int) -> list[Span]:
        """When it offers times, within its period."""
        first, last = self.period(name)
        return opened(self.calendar(name), max(start, first), min(end, last), self.zone)

    # Busy times

    def upload(self, name: str, way: str, span: Span, busy: Sequence[Span], size: int) -> Upload:
        """From now on these are the practice's taken times of [start, end), all of them."""
        start, end = span
        with self.lock:
            self.calendar(name)
            if any(one >= end or until <= start for one, until in busy):
                raise Bad("outside_period", 422)
            made = Upload(self._told + 1, self.now(), name, way, start, end, tuple(busy), size)
            self._journal.add(kind="upload", upload=made.__dict__)
            self._keep(made)
            return made

    def _keep(self, made: Upload) -> None:
        self._told = max(self._told, made.id)
        self._uploads.append(made)
        old = self._busy.get(made.calendar, [])
        self._busy[made.calendar] = replaced(old, made.start, made.end, made.busy)

    def uploads(self) -> list[Upload]:
        """The last of them, oldest first."""
        with self.lock:
            return list(self._uploads)

    @property
    def told(self) -> int:
        """How often busy times were uploaded, ever."""
        return self._told

    def busy(self, name: str) -> list[Span]:
        """What the practice told, now."""
        with self.lock:
            self.calendar(name)
            return list(self._busy.get(name, ()))

    def taken(self, name: str) -> list[Span]:
        """What no patient can book: told by the practice, entered here, booked here. Merged."""
        with self.lock:
            found = list(self._busy.get(name, ()))
            found += [(start, end) for one, start, end in self._blockers.values() if one == name]
            for booking in self._bookings.values():
                if booking.calendar == name:
                    found += booking.occupies()
            return merged(found)

    # Busy times entered at the portal

    def block(self, name: str, start: int, end: int) -> str:
        """Enter a busy time here; its id."""
        with self.lock:
            self.calendar(name)
            if not start < end:
                raise Bad("time_invalid", 422)
            if len(self._blockers) >= MOST_BLOCKERS:
                raise Bad("blockers_full", 409)
            id_ = f"x{secrets.token_hex(8)}"
            self._journal.add(kind="blocker", id=id_, name=name, start=start, end=end)
            self._blockers[id_] = (name, start, end)
            return id_

    def unblock(self, id_: str) -> None:
        """Take it back."""
        with self.lock:
            if id_ not in self._blockers:
                raise Bad("not_found", 404)
            self._journal.add(kind="blocker_gone", id=id_)
            del self._blockers[id_]

    def blockers(self, name: str | None = None) -> list[tuple[str, str, int, int]]:
        """(id, calendar, start, end) of all, or of one calendar."""
        with self.lock:
            return [(id_, *one) for id_, one in self._blockers.items() if name in (None, one[0])]

    # Bookings

    def free(self, name: str, service: Service, since: int, until: int) -> list[int]:
        """Starts that a patient may choose."""
        with self.lock:
            calendar = self.calendar(name)
            first, last = self.period(name)
            since = max(since, first, int(self.now()) + calendar.notice * 60)
            if since >= min(until, last):
                return []
            return free_starts(
                calendar, service.minutes, self.taken(name), since, min(until, last), self.zone
            )

    def book(
        self, name: str, service: str, start: int, patient: Patient, note: str = "", once: str = ""
    ) -> Booking:
        """A patient books. 409 `time_taken` if somebody has the time, 422 if it is not offered at all."""
        with self.lock:
            known = self._once.get(once) if once else None
            if known is not None:
                return self._bookings[known]
            calendar = self.calendar(name)
            try:
                kind = calendar.service(service)
            except Wrong as wrong:
                raise Bad(str(wrong), 422) from None
            end = start + kind.minutes * 60
            if touches(self.taken(name), start, end):
                raise Bad("time_taken", 409)
            if start not in self.free(name, kind, start, start + 1):
                raise Bad("time_not_offered", 422)
            if len(self._bookings) >= MOST_BOOKINGS:
                raise Bad("bookings_full", 409)
            made = Booking(
                id=f"b{secrets.token_urlsafe(16)}", calendar=name, start=start, end=end, service=kind.name,
                patient=patient, mark=self._mark + 1, made_at=self.now(), note=note, once=once,
                state="requested" if calendar.confirm else "confirmed",
            )  # fmt: skip
            self._save(made)
        self.changed(made)
        return made

    def _save(self, booking: Booking) -> None:
        self._journal.add(kind="booking", booking=booking.kept())
        self._put(booking)

    def _put(self, booking: Booking) -> None:
        self._mark = max(self._mark, booking.mark)
        self._bookings[booking.id] = booking
        if booking.once:
            self._once[booking.once] = booking.id

    def booking(self, id_: str) -> Booking:
        """404 `booking_unknown` if there is none."""
        with self.lock:
            found = self._bookings.get(id_)
            if found is None:
                raise Bad("booking_unknown", 404)
            return found

    def bookings(self) -> list[Booking]:
        """All, in the order in which they were made."""
        with self.lock:
            return list(self._bookings.values())

    def feed(self, since: int | None, limit: int) -> tuple[list[Booking], int, bool]:
        """Bookings that patients made or changed after the mark (None: that lie ahead); the new mark; whether more wait."""
        with self.lock:
            found = [
                one
                for one in self._bookings.values()
                if (one.end > self.now() if since is None else one.mark > since)
            ]
            found.sort(key=lambda one: one.mark)
            page = found[:limit]
            more = len(found) > limit
            return page, page[-1].mark if more else max(self._mark, since or 0), more

    def answer(self, id_: str, fields: Mapping[str, Any]) -> Booking:
        """The practice decides."""
        return self._change(id_, lambda one, _: rules.answered(one, fields))

    def decide(self, id_: str, accepted: bool) -> Booking:
        """The patient says yes or no to another time."""
        return self._change(id_, lambda one, mark: rules.decided(one, accepted, self.now(), mark))

    def cancel(self, id_: str) -> Booking:
        """The patient cancels."""
        return self._change(id_, lambda one, mark: rules.withdrawn(one, self.now(), mark))

    def _change(self, id_: str, change: Callable[[Booking, int], Booking]) -> Booking:
        with self.lock:
            old = self.booking(id_)
            try:
                new = change(old, self._mark + 1)
            except Wrong as wrong:
                raise Bad(str(wrong), 422) from None
            except Late as late:
                raise Bad(late.code, late.status) from None
            if new is old:
                return old
            self._save(new)
        self.changed(new)
        return new

    # For the parts that have things of their own to remember

    def store(self, name: str, value: Any) -> None:
        """Keep a JSON value."""
        with self.lock:
            self._journal.add(kind="stored", name=name, value=value)
            self._stored[name] = value

    def stored(self, name: str) -> Any:
        """What was kept last, or None."""
        with self.lock:
            return self._stored.get(name)

    @property
    def today(self) -> date:
        """The portal's date."""
        return datetime.fromtimestamp(self.now(), self.zone).date()
