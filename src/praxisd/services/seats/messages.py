"""The messages of `praxisd.seats.v1`: what a seat asks, what it is answered, and what it is told unasked.

`docs/reference/seats-protocol.md` says when each is sent. Times are RFC 3339 in UTC. Optional fields that are not there are
left out; a request with an unknown type or field is refused as `seats.bad_message`.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

PROTOCOL = "praxisd.seats.v1"
LONGEST = 65_536
"""Bytes of a message, either way."""
MOST_HOLDS = 500
"""Locks that one session may bring back."""
MOST_SHOWN = 50
"""Sessions of which one `presence` tells who they are; of all others there it says how many they are."""
MOST_ASKED = 200
"""Records of one `who`, entries of one `log`."""

# `$` would let a line end pass.
Id = Annotated[int, Meta(ge=1, le=2**53)]
Record = Annotated[
    str, Meta(pattern=r"^[A-Z][A-Za-z]{0,47}/[A-Za-z0-9\-.]{1,64}\Z", examples=["Patient/muster-erika"])
]
"""`Kind/id`, such as `Patient/abc`."""
Session = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
"""Made by the client, and kept for its life."""
SeatId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9\-.]{1,64}\Z")]
Fence = Annotated[int, Meta(ge=0, le=2**53)]
Person = Annotated[str, Meta(max_length=80)]
Program = Annotated[str, Meta(max_length=40)]
Why = Literal["expired", "taken", "released"]


class _Asked(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", tag_field="type"
):
    """`id` comes back in the answer."""

    id: Id


class _Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", tag_field="type"):
    """What the server says; what is None is left out."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A part of messages."""


# --- parts ---------------------------------------------------------------------------------------------------------------


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lock that a returning session thinks it has."""

    record: Record
    fence: Fence


class Holder(_Part, frozen=True):
    """Who works at a record. `person` is who works there as the seat says; empty where it says nothing."""

    seat: str
    seat_name: str
    session: str
    person: str = field(default="")
    since: str | None = None


class LockHeld(_Part, frozen=True):
    """A lock of this session."""

    record: str
    fence: int
    since: str
    until: str


class LockLost(_Part, frozen=True):
    """A lock that this session no longer has: since when and by whom, where that is known."""

    record: str
    fence: int
    why: Why
    since: str | None = None
    by: Holder | None = None


class SeatIs(_Part, frozen=True):
    """The seat as the register knows it."""

    id: str
    name: str
    viewer: bool


class Announcement(_Part, frozen=True):
    """Maintenance to come: it begins `at` and takes about so many minutes."""

    at: str
    minutes: int
    reason: str


class At(_Part, frozen=True):
    """Who is at one record: the first who came, and how many more."""

    here: tuple[Holder, ...]
    holder: Holder | None = None
    more: int = 0


# --- requests ------------------------------------------------------------------------------------------------------------


class Here(_Asked, frozen=True, tag="here"):
    """The first request: who this is. Programs give `seat` and `signature`, people their browser's name id or nothing."""

    session: Session
    seat: SeatId | None = None
    signature: Annotated[str, Meta(max_length=128)] | None = None
    person: Person = ""
    program: Program = ""
    at: Record | None = None
    holds: Annotated[tuple[Hold, ...], Meta(max_length=MOST_HOLDS)] = ()


class Beat(_Asked, frozen=True, tag="beat"):
    """This session lives; renews its locks."""


class Lock(_Asked, frozen=True, tag="lock"):
    """Take a record's lock, or wait for it."""

    record: Record
    wait: bool = False


class Unwait(_Asked, frozen=True, tag="unwait"):
    """Wait no longer."""

    record: Record


class Release(_Asked, frozen=True, tag="release"):
    """Give a lock back."""

    record: Record
    fence: Fence


class Switch(_Asked, frozen=True, tag="switch"):
    """Give `from` back and take `record`, in one step."""

    from_: Record = field(name="from")
    fence: Fence
    record: Record


class Ask(_Asked, frozen=True, tag="ask"):
    """Ask the holder to finish."""

    record: Record


class Reply(_Asked, frozen=True, tag="reply"):
    """What the holder answers to `session`."""

    record: Record
    session: Session
    answer: Literal["soon", "now", "no"]


class Take(_Asked, frozen=True, tag="take"):
    """Take a lock over from its holder."""

    record: Record
    reason: Literal["absent", "crashed", "urgent", "other"]


