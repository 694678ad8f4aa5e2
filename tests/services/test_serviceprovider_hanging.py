"""Folders that do not answer, pipes and links in a share: what hangs is said and bounded, nothing else stops for it."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from praxisd.kernel import issues
from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.services.serviceprovider import (
    flight,
    installing,
    looking,
    places,
    repairing,
    routes,
    shapes,
    view,
    words,
    writing,
)
from praxisd.services.serviceprovider.checks import CHECKS
from praxisd.testing.houses import Houses
from praxisd.testing.prepared import ID, Place
from praxisd.testing.prepared_cases import CASES, build

CASE = {one.name: one for one in CASES}
NAMES = [one.name for one in CHECKS]
OWNER = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)
LONG_S = 60.0


@pytest.fixture
def house(sqlite_houses: Houses) -> House:
    return sqlite_houses.open()


@pytest.fixture
def place(house: House, tmp_path: Path) -> Iterator[Place]:
    made = build(CASE["spaces"], tmp_path)
    made.enter(house)
    yield made
    made.stop()


class Silent:
    """A share that is gone: whoever reads one of its files waits until `answers` is set."""

    def __init__(self) -> None:
        self.answers, self.waiting, self.reads = threading.Event(), threading.Event(), 0

    def wait(self) -> None:
        self.reads += 1
        self.waiting.set()
        self.answers.wait(LONG_S)


@pytest.fixture
def silent(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    share, real = Silent(), places.opened

    def opened(path: Path) -> Any:
        if path == place.pvs:
            share.wait()
        return real(path)

    monkeypatch.setattr(places, "opened", opened)
    monkeypatch.setattr(flight, "FILES_S", 0.5)
    yield share
    share.answers.set()


def left_behind() -> int:
    return sum(one.name == "praxisd-serviceprovider" for one in threading.enumerate())


def test_a_share_that_is_gone_holds_nobody_up(house: House, place: Place, silent: Silent) -> None:
    (seen,) = looking.look(house)
    assert seen.late and seen.silent == str(place.pvs)
    out = view.shown(house.texts, seen, "de")
    assert (out.state, out.codes) == ("unknown", [words.INI_UNREADABLE])
    assert "Der Ordner antwortet nicht" in out.faults[0].cause and str(place.pvs) in out.faults[0].cause
    # Who asks while it hangs is answered, and nothing is begun beside it.
    asking = [threading.Thread(target=looking.look, args=(house,)) for _ in range(16)]
    for one in asking:
        one.start()
    for one in asking:
        one.join(LONG_S)
    assert not any(one.is_alive() for one in asking)
    assert (silent.reads, left_behind()) == (1, 1)
    (standing,) = issues.run_checks(house, NAMES).issues
    assert (standing.code, standing.params["reason"]) == (words.INI_UNREADABLE, "why_timeout")
    told = issues.explain(house, standing, "de")
    assert "Der Ordner antwortet nicht" in told["cause"] and "eingeschaltet" in told["solution"]
    for refused in (
        lambda: repairing.repair(house, OWNER, ID, words.SPACES),
        lambda: installing.install(house, OWNER, ID, str(place.top)),
    ):
        house.shared["url"] = f"http://127.0.0.1:{place.port}"
        with pytest.raises(Problem) as problem:
            refused()
        assert (problem.value.code, problem.value.status) == (writing.NOT_ANSWERING, 409)
    silent.answers.set()
    (now,) = looking.look(house)  # looked at anew, not what hung
    assert not now.late
    assert {one.code for one in issues.run_checks(house, NAMES).issues} == {words.SPACES}


def test_a_crowd_is_not_kept_waiting_and_is_told_no_fault(
    house: House, place: Place, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that serve the doors would wait for one slow folder."""
    monkeypatch.setattr(flight, "FILES_S", LONG_S)
    monkeypatch.setattr(flight, "CROWD_S", 0.1)
    waiting = [threading.Thread(target=looking.look, args=(house,)) for _ in range(flight.CROWD)]
    for one in waiting:
        one.start()
    assert silent.waiting.wait(LONG_S)
    flights = house.shared[looking._FLIGHTS]
    until = time.monotonic() + LONG_S
    while flights._waiting.get(ID, 0) < flight.CROWD and time.monotonic() < until:
        time.sleep(0.01)
    (seen,) = looking.look(house, passing=True)
    assert seen.late and not silent.answers.is_set()
    out = view.shown(house.texts, seen, "de")
    assert (out.state, out.codes) == ("unknown", []) and "dauert zu lange" in out.unknown[0]
    silent.answers.set()
    for one in waiting:
        one.join(LONG_S)
    assert not any(one.is_alive() for one in waiting)
    (now,) = looking.look(house, passing=True)
    assert not now.late


