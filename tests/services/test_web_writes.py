"""Writes and the Idempotency-Key rule (SPEC 1.4), over real sockets on both engines."""

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from praxisd.kernel import events, idempotency
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.testing.houses import START, Houses

from . import web_sample
from .web_sample.serving import Running, running

SERVICES = (KERNEL, web_sample.SERVICE)
MakeHouse = Callable[..., House]


@pytest.fixture
def one(make_house: MakeHouse) -> Iterator[Running]:
    with running(make_house(SERVICES)) as server:
        yield server


def stored(house: House, title: str) -> int:
    """How often the effect happened, as the database has it."""
    with house.store.read(Actor(Kind.KEY, "test", "practice")) as tx:
        return events.cursor(tx, f"sample:{title}")


def rows(house: House) -> int:
    """How many answers are kept."""
    with house.store.read(Actor(Kind.KEY, "test", "practice")) as tx:
        return int(tx.raw("SELECT count(*) FROM kernel_idempotency").fetchone()[0])


def test_without_a_key_each_request_counts(one: Running) -> None:
    first, second = one.post("a"), one.post("a")
    assert (first.status_code, second.status_code) == (201, 201)
    assert (first.json()["count"], second.json()["count"]) == (1, 2)
    assert second.headers["etag"] == '"2"'
    assert second.headers["location"] == "/api/v1/notes/a"
    assert rows(one.house) == 0


def test_the_same_key_and_body_get_the_first_answer_again(one: Running) -> None:
    first, again = one.post("a", key="k1"), one.post("a", key="k1")
    assert stored(one.house, "a") == 1
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    for name in ("etag", "location", "content-type", "cache-control"):
        assert again.headers[name] == first.headers[name], name
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert one.post("a", key="k2").json()["count"] == 2


def test_the_same_key_with_another_body_is_a_mistake(one: Running) -> None:
    one.post("a", key="k1")
    answer = one.post("b", key="k1")
    assert (answer.status_code, answer.json()["code"]) == (422, "http.idempotency_mismatch")
    assert stored(one.house, "b") == 0
    assert one.post("a", key="k1").status_code == 201


def test_credential_method_and_path_bound_the_scope(one: Running) -> None:
    one.post("a", key="k1")
    headers = {"Idempotency-Key": "k1", **one.key("other")}
    assert one.http.post("/api/v1/notes", json={"title": "a"}, headers=headers).json()["count"] == 2
    patched = one.http.patch("/api/v1/notes/a", json={}, headers={"Idempotency-Key": "k1"})
    assert patched.status_code == 200 and "idempotent-replayed" not in patched.headers
    other_path = one.http.patch("/api/v1/notes/b", json={}, headers={"Idempotency-Key": "k1"})
    assert other_path.json()["id"] == "b"


def test_a_refusal_rolls_back_and_is_kept(one: Running) -> None:
    first = one.post("a", key="k1", mode="refuse")
    assert (first.status_code, first.json()["code"]) == (409, "sample.refused")
    assert stored(one.house, "a") == 0
    again = one.post("a", key="k1", mode="refuse")
    assert (again.status_code, again.content) == (409, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("mode", "status"), [("again", 409), ("limited", 429), ("crash", 500)])
def test_what_asks_to_try_again_is_not_kept(one: Running, mode: str, status: int) -> None:
    for _ in range(2):
        answer = one.post("a", key="k1", mode=mode)
        assert answer.status_code == status
        assert "idempotent-replayed" not in answer.headers
    assert rows(one.house) == 0
    assert stored(one.house, "a") == 0


def test_syntax_errors_use_up_no_key(one: Running) -> None:
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    assert one.http.post("/api/v1/notes", content=b"{", headers=headers).status_code == 400
    assert one.post("a", key="k1").status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "schlüssel".encode("latin-1")])
