"""Rules of seats: names, codes, keys, states, times."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.services.seats import rules


def refused(field: str, call: object, *args: object) -> None:
    with pytest.raises(Problem) as found:
        call(*args)  # type: ignore[operator]
    assert (found.value.code, found.value.status) == ("seats.invalid", 422)
    assert found.value.params["field"] == field


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "x" * 61, "Pl\x00atz", "Pl\u202eatz", "\ud800"])
def test_a_name_that_nobody_could_read_is_refused(text: str) -> None:
    refused("name", rules.plain, text, 60, "name")


def test_a_name_stands_on_one_line() -> None:
    assert rules.plain("  Anmeldung \n 1 ", 60, "name") == "Anmeldung 1"
    assert rules.plain("u\u0308", 60, "name") == "ü"


@given(st.text(max_size=80))
def test_a_name_that_is_taken_is_plain_and_taken_again_the_same(text: str) -> None:
    try:
        found = rules.plain(text, 60, "name")
    except Problem:
        return
    assert 1 <= len(found) <= 60 and found == found.strip() and found.isprintable()
    assert rules.plain(found, 60, "name") == found


@given(st.binary(max_size=80))
def test_only_32_bytes_are_a_key(raw: bytes) -> None:
    text = base64.urlsafe_b64encode(raw).decode()
    if len(raw) == 32:
        assert rules.raw_key(text) == rules.raw_key(text.rstrip("=")) == raw
    else:
        refused("publicKey", rules.raw_key, text)


@pytest.mark.parametrize("text", ["", "ä" * 43, "*" * 43, "A" * 42 + "=A", "+" * 43, "A B" * 15])
def test_what_is_no_base64url_is_no_key(text: str) -> None:
    refused("publicKey", rules.raw_key, text)


@given(st.integers(0, 999_999), st.sampled_from(["{} {}", "{}-{}", " {}{} ", "{}. {}", "{}\u00a0{}"]))
def test_a_code_is_typed_as_it_is_read_out(number: int, shape: str) -> None:
    code = f"{number:06d}"
    assert rules.typed_code(rules.shown_code(code)) == code
    assert rules.typed_code(shape.format(code[:3], code[3:])) == code


def test_a_seat_once_refused_or_revoked_stays_so() -> None:
    states = (rules.WAITING, rules.APPROVED, rules.REFUSED, rules.REVOKED)
    allowed = {(a, b) for a in states for b in states if rules.may_become(a, b)}
    assert allowed == {
        ("waiting", "approved"), ("waiting", "refused"), ("waiting", "revoked"), ("approved", "revoked")
    }  # fmt: skip
    with pytest.raises(Problem) as found:
        rules.need_state("refused", "approved")
    assert (found.value.code, found.value.params["state"]) == ("seats.not_now", "refused")


@pytest.mark.parametrize(
    ("gone", "line", "silent", "state"),
    [
        (False, True, 0, "here"),
        (False, True, 20, "here"),
        (False, True, 21, "quiet"),
        (False, True, 29, "quiet"),
        (False, True, 30, "gone"),
        (False, False, 1, "quiet"),
        (True, True, 0, "gone"),
    ],
)
def test_how_a_session_is(gone: bool, line: bool, silent: int, state: str) -> None:
    assert rules.state_of(gone, line, 1000, 1000 + silent, 30) == state


def test_why_a_lock_is_not_there_any_more() -> None:
    assert rules.why_lost(3, 3, "expired") == "expired"
    assert rules.why_lost(3, 3, "released") == "released"
    assert rules.why_lost(3, 3, "") == "released"
    assert rules.why_lost(3, 4, "taken") == "taken"
    assert rules.why_lost(3, 5, "taken") == "expired"  # taken from somebody else
    assert rules.why_lost(3, 4, "") == "expired"


def test_set_up_ends_by_itself() -> None:
    assert rules.hours_end(1000, 8) == 1000 + 8 * 3600
    for hours in (0, 9, -1):
        refused("hours", rules.hours_end, 1000, hours)
    assert rules.mode_now("setup", 2000, 1999) == "setup"
    assert rules.mode_now("setup", 2000, 2000) == "operation"
    assert rules.mode_now("setup", None, 0) == "operation"
    assert rules.mode_now("operation", 2000, 0) == "operation"


def test_maintenance_is_announced_for_a_time_to_come() -> None:
    now = 1_000_000
    rules.check_announcement(now, 1, now)
    rules.check_announcement(now + 30 * 86_400, 720, now)
    for at in (now - 1, now + 30 * 86_400 + 1):
        refused("at", rules.check_announcement, at, 5, now)
    for minutes in (0, 721, -5):
        refused("minutes", rules.check_announcement, now, minutes, now)


def test_holders_and_keys_are_read_back() -> None:
    assert rules.session_of(rules.holder_of("ab")) == "ab"
    assert rules.session_of("jobs:1") == ""
    assert rules.record_of(rules.key_of("Patient/1")) == "Patient/1"


def test_only_what_a_page_made_is_a_browser() -> None:
    assert rules.is_browser("browser-" + os.urandom(16).hex())
    for text in ("browser-", "browser-" + "g" * 32, "browser-" + "a" * 33, "a" * 32, "Browser-" + "a" * 32):
        assert not rules.is_browser(text)


def test_a_rest_is_longer_than_an_interval() -> None:
    assert not rules.is_rest(100, 130, 30)
    assert rules.is_rest(100, 131, 30)
