"""The logbook where the practice works with PostgreSQL: tables of their own in the schema `logbook`, by a second engine.

One advisory lock orders the writers, so that numbers of arrival become visible in order. Words are found by a GIN index over
our own tokens (the server's parser takes `paper.out` for the name of a host).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from praxisd.kernel import engines
from praxisd.services.logbook.rules import tokens
from praxisd.services.logbook.shelf import (
    COLUMNS,
    SLICE,
    Batch,
    Figures,
    Line,
    SourceFacts,
    Stored,
    TooWide,
    Unavailable,
    Wanted,
    first_id,
    id_of,
)

LOCK = 0x6C6F_6762
"""Key of the advisory lock of those who write into the book."""
SCHEMA = """
CREATE SCHEMA IF NOT EXISTS logbook;
CREATE TABLE IF NOT EXISTS logbook.entry (
  id bigint PRIMARY KEY, no bigint NOT NULL UNIQUE, organization text NOT NULL, source text NOT NULL,
  seq bigint NOT NULL, at bigint NOT NULL, got bigint NOT NULL, level smallint NOT NULL, kind text NOT NULL,
  code text NOT NULL, fields text NOT NULL, pseudo text NOT NULL, text text NOT NULL, private text,
  words tsvector NOT NULL, UNIQUE (organization, source, seq));
CREATE INDEX IF NOT EXISTS entry_level ON logbook.entry (level, id);
CREATE INDEX IF NOT EXISTS entry_code ON logbook.entry (code, id);
CREATE INDEX IF NOT EXISTS entry_source ON logbook.entry (source, id);
CREATE INDEX IF NOT EXISTS entry_private ON logbook.entry (id) WHERE private IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_words ON logbook.entry USING gin (words);
CREATE TABLE IF NOT EXISTS logbook.source (
  organization text NOT NULL, source text NOT NULL, upto bigint NOT NULL, first_got bigint NOT NULL,
  last_got bigint NOT NULL, stored bigint NOT NULL, PRIMARY KEY (organization, source));
