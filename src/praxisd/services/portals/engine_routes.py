"""REST doors of online calendars: portals and their access data, links to columns, comparisons by hand, unknown times."""

from functools import partial
from typing import cast

from praxisd.kernel import leases
from praxisd.kernel.clock import format_rfc3339, parse_rfc3339
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.store import Tx
from praxisd.model.portals import OnlineCalendar, OnlinePortal
from praxisd.services.portals import (
    accounts,
    cycle_store,
    engine_offers,
    engine_run,
    engine_store,
    engine_testing,
    engine_views,
    links,
)
from praxisd.services.portals import engine_shapes as shapes
from praxisd.services.portals.cycle import key
from praxisd.services.portals.store import CALENDARS, PORTALS

READ, WRITE, RUN = "portals.portal.read", "portals.portal.write", "portals.sync.run"
_TAGS = ("online calendars",)
_NO_PRACTICE = (409, "directory.organization_missing")
_FIELDS = (
    (422, "portals.adapter_unknown"), (422, "portals.field_unknown"), (422, "portals.field_wrong"),
    (422, "portals.interval_too_short"), (409, "portals.name_taken"), (422, "portals.service_unknown"),
    (422, "portals.owner_switches_on"), _NO_PRACTICE,
)  # fmt: skip
_LINK = (
    (404, "http.not_found"), (422, "portals.calendar_unknown"), (422, "portals.schedule_unknown"),
    (422, "portals.service_unknown"), (422, "portals.field_wrong"), (409, "portals.calendar_taken"),
    (409, "portals.schedule_taken"), _NO_PRACTICE,
)  # fmt: skip
_HAND = ((404, "http.not_found"), (409, "portals.inactive"), (409, "portals.sync_running"), _NO_PRACTICE)


def list_portals(call: Call) -> shapes.PortalsView:
    """All portals with their calendars and how they stand, and what kinds of portals there are."""
    with call.read() as tx:
        return shapes.PortalsView(
            portals=engine_views.every(call.house, tx, call.lang),
            adapters=engine_views.adapters(call.house, call.lang),
            background=engine_views.background(call.house, tx),
        )


def read_portal(call: Call) -> Answer:
    """One portal."""
    with call.read() as tx:
        return _answer(call, tx, PORTALS.need(tx, call.path["id"]))


def create_portal(call: Call) -> Answer:
    """Set up a portal."""
    made = accounts.create(call.house, call.writing, _given(call.body))
    return _answer(call, call.writing, made, 201)


def change_portal(call: Call) -> Answer:
    """Change a portal. Secrets that are not named stay; with another address they must be given again."""
    saved = accounts.change(call.house, call.writing, call.path["id"], _given(call.body), call.if_match)
    return _answer(call, call.writing, saved)


def delete_portal(call: Call) -> Answer:
    """Forget a portal with its calendars and access data. What was booked stays."""
    if leases.current(call.writing, key(call.path["id"])) is not None:
        raise Problem("portals.sync_running", 409, retry=True)
    accounts.remove(call.house, call.writing, call.path["id"], call.if_match)
    return Answer(None, 204)


def _given(body: shapes.PortalIn) -> accounts.Given:
    names = set(OnlinePortal.__struct_fields__) & set(shapes.PortalIn.__struct_fields__)
    fields = {name: getattr(body, name) for name in names}
    fields["fields"] = {name: value.strip() for name, value in body.fields.items() if value.strip()}
    return accounts.Given(OnlinePortal(**(fields | {"name": body.name.strip()})), body.secrets)


def _answer(call: Call, tx: Tx, one: OnlinePortal, status: int = 200) -> Answer:
    return Answer(engine_views.portal(call.house, tx, one, call.lang), status, version=one.version)


def test_portal(call: Call) -> shapes.TestView:
    """Try the stored access data: the portal is asked, nothing is written there."""
    with call.read() as tx:
        one = PORTALS.need(tx, call.path["id"])
    return engine_testing.trial(call.house, call.actor, one, call.lang)


def test_fields(call: Call) -> shapes.TestView:
    """Try access data before it is saved."""
    given = _given(call.body)
    secrets = {name: value for name, value in given.secrets.items() if value}
    accounts.form(given.record.adapter)
    return engine_testing.trial(call.house, call.actor, given.record, call.lang, secrets)


def ask_portal(call: Call) -> links.Asked:
    """Before the transaction: does the portal have a calendar of this name?"""
    return engine_testing.ask_for(call.house, call.actor, call.path["id"], call.body.name.strip())


def ask_again(call: Call) -> links.Asked:
    """The same for a calendar that is linked already; its own name needs no question."""
    with call.read() as tx:
        old = CALENDARS.need(tx, call.path["id"])
    return engine_testing.ask_for(call.house, call.actor, old.portal, call.body.name.strip())


