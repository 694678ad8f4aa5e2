"""Giving back through the whole path: names that break naive tools come back identical or are named, and nothing else is
written anywhere (issue 9, done when 5)."""

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.services.backups_scene import SYSTEM, Scene

from praxisd.kernel.errors import Problem
from praxisd.model.backup_kept import RunKept, SourceKept
from praxisd.services.backups import store
from praxisd.services.backups.engine import Repo
from praxisd.services.backups.keys import keeping
from praxisd.services.backups.plans import media, sources
from praxisd.services.backups.restoring import listing, opening, restoring, targets, typed, working
from praxisd.services.backups.restoring.shapes import RestoreIn, TargetIn
from praxisd.services.backups.runs import running
from praxisd.testing.engine_suite import HARD_NAMES, Bench, picture
from praxisd.testing.houses import Houses


class Given:
    """A practice with a folder of hard names, backed up onto a NAS. One for all tests: each begins with the folder as it was."""

    def __init__(self, houses: Houses, folder: Path) -> None:
        self.scene = Scene(houses.open(), folder)
        self.scene.plan()
        self.folder = folder
        (folder / "work").mkdir()
        self.top = Bench(self.scene.engine, Repo("", ""), folder / "work").source()
        (self.top / "second name").hardlink_to(self.top / "large")
        deep = self.top
        for _ in range(6):
            deep = deep / ("d" * 240)
        deep.mkdir(parents=True)
        (deep / "at the end").write_text("of a long path")
        self.nas = self.scene.medium(self.scene.drive("nas"), "nas", "NAS oben")
        with self.scene.house.store.write(SYSTEM) as tx:
            said = SourceKept("pvs", "folders", {"path": str(self.top)}, "", "user:owner", tx.now)
            sources.include(self.scene.house, tx, said)
            self.quiet = folder / "quiet window"
            (self.quiet / "deep").mkdir(parents=True)
            (self.quiet / "deep" / "letter").write_text("at the backup")
            hooks = {"begin": ["/bin/true"], "end": ["/bin/true"]}
            spec: dict[str, Any] = {"path": str(self.quiet), "window": hooks}
            sources.include(
                self.scene.house, tx, SourceKept("quiet", "folders", spec, "", "user:owner", tx.now)
            )
            spec = {"args": ["/bin/sh", "-c", "echo content > {folder}/dump.bak"], "files": ["dump.bak"]}
            sources.include(
                self.scene.house, tx, SourceKept("sql", "command", spec, "", "user:owner", tx.now)
            )
        self._kept = folder / "kept"
        shutil.copytree(self.top, self._kept, symlinks=True)
        talking = socket.socket(socket.AF_UNIX)
        talking.bind(str(self.top / "socket"))
        self.state = self.back_up()
        talking.close()

    def anew(self) -> None:
        """The folder as it was, but for its socket."""
        shutil.rmtree(self.top)
        shutil.copytree(self._kept, self.top, symlinks=True)

    def back_up(self) -> str:
        """The id of the state."""
        run = self.scene.run(job="night", slot="nas")
        assert run.state in ("good", "warning"), (run.code, run.detail)
        return self.scene.states(self.nas)[-1].id

    def restore(self, state: str, **more: Any) -> RunKept:
        """Ask for it and do it, as the job does."""
        run = self.ask(state, **more)
        return running.run_now(self.scene.house, run.id, stop=lambda: False)

    def ask(self, state: str, **more: Any) -> RunKept:
        to = more.pop("to", None)
        target = TargetIn(kind="folder", path=str(to)) if to is not None else TargetIn(kind="place")
        wanted = RestoreIn(snapshot=state, target=target, **more)
        house = self.scene.house
        restoring.check(house, SYSTEM, wanted)
        with house.store.write(SYSTEM) as tx:
            return restoring.ask(house, tx, wanted, "user:owner")


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


