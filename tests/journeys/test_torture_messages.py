"""No message twice, none lost: the server is killed while it prepares, sends and asks. Small, with fixed dice.

The same as `python -m praxisd.testing.torture_messages`; the judge is put to the test on faults that are planted.
"""

from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from praxisd.testing.torture_messages import torture
from praxisd.testing.torture_messages_check import Stored, judge
from praxisd.testing.torture_messages_scene import COST, FUNDS

pytestmark = [pytest.mark.slow, pytest.mark.judge, pytest.mark.timeout(240)]
Row = namedtuple("Row", "id state appointment accepted_at charged")
Entry = namedtuple("Entry", "kind amount message")


def test_a_server_that_is_killed_sends_each_message_once(tmp_path: Path) -> None:
    result = torture(6, 0, 20_261_127, tmp_path, postgres=False)
    assert result.faults == []
    assert (result.kills, result.candidates) == (6, 24)
    assert 0 < result.handed_over <= 24 and result.spent > 0
    assert set(result.states) <= {"delivered", "failed", "expired"}, (
        "the gateway can tell: nothing stays unsure"
    )


# --- the judge itself -------------------------------------------------------------------------------------------------


def _stored(**more: Any) -> Stored:
    good: dict[str, Any] = {
        "outbox": [Row("m1", "delivered", "a1", 5, COST), Row("m2", "failed", "a2", None, 0)],
        "ledger": [Entry("booked", FUNDS, None), Entry("charged", -COST, "m1")],
        "balance": FUNDS - COST,
        "appointments": frozenset({"a1", "a2"}),
    }
    return Stored(**(good | more))


ARRIVED = [{"reference": "m1", "state": "delivered"}]


def test_the_judge_finds_nothing_where_all_is_well() -> None:
    assert judge(_stored(), ARRIVED) == []


@pytest.mark.parametrize(
    ("stored", "arrived", "word"),
    [
        (_stored(), ARRIVED * 2, "sent 2 times"),
        (_stored(), [*ARRIVED, {"reference": "m2", "state": "delivered"}], "without acceptance, 1 at the gateway"),
        (_stored(), [*ARRIVED, {"reference": "m9", "state": "delivered"}], "unknown here"),
        (_stored(), [], "with acceptance, 0 at the gateway"),
        (_stored(), [{"reference": "m1", "state": "failed"}], "delivered here, failed at the gateway"),
        (_stored(appointments=frozenset({"a1", "a2", "a3"})), ARRIVED, "0 messages for appointment a3"),
        (
            _stored(outbox=[Row("m1", "delivered", "a1", 5, COST), Row("m2", "prepared", "a2", None, 0)]),
            ARRIVED,
            "still prepared",
        ),
        (_stored(balance=FUNDS), ARRIVED, "the balance"),
        (_stored(ledger=[Entry("booked", FUNDS, None)], balance=FUNDS), ARRIVED, "charged 2: m1"),
        (
            _stored(
                ledger=[Entry("booked", FUNDS, None), *[Entry("charged", -COST, "m1")] * 2],
                balance=FUNDS - 2 * COST,
            ),
            ARRIVED,
            "1 accepted, but 4 credits spent",
        ),
    ],
)  # fmt: skip
def test_the_judge_finds_what_is_planted(stored: Stored, arrived: list[dict[str, Any]], word: str) -> None:
    assert any(word in one for one in judge(stored, arrived)), judge(stored, arrived)
