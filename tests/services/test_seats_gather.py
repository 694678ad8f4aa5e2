"""The desk, after it has answered several, lets half as many ask again before it judges; who asks alone never waits."""

import threading
import time
from typing import Any

import pytest

from praxisd.kernel.app import House
from praxisd.services.seats import desk as desks
from praxisd.services.seats.desk import Desk


def test_who_asks_alone_never_waits(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "GATHER_S", 30.0)
    began = time.monotonic()
    for answered in (0, 1, 2, 3):
        Desk(house)._gather(answered)
    assert time.monotonic() - began < 10


def test_half_of_those_answered_are_enough(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "GATHER_S", 30.0)
    desk, item = Desk(house), object()
    asked: Any = item

    def ask() -> None:
        for _ in range(4):
            time.sleep(0.02)
            desk._add(asked)

    asking = threading.Thread(target=ask)
    asking.start()
    began = time.monotonic()
    desk._gather(8)
    assert time.monotonic() - began < 10
    asking.join()
    assert len(desk._queue) == 4


def test_nobody_waits_for_long(house: House) -> None:
    began = time.monotonic()
    for _ in range(20):
        Desk(house)._gather(64)
    assert 20 * desks.GATHER_S * 0.5 < time.monotonic() - began < 10


def test_what_is_due_comes_between_two_batches(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, item = Desk(house), object()
    asked: Any = item
    judged: list[int] = []
    monkeypatch.setattr(desk, "_judge", lambda batch: (judged.append(len(batch)), desk._add(asked)))
    for _ in range(desks.BATCH + 5):
        desk._add(asked)
    desk.step(gather=True)
    assert judged == [desks.BATCH] and len(desk._queue) == 6
