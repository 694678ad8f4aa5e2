"""The sample sets of medication in a house, for tests: in use at once, without a repository."""

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from praxisd.kernel.access import Actor
from praxisd.model.medication import ElementName
from praxisd.services.medication import sets_reading, sets_sample, sets_store
from praxisd.services.medication.sets_schema import ELEMENTS
from praxisd.services.updates import api as updates

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def install_samples(
    house: "House",
    edition: int = 1,
    *,
    days_ago: int = 10,
    elements: tuple[ElementName, ...] = ELEMENTS,
) -> str:
    """Put an edition in use; its version, which is the day of its release: so many days before the house's today."""
    released = date.fromtimestamp(house.clock.now()) - timedelta(days=days_ago)
    for element in elements:
        updates.put_in_use(
            house,
            element,
            released.isoformat(),
            released.isoformat(),
            lambda out, element=element: out.write_bytes(_built(edition, released, element)),  # type: ignore[misc]
        )
    return released.isoformat()


@cache
def _built(edition: int, released: date, element: ElementName) -> bytes:
    with TemporaryDirectory() as place:
        out = Path(place) / "data.sqlite"
        sets_sample.build(edition, released, element, out)
        return out.read_bytes()


def confirm(house: "House", actor: Actor) -> None:
    """Say, as a practice's owner would, that all sets in use are known for what they are."""

    def write(tx: object) -> None:
        for element in ELEMENTS:
            opened = sets_reading.find(house, element)
            if opened is not None:
                sets_store.confirm(tx, element, opened.meta["source"], opened.sample, opened.version)  # type: ignore[arg-type]

    house.store.run(actor, write)
