"""What a data set says: of a product, of a package, and which of its entries may concern a list of drugs."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from praxisd.model.statement import Taken
from praxisd.services.medication.checking_rules import (
    Drug,
    Knowledge,
    NoteRule,
    PairRule,
    RiskRule,
    Subject,
    prefixes_of,
    subjects,
)

PIECE = 400
"""So many values stand in one question; SQLite takes 32,766, a list of drugs never has so many."""


class Asked(Protocol):
    """An open data set: rows of a read-only query."""

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a SELECT."""
        ...


class Product(NamedTuple):
    """A product as the set knows it."""

    id: str
    name: str
    atc: str | None
    active: tuple[Taken, ...]
    salts: tuple[Taken, ...]
    excipients: tuple[Taken, ...]

    def drug(self, key: str) -> Drug:
        """What the rules need of it."""
        return Drug(key, _ids(self.active), _ids(self.salts), _ids(self.excipients), self.atc)


def _ids(some: Iterable[Taken]) -> frozenset[str]:
    return frozenset(one.id for one in some)


def products(opened: Asked, ids: Collection[str], lang: str = "de") -> dict[str, Product]:
    """The products among these ids that the set has, by id; names of substances in `lang` (de or en)."""
    found: dict[str, Product] = {}
    inside: dict[str, dict[str, list[Taken]]] = {}
    for some in _pieces(ids):
        marks = _marks(some)
        name = "name_en" if lang == "en" else "name_de"
        lines = opened.rows(
            f"SELECT p.product, p.kind, s.id, s.{name}, p.strength, p.unit FROM product_substance p"  # noqa: S608
            f" JOIN substance s ON s.id = p.substance WHERE p.product IN ({marks}) ORDER BY p.product, p.rank, s.id",
            some,
        )
        for product, kind, id_, called, strength, unit in lines:
            how_much = " ".join(part for part in (strength, unit) if part) or None
            one = Taken(id=id_, name=called, strength=how_much)
            inside.setdefault(product, {}).setdefault(kind, []).append(one)
        for id_, called, atc in opened.rows(
            f"SELECT id, name, atc FROM product WHERE id IN ({marks})",  # noqa: S608
            some,
        ):
            parts = inside.get(id_, {})
            kinds = (tuple(parts.get(kind, ())) for kind in ("active", "salt", "excipient"))
            found[id_] = Product(id_, called, atc, *kinds)
    return found


def product_of_pzn(opened: Asked, pzn: str) -> str | None:
    """The id of the product with this package number (8 digits), or None."""
    rows = opened.rows("SELECT product FROM package WHERE pzn = ?", (pzn,))
    return None if not rows else str(rows[0][0])


def products_of_pzns(opened: Asked, pzns: Collection[str]) -> dict[str, str]:
    """The ids of the products of these package numbers, those that the set has, by number."""
    found: dict[str, str] = {}
    for some in _pieces(pzns):
        rows = opened.rows(f"SELECT pzn, product FROM package WHERE pzn IN ({_marks(some)})", some)  # noqa: S608
        found.update((str(pzn), str(product)) for pzn, product in rows)
    return found


def conditions(opened: Asked, ids: Collection[str], lang: str = "de") -> dict[str, str]:
    """Names of the conditions among these ids that the set has."""
    return _names(opened, "condition", ids, lang)


def condition_kind(opened: Asked, id_: str) -> str | None:
    """condition, allergy or state; None for one the set does not have."""
    rows = opened.rows("SELECT kind FROM condition WHERE id = ?", (id_,))
    return None if not rows else str(rows[0][0])


def all_conditions(opened: Asked, lang: str = "de") -> list[tuple[str, str, str, str | None]]:
    """(id, name, kind, ICD-10 code) of every condition, by name."""
    name = "name_en" if lang == "en" else "name_de"
    rows = opened.rows(f"SELECT id, {name}, kind, icd10 FROM condition ORDER BY 2, 1")  # noqa: S608
    return [(str(id_), str(called), str(kind), icd10) for id_, called, kind, icd10 in rows]


def substances(opened: Asked, ids: Collection[str], lang: str = "de") -> dict[str, str]:
    """Names of the substances among these ids that the set has."""
    return _names(opened, "substance", ids, lang)