def test_keys_that_are_none(one: Running, key: str | bytes) -> None:
    headers = {b"Idempotency-Key": key if isinstance(key, bytes) else key.encode()}
    answer = one.http.post("/api/v1/notes", json={"title": "a"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "http.bad_idempotency_key")
    assert stored(one.house, "a") == 0


def test_a_kept_answer_counts_for_24_hours(make_house: MakeHouse) -> None:
    clock = FrozenClock(START)
    with running(make_house(SERVICES, clock)) as one:
        one.post("a", key="k1")
        clock.advance(idempotency.KEEP_S - 1)
        assert one.post("a", key="k1").json()["count"] == 1
        clock.advance(2)
        assert one.post("a", key="k1").json()["count"] == 2
        assert one.post("a", key="k1").json()["count"] == 2


def test_a_secret_is_never_kept_and_its_repetition_says_so(one: Running) -> None:
    first = one.post("a", key="k1", mode="secret")
    assert first.status_code == 201
    again = one.post("a", key="k1", mode="secret")
    assert (again.status_code, again.json()["code"]) == (409, "http.answer_not_kept")
    assert stored(one.house, "a") == 1
    with one.house.store.read(Actor(Kind.KEY, "test", "practice")) as tx:
        bodies = [bytes(r[0]) for r in tx.raw("SELECT body FROM kernel_idempotency").fetchall()]
    assert bodies == [b""]


def test_a_twin_still_running_gets_409_and_later_the_first_answer(one: Running) -> None:
    web_sample.gate.clear()
    web_sample.entered.clear()
    answers: list[httpx.Response] = []
    first = threading.Thread(target=lambda: answers.append(one.post("a", key="k1", mode="slow")))
    first.start()
    assert web_sample.entered.wait(30)
    twin = one.post("a", key="k1", mode="slow")
    web_sample.gate.set()
    first.join(10)
    assert (twin.status_code, twin.json()["code"], twin.json()["retry"]) == (
        409,
        "http.idempotency_running",
        True,
    )
    assert answers[0].status_code == 201
    assert one.post("a", key="k1", mode="slow").headers["idempotent-replayed"] == "true"
    assert stored(one.house, "a") == 1


def test_a_twin_on_another_node_gets_409_too(postgres_houses: Houses) -> None:
    house = postgres_houses.open(SERVICES)
    with running(house) as one, running(postgres_houses.twin(house)) as two:
        web_sample.gate.clear()
        web_sample.entered.clear()
        answers: list[httpx.Response] = []
        first = threading.Thread(target=lambda: answers.append(one.post("a", key="k1", mode="slow")))
        first.start()
        assert web_sample.entered.wait(30)
        twin = two.post("a", key="k1", mode="slow")
        web_sample.gate.set()
        first.join(10)
        assert (twin.status_code, twin.json()["code"]) == (409, "http.idempotency_running")
        assert two.post("a", key="k1", mode="slow").content == answers[0].content
        assert stored(house, "a") == 1


def test_twins_thrown_at_the_server_together_count_once(one: Running) -> None:
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(one.post("a", key="k1"))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {a.status_code for a in answers} <= {201, 409}
    assert {a.content for a in answers if a.status_code == 201} == {one.post("a", key="k1").content}
    assert stored(one.house, "a") == 1


def test_two_transactions_that_met_are_tried_again(one: Running) -> None:
    web_sample.conflicts = 0
    assert one.post("a", mode="conflict_once").status_code == 201
    assert web_sample.conflicts == 2
    assert stored(one.house, "a") == 1


def test_events_are_written_with_the_effect(one: Running) -> None:
    one.post("a", mode="event", key="k1")
    one.post("a", mode="event", key="k1")
    with one.house.store.read(Actor(Kind.KEY, "test", "practice")) as tx:
        found = events.since(tx, 0)
    assert [(e.type, e.actor) for e in found] == [("sample.counted", "key:all")]


def test_slow_work_runs_before_the_transaction_and_its_refusal_is_kept(one: Running) -> None:
    headers = {"Idempotency-Key": "k1"}
    answer = one.http.post("/api/v1/prepared", json={"title": "a"}, headers=headers)
    assert (answer.status_code, answer.json()["id"]) == (201, "prepared")
    for _ in range(2):
        refused = one.http.post(
            "/api/v1/prepared", json={"title": "a", "mode": "refuse"}, headers={"Idempotency-Key": "k2"}
        )
        assert refused.status_code == 409
    assert refused.headers["idempotent-replayed"] == "true"
