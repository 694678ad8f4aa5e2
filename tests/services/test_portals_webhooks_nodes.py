"""Webhooks with several nodes, with one that dies in the middle, and with the thread that serves them. Both engines."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.services.portals import deliveries, deliveries_loop
from praxisd.services.portals.deliveries_loop import CLAIM_S, Courier
from praxisd.testing.houses import Houses
from praxisd.web.app import build

from .webhooks_cast import Receiver, Scene, receiver, scene

PATIENCE_S = 60.0


@pytest.fixture
def there(house: House) -> Iterator[Scene]:
    with TestClient(build(house, main.doors(house))) as client:
        yield scene(house, client)


@pytest.fixture
def program() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def booked(there: Scene, count: int) -> list[str]:
    return [there.book(7 + number // 2, minute=30 * (number % 2)) for number in range(count)]


def at_once(*work: Any) -> None:
    """Do these in threads of their own; what one raises is raised here."""
    failed: list[BaseException] = []

    def one(call: Any) -> None:
        try:
            call()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(call,)) for call in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not failed, failed


def test_two_nodes_make_each_call_once(there: Scene, program: Receiver, houses: Houses) -> None:
    other = houses.twin(there.house)
    there.hook(program.url, ["appointment.booked"])
    ids = booked(there, 20)
    there.tell()
    couriers = [Courier(one) for one in (there.house, other, there.house, other)]

    def serve(courier: Courier) -> None:
        idle = 0
        while idle < 20:
            idle = 0 if courier.step() else idle + 1
            time.sleep(0.01)

    at_once(*(lambda courier=one: serve(courier) for one in couriers))
    counted = Counter(call.body["subject"]["id"] for call in program.got)
    assert counted == dict.fromkeys(ids, 1)


def test_handlers_of_two_nodes_write_each_down_once(there: Scene, program: Receiver, houses: Houses) -> None:
    other = Scene(houses.twin(there.house), there.client, there.practice, there.keys, there.portals)
    hook = there.hook(program.url, ["appointment.booked"])
    booked(there, 10)
    at_once(there.tell, other.tell)
    there.tell()
    assert len(there.log(hook)) == 10
    event = _newest(there)
    there.do(lambda tx: deliveries.heard(there.house, tx, event))
    assert len(there.log(hook)) == 10, "told twice is written down once"


def _newest(there: Scene) -> Any:
    from praxisd.kernel import events

    with there.house.store.read(there.actor) as tx:
        return events.since(tx, 0, types=("appointment.booked",))[-1]


def test_what_a_dead_node_had_taken_another_one_sends(
    there: Scene, program: Receiver, houses: Houses
) -> None:
    there.hook(program.url, ["appointment.booked"])
    booked(there, 2)
    there.tell()
    assert len(Courier(there.house)._claim()) == 2  # and then the power fails: nothing was sent
    second = Courier(houses.twin(there.house))
    assert second.step() == 0 and program.got == [], "it may still be under way"
    there.wait(CLAIM_S - 1)
    assert second.step() == 0
    there.wait(1)
    assert second.step() == 2 and len(program.got) == 2
    assert second.step() == 0


def test_killed_after_the_call_it_is_made_again_with_the_same_id(
    there: Scene, program: Receiver, monkeypatch: Any
) -> None:
    hook = there.hook(program.url, ["appointment.booked"])
    booked(there, 1)

    def killed(*_args: Any) -> str:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(deliveries, "record", killed)
        assert there.deliver() == 1
    assert len(program.got) == 1 and there.log(hook)[0]["state"] == "open"
    assert there.deliver() == 0
    there.wait(CLAIM_S)
    assert there.deliver() == 1
    first, second = program.got
    assert first.raw == second.raw and first.headers["praxisd-delivery"] == second.headers["praxisd-delivery"]
    assert there.log(hook)[0]["state"] == "delivered"


def test_a_slow_answer_does_not_undo_what_came_after(there: Scene, program: Receiver) -> None:
    """The first node's call fails after its claim is over and another one has delivered."""
    hook = there.hook(program.url, ["appointment.booked"])
    booked(there, 1)
    there.tell()
    (late,) = Courier(there.house)._claim()
    there.wait(CLAIM_S)
    assert there.deliver() == 1
    bad = deliveries.Result(500, "portals.webhook_refused", down=True)
    there.do(lambda tx: deliveries.record(tx, late.row, bad))
    assert there.log(hook)[0]["state"] == "delivered"
    booked_again = there.book(13)
    there.tell()
    (first,) = Courier(there.house)._claim()
    there.wait(CLAIM_S)
    (second,) = Courier(there.house)._claim()
    there.do(lambda tx: deliveries.record(tx, first.row, bad))
    assert there.log(hook)[0]["status"] is None, "an old failure says nothing of the call under way"
    there.do(lambda tx: deliveries.record(tx, first.row, deliveries.Result(200)))
    assert there.log(hook)[0]["state"] == "delivered", "what arrived has arrived"
    there.do(lambda tx: deliveries.record(tx, second.row, bad))
    assert there.log(hook)[0]["state"] == "delivered" and booked_again


def test_the_thread_sends_at_once_and_ends(there: Scene, program: Receiver) -> None:
    there.hook(program.url, ["appointment.booked"])
    arrived = threading.Event()
    program.on_call = lambda _call: arrived.set()
    courier = Courier(there.house)
    courier.start()
    try:
        booked(there, 1)
        there.tell()
        assert arrived.wait(PATIENCE_S), "the commit wakes it"
    finally:
        courier.stop()
    assert courier._thread is not None and not courier._thread.is_alive()


def test_the_house_starts_it(there: Scene, program: Receiver) -> None:
    there.hook(program.url, ["appointment.booked"])
    arrived = threading.Event()
    program.on_call = lambda _call: arrived.set()
    there.house.start_work()
    booked(there, 1)
    assert arrived.wait(PATIENCE_S), "event, handler, courier, receiver"
    assert isinstance(there.house.shared["webhooks"], Courier)


def test_practices_are_kept_apart(there: Scene, program: Receiver) -> None:
    from praxisd.testing.practice import small_practice

    there.hook(program.url)
    other = small_practice(there.house)
    assert other.organization != there.practice.organization
    stranger = Scene(there.house, there.client, other, there.keys, {})
    stranger.book(9)
    there.deliver()
    assert program.got == []
    with there.house.store.read(system("test", other.organization)) as tx:
        from praxisd.services.portals import deliveries_store

        assert deliveries_store.states(tx) == {}


def test_many_waiting_deliveries_are_cheap_to_look_at(there: Scene, program: Receiver) -> None:
    """2,000 waiting ones of a receiver that is gone: another one's call is found among them."""
    from praxisd.services.portals import deliveries_store as rows

    gone = there.hook("http://127.0.0.1:9/", ["appointment.booked"])
    there.hook(program.url, ["appointment.booked"])

    def fill(tx: Any) -> None:
        for number in range(2_000):
            rows.add(
                tx, id=f"d{number}", webhook=gone["id"], seq=10_000_000 + number, replay=0, type="appointment.booked",
                subject=f"Appointment/{number % 50}", payload="{}", next_at=tx.now + 600,
            )  # fmt: skip

    there.do(fill)
    booked(there, 1)
    assert there.deliver() >= 1 and len(program.got) == 1
    assert deliveries_loop.Courier(there.house).pause() <= deliveries_loop.IDLE_S
