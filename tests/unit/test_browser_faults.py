"""A page that asks for the same thing again and again is noticed, whatever test it happens in."""

from praxisd.testing.browser import RUSH, WITHIN_MS, Faults

ASKED = "http://127.0.0.1:1/api/v1/backups/restores/1"


def test_who_asks_with_each_answer_is_noticed_once() -> None:
    faults = Faults()
    for number in range(RUSH + 5):
        faults.asked(ASKED, 1_000.0 + number * 20)
    assert len(faults) == 1 and ASKED in faults[0]


def test_a_look_now_and_then_is_none_and_neither_are_many_things() -> None:
    faults = Faults()
    for number in range(5 * RUSH):
        faults.asked(ASKED, number * (WITHIN_MS / RUSH) * 1.1)
        faults.asked(f"{ASKED}{number}", 0.0)
        faults.asked("http://127.0.0.1:1/console/assets/index.js", 0.0)
    assert faults == []
