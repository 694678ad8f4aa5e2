"""What goes over the wire about ports."""

from typing import Annotated, Literal

import msgspec

from praxisd.model.requirement import Role

State = Literal[
    "open", "closed", "filtered", "wrong_answer", "listening", "not_listening", "taken", "undetermined"
]
Direction = Literal["out", "in", "listen"]
Protocol = Literal["tcp", "udp", ""]
How = Literal["plain", "tls", "trusted", "http"]
_Source = Annotated[str, msgspec.Meta(max_length=63)]
_Row = Annotated[str, msgspec.Meta(min_length=3, max_length=130)]
_Why = Annotated[str, msgspec.Meta(max_length=40, pattern="^[a-z_]*$")]
Seat = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$")]
"""The name of the computer on which somebody tried."""
PortNumber = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class PortsQuery(msgspec.Struct, frozen=True, rename="camel"):
    """`source`: only the rows of this product (used here or not) or of `praxisd`; else all of this practice."""

    source: _Source | None = None


class PortResultOut(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What was found. `direction`: `out` tried from here, `in` tried by the computer `host` at this one, `listen` heard here.

    `why` says what lies behind it or why it is undetermined, `text` the same in words. `program` listens, or is the service
    that should. `at` is null for what holds now.
    """

    direction: Direction
    host: str
    port: int | None
    state: State
    why: str
    text: str
    program: str
    at: str | None


class PortRowOut(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One row of the port list with what was found; `state` is the worst of it. `roles`: what this machine is for it."""

    id: str
    source: str
    source_name: str
    service: str
    protocol: Protocol
    ports: tuple[str, ...]
    ports_text: str
    in_: bool = msgspec.field(name="in")
    out: bool
    internal: bool
    external: bool
    targets: tuple[str, ...]
    target_text: str
    hosts: tuple[str, ...]
    inspection: tuple[str, ...]
    programs: tuple[str, ...]
    note: str | None
    question: str | None
    roles: tuple[Role, ...]
    state: State
    why: str
    text: str
    results: tuple[PortResultOut, ...]


class PortsOut(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The port list of this practice. `host` is this machine; `tested_at` when connections were last tried from here."""

    host: str
    tested_at: str | None
    rows: tuple[PortRowOut, ...]


class PortsTestIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """`external`: also try what lies in the Internet; the makers of the products see then that somebody called."""

    external: bool = False
    source: _Source | None = None


class KnockOut(msgspec.Struct, frozen=True, rename="camel"):
    """One connection for a seat to try at the server: `how` says what must happen on it."""

    row: str
    port: int
    how: How


class KnocksOut(msgspec.Struct, frozen=True, rename="camel"):
    """All of them, and how the server is called."""

    host: str
    knocks: tuple[KnockOut, ...]


class KnockedIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a seat found at one port."""

    row: _Row
    port: PortNumber
    state: Literal["open", "closed", "filtered", "wrong_answer", "undetermined"]
    why: _Why = ""


class KnockedAllIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a seat found. Rows and ports that were not to be tried are refused."""

    seat: Seat
    results: Annotated[tuple[KnockedIn, ...], msgspec.Meta(max_length=500)]


class KnockedOut(msgspec.Struct, frozen=True, rename="camel"):
    """How many results were taken."""

    taken: int
