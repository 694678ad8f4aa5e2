"""Portals and online calendars as people see them: ids with names, codes with their words, times in the practice's zone."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import jobs, leases
from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.portals import OnlineCalendar, OnlinePortal
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import accounts, cycle_store, engine_rules, engine_store, portals
from praxisd.services.portals import engine_shapes as shapes
from praxisd.services.portals.cycle import Report, key
from praxisd.services.portals.portal import Abilities
from praxisd.services.portals.store import PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

JOB = "portals.sync"
OUTSIDE_MOST = 20


def here(tx: Tx) -> tzinfo:
    """The practice's time zone."""
    return zone(directory.organization(tx).zone)


def time(epoch: int | None, where: tzinfo) -> str | None:
    """RFC 3339 in the practice's zone."""
    return None if epoch is None else format_rfc3339(epoch, where)


def fault(house: "House", code: str | None, lang: str, **params: object) -> shapes.Fault | None:
    """A code with its words; a code of which nobody knows any more stands for itself."""
    if not code:
        return None
    texts = house.texts
    usual: dict[str, object] = {"portal": "", "calendar": "", "names": "–"}
    title, cause, solution = (
        texts.get(f"{code}.{part}", lang, **(usual | params)) if texts.has(f"{code}.{part}") else ""
        for part in ("title", "cause", "solution")
    )
    return shapes.Fault(code=code, title=title or code, cause=cause, solution=solution)


def background(house: "House", tx: Tx) -> bool:
    """True if the comparison in the background is on."""
    try:
        return jobs.get_job(house, tx, JOB).enabled
    except Problem:  # a new practice: its jobs are not planned yet
        return False


def abilities(able: Abilities) -> shapes.AbilitiesView:
    """What an adapter can do."""
    names = shapes.AbilitiesView.__struct_fields__
    return shapes.AbilitiesView(**{name: getattr(able, name) for name in names})


def adapters(house: "House", lang: str) -> list[shapes.AdapterView]:
    """All kinds of portals that can be chosen."""
    found = []
    for name, form in portals.forms().items():
        fields = [
            shapes.FieldView(
                name=one.name, label=_text(house, f"portals.field.{name}.{one.name}.label", lang),
                help=_text(house, f"portals.field.{name}.{one.name}.help", lang), secret=one.secret,
                required=one.required, default="" if one.secret else one.default,
                choices=[
                    shapes.ChoiceView(value=each, label=_text(house, f"portals.choice.{name}.{one.name}.{each}", lang) or each)
                    for each in one.choices
                ],
            )
            for one in form.fields
        ]  # fmt: skip
        found.append(
            shapes.AdapterView(
                name=name, title=_text(house, f"portals.adapter.{name}.title", lang) or name,
                help=_text(house, f"portals.adapter.{name}.help", lang), fields=fields,
                abilities=abilities(form.abilities),
            )
        )  # fmt: skip
    return found


def _text(house: "House", key_: str, lang: str) -> str:
    return house.texts.get(key_, lang) if house.texts.has(key_) else ""


def every(house: "House", tx: Tx, lang: str) -> list[shapes.PortalView]:
    """All portals of the practice, by name."""
    found = sorted(PORTALS.all(tx), key=lambda one: one.name.casefold())
    return [portal(house, tx, one, lang) for one in found]


def portal(house: "House", tx: Tx, one: OnlinePortal, lang: str) -> shapes.PortalView:
    """One portal with its calendars."""
    form = accounts.form(one.adapter)
    row, where = engine_store.cycle(tx, one.id), here(tx)
    links = sorted(engine_store.calendars(tx, one.id), key=lambda link: link.name.casefold())
    waiting = [each for each in cycle_store.unknowns(tx, one.id) if each.choice is None]
    on = one.active and background(house, tx)
    state = shapes.PortalState(
        running=leases.current(tx, key(one.id)) is not None,
        due_at=time(row.due_at if row is not None and on else None, where),
        contacted_at=time(row and row.contacted_at, where), good_at=time(row and row.good_at, where),
        fetched_at=time(row and row.fetched_at, where), failures=row.failures if row is not None else 0,
        problem=fault(house, row and row.code, lang, portal=one.name, calendar=", ".join(each.name for each in links)),
        open_answers=engine_store.open_answers(tx, one.id), unknown=len(waiting),
    )  # fmt: skip
    return shapes.PortalView(
        id=one.id, version=one.version, name=one.name, adapter=one.adapter, active=one.active, fields=one.fields,
        secrets_set=accounts.secrets_set(house, tx, one.id), interval=one.interval, early=one.early,
        at_once=one.at_once, tells=one.tells, services=one.services,
        calendars=[link(house, tx, each, one, lang) for each in links],
        state=state, abilities=abilities(form.abilities),
    )  # fmt: skip