def test_the_share_of_another_software_is_named(
    house: House, place: Place, silent: Silent, tmp_path: Path
) -> None:
    """Theirs is read too, to tell whose an installation is."""
    what = Software(
        id="another", product="x.comfort", data_folder=str(tmp_path), program_folder=str(place.root)
    )
    house.store.run(system("test"), lambda tx: software_store.put(tx, what))
    found = looking.look(house)
    assert [(one.late, one.silent) for one in found] == [(True, str(place.pvs))] * 2


def test_remote_support_does_not_make_praxisd_the_provider(house: House, place: Place) -> None:
    place.stop()
    guest = Actor(Kind.SUPPORT, "g", INSTALLATION, frozenset({routes.WRITE}))
    body = shapes.InstallIn(software=ID, data_folder=str(place.top), replace=True)
    house.shared["url"] = f"http://127.0.0.1:{place.port}"
    before = place.pvs.read_bytes()
    with pytest.raises(Problem) as refused:
        routes.install(SimpleNamespace(house=house, actor=guest, body=body))  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.status) == ("access.forbidden", 403)
    assert place.pvs.read_bytes() == before
    made = routes.install(SimpleNamespace(house=house, actor=OWNER, body=body))  # type: ignore[arg-type]
    assert made.status == 201


def test_a_stop_waits_for_no_share(
    house: House, place: Place, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight, "FILES_S", LONG_S)
    ended = threading.Event()

    def ask() -> None:
        looking.look(house)
        ended.set()

    threading.Thread(target=ask, daemon=True).start()
    assert silent.waiting.wait(LONG_S) and not ended.is_set()
    monkeypatch.setattr(type(house), "stopping", True, raising=False)
    assert ended.wait(LONG_S / 2)
    assert not silent.answers.is_set()


def test_a_look_is_never_older_than_the_question(house: House, place: Place, silent: Silent) -> None:
    """Who mends meanwhile must not be told what was true before."""
    first: list[Any] = []
    flight_of = threading.Thread(target=lambda: first.extend(looking.look(house)))
    flight_of.start()
    assert silent.waiting.wait(LONG_S)
    silent.answers.set()
    place.change(place.pvs, "Installed = 1", "Installed=1")
    place.change(place.ini, "Installed = 1", "Installed=1")
    (seen,) = looking.look(house)
    flight_of.join(LONG_S)
    assert view.shown(house.texts, seen, "de").codes == [] and len(first) == 1


@pytest.mark.parametrize("what", ["pvs", "ini", "setup", "program"])
def test_a_pipe_in_a_folder_is_not_waited_for(house: House, place: Place, what: str) -> None:
    path = {
        "pvs": place.pvs,
        "ini": place.ini,
        "setup": place.setup,
        "program": place.home / "ServiceProvider.exe",
    }[what]
    path.unlink()
    os.mkfifo(path)
    began = time.monotonic()
    (seen,) = looking.look(house)
    assert not seen.late
    codes = view.shown(house.texts, seen, "de").codes
    assert (words.INI_UNREADABLE in codes) == (what in ("pvs", "ini"))
    with pytest.raises(Problem):  # and no write waits for a reader of the pipe
        writing.write(house, path, b"new", b"old")
    assert time.monotonic() - began < LONG_S


