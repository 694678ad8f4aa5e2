"""Maintenance closes every door within a second, draining closes none (SPEC 1.11, HOUSE „Down or draining")."""

import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from praxisd.kernel import glance, maintenance
from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.app import House, State
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.testing.houses import Houses

from . import web_sample
from .web_sample.serving import Running, running

SERVICES = (KERNEL, web_sample.SERVICE)


@pytest.fixture
def plain(make_house: Callable[..., House]) -> House:
    return make_house(SERVICES)


@pytest.fixture
def one(plain: House) -> Iterator[Running]:
    with running(plain) as server:
        yield server


def begin(house: House, holder: str = "update", seconds: int = 600) -> maintenance.Maintenance:
    return house.store.run(system("test"), lambda tx: maintenance.begin(tx, holder, seconds, "planned"))


def end(house: House, holder: str = "update") -> bool:
    return house.store.run(system("test"), lambda tx: maintenance.end(tx, holder))


def state(house: House) -> maintenance.Maintenance | None:
    with house.store.read(system("test")) as tx:
        return maintenance.state(tx)


def test_begin_extend_refuse_and_end(plain: House, clock: FrozenClock) -> None:
    assert state(plain) is None
    first = begin(plain)
    assert state(plain) == first
    assert (first.holder, first.reason, first.until - first.since) == ("update", "planned", 600)
    clock.advance(60)
    longer = begin(plain, seconds=900)
    assert (longer.fence, longer.since, longer.until) == (first.fence, first.since, clock.now() + 900)
    with pytest.raises(Problem) as refused:
        begin(plain, "backup")
    assert (refused.value.code, refused.value.status, refused.value.retry) == ("maintenance", 503, True)
    assert not end(plain, "backup")
    assert end(plain)
    assert state(plain) is None and not end(plain)
    assert begin(plain, "backup").fence > first.fence


def test_it_is_the_installations_whoever_begins_it(plain: House) -> None:
    actor = Actor(Kind.USER, "owner", "practice", everything=True)
    plain.store.run(actor, lambda tx: maintenance.begin(tx, "owner", 60))
    with plain.store.read(Actor(Kind.KEY, "k", "another")) as tx:
        found = maintenance.state(tx)
    assert found is not None and found.holder == "owner"


@pytest.mark.parametrize(
    ("seconds", "reason"), [(0, "planned"), (-1, "planned"), (60, "Weil Frau Kanari"), (60, "")]
)
def test_times_and_reasons_that_are_none(plain: House, seconds: int, reason: str) -> None:
    with pytest.raises(ValueError, match="maintenance needs"):
        plain.store.run(system("test"), lambda tx: maintenance.begin(tx, "x", seconds, reason))
    assert state(plain) is None


def test_every_door_answers_503_except_health(one: Running) -> None:
    assert one.http.get("/api/v1/quick").status_code == 200
    begin(one.house, seconds=20)
    for method, path in (
        ("GET", "/api/v1/quick"),
        ("GET", "/api/v1/notes/x"),
        ("POST", "/api/v1/notes"),
        ("GET", "/feeds/x.ics"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/nothing"),
    ):
        answer = one.http.request(method, path, headers={"Authorization": ""})
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["retry"]) == (503, "maintenance", True), path
        assert 1 <= int(answer.headers["retry-after"]) <= 20
    assert one.http.get("/health/live").status_code == 200
    ready = one.http.get("/health/ready")
    assert (ready.status_code, ready.json()) == (503, {"status": "unavailable", "reasons": ["maintenance"]})
    assert "praxisd_maintenance 1" in one.http.get("/metrics", headers={"Authorization": ""}).text
    end(one.house)
    assert one.http.get("/api/v1/quick").status_code == 200
    assert one.http.get("/health/ready").json() == {"status": "ready", "reasons": []}


def test_the_doors_open_by_themselves_when_the_lease_lapses(one: Running, clock: FrozenClock) -> None:
    begin(one.house, seconds=100)
    assert one.http.get("/api/v1/quick").headers["retry-after"] == str(maintenance.LONGEST_RETRY_S)
    clock.advance(101)
    assert one.http.get("/api/v1/quick").status_code == 200


def test_another_node_notices_within_a_second(postgres_houses: Houses) -> None:
    house = postgres_houses.open(SERVICES)
    with running(postgres_houses.twin(house)) as other:
        assert other.http.get("/api/v1/quick").status_code == 200
        begin(house)
        began = time.monotonic()
        while other.http.get("/api/v1/quick").status_code == 200:
            assert time.monotonic() - began < glance.LOOK_S + 0.5
            time.sleep(0.05)
        assert other.http.get("/api/v1/quick").json()["code"] == "maintenance"


def test_a_draining_node_says_so_and_still_answers(one: Running) -> None:
    one.house.state = State.DRAINING
    ready = one.http.get("/health/ready")
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["draining"])
    answer = one.post("a")
    assert answer.status_code == 201
    assert answer.headers["connection"] == "close"
    one.house.state = State.RUNNING


def test_a_node_whose_requests_all_wait_for_one_thing_is_still_ready(sqlite_houses: Houses) -> None:
    """A lock that everybody waits for would else have the load balancer take all nodes away at once."""
    with running(sqlite_houses.open(SERVICES, request_threads=1)) as one:
        web_sample.gate.clear()
        web_sample.entered.clear()
        waiting = threading.Thread(
            target=lambda: httpx.get(f"{one.url}/api/v1/notes/slow", headers=one.key("all"), timeout=60)
        )
        waiting.start()
        try:
            assert web_sample.entered.wait(30)
            assert one.http.get("/health/ready").status_code == 200
            assert waiting.is_alive(), "it did not wait: this proves nothing"
        finally:
            web_sample.gate.set()
            waiting.join(30)


def test_a_store_that_does_not_answer_makes_the_node_unready_but_alive(one: Running) -> None:
    one.house.store.close()
    real = one.house.store.engine.read

    def broken() -> None:
        raise OSError("no store")

    one.house.store.engine.read = broken  # type: ignore[method-assign,assignment]
    try:
        ready = one.http.get("/health/ready")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["store"])
        assert one.http.get("/health/live").status_code == 200
    finally:
        one.house.store.engine.read = real  # type: ignore[method-assign]
