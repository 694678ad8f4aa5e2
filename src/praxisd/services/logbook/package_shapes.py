"""What the doors of packages and standing orders take and give."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.service import Cursor, Limit
from praxisd.services.logbook.entries import Level
from praxisd.services.logbook.shapes import Filter, Levels, Moment, Sources, _In, _Out

Digest = Annotated[str, Meta(min_length=64, max_length=64)]
To = Annotated[str, Meta(max_length=254)]
State = Literal["draft", "sending", "sent", "unsure", "failed"]


class PackageIn(Filter, frozen=True):
    """What goes into a package: as a search."""


class DropIn(_In, frozen=True):
    """Lines to leave out, by number; `sha256` of what was shown."""

    sha256: Digest
    drop: Annotated[list[Annotated[int, Meta(ge=1, le=20_000)]], Meta(min_length=1, max_length=20_000)]


class SendIn(_In, frozen=True):
    """Send what was shown: its `sha256`. `to` empty: the service partner."""

    sha256: Digest
    by: Literal["mail"] = "mail"
    to: To = ""


class PackageOut(_Out, frozen=True):
    """A package. `order` is empty for what a person made; `code` and `detail` say why it is unsure or failed."""

    id: str
    created_at: str
    created_by: str
    from_: str = msgspec.field(name="from")
    to: str
    sources: list[str]
    levels: list[Level]
    lines: int
    dropped: int
    bytes: int
    sha256: str
    file: str
    order: str
    state: State
    target: str
    sent_at: str | None
    sent_by: str
    code: str | None
    title: str | None
    detail: str


class LineOut(_Out, frozen=True):
    """A line as it leaves. `marks`: [start, end) of placeholders in its characters; number 0 is the head."""

    number: int
    text: str
    marks: list[tuple[int, int]]


class PackagePage(PackageOut, frozen=True):
    """A package with some of its lines."""

    text: list[LineOut]
    next: str | None


class PackagesOut(_Out, frozen=True):
    """Packages, newest first."""

    packages: list[PackageOut]
    next: str | None


class LinesQuery(msgspec.Struct, rename="camel", frozen=True):
    """Which lines: at most `limit`, from number `cursor` on."""

    cursor: Annotated[str, Meta(pattern="^[0-9]{1,9}$")] = "0"
    limit: Limit = 200


class PackagesQuery(msgspec.Struct, rename="camel", frozen=True):
    """A page of packages; with `order` those of one standing order."""

    cursor: Cursor | None = None
    limit: Limit = 50
    order: Annotated[str, Meta(max_length=64)] | None = None


def _grave() -> list[Level]:
    return ["warning", "error"]


class OrderIn(_In, frozen=True):
    """A standing order: what, to whom (empty: the service partner), until when (at most a year)."""

    until: Moment
    to: To = ""
    levels: Levels = msgspec.field(default_factory=_grave)
    sources: Sources = msgspec.field(default_factory=list)


class OrderOut(_Out, frozen=True):
    """A standing order. `why` it ended: withdrawn, over, person; empty while it stands."""

    id: str
    created_at: str
    created_by: str
    to: str
    levels: list[Level]
    sources: list[str]
    until: str
    ended_at: str | None
    ended_by: str
    why: str


class OrdersOut(_Out, frozen=True):
    """All orders there ever were, the newest first."""

    orders: list[OrderOut]
