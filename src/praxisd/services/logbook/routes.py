"""The doors of the logbook: write, search, follow, save, how full it is, and the switch „Diagnose"."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from praxisd.kernel import events
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.listings import CSV
from praxisd.kernel.service import Call, EventType, Permission, Raw, Retention, Route
from praxisd.kernel.store import Tx
from praxisd.services.logbook import api, csv_lines, diagnosing, rules, searching, settings
from praxisd.services.logbook.book import GONE, REUSED, book_of, unavailable
from praxisd.services.logbook.searching import DIAGNOSE
from praxisd.services.logbook.shapes import (
    DayOut,
    DiagnoseIn,
    DiagnoseOut,
    EntriesIn,
    EntriesOut,
    ExportIn,
    SearchIn,
    SourceOut,
    SourcesOut,
    StatisticsOut,
    TakenOut,
)
from praxisd.services.logbook.shelf import Unavailable

READ, WRITE = "logbook.entry.read", "logbook.entry.write"
EXPORT_MOST = 50_000
"""So many entries are saved as one file."""
SHOWN_DAYS = 14
_DAY_MS = 86_400_000
_NDJSON = "application/x-ndjson; charset=utf-8"
_TAGS = ("logbook",)
_GONE = (503, GONE)
_WIDE = ((422, "logbook.search_too_wide"), (422, "logbook.too_many_words"), _GONE)
_TIMES = ((400, "clock.bad_time"), (400, "clock.naive_time"))


def write_entries(call: Call) -> TakenOut:
    """Write entries into the logbook

    At least once: what was sent before under the same number is not kept twice. Patient values are dropped at this door.
    """
    body: EntriesIn = call.body
    return TakenOut(upto=api.take(call.house, call.actor.organization, source_of(call), body.entries))


def source_of(call: Call) -> str:
    """Who writes: a seat by its id, anybody else by kind and id."""
    return call.actor.id if call.actor.kind == "seat" else call.actor.label


def search_entries(call: Call) -> EntriesOut:
    """Search the logbook, or follow it

    Newest first. With `after` what came since then, in order of arrival: ask again with the answer's `last`.
    """
    body: SearchIn = call.body
    last = searching.last_no(call.house)
    asked = replace(
        searching.wanted(call.actor.organization, body),
        before=int(body.cursor) if body.cursor and body.cursor.isdecimal() else None,
        after=None if body.after is None else int(body.after),
        limit=body.limit + 1,
    )
    found = searching.find(call.house, asked)
    lines, more = found[: body.limit], len(found) > body.limit
    if body.after is not None:
        last = lines[-1].no if more else max([last, int(body.after), *(one.no for one in lines)])
    patients = searching.sees_patients(call.actor)
    with call.read() as tx:
        named = searching.names(call.house, tx, {one.source for one in lines}, call.lang)
    return EntriesOut(
        entries=[searching.shown(one, named, patients=patients) for one in lines],
        next=str(lines[-1].id) if more and body.after is None else None,
        last=str(last),
    )


def list_sources(call: Call) -> SourcesOut:
    """Who writes into the logbook: seats, programs, the server."""
    try:
        found = book_of(call.house).shelf.sources(call.actor.organization)
    except Unavailable:
        raise unavailable() from None
    with call.read() as tx:
        named = searching.names(call.house, tx, {one.source for one in found}, call.lang)
    return SourcesOut(
        sources=[
            SourceOut(
                source=one.source,
                name=named[one.source],
                upto=one.upto,
                entries=one.stored,
                first_at=rules.shown(one.first_got),
                last_at=rules.shown(one.last_got),
            )
            for one in found
        ]
    )


def export_entries(call: Call) -> Raw:
    """Save entries as a file

    The newest 50,000 of the filter, newest first, without patient values. It is noted who saved.
    """
    body: ExportIn = call.body
    lines = list(searching.many(call.house, searching.wanted(call.actor.organization, body), EXPORT_MOST))

    def work(tx: Tx) -> dict[str, str]:
        events.note(tx, "logbook.exported", "Logbook", "entries", lines=len(lines), format=body.format)
        return searching.names(call.house, tx, {one.source for one in lines}, call.lang)

    named = call.house.store.run(call.actor, work)
    shown = [searching.shown(one, named, patients=False) for one in lines]
    if body.format == "csv":
        data, media = csv_lines.written(call, shown), CSV
    else:
        data, media = b"".join(msgspec.json.encode(one) + b"\n" for one in shown), _NDJSON
    name = f"praxisd-logbook.{body.format}"
    return Raw(data, media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def get_statistics(call: Call) -> StatisticsOut:
    """How full the logbook is, and how many warnings and errors each of the last 14 days brought."""
    first = (call.house.clock.now_ms() // _DAY_MS - SHOWN_DAYS + 1) * _DAY_MS
    try:
        shelf = book_of(call.house).shelf
        figures, days = shelf.figures(), shelf.days(call.actor.organization, first)
    except Unavailable:
        raise unavailable() from None
    counted = {(day, level): count for day, level, count in days}
    start = first // _DAY_MS
    with call.read() as tx:
        limits = settings.limits(call.house, tx)
        until, zone = diagnosing.until(tx), zone_of(zone_name(call.house, tx))
    return StatisticsOut(
        debug=figures.levels.get(10, 0),
        info=figures.levels.get(20, 0),
        warnings=figures.levels.get(30, 0),
        errors=figures.levels.get(40, 0),
        used_bytes=figures.used,
        disk_bytes=figures.disk,
        limit_bytes=limits.bytes,
        days=limits.days,
        warning_days=limits.warning_days,
        oldest_at=None if figures.oldest is None else rules.shown(figures.oldest),
        newest_at=None if figures.newest is None else rules.shown(figures.newest),
        last_days=[
            DayOut(
                day=f"{datetime.fromtimestamp(day * 86_400, UTC):%Y-%m-%d}",
                warnings=counted.get((day, 30), 0),
                errors=counted.get((day, 40), 0),
            )
            for day in range(start, start + SHOWN_DAYS)
        ],
        diagnose_until=None if until is None else format_rfc3339(until, zone),
    )


def put_diagnose(call: Call) -> DiagnoseOut:
    """Switch „Diagnose" on for some hours, or off

    While it is on, patient values that programs send are kept and shown to who may do this. They never leave in a package.
    """
    body: DiagnoseIn = call.body
    tx = call.writing
    until = diagnosing.switch(tx, body.hours)
    zone = zone_of(zone_name(call.house, tx))
    return DiagnoseOut(until=None if until is None else format_rfc3339(until, zone))


EVENTS = (
    EventType("logbook.exported", Retention.AUDIT),
    EventType("diagnose.switched_on", Retention.AUDIT),
    EventType("diagnose.switched_off", Retention.AUDIT),
)
PERMISSIONS = (
    Permission(READ, ("owner", "desk", "partner")),
    Permission(WRITE, ("owner", "desk", "pvs")),
    Permission(DIAGNOSE),
)
ROUTES = (
    Route(
        "POST", "/logbook/entries", "logbook.write", write_entries, WRITE, TakenOut, body=EntriesIn, transaction=False,
        problems=((409, REUSED), _GONE), tags=_TAGS,
    ),
    Route(
        "POST", "/logbook/search", "logbook.search", search_entries, READ, EntriesOut, body=SearchIn, transaction=False,
        problems=(*_TIMES, *_WIDE), inside=True, tags=_TAGS,
    ),
    Route(
        "GET", "/logbook/sources", "logbookSource.list", list_sources, READ, SourcesOut, problems=(_GONE,), inside=True,
        tags=_TAGS,
    ),
    Route(
        "POST", "/logbook/export", "logbook.export", export_entries, READ, body=ExportIn, media_type=_NDJSON, transaction=False,
        problems=(*_TIMES, *_WIDE), inside=True, tags=_TAGS,
    ),
    Route(
        "GET", "/logbook/statistics", "logbook.statistics", get_statistics, READ, StatisticsOut, problems=(_GONE,), inside=True,
        tags=_TAGS,
    ),
    Route(
        "PUT", "/logbook/diagnose", "logbook.diagnose", put_diagnose, DIAGNOSE, DiagnoseOut, body=DiagnoseIn, inside=True,
        tags=_TAGS,
    ),
)  # fmt: skip
