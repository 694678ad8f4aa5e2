"""One product file, read and checked: the first fault of each of its rows, all with line and column (SPEC 7.7)."""

import codecs
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from praxisd.model.product import (
    Backup,
    Change,
    Exclusion,
    Head,
    Port,
    Product,
    Question,
    ServiceProgram,
    ServiceProviderPlaces,
    Source,
)
from praxisd.model.requirement import Requirement
from praxisd.services.diagnosis import product_faults
from praxisd.services.diagnosis.product_faults import Fault
from praxisd.services.diagnosis.product_position import Path, Positions, place

MOST_BYTES = 1_000_000
SINGLE: Mapping[str, Any] = {"product": Head, "source": Source, "serviceprovider": ServiceProviderPlaces}
MANY: Mapping[str, tuple[str, Any]] = {
    "change": ("changes", Change),
    "question": ("questions", Question),
    "requirement": ("requirements", Requirement),
    "port": ("ports", Port),
    "backup": ("backups", Backup),
    "exclusion": ("exclusions", Exclusion),
    "service": ("services", ServiceProgram),
}
"""Tables of a file that repeat: what they are called in a Product, and their struct."""
NAMED = ("question", "requirement", "port")
"""Those whose rows have an `id`, unique among them."""


@dataclass(frozen=True)
class Parsed:
    """What a file says, before shared rows are added. `rows` by the names of Product's fields."""

    name: str
    head: Head | None
    source: Source | None
    serviceprovider: ServiceProviderPlaces | None
    rows: Mapping[str, tuple[Any, ...]]
    places: Positions
    faults: tuple[Fault, ...] = ()


@dataclass
class _Reader:
    name: str
    places: Positions
    faults: list[Fault] = field(default_factory=list)

    def note(self, path: Path, what: str, **params: str) -> None:
        line, column = self.places.of(path)
        self.faults.append(Fault(self.name, line, column, what, params))


def parse(name: str, data: bytes, *, shared: bool = False) -> Parsed:
    """Read one file. With `shared` it holds rows for several products and neither head nor source."""
    text, fault = _decoded(name, data)
    tree: dict[str, Any] = {}
    if fault is None:
        try:
            tree = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
            # A number of thousands of digits and thousands of brackets fail below the reader of TOML.
            fault = product_faults.syntax(name, text, error)
    if fault is not None:
        return Parsed(name, None, None, None, {}, Positions(""), (fault,))
    reader = _Reader(name, Positions(text))
    for key in tree:
        if key not in MANY and (shared or key not in SINGLE):
            reader.note((key,), "table", table=key, allowed=", ".join([*([] if shared else SINGLE), *MANY]))
    single = {key: _single(reader, tree, key) for key in ([] if shared else SINGLE)}
    for key in () if shared else ("product", "source"):
        if key not in tree:
            reader.note((), "table_missing", table=key)
    rows = {to: _many(reader, tree, key, kind, shared=shared) for key, (to, kind) in MANY.items()}
    return Parsed(
        name, single.get("product"), single.get("source"), single.get("serviceprovider"), rows, reader.places,
        tuple(sorted(reader.faults, key=lambda one: (one.line, one.column))),
    )  # fmt: skip


def _decoded(name: str, data: bytes) -> tuple[str, Fault | None]:
    if len(data) > MOST_BYTES:
        return "", Fault(name, 1, 1, "large", {"bytes": str(MOST_BYTES)})
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8").replace("\r\n", "\n"), None
    except UnicodeDecodeError as error:
        line, column = place(data[: error.start].decode("utf-8", "replace"), error.start)
        return "", Fault(name, line, max(1, column), "encoding")


def _single(reader: _Reader, tree: Mapping[str, Any], key: str) -> Any:
    if key not in tree:
        return None
    return product_faults.convert(
        tree[key], SINGLE[key], reader.name, reader.places, (key,), reader.faults.append
    )


def _many(reader: _Reader, tree: Mapping[str, Any], key: str, kind: Any, *, shared: bool) -> tuple[Any, ...]:
    raw = tree.get(key, [])
    if not isinstance(raw, list):
        reader.note((key,), "not_many", table=key)
        return ()
    made = []
    for number, one in enumerate(raw):
        path = (key, number)
        row = product_faults.convert(one, kind, reader.name, reader.places, path, reader.faults.append)
        if row is not None:
            _look(reader, path, row, shared=shared)
            made.append(row)
    if key in NAMED:
        _unique(reader, key, raw)
    return tuple(made)


def _look(reader: _Reader, path: Path, row: Any, *, shared: bool) -> None:
    """What the types alone do not say."""
    if row.products and not shared:
        reader.note((*path, "products"), "products_here")
    if isinstance(row, Port):
        for name in ("ports", "tls"):
            for number, one in enumerate(getattr(row, name)):
                first, _, last = one.partition("-")
                if not 0 < int(first) <= int(last or first) <= 65_535:
                    reader.note((*path, name, number), "span", value=one)
    if isinstance(row, Backup) and not (row.path or row.database):
        reader.note(path, "backup_empty")


def _unique(reader: _Reader, key: str, raw: list[Any]) -> None:
    seen: Counter[object] = Counter()
    for number, one in enumerate(raw):
        id_ = one.get("id") if isinstance(one, dict) else None
        seen[id_] += 1
        if isinstance(id_, str) and seen[id_] == 2:
            reader.note((key, number, "id"), "twice", id=id_)


def compose(
    one: Parsed, shared: Mapping[str, Parsed], origin: Any, note: Callable[[Fault], None]
) -> Product | None:
    """The product of a file with the shared rows it takes; None, with the faults noted, where it is none."""
    for fault in one.faults:
        note(fault)
    if one.faults or one.head is None or one.source is None:
        return None
    rows: dict[str, tuple[Any, ...]] = dict(one.rows)
    good = True
    for number, name in enumerate(one.head.extends):
        other = shared.get(name)
        if other is None:
            line, column = one.places.of(("product", "extends", number))
            allowed = ", ".join(sorted(shared))
            note(Fault(one.name, line, column, "extends", {"name": name, "allowed": allowed}))
            good = False
            continue
        for key, more in other.rows.items():
            held = tuple(row for row in more if not row.products or one.head.id in row.products)
            rows[key] = (*rows[key], *held)
    for table, (key, _) in MANY.items():
        if table in NAMED:
            good = _no_clash(one, table, rows[key], note) and good
    if not good:
        return None
    return Product(
        id=one.head.id, name=one.head.name, vendor=one.head.vendor, source=one.source,
        serviceprovider=one.serviceprovider, origin=origin, **rows,
    )  # fmt: skip


def _no_clash(one: Parsed, table: str, rows: tuple[Any, ...], note: Callable[[Fault], None]) -> bool:
    """Ids stay unique when shared rows come in."""
    counted = Counter(row.id for row in rows)
    own = [row.id for row in one.rows[MANY[table][0]]]
    twice = sorted(id_ for id_, number in counted.items() if number > 1)
    for id_ in twice:
        path: Path = (table, own.index(id_), "id") if id_ in own else ("product", "extends")
        line, column = one.places.of(path)
        note(Fault(one.name, line, column, "twice", {"id": id_}))
    return not twice
