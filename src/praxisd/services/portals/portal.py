"""Contract with the outside: a Portal is a booking system elsewhere, spoken to through one adapter with one account.

Promises of every adapter (`testing/portal_suite.py` holds each of them to these):

1. What it is given of the practice's calendar are `Busy(start, end)` alone (SPEC 3.4): there is no field for anything
   else, so nothing else can be sent. The names of calendars are the portal's own.
2. `upload` gives the *whole* busy time of the period; afterwards the portal shows exactly that as taken, whatever it had
   before. Twice the same is the same. It raises unless the portal has said yes to all of it.
3. `upload` and `answer` write nothing after `before` (epoch seconds), looked at right before each request leaves.
4. `fetch` gives each booking again until its mark is kept; the same booking carries the same `id` for ever.
5. It never asks more often than it is called, follows no redirect, and raises nothing but `Problem` with a code of
   `CODES`; `retry` tells whether trying again without a person makes sense. No address, key or text stands in it.
   One booking, blocker or hour that cannot be read does not keep the others.
6. It remembers only through `Memory`: JSON values, kept by the caller after the call that wrote them returned.

Adapters are plain and synchronous and hold no transaction. Sources: SPEC 3.1–3.5, seed 001.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from praxisd.model.portals import Told
from praxisd.model.scheduling import Busy

UNKNOWN_HOST = "portals.name_unknown"
UNREACHABLE = "portals.unreachable"
TIMEOUT = "portals.timeout"
TLS_FAILED = "portals.encryption_failed"
KEY_REFUSED = "portals.key_refused"
ADDRESS_WRONG = "portals.address_wrong"
CALENDAR_UNKNOWN = "portals.calendar_unknown"
ANSWER_UNREADABLE = "portals.answer_unreadable"
ANSWER_LOST = "portals.answer_lost"
REFUSED = "portals.refused"
TOO_OFTEN = "portals.too_often"
FAILING = "portals.portal_failing"
BOOKING_GONE = "portals.booking_gone"
CODES = (
    UNKNOWN_HOST, UNREACHABLE, TIMEOUT, TLS_FAILED, KEY_REFUSED, ADDRESS_WRONG, CALENDAR_UNKNOWN, ANSWER_UNREADABLE,
    ANSWER_LOST, REFUSED, TOO_OFTEN, FAILING, BOOKING_GONE,
)  # fmt: skip
"""What can go wrong with a portal, each with its own title, cause and solution (done when 6 of issue 5)."""


@dataclass(frozen=True, slots=True)
class Account:
    """How a practice is known to a portal: the fields of the adapter's form, secrets opened. `zone`: IANA name."""

    id: str
    values: dict[str, str]
    zone: str


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end) in epoch seconds: what the portal wants to know about."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking made at the portal. `cancelled`: the patient cancelled it there. `kind`: the portal's appointment type.

    `end` None: the portal does not say how long. `start` None: it says so in a way that cannot be read; `original` is then
    what it wrote, for a person to read, as it is wherever something of a booking could not be read.
    """

    id: str
    calendar: str
    start: int | None
    end: int | None
    told: Told
    kind: str = ""
    note: str = ""
    cancelled: bool = False
    original: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A time offered at the portal of which we know nothing; a person decides what becomes of it."""

    id: str
    calendar: str
    start: int
    end: int
    version: str = ""


@dataclass(frozen=True, slots=True)
class Blocker:
    """Busy time that was entered at the portal: taken here too (without a title).

    `unread`: it is there, but its times (0 here) could not be read; what was known of it stays.
    """

    id: str
    start: int
    end: int
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came in. `mark` goes into the next `fetch` once everything is kept; None: keep the old one."""

    bookings: tuple[Booking, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The practice's decision on a booking. `proposed` and `moved` carry the new time; `reason` is one of our codes."""

    booking: str
    kind: Literal["accepted", "refused", "proposed", "moved", "cancelled"]
    start: int | None = None
    end: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an adapter can do. `names`: lists its calendars. `hours`: tells when it offers times. `bookings`: `fetch` gives
    some. `answers`: takes our decisions. `blockers`: busy times may be entered there. `offers`: times are offered one by one
    (`offer`, `settle`). `fetch_s`: least seconds between two `fetch`.
    """

    names: bool = False
    hours: bool = False
    bookings: bool = False
    answers: bool = False
    blockers: bool = False
    offers: bool = False
    fetch_s: int = 60


class Memory(Protocol):
    """What an adapter may remember from one call to the next, per account."""

    def get(self, key: str) -> Any:
        """A JSON value, or None."""
        ...

    def put(self, key: str, value: Any) -> None:
        """Remember; None forgets."""
        ...


class Portal(Protocol):
    """One booking system, with one account. See the promises above."""

    @property
    def abilities(self) -> Abilities:
        """What can be asked of it."""
        ...

    def names(self) -> tuple[str, ...] | None:
        """The names of its calendars, asked now; None where it does not tell. Proves that address and key are right."""
        ...

    def period(self, calendar: str) -> Period:
        """Which period it wants to know about; `portals.calendar_unknown` (not retry) for a name it does not have."""
        ...

    def upload(self, calendar: str, period: Period, busy: Sequence[Busy], before: float) -> int:
        """Make these the taken times of the period, all of them; how many the portal took."""
        ...

    def hours(self, calendar: str, period: Period) -> tuple[Busy, ...] | None:
        """When it offers times to patients, or None where it does not tell."""
        ...

    def fetch(self, mark: str | None) -> Fetched:
        """Bookings, cancellations and unknown times since the mark (None: all that still lie ahead)."""
        ...

    def answer(self, reply: Reply, before: float) -> None:
        """Tell a decision. Told twice is told once; `portals.booking_gone` (not retry) if it does not know the booking."""
        ...

    def blockers(self, calendar: str, period: Period) -> tuple[Blocker, ...]:
        """Busy times entered at the portal."""
        ...

    def offer(self, calendar: str, times: Sequence[Busy], before: float) -> tuple[str | None, ...]:
        """Offer times one by one; for each the code why it was not taken, or None."""
        ...

    def settle(self, unknown: Unknown, choice: Literal["delete", "again", "keep"], before: float) -> None:
        """Do with an unknown time what a person chose: delete it there, delete it and offer ours anew, keep it."""
        ...


__all__ = (
    "CODES", "Abilities", "Account", "Blocker", "Booking", "Busy", "Fetched", "Memory", "Period",
    "Portal", "Reply", "Unknown",
)  # fmt: skip