def outside(top: Path, *but: Path) -> dict[bytes, tuple[str, Any, int]]:
    """Everything below a folder with content and time of change, but for some folders."""
    found: dict[bytes, tuple[str, Any, int]] = {}
    skip = tuple(os.fsencode(one) for one in but)
    for folder, folders, files in os.walk(os.fsencode(top)):
        folders[:] = [one for one in folders if not os.path.join(folder, one).startswith(skip)]
        for name in folders + files:
            path = os.path.join(folder, name)
            facts = os.lstat(path)
            content = Path(os.fsdecode(path)).read_bytes() if stat.S_ISREG(facts.st_mode) else b""
            found[path] = (stat.filemode(facts.st_mode), content, facts.st_mtime_ns if content else 0)
    return found


def test_hard_names_come_back_identical_and_nothing_else_is_written(given: Given, tmp_path: Path) -> None:
    target, house = tmp_path / "given back", given.scene.house
    tops = (given.folder, tmp_path)
    before = [outside(top, house.folder) for top in tops]
    run = given.restore(given.state, to=target)
    assert before == [outside(top, house.folder, target) for top in tops], (
        "nothing is written outside of the target"
    )
    whole = picture(given.top)
    back = picture(target / given.top.relative_to("/"))
    assert back == whole, "names, contents, links, kinds"
    assert len([name for name in back if os.path.basename(name) in HARD_NAMES]) == len(HARD_NAMES)
    assert run.named == ((f"{given.top}/socket", "special"),) and (run.state, run.code) == ("good", "")
    assert run.figures is not None and run.figures.files >= len(HARD_NAMES)
    sparse = os.lstat(target / given.top.relative_to("/") / "sparse")
    assert sparse.st_size == 5_000_000
    assert (target / given.top.relative_to("/") / "link out").readlink() == Path("/etc/passwd")


def test_each_name_can_be_found_and_asked_for_alone(given: Given, tmp_path: Path) -> None:
    state, house = given.state, given.scene.house
    roots = listing.entries(house, state, "", "", most=50, after=0).roots
    assert {one.name for one in roots} == {"praxisd database", "praxisd", "pvs", "quiet", "sql"}
    (top,) = next(one for one in roots if one.name == "pvs").paths
    assert opening.path(top.key) == str(given.top)
    inner = next(
        one
        for one in listing.entries(house, state, top.key, "", most=50, after=0).entries
        if one.path.endswith("/inner")
    )
    keys: dict[bytes, str] = {}
    after = 0
    while True:
        page = listing.entries(house, state, inner.key, "", most=5, after=after)
        msgspec.json.encode(page)
        keys |= {os.path.basename(os.fsencode(opening.path(one.key))): one.key for one in page.entries}
        if page.next is None:
            break
        after = int(page.next)
    assert set(keys) == set(HARD_NAMES)
    chosen = [name for name in HARD_NAMES if name[:1] in b"lbG*$\xef-"]
    run = given.restore(state, to=tmp_path / "some", only=tuple(keys[one] for one in chosen))
    assert (run.state, run.named) == ("good", ())
    files = {os.path.basename(name) for name, what in picture(tmp_path / "some").items() if what[0] == "file"}
    assert files == set(chosen)


def test_what_a_state_does_not_hold_is_named(given: Given, tmp_path: Path) -> None:
    run = given.restore(given.state, to=tmp_path / "none", only=("/not/there",))
    assert run.state == "warning" and run.named == (("/not/there", "not_restored"),)


