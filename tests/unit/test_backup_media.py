"""Which medium is in the drive: its identity file, and what may be written on."""

import json
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.model.backup import Expected, Identity, Judged, Medium, Seen, Word
from praxisd.services.backups import engine, media_rules
from praxisd.services.backups.media_rules import choose, expect, judge, needed, parse, unfilled, written

TODAY = date(2026, 11, 30)
PRACTICE = "d1gest"
GB = 1_000_000_000
MON = Medium("m1", "Mo extern", "mon_away")
TUE = Medium("m2", "Di extern", "tue_away")
IMAGE = Medium("m3", "Image 1", "image_1")
KNOWN = {one.id: one for one in (MON, TUE, IMAGE)}
WANTED = Expected("mon_away", "Mo extern", MON)


def seen(
    medium: Medium, practice: str = PRACTICE, *, writable: bool = True, free: int | None = 1000 * GB
) -> Seen:
    return Seen(
        True, written(Identity(medium.id, practice, medium.label, medium.slot, 7)), False, writable, free
    )


def look(shown: Seen, expected: Expected = WANTED, known: dict[str, Medium] = KNOWN) -> Judged:
    return judge(expected, shown, known, PRACTICE, today=TODAY, locked={"image_1": TODAY})


def code(shown: Seen, expected: Expected = WANTED, known: dict[str, Medium] = KNOWN) -> str | None:
    fault = look(shown, expected, known).fault
    return fault.code if fault else None


clean = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80).filter(
    lambda one: one.isprintable() and one.strip() == one
)


@given(st.builds(Identity, clean, clean, clean | st.just(""), clean | st.just(""), st.integers(0, 2**40 - 1)))
def test_an_identity_comes_back_as_it_was_written(identity: Identity) -> None:
    assert parse(written(identity)) == identity
    assert parse(b"\xef\xbb\xbf" + written(identity)) == identity


@given(st.binary(max_size=200))
def test_no_bytes_are_too_odd(data: bytes) -> None:
    assert parse(data) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("id", "practice", "label", "slot", "created", "x"), json_values)
    )
)
def test_a_tolerant_reader_makes_clean_identities(doc: dict[str, object]) -> None:
    found = parse(json.dumps(doc).encode())
    if found is None:
        return
    assert found.id and found.practice and 0 <= found.created < 2**40
    for text in (found.id, found.practice, found.label, found.slot):
        assert text.isprintable() and len(text) <= 80
    assert parse(written(found)) == found


def test_what_is_no_identity() -> None:
    for data in (
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"id": 1, "practice": "p"}',
        b'{"id": "a"}',
        b"\xff\xfe{}",
    ):
        assert parse(data) is None
    assert parse(b"[" * 60_000) is None
    assert parse(b" " * (media_rules.LARGEST + 1)) is None
    kept = parse(b'{"id": "a", "practice": "p", "created": true, "label": 3, "more": {}}')
    assert kept == Identity("a", "p")


def test_the_right_medium_is_written_on() -> None:
    assert look(seen(MON)) == Judged(None, None, MON)
    assert look(seen(MON, free=None)) == Judged(None, None, MON)


def test_every_other_medium_is_named() -> None:
    wrong = look(seen(TUE))
    assert wrong.fault == Word(media_rules.WRONG, {"expected": "Mo extern", "label": "Di extern"}, "m2")
    assert wrong.medium == TUE
    assert code(Seen(False)) == media_rules.MISSING
    assert code(Seen(True, None, empty=True)) == media_rules.NEW
    assert code(Seen(True, None)) == media_rules.STRANGE
    assert code(Seen(True, b"{")) == media_rules.UNREADABLE
    assert code(seen(MON, "another")) == media_rules.FOREIGN
    assert code(seen(Medium("m9", "Alt", ""))) == media_rules.UNLISTED
    assert code(seen(IMAGE)) == media_rules.LOCKED
    assert code(seen(MON, writable=False)) == media_rules.READ_ONLY == engine.READ_ONLY
    assert code(seen(MON, free=0)) == media_rules.FULL == engine.FULL
    held = Medium("m1", "Mo extern", "mon_away", held=True)
    assert code(seen(MON), known={**KNOWN, "m1": held}) == media_rules.HELD
    retired = Medium("m2", "Di extern", "tue_away", retired=True)
    assert code(seen(TUE), known={**KNOWN, "m2": retired}) == media_rules.RETIRED
    nearly = look(seen(MON, free=3 * media_rules.FIRST_BYTES))
    assert nearly.fault is None
    assert nearly.warning == Word(media_rules.NEARLY_FULL, {"label": "Mo extern", "runs": 3}, "m1")


