"""The search in an index: what is found and how, in which order, and how often the right one on 20,000 names."""

from collections.abc import Sequence
from functools import lru_cache
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd.services.medication import finding_rules as rules
from praxisd.services.medication.finding_cascade import find, find_atc
from praxisd.services.medication.finding_index import Broken, Index, Source, build
from praxisd.testing.medication_names import Asked, met, products, questions

SMALL = (
    Source("a", ["Amoxicillin Muster 500 mg Filmtabletten"], ["Amoxicillin", "Muster-Pharma"], "J01CA04", True),
    Source("b", ["Co-Amoxi Muster 875 mg"], ["Amoxicillin", "Clavulansäure"], "J01CR02"),
    Source("c", ["Ibuprofen Muster 400 mg"], ["Ibuprofen"], "M01AE01", True),
    Source("d", ["Ibu Probe 600 mg", "Ibuprobe"], ["Ibuprofen"], "M01AE01"),
    Source("e", ["Megacillin-Art 1,5 Mega"], ["Phenoxymethylpenicillin"], "J01CE02"),
    Source("f", ["Öltröpfchen 50 mg"], ["Rizinusöl"]),
    Source("g", ["Öltröpfchen 500 mg"], ["Rizinusöl"]),
    Source("h", ["Vitamin B12 Lösung"], ["Cyanocobalamin"], "B03BA01"),
    Source("i", ["Äthanol 70 %"], ["Ethanol"]),
)  # fmt: skip


def _found(
    text: str, limit: int = 20, used: dict[str, int] | None = None, index: Index | None = None
) -> list[tuple[str, str]]:
    index = index or _small()
    times = {index.number(id_): count for id_, count in (used or {}).items()}
    hits = find(index, text, limit, {no: count for no, count in times.items() if no is not None})
    return [(index.ids[one.product], one.how) for one in hits]


@lru_cache
def _small() -> Index:
    return build("small", SMALL)


@lru_cache
def _large() -> tuple[Sequence[Source], Index]:
    made = products(20_000)
    return made, Index.read(build("large", made).written(), "large")


@pytest.mark.parametrize(
    ("text", "first", "how"),
    [
        ("amoxi", "a", "prefix"), ("amoxicillin", "a", "exact"), ("amoxycilin", "a", "similar"), ("Penizillin", "e", "similar"),
        ("penicillin", "e", "infix"), ("coamoxi", "b", "exact"), ("co-amoxi", "b", "exact"), ("profen", "c", "infix"),
        ("oeltr", "f", "prefix"), ("oltröpf", "f", "prefix"), ("ÖLTRÖPFCHEN", "f", "exact"), ("öltr 500", "g", "exact"),
        ("ibuprofne", "c", "similar"), ("b12", "h", "exact"), ("aethanol", "i", "exact"), ("ibuprobe", "d", "exact"),
        ("muster amoxi", "a", "prefix"), ("filmtabl amoxicilin", "a", "similar"), ("megacilin", "e", "similar"),
        ("amaxicilim", "a", "similar"),
    ],
)  # fmt: skip
def test_found_first_and_how(text: str, first: str, how: str) -> None:
    found = _found(text)
    assert found, text
    assert found[0][0] == first
    # „öltr 500" begins two words, of which one is whole
    assert found[0][1] == ("prefix" if text == "öltr 500" else how)


@pytest.mark.parametrize(
    "text", ["", " ", "%", "xylophon", "amoxi xylophon", "ibuprofen 70", "501 öltröpfchen", "-", "\x00"]
)
def test_nothing_is_found_rather_than_anything(text: str) -> None:
    assert _found(text) == []


def test_a_strength_is_never_guessed() -> None:
    assert {id_ for id_, _ in _found("öltropfchen 600")} == set()
    assert {id_ for id_, _ in _found("öltröpfchn 500")} == {"g"}


def test_similar_ones_stand_only_where_nothing_begins_so() -> None:
    assert all(how != "similar" for _, how in _found("ibu"))
    assert [how for _, how in _found("ibuprofen")] == ["exact", "exact"]


def test_order_name_then_use_then_the_dental_list_then_the_alphabet() -> None:
    assert [id_ for id_, _ in _found("ibu")] == ["c", "d"]  # both begin so: c is on the dental list
    assert [id_ for id_, _ in _found("ibu", used={"d": 1})] == ["d", "c"]
    assert [id_ for id_, _ in _found("amoxi", used={"b": 9})] == [
        "a",
        "b",
    ]  # b does not begin so, however often used
    assert [id_ for id_, _ in _found("muster", used={"c": 2, "b": 3})] == ["b", "c", "a"]


def test_atc_by_its_beginning() -> None:
    index = _small()
    assert {index.ids[one.product] for one in find_atc(index, "J01C", 9, {})} == {"a", "b", "e"}
    assert [one.how for one in find_atc(index, "J01CA04", 9, {})] == ["exact"]
    assert find_atc(index, "Z99", 9, {}) == []
    assert _found("@j01ca04") == []  # a code is no word


