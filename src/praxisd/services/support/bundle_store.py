"""How many rows the tables hold: for support packages, of all services alike."""

from collections.abc import Iterator
from functools import lru_cache

import sqlalchemy as sa

from praxisd.kernel.store import METADATA, Prepared, Tx, mine, prepared


def counts(tx: Tx, organization: str) -> Iterator[tuple[str, int]]:
    """Every table of practices by name, and how many rows of this organization (or of the installation) it holds."""
    for name, table in sorted(METADATA.tables.items()):
        if "organization" in table.c:
            yield name, int(tx.value(_count(table), organization=organization))


@lru_cache(maxsize=512)
def _count(table: sa.Table) -> Prepared:
    """Made once, since there are many tables."""
    return prepared(sa.select(sa.func.count()).select_from(table).where(mine(table)))