def test_in_place_saves_what_it_replaces_and_can_be_undone(given: Given) -> None:
    state, house, top = given.state, given.scene.house, given.top
    kept = picture(top)
    odd = Path(os.fsdecode(os.fsencode(top / "inner") + b"/bad\xff\xfe"))
    odd.write_bytes(b"changed since")
    (top / "large").unlink()
    (top / "empty").write_text("not empty any more")
    (top / "later").write_text("made since the backup")
    changed = picture(top)
    run = given.restore(state, sources=("pvs",))
    assert (run.state, run.code) == ("good", "") and {code for _, code in run.named} == {"special"}
    now = picture(top)
    assert now.pop(b"later") == ("file", b"made since the backup"), "what the state does not hold stays"
    assert now == kept
    saved = house.folder / "backups" / run.facts["before"]
    assert b"changed since" in {what[1] for what in picture(saved).values()}
    back = working.put_back(house, SYSTEM, run.id)
    assert back.named == () and picture(top) == changed, "all as it was before the restore"
    with pytest.raises(Problem) as caught:
        working.put_back(
            house, SYSTEM, given.restore(state, to=house.folder.parent / "given back elsewhere").id
        )
    assert caught.value.code == working.NOT_IN_PLACE


def test_what_was_copied_in_a_quiet_window_finds_its_place(given: Given) -> None:
    """It lies in the state where it was staged; it belongs to where it was."""
    house, letter = given.scene.house, given.quiet / "deep" / "letter"
    (top,) = next(
        one
        for one in listing.entries(house, given.state, "", "", most=9, after=0).roots
        if one.name == "quiet"
    ).paths
    assert not opening.path(top.key).startswith(str(given.quiet))
    for only, kept in (
        (opening.path(top.key) + "/deep/letter", True),
        (top.key, True),
        (opening.path(top.key) + "/nothing", False),
    ):
        letter.write_text("changed since")
        run = given.restore(given.state, only=(only,))
        assert (run.state == "good") is kept and (letter.read_text() == "at the backup") is kept, (only, run)


def test_in_place_never_writes_through_a_link(given: Given, tmp_path: Path) -> None:
    """Since the backup somebody put links in the place of a folder and of a file: they must lead nowhere."""
    state, top = given.state, given.top
    away = tmp_path / "away"
    away.mkdir()
    (away / "victim").write_text("untouched")
    inner = picture(top / "inner")
    for name in list((top / "inner").iterdir()):
        name.unlink()
    (top / "inner").rmdir()
    (top / "inner").symlink_to(away)
    (top / "large").unlink()
    (top / "large").symlink_to(away / "victim")
    run = given.restore(state, sources=("pvs",))
    assert run.state == "good", run.named
    assert [one.name for one in away.iterdir()] == ["victim"] and (away / "victim").read_text() == "untouched"
    assert not (top / "inner").is_symlink() and picture(top / "inner") == inner
    assert not (top / "large").is_symlink() and (top / "large").stat().st_size == 3_000_000
    lone = given.restore(state, only=(str(top / "inner" / "gross"),))
    assert lone.state == "good"
    (top / "inner").rename(top / "moved")
    (top / "inner").symlink_to(away)
    lone = given.restore(state, only=(str(top / "inner" / "gross"),))
    assert (lone.state, lone.named) == ("warning", ((f"{top}/inner/gross", "not_restored"),))
    assert [one.name for one in away.iterdir()] == ["victim"]


def test_a_folder_in_the_place_of_a_file_is_nobodys_to_take_away(given: Given) -> None:
    state, top = given.state, given.top
    (top / "empty").unlink()
    (top / "empty").mkdir()
    (top / "empty" / "work").write_text("of today")
    run = given.restore(state, sources=("pvs",))
    assert run.state == "warning" and (f"{top}/empty", "not_restored") in run.named
    assert (top / "empty" / "work").read_text() == "of today"


