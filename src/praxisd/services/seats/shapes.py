"""What the operations of seats take and answer. JSON is camelCase; times are RFC 3339."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.services.seats import rules
from praxisd.services.seats.messages import Announcement, Holder, Record

Name = Annotated[str, Meta(min_length=1, max_length=rules.NAME_MOST)]
Reason = Literal["absent", "crashed", "urgent", "other"]
Occasion = Literal["update", "backup", "move", "other"]
State = Literal["waiting", "approved", "refused", "revoked"]


class _In(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all bodies share: camelCase names, and nothing unknown."""


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share: camelCase names."""


class RegisterIn(_In, frozen=True, kw_only=True):
    """A program asks to be let in. `publicKey`: 32 bytes of Ed25519 as base64url."""

    name: Name
    public_key: Annotated[str, Meta(max_length=64)]
    program: Annotated[str, Meta(max_length=rules.PROGRAM_MOST)] = ""
    viewer: bool = False
    organization: Annotated[str, Meta(max_length=64)] | None = None


class Registered(_Out, frozen=True, kw_only=True):
    """`code` is shown at the seat; whoever approves it compares. `installation` goes into what the seat signs."""

    id: str
    state: State
    code: str
    installation: str


class StateIn(_In, frozen=True, kw_only=True):
    """`signature` by the seat's key over `praxisd.seats.state`, `id` and `now`, each on a line of its own; base64url."""

    id: Annotated[str, Meta(max_length=64)]
    now: Annotated[str, Meta(max_length=40)]
    signature: Annotated[str, Meta(max_length=128)]


class StateOut(_Out, frozen=True, kw_only=True):
    """How far the seat is."""

    state: State
    name: str


class SessionOut(_Out, frozen=True, kw_only=True):
    """One life of a program at a seat, or one tab. `quiet`: its connection broke, or its word is overdue."""

    session: str
    person: str
    connected_at: str
    beat_at: str
    state: Literal["here", "quiet", "gone"]
    locks: int
    at: str | None = None


class SeatOut(_Out, frozen=True, kw_only=True):
    """A seat. `code` while it waits."""

    id: str
    name: str
    kind: Literal["program", "console"]
    viewer: bool
    may_take: bool
    state: State
    program: str
    created_at: str
    seen_at: str | None
    sessions: list[SessionOut]
    code: str | None = None


class SeatsOut(_Out, frozen=True, kw_only=True):
    """One page of seats; `next` is the cursor of the next one."""

    seats: list[SeatOut]
    next: str | None


class ApproveIn(_In, frozen=True, kw_only=True):
    """The code that the seat shows; blanks do not matter."""

    code: Annotated[str, Meta(min_length=6, max_length=16)]


class SeatPatch(_In, frozen=True, kw_only=True):
    """What is to change."""

    name: Name | None = None
    viewer: bool | None = None
    may_take: bool | None = None


class LockOut(_Out, frozen=True, kw_only=True):
    """A lock: `display` is what people call the record, where the caller may know it."""

    record: str
    display: str | None
    holder: Holder
    fence: int
    since: str
    until: str
    waiting: list[Holder]


class LocksOut(_Out, frozen=True, kw_only=True):
    """All locks of the practice."""

    locks: list[LockOut]


class TakeAwayIn(_In, frozen=True, kw_only=True):
    """Which lock is taken away, and why."""

    record: Record
    reason: Reason


class TakenAway(_Out, frozen=True, kw_only=True):
    """The lock is free; `granted`: it went to somebody who waited."""

    record: str
    granted: bool


class WorkOut(_Out, frozen=True, kw_only=True):
    """Somebody who works now."""

    seat: str
    person: str
    locks: int


class StateOfSeats(_Out, frozen=True, kw_only=True):
    """Mode, interval in seconds, announced maintenance, who works."""

    mode: Literal["operation", "setup"]
    mode_until: str | None
    interval: int
    announcement: Announcement | None
    begins: bool
    working: list[WorkOut]


class ModeIn(_In, frozen=True, kw_only=True):
    """The mode wanted; set-up ends by itself after so many hours."""

    mode: Literal["operation", "setup"]
    hours: Annotated[int, Meta(ge=1, le=rules.SETUP_HOURS)] = rules.SETUP_HOURS


class AnnouncementIn(_In, frozen=True, kw_only=True):
    """Maintenance to come: when, for how long, why; with `begin` the doors close by themselves at that time."""

    at: Annotated[str, Meta(max_length=40)]
    minutes: Annotated[int, Meta(ge=1, le=rules.MINUTES_MOST)]
    reason: Occasion
    begin: bool = False
