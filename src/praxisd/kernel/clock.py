"""Time: one clock, whole epoch seconds in UTC inside, RFC 3339 with an offset at the edges.

Leap seconds do not exist here (POSIX time). Problems: `clock.unknown_zone`, `clock.naive_time`,
`clock.bad_time`.
"""

import calendar
import re
import time
from datetime import UTC, date, datetime, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from praxisd.kernel.errors import Problem

FIRST_YEAR = 1900
LAST_YEAR = 2200

_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,30})?"
    r"(?:([Zz])|([+-])([0-9]{2}):([0-9]{2}))?"
)
_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Z][A-Za-z0-9_+-]*){0,2}")


class Clock(Protocol):
    """What the time is. `frozen` clocks stand still, so the database's own clock must not be asked beside
    them.
    """

    @property
    def frozen(self) -> bool:
        """True if the time only moves when someone moves it."""
        ...

    def now(self) -> int:
        """Epoch seconds, UTC, rounded down."""
        ...

    def now_ms(self) -> int:
        """Epoch milliseconds, UTC, rounded down."""
        ...

    def monotonic(self) -> float:
        """Seconds since some start; never goes back. For durations only."""
        ...


class SystemClock:
    """The computer's clock."""

    frozen = False

    def now(self) -> int:
        """Epoch seconds, UTC, rounded down."""
        return time.time_ns() // 1_000_000_000

    def now_ms(self) -> int:
        """Epoch milliseconds, UTC, rounded down."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds since some start; never goes back."""
        return time.monotonic()


class FrozenClock:
    """A clock for tests and the sample practice: it moves when it is told to."""

    frozen = True

    def __init__(self, epoch: float) -> None:
        self._ms = round(epoch * 1000)
        self._elapsed_ms = 0

    def now(self) -> int:
        """Epoch seconds, UTC, rounded down."""
        return self._ms // 1000

    def now_ms(self) -> int:
        """Epoch milliseconds, UTC."""
        return self._ms

    def monotonic(self) -> float:
        """Seconds it was advanced by; `set` does not count, just as setting a computer's clock does not."""
        return self._elapsed_ms / 1000

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass. ValueError if negative: use `set` to go back."""
        if seconds < 0:
            raise ValueError("time passes forwards; use set()")
        step = round(seconds * 1000)
        self._ms += step
        self._elapsed_ms += step

    def set(self, epoch: float) -> None:
        """Set the time of day, forwards or back, without time passing."""
        self._ms = round(epoch * 1000)


def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name such as `Europe/Zurich`; Problem `clock.unknown_zone` (400) otherwise."""
    # Folders with leap seconds ("right/…") and links to the machine's own zone are no names of the database.
    if len(name) <= 64 and _ZONE.fullmatch(name) and name != "Factory":
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass
    raise Problem("clock.unknown_zone", 400)


def parse_rfc3339(text: str, field: str = "time") -> int:
    """Epoch seconds of an RFC 3339 date-time; fractions of a second are cut off.

    The offset is required: without one it is Problem `clock.naive_time`. Anything else that is no such time,
    `24:00`, a leap second, or a year outside 1900 to 2200 is Problem `clock.bad_time`. Both are 400 and name
    `field`, never the text. The plus sign of an offset that arrives as a space (an address that was not
    encoded) is not guessed.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise Problem("clock.bad_time", 400, field=field)
    year, month, day, hour, minute, second = (int(match[n]) for n in range(1, 7))
    try:
        datetime(year, month, day, hour, minute, second)
    except ValueError:
        raise Problem("clock.bad_time", 400, field=field) from None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Problem("clock.bad_time", 400, field=field)
    offset = 0
    if match[8]:
        hours, minutes = int(match[9]), int(match[10])
        if hours > 23 or minutes > 59:
            raise Problem("clock.bad_time", 400, field=field)
        offset = (hours * 60 + minutes) * (60 if match[8] == "+" else -60)
    elif not match[7]:
        raise Problem("clock.naive_time", 400, field=field)
    return calendar.timegm((year, month, day, hour, minute, second)) - offset


def format_rfc3339(epoch: int, zone: tzinfo = UTC) -> str:
    """`2026-11-22T09:00:00+01:00`: the instant in `zone`, always with a numeric offset.

    Local mean times of the past have offsets with seconds, which RFC 3339 cannot write: those come out in
    UTC.
    """
    local = datetime.fromtimestamp(epoch, zone)
    offset = local.utcoffset()
    if offset is not None and offset.seconds % 60:
        local = datetime.fromtimestamp(epoch, UTC)
    return local.isoformat(timespec="seconds")


def local_date(epoch: int, zone: tzinfo) -> date:
    """The calendar day on which the instant falls in `zone`."""
    return datetime.fromtimestamp(epoch, zone).date()
