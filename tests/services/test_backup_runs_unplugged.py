"""A medium that is gone in the midst of a run is named as gone, whichever step meets it; back again, the next run is good."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.services.backups_scene import Scene

from praxisd.kernel.clock import FrozenClock
from praxisd.model.backup import Retention
from praxisd.model.backup_kept import RunKept
from praxisd.services.backups import engine, plan_rules
from praxisd.services.backups.engine import EngineFault
from praxisd.services.backups.engines import restic_running
from praxisd.services.backups.engines.restic_place import Place
from praxisd.services.backups.runs import keeping
from praxisd.testing.houses import START, Houses


class Pulled:
    """A NAS whose folder is there and empty once it is pulled out, as a mount point is."""

    def __init__(self, houses: Houses, top: Path) -> None:
        self.clock = FrozenClock(START)
        self.scene = Scene(houses.open(clock=self.clock), top)
        self.scene.plan()
        self.folder = Path(self.scene.drive("nas").path)
        self.medium = self.scene.medium(self.scene.drive("nas"), "nas", "NAS oben")
        self.behind = top / "behind"

    def pull(self) -> None:
        if not self.behind.exists():
            os.rename(self.folder, self.behind)
            self.folder.mkdir()

    def plug(self) -> None:
        assert not list(self.folder.iterdir()), "nothing was written where the medium was"
        self.folder.rmdir()
        os.rename(self.behind, self.folder)

    def run(self, kind: Any = "backup", **more: Any) -> RunKept:
        """One, an hour later."""
        self.clock.advance(3600)
        return self.scene.run(kind, **(more or {"job": "night", "slot": "nas"}))


@pytest.fixture
def nas(sqlite_houses: Houses, tmp_path: Path) -> Pulled:
    return Pulled(sqlite_houses, tmp_path)


def _before(patch: pytest.MonkeyPatch, nas: Pulled, step: str, blow: Callable[[], None]) -> None:
    """The blow falls when the engine is asked for this step, or its states are compared with ours."""
    whose: Any = keeping if step == "reconcile" else nas.scene.engine
    real = getattr(whose, step)

    def hit(*given: Any, **more: Any) -> Any:
        blow()
        return real(*given, **more)

    patch.setattr(whose, step, hit)


@pytest.mark.parametrize("step", ["key_names", "reconcile", "back_up", "verify", "forget"])
def test_gone_when_a_step_begins(nas: Pulled, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    if step == "forget":
        nas.scene.plan(plan_rules.make("variant2", keep=Retention(newest=1, daily=0, weekly=0, monthly=0)))
    assert nas.run().state == "good"
    with monkeypatch.context() as patch:
        _before(patch, nas, step, nas.pull)
        run = nas.run()
    if step == "forget":  # the copy was made and verified: what is too old goes the next time
        assert (run.state, run.code) == ("warning", "backups.run_not_dropped")
        assert run.detail.startswith(engine.UNPLUGGED)
    else:
        assert (run.state, run.code) == ("failed", engine.UNPLUGGED), run.detail
        again = [one for one in nas.scene.runs() if one.state == "waiting"]
        assert [one.facts["againOf"] for one in again] == [run.id], "it is tried again by itself"
    nas.plug()
    good = nas.run()
    assert (good.state, good.code) == ("good", ""), good.detail
    assert all(not one.doubted for one in nas.scene.states(nas.medium))


def test_gone_when_the_copy_is_just_made(nas: Pulled, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program has ended well, on a medium that nobody sees any more: no state is known of that may not be there."""
    assert nas.run().state == "good"
    real = restic_running.Child.exit_code

    def ended(child: restic_running.Child) -> int:
        code = real(child)
        nas.pull()
        return code

    def copied(*given: Any, **more: Any) -> Any:
        patch.setattr(restic_running.Child, "exit_code", ended)
        return back_up(*given, **more)

    with monkeypatch.context() as patch:
        back_up = nas.scene.engine._backed_up
        patch.setattr(nas.scene.engine, "_backed_up", copied)
        run = nas.run()
    assert (run.state, run.code) == ("failed", engine.UNPLUGGED), run.detail
    assert len(nas.scene.states(nas.medium)) == 1
    nas.plug()
    good = nas.run()
    assert (good.state, good.code, good.facts["missing"]) == ("good", "", 0), good.detail
    assert len(nas.scene.states(nas.medium)) == 3, "the one that was just made is found"


def test_a_state_that_is_not_on_the_medium_is_none(tmp_path: Path) -> None:
    """As an old restic names it, by its first letters."""
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / ("0123abcd" * 8)).touch()
    assert Place(tmp_path).snapshot("0123abcd") == "0123abcd" * 8
    for folder in (tmp_path, tmp_path / "pulled out"):
        with pytest.raises(EngineFault) as caught:
            Place(folder).snapshot("89abcdef")
        assert (caught.value.code, caught.value.retry) == (engine.UNPLUGGED, True)


@pytest.mark.parametrize("kind", ["verify", "prove"])
def test_gone_while_it_is_read(nas: Pulled, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    assert nas.run().state == "good"
    with monkeypatch.context() as patch:
        _before(patch, nas, "verify" if kind == "verify" else "restore", nas.pull)
        run = nas.run(kind, medium=nas.medium)
    assert (run.state, run.code) == ("failed", engine.UNPLUGGED), run.detail
    nas.plug()
    assert nas.run(kind, medium=nas.medium).state == "good"
    assert all(one.good for one in nas.scene.states(nas.medium))


def test_what_looks_like_damage_on_a_medium_that_is_gone_is_none(
    nas: Pulled, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nas.run().state == "good"

    def torn(*_given: Any, **_more: Any) -> None:
        nas.pull()
        raise EngineFault(engine.DAMAGED, "2 files in index")

    with monkeypatch.context() as patch:
        patch.setattr(nas.scene.engine, "verify", torn)
        for asked in ({}, {"kind": "verify", "medium": nas.medium}):
            assert nas.run(**asked).code == engine.UNPLUGGED
            nas.plug()
    assert not any(one.doubted for one in nas.scene.states(nas.medium))


@pytest.mark.parametrize("step", ["reconcile", "verify"])
def test_a_medium_that_is_there_without_its_repository(
    nas: Pulled, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def lose() -> None:
        (nas.folder / "restic" / "config").rename(nas.folder / "restic" / "config.bak")

    assert nas.run().state == "good"
    with monkeypatch.context() as patch:
        _before(patch, nas, step, lose)
        run = nas.run()
    assert (run.state, run.code) == ("failed", engine.NO_REPOSITORY)
