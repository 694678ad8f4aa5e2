"""Who may be written to: examples, and a walk through every history of a few words."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.messaging import consent_rules as rules
from praxisd.services.messaging.consent_rules import NOTHING_SAID, Said, Wishes

NEEDS: Any = {"reminder": False, "recall": True, "greeting": True, "booking": False}
WITHDRAWN, MISSING = "messaging.consent_withdrawn", "messaging.consent_missing"


def wishes(*words: tuple[str, str, str]) -> Wishes:
    """What was said in turn: (purpose, channel, state)."""
    said: dict[tuple[str, str], Said] = {}
    for n, (purpose, channel, state) in enumerate(words):
        said[purpose, channel] = Said(state, f"{n:03}")  # type: ignore[arg-type]
    return Wishes("none", said)


@pytest.mark.parametrize(
    ("words", "purpose", "sms", "email"),
    [
        ((), "reminder", None, None),
        ((), "greeting", MISSING, MISSING),
        ((("greeting", "sms", "given"),), "greeting", None, MISSING),
        ((("reminder", "sms", "given"),), "greeting", MISSING, MISSING),
        # A withdrawal counts on all channels…
        ((("reminder", "sms", "withdrawn"),), "reminder", WITHDRAWN, WITHDRAWN),
        ((("greeting", "email", "given"), ("greeting", "sms", "withdrawn")), "greeting", WITHDRAWN, WITHDRAWN),
        # …but for its own purpose only,
        ((("reminder", "sms", "withdrawn"),), "recall", MISSING, MISSING),
        # and until a later yes that names the channel.
        ((("greeting", "sms", "withdrawn"), ("greeting", "email", "given")), "greeting", WITHDRAWN, None),
        ((("reminder", "sms", "withdrawn"), ("reminder", "sms", "given")), "reminder", None, None),
        # Taken back is as if never said.
        ((("reminder", "sms", "withdrawn"), ("reminder", "sms", "open")), "reminder", None, None),
        ((("greeting", "sms", "given"), ("greeting", "sms", "open")), "greeting", MISSING, MISSING),
        ((("greeting", "email", "given"), ("greeting", "sms", "withdrawn"), ("greeting", "sms", "open")),
         "greeting", MISSING, None),
    ],
)  # fmt: skip
def test_examples(words: Any, purpose: Any, sms: str | None, email: str | None) -> None:
    told = wishes(*words)
    assert rules.allowed(told, purpose, "sms", NEEDS) == sms
    assert rules.allowed(told, purpose, "email", NEEDS) == email


@given(
    st.lists(
        st.tuples(
            st.sampled_from(rules.PURPOSES), st.sampled_from(rules.CHANNELS), st.sampled_from(rules.STATES)
        ),
        max_size=8,
    )
)
def test_the_last_no_wins(words: list[tuple[str, str, str]]) -> None:
    told = wishes(*words)
    for purpose, channel in product(rules.PURPOSES, rules.CHANNELS):
        verdict = rules.allowed(told, purpose, channel, NEEDS)
        said = told.said.get((purpose, channel))
        if verdict is None:
            assert not NEEDS[purpose] or (said is not None and said.state == "given")
            # Nobody who still says no on another channel is written to without a later yes for this one.
            noes = [s.order for (p, _), s in told.said.items() if p == purpose and s.state == "withdrawn"]
            assert not noes or (said is not None and said.state == "given" and said.order > max(noes))
        if said is not None and said.state == "withdrawn":
            assert verdict == WITHDRAWN


def test_nothing_said_depends_on_the_switch() -> None:
    assert rules.allowed(NOTHING_SAID, "reminder", "sms", NEEDS | {"reminder": True}) == MISSING
    assert rules.allowed(NOTHING_SAID, "greeting", "email", NEEDS | {"greeting": False}) is None


@pytest.mark.parametrize(
    ("preferred", "reachable", "order"),
    [
        ("none", ("email", "sms"), ("sms", "email")),
        ("email", ("sms", "email"), ("email", "sms")),
        ("email", ("sms",), ("sms",)),
        ("sms", ("email",), ("email",)),
        ("letter", ("sms", "email"), ()),
        ("none", (), ()),
    ],
)
def test_the_order_of_channels(preferred: Any, reachable: Any, order: tuple[str, ...]) -> None:
    assert rules.channels(Wishes(preferred), reachable) == order


def test_the_cap_of_a_day() -> None:
    assert [rules.below_cap(n, 2) for n in range(4)] == [True, True, False, False]
    assert not rules.below_cap(0, 0)
