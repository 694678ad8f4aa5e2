"""Which practice software here has a ServiceProvider, where its file lies, and how the outside is asked about it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.access import system
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.serviceprovider import asking, places, store
from praxisd.services.serviceprovider.seen import Asked, File

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_ROOM = "serviceprovider.room"


@dataclass(frozen=True)
class Provided:
    """A practice software that has a ServiceProvider, with what its product says about it, and praxisd's own pair.

    `away`: its folders are those of another node of this installation, which looks at them itself. `several` practices work on
    this server: there is no number but the software's own.
    """

    software: diagnosis.Software
    product: str
    places: diagnosis.ServiceProviderPlaces
    customer: str
    pair: store.Pair | None = None
    away: bool = False
    several: bool = False


@dataclass
class Room:
    """How the outside is asked; replaced where the computers and answers are prepared ones."""

    facts: Callable[["House", str | None], diagnosis.MachineFacts | None] = diagnosis.facts
    ask: Callable[[str, str, int], Asked] = asking.ask


def room_of(house: "House") -> Room:
    """The room of this house."""
    found: Room = house.shared.setdefault(_ROOM, Room())
    return found


def provided(house: "House") -> list[Provided]:
    """All practice software here that has a ServiceProvider."""
    known = diagnosis.products(house)
    with house.store.read(system("serviceprovider")) as tx:
        wanted = diagnosis.software(tx)
        pairs = store.pairs(tx)
    only, found = diagnosis.only_number(house), []
    for one in wanted:
        product = known.get(one.product)
        if product is not None and product.serviceprovider is not None:
            customer = one.customer_number or only.number
            name = one.name or product.name
            away = not diagnosis.entered_here(house, one)
            there = diagnosis.seen_from_here(house, one)
            given = (product.serviceprovider, customer, pairs.get(one.id), away, only.several)
            found.append(Provided(there, name, *given))
    return found


def pvs_path(one: Provided) -> str:
    """Where the file in the data folder should lie; nothing is looked at."""
    folder = places.top_folder(one.software.data_folder, one.places.data_path)
    if not folder and one.pair is not None:
        return one.pair.pvs_file
    return places.joined(folder, one.places.ini[0]) if folder else ""


def pvs_file(one: Provided) -> File:
    """The file in the data folder, where it lies or should lie."""
    folder = places.top_folder(one.software.data_folder, one.places.data_path)
    top = places.local(folder)
    if top is None and not folder and one.pair is not None:
        return places.read_file("pvs", Path(one.pair.pvs_file))
    if top is None:
        return File("pvs", places.joined(folder, one.places.ini[0]) if folder else "")
    candidates = [ini_of(top, relative) for relative in one.places.ini]
    chosen = next((path for path in candidates if path.exists()), candidates[0])
    return places.read_file("pvs", chosen)


def placed(software: diagnosis.Software, data_folder: str) -> diagnosis.Software:
    """The same software with its data elsewhere."""
    return msgspec.structs.replace(software, data_folder=data_folder)


def ini_of(top: Path, relative: str) -> Path:
    """The INI file at a place below the top folder: the file itself, or the one in that folder."""
    found = places.inside(top, relative)
    return found if found.suffix.casefold() == ".ini" else places.ini_in(found)
