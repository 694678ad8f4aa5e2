"""What a crash, or a database that failed, left open between us and the hub is settled while the house runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.services.relay import asking, enrolling, identity, settling, store
from praxisd.services.relay.room import room_of

from .relay_cast import RunningHub, running_hub, scripted, until

WHO = system("test")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with running_hub(tmp_path / "hub", ping_s=1.0, spread_s=0.2) as found:
        yield found


class Full(Exception):
    """The database takes nothing in this moment."""


def lost(house: House, monkeypatch: pytest.MonkeyPatch, call: Any, *args: Any) -> identity.Enrolled:
    """The hub says yes and it is not written down; what is then open."""

    def full(*_args: Any) -> None:
        raise Full

    with monkeypatch.context() as patched:
        patched.setattr(enrolling, "_adopt", full)
        with pytest.raises(Full):
            call(house, WHO, *args)
    with house.store.read(WHO) as tx:
        found = identity.load(house, tx, store.NEXT)
    assert found is not None
    return found


def known(house: House) -> str:
    found = identity.current(house)
    return "" if found is None else found.id


def happened(house: House) -> list[str]:
    with house.store.read(WHO) as tx:
        return [one.type for one in events.after(tx, 0, 200) if one.type.startswith("relay.")]


def test_a_change_of_key_that_was_not_written_down_is_seen_by_the_link(
    house: House, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No crash is needed: the link goes on with the fresh key, and the old one is closed at the hub."""
    enrolling.enrol(house, WHO, hub.invitation())
    before, room = known(house), room_of(house)
    room.step()
    try:
        until(lambda: room.snapshot()[0].connected)
        offered = lost(house, monkeypatch, enrolling.rotate)
        assert known(house) == before
        until(lambda: room.snapshot()[0].connected and room.snapshot()[0].host.startswith(offered.id))
        monkeypatch.setattr(asking, "ask", lambda *_args: pytest.fail("the link is the answer"))
        room.step()
        room._settling.wait(60)
        found = identity.current(house)
        assert found is not None
        assert (found.id, found.state, found.port) == (offered.id, identity.ENROLLED, hub.hub.port)
        assert found.host == f"{offered.id}.relay.localhost" and found.previous[0].id == before
        assert happened(house).count("relay.rotated") == 1
        assert room.snapshot()[0].connected
    finally:
        room.close()


def test_a_refused_key_has_the_open_question_asked_at_once_and_again_until_the_hub_is_there(
    house: House, hub: RunningHub, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolling.enrol(house, WHO, hub.invitation())
    before = known(house)
    offered = lost(house, monkeypatch, enrolling.rotate)
    asking.ask(house, offered, None, 20.0)  # from now on the hub refuses the key that is written down
    room, script = scripted(house)
    script.down("refused", "revoked")
    asked: list[float] = []

    def away(*_args: Any) -> None:
        asked.append(clock.monotonic())
        raise asking.NoYes(Problem("relay.hub_silent", 422), certain=False)

    began = clock.monotonic()
    with monkeypatch.context() as patched:
        patched.setattr(asking, "ask", away)
        for _ in range(200):
            room.step()
            room._settling.wait(60)
            clock.advance(1)
    assert [round(at - began) for at in asked[:4]] == [0, 3, 9, 21]
    assert 5 <= len(asked) <= 8
    assert known(house) == before
    clock.advance(settling.URGENT_MOST_S)
    room.step()
    room._settling.wait(60)
    assert known(house) == offered.id
    assert happened(house).count("relay.rotated") == 1


def test_an_enrolment_that_was_not_written_down_is_found_without_a_start(
    house: House, hub: RunningHub, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = lost(house, monkeypatch, enrolling.enrol, hub.invitation())
    room, _ = scripted(house)
    room.step()
    room._settling.wait(60)
    assert known(house) == ""  # whoever offered it may be at it still
    clock.advance(settling.FIRST_S)
    room.step()
    room._settling.wait(60)
    assert known(house) == offered.id
    room.step()
    assert room.running


def test_who_left_meanwhile_is_not_enrolled_again(
    house: House, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolling.enrol(house, WHO, hub.invitation())
    lost(house, monkeypatch, enrolling.rotate)
    alone = enrolling._alone

    @contextmanager
    def late(house: House, who: Any) -> Iterator[None]:
        house.store.run(WHO, lambda tx: enrolling._leave(house, tx))
        with alone(house, who):
            yield

    monkeypatch.setattr(enrolling, "_alone", late)
    enrolling.resume(house)
    assert known(house) == ""
    assert happened(house)[-1] == "relay.left"
