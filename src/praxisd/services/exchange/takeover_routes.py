"""REST operations of take-overs and exports. Names of files travel in a header, never in an address."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Answer, Call, Filed, Page, Raw, Route
from praxisd.kernel.store import Tx
from praxisd.services.exchange import exporting, formats, previewing, takeovers
from praxisd.services.exchange import takeover_shapes as shapes
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeover_terms as rules
from praxisd.services.exchange.format import ReadOptions
from praxisd.services.exchange.takeover_view import View

USE, EXPORT = "exchange.takeover.use", "exchange.export.use"
LARGEST = "exchange.largest_mb"
FILE_NAME = "x-praxisd-file-name"
_TAGS = ("exchange",)
_CSV = "text/csv; charset=utf-8"
_GONE, _STATE, _SOURCE = (404, "http.not_found"), (409, "exchange.wrong_state"), (409, "exchange.source_gone")
_SETTINGS = (422, "exchange.settings_invalid")
_FORMAT = (422, "exchange.format_unknown")


def most(call: Call) -> int:
    """How large a file may be, bytes."""
    with call.read() as tx:
        return int(call.house.settings.get(tx, LARGEST)) * 1_000_000


def bring(call: Call) -> Answer:
    """Bring a file of another program

    The body is the file. Its name may come in the header `X-Praxisd-File-Name` (percent-encoded). Its format is found out
    where `format` does not say it. Nothing is read in yet.
    """
    name = unquote(call.headers.get(FILE_NAME, ""))[:200]
    given: Path = call.body
    id_ = takeovers.bring(call.house, call.actor, given, name, call.query.format)
    return Answer(_shown(call, id_), 201)


def list_takeovers(call: Call) -> shapes.TakeoversOut:
    """All take-overs, the newest first."""
    query: Page = call.query
    with call.read() as tx:
        rows = store.page(tx, query.cursor, query.limit + 1)
        shown = View(call.house, tx, call.lang).takeovers(rows[: query.limit])
    return shapes.TakeoversOut(takeovers=shown, next=shown[-1].id if len(rows) > query.limit else None)


def read_takeover(call: Call) -> shapes.TakeoverOut:
    """A take-over: how far it is, and what becomes of the records."""
    return _shown(call, call.path["id"])


def _shown(call: Call, id_: str) -> shapes.TakeoverOut:
    with call.read() as tx:
        return View(call.house, tx, call.lang).takeovers([takeovers.need(tx, id_)])[0]


def preview(call: Call) -> shapes.PreviewOut:
    """The beginning of a table

    Encoding, delimiter, columns and what they may be, the first rows. Dates that can be read in two ways are named; nothing is
    guessed.
    """
    with call.read() as tx:
        return previewing.preview(call.house, tx, takeovers.need(tx, call.path["id"]), plain(call.body))


def plain(options: shapes.OptionsIn) -> shapes.OptionsIn:
    """The options alone, of a body that is more."""
    return shapes.OptionsIn(**{name: getattr(options, name) for name in shapes.OptionsIn.__struct_fields__})


def look(call: Call) -> shapes.TakeoverOut:
    """Look at a file: the whole of it is read and decided about, and nothing is written

    The answer comes at once; `progress` tells how far it is, and `state` becomes `looked`.
    """
    begin_look(call.house, call.writing, call.path["id"], call.body)
    return View(call.house, call.writing, call.lang).takeovers(
        [takeovers.need(call.writing, call.path["id"])]
    )[0]


def begin_look(house: Any, tx: Tx, id_: str, body: shapes.LookIn) -> None:
    """Check how a file is to be read, remember that if asked, and begin."""
    row = takeovers.need(tx, id_, lock=True)
    format_ = row.format if body.format is None else formats.get(body.format).name
    options = body.options
    if format_ == "csv":
        table = row._replace(format="csv")
        options = previewing.check(house, tx, table, body.options)
        if body.remember.strip():
            previewing.remember(house, tx, table, options, body.remember.strip())
    read = ReadOptions(**{name: getattr(options, name) for name in shapes.OptionsIn.__struct_fields__})
    wanted = rules.Settings(options=read, leads=tuple(body.leads), origin=body.origin)
    takeovers.look(house, tx, id_, wanted, format_)


def items(call: Call) -> shapes.ItemsOut:
    """What becomes of each record, in the order of the file."""
    asked: shapes.ItemsIn = call.body
    after = int(asked.cursor) if asked.cursor and asked.cursor.isdecimal() and len(asked.cursor) < 10 else 0
    with call.read() as tx:
        row = takeovers.need(tx, call.path["id"])
        found = store.items(
            tx, row.id, after, asked.limit + 1, action=asked.action, state=asked.state, flawed=asked.flawed
        )
        shown = View(call.house, tx, call.lang).items(found[: asked.limit])
    return shapes.ItemsOut(items=shown, next=str(shown[-1].no) if len(found) > asked.limit else None)


def warnings(call: Call) -> shapes.WarningsOut:
    """Warnings about lines of the file."""
    asked: shapes.WarningsIn = call.body
    after = int(asked.cursor) if asked.cursor and asked.cursor.isdecimal() and len(asked.cursor) < 10 else 0
    with call.read() as tx:
        row = takeovers.need(tx, call.path["id"])
        found = store.warnings(tx, row.id, after, asked.limit + 1)
        shown = View(call.house, tx, call.lang).warnings(found[: asked.limit])
    more = len(found) > asked.limit
    return shapes.WarningsOut(warnings=shown, next=str(found[asked.limit - 1].no) if more else None)


def report(call: Call) -> Raw:
    """The report as a table: each record that was not simply taken, and each warning, with its line."""
    with call.read() as tx:
        data = report_of(View(call.house, tx, call.lang), tx, takeovers.need(tx, call.path["id"]).id)
    return Raw(data, _CSV, headers={"Content-Disposition": 'attachment; filename="uebernahme.csv"'})


def report_of(view: View, tx: Tx, id_: str) -> bytes:
    """The report as CSV, heads and words in the view's language; `code` is for machines."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(view.report_head())
    for row in report_rows(view, tx, id_):
        writer.writerow([f"'{cell}" if cell[:1] in "=+-@" and cell else cell for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def report_rows(view: View, tx: Tx, id_: str) -> Iterator[list[str]]:
    """Lines of the report: line, kind, number, what became of it, code, why, fields that differ."""
    after = 0
    while rows := store.items(tx, id_, after, 1_000):
        after = rows[-1].no
        for one in view.items(rows):
            for code, text in ((one.code, one.text), (one.flaw, one.flaw_text)):
                if code:
                    yield view.report_row(one, code, text)
    for warning in view.warnings(store.warnings(tx, id_, 0, 1_000)):
        yield [str(warning.line or ""), "", "", view.word("report.odd"), warning.code, warning.text, ""]


def apply(call: Call) -> shapes.TakeoverOut:
    """Take over what was looked at, or go on after a stop

    In small steps, so that the practice goes on working. It may be left, and stopped; a crash repeats nothing.
    """
    return _begin(call, lambda tx, id_: takeovers.apply(tx, id_))


def stop(call: Call) -> shapes.TakeoverOut:
    """Stop; what is in stays in until it is taken back."""
    return _begin(call, takeovers.stop)


def undo(call: Call) -> shapes.TakeoverOut:
    """Take a whole take-over back

    Everything becomes as it was. What somebody has changed or used since is left and listed (`state` of its items is
    `changed`); then a second call decides about it.
    """
    body: shapes.UndoIn = call.body
    return _begin(call, lambda tx, id_: takeovers.undo(tx, id_, body.changed))


def _begin(call: Call, what: Callable[[Tx, str], None]) -> shapes.TakeoverOut:
    tx, id_ = call.writing, call.path["id"]
    what(tx, id_)
    return View(call.house, tx, call.lang).takeovers([takeovers.need(tx, id_)])[0]


def delete(call: Call) -> None:
    """Forget a take-over and throw its file away; what it brought stays."""
    takeovers.delete(call.house, call.writing, call.path["id"])


def list_formats(call: Call) -> shapes.FormatsOut:
    """Formats that can be brought and given out."""
    found = []
    for name in formats.MODULES:
        one = formats.get(name)
        label = call.house.texts.get(f"console.exchange.format.{name}", call.lang)
        found.append(
            shapes.FormatOut(
                name=name, label=label, extension=one.extension, brings=list(one.kinds_in), gives=list(one.kinds_out)
            )
        )  # fmt: skip
    return shapes.FormatsOut(formats=found)


def list_mappings(call: Call) -> shapes.MappingsOut:
    """Remembered ways to read tables."""
    with call.read() as tx:
        return shapes.MappingsOut(mappings=View(call.house, tx, call.lang).mappings(store.mappings(tx)))


def drop_mapping(call: Call) -> None:
    """Forget a way to read tables."""
    if not store.drop_mapping(call.writing, call.path["id"]):
        raise not_found("Mapping")


def export(call: Call) -> Filed:
    """Give data out as a file; it is noted who did, and how many records it holds

    `X-Praxisd-Records` tells how many; `X-Praxisd-Left` names (as JSON) what the format cannot say, and how often.
    """
    body: shapes.ExportIn = call.body
    file, done = exporting.filed(
        call.house, call.actor, body.what, body.format, encoding=body.encoding, delimiter=body.delimiter
    )
    one = formats.get(body.format)
    headers = {
        "Content-Disposition": f'attachment; filename="{body.what}.{one.extension}"',
        "X-Praxisd-Records": str(done.records),
        "X-Praxisd-Left": msgspec.json.encode(done.left).decode(),
    }
    media = one.media_type if one.name != "csv" or body.encoding is None else "text/csv"
    return Filed(file, media, headers=headers)


_READING: dict[str, Any] = {"inside": True, "tags": _TAGS}
_AT = "/exchange/takeovers/{id}"
ROUTES = (
    Route(
        "POST", "/exchange/takeovers", "takeovers.bring", bring, USE, shapes.TakeoverOut, query=shapes.BringQuery,
        status=201, upload=most, transaction=False,
        problems=(
            (409, "directory.organization_missing"), _FORMAT, (422, "exchange.file_empty"), (422, "exchange.format_unclear"),
        ),
        **_READING,
    ),
    Route("GET", "/exchange/takeovers", "takeovers.list", list_takeovers, USE, shapes.TakeoversOut, query=Page, **_READING),
    Route("GET", _AT, "takeovers.read", read_takeover, USE, shapes.TakeoverOut, problems=(_GONE,), **_READING),
    Route(
        "POST", f"{_AT}/preview", "takeovers.preview", preview, USE, shapes.PreviewOut, body=shapes.PreviewIn,
        transaction=False, problems=(_GONE, _SOURCE, _SETTINGS, (422, "exchange.no_table"), (422, "exchange.not_this_format")),
        **_READING,
    ),
    Route(
        "POST", f"{_AT}/look", "takeovers.look", look, USE, shapes.TakeoverOut, body=shapes.LookIn,
        problems=(
            _GONE, _STATE, _SOURCE, _SETTINGS, _FORMAT, (409, "directory.organization_missing"), (422, "exchange.no_table"),
            (422, "exchange.not_this_format"), (422, "exchange.mapping_missing"), (422, "exchange.date_order_missing"),
        ),
        **_READING,
    ),
    Route(
        "POST", f"{_AT}/items", "takeovers.searchItems", items, USE, shapes.ItemsOut, body=shapes.ItemsIn,
        transaction=False, problems=(_GONE,), **_READING,
    ),
    Route(
        "POST", f"{_AT}/warnings", "takeovers.searchWarnings", warnings, USE, shapes.WarningsOut,
        body=shapes.WarningsIn, transaction=False, problems=(_GONE,), **_READING,
    ),
    Route("GET", f"{_AT}/report", "takeovers.report", report, USE, media_type=_CSV, problems=(_GONE,), **_READING),
    Route(
        "POST", f"{_AT}/apply", "takeovers.apply", apply, USE, shapes.TakeoverOut, problems=(_GONE, _STATE, _SOURCE),
        **_READING,
    ),
    Route("POST", f"{_AT}/stop", "takeovers.stop", stop, USE, shapes.TakeoverOut, problems=(_GONE, _STATE), **_READING),
    Route(
        "POST", f"{_AT}/undo", "takeovers.undo", undo, USE, shapes.TakeoverOut, body=shapes.UndoIn,
        problems=(_GONE, _STATE, (409, "exchange.undo_undecided")), **_READING,
    ),
    Route("DELETE", _AT, "takeovers.delete", delete, USE, status=204, problems=(_GONE, _STATE), **_READING),
    Route("GET", "/exchange/formats", "exchange.formats", list_formats, USE, shapes.FormatsOut, **_READING),
    Route("GET", "/exchange/mappings", "mappings.list", list_mappings, USE, shapes.MappingsOut, **_READING),
    Route(
        "DELETE", "/exchange/mappings/{id}", "mappings.delete", drop_mapping, USE, status=204, problems=(_GONE,), **_READING
    ),
    Route(
        "POST", "/exchange/exports", "exports.make", export, EXPORT, body=shapes.ExportIn, transaction=False,
        media_type="application/octet-stream",
        problems=(
            (409, "directory.organization_missing"), _FORMAT, _SETTINGS, (422, "exchange.format_lacks"),
            (422, "exchange.cannot_say"),
        ),
        **_READING,
    ),
)  # fmt: skip
