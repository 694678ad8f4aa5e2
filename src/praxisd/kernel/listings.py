"""Listings at work: the two operations each one becomes, the words of its columns, and its rows as CSV.

CSV is written for spreadsheets in German offices: UTF-8 with BOM, semicolons, CRLF, titles and words in the caller's
language, times in the practice's zone. A cell that a spreadsheet would take for a formula gets a leading `'`
(OWASP, „CSV Injection").
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import console, events
from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.console import Cell, Column, Listing, ListingQuery, Row
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Call, Raw, Route

if TYPE_CHECKING:
    from praxisd.kernel.app import House

CSV = "text/csv; charset=utf-8"
EXPORT_MOST = 50_000
"""Rows of an export."""
_CHUNK = 5_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?")
_NAME_PART = re.compile(r"[._-]+([a-z0-9])")
PROBLEMS = (
    (400, "clock.bad_time"),
    (400, "clock.naive_time"),
    (422, "listing.not_offered"),
)


class Choice(msgspec.Struct, rename="camel", frozen=True):
    """One value of a column and what people call it."""

    value: str
    label: str


class ColumnOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A column: `kind` says how its cells are written, `sortable` and `filter` what may be asked of it."""

    key: str
    title: str
    kind: str
    sortable: bool
    filter: bool
    choices: list[Choice] = []


class ListingOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One page of a listing with its columns. `total` is null where counting would cost too much."""

    name: str
    columns: list[ColumnOut]
    text: bool
    period: str
    sort: str
    rows: list[Row]
    next: str | None = None
    total: int | None = None


def routes_of(listing: Listing) -> tuple[Route, Route]:
    """The operations of a listing: its rows, and the same as CSV."""
    noun = _NAME_PART.sub(lambda match: match[1].upper(), listing.name)
    problems = (*PROBLEMS, *(one for one in listing.problems if one not in PROBLEMS))
    show, save = partial(_show, listing), partial(export, listing)
    show.__doc__ = (
        f"Rows of the listing {listing.name}\n\nWith its columns; sorted, filtered and cut as asked."
    )
    save.__doc__ = (
        f"The listing {listing.name} as CSV\n\nAll rows that fit, at most {EXPORT_MOST}; it is noted."
    )
    made: list[Route] = []
    for path, name, call, answer, media in (
        ("", noun, show, ListingOut, "application/json"),
        ("/export", f"{noun}Export", save, None, CSV),
    ):
        made.append(
            Route(
                "POST",
                f"/listings/{listing.name}{path}",
                f"listing.{name}",
                call,
                listing.permission,
                answer=answer,
                body=ListingQuery,
                media_type=media,
                problems=problems,
                transaction=False,
                tags=("listings",),
            )
        )
    return made[0], made[1]


def columns(house: "House", listing: Listing, lang: str, masked: bool = False) -> list[ColumnOut]:
    """The columns with titles and words in a language; a masked caller is offered less."""
    return [
        ColumnOut(
            key=one.key,
            title=house.texts.get(f"console.list.{listing.name}.{one.key}", lang),
            kind=one.kind,
            sortable=one.sortable and not (masked and one.personal),
            filter=one.filter and not (masked and one.personal),
            choices=[Choice(v, label) for v, label in choices(house, one, lang)],
        )
        for one in listing.columns
    ]


def choices(house: "House", column: Column, lang: str) -> list[tuple[str, str]]:
    """Value and label of what a cell of this column may be; empty where anything may stand."""
    if column.options is not None:
        return list(column.options(house, lang))
    values = ("true", "false") if column.kind == "flag" else column.choices
    words = "flag" if column.kind == "flag" else column.vocabulary
    return [(one, house.texts.get(f"console.word.{words}.{one}", lang)) for one in values]


def _asked(listing: Listing, call: Call) -> ListingQuery:
    """The query, checked. Where a masked caller left the order open, it is not that of personal cells."""
    query: ListingQuery = call.body
    masked = call.actor.masked
    console.check_query(listing, query, masked)
    first = listing.column(listing.sort.removeprefix("-"))
    if masked and not query.sort and first is not None and first.personal:
        open_ones = [one.key for one in listing.columns if one.sortable and not one.personal]
        return msgspec.structs.replace(query, sort=open_ones[0] if open_ones else "")
    return query


def _show(listing: Listing, call: Call) -> ListingOut:
    query, masked = _asked(listing, call), call.actor.masked
    page = listing.rows(call, query)
    return ListingOut(
        name=listing.name,
        columns=columns(call.house, listing, call.lang, masked),
        text=console.searchable(listing, masked),
        period=listing.period,
        sort=listing.sort,
        rows=console.masked(listing, page.rows) if masked else list(page.rows),
        next=str(query.offset + len(page.rows)) if page.more else None,
        total=page.total,
    )


def export(listing: Listing, call: Call) -> Raw:
    """All rows that the call's query (a ListingQuery as its body) asks for, as CSV; it is noted."""
    query = _asked(listing, call)
    rows: list[Row] = []
    more = True
    while more and len(rows) < EXPORT_MOST:
        limit = min(_CHUNK, EXPORT_MOST - len(rows))
        page = listing.rows(call, msgspec.structs.replace(query, cursor=str(len(rows)), limit=limit))
        rows += console.masked(listing, page.rows) if call.actor.masked else page.rows
        more = page.more and bool(page.rows)
    data = as_csv(call, listing, rows, cut=more)
    call.house.store.run(
        call.actor,
        lambda tx: events.note(
            tx, "listing.exported", "Listing", listing.name, listing=listing.name, count=len(rows)
        ),
    )
    name = f"{listing.name.replace('.', '-')}.csv"
    return Raw(data, CSV, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def as_csv(call: Call, listing: Listing, rows: Sequence[Row], cut: bool = False) -> bytes:
    """The rows as a spreadsheet reads them, in the caller's language. `cut`: there are more, and the last line says so."""
    with call.read() as tx:
        zone = zone_of(zone_name(call.house, tx))
    shown = columns(call.house, listing, call.lang)
    words = {one.key: {c.value: c.label for c in one.choices} for one in shown}

    def written(column: ColumnOut, value: Cell) -> str:
        if value is None:
            return ""
        if column.kind == "time":
            at = datetime.fromtimestamp(parse_rfc3339(str(value)), zone)
            return at.strftime("%d.%m.%Y %H:%M:%S" if call.lang == "de" else "%Y-%m-%d %H:%M:%S")
        if column.kind == "date" and call.lang == "de":
            return ".".join(reversed(str(value).split("-")))
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if isinstance(value, float) and call.lang == "de":
            text = text.replace(".", ",")
        return words[column.key].get(text, text)

    def lines() -> Iterator[list[str]]:
        yield [harmless(one.title) for one in shown]
        for row in rows:
            yield [harmless(written(one, row.cells.get(one.key))) for one in shown]
        if cut:
            yield [call.house.texts.get("console.export_cut", call.lang, most=EXPORT_MOST)]

    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(lines())
    return ("\ufeff" + out.getvalue()).encode()


def harmless(cell: str) -> str:
    """The cell as text that no spreadsheet calculates; a plain negative number stays one."""
    return f"'{cell}" if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell) else cell