def test_a_file_that_becomes_a_pipe_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = tmp_path / "ServiceProvider.ini", tmp_path / "regular"
    other.touch()
    os.mkfifo(path)
    regular = other.lstat()
    monkeypatch.setattr(Path, "lstat", lambda _self: regular)
    with pytest.raises(OSError):
        places.opened(path)


def test_a_write_that_hangs_is_given_up_and_changes_nothing_later(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ServiceProvider.ini"
    file.write_bytes(b"1")
    answers, real = threading.Event(), writing._flushed

    def flushed(stream: Any, data: bytes) -> None:
        answers.wait(LONG_S)
        real(stream, data)

    monkeypatch.setattr(writing, "_flushed", flushed)
    monkeypatch.setattr(flight, "FILES_S", 0.3)
    for _ in range(2):  # the second is refused beside the first that hangs
        with pytest.raises(Problem) as problem:
            writing.write(house, file, b"2", b"1")
        assert problem.value.code == writing.NOT_ANSWERING
    (thread,) = [one for one in threading.enumerate() if one.name == "praxisd-serviceprovider-write"]
    answers.set()
    thread.join(LONG_S)
    assert file.read_bytes() == b"1" and not list(tmp_path.glob("*.praxisd-new"))


@pytest.mark.parametrize("kind", ["symlink", "hard"])
def test_what_was_planted_in_the_share_is_not_written_to(house: House, tmp_path: Path, kind: str) -> None:
    file, victim = tmp_path / "ServiceProvider.ini", tmp_path / "praxisd.db"
    file.write_bytes(b"1")
    file.chmod(0o640)
    victim.write_bytes(b"precious")
    victim.chmod(0o600)
    planted = file.with_name("ServiceProvider.ini.praxisd-new")
    if kind == "symlink":
        planted.symlink_to(victim)
    else:
        planted.hardlink_to(victim)
    writing.write(house, file, b"2", b"1")
    assert victim.read_bytes() == b"precious" and victim.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes() == b"2" and not file.is_symlink() and file.stat().st_mode & 0o777 == 0o640
    assert not planted.exists()


def test_a_link_in_place_of_the_file_is_refused(house: House, place: Place, tmp_path: Path) -> None:
    victim = tmp_path / "vault.key"
    victim.write_bytes(b"[Install]\r\nInstalled = 0\r\nsecret=geheim\r\n")
    before = victim.read_bytes()
    place.pvs.unlink()
    place.pvs.symlink_to(victim)
    (seen,) = looking.look(house)
    out = view.shown(house.texts, seen, "de")
    assert words.INI_UNREADABLE in out.codes and out.pvs.rows == []
    assert "Verknüpfung" in next(one.cause for one in out.faults if one.code == words.INI_UNREADABLE)
    with pytest.raises(Problem) as refused:
        writing.write(house, place.pvs, b"new", before)
    assert refused.value.code == writing.NOT_WRITTEN
    assert place.pvs.is_symlink() and victim.read_bytes() == before


def test_ten_copies_stay(house: House, tmp_path: Path) -> None:
    file = tmp_path / "ServiceProvider.ini"
    file.write_bytes(b"0")
    others = [tmp_path / "ServiceProvider.ini.bak", tmp_path / "x.ini.20200101-000000.bak"]
    for one in others:
        one.touch()
    for number in range(14):
        assert writing.write(house, file, b"%d" % (number + 1), b"%d" % number) is not None
    kept = {int(one.read_bytes()) for one in tmp_path.glob("ServiceProvider.ini.*.bak")}
    assert kept == set(range(4, 14)) and all(one.exists() for one in others)
