"""Service: one frozen declaration of all that a slice adds to the house. Data only, no behaviour.

`registry.freeze()` checks every declaration at start, so that a misspelt event or a route without a
permission fails then and not at night.
"""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import msgspec

from praxisd.kernel.finding import Check as Check
from praxisd.kernel.finding import Finding as Finding
from praxisd.kernel.finding import Fix as Fix
from praxisd.kernel.finding import Severity as Severity
from praxisd.kernel.sessions import NOBODY, Visit
from praxisd.kernel.sockets import Line as Line
from praxisd.kernel.sockets import Socket as Socket
from praxisd.kernel.sockets import Talk as Talk

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from praxisd.kernel.access import Actor
    from praxisd.kernel.app import House
    from praxisd.kernel.console import ConsolePage, Listing, SetupStep
    from praxisd.kernel.store import Tx


EVENT_STREAM = "text/event-stream"


class Scope(enum.StrEnum):
    """Whose setting it is."""

    INSTALLATION = "installation"
    ORGANIZATION = "organization"
    SEAT = "seat"
    USER = "user"


class Retention(enum.StrEnum):
    """How long events of a type are kept; `audit` cannot be cleared by anyone."""

    ACTIVITY = "activity"
    CHANGE = "change"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Setting:
    """One typed setting. `key` is `<service>.<name>`; `kind` is bool, int, str or a tuple of allowed words.

    `low`/`high` are inclusive bounds (int) or lengths (str); `unit` is a word of the texts (`seconds`,
    `days`). Label and help are texts `<key>.label` and `<key>.help`. `check(value)` raises `settings.invalid` for what
    does not fit by itself; `agrees(value, get)` a Problem for what does not fit the other settings, which `get(key)` reads.
    """

    key: str
    kind: type | tuple[str, ...]
    default: bool | int | str
    scope: Scope = Scope.ORGANIZATION
    low: int | None = None
    high: int | None = None
    unit: str | None = None
    check: Callable[[Any], None] | None = None
    agrees: Callable[[Any, Callable[[str], Any]], None] | None = None


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event, `<noun>.<past participle>`; its sentence is the text `event.<name>`.

    `live` False keeps it out of the live stream: it tells who looked, and nothing that would be shown otherwise.
    `alert`: something went wrong; the activity list counts and marks it.
    """

    name: str
    retention: Retention = Retention.CHANGE
    live: bool = True
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Handler:
    """A subscriber: called once per event (in order, its cursor commits with its effect), must be idempotent."""

    name: str
    events: tuple[str, ...]
    call: "Callable[[House, Tx, Any], None]"


@dataclass(frozen=True, slots=True)
class JobType:
    """A named function of a service; users set when it runs. `plan` is the schedule it starts with.

    `call(run)` gets a `kernel.jobs.RunContext`. `missed` is the policy for runs missed while off: `none`, `once` or `all`.
    `per` says whether one run serves the installation or each organization. `follows` are the jobs that should have run
    before this one: people are warned where the plans say otherwise. `uncut`: planned restarts and updates wait for its end.
    """

    name: str
    call: Callable[[Any], None]
    plan: Any
    enabled: bool = False
    missed: str = "once"
    beside: tuple[str, ...] = ()
    per: Scope = Scope.ORGANIZATION
    follows: tuple[str, ...] = ()
    uncut: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a route function sees it. `query` and `body` are decoded structs, `path` the path parameters.

    `visit` tells who sits there and with which session; for programs with a key it is empty.
    """

    house: "House"
    actor: "Actor"
    path: Mapping[str, str]
    query: Any
    body: Any
    lang: str
    tx: "Tx | None" = None
    if_match: int | None = None
    fence: int | None = None
    prepared: Any = None
    base_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    visit: Visit = NOBODY

    def read(self) -> "AbstractContextManager[Tx]":
        """A read-only view as the caller."""
        return self.house.store.read(self.actor)

    @property
    def writing(self) -> "Tx":
        """The open write transaction; only in functions of write routes."""
        if self.tx is None:
            raise RuntimeError("this operation was declared without a write transaction")
        return self.tx


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route function answers: a struct (encoded as JSON), its version as ETag, or prepared bytes."""

    body: Any = None
    status: int = 200
    version: int | None = None
    etag: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes with their media type, for answers that are not JSON (a calendar feed, a PDF, a page)."""

    data: bytes
    media_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filed:
    """An answer that lies in an open file, from where it stands to its end: sent piece by piece, and closed then.

    For what may be large: made with `tempfile.TemporaryFile`, it leaves nothing behind, whatever happens on the way.
    """

    file: BinaryIO
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """Server-sent events to one caller for as long as both want: what changed in its organization after event `since`.

    None: from now on. The door sends and re-checks the caller; nothing of a service runs meanwhile. Only a `quick`
    route may answer it, declared with the media type `text/event-stream`.
    """

    since: int | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One REST operation under `/api/v1` (or at the root with `root=True`).

    `permission` None means open to anyone who knows the address and must be justified in `why_open`.
    `problems` lists every (status, code) the operation may answer beside the general ones; the OpenAPI
    document and the tests are made from it. `name` is `noun.verb` in camelCase: the operationId and the label
    of the metrics. For a `write` route the door opens the write transaction, applies
    the Idempotency-Key rule inside it and hands it over as `call.tx`; slow work without the store (hashing)
    goes into `prepare(call)`, which runs before and whose result is `call.prepared`. With
    `transaction=False` the route opens its own short ones and takes no Idempotency-Key.
    `quick(call)` may answer from memory on the event loop, or return None to let `call` run in a thread.
    `raw`: foreign programs call in a form of their own; `call.body` is bytes and `call.query` a dict of texts, unchecked.
    `inside`: for people in the practice; guests of the relay find nothing there unless the console is open to them.
    `exempt`: maintenance does not close it. `safe`: it is there in safe mode too (SPEC 7.2).
    `upload(call)`: the body is a file of at most so many bytes; `call.body` is its path, gone once it is answered (without
    `transaction`).
    """

    method: str
    path: str
    name: str
    call: Callable[[Call], Any]
    permission: str | None
    answer: Any = None
    query: type | None = None
    body: type | None = None
    status: int = 200
    problems: tuple[tuple[int, str], ...] = ()
    why_open: str = ""
    root: bool = False
    media_type: str = "application/json"
    quick: Callable[[Call], Any] | None = None
    prepare: Callable[[Call], Any] | None = None
    transaction: bool = True
    raw: bool = False
    inside: bool = False
    exempt: bool = False
    safe: bool = False
    upload: Callable[[Call], int] | None = None
    tags: tuple[str, ...] = ()

    @property
    def write(self) -> bool:
        """True for methods that change something."""
        return self.method in ("POST", "PUT", "PATCH", "DELETE")

    @property
    def streams(self) -> bool:
        """True if the answer is a Stream."""
        return self.media_type == EVENT_STREAM


@dataclass(frozen=True, slots=True)
class SearchParam:
    """A FHIR search parameter of a resource: name and type (token, reference, date, string)."""

    name: str
    type: str
    definition: str = ""
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FhirResource:
    """How a service shows one FHIR type on the door `/fhir/R4`. Functions deal in plain FHIR JSON dicts.

    `read(call, id)` -> dict or Problem 404; `search(call, query)` -> `FhirPage`; `create(call, dict)` and
    `update(call, id, dict)` -> dict; `patch(call, id, change)` -> dict, where `change(dict) -> (dict, touched elements)`
    applies the client's patch (unchecked: `patch` checks the result); `operations` are `FhirOperation`s. `raw(call, id)`
    gives the content as itself (Binary); `create` of such a type may also get `(media type, bytes)` instead of a dict, and
    `create_bytes(call)` says how large its body may be, where that is more than the general limit.
    Each interaction has its permission. `call.base_url` is the address of the FHIR door. Functions may raise
    `model.fhir_errors.FhirError` beside Problem.
    """

    type: str
    read: Callable[[Call, str], dict[str, Any]]
    search: Callable[[Call, Any], "FhirPage"]
    read_permission: str
    params: tuple[SearchParam, ...]
    includes: tuple[str, ...] = ()
    revincludes: tuple[str, ...] = ()
    profile: str | None = None
    create: Callable[[Call, dict[str, Any]], "FhirAnswer"] | None = None
    create_permission: str | None = None
    update: Callable[[Call, str, dict[str, Any]], "FhirAnswer"] | None = None
    update_permission: str | None = None
    patch: Callable[..., "FhirAnswer"] | None = None
    patch_permission: str | None = None
    operations: "tuple[FhirOperation, ...]" = ()
    raw: Callable[[Call, str], Raw | None] | None = None
    create_bytes: Callable[[Call], int] | None = None
    searchable: bool = True


@dataclass(frozen=True, slots=True)
class FhirOperation:
    """A `$operation` on a type: name with the dollar sign, canonical definition, permission, function."""

    name: str
    definition: str
    permission: str
    call: Callable[[Call, dict[str, Any]], "FhirAnswer"]
    respond_async: bool = False


@dataclass(frozen=True, slots=True)
class FhirPage:
    """One page of a search: resources as dicts, the total if known, and the cursor of the next page."""

    resources: Sequence[dict[str, Any]]
    total: int | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class FhirAnswer:
    """Answer of a FHIR write: status, resource, version, created location."""

    status: int
    resource: dict[str, Any] | None = None
    version: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """Something a command does: `call(house, args) -> dict`, run in the server if one is up, else (with `offline`)
    in the command's own process under the folder's lock. Args and answer are JSON values.
    """

    name: str
    call: "Callable[[House, dict[str, Any]], dict[str, Any]]"
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission `<service>.<noun>.<verb>` and the roles that carry it from the start.

    `shared`: for what all practices of an installation have in common; withheld where there are several (`kernel/sharing`).
    """

    name: str
    roles: tuple[str, ...] = ("owner",)
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """All that one slice adds. `package` is its import path (texts/ and migrations/ are found below it).

    `triggers(dialect)` is idempotent DDL of database guards, `guards` their names, prefixed with the engine
    (`sqlite:calendar_busy_no_overlap`) where they differ. `problems` are codes raised outside of routes.
    """

    name: str
    package: str
    needs: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    events: tuple[EventType, ...] = ()
    jobs: tuple[JobType, ...] = ()
    handlers: tuple[Handler, ...] = ()
    routes: tuple[Route, ...] = ()
    sockets: tuple[Socket, ...] = ()
    listings: "tuple[Listing, ...]" = ()
    pages: "tuple[ConsolePage, ...]" = ()
    steps: "tuple[SetupStep, ...]" = ()
    fhir: tuple[FhirResource, ...] = ()
    checks: tuple[Check, ...] = ()
    fixes: tuple[Fix, ...] = ()
    permissions: tuple[Permission, ...] = ()
    tables: tuple[str, ...] = ()
    patient_refs: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    operations: tuple[Operation, ...] = ()
    commands: str | None = None
    start: "Callable[[House], None] | None" = None
    triggers: "Callable[[str], Sequence[str]] | None" = None
    guards: tuple[str, ...] = ()


Limit = Annotated[int, msgspec.Meta(ge=1, le=200)]
"""How many rows a page of a list may have."""
Cursor = Annotated[str, msgspec.Meta(max_length=64)]
"""Where a list goes on: the `next` of the page before."""


class Page(msgspec.Struct, rename="camel", frozen=True):
    """The general query of a list: at most `limit` rows from `cursor` on."""

    cursor: Cursor | None = None
    limit: Limit = 50