def link_calendar(call: Call) -> Answer:
    """Keep an online calendar in step with a column; the portal is asked for its name."""
    one = links.link(call.house, call.writing, _wanted(call, call.path["id"]))
    return _linked(call, one, 201)


def change_calendar(call: Call) -> Answer:
    """Change which column belongs to an online calendar."""
    wanted = _wanted(call, "")
    return _linked(call, links.relink(call.house, call.writing, call.path["id"], wanted, call.if_match))


def delete_calendar(call: Call) -> Answer:
    """Leave an online calendar to itself."""
    links.unlink(call.house, call.writing, call.path["id"], call.if_match)
    return Answer(None, 204)


def _wanted(call: Call, portal: str) -> OnlineCalendar:
    told: shapes.CalendarIn = call.body
    return OnlineCalendar(portal=portal, name=told.name.strip(), schedule=told.schedule, service=told.service)


def _linked(call: Call, one: OnlineCalendar, status: int = 200) -> Answer:
    asked = cast("links.Asked", call.prepared)
    whose = PORTALS.need(call.writing, one.portal)
    view = engine_views.link(call.house, call.writing, one, whose, call.lang, asked.checked)
    return Answer(view, status, version=one.version)


def resync_calendar(call: Call) -> shapes.SyncView:
    """Upload everything of an online calendar anew, now."""
    one = call.house.store.run(call.actor, partial(_resync, call.path["id"]))
    return _reported(call, one.portal, full=True)


def _resync(id_: str, tx: Tx) -> OnlineCalendar:
    return links.resync(tx, id_)


def sync_portal(call: Call) -> shapes.SyncView:
    """Compare with a portal now."""
    return _reported(call, call.path["id"])


def _reported(call: Call, portal: str, full: bool = False) -> shapes.SyncView:
    report = engine_run.by_hand(call.house, call.actor, portal, full=full)
    return engine_views.report(call.house, [report], call.lang)


def list_uploads(call: Call) -> shapes.UploadsView:
    """What was uploaded to an online calendar and what failed, the newest first."""
    asked: shapes.UploadsQuery = call.query
    with call.read() as tx:
        CALENDARS.need(tx, call.path["id"])
        rows, where = (
            engine_store.uploads(tx, call.path["id"], asked.cursor, asked.limit + 1),
            engine_views.here(tx),
        )
    found = []
    for row in rows[: asked.limit]:
        said = engine_views.fault(call.house, row.code, call.lang)
        found.append(
            shapes.UploadView(
                at=format_rfc3339(row.at, where), count=row.count, first=engine_views.time(row.first, where),
                last=engine_views.time(row.last, where), code=row.code, title=None if said is None else said.title,
            )
        )  # fmt: skip
    more = len(rows) > asked.limit
    return shapes.UploadsView(uploads=found, next=rows[asked.limit - 1].id if more else None)


def list_unknown(call: Call) -> shapes.UnknownsView:
    """Times offered at portals of which the practice knows nothing."""
    with call.read() as tx:
        where, names = engine_views.here(tx), {one.id: one.name for one in PORTALS.all(tx)}
        rows = cycle_store.unknowns(tx)
    return shapes.UnknownsView(
        unknown=[
            shapes.UnknownView(
                portal=row.portal, portal_name=names.get(row.portal, ""), remote=row.remote, calendar=row.calendar,
                start=format_rfc3339(row.start, where), end=format_rfc3339(row.end, where),
                found_at=format_rfc3339(row.found_at, where), choice=row.choice,
            )
            for row in rows
        ]
    )  # fmt: skip


def settle_unknown(call: Call) -> shapes.SettledView:
    """Say what becomes of an unknown time; the portal is told at once."""
    portal, remote = call.path["portal"], call.path["remote"]
    choice = call.body.choice
    if not call.house.store.run(call.actor, lambda tx: cycle_store.choose(tx, portal, remote, choice)):
        raise not_found("Unknown")
    report = engine_run.by_hand(call.house, call.actor, portal)
    with call.read() as tx:
        row = cycle_store.unknown(tx, portal, remote)
    settled = row is None or row.settled_at is not None
    names = ", ".join(one.name for one in report.results)
    code = report.code or next((one.code for one in report.results if one.code), None)
    problem = None if settled else engine_views.fault(
        call.house, code or "portals.refused", call.lang, portal=report.name, calendar=names
    )  # fmt: skip
    return shapes.SettledView(settled=settled, problem=problem)


def offer_times(call: Call) -> shapes.OffersView:
    """Offer free times of a column at the portal, one by one."""
    told: shapes.OffersIn = call.body
    start, end = parse_rfc3339(told.start, "start"), parse_rfc3339(told.end, "end")
    got = engine_offers.offer(
        call.house, call.actor, call.path["id"], told.calendar, start, end, told.minutes
    )
    with call.read() as tx:
        where = engine_views.here(tx)
    refused = []
    for time, code in got:
        said = engine_views.fault(call.house, code, call.lang)
        if said is not None:
            refused.append(
                shapes.RefusedOffer(
                    start=format_rfc3339(time.start, where), end=format_rfc3339(time.end, where), code=said.code,
                    title=said.title,
                )
            )  # fmt: skip
    return shapes.OffersView(offered=len(got) - len(refused), refused=refused)


