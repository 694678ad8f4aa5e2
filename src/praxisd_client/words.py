"""The words of the protocol as Python values, and the two clocks."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

PROTOCOL = "praxisd.seats.v1"
Answer = Literal["soon", "now", "no"]
Reason = Literal["absent", "crashed", "urgent", "other"]

_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)


def elapsed() -> float:
    """Seconds on a clock that nobody sets, and which goes on while the computer sleeps where the system has one."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


def moment(text: Any) -> datetime | None:
    """An RFC 3339 time of the server."""
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who works at a record. `person` is for colleagues to read: keep it out of logs."""

    seat: str
    seat_name: str
    session: str
    person: str = ""
    since: datetime | None = None

    @staticmethod
    def of(told: Any) -> "Holder | None":
        """From a message; None for what is none."""
        if not isinstance(told, dict):
            return None
        return Holder(
            str(told.get("seat", "")),
            str(told.get("seatName", "")),
            str(told.get("session", "")),
            str(told.get("person", "")),
            moment(told.get("since")),
        )


@dataclass(frozen=True, slots=True)
class Loss:
    """What became of a lock: `expired`, `taken` (by a person, with a reason), `released`, or `replaced`."""

    record: str
    fence: int
    why: str
    since: datetime | None = None
    by: Holder | None = None

    @staticmethod
    def of(told: dict[str, Any]) -> "Loss":
        """From a message."""
        since, by = moment(told.get("since")), Holder.of(told.get("by"))
        return Loss(str(told["record"]), int(told["fence"]), str(told["why"]), since, by)


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is at a record now: the first who came, and how many `more`."""

    record: str
    here: tuple[Holder, ...] = ()
    holder: Holder | None = None
    more: int = 0

    @staticmethod
    def of(record: str, told: dict[str, Any]) -> "Presence":
        """From a message."""
        here = tuple(one for one in map(Holder.of, told.get("here", ())) if one is not None)
        return Presence(record, here, Holder.of(told.get("holder")), int(told.get("more", 0)))


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody asks the holder of a record to finish (`answer` empty), or was answered."""

    record: str
    by: Holder | None
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Announcement:
    """Maintenance begins `at` and takes about so many minutes."""

    at: datetime | None
    minutes: int
    reason: str

    @staticmethod
    def of(told: Any) -> "Announcement | None":
        """From a message."""
        if not isinstance(told, dict):
            return None
        return Announcement(moment(told.get("at")), int(told.get("minutes", 0)), str(told.get("reason", "")))


@dataclass(frozen=True, slots=True)
class Status:
    """Where a seat stands. `connected` False: what is held may run out; `waiting_entries`: of the log, not yet sent."""

    connected: bool
    session: str
    seat: str = ""
    name: str = ""
    viewer: bool = False
    interval: int = 0
    mode: str = "operation"
    mode_until: datetime | None = None
    announcement: Announcement | None = None
    locks: dict[str, int] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    waiting_entries: int = 0
    reconnects: int = 0
