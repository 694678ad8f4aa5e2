"""The PostgreSQL half of an exchange: the whole database out into a dump, and in again from one. Both can be repeated.

Emptied is only what is ours to empty: tables, views, sequences, functions and types that belong to no extension. The
database itself, its rights and its extensions stay: to make a new one a server's role seldom has the right.
"""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from praxisd.services.backups import source
from praxisd.services.backups.source import SourceFault
from praxisd.services.backups.sources import places, running
from praxisd.services.backups.sources.postgres import Postgres, _connected, _env
from praxisd.services.backups.sources.postgres_programs import fitting, libpq, program
from praxisd_guard.durable import discard, move, sync_file

IN_USE = "backups.exchange_in_use"
CODES = (IN_USE,)
PATIENCE_S = 20.0
"""So long connections of others (a server that is just ending) are waited for. Seconds."""
_LIMIT_S = 6 * 3600.0
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_EMPTY = r"""
DO $empty$
DECLARE one record;
BEGIN
  FOR one IN
    SELECT format('DROP %s IF EXISTS %I.%I CASCADE',
      CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
        WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, n.nspname, c.relname) AS task
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relkind = 'S', c.oid
  LOOP EXECUTE one.task; END LOOP;
  FOR one IN
    SELECT format('DROP %s IF EXISTS %I.%I(%s) CASCADE', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE'
      ELSE 'FUNCTION' END, n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS task
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
  LOOP EXECUTE one.task; END LOOP;
  FOR one IN
    SELECT format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname) AS task
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd', 'r') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
  LOOP EXECUTE one.task; END LOOP;
END $empty$
"""


def save(url: str | None, to: Path) -> SourceFault | None:
    """Dump what is there now, checked, onto the disk. IN_USE while another server works with the database."""
    try:
        fault = _alone(url)
        if fault is not None:
            return fault
        fresh = to.with_name(".saving")
        discard(fresh)
        fresh.mkdir(mode=0o700, parents=True)
        made = Postgres("praxisd database", url or "").stage(
            fresh, progress=lambda _done, _whole: None, stop=lambda: False
        )
        sync_file(made.paths[0])
        to.unlink(missing_ok=True)
        move(made.paths[0], to)
        discard(fresh)
    except SourceFault as fault:
        return fault
    except OSError as error:
        return places.fault(error)
    return None


def fill(url: str | None, dump: Path) -> SourceFault | None:
    """Make the database what the dump says, whatever is in it now."""
    try:
        conninfo = libpq(url or "")
        with closing(_connected(conninfo, autocommit=True)) as db:
            programs = fitting(db.info.server_version // 10_000)
            db.execute(_EMPTY)
        ended = running.run(
            [
                str(program(programs, "pg_restore")), "--no-owner", "--no-privileges", "--no-comments",
                "--exit-on-error", "--single-transaction", "--no-password", f"--dbname={_name(conninfo)}", str(dump),
            ],
            limit_s=_LIMIT_S, stop=lambda: False, env=_env(conninfo),
        )  # fmt: skip
        if ended.code:
            return SourceFault(source.NOT_WHOLE, f"pg_restore ended with {ended.code}")
    except SourceFault as fault:
        return fault
    except psycopg.Error as error:
        return SourceFault(source.REFUSED, error.sqlstate or type(error).__name__)
    except OSError as error:
        return places.fault(error)
    return None


def _alone(url: str | None) -> SourceFault | None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            with closing(_connected(libpq(url or ""), autocommit=True)) as db:
                row: Any = db.execute(_OTHERS).fetchone()
        except psycopg.Error as error:
            return SourceFault(source.REFUSED, error.sqlstate or type(error).__name__, retry=True)
        if not row or not row[0]:
            return None
        if time.monotonic() > end:
            return SourceFault(IN_USE, f"{row[0]} connections", retry=True)
        time.sleep(0.2)


def _name(conninfo: str) -> str:
    from psycopg.conninfo import conninfo_to_dict

    return str(conninfo_to_dict(conninfo).get("dbname") or "")
