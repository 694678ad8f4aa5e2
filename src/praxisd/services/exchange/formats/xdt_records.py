"""Lines of xDT gathered into records (8000 … 8100), with what is wrong about their length, their kind and their objects.

A record keeps the lines that are asked for; the others are only counted. So one that never ends stays small too.
"""

from collections.abc import Container, Iterable, Iterator

import msgspec

from praxisd.services.exchange.formats.xdt_words import (
    LENGTH,
    OBJECT_END,
    OBJECT_START,
    RECORDS,
    START,
    Line,
    Notice,
)

MOST_LINES = 20_000
"""Lines kept of one record."""
MOST_BYTES = 4_000_000
NONE = ""
"""Kind of what stands before, or without, any beginning of a record."""


class Record(msgspec.Struct):
    """One record: where it begins, its kind, its lines (without 8000 and 8100), how often fields occur that were not kept.

    `size`: bytes of all its lines as they ought to be; `said`: what its 8100 says, or None.
    """

    line: int
    kind: str
    lines: list[Line]
    left: dict[str, int]
    size: int = 0
    said: int | None = None
    kept: int = 0


def records(cuts: Iterable[Line | Notice], wanted: Container[str] | None = None) -> Iterator[Record | Notice]:
    """Records in the order of the file; `wanted`: fields whose lines are kept (None: all)."""
    now: Record | None = None
    opened: list[tuple[str, int, int]] = []
    for one in cuts:
        if isinstance(one, Notice):
            yield one
            continue
        if one.field == START:
            if now is not None:
                yield from _end(now, opened)
            opened = []
            now = Record(one.no, one.content.strip().decode("ascii", "replace"), [], {}, one.size)
            if now.kind not in RECORDS:
                yield Notice(one.no, "record_unknown", {})
            continue
        if now is None:
            yield Notice(one.no, "no_start", {"field": one.field})
            now = Record(one.no, NONE, [], {})
        now.size += one.size
        if one.field == LENGTH:
            yield from _length(now, one)
            continue
        if one.field in OBJECT_START or (one.field in OBJECT_END and opened):
            yield from _object(one, opened)
        elif one.field in OBJECT_END:
            yield Notice(one.no, "object_end", {"field": one.field})
        elif opened:
            name, line, inside = opened[-1]
            opened[-1] = (name, line, inside + 1)
        yield from _keep(now, one, wanted)
    if now is not None:
        yield from _end(now, opened)


def _keep(record: Record, line: Line, wanted: Container[str] | None) -> Iterator[Notice]:
    if wanted is not None and line.field not in wanted:
        record.left[line.field] = record.left.get(line.field, 0) + 1
        return
    if len(record.lines) >= MOST_LINES or record.kept + line.size > MOST_BYTES:
        if record.kept <= MOST_BYTES:
            record.kept = MOST_BYTES + 1
            yield Notice(line.no, "record_long", {"lines": MOST_LINES})
        record.left[line.field] = record.left.get(line.field, 0) + 1
        return
    record.kept += line.size
    record.lines.append(line)


def _length(record: Record, line: Line) -> Iterator[Notice]:
    text = line.content.strip()
    if record.said is not None:
        yield Notice(line.no, "record_length_again", {})
    elif not text.isdigit() or len(text) > 12:
        yield Notice(line.no, "record_length_unreadable", {})
        record.said = -1
    else:
        record.said = int(text)


def _object(line: Line, opened: list[tuple[str, int, int]]) -> Iterator[Notice]:
    name = line.content.strip().decode("ascii", "replace")
    if line.field in OBJECT_START:
        if opened:
            held = opened[-1]
            opened[-1] = (held[0], held[1], held[2] + 1)
        opened.append((name, line.no, 0))
        return
    began, at, inside = opened.pop()
    if not inside:
        yield Notice(at, "object_empty", {})
    # 8201 of GDT 3.1 counts lines instead of naming the object.
    if began != name and not name.isdigit():
        yield Notice(line.no, "object_other", {"begun": at})


def _end(record: Record, opened: list[tuple[str, int, int]]) -> Iterator[Record | Notice]:
    for _, at, _ in opened:
        yield Notice(at, "object_open", {})
    if record.kind != NONE:
        if record.said is None:
            yield Notice(record.line, "record_length_missing", {})
        elif record.said not in (-1, record.size):
            yield Notice(record.line, "record_length", {"said": record.said, "is": record.size})
    yield record
