"""The live stream over real sockets: who hears what, what was missed, limits, sign-out, drain, several nodes."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.job_plan import start_now
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.service import Retention
from praxisd.testing.houses import Houses
from praxisd.testing.trials import job, run_log, with_jobs, worker_of
from praxisd.web import live
from praxisd.web.server import FINISH_S

from . import live_cast
from .live_cast import DOORS, SERVICES, listening, note
from .web_sample.serving import Running, running


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    live_cast.sessions.clear()
    live_cast.touches.clear()
    yield


@pytest.fixture
def one(make_house: Callable[..., House]) -> Iterator[Running]:
    house = make_house(SERVICES)
    house.wake.start()
    with running(house, DOORS) as server:
        yield server


@pytest.fixture
def lite(sqlite_houses: Houses) -> Iterator[Running]:
    with running(sqlite_houses.open(SERVICES), DOORS) as server:
        yield server


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_a_change_is_heard_at_once_by_its_own_practice_only(
    one: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "POLL_S", 30.0)
    before = note(one.house)
    with listening(one.url) as mine, listening(one.url, "b-owner") as theirs:
        assert mine.answer.headers["content-type"] == "text/event-stream"
        assert mine.answer.headers["cache-control"] == "no-store, no-transform"
        assert mine.answer.headers["x-content-type-options"] == "nosniff"
        for stream in (mine, theirs):
            assert stream.next() == ("hello", {"cursor": str(before)}, str(before))
        began = time.monotonic()
        seq = note(one.house)
        assert mine.next() == (
            "change",
            {
                "seq": seq,
                "type": "trial.made",
                "subjectType": "Trial",
                "subjectId": "7",
                "version": 3,
                "actor": "user:anna",
            },
            str(seq),
        )
        assert time.monotonic() - began < 10  # to look for it would take longer
        assert theirs.silent(0.2)
        other = note(one.house, organization="b")
        assert theirs.changes(1)[0]["seq"] == other
        assert mine.silent(0.2)


def test_the_installations_own_events_are_for_all_but_not_those_of_services(one: Running) -> None:
    with listening(one.url) as mine, listening(one.url, "b-desk") as theirs:
        mine.next(), theirs.next()
        note(one.house, "trial.made", INSTALLATION)
        note(one.house, "run.finished", INSTALLATION)
        for stream in (mine, theirs):
            assert [c["type"] for c in stream.changes(1)] == ["run.finished"]


def test_evidence_says_who_only_to_the_owner_and_looking_is_not_told(one: Running) -> None:
    with listening(one.url) as owner, listening(one.url, "a-desk") as desk:
        owner.next(), desk.next()
        note(one.house, "trial.seen")
        note(one.house, "trial.proved")
        note(one.house, "trial.made")
        told = [(c["type"], c["actor"]) for c in owner.changes(2)]
        assert told == [("trial.proved", "user:anna"), ("trial.made", "user:anna")]
        told = [(c["type"], c["actor"]) for c in desk.changes(2)]
        assert told == [("trial.proved", None), ("trial.made", "user:anna")]


def test_what_was_missed_is_caught_up(one: Running) -> None:
    first = note(one.house)
    missed = [note(one.house, organization=o) for o in ("a", "b", "a", "a")]
    with listening(one.url, since=first) as stream:
        # without an id: a connection that breaks before the rest must begin at the same place again
        assert stream.next() == ("hello", {"cursor": str(missed[-1])}, None)
        assert [c["seq"] for c in stream.changes(3)] == [missed[0], missed[2], missed[3]]
        seq = note(one.house)
        assert stream.changes(1)[0]["seq"] == seq
    header = {"Last-Event-ID": str(missed[2])}
    with listening(
        one.url, since=first, **header
    ) as stream:  # what the browser knows is newer than the address
        stream.next()
        assert [c["seq"] for c in stream.changes(2)] == [missed[3], seq]
    with listening(one.url, since=seq, **{"Last-Event-ID": "nonsense"}) as stream:
        assert stream.next() == ("hello", {"cursor": str(seq)}, str(seq))
        assert stream.silent(0.2)


def test_who_missed_too_much_loads_anew(one: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BATCH", 3)
    first = note(one.house)
    for _ in range(4):
        last = note(one.house)
    for since in (first, last + 1000):  # too far behind, and from another life of the database
        with listening(one.url, since=since) as stream:
            assert stream.next() == ("hello", {"cursor": str(last)}, None)
            assert stream.next() == ("reset", {"cursor": str(last)}, str(last))
            last = note(one.house)
            assert stream.changes(1)[0]["seq"] == last
    with listening(one.url, since=last - 3) as stream:
        stream.next()
        assert len(stream.changes(3)) == 3


def test_who_knows_only_what_was_purged_loads_anew(one: Running) -> None:
    first = note(one.house)
    last = note(one.house)
    one.house.store.run(
        system("test"), lambda tx: events.purge(tx, Retention.CHANGE, tx.now + 1, live=(), limit=500)
    )
    with listening(one.url, since=first) as stream:
        stream.next()
        assert stream.next()[0] == "reset"
    with listening(one.url, since=last) as stream:
        stream.next()
        assert stream.silent(0.2)


def test_a_burst_and_a_slow_reader_become_one_reset() -> None:
    async def welcome() -> None:
        return None

    reader = live.Reader("p", "a", True, None, welcome)
    for number in range(live.QUEUE_MOST):
        reader.push([b"%d" % number], number)
    assert len(reader.queue) == live.QUEUE_MOST
    reader.push([b"one too many"], 9999)
    assert list(reader.queue) == [b'event: reset\nid: 9999\ndata: {"cursor":"9999"}\n\n']
    reader.push([b"x"], 10_000)
    assert len(reader.queue) == 2


def test_more_at_once_than_a_queue_holds(lite: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "QUEUE_MOST", 10)
    with listening(lite.url) as stream:
        stream.next()
        actor = system("test", "a")

        def burst(tx: object) -> None:
            for number in range(600):
                events.note(tx, "trial.made", "Trial", str(number))  # type: ignore[arg-type]

        lite.house.store.run(actor, burst)
        kinds = [stream.next()[0]]
        while not stream.silent(0.5):
            kinds.append(stream.next()[0])
        assert set(kinds) == {"reset"} and len(kinds) <= 3
        assert stream.raw.rstrip().endswith('data: {"cursor":"600"}')


def test_streams_per_person_and_per_process_are_limited(
    lite: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PER_PERSON", 2)
    monkeypatch.setattr(live, "PER_PROCESS", 4)
    live_cast.sessions |= {"s1": "owner", "s2": "owner", "s3": "owner"}
    with contextlib.ExitStack() as stack:

        def enter(token: str) -> None:
            stack.enter_context(listening(lite.url, cookie=token)).next()

        enter("s1"), enter("s1"), enter("s2")
        with pytest.raises(AssertionError, match=r"429, 'live.too_many'.*'retry-after': '60'"):
            enter("s1")
        enter("s3")
        with pytest.raises(AssertionError, match=r"503, 'http.busy'"):
            enter("s2")
        hub_size = "praxisd_live_streams 4"
        assert hub_size in httpx.get(f"{lite.url}/metrics").text
    until(lambda: "praxisd_live_streams 0" in httpx.get(f"{lite.url}/metrics").text)
    with listening(lite.url, cookie="s1") as again:
        assert again.next()[0] == "hello"


def test_who_may_not_listen(lite: Running) -> None:
    for key, expected in (
        ("nobody", "401, 'accounts.key_missing'"),
        ("a-pvs", "403, 'access.forbidden'"),
    ):
        with pytest.raises(AssertionError, match=expected), listening(lite.url, key):
            pass
    with (
        pytest.raises(AssertionError, match=r"401, 'accounts.session_ended'"),
        listening(lite.url, cookie="old"),
    ):
        pass
    for query in ("since=x", "since=-1", "colour=red"):
        got = httpx.get(f"{lite.url}/api/v1/live?{query}", headers={"Authorization": "Bearer a-owner"})
        assert got.status_code == 400, query
    head = httpx.head(f"{lite.url}/api/v1/live", headers={"Authorization": "Bearer a-owner"})
    assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream")


def test_a_silent_stream_lives_until_the_person_is_signed_out(
    lite: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.15)
    live_cast.sessions |= {"s1": "owner", "s2": "desk"}
    with listening(lite.url, cookie="s1") as first, listening(lite.url, cookie="s2") as second:
        first.next(), second.next()
        until(lambda: first.pings >= 2 and second.pings >= 2)
        del live_cast.sessions["s1"]
        assert first.next() == ("bye", {"reason": "signed_out"}, None)
        assert first.ended()
        live_cast.sessions["s2"] = "pvs"  # a role that may not listen
        assert second.next() == ("bye", {"reason": "signed_out"}, None)
    assert live_cast.touches and not any(live_cast.touches), "listening is no sign of a person at work"


def test_who_is_signed_out_elsewhere_is_let_go_at_once(lite: Running) -> None:
    live_cast.sessions["s1"] = "owner"
    with listening(lite.url, cookie="s1") as stream, listening(lite.url, "b-desk") as theirs:
        stream.next(), theirs.next()
        del live_cast.sessions["s1"]
        note(lite.house, "trial.made")
        assert stream.changes(1), (
            "nothing that concerns sessions has happened: not asked before the next beat"
        )
        note(lite.house, "trial.proved", kind="Session")
        assert stream.next()[0] == "change"
        assert stream.next() == ("bye", {"reason": "signed_out"}, None)
        assert theirs.silent(0.2)


def test_a_role_that_changes_changes_what_is_told(lite: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.15)
    live_cast.sessions["s1"] = "owner"
    with listening(lite.url, cookie="s1") as stream:
        stream.next()
        live_cast.sessions["s1"] = "desk"
        pings = stream.pings
        until(lambda: stream.pings >= pings + 2)
        note(lite.house, "trial.proved")
        assert stream.changes(1)[0]["actor"] is None


def test_an_open_stream_counts_as_answered_and_holds_no_thread(sqlite_houses: Houses) -> None:
    house = sqlite_houses.open(SERVICES, request_threads=1)
    with running(house, DOORS) as server, contextlib.ExitStack() as stack:
        for number in range(20):
            stack.enter_context(listening(server.url, f"{number}-owner")).next()
        assert server.log().count('"route":"live.follow","status":200') == 20
        for _ in range(5):
            got = httpx.get(f"{server.url}/api/v1/console", headers={"Authorization": "Bearer a-owner"})
            assert got.status_code == 200
        text = httpx.get(f"{server.url}/metrics").text
        assert "praxisd_http_in_flight 1\n" in text and "praxisd_live_streams 20\n" in text
        assert 'praxisd_http_requests_total{route="live.follow",status="2xx"} 20' in text


def test_who_goes_away_is_forgotten(lite: Running) -> None:
    with listening(lite.url) as stream:
        stream.next()
        assert len(lite.house.wake._callbacks) == 1
    until(lambda: lite.house.wake._callbacks == [])
    assert "request_failed" not in lite.log() and "stdlib" not in lite.log()


def test_a_draining_node_takes_leave_at_once(sqlite_houses: Houses) -> None:
    with running(sqlite_houses.open(SERVICES), DOORS) as server, contextlib.ExitStack() as stack:
        streams = [stack.enter_context(listening(server.url, f"{n}-owner")) for n in range(5)]
        for stream in streams:
            stream.next()
        began = time.monotonic()
        server.server.stop()
        for stream in streams:
            assert stream.next() == ("bye", {"reason": "draining"}, None)
            assert stream.ended()
        until(lambda: not server.server.started or server.server.should_exit)
        until(lambda: _refused(server.url), FINISH_S - (time.monotonic() - began))


def _refused(url: str) -> bool:
    try:
        httpx.get(f"{url}/health/live", timeout=1)
    except httpx.HTTPError:
        return True
    return False


@pytest.mark.parametrize("notices", [True, False])
def test_what_another_node_does_is_heard_too(
    postgres_houses: Houses, notices: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "POLL_S", 30.0 if notices else 0.3)
    here = postgres_houses.open(SERVICES)
    there = postgres_houses.twin(here)
    if notices:
        here.wake.start()
        assert here.wake.listening.wait(30)
    with running(here, DOORS) as server, listening(server.url) as stream:
        stream.next()
        began = time.monotonic()
        seqs = [note(there) for _ in range(3)]
        assert [c["seq"] for c in stream.changes(3)] == seqs
        assert time.monotonic() - began < 15  # to look for it would take 30


def test_a_long_run_tells_how_far_it_is(
    make_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "POLL_S", 30.0)
    go, steps = threading.Event(), []

    def work(run: RunContext) -> None:
        for done in range(0, 101, 10):
            run.progress(done, 100)
            run.progress(done, 100)
            steps.append(done)
            if done == 30:
                go.wait(10)
                run.house.clock.advance(1)  # type: ignore[attr-defined]

    house = make_house(with_jobs(job("trial.one", work)))
    house.wake.start()
    run = house.store.run(system("test"), lambda tx: start_now(tx, "trial.one", "cli:cli"))
    with (
        running(house, DOORS) as server,
        listening(server.url) as mine,
        listening(server.url, "b-desk") as theirs,
    ):
        mine.next(), theirs.next()
        worker_of(house).step()
        for stream in (mine, theirs):  # the installation's work is everybody's
            assert stream.next() == (
                "progress",
                {"run": run, "job": "trial.one", "done": 0, "total": 100},
                None,
            )
        until(lambda: 30 in steps)
        assert mine.silent(0.3), "at most once a second"
        go.set()
        seen = []
        while not seen or seen[-1][0] != "change":
            seen.append(mine.next())
        assert {name for name, _, _ in seen[:-1]} <= {"progress"}
        assert seen[-1][1]["type"] == "run.finished"
        (done,) = run_log(house)
        assert (done.state, done.progress) == ("success", (100, 100))


def test_a_store_that_is_away_is_asked_again(lite: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(lite.url) as stream:
        stream.next()
        real, failures = events.after, []

        def broken(*args: object) -> object:
            if len(failures) < 1:
                failures.append(1)
                raise OSError("away")
            return real(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(events, "after", broken)
        seq = note(lite.house)
        assert stream.changes(1)[0]["seq"] == seq
    assert "live_reading_failed" in lite.log()
