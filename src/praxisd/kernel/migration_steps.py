"""Expand and contract: which steps of a schema the program before can still work on.

A migration file that takes something away says `step = "contract"` at its top; all others only add. Each step that was
applied is written down with its kind, so that an older program finds out if it may work on a newer schema (HOUSE
„Migrations"; an update that is rolled back never restores the database, SPEC 6.3).
"""

import re
from collections.abc import Iterable
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
    found = {}
    for path in sorted(place.glob(_FILES)):
        said = _SAID.search(path.read_text(encoding="utf-8"))
        kind = said[1] if said else EXPAND
        if kind not in (EXPAND, CONTRACT):
            raise ValueError(f"{path.name}: step is {EXPAND} or {CONTRACT}")
        found[f"{service}_{path.name[:4]}"] = kind
    return found


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
