"""A large take-over is deleted in pieces: gone at once for whoever asks, resumed after a kill, nothing of it is left."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import mine
from praxisd.services.directory import api as directory
from praxisd.services.exchange import takeover_places, takeover_store, takeover_working, takeovers
from praxisd.services.exchange.takeover_room import Room, room_of
from praxisd.services.exchange.takeover_routes import begin_look
from praxisd.services.exchange.takeover_shapes import LookIn
from praxisd.testing.practice import small_practice
from praxisd.testing.takeover_file import text

ROWS = 60


@pytest.fixture
def actor(house: House) -> Actor:
    return system("owner", small_practice(house).organization)


@pytest.fixture
def done(house: House, actor: Actor, tmp_path: Path) -> str:
    """A take-over that is done."""
    file = tmp_path / "alt.csv"
    file.write_bytes(text(ROWS, 3))
    id_ = takeovers.bring(house, actor, file)
    for state, begin in (
        ("looking", lambda tx: begin_look(house, tx, id_, LookIn())),
        ("running", lambda tx: takeovers.apply(tx, id_)),
    ):
        house.store.run(actor, begin)
        assert room_of(house).work(actor.organization, id_, state)
    return id_


def items(house: House, actor: Actor) -> int:
    with house.store.read(actor) as tx:
        query = sa.select(sa.func.count()).where(mine(takeover_store.ITEM))
        return int(tx.tuples(query)[0][0])


def test_it_goes_in_pieces_and_goes_on_after_a_kill(
    house: House, actor: Actor, done: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover_working, "DROPPED", 7)
    with house.store.read(actor) as tx:
        people = directory.count_patients(tx)
    assert items(house, actor) == ROWS
    house.store.run(actor, lambda tx: takeovers.delete(house, tx, done))
    assert not takeover_places.folder(house, done).exists()
    with house.store.read(actor) as tx:
        with pytest.raises(Problem, match=r"http\.not_found"):
            takeovers.need(tx, done)
        assert takeover_store.page(tx, None, 10) == []
    with pytest.raises(Problem, match=r"http\.not_found"):
        house.store.run(actor, lambda tx: takeovers.delete(house, tx, done))
    steps: list[int] = []

    def killed(*_: Any) -> None:
        steps.append(items(house, actor))
        if len(steps) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(takeover_working.Work, "_breathe", killed)
    with pytest.raises(KeyboardInterrupt):
        Room(house).step()
    assert steps == [ROWS - 7, ROWS - 14, ROWS - 21]
    monkeypatch.undo()
    assert Room(house).step() == 1
    assert items(house, actor) == 0 and Room(house).step() == 0
    with house.store.read(actor) as tx:
        assert directory.count_patients(tx) == people  # what it brought stays
        assert takeover_store.get(tx, done) is None
