"""The beginning of a table, as the wizard shows it: how it is written, what its columns may be, how its dates are meant."""

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.exchange import Kind
from praxisd.services.exchange import takeover_places
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange.format import HEAD
from praxisd.services.exchange.formats import csv_guess, csv_words
from praxisd.services.exchange.formats.csv_table import headings
from praxisd.services.exchange.takeover_shapes import ColumnOut, OptionsIn, PreviewOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SHOWN, JUDGED = 20, 2_000
"""Rows that are shown, and rows by which columns and dates are judged."""
_HEAD = 4 * HEAD


def preview(house: "House", tx: Tx, row: Any, wanted: OptionsIn) -> PreviewOut:
    """The first rows of a table. Problem `exchange.no_table` (422) for a file of another format."""
    if tx.actor.masked:
        raise Problem("access.forbidden", 403, permission="exchange.takeover.use")
    if row.format != "csv":
        raise Problem("exchange.no_table", 422)
    with takeover_places.opened(house, row.id) as stream:
        head = stream.read(_HEAD)
    encoding, sure = (wanted.encoding, 1.0) if wanted.encoding else csv_guess.encoding(head)
    try:
        text = csv_guess.text_of(head, encoding)
    except LookupError:
        raise Problem("exchange.settings_invalid", 422, field="encoding") from None
    mark = wanted.delimiter or csv_guess.delimiter(text)[0]
    rows = csv_guess.table(text, mark, JUDGED)
    if not rows:
        raise Problem("exchange.not_this_format", 422, format="csv")
    header = csv_guess.has_header(rows[0], wanted.what) if wanted.header is None else wanted.header
    names = headings(rows[0], header)
    body = rows[1:] if header else rows
    known = store.mapping_for(tx, digest(names, wanted.what)) if wanted.mapping is None else None
    before = None if known is None else msgspec.json.decode(known.doc, type=OptionsIn)
    columns = _columns(names, body, wanted, before)
    found = {one.date_order for one in columns if one.date_order and one.field in csv_words.DATES}
    orders = found - {"ymd"} or found  # an ISO date reads the same in every order
    unsure = len(orders) > 1 or any(one.date_ambiguous for one in columns)
    order = wanted.date_order or (before.date_order if before is not None else None)
    return PreviewOut(
        encoding=encoding, encoding_sure=sure >= 0.9, encodings=list(csv_guess.ENCODINGS), delimiter=mark, header=header,
        columns=columns, rows=[[cell[:200] for cell in one] for one in body[:SHOWN]],
        fields=list(csv_words.FIELDS[wanted.what]), needed=[list(one) for one in csv_words.NEEDED[wanted.what]],
        mapping_id=None if known is None else known.id, mapping_name=None if known is None else known.name,
        date_order=order or (next(iter(orders)) if orders and not unsure else None),
        date_ambiguous=unsure and order is None,
    )  # fmt: skip


def _columns(
    names: list[str], body: list[list[str]], wanted: OptionsIn, before: OptionsIn | None
) -> list[ColumnOut]:
    guessed = csv_words.mapping(names, wanted.what)
    given = wanted.mapping if wanted.mapping is not None else (before.mapping if before is not None else None)
    out = []
    for n, name in enumerate(names):
        field, sure = (given.get(name), 1.0) if given is not None else (None, 0.0)
        if given is None and name in guessed:
            field, sure = guessed[name]
        found = (
            csv_guess.dates([row[n] for row in body if n < len(row)]) if field in csv_words.DATES else None
        )
        out.append(
            ColumnOut(
                name=name, field=field, confidence=round(sure, 2),
                date_order=None if found is None else found.order, date_ambiguous=found is not None and found.ambiguous,
                date_mixed=found is not None and found.mixed, date_example="" if found is None else found.example,
            )
        )  # fmt: skip
    return out


def digest(names: list[str], what: Kind) -> str:
    """By what a table is recognised: its headings and what it is read as."""
    return hashlib.blake2b(msgspec.json.encode([what, names]), digest_size=16).hexdigest()


def check(house: "House", tx: Tx, row: Any, wanted: OptionsIn) -> OptionsIn:
    """The options with which a table will be read: all that was found out is written down, so that it is read the same way
    each time. Refuses (422) what nobody may guess: `exchange.date_order_missing`, `exchange.mapping_missing`."""
    seen = preview(house, tx, row, wanted)
    if seen.date_ambiguous:
        raise Problem("exchange.date_order_missing", 422, retry=True)
    mapping = {one.name: one.field for one in seen.columns if one.field is not None}
    told = set(mapping.values())
    missing = [group[0] for group in csv_words.NEEDED[wanted.what] if not told & set(group)]
    if missing:
        raise Problem("exchange.mapping_missing", 422, field=", ".join(missing))
    return msgspec.structs.replace(
        wanted, encoding=seen.encoding, delimiter=seen.delimiter, header=seen.header, mapping=mapping,
        date_order=seen.date_order,
    )  # fmt: skip


def remember(house: "House", tx: Tx, row: Any, options: OptionsIn, name: str) -> None:
    """Keep how a table was read, for the next one with these headings."""
    seen = preview(house, tx, row, options)
    key = digest([one.name for one in seen.columns], options.what)
    known = store.mapping_for(tx, key)
    store.put_mapping(
        tx, id=new_id() if known is None else known.id, name=name, headings=key, used_at=tx.now,
        doc=msgspec.json.encode(options).decode(),
    )  # fmt: skip
