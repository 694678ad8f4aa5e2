"""The reference database of BfArM after § 31b SGB V: a ZIP with three files, cells between `|` (or another delimiter).

`…REFERENCE_MEDICINAL_PRODUCT.dsv` (RMP_KEY, RMP_PZN, RMP_PFM_NAME, RMP_MPD_NAME …), `…PHARMACEUTICAL_PRODUCT.dsv`
(RPP_KEY, RMP_KEY, RPP_PFM_NAME, RPP_DESCRIPTION …), `…SUBSTANCE.dsv` (RPP_KEY, RSE_SUBSTANCE_NAME, RSE_SUBSTANCE_STRENGTH,
RSE_SUBSTANCE_ID, RSE_SUBSTANCE_RANK). A practice reads the file it was given itself; nobody may pass it on without
BfArM's permission. It has no ATC codes, no texts and no interactions.
"""

import re
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.model import pzn
from praxisd.services.medication.importers.reading import Told, decoded, delimiter_of, table

PARTS = ("MEDICINAL_PRODUCT", "PHARMACEUTICAL_PRODUCT", "SUBSTANCE")
COLUMNS = {
    "MEDICINAL_PRODUCT": ("RMP_KEY", "RMP_PZN", "RMP_MPD_NAME"),
    "PHARMACEUTICAL_PRODUCT": ("RPP_KEY", "RMP_KEY"),
    "SUBSTANCE": (
        "RPP_KEY",
        "RSE_SUBSTANCE_NAME",
        "RSE_SUBSTANCE_STRENGTH",
        "RSE_SUBSTANCE_ID",
        "RSE_SUBSTANCE_RANK",
    ),
}
SOURCE = "BfArM, Referenzdatenbank nach § 31b SGB V"
SOURCE_URL = "https://www.bfarm.de/"
LICENCE = "Nur für den eigenen Gebrauch: Weitergabe nur mit Erlaubnis des BfArM"
MOST_BYTES = 1_000_000_000
"""A part is not unpacked beyond this."""
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
Row = dict[str, Any]


@dataclass
class Read:
    """Rows of the set `medication`; `day`: the day in the names of the files (YYYY-MM-DD), if there is one."""

    rows: dict[str, list[Row]]
    told: Told = field(default_factory=Told)
    day: str | None = None


def read(path: Path) -> Read:
    """Read the ZIP. Problems `medication.import_not_zip`, `medication.import_missing`, `…_columns`, `…_not_text`, `…_line`,
    `…_too_large` (422): nothing can be made of it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = {part: _name(archive, part) for part in PARTS}
            texts = {part: _text(archive, name) for part, name in names.items()}
    except (
        zipfile.BadZipFile,
        OSError,
        EOFError,
        zlib.error,
        RuntimeError,
    ):  # the last: a password, a strange method
        raise Problem("medication.import_not_zip", 422, file=path.name) from None
    told = Told()
    found = _Reading(told)
    for part in PARTS:
        name = Path(names[part]).name
        rows = table(texts[part], name, COLUMNS[part], delimiter_of(texts[part]), told)
        for line, cells in rows:
            {"MEDICINAL_PRODUCT": found.product, "PHARMACEUTICAL_PRODUCT": found.part, "SUBSTANCE": found.substance}[part](
                name, line, cells
            )  # fmt: skip
    day = _DAY.search(names[PARTS[0]])
    return Read(found.made(), told, None if day is None else "-".join(day.groups()))


def _name(archive: zipfile.ZipFile, part: str) -> str:
    wanted = re.compile(rf"(^|[^A-Z_])(REFERENCE_)?{part}\.(dsv|csv|txt)$", re.IGNORECASE)
    found = [name for name in archive.namelist() if wanted.search(Path(name).name)]
    if len(found) != 1:
        raise Problem("medication.import_missing", 422, file=f"{part}.dsv")
    return found[0]


def _text(archive: zipfile.ZipFile, name: str) -> str:
    short = Path(name).name
    if archive.getinfo(name).file_size > MOST_BYTES:
        raise Problem("medication.import_too_large", 422, file=short)
    with archive.open(name) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Problem("medication.import_too_large", 422, file=short)
    return decoded(data, short)


class _Reading:
    """What was read so far."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._products: dict[str, Row] = {}
        self._packages: dict[str, Row] = {}
        self._owners: dict[str, str] = {}
        self._substances: dict[str, Row] = {}
        self._parts: dict[tuple[str, str], Row] = {}

    def product(self, file: str, line: int, cells: dict[str, str]) -> None:
        """A package, which is a product of its own here: BfArM knows no product above the number."""
        key, name, given = cells["RMP_KEY"], cells["RMP_MPD_NAME"], cells["RMP_PZN"]
        if not key or not name:
            self._told.say(file, line, "empty", "RMP_KEY" if not key else "RMP_MPD_NAME")
            return
        number = pzn.read(given)
        if number is None:
            self._told.say(file, line, "pzn_length", given)
            return
        if not pzn.valid(number):
            self._told.say(file, line, "pzn_digit", given)
            return
        if len(given) < 8:
            self._told.say(file, line, "zeros_lost", given)
        if number in self._packages or key in self._products:
            self._told.say(file, line, "duplicate", given)
            return
        form = cells.get("RMP_PFM_NAME") or cells.get("RMP_PFM_PUT_LONG") or ""
        self._products[key] = {"id": f"bfarm-{number}", "name": name, "form": form, "status": "active"}
        self._packages[number] = {"pzn": number, "product": f"bfarm-{number}"}

    def part(self, file: str, line: int, cells: dict[str, str]) -> None:
        """A pharmaceutical product: what belongs to which package."""
        if cells["RMP_KEY"] not in self._products:
            self._told.say(file, line, "no_product", cells["RMP_KEY"])
            return
        self._owners[cells["RPP_KEY"]] = self._products[cells["RMP_KEY"]]["id"]

    def substance(self, file: str, line: int, cells: dict[str, str]) -> None:
        """A substance of one of them."""
        owner = self._owners.get(cells["RPP_KEY"])
        name, number = cells["RSE_SUBSTANCE_NAME"], cells["RSE_SUBSTANCE_ID"]
        if owner is None:
            self._told.say(file, line, "no_product", cells["RPP_KEY"])
            return
        if not name:
            self._told.say(file, line, "no_substance", number)
            return
        rank = cells["RSE_SUBSTANCE_RANK"]
        if not rank.isdecimal():
            self._told.say(file, line, "rank", rank)
            rank = "99"
        id_ = f"bfarm-{number or name.casefold()}"
        self._substances.setdefault(id_, {"id": id_, "name_de": name, "name_en": name})
        self._parts.setdefault(
            (owner, id_),
            {"product": owner, "substance": id_, "strength": cells["RSE_SUBSTANCE_STRENGTH"], "rank": int(rank),
             "kind": "active"},
        )  # fmt: skip

    def made(self) -> dict[str, list[Row]]:
        """Rows by table."""
        return {
            "product": list(self._products.values()),
            "package": list(self._packages.values()),
            "substance": list(self._substances.values()),
            "product_substance": list(self._parts.values()),
        }