class Look(_Asked, frozen=True, tag="at"):
    """This session looks at a record, or at none."""

    record: Record | None


class WhoIs(_Asked, frozen=True, tag="who"):
    """Who is at these records?"""

    records: Annotated[tuple[Record, ...], Meta(max_length=MOST_ASKED)]


class Log(_Asked, frozen=True, tag="log"):
    """Entries for the logbook, each as `logbook.api` reads it."""

    entries: Annotated[list[msgspec.Raw], Meta(max_length=MOST_ASKED)]


class Bye(_Asked, frozen=True, tag="bye"):
    """This session ends; its locks are free at once."""


Request = Here | Beat | Lock | Unwait | Release | Switch | Ask | Reply | Take | Look | WhoIs | Log | Bye
ForDesk = Beat | Lock | Unwait | Release | Switch | Ask | Reply | Take | Look | WhoIs
"""What the desk judges once a session is known (`desk.put`); `here` and `bye` have words of their own there."""

decoder: "msgspec.json.Decoder[Request]" = msgspec.json.Decoder(Request)


# --- answers -------------------------------------------------------------------------------------------------------------


class Answer(_Said, frozen=True, tag="answer"):
    """Done. `id` is the request's; on its own for `bye`, `release`, `unwait`, `ask`, `reply`, `at`."""

    id: int


class Welcome(Answer, frozen=True, tag="answer"):
    """To `here`."""

    seat: SeatIs
    session: str
    interval: int
    mode: Literal["operation", "setup"]
    locks: tuple[LockHeld, ...]
    lost: tuple[LockLost, ...]
    mode_until: str | None = None
    announcement: Announcement | None = None


class Beaten(Answer, frozen=True, tag="answer"):
    """To `beat`: the server's time, and the interval in seconds."""

    now: str
    interval: int


class Locked(Answer, frozen=True, tag="answer"):
    """To `lock`, `switch` and `take`: the lock. To `unwait`: the lock that was granted before it came."""

    lock: LockHeld


class Waiting(Answer, frozen=True, tag="answer"):
    """To `lock` with `wait`, where another holds it: `granted` follows; so many are in front of, and with, this one."""

    waiting: int


class WhoIsThere(Answer, frozen=True, tag="answer"):
    """To `who`: for each record asked for."""

    records: dict[str, At]


class Logged(Answer, frozen=True, tag="answer"):
    """To `log`: all entries up to this number are kept."""

    upto: int


class Refused(_Said, frozen=True, tag="problem"):
    """A refusal. `id` is missing where the request could not be read so far."""

    code: str
    retry: bool
    title: str
    parameters: dict[str, object]
    id: int | None = None


# --- told unasked --------------------------------------------------------------------------------------------------------


class Hello(_Said, frozen=True, tag="hello"):
    """The server's first word. `challenge`: 32 random bytes as base64url, good for one signature on this connection."""

    v: int
    installation: str
    challenge: str
    now: str


class Lost(_Said, frozen=True, tag="lost"):
    """A lock of this session is no longer its own."""

    record: str
    fence: int
    why: Why
    since: str | None = None
    by: Holder | None = None


class Granted(_Said, frozen=True, tag="granted"):
    """The lock this session waited for."""

    record: str
    fence: int
    since: str
    until: str


class Asked(_Said, frozen=True, tag="asked"):
    """Somebody asks this holder to finish."""

    record: str
    by: Holder


class Replied(_Said, frozen=True, tag="replied"):
    """What the holder answered."""

    record: str
    by: Holder
    answer: Literal["soon", "now", "no"]


class Presence(_Said, frozen=True, tag="presence"):
    """Who is at a record now: the first who came, and how many more."""

    record: str
    here: tuple[Holder, ...]
    holder: Holder | None = None
    more: int = 0


class Interval(_Said, frozen=True, tag="interval"):
    """The interval has changed."""

    seconds: int


class Mode(_Said, frozen=True, tag="mode"):
    """The server's mode has changed."""

    mode: Literal["operation", "setup"]
    until: str | None = None


class Announced(_Said, frozen=True, tag="announcement"):
    """Maintenance was announced, or, with null, called off."""

    announcement: Announcement | None


class ByeSaid(_Said, frozen=True, tag="bye"):
    """The server's last word: `draining`, `replaced`, `signed_out`, `revoked`."""

    reason: str


Push = Lost | Granted | Asked | Replied | Presence | Interval | Mode | Announced | ByeSaid
