"""Looking for products: by name while typing, by substance, by the numbers on packages. The words are logged nowhere.

An answer is of one whole edition: it holds the opened set and its index from the first question to the last.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from praxisd.kernel.errors import Problem
from praxisd.services.medication import finding_cascade as cascade
from praxisd.services.medication import finding_plain, finding_store, finding_warming, sets_reading
from praxisd.services.medication import finding_rules as rules
from praxisd.services.medication.finding_index import Index
from praxisd.services.medication.finding_making import index_of
from praxisd.services.medication.finding_marks import marks
from praxisd.services.medication.finding_rules import How
from praxisd.services.medication.finding_shapes import (
    FoundOut,
    HitOut,
    NoteOut,
    PackageOut,
    ProductOut,
    SubstanceOut,
)
from praxisd.services.medication.sets_reading import MEDICATION, Opened, Shown

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

_SHORT_ATC = 3


@dataclass(frozen=True, slots=True)
class _Used:
    """What is remembered of a practice's use: `total` when it was read; number of a product → times."""

    mark: str
    total: int
    times: Mapping[int, int]


def used(tx: "Tx", product: str) -> None:
    """Count, in the caller's write transaction, that this practice has entered a product."""
    finding_store.used(tx, product)


def search(
    house: "House", tx: "Tx", text: str, limit: int = 20, lang: str = "de", version: str | None = None
) -> FoundOut:
    """The best `limit` products. Problems: `medication.no_data` (409), `medication.no_version` (404), `medication.index_failed`
    (503).
    """
    now = sets_reading.look(house, MEDICATION, version)
    return answer(house, tx, Ready(now, index_of(house, now.held)), text, limit, lang)


class Ready(NamedTuple):
    """An edition that is searched as a whole; without an index while that is being made."""

    now: Shown
    names: Index | None


def ready(house: "House", version: str | None = None) -> Ready:
    """What is to be searched, looked at before a transaction is opened: nobody waits long, and nothing is held meanwhile."""
    now = sets_reading.look(house, MEDICATION, version)
    return Ready(now, finding_warming.soon(house, now.held))


def answer(house: "House", tx: "Tx", at: Ready, text: str, limit: int, lang: str) -> FoundOut:
    """The best `limit` products of an edition."""
    results = _results(house, tx, at.now.held, at.names, text, limit, lang)
    return FoundOut(
        results=results,
        how=results[0].how if results else None,
        preparing=at.names is None,
        standing=sets_reading.standing_of(house, tx, at.now, lang),
    )


def by_pzn(opened: Opened, pzn: str) -> str | None:
    """The product of a package by its 8 digits, or None."""
    row = opened.first("SELECT product FROM package WHERE pzn = ?", (pzn,))
    return None if row is None else str(row[0])


def product(house: "House", id_: str, lang: str = "de", version: str | None = None) -> ProductOut:
    """One product. Problems as of `search`, and `medication.no_product` (404)."""
    opened = sets_reading.open_set(house, MEDICATION, version)
    row = opened.first(
        "SELECT p.id, p.name, p.holder, p.form, p.atc, p.otc, p.status, p.text_id, a.name FROM product p"
        " LEFT JOIN atc a ON a.code = p.atc WHERE p.id = ?",
        (id_,),
    )
    if row is None:
        raise Problem("medication.no_product", 404)
    ids = [id_]
    substances = _substances(opened, ids, lang, "")[id_]
    return ProductOut(
        id=id_,
        name=row[1],
        holder=row[2],
        form=row[3],
        atc=row[4],
        atc_name=row[8],
        otc=None if row[5] is None else bool(row[5]),
        status=row[6],
        text_id=row[7],
        names=[
            one for (one,) in opened.rows("SELECT name FROM synonym WHERE kind = 'product' AND id = ?", ids)
        ],
        substances=substances,
        packages=_packages(opened, ids)[id_],
        notes=_notes(opened, [one.id for one in substances if one.kind != "excipient"], row[4], lang),
        version=opened.version,
        sample=opened.sample,
    )


def _results(
    house: "House", tx: "Tx", opened: Opened, index: Index | None, text: str, limit: int, lang: str
) -> list[HitOut]:
    times = {} if index is None else _used(house, tx, index)
    code = rules.code(text)
    hits: list[tuple[str, How]] = [] if code is None else _by_code(opened, index, code, limit, times)
    if not hits or (code is not None and code.kind == "atc" and len(code.value) == _SHORT_ATC):
        known = {id_ for id_, _ in hits}
        if index is None:
            words = finding_plain.find(opened, text, limit)
        else:
            words = [(index.ids[one.product], one.how) for one in cascade.find(index, text, limit, times)]
        hits += [one for one in words if one[0] not in known]
    return _shown(opened, index, hits[:limit], text, lang, times)


def _used(house: "House", tx: "Tx", index: Index) -> Mapping[int, int]:
    """Number of a product → how often it was entered here; read anew when it grew."""
    kept: dict[str, _Used] = house.shared.setdefault("medication_used", {})
    key, total = tx.actor.organization, finding_store.total(tx)
    found = kept.get(key)
    if found is None or (found.mark, found.total) != (index.edition, total):
        numbers = ((index.number(id_), times) for id_, times in finding_store.often(tx).items())
        found = kept[key] = _Used(
            index.edition, total, {no: times for no, times in numbers if no is not None}
        )
    return found.times


