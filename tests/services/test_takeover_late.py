"""What may come late or fail in between, and must not be taken for somebody's doing: a commit, a database that is away."""

from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.exchange import takeover_undoing, takeovers
from praxisd.services.exchange.takeover_holding import Left_
from praxisd.services.exchange.takeover_working import Work
from praxisd.testing.takeover_state import state

from .takeover_cast import PATIENTS, Office


@pytest.fixture
def office(house: House, tmp_path: Path) -> Office:
    return Office(house, tmp_path)


def worker(office: Office, id_: str) -> Work:
    made = Work(office.house, office.practice.organization, id_, lambda: False)
    assert made.take()
    return made


def test_who_read_how_far_it_is_before_another_committed_writes_nothing(office: Office) -> None:
    """A worker that was killed while it committed: its successor has read the row of before."""
    id_ = office.bring(PATIENTS)
    office.look(id_)
    office.house.store.run(office.actor, lambda tx: takeovers.apply(tx, id_))
    stale = office.row(id_)
    first = worker(office, id_)
    asked = iter([False, True])
    first._until = lambda: next(asked)  # one piece, and away
    first.run()
    first.release()
    dealt = office.items(id_)
    assert dealt[0].state == "applied"  # how many fit into one transaction is the machine's affair
    second = worker(office, id_)
    with pytest.raises(Left_):
        second._apply(stale)
    assert office.items(id_) == dealt
    assert len(office.patients()) == 3
    second.run()
    second.release()
    row = office.row(id_)
    assert row.state == "done"
    assert [one.action for one in office.items(id_)] == ["new", "new", "new"]
    assert '"new":3' in row.counts


def test_a_database_that_is_away_is_no_change_by_somebody(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(office.house, office.actor)
    id_, _ = office.whole(PATIENTS)
    office.house.store.run(office.actor, lambda tx: takeovers.undo(tx, id_))
    told = takeover_undoing.take_back

    def away(*args: Any, **how: Any) -> Any:
        raise Problem("store.unreachable", 503, retry=True)

    monkeypatch.setattr(takeover_undoing, "take_back", away)
    one = worker(office, id_)
    with pytest.raises(Problem, match=r"store\.unreachable"):
        one.run()
    one.release()
    assert office.row(id_).state == "undoing"
    assert {item.state for item in office.items(id_)} == {"applied"}
    monkeypatch.setattr(takeover_undoing, "take_back", told)
    assert office.work(id_)["state"] == "undone"
    assert state(office.house, office.actor) == before