"""
_PLACES = ", ".join(["%s"] * len(Line._fields))
_INSERT = f"INSERT INTO logbook.entry ({COLUMNS}, words) VALUES ({_PLACES}, array_to_tsvector(%s::text[]))"  # noqa: S608
_KNOWN = (
    "SELECT seq, at, code, level FROM logbook.entry WHERE organization = %s AND source = %s AND seq = ANY(%s)"
)
_SOURCE = """
INSERT INTO logbook.source AS s VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (organization, source) DO UPDATE SET
  upto = greatest(s.upto, excluded.upto), last_got = greatest(s.last_got, excluded.last_got),
  stored = s.stored + excluded.stored"""
_SELECT = f"SELECT {COLUMNS} FROM logbook.entry"  # noqa: S608
_LONGEST = 200
_MEASURED = 1_000
_INDEXES = 2
"""What indexes take beside a row, about."""


class PostgresShelf:
    """All statements by an engine of its own: a long search takes no connection from the practice's work."""

    def __init__(self, url: sa.URL) -> None:
        self._engine = engines.Postgres(url.render_as_string(hide_password=False), pool=4)
        with self._writing() as cursor:
            cursor.execute("SELECT to_regclass('logbook.source') IS NOT NULL")
            if not cursor.fetchone()[0]:  # creating wants rights that reading does not
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                cursor.execute(SCHEMA)

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        try:
            with self._engine.write() as cursor:
                yield cursor
        except (self._engine.failure, sa.exc.DBAPIError, RuntimeError) as error:
            raise Unavailable(_word(error)) from None

    @contextmanager
    def _reading(self, seconds: float = 30.0) -> Iterator[Any]:
        try:
            with self._engine.read() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)", (str(int(seconds * 1000)),)
                )
                yield cursor
        except (self._engine.failure, sa.exc.DBAPIError, RuntimeError) as error:
            if _word(error) == "57014":
                raise TooWide from None
            raise Unavailable(_word(error)) from None

    # --- in --------------------------------------------------------------------------------------------------------------

    def put(self, batches: Sequence[Batch]) -> list[Stored]:
        """All in one transaction; a batch that uses a number again for something else is left out as a whole."""
        with self._writing() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            cursor.execute("SELECT coalesce(max(no), 0) FROM logbook.entry")
            no, fresh, told = int(cursor.fetchone()[0]), [], []
            seen: dict[tuple[str, str, int], tuple[int, str, int]] = {}
            for batch in batches:
                new, known, reused = _new(cursor, batch, seen)
                told.append(Stored(len(new), known, reused))
                for row in new:
                    no += 1
                    said = " ".join((row.code, row.fields, row.pseudo, row.text))
                    words = sorted({one[:_LONGEST] for one in tokens(said)})
                    fresh.append(
                        (id_of(row.placed, no), no, batch.organization, batch.source, row.seq, row.at, batch.got, row.level,
                         row.kind, row.code, row.fields, row.pseudo, row.text, row.private, words)
                    )  # fmt: skip
                if reused is None:
                    top = max((row.seq for row in batch.rows), default=0)
                    facts = (batch.organization, batch.source, top, batch.got, batch.got, len(new))
                    cursor.execute(_SOURCE, facts)
            if fresh:
                cursor.executemany(_INSERT, fresh)
        return told

    # --- out -------------------------------------------------------------------------------------------------------------

    def find(self, wanted: Wanted, seconds: float) -> list[Line]:
        """The newest first; with `after` in order of arrival."""
        low, high = wanted.span
        conditions, values = ["id >= %s", "id < %s", "organization IN (%s, '')"], [low, high]
        values.append(wanted.organization)  # type: ignore[arg-type]
        order = "id DESC"
        if wanted.after is not None:
            conditions.append("no > %s")
            values.append(wanted.after)
            order = "no"
        chosen: tuple[tuple[str, tuple[Any, ...]], ...] = (
            ("level", wanted.levels),
            ("source", wanted.sources),
            ("code", wanted.codes),
        )
        for name, some in chosen:
            if some:
                conditions.append(f"{name} = ANY(%s)")
                values.append(list(some))  # type: ignore[arg-type]
        if wanted.words:
            conditions.append("words @@ %s::tsquery")
            values.append(query(wanted.words))  # type: ignore[arg-type]
        sql = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT %s"
        with self._reading(seconds) as cursor:
            cursor.execute(sql, [*values, wanted.limit])
            return [Line._make(row) for row in cursor.fetchall()]

    def last_no(self) -> int:
        """The highest number of arrival."""
        with self._reading() as cursor:
            cursor.execute("SELECT coalesce(max(no), 0) FROM logbook.entry")
            return int(cursor.fetchone()[0])

    def sources(self, organization: str) -> list[SourceFacts]:
        """All that ever sent to a practice, and the server."""
        with self._reading() as cursor:
            cursor.execute(
                "SELECT source, upto, first_got, last_got, stored FROM logbook.source WHERE organization IN (%s, '') "
                "ORDER BY source",
                (organization,),
            )
            return [SourceFacts._make(row) for row in cursor.fetchall()]

    def figures(self) -> Figures:
        """How full it is. What is in use is reckoned from the newest rows: deleted ones leave room that is used again."""
        with self._reading() as cursor:
            cursor.execute("SELECT level, count(*) FROM logbook.entry GROUP BY level")
            levels = {int(level): int(count) for level, count in cursor.fetchall()}
            cursor.execute(
                "SELECT min(id), max(id), pg_total_relation_size('logbook.entry') FROM logbook.entry"
            )
            oldest, newest, disk = cursor.fetchone()
            cursor.execute(
                "SELECT coalesce(avg(pg_column_size(e.*)), 0)::bigint FROM "
                "(SELECT * FROM logbook.entry ORDER BY id DESC LIMIT %s) e",
                (_MEASURED,),
            )
            each = int(cursor.fetchone()[0])
        used = min(int(disk), each * (1 + _INDEXES) * sum(levels.values()))
        ends = (None if one is None else int(one) >> 21 for one in (oldest, newest))
        return Figures(used, int(disk), levels, *ends)

    def days(self, organization: str, first: int) -> list[tuple[int, int, int]]:
        """Warnings and errors by day."""
        with self._reading() as cursor:
            cursor.execute(
                "SELECT (id >> 21) / 86400000, level, count(*) FROM logbook.entry WHERE level >= 30 AND id >= %s "
                "AND organization IN (%s, '') GROUP BY 1, 2 ORDER BY 1, 2",
                (first_id(first), organization),
            )
            return [(int(day), int(level), int(count)) for day, level, count in cursor.fetchall()]

    # --- away ------------------------------------------------------------------------------------------------------------

    def purge(self, before: int, below: int, start: int) -> tuple[int, int]:
        """A slice of what is older."""
        with self._writing() as cursor:
            cursor.execute(
                "WITH old AS (SELECT id FROM logbook.entry WHERE id >= %s AND id < %s AND level < %s ORDER BY id LIMIT %s) "
                "DELETE FROM logbook.entry USING old WHERE entry.id = old.id RETURNING entry.id",
                (start, first_id(before), below, SLICE),
            )
            ids = [int(row[0]) for row in cursor.fetchall()]
        return len(ids), max(ids) + 1 if len(ids) == SLICE else 0

    def shrink(self, below: int, most: int) -> int:
        """A slice of the oldest."""
        with self._writing() as cursor:
            cursor.execute(
                "WITH old AS (SELECT id FROM logbook.entry WHERE level < %s ORDER BY id LIMIT %s) "
                "DELETE FROM logbook.entry USING old WHERE entry.id = old.id",
                (below, min(SLICE, most)),
            )
            return int(cursor.rowcount)

    def forget_private(self, organizations_with: Sequence[str]) -> int:
        """Patient values go where the switch is off."""
        with self._writing() as cursor:
            cursor.execute(
                "UPDATE logbook.entry SET private = NULL WHERE id IN (SELECT id FROM logbook.entry "
                "WHERE private IS NOT NULL AND organization <> ALL(%s) LIMIT %s)",
                (list(organizations_with), SLICE),
            )
            return int(cursor.rowcount)

    def tidy(self, pages: int = 2_000) -> bool:
        """Nothing: PostgreSQL uses the room again by itself (autovacuum)."""
        return False

    def close(self) -> None:
        """Close its connections."""
        self._engine.close()