def _by_code(
    opened: Opened, index: Index | None, code: rules.Code, limit: int, times: Mapping[int, int]
) -> list[tuple[str, How]]:
    if code.kind == "atc" and index is None:
        rows = opened.rows(
            "SELECT id, atc FROM product WHERE atc >= ? AND atc < ? ORDER BY name, id LIMIT ?",
            (code.value, code.value + "[", limit),
        )
        return [(id_, "exact" if atc == code.value else "prefix") for id_, atc in rows]
    if code.kind == "atc" and index is not None:
        return [
            (index.ids[one.product], one.how) for one in cascade.find_atc(index, code.value, limit, times)
        ]
    if code.kind == "gtin":
        rows = opened.rows(
            "SELECT DISTINCT product FROM package WHERE gtin IN (?, ?)", (code.value, code.value[1:])
        )
        return [(one, "exact") for (one,) in rows]
    exact = by_pzn(opened, code.value)
    if exact is not None:
        return [(exact, "exact")]
    if not code.begun:
        return []
    rows = opened.rows(
        "SELECT DISTINCT product FROM package WHERE pzn >= ? AND pzn < ? LIMIT ?",
        (code.begun, code.begun + ":", limit),
    )
    return [(one, "prefix") for (one,) in rows]


def _shown(
    opened: Opened,
    index: Index | None,
    hits: Sequence[tuple[str, How]],
    text: str,
    lang: str,
    times: Mapping[int, int],
) -> list[HitOut]:
    ids = [id_ for id_, _ in hits]
    rows = _by_id(
        opened.rows(
            f"SELECT id, name, holder, form, atc, otc, status FROM product WHERE id IN ({_places(ids)})",  # noqa: S608
            ids,
        )
    )
    substances, packages = _substances(opened, ids, lang, "AND ps.kind = 'active'"), _packages(opened, ids)
    found, typed = [], rules.typed(text)
    for id_, how in hits:
        row, number = rows[id_][0], None if index is None else index.number(id_)
        found.append(
            HitOut(
                id=id_,
                name=row[1],
                how=how,
                marked=marks(row[1], typed, how),
                holder=row[2],
                form=row[3],
                atc=row[4],
                otc=None if row[5] is None else bool(row[5]),
                status=row[6],
                substances=substances[id_],
                packages=packages[id_],
                dental=index is not None and number in index.dental,
                used=0 if number is None else times.get(number, 0),
            )
        )
    return found


def _substances(opened: Opened, ids: Sequence[str], lang: str, which: str) -> dict[str, list[SubstanceOut]]:
    name = "s.name_en" if lang == "en" else "s.name_de"
    rows = opened.rows(
        f"SELECT ps.product, s.id, {name}, ps.strength, ps.unit, ps.kind FROM product_substance ps"  # noqa: S608
        f" JOIN substance s ON s.id = ps.substance WHERE ps.product IN ({_places(ids)}) {which}"
        " ORDER BY ps.product, ps.rank, s.id",
        ids,
    )
    found: dict[str, list[SubstanceOut]] = defaultdict(list)
    for id_, *rest in rows:
        found[id_].append(
            SubstanceOut(id=rest[0], name=rest[1], strength=rest[2], unit=rest[3], kind=rest[4])
        )
    return found


def _packages(opened: Opened, ids: Sequence[str]) -> dict[str, list[PackageOut]]:
    rows = opened.rows(
        f"SELECT product, pzn, gtin, size, unit FROM package WHERE product IN ({_places(ids)})"  # noqa: S608
        " ORDER BY product, CAST(size AS REAL), size, pzn",
        ids,
    )
    found: dict[str, list[PackageOut]] = defaultdict(list)
    for id_, *rest in rows:
        found[id_].append(PackageOut(pzn=rest[0], gtin=rest[1], size=rest[2], unit=rest[3]))
    return found


def _notes(opened: Opened, substances: Sequence[str], atc: str | None, lang: str) -> list[NoteOut]:
    """What dentists are told about one of the substances, its classes, or the beginning of the ATC code."""
    text = "text_en" if lang == "en" else "text_de"
    codes = [atc[:length] for length in (1, 3, 4, 5, 7)] if atc else []
    rows = opened.rows(
        f"SELECT {text}, source, source_url, source_date FROM dental_note"  # noqa: S608
        f" WHERE (kind = 'substance' AND subject IN ({_places(substances)}))"
        f" OR (kind = 'atc' AND subject IN ({_places(codes)}))"
        " OR (kind = 'class' AND subject IN (SELECT class FROM class_member"
        f" WHERE (kind = 'substance' AND member IN ({_places(substances)}))"
        f" OR (kind = 'atc' AND member IN ({_places(codes)})))) ORDER BY id",
        [*substances, *codes, *substances, *codes],
    )
    return [NoteOut(text=one[0], source=one[1], source_url=one[2], source_date=one[3]) for one in rows]


def _by_id(rows: Sequence[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


def _places(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
