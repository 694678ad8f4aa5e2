"""The sample sets that come with praxisd, in two editions: invented products, a few cited entries, for trying out only.

`sample/` holds the facts; products are written out from one line for each substance and strength. No full text is invented: a
sample text is put together from the same facts, and says where the rest would stand.
"""

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from praxisd.model import pzn
from praxisd.model.medication import ElementName
from praxisd.services.medication import sets_building, sets_sample_texts
from praxisd.services.medication.sets_building import About
from praxisd.services.medication.sets_schema import MEDICATION, NOTICES, TEXTS

EDITIONS = (1, 2)
VALID_DAYS, GRACE_DAYS = 120, 30
AGE_DAYS, BETWEEN_DAYS = 33, 30
"""How old the first edition is where a sample practice begins, and after how many days the second followed."""
LICENCE = "CC0-1.0 (Zusammenstellung); Angaben zu Wechselwirkungen mit ihren Quellen zitiert"
SOURCE = "praxisd-Beispiel"
TITLES: dict[ElementName, tuple[str, str]] = {
    MEDICATION: ("Medikamentendaten (Beispiel)", "Medication data (sample)"),
    TEXTS: ("Volltexte zu Medikamenten (Beispiel)", "Full texts on medication (sample)"),
    NOTICES: ("Zusätzliche Infos zu Medikamenten (Beispiel)", "Additional notices on medication (sample)"),
}
MAKERS = {"M": "Muster", "B": "Beispiel", "P": "Probe"}
UNGRADED = "Einstufung durch die Redaktion des Beispiels, nicht durch die Quelle. Keine fachliche Prüfung."
GRADED = "Einstufung wie in der Quelle. Keine fachliche Prüfung."
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """All rows of an edition: element → table → rows."""

    edition: int
    rows: dict[str, dict[str, list[Row]]]


def build(edition: int, released: date, element: ElementName, out: Path) -> dict[str, int]:
    """Write one element of an edition as of the day of its release; rows per table."""
    de, en = TITLES[element]
    until = released + timedelta(days=VALID_DAYS)
    about = About(
        element=element, title_de=de, title_en=en, source=SOURCE, source_url="", licence=LICENCE,
        released=released.isoformat(), valid_until=until.isoformat(),
        grace_until=(until + timedelta(days=GRACE_DAYS)).isoformat(), sample=True,
    )  # fmt: skip
    return sets_building.build(about, sample(edition, released).rows[element], out)


def days(today: date) -> dict[int, date]:
    """The day of release of each edition in a sample practice of this day."""
    first = today - timedelta(days=AGE_DAYS)
    return {1: first, 2: first + timedelta(days=BETWEEN_DAYS)}


def sample(edition: int, released: date) -> Sample:
    """The rows of an edition; the later one has all of the earlier one."""
    products = list(_products(edition))
    main = _medication(edition, products)
    return Sample(
        edition,
        {
            MEDICATION: main,
            TEXTS: sets_sample_texts.texts(main, released.isoformat()),
            NOTICES: {"notice": list(_notices(edition, released))},
        },
    )


@cache
def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(_file(name))


def _file(name: str) -> str:
    return files("praxisd.services.medication").joinpath("sample", name).read_text(encoding="utf-8")


@cache
def _csv(name: str) -> tuple[Row, ...]:
    return tuple(csv.DictReader(_file(name).splitlines(), delimiter=";"))


def _slug(text: str) -> str:
    return "-".join("".join(one if one.isalnum() else " " for one in text.casefold()).split())


def _products(edition: int) -> Iterator[tuple[Row, Row, int]]:
    """Line, product and the running number of its first package."""
    number = 1
    for line in _csv("products.csv"):
        sizes = line["sizes"].split("|")
        for maker in line["makers"]:
            first, number = number, number + len(sizes)
            if int(line["edition"]) > edition:
                continue
            strength = "/".join(line["strengths"].split("+"))
            name = f"{line['name']} {MAKERS[maker]} {strength} {line['unit']} {line['form']}"
            words = (*line["substances"].split("+"), strength, line["unit"], line["form"], maker)
            yield (
                line,
                {
                    "id": f"s-{_slug(' '.join(words))}",
                    "name": name,
                    "holder": f"{MAKERS[maker]} Arzneimittel (erfunden)",
                    "form": line["form"],
                    "atc": line["atc"],
                    "otc": int(line["otc"]),
                    "status": "active",
                },
                first,
            )


