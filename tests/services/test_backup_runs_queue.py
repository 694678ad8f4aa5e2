"""What the plan wants becomes runs, one after another; a medium that is missing holds up nobody; what is cut off is taken up."""

import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.services.backups_scene import SYSTEM, Scene

from praxisd.kernel import jobs, leases
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.job_worker import Worker
from praxisd.model.backup import Retention
from praxisd.services.backups import plan_rules, store
from praxisd.services.backups.engine import INTERRUPTED, LOCKED, EngineFault, Snapshot, Stop
from praxisd.services.backups.runs import (
    asking,
    backing,
    checks,
    holding,
    queueing,
    recording,
    recovering,
    running,
    watching,
)
from praxisd.testing.houses import START, Houses
from praxisd.testing.trials import run_log, worker_of

DAY = 86_400


@pytest.fixture
def scene(sqlite_houses: Houses, tmp_path: Path) -> Scene:
    return Scene(sqlite_houses.open(clock=FrozenClock(START)), tmp_path)


def _work(scene: Scene) -> list[tuple[str, str, str]]:
    done = queueing.work(scene.house, stop=lambda: False)
    assert done is not None
    return [(one.job or one.kind, one.state, one.code) for one in done.runs]


def _rest(worker: Worker) -> None:
    """Until there is nothing to do: a proof starts a praxisd, which takes its time."""
    for _ in range(50):
        busy = worker.step()
        assert worker.wait_idle(90)
        if not busy:
            return


def _forward(scene: Scene, seconds: int) -> None:
    clock = scene.house.clock
    assert isinstance(clock, FrozenClock)
    clock.advance(seconds)


