"""What the operations of remote support take and answer. JSON is camelCase; times are RFC 3339."""

from typing import Annotated

import msgspec
from msgspec import Meta

from praxisd.kernel.service import Cursor, Limit
from praxisd.services.support import remote_rules as rules


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share: camelCase names."""


class GrantIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is let in, for what, and for how long."""

    name: Annotated[str, Meta(min_length=1, max_length=rules.NAME_MOST)]
    purpose: Annotated[str, Meta(min_length=1, max_length=rules.PURPOSE_MOST)]
    minutes: Annotated[int, Meta(ge=rules.MINUTES_LEAST, le=rules.MINUTES_MOST)]


class Nothing(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An empty body."""


class RecordQuery(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of the record, newest first."""

    cursor: Cursor | None = None
    limit: Limit = 100


class GrantOut(_Out, frozen=True, kw_only=True):
    """A grant. `state` is waiting, inside or over; `endedBy` is the name of a person, or None where the time ran out."""

    id: str
    state: str
    name: str
    purpose: str
    granted_by: str
    granted_at: str
    until: str
    entered_at: str | None
    entered_from: str | None
    ended_at: str | None
    ended_by: str | None


class GrantMade(_Out, frozen=True, kw_only=True):
    """A grant with its code, shown this once. `outside`: the address leads through the relay; else it is good in the
    practice's own network only.
    """

    grant: GrantOut
    address: str
    outside: bool
    code: str


class NowOut(_Out, frozen=True, kw_only=True):
    """The grant that holds now, if one does, and what the caller may do about it."""

    grant: GrantOut | None
    may_end: bool
    may_grant: bool


class GrantsOut(_Out, frozen=True, kw_only=True):
    """The newest grants first."""

    grants: list[GrantOut]


class ActOut(_Out, frozen=True, kw_only=True):
    """One line of the record. `kind`: `look` and `do` are operations of the partner, `frame` those that every page of
    the console asks for by itself (`count` of them until `last`; `status` is what they were answered, `refusal` says why in
    words), `change` is what came of it, `grant` the course of things. `about`: what an operation is for, in plain words; empty
    where everyone may call it.
    """

    number: int
    at: str
    last: str
    kind: str
    text: str
    about: str
    area: str
    operation: str
    count: int
    status: int
    refusal: str


class RecordOut(_Out, frozen=True, kw_only=True):
    """A page of the record, newest first."""

    grant: GrantOut
    acts: list[ActOut]
    next: str | None
