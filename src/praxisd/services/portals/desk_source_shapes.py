"""REST shapes of the sources of bookings: mailboxes, watched folders, addresses of ours."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.services.portals.desk_shapes import Id, In, Out

Name = Annotated[str, Meta(min_length=1, max_length=120)]
Value = Annotated[str, Meta(max_length=500)]


class SourceIn(In, frozen=True, kw_only=True):
    """A source. `kind` `mailbox` has the fields mailbox (`imap` or `folder`), folder, imap_server, imap_port, imap_login,
    imap_inbox, imap_done, certificate and the secret imap_password; `folder` has folder; `hook` has none.

    `portal`: whose bookings these are. `schedule`, `service`: what is meant where a message names none. Secrets that are
    not named stay; an empty one is removed.
    """

    name: Name
    kind: Literal["mailbox", "folder", "hook"]
    active: bool = False
    portal: Id | None = None
    schedule: Id | None = None
    service: Id | None = None
    fields: dict[Annotated[str, Meta(max_length=40)], Value] = msgspec.field(default_factory=dict)
    secrets: dict[Annotated[str, Meta(max_length=40)], Value] = msgspec.field(default_factory=dict)
    new_address: bool = False


class SourceProblem(Out, frozen=True, kw_only=True):
    """Why the source cannot be read."""

    code: str
    title: str
    cause: str
    solution: str


class SourceState(Out, frozen=True, kw_only=True):
    """How reading goes. `taken`: messages of all time."""

    good_at: str | None
    failures: int
    taken: int
    problem: SourceProblem | None


class SourceOut(Out, frozen=True, kw_only=True):
    """A source as it is kept. `address`: where a hook is to be called; only in the answer that made it."""

    id: str
    version: int
    name: str
    kind: str
    active: bool
    portal: str | None
    schedule: str | None
    service: str | None
    fields: dict[str, str]
    secrets_set: list[str]
    address: str | None
    state: SourceState


class Sources(Out, frozen=True, kw_only=True):
    """All sources, by name."""

    sources: list[SourceOut]


class Tried(Out, frozen=True, kw_only=True):
    """What lies there now, and of how much of it (at most 20 were looked at) the time could be read."""

    found: int
    readable: int
