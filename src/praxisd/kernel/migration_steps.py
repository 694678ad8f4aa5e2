"""Expand and contract: which steps of a schema the program before can still work on.

A migration file that takes something away says `step = "contract"` at its top; all others only add. Each step that was
applied is written down with its kind, so that an older program finds out if it may work on a newer schema (HOUSE
„Migrations"; an update that is rolled back never restores the database, SPEC 6.3).
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.store import Tx, mine, table

EXPAND, CONTRACT = "expand", "contract"
STEP = table(
    "kernel_step",
    sa.Column("revision", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "revision"),
)
_FILES = "[0-9][0-9][0-9][0-9]_*.py"
_SAID = re.compile(r'^step = "(\w+)"', re.MULTILINE)


def number(revision: str) -> int:
    """The running number of a revision: 3 of `relay_0003`; -1 for what is no revision of ours."""
    digits = revision.rpartition("_")[2]
    return int(digits) if digits.isdigit() else -1


def kinds(service: str, place: Path) -> dict[str, str]:
    """Revision → kind of each migration file of a service, oldest first. Raises ValueError for an unknown kind."""
    return {f"{service}_{digits}": kind for digits, kind in _steps(place, place.stat().st_mtime_ns)}


@lru_cache(maxsize=256)
def _steps(place: Path, _changed_ns: int) -> tuple[tuple[str, str], ...]:
    """(number as it is written, kind) of each file. A start asks six times, and the files stay as they are until one is
    added: then the folder says so.
    """
    found = []
    for path in sorted(place.glob(_FILES)):
        said = _SAID.search(path.read_text(encoding="utf-8"))
        kind = said[1] if said else EXPAND
        if kind not in (EXPAND, CONTRACT):
            raise ValueError(f"{path.name}: step is {EXPAND} or {CONTRACT}")
        found.append((path.name[:4], kind))
    return tuple(found)


def until_contract(steps: dict[str, str], applied: int) -> str | None:
    """The newest revision that is reached from number `applied` without taking anything away; None if there is none."""
    reached = None
    for revision, kind in steps.items():
        if number(revision) > applied and kind == CONTRACT:
            break
        reached = revision
    return reached


def remember(connection: sa.Connection, steps: Iterable[tuple[str, str]]) -> None:
    """Write down which steps were applied, and their kind. Part of the upgrade's own transaction."""
    for revision, kind in steps:
        here = (STEP.c.organization == INSTALLATION) & (STEP.c.revision == revision)
        connection.execute(sa.delete(STEP).where(here))
        connection.execute(sa.insert(STEP).values(organization=INSTALLATION, revision=revision, kind=kind))


def recorded(tx: Tx, present: bool) -> dict[str, str]:
    """Revision → kind of all steps written down; empty where the table is not there (`present` False)."""
    if not present:
        return {}
    rows = tx.all(sa.select(STEP).where(mine(STEP)))
    return {row.revision: row.kind for row in rows}
