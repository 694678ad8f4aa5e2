"""The same practice on PostgreSQL: all rows copied from the SQLite file, so that both engines hold the same."""

import sqlite3
from pathlib import Path

import psycopg
from psycopg import sql

from bench import practice


def fill_from(source: Path, url: str, folder: Path) -> None:
    """Migrate the empty database at `url` and copy every row of `source` into it."""
    practice.opened_on(folder, url).store.close()
    rows = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    with psycopg.connect(url.replace("+psycopg", "")) as target:
        tables = [
            name
            for (name,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if "sqlite_" not in name and "alembic" not in name
        ]
        for name in tables:
            names = [one[1] for one in rows.execute(f'PRAGMA table_info("{name}")')]
            table, columns = sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, names))
            target.execute(sql.SQL("DELETE FROM {}").format(table))
            with target.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns)) as copy:
                for row in rows.execute(f'SELECT * FROM "{name}"'):
                    copy.write_row(row)
        _count_on(target)
        target.commit()
        target.autocommit = True
        target.execute("VACUUM ANALYZE")
    rows.close()


def _count_on(target: psycopg.Connection[tuple[object, ...]]) -> None:
    """Let numbers that the database gives out go on after the copied ones."""
    found = target.execute(
        "SELECT s.relname, t.relname, a.attname FROM pg_class s JOIN pg_depend d ON d.objid = s.oid"
        " JOIN pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid"
        " WHERE s.relkind = 'S'"
    ).fetchall()
    for sequence, table, column in found:
        target.execute(
            sql.SQL("SELECT setval({}, coalesce(max({}), 1)) FROM {}").format(
                sql.Literal(sequence), sql.Identifier(str(column)), sql.Identifier(str(table))
            )
        )