def _medication(edition: int, products: list[tuple[Row, Row, int]]) -> dict[str, list[Row]]:
    substances = _csv("substances.csv")
    found: dict[str, list[Row]] = {
        "product": [{**product, "text_id": f"fi-{product['id']}"} for _, product, _ in products],
        "package": [],
        "product_substance": [],
        "substance": [{"id": s["id"], "name_de": s["de"], "name_en": s["en"]} for s in substances],
        "synonym": [
            {"kind": "substance", "id": s["id"], "name": one}
            for s in substances for one in s["synonyms"].split("|") if one
        ],
        "class": [{"id": id_, "name_de": c["de"], "name_en": c["en"]} for id_, c in _toml("classes.toml").items()],
        "class_member": list(_members(substances)),
        "atc": list(_codes(products, {s["id"]: s["de"] for s in substances})),
        "interaction": list(_interactions(edition)),
        **_conditions(edition),
    }  # fmt: skip
    for line, product, first in products:
        for rank, (one, strength) in enumerate(
            zip(line["substances"].split("+"), line["strengths"].split("+"), strict=True), 1
        ):
            found["product_substance"].append(
                {"product": product["id"], "substance": one, "strength": strength, "unit": line["unit"],
                 "rank": rank, "kind": "active"}
            )  # fmt: skip
        for rank, one in enumerate(filter(None, line["excipients"].split("|")), 90):
            found["product_substance"].append(
                {"product": product["id"], "substance": one, "rank": rank, "kind": "excipient"}
            )
        for number, size in enumerate(line["sizes"].split("|"), first):
            found["package"].append(
                {"pzn": numbers()[number], "product": product["id"], "size": size, "unit": line["size_unit"]}
            )
    return found


@cache
def numbers() -> tuple[str, ...]:
    """Numbers for packages of samples: 0000 and three digits with the right check digit; the first is not used."""
    return tuple(found for n in range(1000) if (found := pzn.complete(f"0000{n:03}")) is not None)


def _members(substances: tuple[Row, ...]) -> Iterator[Row]:
    for one in substances:
        for group in filter(None, one["classes"].split("|")):
            yield {"class": group, "kind": "substance", "member": one["id"]}
    for id_, group in _toml("classes.toml").items():
        for code in group["atc"]:
            yield {"class": id_, "kind": "atc", "member": code}


def _codes(products: list[tuple[Row, Row, int]], names: dict[str, str]) -> Iterator[Row]:
    """ATC codes of the products, named after their substances: the index's own words are not ours to give away."""
    found: dict[str, str] = {}
    for line, product, _ in products:
        found.setdefault(product["atc"], " + ".join(names[one] for one in line["substances"].split("+")))
    for code, name in found.items():
        yield {"code": code, "name": name}


def _cited(one: Row) -> Row:
    source = _toml("sources.toml")[one["source"]]
    return {"source": source["title"], "source_url": source["url"], "source_date": source["date"]}


def _interactions(edition: int) -> Iterator[Row]:
    words = (
        "mechanism_de",
        "mechanism_en",
        "effect_de",
        "effect_en",
        "action_de",
        "action_en",
        "severity",
        "id",
    )
    for one in _toml("interactions.toml")["interaction"]:
        if one["edition"] <= edition:
            (a_kind, _, a), (b_kind, _, b) = one["a"].partition(":"), one["b"].partition(":")
            yield {
                **{name: one[name] for name in words}, **_cited(one), "a_kind": a_kind, "a": a, "b_kind": b_kind,
                "b": b, "evidence": GRADED if one["graded"] else UNGRADED,
            }  # fmt: skip


def _conditions(edition: int) -> dict[str, list[Row]]:
    found = _toml("conditions.toml")
    contra, notes = [], []
    for one in found["contraindication"]:
        kind, _, subject = one["subject"].partition(":")
        if one["edition"] <= edition:
            words = ("id", "condition", "severity", "effect_de", "effect_en", "action_de", "action_en")
            contra.append(
                {**{name: one[name] for name in words}, **_cited(one), "kind": kind, "subject": subject}
            )
    for one in found["dental_note"]:
        kind, _, subject = one["subject"].partition(":")
        if one["edition"] <= edition:
            notes.append(
                {"id": one["id"], "kind": kind, "subject": subject, "text_de": one["de"], "text_en": one["en"],
                 **_cited(one)}
            )  # fmt: skip
    conditions = [
        {"id": one["id"], "name_de": one["de"], "name_en": one["en"], "kind": one["kind"]} for one in found["condition"]
    ]  # fmt: skip
    return {"condition": conditions, "contraindication": contra, "dental_note": notes}


def _notices(edition: int, released: date) -> Iterator[Row]:
    sources = _toml("sources.toml")
    for one in _toml("notices.toml")["notice"]:
        if one["edition"] > edition:
            continue
        source = sources.get(one["source"])
        yield {
            **{name: one[name] for name in ("id", "level", "title_de", "title_en", "body_de", "body_en")},
            "valid_from": released.isoformat(),
            "valid_until": (released + timedelta(days=one["days"])).isoformat(),
            "substance": one.get("substance"),
            "source": SOURCE if source is None else source["title"],
            "url": None if source is None else source["url"],
        }
