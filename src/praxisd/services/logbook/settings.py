"""How long entries are kept, and how much room they may take."""

from typing import TYPE_CHECKING, NamedTuple

from praxisd.kernel.service import Scope, Setting
from praxisd.kernel.store import Tx

if TYPE_CHECKING:
    from praxisd.kernel.app import House

DAYS, WARNING_DAYS, SIZE = "logbook.keep_days", "logbook.keep_warning_days", "logbook.size_mb"
MB = 1_000_000


class Limits(NamedTuple):
    """Days for all and for warnings and errors; bytes for everything."""

    days: int
    warning_days: int
    bytes: int


def limits(house: "House", tx: Tx) -> Limits:
    """What is set; warnings are kept no shorter than the rest."""
    days, warning_days, size = (int(house.settings.get(tx, one)) for one in (DAYS, WARNING_DAYS, SIZE))
    return Limits(days, max(days, warning_days), size * MB)


SETTINGS = (
    Setting(DAYS, int, 30, Scope.INSTALLATION, 1, 3660, "days"),
    Setting(WARNING_DAYS, int, 90, Scope.INSTALLATION, 1, 3660, "days"),
    Setting(SIZE, int, 500, Scope.INSTALLATION, 20, 100_000, "megabytes"),
)
