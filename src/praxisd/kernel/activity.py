"""The activity list and the evidence („Nachweise"): what happened, in sentences, with the names of who did it.

Evidence says who saw and who changed what; only the owner reads it, wherever events are listed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from praxisd.kernel import clearing, clock, event_search, events, sentences
from praxisd.kernel.console import Column, ConsolePage, Listing, ListingPage, ListingQuery, Row
from praxisd.kernel.event_search import Wanted
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Answer, Call, Retention, Route
from praxisd.kernel.shapes import Cursor, EventOut, EventsOut, EventsQuery, Limit
from praxisd.kernel.store import Tx

if TYPE_CHECKING:
    from praxisd.kernel.registry import Registry

AUDIT = "kernel.audit.read"
READ = "kernel.events.read"
CLEAR = "kernel.events.clear"
_Word = Annotated[str, Meta(max_length=80)]
_Moment = Annotated[str, Meta(max_length=40)]


class SearchIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to find, newest first. `audit`: true only evidence, false none of it; left out: all one may see. `run`: what
    one run did. What was cleared from the list is found by its record or run.
    """

    area: _Word = ""
    types: Annotated[list[_Word], Meta(max_length=50)] = []
    subject_type: _Word = ""
    subject_id: _Word = ""
    actor: _Word = ""
    run: _Word = ""
    from_: _Moment | None = msgspec.field(name="from", default=None)
    to: _Moment | None = None
    audit: bool | None = None
    error: bool | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class FoundOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Events, newest first; `next` is the cursor of the older ones."""

    events: list[EventOut]
    next: str | None = None


class AreasQuery(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The period to count in (RFC 3339)."""

    from_: _Moment | None = msgspec.field(name="from", default=None)
    to: _Moment | None = None


class AreaOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """An area of the activity list: how much happened and how much of it went wrong, since it was last cleared."""

    area: str
    title: str
    events: int
    errors: int
    cleared_at: str | None = None


class AreasOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """All areas, by title."""

    areas: list[AreaOut]


class ClearIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The area to clear; left out: all of them."""

    area: _Word = ""


def get_events(call: Call) -> Answer:
    """The activity log: events of the practice after a cursor, each as a sentence."""
    since = int(call.query.since or 0)
    with call.read() as tx:
        found = events.since(tx, since, limit=call.query.limit)
        last = found[-1].seq if found else since
        if not call.actor.may(AUDIT):
            kept = call.house.registry.retention
            found = [one for one in found if kept.get(one.type) in (Retention.ACTIVITY, Retention.CHANGE)]
        return Answer(EventsOut(events=told(call, tx, found), cursor=str(last)))


def search_events(call: Call) -> FoundOut:
    """Search the activity list

    By area, kind, record, actor, run and period. Evidence only for who may see it.
    """
    body: SearchIn = call.body
    types, registry = None, call.house.registry
    if body.area or body.types:
        area = sentences.types_of(registry, body.area) if body.area else list(registry.events)
        types = [one for one in area if not body.types or one in body.types]
    if body.error is not None:
        types = _alerts(registry, types, body.error)
    wanted = Wanted(
        types=types,
        subject_type=body.subject_type,
        subject_id=body.subject_id,
        actors=[body.actor] if body.actor else None,
        since=clock.parse_rfc3339(body.from_, "from") if body.from_ else None,
        until=clock.parse_rfc3339(body.to, "to") if body.to else None,
        audit=_evidence(call, body.audit),
        below=int(body.cursor) if body.cursor else None,
        runs=[body.run] if body.run else None,
        limit=body.limit + 1,
    )
    with call.read() as tx:
        if not (body.run or body.subject_id):
            wanted = msgspec.structs.replace(wanted, hidden=clearing.hidden(tx, registry))
        found = event_search.find(tx, registry, wanted)
        page = told(call, tx, found[: body.limit])
    return FoundOut(events=page, next=str(page[-1].seq) if len(found) > body.limit else None)


def get_areas(call: Call) -> AreasOut:
    """The areas of the activity list, with what went wrong in each

    For tabs: how many events, and how many of them tell of a failure. Evidence is not counted.
    """
    query: AreasQuery = call.query
    since = clock.parse_rfc3339(query.from_, "from") if query.from_ else None
    until = clock.parse_rfc3339(query.to, "to") if query.to else None
    with call.read() as tx:
        return areas_of(call, tx, since, until)


def clear_events(call: Call) -> AreasOut:
    """Clear the activity list, or one area of it

    What happened so far is not shown there any more; evidence, feeds, runs and messages stay. That it was cleared is
    noted as evidence.
    """
    clearing.clear(call.writing, call.house.registry, call.body.area)
    return areas_of(call, call.writing)


def areas_of(call: Call, tx: Tx, since: int | None = None, until: int | None = None) -> AreasOut:
    """The areas with their counts in a period (epoch seconds)."""
    house, zone = call.house, zone_of(zone_name(call.house, tx))
    marks, hidden = clearing.marks(tx, house.registry), clearing.hidden(tx, house.registry)
    wanted = Wanted(since=since, until=until, audit=False, hidden=hidden)
    counted = event_search.count_by_type(tx, house.registry, wanted)
    found = []
    for area, title in sentences.areas(house, call.lang):
        types = sentences.types_of(house.registry, area)
        number = sum(counted.get(one, 0) for one in types)
        errors = sum(counted.get(one, 0) for one in types if sentences.is_alert(house.registry, one))
        at = marks[area].at if area in marks else None
        cleared = None if at is None else clock.format_rfc3339(at, zone)
        found.append(AreaOut(area=area, title=title, events=number, errors=errors, cleared_at=cleared))
    return AreasOut(areas=found)


def _evidence(call: Call, asked: bool | None) -> bool | None:
    """What of the evidence to show; Problem 403 if it was asked for and may not be seen."""
    if asked:
        call.actor.require(AUDIT)
    return False if asked is None and not call.actor.may(AUDIT) else asked


def told(call: Call, tx: Tx, found: list[events.Event]) -> list[EventOut]:
    """Events in the caller's language, with the names of their actors."""
    zone = zone_of(zone_name(call.house, tx))
    names = sentences.actor_names(call.house, tx, {one.actor for one in found}, call.lang)
    return [
        EventOut(
            seq=one.seq,
            type=one.type,
            area=sentences.area_of(call.house.registry, one.type),
            subject=one.subject,
            version=one.version,
            actor=one.actor,
            actor_name=names[one.actor],
            at=clock.format_rfc3339(one.at, zone),
            fields=list(one.fields),
            alert=sentences.is_alert(call.house.registry, one.type),
            sentence=sentences.sentence(call.house, one, call.lang),
            run=one.run,
        )
        for one in found
    ]


