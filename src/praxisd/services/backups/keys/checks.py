"""Is the recovery sheet printed? Without it nobody opens a backup once the server is gone. SPEC 8.4."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.backups.keys import keeping

if TYPE_CHECKING:
    from praxisd.kernel.app import House

MISSING = "backups.sheet_missing"


def sheet_there(house: "House") -> Iterator[Finding]:
    """Missing as soon as there is a recovery key that no sheet shows, or a key of the vault that it does not show."""
    with house.store.read(keeping.OWN) as tx:
        recovery = keeping.newest_recovery(tx)
    if recovery is not None and not keeping.sheet_holds(house, recovery):
        yield Finding(MISSING, "", Severity.ERROR)


CHECKS = (Check("backups.sheet", (MISSING,), sheet_there, grave=Severity.ERROR),)
