"""Back from a restore in place: once, after any end of it, and never at the cost of what lies there now."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.services.backups_scene import SYSTEM, Scene

from praxisd.kernel.errors import Problem
from praxisd.model.backup_kept import RunKept, SourceKept
from praxisd.services.backups import store
from praxisd.services.backups.plans import sources
from praxisd.services.backups.restoring import placing, restoring, working
from praxisd.services.backups.restoring.shapes import RestoreIn, TargetIn
from praxisd.services.backups.runs import running
from praxisd.testing.engine_suite import picture
from praxisd.testing.houses import Houses

FILES = 40


class Cut(BaseException):
    """The end of the program in the middle."""


class Given:
    """A folder that was backed up and has changed since: all files but the last, and one that is gone."""

    def __init__(self, houses: Houses, folder: Path) -> None:
        self.scene = Scene(houses.open(), folder)
        self.house = self.scene.house
        self.top = folder / "pvs"
        (self.top / "deep").mkdir(parents=True)
        for number in range(FILES):
            self.file(number).write_text(f"at the backup {number}")
        self.scene.plan()
        nas = self.scene.medium(self.scene.drive("nas"), "nas", "NAS oben")
        with self.house.store.write(SYSTEM) as tx:
            said = SourceKept("pvs", "folders", {"path": str(self.top)}, "", "user:owner", tx.now)
            sources.include(self.house, tx, said)
        assert self.scene.run(job="night", slot="nas").state == "good"
        self.state = self.scene.states(nas)[-1].id
        self.kept = picture(self.top)

    def anew(self) -> None:
        """What the practice has worked since."""
        for number in range(FILES - 1):
            self.file(number).write_text(f"changed {number}")
        self.file(FILES - 1).write_text(f"at the backup {FILES - 1}")
        self.file(0).unlink(missing_ok=True)
        self.changed = picture(self.top)

    def file(self, number: int) -> Path:
        return self.top / ("deep" if number % 2 else "") / f"f{number:03}"

    def restored(self, stop: Callable[[], bool] = lambda: False) -> RunKept:
        """Back in its place."""
        wanted = RestoreIn(snapshot=self.state, target=TargetIn(kind="place"), sources=("pvs",))
        with self.house.store.write(SYSTEM) as tx:
            run = restoring.ask(self.house, tx, wanted, "user:owner")
        return running.run_now(self.house, run.id, stop=stop)

    def back(self) -> int:
        """So many files lie there as they were backed up."""
        now = picture(self.top)
        return sum(now.get(name) == what for name, what in self.kept.items() if what[0] == "file")

    def refused(self, id: str) -> str:
        with pytest.raises(Problem) as caught:
            working.put_back(self.house, SYSTEM, id)
        return caught.value.code


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    folder = tmp_path_factory.mktemp("given")
    houses = Houses("sqlite", folder)
    yield Given(houses, folder)
    houses.close()


@pytest.fixture
def given(one: Given) -> Given:
    one.anew()
    return one


def test_once(given: Given) -> None:
    run = given.restored()
    assert run.state == "good" and picture(given.top) == given.kept
    assert working.shown(given.house, run.id).before == run.facts["before"]
    assert working.put_back(given.house, SYSTEM, run.id).named == ()
    assert picture(given.top) == given.changed
    assert working.shown(given.house, run.id).before is None, "nothing is left to undo"
    given.file(0).write_text("made by the practice since")
    now = picture(given.top)
    assert given.refused(run.id) == working.UNDONE
    for part in placing.parts(given.house.folder / "backups" / run.facts["before"]):
        placing.put_back(part)
        (part / placing.UNDONE).unlink()
        placing.put_back(part)
    assert picture(given.top) == now


@pytest.mark.parametrize("disks", ["one", "two"])
def test_an_undo_that_is_cut_off_is_gone_on_with(
    given: Given, disks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = given.restored()
    if disks == "two":  # nothing can be renamed from one to the other
        real = os.replace

        def across(source: object, goal: object, **how: object) -> None:
            if "/files/" in str(source):
                raise OSError
            real(source, goal, **how)  # type: ignore[call-overload]

        monkeypatch.setattr(placing.os, "replace", across)
        monkeypatch.setattr(placing.os, "rename", across_rename(os.rename))
    put, left = placing._put, [17]

    def cut(*args: object) -> None:
        left[0] -= 1
        if not left[0]:
            raise Cut
        put(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(placing, "_put", cut)
    with pytest.raises(Cut):
        working.put_back(given.house, SYSTEM, run.id)
    given.file(FILES - 2).write_text("worked on between the two")
    working.put_back(given.house, SYSTEM, run.id)
    now = picture(given.top)
    lately = os.fsencode(given.file(FILES - 2).relative_to(given.top))
    assert now.pop(lately) == ("file", b"worked on between the two")
    assert now == {name: what for name, what in given.changed.items() if name != lately}
    assert given.refused(run.id) == working.UNDONE


def across_rename(real: Callable[..., None]) -> Callable[..., None]:
    """A rename into our folders that fails as one onto another disk does."""

    def rename(source: object, goal: object, **how: object) -> None:
        if "/after" in str(goal) and how:
            raise OSError
        real(source, goal, **how)

    return rename


def test_a_restore_that_was_stopped_half_way(given: Given) -> None:
    run = given.restored(stop=lambda: given.back() > 5)
    assert run.state == "interrupted" and 5 < given.back() < FILES
    told = working.shown(given.house, run.id)
    assert (told.code, told.before) == (working.HALF, run.facts["before"])
    working.put_back(given.house, SYSTEM, run.id)
    assert picture(given.top) == given.changed
    assert working.shown(given.house, run.id).code != working.HALF


def test_a_restore_that_was_killed_half_way(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    put = placing._put

    def cut(*args: object) -> None:
        if given.back() > 5:
            raise Cut
        put(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(placing, "_put", cut)
    with pytest.raises(Cut):
        given.restored()
    monkeypatch.setattr(placing, "_put", put)
    with given.house.store.read(SYSTEM) as tx:
        (run,) = store.RUN.by(tx, "state", "running")
    assert given.refused(run.id) == working.NOT_OVER
    again = given.restored()
    assert again.state == "good" and picture(given.top) == given.kept
    assert working.shown(given.house, run.id).code == working.HALF
    working.put_back(given.house, SYSTEM, again.id)
    working.put_back(given.house, SYSTEM, run.id)
    assert picture(given.top) == given.changed