def test_an_image_medium_is_free_after_its_weeks() -> None:
    wanted = Expected("image_1", "Image 1", IMAGE)
    for last, fault in ((TODAY, media_rules.LOCKED), (date(2026, 11, 29), None)):
        found = judge(wanted, seen(IMAGE), KNOWN, PRACTICE, today=TODAY, locked={"image_1": last}).fault
        assert (found.code if found else None) == fault


media = st.lists(
    st.builds(
        Medium,
        st.sampled_from([f"m{number}" for number in range(8)]),
        st.sampled_from(["Mo extern", "Di extern", ""]),
        st.sampled_from(["mon_away", "tue_away", "image_1", ""]),
        st.sampled_from(["removable", "removable", "nas"]),
        st.none(),
        st.none() | st.integers(0, 10),
        st.booleans(),
        st.booleans(),
    ),
    unique_by=lambda one: one.id,
    max_size=8,
)
drives = st.builds(
    Seen,
    st.booleans(),
    st.none()
    | st.binary(max_size=5)
    | st.builds(
        lambda name, practice: written(Identity(name, practice)),
        st.sampled_from([f"m{number}" for number in range(9)]),
        st.sampled_from([PRACTICE, "another"]),
    ),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(0, 20 * media_rules.FIRST_BYTES),
)


@given(media, drives, st.booleans())
def test_only_the_expected_medium_is_ever_written_on(many: list[Medium], shown: Seen, locked: bool) -> None:
    wanted = expect("mon_away", "Mo extern", many)
    known = {one.id: one for one in many}
    locks = {"mon_away": TODAY} if locked else {}
    found = judge(wanted, shown, known, PRACTICE, today=TODAY, locked=locks)
    assert found == judge(wanted, shown, known, PRACTICE, today=TODAY, locked=locks)
    if found.fault is None:
        assert found.medium is not None and found.medium == wanted.medium
        assert not found.medium.held and not found.medium.retired and shown.writable and shown.present
        assert shown.free is None or shown.free >= media_rules.FIRST_BYTES
        assert not (locked and found.medium.slot == "mon_away")
        identity = parse(shown.identity or b"")
        assert identity is not None and (identity.id, identity.practice) == (found.medium.id, PRACTICE)
    elif found.fault.code != media_rules.NEARLY_FULL:
        assert found.fault.code in (*media_rules.CODES, media_rules.FULL, media_rules.READ_ONLY)
        assert found.fault.params["expected"] == wanted.label and found.warning is None


@given(media)
def test_who_is_held_back_has_a_substitute_or_asks_for_one(many: list[Medium]) -> None:
    found = expect("mon_away", "Mo extern", many)
    mine = [one for one in many if one.slot == "mon_away"]
    able = [one for one in mine if not one.held and not one.retired]
    if able:
        assert found.medium in able and found.instead_of is None
        assert (found.medium.written or 0) == min(one.written or 0 for one in able) if found.medium else False
    elif found.medium is not None:
        assert found.medium.slot == "" and found.medium.kind == "removable" and not found.medium.held
        assert found.instead_of is not None and found.instead_of.held
    absent = judge(found, Seen(False), {}, PRACTICE, today=TODAY, locked={}).fault
    assert absent is not None
    asks = found.medium is None and any(one.held for one in mine)
    assert absent.code == (media_rules.SUBSTITUTE if asks else media_rules.MISSING)
    assert found.label


def test_of_several_drives_the_right_one_is_taken() -> None:
    right, wrong, empty, none = (
        look(seen(MON)),
        look(seen(TUE)),
        look(Seen(True, None, True)),
        look(Seen(False)),
    )
    assert choose([none, wrong, right]) == 2
    assert choose([none, empty, wrong]) == 2
    assert choose([none, empty]) == 1
    assert choose([]) is None


@given(st.lists(drives, min_size=1, max_size=5), st.randoms())
def test_a_right_medium_is_found_among_others(shown: list[Seen], order: Random) -> None:
    many = [*shown, seen(MON)]
    order.shuffle(many)
    place = choose([look(one) for one in many])
    assert place is not None and look(many[place]).medium == MON and code(many[place]) is None


@pytest.mark.parametrize(("added", "free"), [([], 1 << 30), ([0, 5], 64 << 20), ([GB, 2 * GB], 3 * GB)])
def test_room_for_the_largest_of_the_last_runs(added: list[int], free: int) -> None:
    assert needed(added) == free


def test_what_is_left_to_set_up() -> None:
    retired = Medium("m4", "Mi extern", "wed_away", retired=True)
    assert unfilled(("mon_away", "tue_away", "wed_away"), [MON, retired]) == ("tue_away", "wed_away")
