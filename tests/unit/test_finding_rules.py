"""How names and typed words are made comparable: foldings, sounds, codes, marks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.medication import finding_rules as rules
from praxisd.services.medication.finding_marks import marks

TEXT = st.text(alphabet=st.characters(max_codepoint=0x250, exclude_categories=["Cs", "Cc"]), max_size=30)
WORDS = st.text(alphabet="aäbcdeéfghiklmnoöprsßtuüvyz", min_size=1, max_size=14)


@pytest.mark.parametrize(
    "typed", ["Hämorrhoiden", "haemorrhoiden", "hamorrhoiden", "HÄMORRHOIDEN", "Ha\u0308morrhoiden"]
)
def test_umlauts_are_typed_in_three_ways(typed: str) -> None:
    names = rules.words_of("Hämorrhoidensalbe")
    ways = rules.typed(typed)[0]
    assert any(name.startswith(way) for name in names for way in ways)


@given(TEXT)
def test_folded_is_plain_and_folds_to_itself(text: str) -> None:
    for folded in rules.foldings(text):
        for word in rules.pieces(folded):
            assert word.isascii()
            assert rules.fold(word) == word


@given(WORDS, st.integers(min_value=1, max_value=14))
def test_the_beginning_of_a_word_finds_it(word: str, length: int) -> None:
    ways = rules.typed(word[:length])
    assert any(name.startswith(way) for name in rules.words_of(word) for way in ways[0])


@given(WORDS)
def test_a_sound_is_never_longer_and_sounds_like_itself(word: str) -> None:
    folded = rules.fold(word)
    assert len(rules.sound(folded)) <= len(folded)
    assert rules.sound(rules.sound(folded)) == rules.sound(rules.sound(rules.sound(folded)))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Penizillin", "Penicillin"), ("Amoxycillin", "Amoxicilin"), ("Cephalexin", "Cefalexin"), ("Kortison", "Cortison"),
     ("Tyamin", "Thiamin"), ("Ibuprophen", "Ibuprofen"), ("Klorhexidin", "Chlorhexidin"), ("Äthanol", "Ethanol")],
)  # fmt: skip
def test_spellings_of_one_sound(one: str, other: str) -> None:
    assert rules.sound(rules.fold(one)) == rules.sound(rules.fold(other))


@pytest.mark.parametrize("number", ["500", "0.5", "12"])
def test_numbers_are_never_changed_and_never_guessed(number: str) -> None:
    assert rules.sound(number) == number
    assert rules.edits(number) == 0


def test_glued_and_joined_words() -> None:
    assert list(rules.words_of("Co-Amoxi 500mg")) == ["co", "amoxi", "coamoxi", "500", "mg"]
    assert rules.typed("0,5 mg") == [("0.5",), ("mg",)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("01234562", "pzn", "01234562"), ("1234562", "pzn", "01234562"), ("PZN-01234562", "pzn", "01234562"),
        ("pzn 1234562", "pzn", "01234562"), ("-01234562", "pzn", "01234562"), ("]A0-01234562", "pzn", "01234562"),
        ("04150012345624", "pzn", "01234562"), ("]d20104150012345624", "pzn", "01234562"),
        ("(01)04150012345624", "pzn", "01234562"), ("[)>\x1e06\x1d9N110123456242\x1d1TABC\x1dD261231\x1e\x04", "pzn", "01234562"),
        ("7680123456789", "gtin", "07680123456789"), ("J01CA04", "atc", "J01CA04"), ("j01c", "atc", "J01C"),
    ],
)  # fmt: skip
def test_what_scanners_and_people_give(text: str, kind: str, value: str) -> None:
    found = rules.code(text)
    assert found is not None and found[:2] == (kind, value)


def test_only_a_number_that_may_go_on_stands_for_others() -> None:
    for text, begun in (("0123456", "0123456"), ("PZN 123456", "123456"), ("1234562", "1234562")):
        assert rules.code(text) == ("pzn", begun.zfill(8), begun)
    for text in ("01234562", "-01234562", "04150012345624", "9N110123456242"):
        assert rules.code(text) == ("pzn", "01234562", "")  # else the package 1234562x would be shown for it


@pytest.mark.parametrize(
    "text", ["", "amoxi", "500 mg", "12345", "123456789", "Ibu 400", "x" * 200, "]", "01"]
)
def test_what_is_no_code(text: str) -> None:
    assert rules.code(text) is None


@given(TEXT)
def test_any_text_is_looked_at_without_a_fault(text: str) -> None:
    rules.code(text)
    assert len(rules.typed(text * 5)) <= rules.MOST_WORDS


@given(TEXT, TEXT, st.sampled_from(["prefix", "infix", "similar"]))
def test_marks_lie_in_the_name_in_order_and_apart(name: str, text: str, how: rules.How) -> None:
    last = -1
    for start, end in marks(name, rules.typed(text), how):
        assert last < start < end <= len(name)
        last = end


@pytest.mark.parametrize(
    ("name", "text", "how", "marked"),
    [
        ("Amoxicillin 500 mg", "amoxi 500", "prefix", ["Amoxi", "500"]),
        ("Öltröpfchen forte", "oeltro", "prefix", ["Öltrö"]),
        ("Straßenwasser", "strass", "prefix", ["Straß"]),
        ("Ibuprofen akut", "profen", "infix", ["profen"]),
        ("Amoxicillin Muster", "amoxycilin", "similar", ["Amoxicillin"]),
        ("Tropfen 2,5 mg", "2.5", "exact", ["2,5"]),
        ("Amoxicillin 500 mg", "50", "similar", ["50"]),
    ],
)
def test_what_is_marked(name: str, text: str, how: rules.How, marked: list[str]) -> None:
    assert [name[start:end] for start, end in marks(name, rules.typed(text), how)] == marked