def query(words: Sequence[Sequence[str]]) -> str:
    """All tokens, the last of each word as a beginning. Tokens are letters and digits, so nothing needs to be escaped."""
    parts = []
    for one in words:
        parts += [f"'{token[:_LONGEST]}'" for token in one[:-1]]
        parts.append(f"'{one[-1][:_LONGEST]}':*")
    return " & ".join(parts)


def _new(
    cursor: Any, batch: Batch, seen: dict[tuple[str, str, int], tuple[int, str, int]]
) -> tuple[list[Any], int, int | None]:
    """The rows that are not there yet, how many are, and the first number that stands for something else."""
    asked = [row.seq for row in batch.rows]
    cursor.execute(_KNOWN, (batch.organization, batch.source, asked))
    there = {int(seq): (int(at), str(code), int(level)) for seq, at, code, level in cursor.fetchall()}
    new: list[Any] = []
    mine: dict[tuple[str, str, int], tuple[int, str, int]] = {}
    for row in batch.rows:
        key = (batch.organization, batch.source, row.seq)
        facts = (row.at, row.code, row.level)
        before = mine.get(key) or seen.get(key) or there.get(row.seq)
        if before is None:
            mine[key] = facts
            new.append(row)
        elif before != facts and row.code != "logbook.unreadable":
            return [], 0, row.seq
    seen.update(mine)
    return new, len(batch.rows) - len(new), None


def _word(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return str(getattr(cause, "sqlstate", None) or type(cause).__name__)
