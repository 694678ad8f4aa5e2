"""The recovery key on paper: any one wrong sign and any two neighbours exchanged are told, with the group they are in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.services.backups.keys.alphabet import GROUP, GROUPS, SIGNS, make, shown, typed

keys = st.builds(make)


def group_of(text: str) -> int:
    with pytest.raises(Problem) as wrong:
        typed(text)
    assert wrong.value.code == "backups.recovery_key_mistyped"
    return int(str(wrong.value.params["group"]))


def test_signs_nobody_mixes_up_and_every_keyboard_has_in_the_same_place() -> None:
    assert len(SIGNS) == 29 == len(set(SIGNS)) and not set(SIGNS) & set("ilo01yz")


@given(keys, st.sampled_from([" ", "", "-", "\n", "  "]), st.booleans())
def test_however_it_is_written(key: str, between: str, loud: bool) -> None:
    text = between.join(shown(key).split(" "))
    assert typed(text.upper() if loud else text) == key
    assert len(key) == GROUPS * GROUP and len(shown(key).split(" ")) == GROUPS


@given(keys, st.integers(0, GROUPS * GROUP - 1), st.sampled_from(SIGNS))
def test_a_wrong_sign(key: str, at: int, sign: str) -> None:
    changed = key[:at] + sign + key[at + 1 :]
    if changed == key:
        assert typed(changed) == key
    else:
        assert group_of(changed) == at // GROUP + 1


@given(keys, st.integers(0, GROUPS - 1), st.integers(0, GROUP - 2))
def test_neighbours_exchanged_in_a_group(key: str, group: int, within: int) -> None:
    at = group * GROUP + within
    changed = key[:at] + key[at + 1] + key[at] + key[at + 2 :]
    if changed != key:
        assert group_of(changed) == group + 1


@given(keys, st.integers(0, GROUPS - 2))
def test_groups_in_a_wrong_order(key: str, group: int) -> None:
    parts = shown(key).split(" ")
    parts[group], parts[group + 1] = parts[group + 1], parts[group]
    assert group_of(" ".join(parts)) == group + 1


@given(st.text(max_size=60))
def test_a_password_of_a_person_is_left_as_it_is(text: str) -> None:
    try:
        assert typed(text) in (text, make.__name__) or len(typed(text)) == GROUPS * GROUP
    except Problem:
        assert len("".join(text.split())) >= GROUPS * GROUP


@given(keys, st.integers(0, GROUPS * GROUP - 1), st.sampled_from("ilo01yzö#"))
def test_a_sign_that_is_none_of_ours(key: str, at: int, sign: str) -> None:
    assert group_of(key[:at] + sign + key[at + 1 :]) == at // GROUP + 1


@given(keys, st.integers(0, GROUPS * GROUP - 1), st.sampled_from(["", "77"]))
def test_a_sign_that_is_missing_or_typed_twice(key: str, at: int, sign: str) -> None:
    group = group_of(key[:at] + sign + key[at + 1 :])
    assert at // GROUP + 1 <= group <= GROUPS  # what follows is right by chance once in 29 times


def test_a_password_of_many_groups_is_no_mistyped_key() -> None:
    for text in (
        "anna bert cara dora emil fine gina hans ida",
        "2222 3333 4444 5555 6666 7777 8888 9999 aaaa b",
    ):
        assert typed(text) == text
