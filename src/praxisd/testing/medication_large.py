"""A data set of any size from generated names, as a file and in use in a house; for tests and the bench."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.services.medication.finding_index import Source
from praxisd.services.medication.sets_building import About, Rows, build
from praxisd.services.medication.sets_schema import MEDICATION
from praxisd.services.updates import api as updates

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def write_set(sources: Sequence[Source], released: date, out: Path) -> None:
    """Write products as a data set: substance, maker and form are what `medication_names.products` says of them."""
    names = sorted({one.others[0] for one in sources})
    substance = {name: f"substance-{no}" for no, name in enumerate(names)}
    about = About(
        element=MEDICATION,
        title_de="Erzeugte Namen",
        title_en="Generated names",
        source="praxisd.testing.medication_names",
        source_url="",
        licence="none",
        released=released.isoformat(),
        valid_until=(released + timedelta(days=60)).isoformat(),
        grace_until=(released + timedelta(days=90)).isoformat(),
        sample=True,
    )
    found: Rows = {
        "product": [
            {"id": one.id, "name": one.names[0], "holder": one.others[1], "form": one.others[2], "atc": one.atc, "otc": 0,
             "status": "active"}
            for one in sources
        ],
        "package": [
            {"pzn": f"{no + 10_000_000:08}", "product": one.id, "size": "20", "unit": "Stück"} for no, one in enumerate(sources)
        ],
        "substance": [{"id": id_, "name_de": name, "name_en": name} for name, id_ in substance.items()],
        "product_substance": [
            {"product": one.id, "substance": substance[one.others[0]], "rank": 1, "kind": "active"} for one in sources
        ],
    }  # fmt: skip
    build(about, found, out)


def install(house: "House", sources: Sequence[Source], version: str, *, days_ago: int = 10) -> None:
    """Have these products in use in a house."""
    released = date.fromtimestamp(house.clock.now()) - timedelta(days=days_ago)
    updates.put_in_use(
        house, MEDICATION, version, released.isoformat(), lambda out: write_set(sources, released, out)
    )
