"""Rules of the logbook: what looks like a person in a line that leaves is taken, whole; what a search asks can hurt nothing."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.services.logbook import rules
from praxisd.services.logbook.redact_rules import MARK, Redactor, numbers_of, words_of
from praxisd.services.logbook.shelf import Wanted
from praxisd.services.logbook.sqlite_queries import match

NAMES = ("Müller-Lüdenscheidt", "Jörg", "Kanariengelb", "Weiß", "Łukasz", "O'Brien")
NET = words_of(NAMES)
NUMBERS = numbers_of(["1973-03-14"], ["+49 171 3920012"])


def net() -> Redactor:
    return Redactor(NET, NUMBERS)


@pytest.mark.parametrize(
    "text",
    [
        "0171 / 392 0012", "0171/3920012", "0171-392 00 12", "(0171) 3920012", "+49 171 3920012", "+49 (0) 171 / 3920012",
        "0049 171 3920012", "0171 – 392 0012", "0171.392.0012", "Tel.0171 3920012", "tel0171 3920012", "tel_01713920012",
        "392 0012",
        "0171\u00a0392\u00a00012", "01713920012x",
        "14.03.1973", "14.3.73", "14. 3. 1973", "14/03/1973", "14-03-1973", "1973-03-14", "1973/03/14", "19730314", "14031973",
        "14. März 1973", "14 mar 1973", "geb.14.03.1973",
        "A123456789", "a123456789", "A 123 456 789", "kvnr_A123456789",
        "DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "de89370400440532013000", "iban:DE89 3704 0044 0532 0130 00",
    ],
)  # fmt: skip
def test_numbers_go_whole(text: str) -> None:
    told = net().text(f"vorher {text} nachher")
    left = MARK.sub("", told)
    assert not any(one.isdigit() for one in left), told
    assert told.startswith("vorher ") and told.endswith(" nachher")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("x.kanari@web-post.example", "kanari"),
        ("Frau.Müller+1@praxis.example", "praxis"),
        (r"C:\Scans\Befund_17.pdf", "Befund"),
        (r"\\server\scan\a.pdf", "scan"),
        ("/home/eva/befund.pdf", "befund"),
        ("password=hunter2", "hunter2"),
        ("Kennwort: geheim", "geheim"),
        ("Authorization: Bearer abc.def.123", "abc"),
        ("api_key=zzz", "zzz"),
        ("f3a1b2c4d5e6f7a8b9c0d1e2f3a4b5c6", "f3a1"),
        ("MÜLLER", "MÜLLER"),
        ("Mueller", "Mueller"),
        ("müllers Karte", "müllers"),
        ("mu\u0308ller", "ller"),
        ("Lüdenscheidt-Müller", "scheidt"),
        ("luedenscheidt", "luedenscheidt"),
        ("JÖRG", "JÖRG"),
        ("jorg", "jorg"),
        ("weiss", "weiss"),
        ("WEISS", "WEISS"),
        ("jörgKanariengelb", "jörg"),
        ("kanariengelbjoerg", "kanari"),
        ("Kana\u200brien\u00adgelb", "gelb"),
        ("Ｋａｎａｒｉｅｎｇｅｌｂ", "gelb"),
        ("file_kanariengelb_2", "kanariengelb"),
        ("lukasz", "lukasz"),
    ],
)
def test_what_tells_of_a_person_goes(text: str, secret: str) -> None:
    assert secret.casefold() not in net().text(f"vor {text} nach").casefold()


@pytest.mark.parametrize(
    "text",
    ["Fach 2 leer", "step 12 of 345, 17 ms", "SQLITE_BUSY", "HTTP 503, 3 tries", "took 0.25 s", "praxisd 1.4.2", "port 8443"],
)  # fmt: skip
def test_what_is_harmless_stays(text: str) -> None:
    assert net().text(text) == text


def test_the_same_has_the_same_name_and_nobody_forges_one() -> None:
    one = net()
    assert one.text("Jörg JÖRG jörg") == "<name-1> <name-1> <name-1>"
    assert "<name-9>" not in one.text("<name-9>")
    assert one.value(19730314) == one.value(14031973).replace("2", "1") and one.value(42) == 42  # type: ignore[attr-defined]
    assert one.value(True) is True and one.value(float("nan")) != 0


@given(st.sampled_from(NAMES), st.text(alphabet=" -_.,;:/0123456789()", max_size=3), st.data())
def test_a_name_goes_in_any_case_between_anything(name: str, beside: str, data: st.DataObject) -> None:
    said = "".join(data.draw(st.sampled_from((one.lower(), one.upper(), one))) for one in name)
    told = MARK.sub("", net().text(f"{beside}{said}{beside}")).casefold()
    words = [one for one in rules.tokens(name) if len(one) > 1]
    assert not [one for one in words if one in rules.folded(told)]


@given(st.lists(st.sampled_from(" /-()"), min_size=10, max_size=10))
def test_a_telephone_number_goes_however_it_is_written(between: list[str]) -> None:
    written = "".join(a + b for a, b in zip("0171392001", between, strict=True)).rstrip(" /-()") + "2"
    assert not any(one.isdigit() for one in MARK.sub("", net().text(f"Ruf {written}.")))


@given(st.text(max_size=300))
def test_any_text_passes_and_leaves_no_bracket_of_its_own(text: str) -> None:
    told = net().text(text)
    assert "<" not in MARK.sub("", told) and ">" not in MARK.sub("", told)


@given(
    st.text(max_size=120)
    | st.sampled_from(
        ['" OR "', "NEAR(a b)", "a* AND", "code:x", "^x", "'; --", "a\x00b", "(", "-x", "½ ² ①"]
    )
)
def test_no_words_are_taken_for_the_language_of_the_full_text(words: str) -> None:
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE VIRTUAL TABLE t USING fts5(code, fields, pseudo, text, grade)")
        try:
            groups = rules.asked(words)
        except Problem as problem:
            assert problem.code == "logbook.too_many_words"
            return
        wanted = Wanted(organization="p", words=tuple(map(tuple, groups)), levels=(30, 40), codes=("a.b",))
        for ended in (lambda _: None, lambda one: [], lambda one: [one, f"{one}x"]):
            asked = match(wanted, ended)
            db.execute("SELECT * FROM t WHERE t MATCH ?", (asked,)).fetchall()
            assert asked.replace("*", "").count('"') % 2 == 0


@given(st.text(max_size=200))
def test_kept_texts_have_no_control_characters(text: str) -> None:
    assert not [one for one in rules.clean(f"{text}\x00\x1b\ud800") if ord(one) < 32 or one == "\ud800"]


@pytest.mark.parametrize(
    "text", ["2026-11-28", "2026-11-28T10:00:00", "yesterday", "1969-01-01T00:00:00Z", "2200-01-01T00:00:00Z"]
)
def test_times_that_cannot_be_are_none(text: str) -> None:
    assert rules.moment(text) is None


def test_a_clock_that_cannot_be_right_is_not_believed() -> None:
    now = rules.moment("2026-11-28T10:00:00Z") or 0
    assert rules.placed(now - 1000, now) == now - 1000
    assert rules.placed(now + rules.AHEAD_MS + 1, now) == now
    assert rules.placed(now - rules.BEHIND_MS - 1, now) == now