def test_targets_that_would_do_harm(given: Given, tmp_path: Path) -> None:
    state, house = given.state, given.scene.house
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "x").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    (tmp_path / "to data").symlink_to(house.folder)
    for path, code in (
        ("relative", targets.NOT_ABSOLUTE),
        (f"{tmp_path}/a/../b", targets.NOT_ABSOLUTE),
        (f"{tmp_path}/not there/x", targets.NO_PARENT),
        ("/", targets.NO_PARENT),
        (f"{house.folder}/x", targets.OWN),
        (f"{tmp_path}/to data/x", targets.OWN),
        (str(house.folder.parent), targets.OWN),
        (f"{given.folder}/nas/x", targets.MEDIUM),
        (f"{tmp_path}/used", targets.USED),
        (f"{tmp_path}/link", targets.USED),
    ):
        with pytest.raises(Problem) as caught:
            given.ask(state, to=path)
        assert caught.value.code == code, path
    run = given.ask(state, to=tmp_path / "late", only=(str(given.top / "empty"),))
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "somebody's").touch()
    ended = running.run_now(house, run.id, stop=lambda: False)
    assert (ended.state, ended.code) == ("failed", targets.USED), "looked at again right before"
    assert given.restore(state, to=tmp_path / "empty", only=(str(given.top / "empty"),)).state == "good"


def test_what_cannot_be_laid_in_its_place(given: Given, tmp_path: Path) -> None:
    state, house = given.state, given.scene.house
    for more, code in (
        ({"sources": ("sql",)}, restoring.NO_PLACE),
        ({"sources": ("unknown",)}, restoring.NO_SOURCE),
        ({"only": ("/etc/passwd",)}, restoring.NO_PLACE),
    ):
        run = given.restore(state, **more)
        assert (run.state, run.code) == ("failed", code)
    key = next(
        path for one in listing.entries(house, state, "", "", most=9, after=0).roots if one.name == "praxisd"
        for path in one.paths
    )  # fmt: skip
    run = given.restore(state, only=(key.key,))
    assert (run.state, run.code) == ("failed", restoring.OWN_WHOLE)


def test_a_medium_is_kept_back_until_it_is_released(given: Given, tmp_path: Path) -> None:
    state, house = given.state, given.scene.house
    given.restore(state, to=tmp_path / "one", only=(str(given.top / "empty"),), hold=True)
    with house.store.read(SYSTEM) as tx:
        assert media.need(tx, given.nas).medium.held
    run = given.scene.run(job="night", slot="nas")
    assert run.state == "failed" and run.code == "backups.target_held"
    with house.store.write(SYSTEM) as tx:
        media.hold(tx, given.nas, False)
    assert given.scene.run(job="night", slot="nas").state in ("good", "warning")


def test_a_medium_that_is_away_and_one_whose_password_is_not_ours(given: Given, tmp_path: Path) -> None:
    state, house = given.state, given.scene.house
    nas, away = given.folder / "nas", given.folder / "carried out"
    nas.rename(away)
    with pytest.raises(Problem) as caught:
        listing.entries(house, state, "", "", most=9, after=0)
    assert (caught.value.code, caught.value.params["label"]) == (opening.AWAY, "NAS oben")
    away.rename(nas)
    with house.store.read(SYSTEM) as tx:
        every = store.SECRET.all(tx)
        recovery = next(one for one in every if one.kind == "recovery")
    word = keeping.text_of(house, recovery)
    with house.store.write(SYSTEM) as tx:  # another vault: the passwords that are kept cannot be read
        for one in every:
            keeping.keep(tx, msgspec.structs.replace(one, sealed="s1.x.y"))
    run = given.restore(state, to=tmp_path / "no", only=(str(given.top / "empty"),))
    assert (run.state, run.code) == ("failed", "backups.password_needed")
    with pytest.raises(Problem) as caught:
        listing.entries(house, state, "", "", most=9, after=0)
    assert caught.value.params["number"] == 1 and "2026" in str(caught.value.params["since"])
    spaced = " ".join(word[at : at + 4].upper() for at in range(0, len(word), 4))
    run = given.ask(state, to=tmp_path / "yes", only=(str(given.top / "empty"),), password=spaced)
    assert word not in msgspec.json.encode(run).decode() and spaced not in msgspec.json.encode(run).decode()
    ended = running.run_now(house, run.id, stop=lambda: False)
    assert ended.state == "good" and typed.take(house, run.id) == "", "gone as soon as it was taken"
    with house.store.write(SYSTEM) as tx:
        for one in every:
            keeping.keep(tx, one)
