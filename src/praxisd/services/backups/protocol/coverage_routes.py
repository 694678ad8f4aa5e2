"""REST operations on what the backup covers: what there is, and what a person decides of it."""

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.service import Call, Route
from praxisd.kernel.store import Tx
from praxisd.services.backups.plans import sources as plan_sources
from praxisd.services.backups.plans.rights import MANAGE, READ
from praxisd.services.backups.protocol import coverage, log_keeping
from praxisd.services.backups.protocol.coverage_rules import Judged, Kind, State, Thing

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_TAGS = ("backups",)
_Id = Annotated[str, Meta(min_length=1, max_length=16)]


class BackupThingOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Something that should be backed up. `name` is a path or what it is called; `host` another computer, "" for this one.

    `source`: what covers it; `reason`, `by`, `at` (RFC 3339): why and by whom it was left out or taken in. `include`: one
    click takes it in; else a source of its own has to be set up, or one named that covers it.
    """

    id: str
    kind: Kind
    title: str
    name: str
    product: str
    host: str
    state: State
    source: str
    reason: str
    by: str
    at: str | None
    include: bool


class BackupCoverageOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """All there is; `open`: how many things no plan covers and nobody left out; `sources`: names of what is copied."""

    things: tuple[BackupThingOut, ...]
    open: int
    sources: tuple[str, ...]


class BackupCoverageIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is decided of things (their ids): taken in, said to be covered by `source`, or left out with a reason.

    `person`: as with the log, for programs with a key only.
    """

    things: Annotated[tuple[_Id, ...], Meta(min_length=1, max_length=200)]
    decision: Literal["include", "exclude"]
    reason: Annotated[str, Meta(max_length=500)] = ""
    source: Annotated[str, Meta(max_length=80)] = ""
    person: Annotated[str, Meta(max_length=80)] = ""


def title(house: "House", thing: Thing, lang: str) -> str:
    """A thing in words."""
    key = f"backups.thing.{thing.kind}{'_there' if thing.host else ''}"
    return house.texts.get(key, lang, name=thing.name, product=thing.product, host=thing.host)


def coverage_out(house: "House", lang: str, masked: bool = False) -> BackupCoverageOut:
    """All things in words, those that are open first."""
    found = coverage.judged(house)
    order = {"open": 0, "excluded": 1, "covered": 2}
    found.sort(key=lambda one: (order[one.state], one.thing.product, one.thing.name.casefold()))
    with house.store.read(log_keeping.SYSTEM) as tx:
        sources = tuple(one.name for one in plan_sources.kept(tx) if one.kind != "excluded")
    return BackupCoverageOut(
        things=tuple(_out(house, one, lang, masked) for one in found),
        open=sum(one.state == "open" for one in found),
        sources=sources,
    )


def _out(house: "House", one: Judged, lang: str, masked: bool) -> BackupThingOut:
    thing = one.thing
    return BackupThingOut(
        id=thing.id,
        kind=thing.kind,
        title=title(house, thing, lang),
        name=thing.name,
        product=thing.product,
        host=thing.host,
        state=one.state,
        source=one.source,
        reason=one.reason,
        by="" if masked else one.by,
        at=None if one.at is None else format_rfc3339(one.at),
        include=coverage.can_include(thing),
    )


def list_coverage(call: Call) -> BackupCoverageOut:
    """What should be backed up here, and what is

    Databases, folders and disks of the practice's software and of this computer. May take some seconds the first time.
    """
    return coverage_out(call.house, call.lang, call.actor.masked)


def put_coverage(call: Call) -> BackupCoverageOut:
    """Take things into the backup, or leave them out with a reason

    A folder becomes a source of its own; of a database it is said which source covers it.
    """
    body: BackupCoverageIn = call.body
    there = {one.thing.id: one.thing for one in coverage.judged(call.house)}
    missing = [one for one in body.things if one not in there]
    if missing:
        coverage.unknown()
    for id_ in body.things if body.decision != "exclude" else ():
        coverage.ready(call.house, there[id_], body.source)

    def kept(tx: Tx) -> None:
        by = log_keeping.name(call.house, tx, body.person, call.lang)
        for id_ in body.things:
            if body.decision == "exclude":
                coverage.exclude(tx, there[id_], body.reason, by)
            else:
                coverage.include(call.house, tx, there[id_], body.reason, by, body.source)

    call.house.store.run(call.actor, kept)
    return coverage_out(call.house, call.lang, call.actor.masked)


ROUTES = (
    Route(
        "GET", "/backups/coverage", "backupCoverage.list", list_coverage, READ, BackupCoverageOut, tags=_TAGS, safe=True,
    ),
    Route(
        "PUT", "/backups/coverage", "backupCoverage.decide", put_coverage, MANAGE, BackupCoverageOut,
        body=BackupCoverageIn, transaction=False, tags=_TAGS, safe=True,
        problems=(
            (404, "http.not_found"), (422, coverage.NEEDS_SOURCE), (422, log_keeping.PERSON),
            *((422, code) for code in plan_sources.CODES),
        ),
    ),
)  # fmt: skip