ROUTES = (
    Route(
        "GET", "/portals", "portals.list", list_portals, READ, answer=shapes.PortalsView, problems=(_NO_PRACTICE,),
        tags=_TAGS,
    ),
    Route(
        "POST", "/portals", "portal.create", create_portal, WRITE, answer=shapes.PortalView, body=shapes.PortalIn,
        status=201, problems=_FIELDS, tags=_TAGS,
    ),
    Route(
        "POST", "/portals/test", "portalFields.test", test_fields, WRITE, answer=shapes.TestView, body=shapes.PortalIn,
        transaction=False, problems=((422, "portals.adapter_unknown"), (422, "portals.field_wrong"), _NO_PRACTICE),
        tags=_TAGS,
    ),
    Route(
        "GET", "/portals/unknown", "unknownTimes.list", list_unknown, READ, answer=shapes.UnknownsView,
        problems=(_NO_PRACTICE,), tags=_TAGS,
    ),
    Route(
        "POST", "/portals/unknown/{portal}/{remote}/settle", "unknownTime.settle", settle_unknown, RUN,
        answer=shapes.SettledView, body=shapes.UnknownChoice, transaction=False, problems=_HAND, tags=_TAGS,
    ),
    Route(
        "GET", "/portals/{id}", "portal.read", read_portal, READ, answer=shapes.PortalView,
        problems=((404, "http.not_found"), _NO_PRACTICE), tags=_TAGS,
    ),
    Route(
        "PUT", "/portals/{id}", "portal.change", change_portal, WRITE, answer=shapes.PortalView, body=shapes.PortalIn,
        problems=(
            *_FIELDS, (404, "http.not_found"), (412, "resource.stale"), (422, "portals.adapter_fixed"),
            (422, "portals.name_fixed"), (422, "portals.secrets_again"),
        ),
        tags=_TAGS,
    ),
    Route(
        "DELETE", "/portals/{id}", "portal.delete", delete_portal, WRITE, status=204,
        problems=((404, "http.not_found"), (412, "resource.stale"), (409, "portals.sync_running")), tags=_TAGS,
    ),
    Route(
        "POST", "/portals/{id}/test", "portal.test", test_portal, WRITE, answer=shapes.TestView, body=shapes.Nothing,
        transaction=False, problems=((404, "http.not_found"), (422, "portals.field_wrong"), _NO_PRACTICE), tags=_TAGS,
    ),
    Route(
        "POST", "/portals/{id}/sync", "portal.sync", sync_portal, RUN, answer=shapes.SyncView, body=shapes.Nothing,
        transaction=False, problems=_HAND, tags=_TAGS,
    ),
    Route(
        "POST", "/portals/{id}/offers", "portal.offer", offer_times, RUN, answer=shapes.OffersView,
        body=shapes.OffersIn, transaction=False,
        problems=(
            *_HAND, (422, "portals.cannot_offer"), (400, "calendar.range_reversed"), (400, "calendar.range_too_long"),
            (502, "portals.refused"),
        ),
        tags=_TAGS,
    ),
    Route(
        "POST", "/portals/{id}/calendars", "onlineCalendar.link", link_calendar, WRITE, answer=shapes.CalendarView,
        body=shapes.CalendarIn, status=201, prepare=ask_portal, problems=_LINK, tags=_TAGS,
    ),
    Route(
        "PUT", "/portals/calendars/{id}", "onlineCalendar.change", change_calendar, WRITE,
        answer=shapes.CalendarView, body=shapes.CalendarIn, prepare=ask_again,
        problems=(*_LINK, (412, "resource.stale")), tags=_TAGS,
    ),
    Route(
        "DELETE", "/portals/calendars/{id}", "onlineCalendar.unlink", delete_calendar, WRITE, status=204,
        problems=((404, "http.not_found"), (412, "resource.stale")), tags=_TAGS,
    ),
    Route(
        "POST", "/portals/calendars/{id}/resync", "onlineCalendar.resync", resync_calendar, RUN,
        answer=shapes.SyncView, body=shapes.Nothing, transaction=False, problems=_HAND, tags=_TAGS,
    ),
    Route(
        "GET", "/portals/calendars/{id}/uploads", "uploads.list", list_uploads, READ, answer=shapes.UploadsView,
        query=shapes.UploadsQuery, problems=((404, "http.not_found"), _NO_PRACTICE), tags=_TAGS,
    ),
)  # fmt: skip
