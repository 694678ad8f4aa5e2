"""The only door of updates for other services: data sets, and which version runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.services.updates import guarding, judging, rules, slots, store

if TYPE_CHECKING:
    from praxisd.kernel.app import House


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set in use: its SQLite file (open it read-only; the other slot may follow at any time), version, day of
    release (YYYY-MM-DD), and age in days (None where the day is no date).
    """

    path: Path
    version: str
    released: str
    age_days: int | None


def dataset(house: "House", name: str) -> Dataset | None:
    """The data set in use, or None where none was installed."""
    held = slots.held(house.folder, name)
    if held is None:
        return None
    with house.store.read(system("updates")) as tx:
        today = datetime.fromtimestamp(tx.now, zone_of(zone_name(house, tx))).date()
    path = slots.path(house.folder, name, held.slot)
    return Dataset(path, held.version, held.released, rules.age_days(held.released, today))


def versions(house: "House", name: str) -> list[Dataset]:
    """The versions of a data set that can be read: the one in use, then the one that switching back leads to, if any.

    Ages are not asked for here. A file may be replaced by the next version's as soon as another is installed: who has
    opened it reads on.
    """
    held = slots.held(house.folder, name)
    if held is None:
        return []
    found = [Dataset(slots.path(house.folder, name, held.slot), held.version, held.released, None)]
    if held.previous is not None:
        before = slots.path(house.folder, name, slots.other(held))
        found.append(Dataset(before, held.previous, held.previous_released or "", None))
    return found


def put_in_use(
    house: "House", name: str, version: str, released: str, write: Callable[[Path], object]
) -> None:
    """Have a data set in use that came from no repository: one the practice has built itself, or a sample.

    `write` makes the file at the path it is given. Problems: `updates.busy` (409) while something is being installed,
    `updates.unusable` (422); what was in use stays then.
    """
    with house.store.read(system("updates", INSTALLATION)) as tx:
        if store.open_orders(tx):
            raise Problem("updates.busy", 409, retry=True)
    try:
        write(slots.room(house.folder, name))
        slots.use(house.folder, name, version, released)
    except slots.Unusable:
        raise Problem("updates.unusable", 422, element=name, version=version) from None


def judge(house: "House", name: str, look: Callable[[Path], object], codes: Sequence[str]) -> None:
    """Have each new file of a data set looked at by `look` before it is switched to: a Problem of one of `codes` refuses it.

    Called once, when the service starts.
    """
    judging.register(house, name, look, codes)


def running_version(house: "House") -> str:
    """The version of praxisd that runs."""
    return guarding.running_version(house)