def names(opened: Asked, some: Iterable[Subject], lang: str) -> dict[Subject, str]:
    """What people call the subjects: a substance, a class; an ATC code by itself."""
    wanted = list(some)
    found = {one: one.id for one in wanted}
    for kind in ("substance", "class"):
        called = _names(opened, kind, {one.id for one in wanted if one.kind == kind}, lang)
        found |= {Subject(kind, id_): name for id_, name in called.items()}
    return found


def _names(opened: Asked, table: str, ids: Collection[str], lang: str) -> dict[str, str]:
    name = "name_en" if lang == "en" else "name_de"
    found: dict[str, str] = {}
    for some in _pieces(ids):
        rows = opened.rows(
            f"SELECT id, {name} FROM {table} WHERE id IN ({_marks(some)})",  # noqa: S608
            some,
        )
        found.update((str(id_), str(called)) for id_, called in rows)
    return found


def knowledge(opened: Asked, drugs: Sequence[Drug]) -> Knowledge:
    """All entries that speak of any of these drugs, and the classes they are in."""
    inside = sorted(frozenset().union(*(d.substances | d.salts | d.excipients for d in drugs)))
    begins = sorted(frozenset().union(*(prefixes_of(d.atc) for d in drugs)))
    members: dict[str, set[str]] = {}
    prefixes: dict[str, set[str]] = {}
    for kind, wanted, into in (("substance", inside, members), ("atc", begins, prefixes)):
        for some in _pieces(wanted):
            rows = opened.rows(
                f"SELECT class, member FROM class_member WHERE kind = ? AND member IN ({_marks(some)})",  # noqa: S608
                (kind, *some),
            )
            for name, member in rows:
                into.setdefault(name, set()).add(member)
    known = Knowledge(
        {name: frozenset(ids) for name, ids in members.items()},
        {name: frozenset(codes) for name, codes in prefixes.items()},
    )
    called = {one for drug in drugs for one in subjects(drug, known, excipients=True)}
    pairs, risks, notes = set(), set(), set()
    for kind in ("substance", "class", "atc"):
        for some in _pieces(one.id for one in called if one.kind == kind):
            marks = _marks(some)
            for side in ("a", "b"):
                for id_, a_kind, a, b_kind, b, severity in opened.rows(
                    "SELECT id, a_kind, a, b_kind, b, severity FROM interaction"  # noqa: S608
                    f" WHERE {side}_kind = ? AND {side} IN ({marks})",
                    (kind, *some),
                ):
                    pairs.add(PairRule(id_, Subject(a_kind, a), Subject(b_kind, b), severity))
            for id_, subject, condition, severity in opened.rows(
                "SELECT id, subject, condition, severity FROM contraindication"  # noqa: S608
                f" WHERE kind = ? AND subject IN ({marks})",
                (kind, *some),
            ):
                risks.add(RiskRule(id_, Subject(kind, subject), condition, severity))
            for id_, subject in opened.rows(
                f"SELECT id, subject FROM dental_note WHERE kind = ? AND subject IN ({marks})",  # noqa: S608
                (kind, *some),
            ):
                notes.add(NoteRule(id_, Subject(kind, subject)))
    return known._replace(pairs=sorted(pairs), risks=sorted(risks), notes=sorted(notes))


_SAYS = {
    "interaction": "mechanism_{0}, effect_{0}, action_{0}, evidence, source, source_url, source_date",
    "contraindication": "NULL, effect_{0}, action_{0}, NULL, source, source_url, source_date",
    "dental_note": "NULL, text_{0}, NULL, NULL, source, source_url, source_date",
}


class Said(NamedTuple):
    """What an entry says in words, and who says so."""

    mechanism: str | None
    effect: str
    action: str | None
    evidence: str | None
    source: str
    source_url: str | None
    source_date: str


def said(opened: Asked, table: str, ids: Collection[str], lang: str) -> dict[str, Said]:
    """The words of entries of `interaction`, `contraindication` or `dental_note`, by id."""
    columns = _SAYS[table].format("en" if lang == "en" else "de")
    found: dict[str, Said] = {}
    for some in _pieces(ids):
        rows = opened.rows(
            f"SELECT id, {columns} FROM {table} WHERE id IN ({_marks(some)})",  # noqa: S608
            some,
        )
        found.update((str(row[0]), Said(*row[1:])) for row in rows)
    return found


def _pieces(values: Iterable[str]) -> Iterable[tuple[str, ...]]:
    listed = sorted(set(values))
    return (tuple(listed[at : at + PIECE]) for at in range(0, len(listed), PIECE))


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
