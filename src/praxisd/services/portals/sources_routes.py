"""REST operations of sources: mailboxes, watched folders, and the open address under which a program brings bookings."""

import msgspec

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Answer, Call, Raw, Route
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingSource
from praxisd.services.directory import api as directory
from praxisd.services.portals import desk_keys, sources, sources_reading, sources_store, store
from praxisd.services.portals.desk_source_shapes import (
    SourceIn,
    SourceOut,
    SourceProblem,
    Sources,
    SourceState,
    Tried,
)

READ, WRITE = "portals.source.read", "portals.source.write"
OPEN = "the program that sends bookings has no key of ours: the unguessable address says whose they are"
MOST_BYTES = 262_144
_WHO = "portals.hook"


def _given(body: SourceIn) -> sources.Given:
    return sources.Given(**{name: getattr(body, name) for name in SourceIn.__struct_fields__})


def _shown(call: Call, tx: Tx, one: BookingSource, key: str | None = None) -> SourceOut:
    row = sources_store.states(tx).get(one.id)
    here = zone(directory.organization(tx).zone)
    problem = None
    if row is not None and row.code:
        texts = call.house.texts
        words = {part: texts.get(f"{row.code}.{part}", call.lang) for part in ("title", "cause", "solution")}
        problem = SourceProblem(code=row.code, **words)
    return SourceOut(
        id=one.id,
        version=one.version,
        name=one.name,
        kind=one.kind,
        active=one.active,
        portal=one.portal,
        schedule=one.schedule,
        service=one.service,
        fields=one.fields,
        secrets_set=sources.secrets_set(call.house, tx, one.id),
        address=None if key is None else f"{sources.ADDRESS}{key}",
        state=SourceState(
            good_at=None if row is None or row.good_at is None else format_rfc3339(row.good_at, here),
            failures=0 if row is None else row.failures,
            taken=0 if row is None else row.taken,
            problem=problem,
        ),
    )


def list_sources(call: Call) -> Sources:
    """All sources with how reading goes."""
    with call.read() as tx:
        return Sources(sources=[_shown(call, tx, one) for one in sources_store.every(tx)])


def create(call: Call) -> Answer:
    """A new source; for a hook with the address under which it is to be called, shown once."""
    tx = call.writing
    made, key = sources.create(call.house, tx, _given(call.body))
    return Answer(_shown(call, tx, made, key), 201, version=made.version)


def read(call: Call) -> Answer:
    """One source."""
    with call.read() as tx:
        one = store.SOURCES.need(tx, call.path["id"])
        return Answer(_shown(call, tx, one), version=one.version)


def change(call: Call) -> Answer:
    """Change a source. Secrets that are not named stay; `newAddress` gives a hook another address."""
    tx = call.writing
    saved, key = sources.change(call.house, tx, call.path["id"], _given(call.body), call.if_match)
    return Answer(_shown(call, tx, saved, key), version=saved.version)


def delete(call: Call) -> Answer:
    """Take a source out; the requests it brought stay."""
    sources.delete(call.writing, call.path["id"], call.if_match)
    return Answer(None, 204)


def test(call: Call) -> Tried:
    """Look into a source now, without taking anything: how much lies there, and of how much the time can be read."""
    with call.read() as tx:
        one = store.SOURCES.need(tx, call.path["id"])
    found, readable = sources_reading.tried(call.house, call.actor, one)
    return Tried(found=found, readable=readable)


def hook(call: Call) -> Raw:
    """Take in what a program sends: our JSON, an iCalendar text, or a text. What becomes of each booking is answered."""
    house = call.house
    data = call.body or b""
    if len(data) > MOST_BYTES:
        raise Problem("http.body_too_large", 413, limit=MOST_BYTES)
    with house.store.read(system(_WHO)) as tx:
        found = sources_store.of_hook(tx, desk_keys.digest(call.path["token"]))
    if found is None or not data.strip():
        raise not_found("Hook")
    actor = system(_WHO, found[0])
    with house.store.read(actor) as tx:
        source = store.SOURCES.need(tx, found[1])
    new, readable = sources_reading.take(house, actor, source, data)
    said = msgspec.json.encode({"taken": new, "readable": readable})
    return Raw(said, "application/json", 202, {"Cache-Control": "no-store"})


_FIELDS = (
    (422, "portals.source_field"),
    (422, "portals.source_secrets_again"),
    (422, "portals.source_owner_switches_on"),
    (409, "portals.source_name_taken"),
)
_MISSING = ((404, "http.not_found"),)
_REACH = (
    (503, "portals.folder_missing"),
    (503, "portals.folder_unreachable"),
    (503, "messaging.mailbox_missing"),
    (503, "messaging.mailbox_unreachable"),
    (502, "messaging.mailbox_refused"),
)
_TAGS = ("booking desk",)
ROUTES = (
    Route("GET", "/portals/sources", "sources.list", list_sources, READ, answer=Sources, tags=_TAGS),
    Route(
        "POST", "/portals/sources", "sources.create", create, WRITE, answer=SourceOut, body=SourceIn, status=201,
        problems=_FIELDS, tags=_TAGS,
    ),
    Route("GET", "/portals/sources/{id}", "sources.read", read, READ, answer=SourceOut, problems=_MISSING, tags=_TAGS),
    Route(
        "PUT", "/portals/sources/{id}", "sources.change", change, WRITE, answer=SourceOut, body=SourceIn,
        problems=(*_MISSING, *_FIELDS), tags=_TAGS,
    ),
    Route(
        "POST", "/portals/sources/{id}/test", "sources.test", test, WRITE, answer=Tried, problems=(*_MISSING, *_REACH),
        transaction=False, tags=_TAGS,
    ),
    Route(
        "POST", "/portals/hooks/{token}", "sources.hook", hook, None, why_open=OPEN, problems=_MISSING,
        status=202, transaction=False, raw=True, tags=_TAGS,
    ),
    Route("DELETE", "/portals/sources/{id}", "sources.delete", delete, WRITE, status=204, problems=_MISSING, tags=_TAGS),
)  # fmt: skip