def test_written_and_read_gives_the_same() -> None:
    index = _small()
    again = Index.read(index.written(), "small")
    for text in ("amoxi", "penizillin", "profen", "öl 50", "m"):
        assert _found(text, index=again) == _found(text)
    assert build("small", reversed(SMALL)).written() == index.written()


@pytest.mark.parametrize("harm", ["edition", "cut", "magic", "longer", "junk", "order"])
def test_a_file_that_is_not_this_index_is_refused(harm: str) -> None:
    data = _small().written()
    harmed = {
        "edition": data, "cut": data[:-1], "magic": b"x" + data, "longer": data + b"x", "junk": b"praxisd finding\n{}\n",
        "order": data.replace(b'"little"', b'"biggle"').replace(b'"big"', b'"gib"'),
    }[harm]  # fmt: skip
    with pytest.raises(Broken):
        Index.read(harmed, "other" if harm == "edition" else "small")


@given(st.text(max_size=40), st.integers(min_value=1, max_value=50))
def test_any_text_gives_at_most_so_many_different_ones(text: str, limit: int) -> None:
    found = [id_ for id_, _ in _found(text, limit)]
    assert len(found) == len(set(found)) <= limit


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_each_hit_says_of_itself_is_true(data: st.DataObject) -> None:
    made, index = _large()
    one = data.draw(st.sampled_from(made))
    word = data.draw(
        st.sampled_from([part for name in one.names for part in rules.words_of(name) if len(part) > 3])
    )
    start = data.draw(st.integers(0, len(word) - 3))
    end = data.draw(st.integers(start + 3, len(word)))
    by_id = {source.id: source for source in made}
    typed = word[start:end]
    for id_, how in _found(typed, 50, index=index):
        source = by_id[id_]
        words = {part for text in (*source.names, *source.others) for part in rules.words_of(text)}
        assert {"exact": typed in words, "prefix": any(part.startswith(typed) for part in words)}.get(
            how, True
        )
        if how == "infix":
            assert any(typed in part for part in words)
        if how in ("infix", "similar"):
            assert not any(part.startswith(typed) for part in words)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_the_whole_name_finds_the_product_among_the_first(data: st.DataObject) -> None:
    made, index = _large()
    one = data.draw(st.sampled_from(made))
    typed = (
        one.names[0]
        if data.draw(st.booleans())
        else rules.fold(one.names[0], umlaut=data.draw(st.booleans()))
    )
    assert one.id in [id_ for id_, _ in _found(typed, 50, index=index)]


@pytest.mark.parametrize("kind", ["prefix", "two words", "umlaut", "typo", "infix"])
def test_hit_rate_on_20000_names(kind: str) -> None:
    made, index = _large()
    names = {one.id: one.names[0] for one in made}
    asked = _asked()[kind]
    hits = sum(met(one, [names[id_] for id_, _ in _found(one.typed, index=index)]) for one in asked)
    assert len(asked) == 400
    assert hits / len(asked) >= 0.98


@lru_cache
def _asked() -> dict[str, list[Asked]]:
    return questions(_large()[0])


def test_each_word_has_its_turn_where_many_begin_so() -> None:
    made, index = _large()
    leads = {one.id: rules.pieces(rules.fold(one.names[0]))[0] for one in made}
    for text in ("met", "pro", "lev", "sal"):
        begun = {lead for lead in leads.values() if lead.startswith(text)}
        shown = [leads[id_] for id_, _ in _found(text, 20, index=index)]
        assert len(shown) == 20 and len({lead for lead in shown if lead in begun}) == min(20, len(begun))
        assert all(lead.startswith(text) for lead in shown)


@pytest.mark.parametrize("text", ["a", "ta", "mg", "tabl", "5", "mg tabl", "mg filmtabl 500"])
def test_what_is_used_comes_before_its_like(text: str) -> None:
    _, index = _large()
    before = [id_ for id_, _ in _found(text, 50, index=index)]
    used = {before[40]: 2, before[30]: 5}
    after = [id_ for id_, _ in _found(text, 50, used, index)]
    assert after.index(before[30]) < after.index(before[40]) <= after.index(before[20])
    assert [
        id_ for id_, _ in _found(text, 50, used, index)
    ] == after  # and again the same, from what is remembered


def test_names_before_substances_and_makers() -> None:
    made = [Source(f"s{no}", [f"Anderes {no}"], ["Doppelstoff"], None, no == 3) for no in range(30)]
    index = build("n", [*made, Source("name", ["Zet Doppelstoff"], ["Anderstoff"])])
    assert [id_ for id_, _ in _found("doppel", 3, index=index)] == ["name", "s3", "s0"]


def test_many_words_that_nothing_has_are_answered_at_once() -> None:
    _, index = _large()
    text = " ".join(f"xenophylaktiko{end}" for end in "abcdefghijkl")
    one = min(_spent(index, "xenophylaktikoa") for _ in range(3))
    assert min(_spent(index, text) for _ in range(3)) < 4 * one + 0.01


def _spent(index: Index, text: str) -> float:
    begun = process_time()
    assert find(index, text, 50, {}) == []
    return process_time() - begun
