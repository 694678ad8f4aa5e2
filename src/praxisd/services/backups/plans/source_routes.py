"""REST operations of what is copied, and of what is left out on purpose."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from praxisd.kernel import sentences
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import SourceKept
from praxisd.services.backups import source as codes
from praxisd.services.backups.plans import labels, planning, sources
from praxisd.services.backups.plans.rights import COMMANDS, MANAGE, READ, need
from praxisd.services.backups.source import SourceFault

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_TAGS = ("backups",)
Kinds = Literal["folders", "sqlite", "postgres", "command", "excluded"]
_Reason = Annotated[str, msgspec.Meta(max_length=500)]
_Secret = Annotated[str, msgspec.Meta(max_length=10_000)]


class SourceIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What to copy, or to leave out: `spec` is what its kind takes.

    folders: `path`, `without`, `window` {begin, end, read}; sqlite: `path`; postgres: `host`, `port`, `database`, `user`,
    `prove`; command: `args`, `files`, `check`, `limitMinutes`; excluded: `path`. `secret`: password of the database, or the
    environment of the command as a JSON object; empty: the one before stays. It is sealed and never shown again.
    """

    kind: Kinds
    reason: _Reason = ""
    spec: dict[str, Any] = {}
    secret: _Secret = ""


class SourceOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A source. `kind` is „own“ for praxisd's own data, which are always copied and cannot be changed."""

    name: str
    kind: str
    title: str
    spec: dict[str, Any]
    reason: str
    by: str
    at: str | None
    has_secret: bool


class SourcesOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All that is copied, and what is left out."""

    sources: tuple[SourceOut, ...]


class TriedOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether a source can be copied as it is set up; if not, why, and what to do."""

    good: bool
    code: str = ""
    title: str = ""
    cause: str = ""
    solution: str = ""
    detail: str = ""


def listed(house: "House", tx: Tx, lang: str) -> SourcesOut:
    """praxisd's own two, then what persons entered."""
    zone, texts = planning.zone(house, tx), house.texts
    every = sources.kept(tx)
    names = sentences.actor_names(house, tx, {one.by for one in every}, lang)
    found = [
        SourceOut(
            name=name,
            kind="own",
            title=texts.get(f"backups.own_source.{key}", lang),
            spec={},
            reason="",
            by="",
            at=None,
            has_secret=False,
        )
        for name, key in zip(sources.OWN_NAMES, ("database", "rest"), strict=True)
    ]
    for one in every:
        found.append(
            SourceOut(
                name=one.name,
                kind=one.kind,
                title=one.name,
                spec={key: value for key, value in one.spec.items() if key != "sealed"},
                reason=one.reason,
                by="" if tx.actor.masked else names[one.by],
                at=format_rfc3339(one.at, zone),
                has_secret=sources.has_secret(one),
            )
        )
    return SourcesOut(sources=tuple(found))


def kept_of(name: str, said: SourceIn, by: str, now: int) -> SourceKept:
    """What was said, as it is kept."""
    spec = dict(said.spec)
    for key in ("secret", "sealed"):
        if key in spec:
            raise Problem(sources.BAD, 422, detail=key)
    if said.secret:
        spec["secret"] = _environment(said.secret) if said.kind == "command" else said.secret
    return SourceKept(name, said.kind, spec, " ".join(said.reason.split()), by, now)


def _environment(text: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError:
        raise Problem(sources.BAD, 422, detail="secret") from None


def starts_programs(said: SourceIn) -> bool:
    """Does it name programs that praxisd would start?"""
    return said.kind == "command" or bool(said.spec.get("window"))


def looked_at(house: "House", one: SourceKept) -> None:
    """Problem (422) with the source's own code if it could never be copied so: a live database file, a program that is not
    there, a place that is not there, a copy of the copies. Looks at the disk: outside of any transaction.
    """
    if one.kind == "excluded":
        return
    with house.store.read(planning.SYSTEM) as tx:
        whole = sources.checked(tx, sources.sealed(house, one, sources.get(tx, one.name)))
    sources.placed(house, whole)
    fault = sources.refused(house, whole)
    if fault is not None:
        raise Problem(fault.code, 422, detail=fault.detail or None)


def list_sources(call: Call) -> SourcesOut:
    """What is copied, and what is left out with a reason"""
    with call.read() as tx:
        return listed(call.house, tx, call.lang)


def _prepare(call: Call) -> SourceKept:
    said: SourceIn = call.body
    if starts_programs(said):
        need(call.actor, COMMANDS)
    one = kept_of(call.path["name"], said, call.actor.label, call.house.clock.now())
    looked_at(call.house, one)
    return one


def put_source(call: Call) -> SourcesOut:
    """Copy this too, or leave it out with a reason

    In place of what bears this name. A folder with a database in use, or a place that is not there, is refused. What starts
    programs on the server (a command, or a quiet window) the owner alone may enter.
    """
    one: SourceKept = call.prepared
    if one.kind == "excluded":
        sources.exclude(call.writing, one.name, one.reason, one.by, one.spec)
    else:
        sources.include(call.house, call.writing, one)
    return listed(call.house, call.writing, call.lang)


def remove_source(call: Call) -> Answer:
    """Copy this no more, or leave it out no more

    Nothing of it is touched, nor any copy of it.
    """
    sources.remove(call.writing, call.path["name"])
    return Answer(status=204)


def test_source(call: Call) -> TriedOut:
    """Can it be copied as it is set up?

    Looks only: nothing is copied.
    """
    return tried(call.house, call.path["name"], call.lang)


def tried(house: "House", name: str, lang: str) -> TriedOut:
    """A look at the source of this name, in words; outside of any transaction. Problem `http.not_found`."""
    fault = _fault(house, name)
    if fault is None:
        return TriedOut(good=True)
    return TriedOut(good=False, **labels.code_words(house, fault.code, lang, fault.detail))


def _fault(house: "House", name: str) -> SourceFault | None:
    if name in sources.OWN_NAMES:
        return next(one for one in sources.own(house) if one.name == name).refuse()
    with house.store.read(planning.SYSTEM) as tx:
        one = sources.need(tx, name)
    return None if one.kind == "excluded" else sources.refused(house, one)


_BAD = tuple((422, code) for code in (*sources.CODES, *codes.OWN_CODES))
_THERE = ((404, "http.not_found"),)
ROUTES = (
    Route("GET", "/backups/sources", "backupSources.list", list_sources, READ, SourcesOut, tags=_TAGS),
    Route(
        "PUT", "/backups/sources/{name}", "backupSources.set", put_source, MANAGE, SourcesOut, body=SourceIn,
        problems=_BAD, prepare=_prepare, tags=_TAGS,
    ),
    Route(
        "DELETE", "/backups/sources/{name}", "backupSources.delete", remove_source, MANAGE, status=204, problems=_THERE,
        tags=_TAGS,
    ),
    Route(
        "POST", "/backups/sources/{name}/test", "backupSources.test", test_source, MANAGE, TriedOut, problems=_THERE,
        transaction=False, tags=_TAGS,
    ),
)  # fmt: skip
