"""Rules of remote support: codes, one line of text, and what the partner may not do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd import main
from praxisd.kernel.errors import Problem
from praxisd.kernel.registry import freeze
from praxisd.services.support import remote_rules as rules


@given(st.text(rules.ALPHABET, min_size=rules.LENGTH, max_size=rules.LENGTH))
def test_a_code_is_read_as_it_is_shown_however_it_is_typed(code: str) -> None:
    shown = rules.shown(code)
    for typed in (shown, shown.lower(), shown.replace("-", " "), f" {code} "):
        assert rules.typed(typed) == code and rules.could_be_code(rules.typed(typed))


@given(st.text(max_size=40))
def test_what_is_no_code_is_worth_no_hash(text: str) -> None:
    good = rules.could_be_code(rules.typed(text))
    assert good == (len(rules.typed(text)) == rules.LENGTH and set(rules.typed(text)) <= set(rules.ALPHABET))


def test_a_hash_is_of_one_code_for_one_grant_and_a_spent_one_matches_nothing() -> None:
    made = rules.digest("K7QM-3XRD", "a")
    assert rules.matches(made, rules.digest("k7qm3xrd", "a"))
    assert not rules.matches(made, rules.digest("K7QM3XRD", "b"))
    assert not rules.matches(made, rules.digest("K7QM3XRE", "a"))
    assert not rules.matches("", "")


@pytest.mark.parametrize("text", ["", " \t", "a" * 81, "a\x00b", "\ud800"])
def test_a_line_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Problem, match=r"support\.remote_invalid"):
        rules.plain(text, 80, "name")
    assert rules.plain("  Frau \n Weber ", 80, "name") == "Frau Weber"


def test_who_was_let_in_changes_no_users_keys_secrets_or_consents_and_lets_nobody_in() -> None:
    registry = freeze(main.services())
    role = registry.role("partner")
    may = rules.permissions(role)
    assert may < role and rules.SELF in may and "directory.patient.read" in may and "updates.install" in may
    delicate = (
        "/users",
        "/keys",
        "/tickets",
        "/webhooks",
        "/messaging/accounts",
        "/relay",
        "/portals",
        "/consents",
    )
    apart = {"portal.sync", "portal.offer", "onlineCalendar.resync", "unknownTime.settle", "portal.test"}
    open_ = [
        one.name
        for one in registry.routes
        if one.write and one.permission in may and one.path.startswith(delicate) and one.name not in apart
    ]
    assert open_ == ["deliveries.search"]
    letting_in = [
        one.name
        for one in registry.routes
        if one.path.startswith("/support/remote") and one.permission in may
    ]
    assert letting_in == ["remote.now"]
    ours = [
        one.name
        for one in registry.routes
        if one.path.startswith("/session") and one.write and one.permission in may
    ]
    assert ours == ["session.close"]
    assert rules.permissions({"plugin.secret.write", "plugin.consent.change", "plugin.key.read"}) == {
        "plugin.key.read"
    }
