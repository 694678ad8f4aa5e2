"""restic opens its repository while the sources are still brought together, and reads nothing of them before all is there."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from tests.services.backups_scene import SYSTEM, Scene

from praxisd.model.backup_kept import SourceKept
from praxisd.services.backups import engine, source
from praxisd.services.backups.engine import EngineFault, Repo
from praxisd.services.backups.engines import restic_verify, restic_waiting, restic_words
from praxisd.services.backups.engines.restic import Restic
from praxisd.services.backups.keys import keyring
from praxisd.services.backups.plans import sources
from praxisd.services.backups.runs import recovering, staging
from praxisd.services.backups.sources.folders import Folders
from praxisd.testing import debian
from praxisd.testing.engine_suite import AT, Bench, back, fault, never, quiet, take
from praxisd.testing.houses import Houses

WAIT_S = 60.0


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "work").mkdir()
    program = debian.program(["restic"], "restic")
    made = Bench(
        Restic(tmp_path / "engine", program), Repo(str(tmp_path / "restic"), "geheim"), tmp_path / "work"
    )
    made.engine.init(made.repo)
    return made


@pytest.fixture
def scene(sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(recovering, "KEPT_ROOM", 0)  # the disk of a machine that tests may be full
    made = Scene(sqlite_houses.open(), tmp_path)
    made.plan()
    return made


def _locks(repo: Path) -> list[str]:
    return [one.name for one in (repo / "locks").iterdir()]


def _locked(repo: Path) -> bool:
    """It has opened the repository and begun; False if that did not come."""
    ends = time.monotonic() + WAIT_S
    while not _locks(repo) and time.monotonic() < ends:
        time.sleep(0.02)
    return bool(_locks(repo))


def _while_waiting(
    bench: Bench, then: Callable[[Future[Any]], None], stop: Callable[[], bool] = never
) -> Any:
    """Back up the folder; `then` is called once restic is there."""
    ready: Future[Any] = Future()
    threading.Thread(target=lambda: (_locked(Path(bench.repo.place)), then(ready)), daemon=True).start()
    return bench.engine.back_up(
        bench.repo, [bench.folder], tags=(), at=AT, host="praxis", progress=quiet, stop=stop, ready=ready
    )


def _goes_on(bench: Bench) -> None:
    """Nothing was kept, and what it may have left (a lock of just now) is in nobody's way."""
    assert bench.engine.snapshots(bench.repo) == []
    (bench.folder / "next").write_text("x")
    assert take(bench, bench.folder).files == 1 and _locks(Path(bench.repo.place)) == []


def test_what_comes_while_it_waits_is_in_the_state(bench: Bench) -> None:
    assert restic_waiting.possible()
    (bench.folder / "placeholder").touch()

    def then(ready: Future[Any]) -> None:
        (bench.folder / "placeholder").write_text("now it says something")
        (bench.folder / "late").mkdir()
        (bench.folder / "late" / "file").write_text("late")
        ready.set_result(None)

    made = _while_waiting(bench, then)
    assert made.files == 2 and made.named == () and _locks(Path(bench.repo.place)) == []
    into = bench.folder.parent / "back"
    assert back(bench, made.id, into) == ()
    there = into / bench.folder.relative_to("/")
    assert (there / "late" / "file").read_text() == "late"
    assert (there / "placeholder").read_text() == "now it says something"
    assert take(bench, bench.folder).files == 2  # the same paths: nothing was left out by the way


def test_who_could_not_get_ready_ends_it_and_nothing_is_kept(bench: Bench) -> None:
    with pytest.raises(ZeroDivisionError):
        _while_waiting(bench, lambda ready: ready.set_exception(ZeroDivisionError()))
    _goes_on(bench)


def test_a_stop_is_heard_while_it_waits(bench: Bench) -> None:
    stopped = threading.Event()
    fault(lambda: _while_waiting(bench, lambda ready: stopped.set(), stopped.is_set), engine.INTERRUPTED)
    _goes_on(bench)


def test_a_wrong_password_is_told_though_nothing_is_ready(bench: Bench) -> None:
    wrong = Repo(bench.repo.place, "falsch")
    fault(
        lambda: bench.engine.back_up(
            wrong, [bench.folder], tags=(), at=AT, host="p", progress=quiet, stop=never, ready=Future()
        ),
        engine.PASSWORD_WRONG,
    )


def test_a_system_that_cannot_have_it_wait(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restic_waiting, "_INPUT", "/nowhere/stdin")
    ready: Future[Any] = Future()

    def work() -> None:
        time.sleep(1)
        (bench.folder / "late").write_text("late")
        ready.set_result(None)

    threading.Thread(target=work, daemon=True).start()
    made = bench.engine.back_up(
        bench.repo, [bench.folder], tags=(), at=AT, host="p", progress=quiet, stop=never, ready=ready
    )
    assert made.files == 1


