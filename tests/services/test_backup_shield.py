"""What „protected“ says of a practice whose media go wrong, whose plan is not kept, or whose clerk clicks at noon."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from tests.services.backups_scene import SYSTEM, Scene

from praxisd.kernel.clock import FrozenClock
from praxisd.model.backup_kept import Drive, RunKept
from praxisd.services.backups import media_rules, store
from praxisd.services.backups.plans import desk, media
from praxisd.services.backups.protocol import log_keeping
from praxisd.services.backups.runs import asking, checks, judging, overview, queueing, starting, view
from praxisd.services.backups.runs.protected_rules import Missed
from praxisd.testing.houses import START, Houses

DAY = 86_400


@pytest.fixture
def scene(sqlite_houses: Houses, tmp_path: Path) -> Scene:
    return Scene(sqlite_houses.open(clock=FrozenClock(START)), tmp_path)


def _work(scene: Scene) -> list[tuple[str, str]]:
    done = queueing.work(scene.house, stop=lambda: False)
    assert done is not None
    return [(str(one.job or one.kind), one.state) for one in done.runs]


def _on(scene: Scene, seconds: int) -> None:
    scene.house.clock.advance(seconds)  # type: ignore[attr-defined]


def _found(scene: Scene) -> tuple[str, str]:
    with scene.house.store.read(SYSTEM) as tx:
        found = judging.judgement(scene.house, tx)
        assert overview.protected(scene.house, tx, "de").why.count("{") == 0
    return found.state, found.why


def _proven(scene: Scene) -> None:
    """A proof starts a praxisd; what it does is not the matter here."""
    with scene.house.store.write(SYSTEM) as tx:
        run = RunKept(id=f"p{tx.now}", kind="prove", day=date(2026, 11, 23), by="plan", asked=tx.now)
        ended = RunKept(
            **{name: getattr(run, name) for name in ("id", "kind", "day", "by", "asked")},
            state="good",
            ended=tx.now,
        )
        store.RUN.put(tx, ended.id, ended, at=tx.now, kind="prove", state="good")


def _flip(drive: Drive) -> None:
    pack = max((Path(drive.path) / "restic" / "data").rglob("*"), key=lambda one: one.stat().st_size)
    pack.chmod(0o600)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)


def test_a_damaged_medium_is_never_green_and_no_luck_makes_it_good(scene: Scene) -> None:
    scene.plan()
    drive, other = scene.drive("nas"), scene.drive("rdx", "removable")
    nas, away = scene.medium(drive, "nas"), scene.medium(other, "mon_away")
    assert scene.run(job="evening", slot="mon_away").state == "good"
    _on(scene, 60)
    assert scene.run(job="night", slot="nas").state == "good"
    _proven(scene)
    assert _found(scene) == ("green", "good")
    _flip(other)
    assert scene.run("verify", medium=away).code == "backups.damaged"
    assert _found(scene) == ("yellow", "damaged")
    _flip(drive)
    assert scene.run("verify", medium=nas).code == "backups.damaged"
    assert _found(scene) == ("red", "nothing_good")
    for _ in range(4):
        _on(scene, 60)
        run = scene.run(job="night", slot="nas")
        assert (run.state, run.code) == ("failed", "backups.damaged")
        assert not any(one.good for one in scene.states(nas)) and _found(scene)[0] == "red"
    said = {(one.code, one.subject) for one in checks.runs(scene.house)}
    assert {("backups.run_medium_damaged", nas), ("backups.run_medium_damaged", away)} <= said
    with scene.house.store.write(SYSTEM) as tx:  # retired, as the text advises; a new one in its place
        media.retire(tx, nas)
        media.retire(tx, away)
    shutil.rmtree(drive.path)
    scene.medium(drive, "nas")
    _on(scene, 60)
    assert scene.run(job="night", slot="nas").state == "good"
    assert not [one for one in checks.runs(scene.house) if "damaged" in one.code]


def test_states_that_are_not_on_the_medium_any_more_are_missed_by_readings_and_backups(scene: Scene) -> None:
    scene.plan()
    drive = scene.drive("nas")
    nas = scene.medium(drive, "nas")
    for act in ("verify", "backup"):
        for _ in range(2):
            _on(scene, 60)
            assert scene.run(job="night", slot="nas").state == "good"
        _proven(scene)
        assert _found(scene) == ("green", "good")
        for one in (Path(drive.path) / "restic" / "snapshots").iterdir():
            one.unlink()
        _on(scene, 60)
        if act == "verify":
            run = scene.run("verify", medium=nas)
            assert (run.state, run.code) == ("failed", "backups.run_states_missing")
            assert scene.states(nas) == [] and _found(scene) == ("red", "nothing_good")
            said = {(one.code, one.params["label"]) for one in checks.runs(scene.house)}
            assert ("backups.run_states_missing", "nas") in said
            _on(scene, 60)
            assert scene.run("verify", medium=nas).state == "good"
        else:
            run = scene.run(job="night", slot="nas")
            assert (run.state, run.code) == ("warning", "backups.run_states_missing")
            assert len(scene.states(nas)) == 1 and _found(scene) == ("red", "last_gone")


def test_a_reading_that_found_no_medium_is_no_backup_that_was_missed(scene: Scene) -> None:
    scene.plan()
    drive = scene.drive("rdx", "removable")
    away = scene.medium(drive, "mon_away")
    shutil.move(drive.path, f"{drive.path}.out")
    Path(drive.path).mkdir()
    assert scene.run("verify", medium=away).state == "failed"
    assert scene.run("prove", medium=away).state == "failed"
    assert list(checks.runs(scene.house)) == []


def test_a_click_in_the_morning_does_not_stand_for_the_night(scene: Scene) -> None:
    scene.plan()
    scene.medium(scene.drive("nas"), "nas")
    _on(scene, DAY)  # Tuesday, 09:00
    assert _work(scene) == [("night", "good")]
    with scene.house.store.write(SYSTEM) as tx:
        starting.now(scene.house, tx, job="night", medium="", by="user:desk")
    assert _work(scene) == [("night", "good")]
    with scene.house.store.read(SYSTEM) as tx:
        lines = log_keeping.page(scene.house, tx, date(2026, 11, 24)).lines[date(2026, 11, 24)]
    assert [(one.job, one.state) for one in lines] == [
        ("night", "good"),
        ("evening", "coming"),
        ("night", "coming"),
    ]
    _on(scene, DAY)
    assert _work(scene) == [("night", "good")]
    assert scene.runs()[-1].id == "2026-11-24-night"


def test_a_click_in_the_morning_does_not_stand_for_the_evening_and_one_at_noon_does(scene: Scene) -> None:
    scene.plan()
    scene.medium(scene.drive("rdx", "removable"), "mon_away")
    with scene.house.store.write(SYSTEM) as tx:
        starting.now(scene.house, tx, job="evening", medium="", by="user:desk")
    assert _work(scene) == [("evening", "good")]

    def wanted() -> tuple[str, date]:
        around = desk.outside(scene.house)
        with scene.house.store.read(SYSTEM) as tx:
            stand = desk.standing(scene.house, tx, tx.now, around)
            assert stand is not None and stand.run is not None
            return stand.run.run.job, stand.run.run.day

    assert wanted() == ("evening", date(2026, 11, 23))
    _on(scene, 4 * 3600)  # 13:00: an afternoon on which nobody is there
    assert scene.run(job="evening", slot="mon_away").state == "good"
    assert wanted() == ("evening", date(2026, 11, 24))


def test_the_copy_that_leaves_the_practice_is_missed_though_each_night_is_good(scene: Scene) -> None:
    scene.plan()
    scene.medium(scene.drive("nas"), "nas")
    scene.medium(scene.drive("rdx", "removable"), "mon_away")
    found = []
    for day in range(4):
        _on(scene, DAY)
        assert _work(scene) == [("night", "good")]
        if not day:
            _proven(scene)
        found.append(_found(scene))
    assert found == [("yellow", "missed_run"), *[("red", "missed_away")] * 3]
    with scene.house.store.read(SYSTEM) as tx:
        assert judging.facts(scene.house, tx).missed == Missed(runs=4, days=0, away=4)


def test_a_failed_evening_is_not_hidden_by_a_good_night(scene: Scene) -> None:
    scene.plan()
    scene.medium(scene.drive("nas"), "nas")
    scene.medium(scene.drive("rdx", "removable"), "tue_away")
    _on(scene, 9 * 3600 + 60)
    assert scene.run(job="evening", slot="mon_away").code == "backups.medium_wrong"
    _on(scene, 8 * 3600)
    assert _work(scene) == [("night", "good")]
    _proven(scene)
    assert _found(scene) == ("yellow", "job_not_good")


def test_a_medium_that_cannot_say_whose_it_is_is_named_so(scene: Scene) -> None:
    scene.plan()
    drive = scene.drive("rdx", "removable")
    away = scene.medium(drive, "mon_away")
    mark = Path(drive.path) / media_rules.FILE
    whole = mark.read_bytes()
    mark.write_bytes(whole[: len(whole) // 2])
    assert scene.run("verify", medium=away).code == "backups.medium_unreadable"
    doc = json.loads(whole)
    mark.write_text(json.dumps({**doc, "practice": "another"}))
    assert scene.run("verify", medium=away).code == "backups.medium_foreign"
    mark.write_bytes(whole)
    assert scene.run("verify", medium=away).state == "good"


@pytest.mark.parametrize("back", [2, 30])
def test_a_clock_that_was_set_back_stops_no_backup_and_hides_nothing(scene: Scene, back: int) -> None:
    scene.plan()
    _on(scene, 20 * DAY)
    if back > 20:  # then the plan itself is of a time to come
        scene.plan()
    nas = scene.medium(scene.drive("nas"), "nas")
    for _ in range(3):
        _on(scene, DAY)
        assert _work(scene)[-1] == ("night", "good")
    _proven(scene)
    clock = scene.house.clock
    assert isinstance(clock, FrozenClock)
    clock.set(clock.now() - back * DAY)
    assert _found(scene)[0] != "green"
    for number in range(4):
        assert ("night", "good") in _work(scene) or not number, number
        assert _work(scene) == []
        _on(scene, DAY)
    assert any(one.behind for one in scene.states(nas))
    assert _found(scene)[1] not in ("clock", "good")


def test_a_full_spare_medium_is_no_fault_of_the_plan(scene: Scene) -> None:
    scene.plan()
    scene.medium(scene.drive("nas"), "nas")
    assert scene.run(job="night", slot="nas").state == "good"
    _proven(scene)
    spare = scene.medium(scene.drive("rdx", "removable"), "", "Klein")
    _on(scene, 60)
    shutil.rmtree(scene.top / "rdx" / "restic")
    assert scene.run(job="evening", medium=spare).state == "failed"
    with scene.house.store.read(SYSTEM) as tx:
        found = overview.protected(scene.house, tx, "de")
    assert found.state == "yellow" and "„Klein“" in found.why


def test_what_was_stopped_is_told_by_its_kind(scene: Scene) -> None:
    scene.plan()
    scene.medium(scene.drive("nas"), "nas")
    for kind, word in (("verify", "Prüfung"), ("restore", "Wiederherstellung"), ("backup", "Sicherung")):
        run = scene.ask(kind, job="night" if kind == "backup" else None, slot="nas")
        with scene.house.store.write(SYSTEM) as tx:
            ended = asking.stop(tx, run.id, "user:x")
            assert view.single(scene.house, tx, ended, "de").title.startswith(f"Die {word} wurde angehalten")
