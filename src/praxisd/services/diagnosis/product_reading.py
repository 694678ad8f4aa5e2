"""All products this installation knows: built in, from an update of the data, and the practice's own files.

For each product the newer "Stand" of the first two counts; a file of the practice (`DIR/products/*.toml`) replaces either.
A file with a fault is left out and named (`faults`); the others stay usable.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.services.diagnosis.product_faults import Fault
from praxisd.services.diagnosis.product_file import MOST_BYTES, Parsed, compose, parse
from praxisd.services.diagnosis.product_shapes import Origin, Product
from praxisd.services.updates import api as updates

if TYPE_CHECKING:
    from praxisd.kernel.app import House

ELEMENT = "products"
"""Name of the data set; in its SQLite file: table `product_file(name, text)`, names as `medatixx.toml`, `shared/ports.toml`."""
FOLDER = "products"
SHARED = "shared/"
MOST_FILES = 200
_CACHE = "diagnosis.products"


@dataclass(frozen=True)
class Known:
    """What is known: the products, and the faults of files that are not among them."""

    products: Mapping[str, Product]
    faults: tuple[Fault, ...] = ()


def products(house: "House") -> dict[str, Product]:
    """Every usable product by its id."""
    return dict(known(house).products)


def faults(house: "House") -> tuple[Fault, ...]:
    """What is wrong in files of the practice, or in the update of the data."""
    return known(house).faults


def known(house: "House") -> Known:
    """Both; read anew when a file or the data set has changed."""
    own = _own_files(house.folder / FOLDER)
    held = updates.dataset(house, ELEMENT)
    stamps = tuple((one.name, *_stamp(one)) for one in own)
    mark = (stamps, None if held is None else (str(held.path), held.version))
    cached = house.shared.get(_CACHE)
    if cached is None or cached[0] != mark:
        updated = Known({}) if held is None else _from_update(held.path)
        cached = house.shared[_CACHE] = (mark, _merged(built_in(), updated, own))
    found: Known = cached[1]
    return found


@lru_cache(maxsize=1)
def built_in_files() -> Mapping[str, bytes]:
    """The files of this version of praxisd, by their names below `products/`."""
    folder = files("praxisd.services.diagnosis").joinpath(FOLDER)
    found = {one.name: one.read_bytes() for one in folder.iterdir() if one.name.endswith(".toml")}
    shared = folder.joinpath("shared").iterdir()
    return found | {SHARED + one.name: one.read_bytes() for one in shared if one.name.endswith(".toml")}


@lru_cache(maxsize=1)
def built_in() -> Known:
    """The products of this version of praxisd; without faults, or a test fails."""
    return together(built_in_files(), "built_in")


def shared_rows(named: Mapping[str, bytes]) -> dict[str, Parsed]:
    """The shared files among these, by the name that `extends` says."""
    return {
        name.removeprefix(SHARED).removesuffix(".toml"): parse(name, data, shared=True)
        for name, data in named.items()
        if name.startswith(SHARED)
    }


@lru_cache(maxsize=1)
def built_in_shared() -> Mapping[str, Parsed]:
    """The shared rows of this version of praxisd."""
    return shared_rows(built_in_files())


def check(name: str, data: bytes) -> tuple[Product | None, list[Fault]]:
    """One file of the practice, with the shared rows that are built in: the product, and all its faults."""
    noted: list[Fault] = []
    made = compose(parse(name, data), built_in_shared(), "own", noted.append)
    return made, noted


def together(named: Mapping[str, bytes], origin: Origin) -> Known:
    """The products of a set of files, product files and shared ones by their names."""
    noted: list[Fault] = []
    shared = shared_rows(named)
    for one in shared.values():
        noted.extend(one.faults)
    made = {}
    for name in sorted(named):
        if not name.startswith(SHARED):
            product = compose(parse(name, named[name]), shared, origin, noted.append)
            if product is not None:
                made[product.id] = product
    return Known(made, tuple(noted))


def _from_update(path: Path) -> Known:
    """The products of a data set. One that cannot be read is a fault of its own."""
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            rows = connection.execute("SELECT name, text FROM product_file ORDER BY name").fetchmany(
                MOST_FILES
            )
        finally:
            connection.close()
        return together({str(name): str(text).encode() for name, text in rows}, "update")
    except sqlite3.Error as error:
        return Known({}, (Fault(ELEMENT, 1, 1, "dataset", {"detail": str(error)}),))


def _own_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = (one for one in folder.iterdir() if one.suffix == ".toml" and one.is_file())
    return sorted(found, key=lambda one: one.name)[:MOST_FILES]


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when the file does; one that vanished meanwhile has none."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


def _merged(first: Known, updated: Known, own: Iterable[Path]) -> Known:
    made = dict(first.products)
    for id_, one in updated.products.items():
        if id_ not in made or one.source.stand > made[id_].source.stand:
            made[id_] = one
    noted = list(updated.faults)
    by: dict[str, str] = {}
    for path in own:
        product, wrong = _own(path)
        noted.extend(wrong)
        if product is None:
            continue
        if product.id in by:
            noted.append(Fault(path.name, 1, 1, "id_taken", {"id": product.id, "file": by[product.id]}))
            continue
        by[product.id], made[product.id] = path.name, product
    return Known(made, tuple(noted))


def _own(path: Path) -> tuple[Product | None, list[Fault]]:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        return None, [Fault(path.name, 1, 1, "unreadable", {"detail": error.strerror or ""})]
    return check(path.name, data)
