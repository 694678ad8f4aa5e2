"""REST operations of the backup plan and its calendar of media."""

from datetime import datetime

from praxisd.kernel.errors import Problem
from praxisd.kernel.paper import PDF
from praxisd.kernel.service import Call, Raw, Route
from praxisd.services.backups import plan_rules
from praxisd.services.backups.plans import calendar_sheet, plan_view, planning
from praxisd.services.backups.plans.plan_shapes import (
    CalendarOut,
    CalendarQuery,
    PlanAnswer,
    PlanIn,
    PreviewOut,
)
from praxisd.services.backups.plans.rights import MANAGE, PLAIN, READ, need

_TAGS = ("backups",)
_BAD = tuple((422, code) for code in plan_rules.CODES)
_CALENDAR = ((422, plan_view.RANGE), (404, plan_view.NO_PLAN))


def get_plan(call: Call) -> PlanAnswer:
    """The backup plan in force

    Its jobs, its slots and which medium fills each; null while nobody has set one up.
    """
    with call.read() as tx:
        return PlanAnswer(plan=plan_view.shown(call.house, tx, call.lang))


def put_plan(call: Call) -> PlanAnswer:
    """Put a backup plan in force

    In place of the one before. Media keep their slots where the new plan has them too; nothing on any medium is touched.
    „external“, whose copies are not encrypted, the owner alone may choose.
    """
    before = planning.plan(call.writing)
    if call.body.variant == "external" and (before is None or before.plan.variant != "external"):
        need(call.actor, PLAIN)
    planning.put(call.writing, plan_view.made(call.body))
    return PlanAnswer(plan=plan_view.shown(call.house, call.writing, call.lang))


def preview_plan(call: Call) -> PreviewOut:
    """What a backup plan would mean

    Its slots, and the calendar of the next two weeks. Nothing is kept.
    """
    plan = plan_view.made(call.body)
    with call.read() as tx:
        return plan_view.preview(call.house, tx, plan, call.lang)


def get_calendar(call: Call) -> CalendarOut:
    """The calendar of media

    Which medium when, what leaves the practice after work, and what must be brought. Without a range: four weeks from today.
    """
    query: CalendarQuery = call.query
    with call.read() as tx:
        kept = planning.plan(tx)
        if kept is None:
            raise Problem(plan_view.NO_PLAN, 404)
        first, last = plan_view.range_of(call.house, tx, query.first, query.last)
        return plan_view.calendar(call.house, tx, kept.plan, first, last, call.lang, kept)


def print_calendar(call: Call) -> Raw:
    """The calendar of media on paper

    To hang beside the drive: one line a day, with a box to tick.
    """
    found = get_calendar(call)
    with call.read() as tx:
        now = datetime.fromtimestamp(tx.now, planning.zone(call.house, tx))
    return calendar_sheet.paper(call.house, call.actor, found, now, call.lang).answer(calendar_sheet.NAME)


ROUTES = (
    Route("GET", "/backups/plan", "backupPlan.read", get_plan, READ, PlanAnswer, safe=True, tags=_TAGS),
    Route(
        "PUT", "/backups/plan", "backupPlan.set", put_plan, MANAGE, PlanAnswer, body=PlanIn, problems=_BAD, tags=_TAGS,
    ),
    Route(
        "POST", "/backups/plan/preview", "backupPlan.preview", preview_plan, MANAGE, PreviewOut, body=PlanIn,
        problems=_BAD, transaction=False, tags=_TAGS,
    ),
    Route(
        "GET", "/backups/calendar", "backupCalendar.read", get_calendar, READ, CalendarOut, query=CalendarQuery,
        problems=_CALENDAR, safe=True, tags=_TAGS,
    ),
    Route(
        "GET", "/backups/calendar.pdf", "backupCalendar.print", print_calendar, READ, query=CalendarQuery, media_type=PDF,
        problems=_CALENDAR, safe=True, tags=_TAGS,
    ),
)  # fmt: skip
