"""Making a data set: rows looked at one by one, then written sorted, so that the same facts give the same bytes.

Nothing of the clock or of this computer gets into the file. Other bytes come from another SQLite only (its version stands in
each file's header); `meta.sha256` is the same even then.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.services.medication import sets_looking, sets_words
from praxisd.services.medication import sets_schema as schema
from praxisd.services.medication.sets_schema import Table

PAGE = 4096
Rows = Mapping[str, Iterable[Mapping[str, Any]]]
"""Table → rows, each a mapping of columns; what is left out or empty text is NULL."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What a set says of itself. Days are YYYY-MM-DD; `sample` says that it is for trying out and not for treating."""

    element: str
    title_de: str
    title_en: str
    source: str
    source_url: str
    licence: str
    released: str
    valid_until: str
    grace_until: str
    sample: bool = False


def build(about: About, found: Rows, out: Path) -> dict[str, int]:
    """Write the set; rows per table. `out` is replaced whole, and only once the new file is sound.

    Problem `medication.build_refused` (422) names table, row and what is wrong: nothing is written then.
    """
    tables = schema.TABLES[about.element]
    strange = sorted(set(found) - {one.name for one in tables})
    if strange:
        raise refused(strange[0], "", "table_unknown")
    _about(about)
    content = {one.name: _rows(one, found.get(one.name, ())) for one in tables}
    keys = {one.name: {_key(one, row) for row in content[one.name]} for one in tables}
    for one in tables:
        for row in content[one.name]:
            _refers(one, row, keys, content)
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_name(f"{out.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        _write(about, tables, content, fresh)
        fresh.replace(out)
    finally:
        fresh.unlink(missing_ok=True)
    return {name: len(rows) for name, rows in content.items()}


def refused(table: str, row: str, what: str, detail: str = "") -> Problem:
    """The Problem of a row that cannot be in a set. `what` is a word of `medication.build.<what>` in the texts; whoever shows
    it to people puts that sentence in the place of `reason`.
    """
    reason = f"{what} {detail[:120]}".strip()
    return Problem(
        "medication.build_refused",
        422,
        table=table,
        row=row[:120],
        what=what,
        value=detail[:120],
        reason=reason,
    )


def _about(about: About) -> None:
    for name in ("title_de", "title_en", "source", "licence"):
        if not getattr(about, name).strip():
            raise refused("meta", name, "empty")
    for name in ("released", "valid_until", "grace_until"):
        if not sets_looking.is_day(getattr(about, name)):
            raise refused("meta", name, "no_day", getattr(about, name))
    if not about.released <= about.valid_until <= about.grace_until:
        raise refused("meta", "valid_until", "order")


def _key(table: Table, row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(row[table.names.index(name)] for name in table.key)


def _rows(table: Table, found: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """The rows as they are written, sorted; each is looked at."""
    made: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    words, kinds = dict(table.words), dict(table.columns)
    for one in found:
        label = " ".join(str(one.get(name, "")) for name in table.key)
        for name in one:
            if name not in kinds:
                raise refused(table.name, label, "column_unknown", name)
        cells = {name: _cell(table, label, name, kinds[name], one.get(name)) for name in table.names}
        for name in table.needed:
            if cells[name] is None:
                raise refused(table.name, label, "empty", name)
        for name, allowed in words.items():
            if cells[name] not in allowed:
                raise refused(table.name, label, "word", f"{name}={cells[name]}")
        for name in table.days:
            if cells[name] is not None and not sets_looking.is_day(cells[name]):
                raise refused(table.name, label, "no_day", f"{name}={cells[name]}")
        for name in table.links:
            if cells[name] is not None and not cells[name].startswith(("https://", "http://")):
                raise refused(table.name, label, "no_link", f"{name}={cells[name]}")
        row = tuple(cells[name] for name in table.names)
        key = _key(table, row)
        if key in made:
            raise refused(table.name, label, "twice")
        made[key] = row
    return [made[key] for key in sorted(made, key=_order)]


def _order(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """As SQLite sorts text: by bytes."""
    return tuple(part.encode() if isinstance(part, str) else part for part in key)


def _cell(table: Table, label: str, name: str, kind: str, value: Any) -> Any:
    if kind.startswith("INTEGER"):
        if isinstance(value, bool):
            return int(value)
        if value is not None and not isinstance(value, int):
            raise refused(table.name, label, "no_number", f"{name}={value}")
        return value
    if value is None:
        return None
    if not isinstance(value, str):
        raise refused(table.name, label, "no_text", f"{name}={value}")
    text = value.strip()
    if any(ord(one) < 32 and one not in "\n\t" for one in text):
        raise refused(table.name, label, "control", name)
    return text or None


def _refers(
    table: Table, row: tuple[Any, ...], keys: Mapping[str, set[tuple[Any, ...]]], content: Mapping[str, Any]
) -> None:
    cells = dict(zip(table.names, row, strict=True))
    label = " ".join(str(cells[name]) for name in table.key)
    for one in table.refers:
        if (cells[one.column],) not in keys[one.table]:
            raise refused(table.name, label, "refers", f"{one.column}={cells[one.column]}")
    for subject in table.subjects:
        kind, id_ = cells[subject.kind], cells[subject.id]
        if kind not in subject.kinds:
            raise refused(table.name, label, "word", f"{subject.kind}={kind}")
        if kind != "atc" and (id_,) not in keys[kind]:
            raise refused(table.name, label, "refers", f"{subject.id}={id_}")


def _write(
    about: About, tables: tuple[Table, ...], content: Mapping[str, list[tuple[Any, ...]]], out: Path
) -> None:
    connection = sqlite3.connect(out, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size={PAGE}")
        connection.execute("PRAGMA encoding='UTF-8'")
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={schema.SCHEMA}")
        connection.execute("BEGIN")
        connection.execute(schema.META)
        for table in tables:
            connection.execute(table.ddl())
            marks = ", ".join("?" * len(table.names))
            connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", content[table.name])  # noqa: S608
        for statement in schema.INDEXES[about.element]:
            connection.execute(statement)
        if about.element == schema.TEXTS:
            _words(connection)
        meta = {
            **{name: str(value) for name, value in vars(about).items()},
            "sample": str(int(about.sample)),
            "schema": str(schema.SCHEMA),
            "built_with": schema.BUILT_WITH,
            "sha256": sets_looking.digest(sets_looking.rows(connection, about.element)),
        }
        connection.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
        connection.execute("COMMIT")
        connection.execute("VACUUM")
    finally:
        connection.close()


def _words(connection: sqlite3.Connection) -> None:
    """The index of words over the sections of full texts."""
    found = connection.execute("SELECT text, no, heading, body FROM section ORDER BY text, no").fetchall()
    for number, (text, no, heading, body) in enumerate(found, 1):
        connection.execute("INSERT INTO section_row VALUES (?, ?, ?)", (number, text, no))
        connection.execute(
            "INSERT INTO section_words (rowid, heading, body) VALUES (?, ?, ?)",
            (number, sets_words.words(heading), sets_words.words(body)),
        )
    connection.execute("INSERT INTO section_words (section_words) VALUES ('optimize')")
