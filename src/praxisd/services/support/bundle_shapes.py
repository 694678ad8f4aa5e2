"""What the doors of support packages take and give."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.service import Limit


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share: camelCase names."""


class HandoverOut(_Out, frozen=True, kw_only=True):
    """A package left: when, by whom, how (`mail` to `target`, or as a `file`), and what became of it."""

    at: str
    by: str
    way: Literal["mail", "file"]
    target: str
    outcome: Literal["sending", "sent", "unsure", "failed"]


class BundleOut(_Out, frozen=True, kw_only=True):
    """What is known of a package without its lines. `digest`: SHA-256 of its bytes; `file`: what it is called as one."""

    id: str
    created_at: str
    created_by: str
    lines: int
    bytes: int
    digest: str
    file: str


class BundlePage(BundleOut, frozen=True, kw_only=True):
    """A package with some of its lines, as they would leave. `first` is the number of the first one here, from 1."""

    first: int
    text: list[str]
    next: str | None
    handovers: list[HandoverOut]


class LinesQuery(msgspec.Struct, rename="camel", frozen=True):
    """Which lines: at most `limit`, after the one numbered `cursor`."""

    cursor: Annotated[str, Meta(pattern="^[0-9]{1,9}$")] = "0"
    limit: Limit = 200
