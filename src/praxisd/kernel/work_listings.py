"""Listings of the server's work: every run of every job, and the open issues."""

from typing import TYPE_CHECKING, Any

from praxisd.kernel import clock, event_search, issues, jobs, sentences
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Call, Severity

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_ORDER = {
    "due": "due_at",
    "started": "started_at",
    "ended": "ended_at",
    "state": "state",
    "job": "job",
}
_SAD = ("failed", "missed", "interrupted")


def job_titles(house: "House", lang: str) -> list[tuple[str, str]]:
    """Every job and its title, by title."""
    found = [(name, house.texts.get(f"job.{name}.title", lang)) for name in house.registry.jobs]
    return sorted(found, key=lambda one: one[1].casefold())


def counts_in_words(house: "House", counts: dict[str, int], lang: str) -> str | None:
    """`Ereignisse: 12, Läufe: 3`; a number that has no word of its own keeps its code. Noughts are left out; where there
    is nothing else, there was nothing to do. None: the job counts nothing.
    """
    parts = []
    for name, number in counts.items():
        key = f"console.count.{name}"
        if number:
            parts.append(f"{house.texts.get(key, lang) if house.texts.has(key) else name}: {number}")
    return ", ".join(parts) or (house.texts.get("console.runs.idle", lang) if counts else None)


def _runs(call: Call, query: ListingQuery) -> ListingPage:
    house, texts = call.house, call.house.texts
    order = query.sort or "-due"
    column = _ORDER[order.removeprefix("-")]
    states = query.filters.get("state")
    job = query.filters.get("job")
    with call.read() as tx:
        found, total = jobs.all_runs(
            house,
            tx,
            names=(job,) if job else (),
            states=(states,) if states else (),
            since=clock.parse_rfc3339(query.from_, "from") if query.from_ else None,
            until=clock.parse_rfc3339(query.to, "to") if query.to else None,
            order=f"-{column}" if order.startswith("-") else column,
            offset=query.offset,
            limit=query.limit,
        )
        zone = zone_of(zone_name(house, tx))
        names = sentences.actor_names(house, tx, {one.triggered_by for one in found}, call.lang)
        did = event_search.count_by_run(tx, house.registry, [one.id for one in found])

    def at(moment: int | None) -> str | None:
        return None if moment is None else clock.format_rfc3339(moment, zone)

    rows = []
    for one in found:
        title = f"{one.code}.title"
        cells: dict[str, Any] = {
            "job": one.job,
            "due": at(one.due_at),
            "started": at(one.started_at),
            "ended": at(one.ended_at),
            "state": one.state,
            "counts": counts_in_words(house, one.counts, call.lang),
            "message": texts.get(title, call.lang) if one.code and texts.has(title) else None,
            "activity": did.get(one.id, (0, 0))[0],
            "errors": did.get(one.id, (0, 0))[1],
            "by": names[one.triggered_by],
            "progress": _share(one),
        }
        rows.append(Row(id=one.id, cells=cells, alert=one.state in _SAD))
    return ListingPage(rows, more=query.offset + len(rows) < total, total=total)


def _share(one: jobs.Run) -> int | None:
    """Percent done of a run that is not over."""
    if one.progress is None or one.state not in ("running", "interrupted") or one.progress[1] <= 0:
        return None
    return min(100, one.progress[0] * 100 // one.progress[1])


def _issues(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        zone = zone_of(zone_name(call.house, tx))
        found = issues.list_open(tx)
        if tx.organization != INSTALLATION:
            tx.organization = INSTALLATION
            found += issues.list_open(tx)
    rows = []
    for one in found:
        words = issues.explain(call.house, one, call.lang)
        cells: dict[str, Any] = {
            "severity": words["severity"],
            "title": words["title"],
            "cause": words["cause"],
            "solution": words["solution"],
            "since": clock.format_rfc3339(one.first_at, zone),
            "ignored": one.ignored_by is not None,
            "code": one.code,
        }
        alert = one.severity is Severity.ERROR and one.ignored_by is None
        rows.append(Row(id=f"{one.code}|{one.subject}", cells=cells, alert=alert))
    return arrange(ISSUES, rows, query)


RUNS = Listing(
    "kernel.runs",
    "kernel.jobs.read",
    (
        Column("job", "choice", sortable=True, filter=True, options=job_titles),
        Column("due", "time", sortable=True),
        Column("started", "time", sortable=True),
        Column("ended", "time", sortable=True),
        Column("state", "choice", sortable=True, filter=True, choices=jobs.STATES, words="run_state"),
        Column("progress", "number"),
        Column("counts"),
        Column("message"),
        Column("activity", "number"),
        Column("errors", "number"),
        Column("by"),
    ),
    _runs,
    period="due",
    sort="-due",
)
ISSUES = Listing(
    "kernel.issues",
    "kernel.issues.read",
    (
        Column(
            "severity",
            "choice",
            sortable=True,
            filter=True,
            choices=("error", "warning", "info"),
            words="severity",
        ),
        Column("title", sortable=True),
        Column("cause"),
        Column("solution"),
        Column("since", "time", sortable=True),
        Column("ignored", "flag", filter=True),
        Column("code"),
    ),
    _issues,
    text=True,
    period="since",
    sort="severity",
)
LISTINGS = (RUNS, ISSUES)