def _slow(monkeypatch: pytest.MonkeyPatch, medium: Path, seen: list[bool]) -> None:
    """Sources that are there only once restic waits for them."""
    real = staging.bring

    def bring(*given: Any, **more: Any) -> Any:
        seen.append(_locked(medium))
        return real(*given, **more)

    monkeypatch.setattr(staging, "bring", bring)


def _repository(scene: Scene) -> Path:
    (found,) = {one.parent for one in (scene.top / "nas").rglob("config")}
    return found


def _include(scene: Scene, name: str, kind: Any, spec: dict[str, Any]) -> None:
    house = scene.house
    house.store.run(
        SYSTEM, lambda tx: sources.include(house, tx, SourceKept(name, kind, spec, "", "user:x", tx.now))
    )


def _holds(scene: Scene, medium: str, name: str) -> int:
    """How many files of this name, or below it, are in the newest state."""
    repo = keyring.repo_of(scene.house, str(_repository(scene)), medium)
    found = scene.engine.entries(repo, scene.states(medium)[-1].engine_id)
    return sum(one.kind == "file" and name in Path(one.path).parts for one in found)


def test_a_run_begins_to_open_the_medium_while_it_brings(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    nas = scene.medium(scene.drive("nas"), "nas")
    seen: list[bool] = []
    _slow(monkeypatch, _repository(scene), seen)
    run = scene.run(job="night", slot="nas")
    assert (run.state, run.code, seen) == ("good", "", [True]), run.detail
    assert [one.good for one in scene.states(nas)] == [True]


def test_a_source_that_fails_meanwhile_is_not_in_the_state(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nas = scene.medium(scene.drive("nas"), "nas")
    folder = tmp_path / "alt"
    folder.mkdir()
    (folder / "letter").write_text("x")
    _include(scene, "Alt", "folders", {"path": str(folder)})
    real = staging._staged

    def staged(one: Any, *given: Any) -> Any:
        if one.name == "Alt":
            return source.SourceFault(source.LIVE_FILE, "letter")
        return real(one, *given)

    monkeypatch.setattr(staging, "_staged", staged)
    seen: list[bool] = []
    _slow(monkeypatch, _repository(scene), seen)
    run = scene.run(job="night", slot="nas")
    assert (run.state, run.code, seen) == ("failed", source.LIVE_FILE, [True])
    (state,) = scene.states(nas)
    assert not state.good and _locks(_repository(scene)) == []
    monkeypatch.setattr(staging, "_staged", real)
    assert scene.run(job="night", slot="nas").state == "good"


@pytest.mark.parametrize("whole", [False, True])
def test_should_praxisd_die_meanwhile_nothing_half_is_kept(bench: Bench, whole: bool) -> None:
    """Whoever dies closes what restic reads; only the rest of what was begun lets it go on."""
    (bench.folder / "half").write_text("half")
    environment = os.environ | {"RESTIC_REPOSITORY": bench.repo.place, "RESTIC_PASSWORD": bench.repo.secret}
    given = restic_waiting.BEGIN + restic_waiting.REST if whole else restic_waiting.BEGIN
    with restic_waiting.told(bench.folder.parent / "engine", [bench.folder], early=True) as more:
        line = [debian.program(["restic"], "restic"), "--no-cache", "backup", *more]
        done = subprocess.run(line, input=given, env=environment, capture_output=True, check=False)
    assert (done.returncode == 0) == whole == (len(bench.engine.snapshots(bench.repo)) == 1), done.stderr


def test_what_a_command_puts_elsewhere_is_in_the_state(scene: Scene, tmp_path: Path) -> None:
    nas = scene.medium(scene.drive("nas"), "nas")
    elsewhere = tmp_path / "service" / "other.bak"
    elsewhere.parent.mkdir()
    spec = {
        "args": ["sh", "-c", f"echo x > {elsewhere}; echo y > {{folder}}/run.log"],
        "files": [str(elsewhere)],
    }
    _include(scene, "Anderes", "command", spec)
    run = scene.run(job="night", slot="nas")
    assert run.state == "good", (run.code, run.detail)
    assert _holds(scene, nas, "other.bak") == 1


def test_what_lies_in_the_staging_folder_and_is_of_no_source_is_not_copied(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    nas = scene.medium(scene.drive("nas"), "nas")
    left = recovering.pieces(scene.house) / "of another name.pieces" / "000000"
    left.mkdir(parents=True)
    (left / "000000000").write_text("old")
    run = scene.run(job="night", slot="nas")
    assert run.state == "good", (run.code, run.detail)
    assert _holds(scene, nas, "of another name.pieces") == 0 < _holds(scene, nas, "praxisd.db")


def test_nobody_waits_for_ever_when_what_was_brought_cannot_be_looked_at(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.medium(scene.drive("nas"), "nas")

    def fills(*_given: Any) -> bool:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(staging.Brought, "fills", fills)
        run = scene.run(job="night", slot="nas")
    assert (run.state, run.code, run.detail) == ("failed", "backups.run_crashed", "PermissionError")
    assert scene.run(job="night", slot="nas").state == "good"


def test_an_engine_that_fails_at_once_ends_who_brings(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.medium(scene.drive("nas"), "nas")
    ended: list[bool] = []

    def bring(house: Any, chosen: Any, recorder: Any, stop: Callable[[], bool], **more: Any) -> Any:
        ends = time.monotonic() + WAIT_S
        while not stop() and time.monotonic() < ends:
            time.sleep(0.02)
        ended.append(stop())
        raise source.SourceFault(source.STOPPED, retry=True)

    def fails(*given: Any, **more: Any) -> Any:
        raise EngineFault(engine.DAMAGED, "a test")

    monkeypatch.setattr(staging, "bring", bring)
    monkeypatch.setattr(scene.engine, "back_up", fails)
    run = scene.run(job="night", slot="nas")
    assert (run.state, run.code, ended) == ("failed", engine.DAMAGED, [True])


def test_the_look_after_a_run_needs_no_lock_unless_something_seems_wrong(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.folder / "file").write_text("x")
    take(bench, bench.folder)
    asked: list[list[str]] = []
    wrong: list[EngineFault] = []
    real = restic_verify._checked

    def checked(run: Any, repo: Repo, args: Sequence[str], *more: Any) -> None:
        asked.append(list(args))
        if wrong:
            raise wrong.pop()
        real(run, repo, args, *more)

    monkeypatch.setattr(restic_verify, "_checked", checked)

    def verify() -> None:
        bench.engine.verify(bench.repo, "part", progress=quiet, stop=never)

    verify()
    assert asked == [["check", "--no-lock"]]
    wrong.append(EngineFault(engine.DAMAGED, "another program writes"))
    verify()
    assert asked[1:] == [["check", "--no-lock"], ["check"]]
    wrong.extend([EngineFault(engine.DAMAGED, "twice"), EngineFault(engine.DAMAGED, "once")])
    fault(verify, engine.DAMAGED)
    wrong.append(EngineFault(engine.UNPLUGGED, "gone"))
    fault(verify, engine.UNPLUGGED)
    assert asked[5:] == [["check", "--no-lock"]]


def test_where_all_will_lie_is_known_before_or_not(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = list(sources.sources(scene.house))
    top = tmp_path / "top"
    top.mkdir()
    paths = staging.expected(top, chosen)
    assert paths[-1] == top / staging.MANIFEST and paths[-1].read_bytes() == b""
    assert all(one.is_dir() and one.parent == top for one in paths[:-1]) and len(paths) == len(chosen) + 1
    gone = Folders("Weg", tmp_path / "weg")
    assert staging.expected(top, [*chosen, gone]) == []
    gone.path.mkdir()
    assert staging.expected(top, [*chosen, gone])[-2] == gone.path
    assert staging.expected(top, [*chosen, Folders("Teil", gone.path, without=["*.tmp"])]) == []
    monkeypatch.setattr(recovering, "KEPT_ROOM", 1 << 60)
    assert staging.expected(top, chosen) == []


def test_what_did_not_change_is_known_by_the_newest_good_state_whatever_else_lies_beside(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nas = scene.medium(scene.drive("nas"), "nas")
    for name in ("Briefe", "Bilder"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(os.urandom(3_000_000))
        _include(scene, name, "folders", {"path": str(tmp_path / name)})
    asked: list[str] = []
    read: list[bool] = []
    real, message = scene.engine.back_up, restic_words.message

    def back_up(*given: Any, **more: Any) -> Any:
        asked.append(more["parent"])
        return real(*given, **more)

    def heard(line: Any) -> dict[str, Any]:
        told = message(line)
        if told.get("message_type") == "summary":
            read.append(told["files_unmodified"] >= 2)
        return told

    monkeypatch.setattr(scene.engine, "back_up", back_up)
    monkeypatch.setattr(restic_words, "message", heard)
    assert scene.run(job="night", slot="nas").state == "good"
    first = scene.states(nas)[-1].engine_id
    late = (
        tmp_path / "late"
    )  # a source that is not there, so that nothing begins early and the paths are others
    late.mkdir()
    _include(scene, "Weg", "folders", {"path": str(late)})
    late.rmdir()
    assert scene.run(job="night", slot="nas").state == "failed"
    assert scene.run(job="night", slot="nas").state == "failed"
    assert asked == ["", first, first] and read == [False, True, True]
    (tmp_path / "nas" / "restic" / "snapshots" / first).unlink()
    third = scene.states(nas)[-1].engine_id
    scene.run(job="night", slot="nas")
    assert asked[-1] == third, "what is not on the medium any more is no parent"
