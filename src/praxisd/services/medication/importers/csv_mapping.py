"""Any table of products: a file with columns, and a TOML file that says what they mean.

[set]                                   # what the set says of itself, see `sets_building.About`
source = "European Medicines Agency, medicines report"
source_url = "https://www.ema.europa.eu/…"
licence = "Reuse with the source named"
[file]
delimiter = ","                         # else the heading's own
keep = {category = "human"}             # rows with other words there are left out
empty = ["NA"]                          # words that mean nothing
[columns]
name = "medicine_name"                  # needed; the others: id, holder, form, atc, otc, pzn, size, unit, strength, status
substances = "active_substance"
[substances]
between = ","                           # several substances in a cell
[status]
withdrawn = "withdrawn"                 # the words of the file for `active` and `withdrawn`
"""

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.model import pzn
from praxisd.services.medication.importers.bfarm import Read
from praxisd.services.medication.importers.reading import Told, decoded, delimiter_of, table

KNOWN = (
    "name",
    "id",
    "holder",
    "form",
    "atc",
    "otc",
    "pzn",
    "size",
    "unit",
    "strength",
    "status",
    "substances",
)
_ATC = re.compile(r"[A-Z](\d{2}([A-Z]([A-Z](\d{2})?)?)?)?")
_YES = ("1", "true", "yes", "ja", "j", "y")
Row = dict[str, Any]


def mapping(path: Path) -> dict[str, Any]:
    """The TOML file. Problem `medication.import_mapping` (422) says what is wrong in it."""
    try:
        found = tomllib.loads(decoded(path.read_bytes(), path.name))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Problem("medication.import_mapping", 422, file=path.name, what=str(error)[:120]) from None
    columns = found.get("columns")
    if not isinstance(columns, dict) or not isinstance(columns.get("name"), str):
        raise Problem("medication.import_mapping", 422, file=path.name, what="columns.name")
    strange = [name for name, column in columns.items() if name not in KNOWN or not isinstance(column, str)]
    if strange:
        raise Problem("medication.import_mapping", 422, file=path.name, what=f"columns.{strange[0]}")
    return found


def read(path: Path, given: dict[str, Any]) -> Read:
    """Read the table. Problems as of `reading`: `medication.import_columns`, `…_not_text`, `…_line`."""
    told, file = Told(), given.get("file", {})
    try:
        text = decoded(path.read_bytes(), path.name)
    except OSError:
        raise Problem("medication.import_missing", 422, file=path.name) from None
    columns: dict[str, str] = given["columns"]
    needed = (*dict.fromkeys((*columns.values(), *file.get("keep", {}))),)
    reading = _Reading(path.name, columns, given, told)
    for line, cells in table(text, path.name, needed, file.get("delimiter") or delimiter_of(text), told):
        kept = all(cells[name] == word for name, word in file.get("keep", {}).items())
        if kept:
            reading.row(line, cells)
        else:
            told.counts["skipped"] = told.counts.get("skipped", 0) + 1
    return Read(reading.made(), told)


class _Reading:
    def __init__(self, file: str, columns: dict[str, str], given: dict[str, Any], told: Told) -> None:
        self._file, self._columns, self._told = file, columns, told
        self._empty = frozenset(given.get("file", {}).get("empty", ()))
        self._between = given.get("substances", {}).get("between", ",")
        self._withdrawn = given.get("status", {}).get("withdrawn")
        self._products: dict[str, Row] = {}
        self._packages: dict[str, Row] = {}
        self._substances: dict[str, Row] = {}
        self._parts: dict[tuple[str, str], Row] = {}
        self._codes: dict[str, Row] = {}

    def row(self, line: int, cells: dict[str, str]) -> None:
        """One product, with its package if the file has numbers."""
        one = {name: self._cell(cells, name) for name in self._columns}
        name = one.get("name")
        if not name:
            self._told.say(self._file, line, "empty", self._columns["name"])
            return
        id_ = one.get("id") or f"{_slug(name)}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
        if id_ not in self._products:
            self._product(line, id_, name, one)
        elif "pzn" not in self._columns:
            self._told.say(self._file, line, "duplicate", id_)
        if one.get("pzn"):
            self._package(line, id_, one)

    def _product(self, line: int, id_: str, name: str, one: dict[str, str]) -> None:
        withdrawn = bool(self._withdrawn) and one.get("status") == self._withdrawn
        atc = one.get("atc", "")
        if not _ATC.fullmatch(atc):
            atc = ""
        self._products[id_] = {
            "id": id_, "name": name, "holder": one.get("holder"), "form": one.get("form"), "atc": atc,
            "otc": int(one["otc"].casefold() in _YES) if one.get("otc") else None,
            "status": "withdrawn" if withdrawn else "active",
        }  # fmt: skip
        names = [part.strip() for part in one.get("substances", "").split(self._between) if part.strip()]
        if not names:
            self._told.say(self._file, line, "no_substance", id_)
        for rank, substance in enumerate(dict.fromkeys(names), 1):
            key = _slug(substance)
            self._substances.setdefault(key, {"id": key, "name_de": substance, "name_en": substance})
            self._parts.setdefault(
                (id_, key),
                {"product": id_, "substance": key, "strength": one.get("strength"), "rank": rank, "kind": "active"},
            )  # fmt: skip
        if atc:
            self._codes.setdefault(atc, {"code": atc, "name": " + ".join(names) or name})

    def _package(self, line: int, id_: str, one: dict[str, str]) -> None:
        number = pzn.read(one["pzn"])
        if number is None or not pzn.valid(number):
            self._told.say(self._file, line, "pzn_length" if number is None else "pzn_digit", one["pzn"])
        elif number in self._packages:
            self._told.say(self._file, line, "duplicate", one["pzn"])
        else:
            self._packages[number] = {
                "pzn": number,
                "product": id_,
                "size": one.get("size"),
                "unit": one.get("unit"),
            }

    def _cell(self, cells: dict[str, str], name: str) -> str:
        text = cells[self._columns[name]]
        return "" if text in self._empty else text

    def made(self) -> dict[str, list[Row]]:
        """Rows by table."""
        return {
            "product": list(self._products.values()),
            "package": list(self._packages.values()),
            "substance": list(self._substances.values()),
            "product_substance": list(self._parts.values()),
            "atc": list(self._codes.values()),
        }


def _slug(text: str) -> str:
    return "-".join("".join(one if one.isalnum() else " " for one in text.casefold()).split())[:100]
