"""Is the program there that makes the copies? Asked only where a plan needs it: without one, nothing is missing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.backups import engine
from praxisd.services.backups.engine import Engine, EngineFault
from praxisd.services.backups.engines import chosen
from praxisd.services.diagnosis import api as diagnosis

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PLANNED = "backups.planned"
"""In `house.shared`: a function of the house, true while a plan is on that copies by itself (not „external“)."""
ENGINE = "backups.engine"
"""In `house.shared`: another engine than the chosen one, for tests."""


def engine_of(house: "House") -> Engine:
    """The engine of this house, with its own folder in the data folder."""
    there: Engine | None = house.shared.get(ENGINE)
    return there if there is not None else chosen(house.folder / "backups" / "engine")


def engine_there(house: "House") -> Iterator[Finding]:
    """Missing or too old, while somebody counts on it. SPEC 8.1."""
    planned = house.shared.get(PLANNED)
    if planned is None or not planned(house):
        return
    try:
        engine_of(house).version()
    except EngineFault as fault:
        yield Finding(fault.code, "", Severity.ERROR, {"found": fault.detail})


CHECKS = (
    Check(
        "backups.engine",
        (engine.ENGINE_MISSING, engine.ENGINE_OLD),
        engine_there,
        seconds=25.0,
        every_s=300.0,
        place=diagnosis.own_host,
        grave=Severity.ERROR,
    ),
)
