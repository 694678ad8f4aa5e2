"""A simulated 116117 Terminsynchronisation: Terminprofile, slots, bookings and what is told of their changes.

Everything is in a journal before it is answered. One lock. Times are epoch seconds. It keeps the rules of the real one:
a slot begins free and only its status changes, each change makes a new version, one that is taken cannot be deleted, and
nobody asks for changes more often than every 60 minutes.
"""

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from praxisd.sandbox.door import Function, Route
from praxisd.sandbox.journal import Journal

FILE = Path("sandbox") / "portal_tvs.jsonl"
POLL_S = 3_600
REQUESTS_KEPT = 2_000
PAGE = 20
PERSON = ("family", "given", "birthDate", "phone", "email")


class Refused(Exception):
    """What cannot be done: HTTP status, FHIR issue type, and the simulator's own error code."""

    def __init__(self, status: int, issue: str, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.issue = issue
        self.code = code


@dataclass(frozen=True)
class Profile:
    """A Terminprofil (FHIR Schedule)."""

    id: str
    name: str
    doctor: str = "Dr. Beispiel"
    active: bool = True
    version: int = 1


@dataclass(frozen=True)
class Slot:
    """`status`: free, busy, busy-unavailable (blocked), busy-tentative (reserved). `booking`: who took it."""

    id: str
    profile: str
    start: int
    end: int
    status: str = "free"
    version: int = 1
    booking: str = ""
    gone: bool = False


@dataclass(frozen=True)
class Booking:
    """An Appointment. `person`: what the patient said."""

    id: str
    slot: str
    start: int
    end: int
    person: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    status: str = "booked"
    version: int = 1
    gone: bool = False


@dataclass(frozen=True)
class Change:
    """A Provenance: what was done to which booking, and when."""

    id: str
    booking: str
    activity: str
    at: float


class Tvs:
    """The service. `card`: the key with which its one card signs. `routes` are made by `mount`."""

    def __init__(self, folder: Path, card: str, now: Callable[[], float] = time.time) -> None:
        self.card = card
        self.now = now
        self.lock = threading.RLock()
        self.profiles: dict[str, Profile] = {}
        self.slots: dict[str, Slot] = {}
        self.bookings: dict[str, Booking] = {}
        self.changes: list[Change] = []
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self.polled = 0.0
        self.early = 0
        """How often changes were asked for too soon."""
        self.page = PAGE
        self.batch_faults: deque[dict[int, int]] = deque()
        self.tokens: dict[str, float] = {}
        self.routes: tuple[Route, ...] = ()
        self._journal = Journal(folder / FILE)
        for entry in self._journal.read():
            self._take(entry)

    def _take(self, entry: dict[str, Any]) -> None:
        """One line of the journal. What an older version wrote otherwise is passed over."""
        kind: Any = entry.get("kind")
        value: Any = entry.get("value")
        try:
            if kind == "profile":
                profile = Profile(**value)
                self.profiles[profile.id] = profile
            elif kind == "slot":
                slot = Slot(**value)
                self.slots[slot.id] = slot
            elif kind == "booking":
                booking = Booking(**value)
                self.bookings[booking.id] = booking
            elif kind == "change":
                self.changes.append(Change(**value))
            elif kind == "polled":
                self.polled = float(value)
        except (TypeError, ValueError):
            return

    def _keep(self, one: Profile | Slot | Booking | Change) -> None:
        kind = type(one).__name__.lower()
        self._take(self._written(kind, asdict(one)))

    def _written(self, kind: str, value: Any) -> dict[str, Any]:
        self._journal.add(kind=kind, value=value)
        return {"kind": kind, "value": value}

    def close(self) -> None:
        """Let go of the file."""
        self._journal.close()

    def clear(self) -> None:
        """Begin anew; only the tokens stay."""
        with self.lock:
            self._journal.clear()
            for table in (self.profiles, self.slots, self.bookings, self.changes, self.requests):
                table.clear()
            self.polled = 0.0

    def add_profile(self, name: str, doctor: str = "Dr. Beispiel", active: bool = True) -> Profile:
        """The Terminprofil of this name; made if there is none."""
        with self.lock:
            known = next((one for one in self.profiles.values() if one.name == name), None)
            if known is None or known.active != active:
                id_ = known.id if known else f"tp-{len(self.profiles) + 1}"
                self._keep(Profile(id_, name, doctor, active, known.version + 1 if known else 1))
                known = self.profiles[id_]
            return known

    def add_slot(self, profile: str, start: int, end: int, status: str = "free") -> Slot:
        """A slot of this Terminprofil. `Refused`: 400 no such one, or no such time; 409 it overlaps another."""
        with self.lock:
            if profile not in self.profiles or end <= start:
                raise Refused(400, "invalid", "SLOT_INVALID")
            for one in self.slots.values():
                if not one.gone and one.profile == profile and one.start < end and start < one.end:
                    raise Refused(409, "conflict", "SLOT_OVERLAPS")
            slot = Slot(secrets.token_hex(8), profile, start, end, status)
            self._keep(slot)
            return slot

    def slot(self, id_: str) -> Slot:
        """`Refused` 404 if it is not there."""
        found = self.slots.get(id_)
        if found is None or found.gone:
            raise Refused(404, "not-found", "SLOT_UNKNOWN")
        return found

    def set_status(self, id_: str, status: str, by_practice: bool = True) -> None:
        """Change a slot's status. `Refused` 409 for the practice if it is booked, reserved or blocked."""
        with self.lock:
            slot = self.slot(id_)
            if by_practice and (slot.booking or slot.status not in ("free", "busy")):
                raise Refused(409, "conflict", "SLOT_TAKEN")
            if slot.status != status:
                self._keep(replace(slot, status=status, version=slot.version + 1))

    def delete_slot(self, id_: str, version: str) -> None:
        """`Refused`: 412 another version, 409 taken."""
        with self.lock:
            slot = self.slot(id_)
            if version != str(slot.version):
                raise Refused(412, "conflict", "SLOT_VERSION")
            if slot.booking or slot.status == "busy-tentative":
                raise Refused(409, "conflict", "SLOT_TAKEN")
            self._keep(replace(slot, gone=True, version=slot.version + 1))

    def book(self, slot_id: str, person: Mapping[str, str], note: str = "") -> Booking:
        """A patient takes a free slot. `Refused` 409 if it is not free."""
        with self.lock:
            slot = self.slot(slot_id)
            if slot.status != "free":
                raise Refused(409, "conflict", "SLOT_TAKEN")
            booking = Booking(secrets.token_hex(8), slot.id, slot.start, slot.end, dict(person), note)
            self._keep(booking)
            self._keep(replace(slot, status="busy", booking=booking.id, version=slot.version + 1))
            self._changed(booking.id, "CREATE")
            return booking

    def booking(self, id_: str) -> Booking:
        """`Refused` 404 if it is not there."""
        found = self.bookings.get(id_)
        if found is None or found.gone:
            raise Refused(404, "not-found", "BOOKING_UNKNOWN")
        return found

    def end_booking(self, id_: str, deleted: bool = False) -> None:
        """The patient cancels, or the booking is deleted; its slot is free again."""
        with self.lock:
            booking = self.booking(id_)
            self._keep(
                replace(booking, status="cancelled", version=booking.version + 1, gone=deleted, person={})
                if deleted
                else replace(booking, status="cancelled", version=booking.version + 1)
            )
            slot = self.slots[booking.slot]
            if slot.booking == id_:
                self._keep(replace(slot, status="free", booking="", version=slot.version + 1))
            self._changed(id_, "DELETE" if deleted else "UPDATE")

    def change_person(self, id_: str, person: Mapping[str, str]) -> None:
        """The patient's own data change: no Provenance tells of it."""
        with self.lock:
            booking = self.booking(id_)
            self._keep(replace(booking, person={**booking.person, **person}, version=booking.version + 1))

    def _changed(self, booking: str, activity: str) -> None:
        self._keep(Change(secrets.token_hex(8), booking, activity, self.now()))

    def poll(self) -> None:
        """Somebody asks for changes. `Refused` 429 if that is too early."""
        with self.lock:
            now = self.now()
            if self.polled and now < self.polled + POLL_S:
                self.early += 1
                raise Refused(429, "throttled", "TOO_OFTEN")
            self.polled = now
            self._written("polled", now)


def mount(
    folder: Path,
    card: str = "sandbox",
    now: Callable[[], float] = time.time,
    guard: Callable[[str, Function], Function] = lambda _, function: function,
    lang: str = "de",
) -> Tvs:
    """The service with its routes, all below `/tvs/`. Close it at the end.

    `guard`: what stands before the doors of FHIR (`portal_faults.Guard`); they are called `tvs` there. `lang`: of its page,
    where nobody asks for another.
    """
    from praxisd.sandbox import portal_tvs_doors, portal_tvs_page

    tvs = Tvs(folder, card, now)
    tvs.routes = tuple(
        (method, path, guard("tvs", function) if path.startswith(portal_tvs_doors.API) else function)
        for method, path, function in (*portal_tvs_doors.routes(tvs), *portal_tvs_page.Page(tvs, lang).routes)
    )
    return tvs
