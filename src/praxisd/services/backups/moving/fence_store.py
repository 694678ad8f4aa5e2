"""Nobody writes while the copy for the new computer is made, and on PostgreSQL nobody ever after.

SQLite belongs to one process: its one writer is held, and the mark in the data folder keeps every later start out.
PostgreSQL may have more nodes, each with a folder of its own: a trigger in front of each table refuses what they still want
to write, and a row says to those that start why. Both come in the one transaction in which the copy was made.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Store, Tx
from praxisd.model.backup_kept import MoveKept
from praxisd.services.backups.store import MOVE

RUNNING = "backups.move_running"
KEY = 0x7072_6D76
"""Key of the PostgreSQL advisory lock that is held while a node moves."""
_GUARD = "praxisd_moved"
_TABLES = """
SELECT quote_ident(c.relname) FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
ORDER BY 1
"""
_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {_GUARD}() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'praxisd has moved to another computer' USING ERRCODE = 'read_only_sql_transaction'; END $$
"""


@contextmanager
def still(store: Store) -> Iterator[Tx]:
    """While this is open, whatever was committed stays as it is: others wait, and read what there is.

    Problem RUNNING (409) while another node moves.
    """
    with store.write(system("move", INSTALLATION)) as tx:
        if not tx.try_lock(KEY):
            raise Problem(RUNNING, 409)
        if not store.alone:
            tx.raw("SET LOCAL idle_in_transaction_session_timeout = 0")
            tx.raw(f"LOCK TABLE {', '.join(_tables(tx))} IN SHARE ROW EXCLUSIVE MODE")
        yield tx


def fence(tx: Tx, kept: MoveKept) -> None:
    """From its commit on, no node writes into this database any more. Only for PostgreSQL."""
    MOVE.put(tx, kept.id, kept, at=kept.at)
    tx.raw(_FUNCTION)
    for one in _tables(tx):
        tx.raw(
            f"CREATE TRIGGER {_GUARD} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {one} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {_GUARD}()"
        )


def lift(store: Store) -> None:
    """Take the fence away, and what it told the other nodes."""
    with store.write(system("move", INSTALLATION)) as tx:
        if not store.alone:
            tx.raw(f"DROP FUNCTION IF EXISTS {_GUARD}() CASCADE")
        kept = left(tx)
        if kept is not None:
            MOVE.remove(tx, kept.id)


def left(tx: Tx) -> MoveKept | None:
    """The move by which this database was left, or None."""
    return next((one for one in MOVE.all(tx) if one.kind == "left"), None)


def _tables(tx: Tx) -> list[str]:
    return [row[0] for row in tx.raw(_TABLES).fetchall()]