def link(
    house: "House", tx: Tx, one: OnlineCalendar, whose: OnlinePortal, lang: str, checked: bool | None = None
) -> shapes.CalendarView:
    """One online calendar."""
    schedule = calendar.views(house).calendar(tx).schedules.get(one.schedule)
    return shapes.CalendarView(
        id=one.id, version=one.version, portal=one.portal, name=one.name, schedule=one.schedule,
        schedule_name="" if schedule is None else schedule.name, service=one.service,
        state=_state(house, tx, one, whose, lang), checked=checked,
    )  # fmt: skip


def _state(
    house: "House", tx: Tx, one: OnlineCalendar, whose: OnlinePortal, lang: str
) -> shapes.CalendarState:
    row, cycle, where = engine_store.state(tx, one.id), engine_store.cycle(tx, one.portal), here(tx)
    if row is None:
        raise RuntimeError("an online calendar without its state")
    spans = outside(house, tx, one)[:OUTSIDE_MOST]
    return shapes.CalendarState(
        dirty_since=time(row.dirty_at, where), lag_s=lag(row, tx.now), uploaded=row.uploaded,
        uploaded_at=time(row.uploaded_at, where), good_at=time(row.good_at, where),
        tried_at=time(row.tried_at, where), next_at=time(next_at(house, tx, row, cycle, whose), where),
        first=time(row.first, where), last=time(row.last, where), failures=row.failures,
        problem=fault(house, row.code, lang, portal=whose.name, calendar=one.name),
        outside=[
            shapes.SpanView(start=format_rfc3339(start, where), end=format_rfc3339(end, where))
            for start, end in spans
        ],
    )  # fmt: skip


def lag(row: Any, now: int) -> int:
    """Seconds since the oldest change that the portal does not show; 0 if it shows everything."""
    return 0 if row.dirty_at is None else max(0, now - row.dirty_at)


def next_at(house: "House", tx: Tx, row: Any, cycle: Any, whose: OnlinePortal) -> int | None:
    """When the calendar is compared next; None while nothing runs by itself."""
    if cycle is None or not whose.active or not background(house, tx):
        return None
    if not row.failures or row.tried_at is None:
        return int(cycle.due_at)
    rest = engine_rules.wait_after(whose.interval, row.failures, bool(row.retry))
    return max(int(cycle.due_at), int(row.tried_at) + rest)


def outside(house: "House", tx: Tx, one: OnlineCalendar) -> list[tuple[int, int]]:
    """Times from now on that can be booked online although the column is closed then (SPEC 3.2); empty where unknown."""
    row = engine_store.state(tx, one.id)
    known = calendar.views(house).calendar(tx)
    schedule = known.schedules.get(one.schedule)
    if row is None or schedule is None or row.hours is None or row.first is None:
        return []
    offered = msgspec.json.decode(row.hours, type=list[tuple[int, int]] | None)
    first, last = max(row.first, tx.now), row.last
    spans = [
        (max(start, first), min(end, last)) for start, end in offered or () if end > first and start < last
    ]
    if not spans:
        return []
    start, end = min(each[0] for each in spans), max(each[1] for each in spans)
    almanac = known.almanac
    opened = engine_rules.openings(start, end, almanac.zone, lambda on: almanac.periods(schedule, on))
    busy = [(each.start, each.end) for each in calendar.busy(house, tx, one.schedule, start, end)]
    return engine_rules.outside(spans, opened, busy)


def report(house: "House", reports: Sequence[Report], lang: str) -> shapes.SyncView:
    """What cycles brought."""
    found: list[shapes.ResultView] = []
    problem: shapes.Fault | None = None
    for one in reports:
        for each in one.results:
            said = fault(house, each.code, lang, portal=one.name, calendar=each.name)
            title, cause, solution = ("", "", "") if said is None else (said.title, said.cause, said.solution)
            found.append(
                shapes.ResultView(
                    calendar=each.calendar, name=each.name, portal=one.name, uploaded=each.uploaded, code=each.code,
                    title=title or None, cause=cause or None, solution=solution or None,
                )
            )  # fmt: skip
        if one.code is not None and problem is None:
            names = ", ".join(each.name for each in one.results)
            problem = fault(house, one.code, lang, portal=one.name, calendar=names)
    return shapes.SyncView(calendars=found, bookings=sum(one.bookings for one in reports), problem=problem)
