"""How long sessions last, on both engines: idle and absolute end, restart, several nodes, memory, tidying up."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from praxisd import main
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.sessions import SignedIn, Visit
from praxisd.services.accounts import SERVICE, api, passwords, session_store, sessions
from praxisd.services.accounts.records import Session
from praxisd.services.accounts.session_memory import SEEN_S, memory_of, sweep
from praxisd.testing.houses import Houses

from .accounts_cast import refused
from .session_cast import PASSWORD, QUICK, Browser, Scene, code, hash_quickly

MINUTE, HOUR = 60, 3600


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_quickly(monkeypatch)


@pytest.fixture
def scene(house: House) -> Scene:
    scene = Scene(house)
    scene.add()
    return scene


@pytest.fixture
def anna(scene: Scene) -> Iterator[Browser]:
    with scene.browser() as browser:
        yield browser


def slack(house: House) -> int:
    """What a shared database adds to the idle end."""
    return 0 if house.store.alone else SEEN_S


def open_one(house: House, login: str = "anna") -> SignedIn:
    return api.sign_in(house, Visit("203.0.113.7"), login=login, password=PASSWORD)


def stored(scene: Scene, one: SignedIn) -> Session | None:
    with scene.house.store.read(scene.owner) as tx:
        return session_store.session(tx, one.live.id)


def reads(house: House, call: Callable[[], object]) -> int:
    """How many transactions `call` opens."""
    seen: list[int] = []
    engine = house.store.engine
    plain_read, plain_write = engine.read, engine.write
    engine.read = lambda: seen.append(1) or plain_read()  # type: ignore[method-assign, func-returns-value]
    engine.write = lambda: seen.append(1) or plain_write()  # type: ignore[method-assign, func-returns-value]
    try:
        call()
    finally:
        del engine.read, engine.write
    return len(seen)


def test_idle_sessions_end_and_use_puts_that_off(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    anna.sign_in()
    for _ in range(3):
        clock.advance(59 * MINUTE)
        assert anna.get("/me").status_code == 200
    clock.advance(HOUR + slack(scene.house) - 1)
    assert anna.get("/me").status_code == 200
    clock.advance(HOUR + slack(scene.house))
    assert code(anna.get("/me")) == (401, "accounts.session_ended")
    assert anna.get("/me").status_code == 401, "asking does not wake it again"


def test_what_nobody_clicked_for_does_not_put_off_the_idle_end(
    scene: Scene, anna: Browser, clock: FrozenClock
) -> None:
    anna.sign_in()
    for _ in range(6):
        clock.advance(10 * MINUTE - 1)
        assert anna.get("/me", headers={"X-Praxisd-Background": "1"}).status_code == 200
    clock.advance(6 + slack(scene.house))
    assert anna.get("/me", headers={"X-Praxisd-Background": "1"}).status_code == 401


def test_every_session_ends_once(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    anna.sign_in()
    for _ in range(14 * 2 - 1):
        clock.advance(HOUR // 2)
        assert anna.get("/me").status_code == 200
    assert anna.get("/session").json()["expiresAt"] == "2026-11-23T22:00:00+00:00"
    clock.advance(HOUR // 2 - 1)
    assert anna.get("/me").status_code == 200
    clock.advance(1)
    assert code(anna.get("/me")) == (401, "accounts.session_ended")


def test_shorter_times_count_for_open_sessions_too(scene: Scene, anna: Browser, clock: FrozenClock) -> None:
    anna.sign_in()
    clock.advance(20 * MINUTE)
    assert anna.get("/me").status_code == 200
    scene.set("accounts.session_idle_minutes", 10)
    clock.advance(9 * MINUTE)
    assert anna.get("/me").status_code == 200
    clock.advance(10 * MINUTE + slack(scene.house))
    assert anna.get("/me").status_code == 401
    scene.set("accounts.session_hours", 1)
    assert "Max-Age=3600" in anna.sign_in().headers["set-cookie"]
    scene.set("accounts.session_hours", 14)
    one = open_one(scene.house)
    scene.set("accounts.session_hours", 1)
    scene.set("accounts.session_idle_minutes", 1440)
    clock.advance(HOUR)
    refused("accounts.session_ended", lambda: api.session(scene.house, one.token, None))


def test_a_restart_keeps_sessions(houses: Houses, clock: FrozenClock) -> None:
    first = houses.open(clock=clock)
    scene = Scene(first)
    scene.add()
    with scene.browser() as browser:
        browser.sign_in()
        token, csrf = browser.token, browser.csrf
        clock.advance(30 * MINUTE)
        browser.get("/me")
    memory_of(first.store).flush(first, everything=True)
    again = houses.twin(first)
    with scene.browser(again) as browser:
        browser.http.cookies.set("praxisd", token, domain="testserver.local")
        browser.csrf = csrf
        clock.advance(59 * MINUTE)
        assert browser.get("/session").json()["csrf"] == csrf
        assert browser.post("/sessions/end", {}).status_code == 200
        again.stop()


def test_a_known_session_costs_no_transaction(scene: Scene) -> None:
    house, one = scene.house, open_one(scene.house)

    def ask() -> None:
        api.take(house, api.session(house, one.token, "203.0.113.7").actor)

    ask()
    assert reads(house, lambda: [ask() for _ in range(50)]) == 0
    assert reads(house, lambda: refused("accounts.session_ended", lambda: api.session(house, "x", None))) == 0
    scene.add("berta")
    assert reads(house, ask) <= 1, "something changed: read again, at most once"
    assert reads(house, ask) == 0


def test_after_a_second_others_are_believed(postgres_houses: Houses, clock: FrozenClock) -> None:
    """Two nodes: signed in on one, known on the other; ended there, ended here within a second."""
    here = postgres_houses.open(clock=clock)
    there = postgres_houses.twin(here)
    scene = Scene(here)
    user = scene.add()
    one = open_one(here)
    assert api.session(there, one.token, None).actor.id == user.id
    assert reads(there, lambda: api.session(there, one.token, None)) == 0
    scene.change(user, role="owner", name="Anna B.")
    api.sign_out(here, one.token)
    refused("accounts.session_ended", lambda: api.session(here, one.token, None))
    assert api.session(there, one.token, None), "not asked again yet"
    clock.advance(1)
    refused("accounts.session_ended", lambda: api.session(there, one.token, None))


def test_use_on_one_node_counts_on_the_other(postgres_houses: Houses, clock: FrozenClock) -> None:
    here = postgres_houses.open(clock=clock)
    there = postgres_houses.twin(here)
    scene = Scene(here)
    scene.add()
    one = open_one(here)
    for _ in range(90):
        clock.advance(MINUTE)
        api.session(here, one.token, None)
        memory_of(here.store).flush(here)
    assert api.session(there, one.token, None)
    sweep(there)
    assert stored(scene, one) is not None


def test_a_session_read_while_it_is_ended_is_not_remembered(scene: Scene) -> None:
    """The reader has the old row in hand when the end commits: it must not become the memory."""
    house, one = scene.house, open_one(scene.house)
    memory_of(house.store).forget()
    once = threading.Event()
    plain = house.registry.role

    def slow_role(name: str) -> frozenset[str]:
        if not once.is_set():
            once.set()
            api.sign_out(house, one.token)
        return plain(name)

    object.__setattr__(house.registry, "role", slow_role)
    try:
        api.session(house, one.token, None)  # began before the end: this one may still pass
    finally:
        object.__delattr__(house.registry, "role")
    assert once.is_set()
    refused("accounts.session_ended", lambda: api.session(house, one.token, None))


def test_the_last_use_is_written_once_a_minute(scene: Scene, clock: FrozenClock) -> None:
    house, memory = scene.house, memory_of(scene.house.store)
    one, start = open_one(house), clock.now()
    clock.advance(30)
    api.session(house, one.token, "203.0.113.9")
    assert memory.flush(house) == 0, "written when it was opened"
    clock.advance(30)
    assert memory.flush(house) == 1
    found = stored(scene, one)
    assert found is not None and (found.last_seen_at, found.address) == (start + 30, "203.0.113.9")
    clock.advance(59)
    api.session(house, one.token, "203.0.113.9")
    assert memory.flush(house) == 0
    with house.store.read(scene.owner) as tx:
        ((shown, _),) = sessions.sessions_of(house, tx, one.actor.id)
    assert shown.last_seen_at == clock.now(), "the list knows it already"
    assert memory.flush(house, everything=True) == 1
    assert memory.flush(house, everything=True) == 0
    clock.advance(3 * 24 * HOUR)
    memory.flush(house)
    assert memory._seen == {} and memory._flushed == {}, "the memory does not grow"


def test_a_session_that_is_never_used_is_forgotten_too(scene: Scene, clock: FrozenClock) -> None:
    house, memory = scene.house, memory_of(scene.house.store)
    for _ in range(3):
        open_one(house)
    assert len(memory._flushed) == 3
    assert memory.flush(house, everything=True) == 0, "there is nothing to write"
    clock.advance(3 * 24 * HOUR)
    assert memory.flush(house) == 0
    assert memory._seen == {} and memory._flushed == {}, "the memory does not grow"


def test_the_background_thread_writes_and_tidies(sqlite_houses: Houses, clock: FrozenClock) -> None:
    house = sqlite_houses.open(clock=clock)
    scene = Scene(house)
    scene.add()
    old = open_one(house)
    clock.advance(14 * HOUR)
    one = open_one(house)
    clock.advance(5)
    api.session(house, one.token, None)
    start_work = SERVICE.start
    assert start_work is not None
    done = threading.Event()
    house.store.on_commit.append(done.set)
    start_work(house)
    assert done.wait(30)
    assert stored(scene, old) is None
    house.stop()
    again = main.wire(sqlite_houses.twin(house))
    scene.house = again
    found = stored(scene, one)
    assert found is not None and found.last_seen_at == clock.now()


def test_tidying_up_notes_why(scene: Scene, clock: FrozenClock) -> None:
    house = scene.house
    other = Scene(house)
    other.add("fremd")
    scene.set("accounts.session_idle_minutes", 1440)
    by_time, idle = open_one(house), open_one(house, "fremd")
    assert sweep(house) == 0
    clock.advance(HOUR + slack(house))
    fresh = open_one(house, "fremd")
    clock.advance(HOUR + slack(house) - 1)
    api.session(house, fresh.token, None)
    clock.advance(2)  # what is written of its last use is too old by now, what is remembered is not
    assert sweep(house) == 1, "only the one nobody used"
    assert [e.codes["reason"] for e in other.notes("session.ended")] == ["idle"]
    assert [e.subject_id for e in other.notes("session.ended")] == [idle.live.id]
    clock.advance(13 * HOUR)
    assert sweep(house) == 2
    assert [e.codes["reason"] for e in scene.notes("session.ended")] == ["time"]
    assert stored(scene, by_time) is None


def test_a_person_has_at_most_twenty_sessions(scene: Scene, clock: FrozenClock) -> None:
    house = scene.house
    first = open_one(house)
    others = []
    for _ in range(sessions.MOST - 1):
        clock.advance(1)
        others.append(open_one(house))
    clock.advance(60)
    api.session(house, first.token, None)
    memory_of(house.store).flush(house, everything=True)
    open_one(house)
    assert api.session(house, first.token, None), "used just now"
    refused("accounts.session_ended", lambda: api.session(house, others[0].token, None))
    assert api.session(house, others[1].token, None)
    assert [e.codes["reason"] for e in scene.notes("session.ended")] == ["too_many"]


def test_signing_in_while_the_password_changes_leaves_no_session(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old password was right when it was tried; before the session is there it is changed."""
    with scene.house.store.read(scene.owner) as tx:
        user = api.find_user(tx, "anna")
    assert user is not None
    plain, fresh = passwords.matches, QUICK.hash("ganz anders als vorher")

    def slow(stored: str | None, password: str) -> bool:
        right = plain(stored, password)
        scene.change(user, password_hash=fresh)
        return right

    monkeypatch.setattr(passwords, "matches", slow)
    refused("accounts.sign_in_refused", lambda: open_one(scene.house))
    assert scene.notes("session.opened") == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/session/password", {"old": PASSWORD, "new": "was nur der Dieb kennt"}),
        ("/session/second-factor", {"password": PASSWORD}),
    ],
)
@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({"password_hash": QUICK.hash("ganz anders als vorher")}, (403, "accounts.password_wrong")),
        ({"active": False}, (401, "accounts.session_ended")),
    ],
    ids=["new-password", "switched-off"],
)
def test_who_is_shut_out_while_the_password_is_tried_changes_nothing_any_more(
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    body: dict[str, str],
    given: dict[str, Any],
    answer: tuple[int, str],
) -> None:
    """Somebody with a stolen password keeps asking; the owner's word in between is the last one."""
    user = scene.add("berta", "desk")
    with scene.browser() as thief:
        thief.sign_in("berta")
        plain = passwords.matches

        def slow(stored_: str | None, password: str) -> bool:
            right = plain(stored_, password)
            scene.change(user, **given)
            return right

        monkeypatch.setattr(passwords, "matches", slow)
        assert code(thief.post(path, body)) == answer
    with scene.house.store.write(scene.owner) as tx:
        assert session_store.factor(tx, user.id) is None
        held = session_store.hold_user(tx, user.id)
    assert held is not None and not plain(held[1], "was nur der Dieb kennt")
    assert [e.codes["reason"] for e in scene.notes("session.ended")] in (["password"], ["switched_off"])


def test_many_sign_ins_at_once(scene: Scene) -> None:
    def attempt(_n: int) -> str:
        try:
            return open_one(scene.house).token
        except Problem as problem:
            return problem.code

    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(attempt, range(16)))
    assert "accounts.rate_limited" in tokens or len(tokens) == 16, "counted before, given back after"
    for token in tokens - {"accounts.rate_limited"}:
        assert api.session(scene.house, token, None).actor.may("accounts.user.write")


def test_signing_out_twice_is_no_fault(scene: Scene) -> None:
    one = open_one(scene.house)
    for token in (one.token, one.token, "", "x", "A" * 43):
        api.sign_out(scene.house, token)
    assert len(scene.notes("session.ended")) == 1


def test_nothing_secret_is_shown_by_accident(scene: Scene) -> None:
    one = open_one(scene.house)
    shown = repr(one) + repr(Visit(token=one.token, live=one.live))
    assert one.token not in shown and one.csrf not in shown
