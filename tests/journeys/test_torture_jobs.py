"""Servers killed and frozen at work on jobs: each due run exactly once (SPEC 4.6). The full one: `make torture JOBS=1`."""

from collections import Counter
from pathlib import Path

import pytest

from praxisd.kernel import events
from praxisd.testing.torture_jobs import ACTOR, ITEMS, NAMES, Outcome, Torture, torture

pytestmark = pytest.mark.judge


@pytest.mark.slow
def test_two_kills_and_a_freeze(postgres_url: str, tmp_path: Path) -> None:
    found = torture(postgres_url, kills=2, stops=1, seed=4, out=tmp_path)
    assert found.faults == [], found.report()
    assert found.taken_over >= 1 and found.attempts.total() == found.runs >= len(NAMES)
    assert "violations=0" in found.report()


def test_the_judge_sees_what_is_wrong(postgres_url: str, tmp_path: Path) -> None:
    one = Torture(postgres_url, tmp_path, seed=1)
    one.first = 600
    with one.house.store.write(ACTOR) as tx:
        for item in (1, 1, 2):
            events.note(tx, "job.changed", "Item", f"{NAMES[0]}-600-{item}")
        events.note(tx, "job.changed", "Item", "trial.t9-600-1")
        for _ in range(2):
            events.note(tx, "run.finished", "Run", "r1", job=NAMES[0], state="success", code=None)
    found = Outcome()
    one.judge(found, 600)
    one.end()
    said = " ".join(found.faults)
    missing = len(NAMES) * ITEMS - 2
    for part in (
        f"{len(NAMES)} due times without a run",
        f"{missing} items never done",
        "1 items done twice",
        "1 items nobody owed",
        "1 runs that ended twice",
    ):
        assert part in said, found.faults
    assert found.attempts == Counter() and found.report().count("\n") >= 4
