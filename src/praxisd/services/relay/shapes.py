"""What the relay's operations take and give."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Phase = Literal[
    "off", "absent", "starting", "resolving", "dialling", "proving", "up", "silent", "waiting", "refused"
]
"""`off`: not to be used; `absent`: nobody is enrolled; `starting`: about to dial; else that of the best link."""
Text = Annotated[str, Meta(max_length=64)]


class LinkOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One link to a hub. Times are RFC 3339 in the practice's zone; `code` and `title` say why it is not up."""

    hub: str
    phase: str
    since: str
    rtt_ms: int | None
    streams: int
    retry_at: str | None
    code: str | None
    title: str | None


class CertificateOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The certificate that guests see. `spki`, `next_spki`: pins, base64url SHA-256 of the public key now and next.

    `chain` is PEM, leaf first: what a portal trusts where no public authority vouches for it.
    """

    source: str
    not_after: str | None
    names: list[str]
    chain: str
    spki: str
    next_spki: str | None
    code: str | None
    title: str | None


class RelayOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """How the relay stands. `connected`: a link is up and answers; `reachable`: the last call from outside came to us,
    null before the first; `code` with its words: what is wrong now. `previous`: names from before a change of key.
    """

    enabled: bool
    enrolled: bool
    phase: Phase
    connected: bool
    reachable: bool | None
    since: str | None
    node: str | None
    id: str | None
    hub: str | None
    host: str | None
    url: str | None
    previous: list[str]
    pins: list[str]
    links: list[LinkOut]
    probed_at: str | None
    code: str | None
    title: str | None
    cause: str | None
    solution: str | None
    certificate: CertificateOut | None
    console: bool


class EnrolIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The invitation as the operator handed it out. `replace`: yes, in place of what exists."""

    invitation: Annotated[str, Meta(min_length=1, max_length=600)]
    replace: bool = False


class LeaveIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`confirm` must be true: the name is lost for good."""

    confirm: Literal[True]


class EnabledIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Use the relay or not."""

    enabled: bool


class TryIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to call ourselves with from outside. It is kept nowhere."""

    key: Annotated[str, Meta(min_length=1, max_length=300)]


class TryOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What came back: HTTP status and milliseconds; `ok` false with the reason in words."""

    ok: bool
    status: int | None
    ms: int
    code: str | None
    title: str | None
    cause: str | None
    solution: str | None