def _alerts(registry: "Registry", types: Sequence[str] | None, alert: bool) -> list[str]:
    """Of these types (None: of all) those that tell of a failure, or those that do not."""
    known = registry.events if types is None else types
    return [one for one in known if sentences.is_alert(registry, one) is alert]


def _rows(call: Call, query: ListingQuery, audit: bool) -> ListingPage:
    """One page of either listing."""
    house, registry = call.house, call.house.registry
    types = sentences.types_of(registry, query.filters["area"]) if "area" in query.filters else None
    if "error" in query.filters:
        types = _alerts(registry, types, query.filters["error"] == "true")
    with call.read() as tx:
        actors = None
        if query.filters.get("actor"):
            labels = event_search.actors(tx)
            actors = sentences.labels_called(house, tx, labels, query.filters["actor"], call.lang)
        wanted = Wanted(
            types=types,
            actors=actors,
            since=clock.parse_rfc3339(query.from_, "from") if query.from_ else None,
            until=clock.parse_rfc3339(query.to, "to") if query.to else None,
            audit=audit,
            hidden={} if audit else clearing.hidden(tx, registry),
            offset=query.offset,
            limit=query.limit + 1,
            oldest_first=query.sort == "at",
        )
        found = event_search.find(tx, registry, wanted)
        page = told(call, tx, found[: query.limit])
    rows = []
    for one in page:
        cells: dict[str, Any] = {
            "at": one.at,
            "area": one.area,
            "sentence": one.sentence,
            "actor": one.actor_name,
        }
        if audit:
            cells["record"] = one.subject
        else:
            cells["error"] = one.alert
        rows.append(Row(id=str(one.seq), cells=cells, alert=one.alert))
    return ListingPage(rows, more=len(found) > query.limit)


_AT = Column("at", "time", sortable=True)
_AREA = Column("area", "choice", filter=True, options=sentences.areas)
_ACTOR = Column("actor", filter=True)
_SENTENCE = Column("sentence")
LISTINGS = (
    Listing(
        "kernel.activity",
        READ,
        (_AT, _AREA, _SENTENCE, _ACTOR, Column("error", "flag", filter=True)),
        lambda call, query: _rows(call, query, audit=False),
        period="at",
        sort="-at",
    ),
    Listing(
        "kernel.audit",
        AUDIT,
        (_AT, _AREA, _SENTENCE, _ACTOR, Column("record")),
        lambda call, query: _rows(call, query, audit=True),
        period="at",
        sort="-at",
    ),
)
PAGES = (
    ConsolePage("activity", READ, "system", 30, "activity", listing="kernel.activity"),
    ConsolePage("audit", AUDIT, "system", 35, "shield", listing="kernel.audit"),
)
_TIMES = ((400, "clock.bad_time"), (400, "clock.naive_time"))
ROUTES = (
    Route("GET", "/events", "events.list", get_events, READ, EventsOut, query=EventsQuery, tags=("events",)),
    Route(
        "POST",
        "/events/search",
        "events.search",
        search_events,
        READ,
        FoundOut,
        body=SearchIn,
        problems=_TIMES,
        transaction=False,
        tags=("events",),
    ),
    Route(
        "GET",
        "/events/areas",
        "events.areas",
        get_areas,
        READ,
        AreasOut,
        query=AreasQuery,
        problems=_TIMES,
        tags=("events",),
    ),
    Route(
        "POST",
        "/events/clear",
        "events.clear",
        clear_events,
        CLEAR,
        AreasOut,
        body=ClearIn,
        problems=((404, "http.not_found"),),
        tags=("events",),
    ),
)