def test_a_click_does_not_wait_for_the_time_of_the_next_try(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose target was away for a moment is tried again later; whoever asks for it meanwhile need not wait."""
    scene.medium(scene.drive("nas", "nas"), "nas")
    with monkeypatch.context() as away:
        away.setattr(scene.engine, "back_up", _locked)
        failed = scene.ask(job="night", slot="nas")
        assert _work(scene) == [("night", "failed", LOCKED)]
    waits = next(one for one in scene.runs() if one.state == "waiting")
    assert waits.facts["againOf"] == failed.id
    assert _work(scene) == [], "not yet"
    again = scene.ask(job="night", slot="nas")
    assert (again.id, "notBefore" in again.facts) == (waits.id, False)
    assert _work(scene) == [("night", "good", "")]


def _locked(*_given: Any, **_more: Any) -> Snapshot:
    raise EngineFault(LOCKED, "already locked", retry=True)


def test_the_night_is_backed_up_once_and_belongs_to_the_day_before(scene: Scene) -> None:
    scene.plan()
    scene.medium(scene.drive("nas"), "nas")
    assert _work(scene) == []
    _forward(scene, DAY)  # Tuesday, 09:00: the night's run at 01:30 was Monday's
    assert _work(scene) == [("night", "good", "")]
    assert _work(scene) == []
    (run,) = scene.runs(date(2026, 11, 23))
    assert (run.job, run.by, run.slot, run.id) == ("night", "plan", "nas", "2026-11-23-night")


def test_a_run_waits_for_its_target_and_is_overtaken_by_the_next_day(scene: Scene) -> None:
    scene.plan()
    nas = scene.drive("nas")
    scene.medium(nas, "nas")
    Path(nas.path).rename(f"{nas.path}.away")
    _forward(scene, DAY)
    assert _work(scene) == []
    (run,) = scene.runs()
    assert (run.state, run.facts["waits"]) == ("waiting", "backups.target_away")
    Path(f"{nas.path}.away").rename(nas.path)
    assert _work(scene) == [("night", "good", "")]
    Path(nas.path).rename(f"{nas.path}.away")
    _forward(scene, DAY)
    assert _work(scene) == []
    _forward(scene, DAY)
    assert _work(scene) == []
    (lost,) = scene.runs(date(2026, 11, 24))
    assert (lost.state, lost.code) == ("failed", "backups.target_away")
    found = {(one.code, one.subject) for one in checks.runs(scene.house)}
    assert ("backups.run_not_made", "night") in found
    Path(f"{nas.path}.away").rename(nas.path)
    assert _work(scene) == [("night", "good", "")]
    assert list(checks.runs(scene.house)) == []


def test_who_starts_one_by_hand_is_told_at_once_what_is_missing(scene: Scene) -> None:
    scene.plan()
    drive = scene.drive("rdx", "removable")
    scene.ask(job="evening", slot="mon_away")
    assert _work(scene)[0][:2] == ("evening", "failed")
    (run,) = scene.runs()
    assert run.state == "failed" and run.code.startswith("backups.medium_")
    scene.medium(drive, "tue_away")
    assert scene.run(job="evening", slot="mon_away").code == "backups.medium_wrong"
    scene.house.clock.advance(1)  # type: ignore[attr-defined]
    assert scene.run(job="evening", slot="tue_away").state == "good"


def test_what_a_killed_praxisd_left_is_interrupted_and_begun_again(scene: Scene) -> None:
    scene.plan()
    nas = scene.medium(scene.drive("nas"), "nas")
    asked = scene.ask(job="night", slot="nas")
    dead = msgspec.structs.replace(asked, state="running", began=asked.asked, facts={"fence": 7})
    with scene.house.store.write(SYSTEM) as tx:
        recording.put(tx, dead)
        leases.acquire(tx, holding.KEY, "another-process/x", 3600)
    left = recovering.staging(scene.house)
    left.mkdir(parents=True)
    (left / "praxisd.db").write_bytes(b"x")
    watching.start(scene.house)
    assert _work(scene) == [("night", "good", "")]
    first, second = scene.runs()
    assert (first.state, first.code) == ("interrupted", "backups.interrupted")
    assert second.facts["againOf"] == first.id and second.facts["attempt"] == 2
    assert not left.exists() and len(scene.states(nas)) == 1


def test_a_state_that_a_killed_run_had_finished_is_found_and_not_trusted_until_read(scene: Scene) -> None:
    scene.plan()
    nas = scene.medium(scene.drive("nas"), "nas")
    run = scene.run(job="night", slot="nas")
    (kept,) = scene.states(nas)
    with scene.house.store.write(SYSTEM) as tx:  # killed after the copy, before it was written down
        store.SNAPSHOT.remove(tx, kept.id)
        recording.put(tx, msgspec.structs.replace(run, state="interrupted"))
    _forward(scene, 60)
    scene.run(job="night", slot="nas")
    found, new = scene.states(nas)
    assert (found.engine_id, found.good, found.no, found.run) == (kept.engine_id, False, 1, run.id)
    assert (new.good, new.no) == (True, 2)


def test_a_state_of_a_run_that_was_cut_off_is_good_once_all_was_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_args: object, **_more: object) -> None:
        raise OSError

    scene.plan()
    nas = scene.medium(scene.drive("nas"), "nas")
    with monkeypatch.context() as patched:
        patched.setattr(backing, "_record", cut)
        run = scene.run(job="night", slot="nas")
    assert run.state == "failed" and not scene.states(nas)
    assert scene.run("verify", medium=nas).state == "good"
    (found,) = scene.states(nas)
    assert (found.run, found.good, found.verified) == (run.id, True, "all")


def test_the_stop_of_the_server_interrupts_and_a_person_ends(scene: Scene) -> None:
    scene.plan()
    scene.medium(scene.drive("nas"), "nas")
    asked = scene.ask(job="night", slot="nas")
    ended = running.run_now(scene.house, asked.id, stop=lambda: True)
    assert (ended.state, ended.code) == ("interrupted", "backups.interrupted")
    with scene.house.store.read(SYSTEM) as tx:
        (again,) = store.RUN.by(tx, "state", "waiting")
    assert again.facts["againOf"] == asked.id
    with scene.house.store.write(SYSTEM) as tx:
        asking.stop(tx, again.id, "user:x")
    assert _work(scene) == []


def test_one_works_at_a_time(scene: Scene) -> None:
    scene.plan()
    run = scene.ask(job="night", slot="nas")
    with holding.working(scene.house) as held:
        assert held is not None
        assert queueing.work(scene.house, stop=lambda: False) is None
        with pytest.raises(Exception, match="run_busy"):
            running.run_now(scene.house, run.id, stop=lambda: False)


def test_two_workers_never_do_one_run_twice(houses: Houses, tmp_path: Path) -> None:
    scene = Scene(houses.open(), tmp_path)
    scene.plan()
    scene.medium(scene.drive("nas"), "nas")
    for number in range(3):
        scene.ask(job="night", slot="nas", day=date(2026, 11, 2 + number))
        scene.ask("verify")
    done: list[list[str]] = []

    def work() -> None:
        found = queueing.work(scene.house, stop=lambda: False)
        done.append([] if found is None else [one.id for one in found.runs])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    ids = [id for one in done for id in one]
    assert len(ids) == len(set(ids)) and ids
    assert all(one.state == "good" for one in scene.runs())


def test_old_states_are_dropped_and_what_is_held_stays(scene: Scene) -> None:
    scene.plan(plan_rules.make("variant2", keep=Retention(newest=2, daily=0, weekly=0, monthly=0)))
    nas = scene.medium(scene.drive("nas"), "nas")
    for number in range(4):
        _forward(scene, 60)
        assert scene.run(job="night", slot="nas").state == "good"
        if number == 0:
            (kept,) = scene.states(nas)
            with scene.house.store.write(SYSTEM) as tx:
                store.SNAPSHOT.put(
                    tx, kept.id, msgspec.structs.replace(kept, held=True), at=kept.at, medium=kept.medium
                )
    assert [one.no for one in scene.states(nas)] == [1, 3, 4]
    with scene.house.store.read(SYSTEM) as tx:
        assert next(one for one in store.SNAPSHOT.by(tx, "medium", nas) if one.no == 2).gone is not None


def test_damage_is_named_and_nothing_there_counts_as_good(scene: Scene) -> None:
    scene.plan()
    drive = scene.drive("nas")
    nas = scene.medium(drive, "nas")
    assert scene.run(job="night", slot="nas").state == "good"
    pack = max((Path(drive.path) / "restic" / "data").rglob("*"), key=lambda one: one.stat().st_size)
    pack.chmod(0o600)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    run = scene.run("verify", medium=nas)
    assert (run.state, run.code) == ("failed", "backups.damaged")
    assert not scene.states(nas)[0].good
    (said,) = checks.runs(scene.house)
    assert (said.code, said.subject, said.params["label"]) == ("backups.run_medium_damaged", nas, "nas")
    assert scene.run("prove").code == "backups.proof_nothing"
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    scene.house.clock.advance(1)  # type: ignore[attr-defined]
    assert scene.run("verify", medium=nas).state == "good"
    assert scene.states(nas)[0].good and scene.states(nas)[0].verified == "all"
    assert not [
        one for one in checks.runs(scene.house) if one.subject.startswith("verify") or one.subject == nas
    ]


def test_the_jobs_do_it_and_one_that_is_cancelled_is_not_begun_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = scene.house
    scene.plan()
    scene.medium(scene.drive("nas"), "nas")
    run = scene.ask(job="night", slot="nas")
    worker = worker_of(house)
    _rest(worker)
    (ended,) = scene.runs()
    assert (ended.id, ended.state) == (run.id, "good")
    for name in ("backups.verify", "backups.prove"):
        with house.store.write(SYSTEM) as tx:
            jobs.run_now(house, tx, name)
        _rest(worker)
        assert [one.state for one in run_log(house, name)] == ["success"]
    assert sorted(one.kind for one in scene.runs() if one.state == "good") == ["backup", "prove", "verify"]

    def until_stopped(*_args: Any, stop: Stop, **_more: Any) -> Snapshot:
        with house.store.write(SYSTEM) as tx:
            (open_one,) = jobs.runs(house, tx, "backups.run", states=("running",))
            jobs.cancel(house, tx, "backups.run", open_one.id)
        ended = time.monotonic() + 60
        while not stop():
            worker._renew()
            assert time.monotonic() < ended
            time.sleep(0.05)
        raise EngineFault(INTERRUPTED)

    monkeypatch.setattr(scene.engine, "back_up", until_stopped)
    _forward(scene, 5)
    asked = scene.ask(job="night", slot="nas")
    _rest(worker)
    assert {one.state for one in scene.runs() if one.asked >= asked.asked} == {"interrupted"}
    assert "cancelled" in {one.state for one in run_log(house, "backups.run")}


def test_another_node_leaves_a_run_alone_until_its_owner_is_gone(
    postgres_houses: Houses, tmp_path: Path
) -> None:
    scene = Scene(postgres_houses.open(), tmp_path)
    scene.plan()
    scene.medium(scene.drive("nas"), "nas")
    scene.ask(job="night", slot="nas")
    twin = postgres_houses.twin(scene.house)
    twin.shared["backups.engine"] = scene.engine
    with holding.working(scene.house) as held:
        assert held is not None
        assert queueing.work(twin, stop=lambda: False) is None
        dead = msgspec.structs.replace(scene.runs()[0], state="running", facts={"fence": held.fence})
        with scene.house.store.write(SYSTEM) as tx:
            recording.put(tx, dead)
    done = queueing.work(twin, stop=lambda: False)
    assert done is not None and [one.state for one in done.runs] == ["good"]
    assert [one.state for one in scene.runs()] == ["interrupted", "good"]
    recorder = recording.Recorder(scene.house, dead, held.fence)
    with pytest.raises(recording.Lost):
        recorder.step("copy")


def test_what_was_cut_off_and_asked_for_once_more_is_done_once(scene: Scene) -> None:
    scene.plan()
    scene.medium(scene.drive("nas"), "nas")
    cut = running.run_now(scene.house, scene.ask(job="night", slot="nas").id, stop=lambda: True)
    assert cut.state == "interrupted"
    scene.ask(job="night", slot="nas")
    assert _work(scene) == [("night", "good", "")]
