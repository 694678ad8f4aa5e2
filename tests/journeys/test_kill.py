"""kill -9 during bookings: what was answered is there, what was not is there wholly or not at all (issue 2)."""

from pathlib import Path

import pytest

from praxisd.testing.torture_kills import kill_again_and_again
from praxisd.testing.torture_run import Result

pytestmark = [pytest.mark.slow, pytest.mark.judge, pytest.mark.timeout(180)]


def _judged(result: Result) -> None:
    blind = [v for v in result.violations if v.kind == "blind_checker"]
    # A handful of kills may bring too poor a history to plant every fault into; test_torture.py has a rich one.
    assert [f"{v.kind}: {v.text}" for v in result.violations if v not in blind] == []
    assert any(r.outcome == "done" and r.op == "book" for r in result.records)
    assert any(r.outcome == "unanswered" for r in result.records)
    assert result.state.appointments


def test_no_answered_booking_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    _judged(kill_again_and_again("sqlite", 4, 20_261_122, tmp_path))


def test_no_answered_booking_is_lost_when_one_of_two_servers_is_killed(tmp_path: Path) -> None:
    result = kill_again_and_again("postgresql", 3, 20_261_123, tmp_path)
    _judged(result)
    assert {r.node for r in result.records} == {0, 1}
