"""What may be in a data set: rows that are refused say which and why; the words of texts are found however they are typed."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.kernel.texts import Texts
from praxisd.model import medication, pzn
from praxisd.services.medication import sets_building, sets_looking, sets_sample, sets_words
from praxisd.services.medication.sets_building import About
from praxisd.services.medication.sets_schema import MEDICATION, TABLES

ABOUT: dict[str, Any] = {
    "element": MEDICATION, "title_de": "Probe", "title_en": "Trial", "source": "test", "source_url": "", "licence": "none",
    "released": "2026-11-01", "valid_until": "2026-12-01", "grace_until": "2026-12-31",
}  # fmt: skip
PRODUCT = {"id": "p", "name": "Probe 5 mg", "status": "active"}


def _refused(rows: dict[str, Any], **about: Any) -> tuple[str, str]:
    with pytest.raises(Problem) as refused:
        sets_building.build(About(**{**ABOUT, **about}), rows, Path("/nowhere/never.sqlite"))
    assert refused.value.code == "medication.build_refused"
    params = refused.value.params
    assert Texts(["praxisd.services.medication"]).has(f"medication.build.{params['what']}", "en")
    return str(params["table"]), str(params["what"])


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ({"drug": []}, ("drug", "table_unknown")),
        ({"product": [{**PRODUCT, "colour": "red"}]}, ("product", "column_unknown")),
        ({"product": [{**PRODUCT, "name": "  "}]}, ("product", "empty")),
        ({"product": [{**PRODUCT, "status": "gone"}]}, ("product", "word")),
        ({"product": [PRODUCT, PRODUCT]}, ("product", "twice")),
        ({"product": [{**PRODUCT, "otc": "1"}]}, ("product", "no_number")),
        ({"product": [{**PRODUCT, "atc": 5}]}, ("product", "no_text")),
        ({"product": [{**PRODUCT, "holder": "a\x00b"}]}, ("product", "control")),
        ({"package": [{"pzn": "00000017", "product": "q"}]}, ("package", "refers")),
        ({"class_member": [{"class": "c", "kind": "substance", "member": "s"}]}, ("class_member", "refers")),
        ({"synonym": [{"kind": "class", "id": "c", "name": "x"}]}, ("synonym", "word")),
    ],
)
def test_a_row_that_is_wrong_is_refused_with_its_place(rows: dict[str, Any], what: tuple[str, str]) -> None:
    assert _refused(rows) == what


def test_what_a_set_says_of_itself_is_looked_at() -> None:
    assert _refused({}, source="") == ("meta", "empty")
    assert _refused({}, released="2026-13-01") == ("meta", "no_day")
    assert _refused({}, valid_until="2026-10-01") == ("meta", "order")


def test_nothing_is_left_behind_by_a_failure(tmp_path: Path) -> None:
    out = tmp_path / "x.sqlite"
    out.write_bytes(b"what was there")
    with pytest.raises(Problem):
        sets_building.build(About(**ABOUT), {"product": [PRODUCT, PRODUCT]}, out)
    assert out.read_bytes() == b"what was there" and len(list(tmp_path.iterdir())) == 1


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    products = [{**PRODUCT, "id": id_, "name": f"Präparat {id_}"} for id_ in ("b", "ä", "a", "Z")]
    for turn, rows in enumerate((products, products[::-1])):
        sets_building.build(About(**ABOUT), {"product": rows}, tmp_path / str(turn))
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    connection, _ = sets_looking.opened(tmp_path / "0", MEDICATION)
    assert [row[0] for row in connection.execute("SELECT id FROM product")] == ["Z", "a", "b", "ä"]
    connection.close()


@pytest.mark.parametrize(
    ("today", "confirmed", "state"),
    [
        ("2026-12-01", True, "valid"),
        ("2026-12-02", True, "grace"),
        ("2026-12-31", True, "grace"),
        ("2027-01-01", True, "expired"),
        ("2027-01-01", False, "expired"),
        ("2026-11-02", False, "unconfirmed"),
    ],
)
def test_how_a_set_stands_on_a_day(today: str, confirmed: bool, state: str) -> None:
    assert medication.state(today, "2026-12-01", "2026-12-31", confirmed) == state


@given(st.text(alphabet="aäÄßéxœ 5-,", max_size=30))
def test_each_word_is_found_as_it_stands(text: str) -> None:
    index = sets_words.words(text).split()
    for spellings in sets_words.asked(text):
        assert set(spellings) <= set(index)


@given(st.text(max_size=600), st.text(alphabet="abcäß ", max_size=12))
def test_marks_of_an_excerpt_lie_in_it(text: str, words: str) -> None:
    excerpt, marked = sets_words.excerpt(text, sets_words.asked(words))
    assert excerpt in text and len(excerpt) <= sets_words.EXCERPT
    assert all(0 <= begin < end <= len(excerpt) for begin, end in marked)


def test_the_sample_invents_nothing() -> None:
    """Every entry is cited; products bear invented makers; numbers are right and begin with four zeros."""
    rows = sets_sample.sample(2, date(2026, 11, 1)).rows[MEDICATION]
    for table in ("interaction", "contraindication", "dental_note"):
        assert all(
            one["source"] and one["source_url"].startswith("http") and one["source_date"]
            for one in rows[table]
        )
    makers = {"Muster", "Beispiel", "Probe"}
    assert all(makers & set(one["name"].split()) and "erfunden" in one["holder"] for one in rows["product"])
    assert all(pzn.valid(one["pzn"]) and one["pzn"].startswith("0000") for one in rows["package"])
    assert all(one.get("reviewed") is None for one in rows["interaction"]), "nobody has reviewed the sample"


def test_a_later_edition_keeps_what_the_earlier_has() -> None:
    first, second = (sets_sample.sample(edition, date(2026, 11, 1)).rows[MEDICATION] for edition in (1, 2))
    for table in TABLES[MEDICATION]:
        earlier = [tuple(one.get(name) for name in table.key) for one in first[table.name]]
        later = {tuple(one.get(name) for name in table.key): one for one in second[table.name]}
        assert set(earlier) <= set(later), table.name
    numbers = {one["pzn"]: one["product"] for one in second["package"]}
    assert all(numbers[one["pzn"]] == one["product"] for one in first["package"]), (
        "a number stays with its product"
    )
