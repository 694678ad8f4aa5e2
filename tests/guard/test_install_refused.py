"""Orders that are refused: nothing was stopped, nothing is left, and the code says why."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd.testing import guarded
from praxisd.testing.guarded_host import ScriptHost
from praxisd_guard import durable, install, install_prepare, journal, orders, package_read, recover, versions
from praxisd_guard.install_prepare import Refused
from praxisd_guard.journal import Outcome
from praxisd_guard.orders import Order
from praxisd_guard.places import Places


class Quiet(ScriptHost):
    """Hands that may not be used: nothing is stopped or started."""

    def stop(self) -> None:
        """Never."""
        raise AssertionError("stopped")

    def start(self, reason: str) -> Any:
        """Never."""
        raise AssertionError(f"started: {reason}")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A HOME that runs 1.0 (in name only)."""
    guarded.script_home(tmp_path / "home", tmp_path / "data")
    return tmp_path / "home"


@pytest.fixture
def host(here: Path) -> Iterator[Quiet]:
    """Hands that are not needed."""
    made = Quiet(here)
    yield made
    made.doors.close()


def _run(home: Path, host: ScriptHost, wish: Order, verify: Any = guarded.anything, **more: Any) -> Outcome:
    orders.give(home, wish)
    install.run(home, wish, host, verify, **more)
    outcome = journal.outcome(home, wish.id)
    assert outcome.state == "refused"
    here = versions.pointer(home)
    assert here is not None and (here.version, here.previous) == ("1.0", None)
    assert orders.waiting(home) == []
    assert journal.unfinished(home) is None
    assert os.listdir(Places(home).versions) == ["1.0"]
    assert os.listdir(Places(home).incoming) == []
    assert host.steps[-1] == (None, "")
    return outcome


def _package(home: Path, version: str = "1.1", **more: Any) -> Path:
    return guarded.script_package(home.parent, home, version, **more)


def test_what_the_guard_does_not_trust(here: Path, host: Quiet) -> None:
    def never(_home: Path, _order: Order, file: Path) -> None:
        assert file.parent == Places(here).incoming, "judged is the guard's own copy"
        raise Refused("guard.untrusted", "updates.tampered {}", "updates.tampered")

    outcome = _run(here, host, guarded.install_order(_package(here), "1.1"), never)
    assert (outcome.code, outcome.detail) == ("guard.untrusted", "updates.tampered {}")
    assert outcome.fault == "updates.tampered"


def test_a_file_exchanged_after_it_was_verified_is_not_what_is_unpacked(here: Path, host: Quiet) -> None:
    file = _package(here)

    def exchanging(_home: Path, _order: Order, _copy: Path) -> None:
        file.write_bytes(b"evil")

    host.names = [["a backup"]] * 9
    outcome = _run(here, host, guarded.install_order(file, "1.1"), exchanging, busy_s=0.0)
    assert outcome.code == "guard.busy"  # it was unpacked and only had to wait


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_a_run_that_must_not_be_cut_and_does_not_end(here: Path, host: Quiet, seconds: float) -> None:
    host.names = [["backups.run", "updates.dataset"]] * 99
    outcome = _run(here, host, guarded.install_order(_package(here), "1.1"), busy_s=seconds)
    assert (outcome.code, outcome.detail) == ("guard.busy", "backups.run, updates.dataset")


def test_libraries_that_are_not_here(here: Path, host: Quiet) -> None:
    file = _package(here, layer="ab" * 32)
    assert _run(here, host, guarded.install_order(file, "1.1")).code == "guard.layer_missing"


def test_libraries_that_cannot_be_installed(here: Path, host: Quiet, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_args: object) -> Any:
        raise install_prepare.layers.Failed("no matching distribution")

    monkeypatch.setattr(install_prepare.layers, "make", failing)
    monkeypatch.setattr(package_read, "has_wheels", lambda _file: True)
    outcome = _run(here, host, guarded.install_order(_package(here, layer="ab" * 32), "1.1"))
    assert (outcome.code, outcome.detail) == ("guard.layer_failed", "no matching distribution")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(b"no zip"),
        lambda file: file.unlink(),
        lambda file: os.truncate(file, 300),
    ],
)
def test_a_package_that_cannot_be_read(here: Path, host: Quiet, spoil: Callable[[Path], None]) -> None:
    file = _package(here)
    spoil(file)
    assert _run(here, host, guarded.install_order(file, "1.1")).code == "guard.package_unreadable"


def test_a_package_of_another_version_than_ordered(here: Path, host: Quiet) -> None:
    outcome = _run(here, host, guarded.install_order(_package(here, "1.1"), "1.2"))
    assert outcome.code == "guard.package_unreadable"


def test_a_newer_python(here: Path, host: Quiet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install_prepare.sys, "version_info", (3, 10, 9))
    outcome = _run(here, host, guarded.install_order(_package(here), "1.1"))
    assert (outcome.code, outcome.detail) == ("guard.python_too_old", ">=3.11, here 3.10")


def test_the_version_that_runs(here: Path, host: Quiet) -> None:
    assert (
        _run(here, host, guarded.install_order(_package(here, "1.0"), "1.0")).code == "guard.already_running"
    )


def test_back_to_nothing(here: Path, host: Quiet) -> None:
    assert _run(here, host, orders.order("switch_back", "owner", "person")).code == "guard.version_missing"
    wish = orders.order("switch_back", "owner", "person", version="0.9")
    assert _run(here, host, wish).code == "guard.version_missing"


def test_no_room_for_the_copy(here: Path, host: Quiet, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(here)._replace(free=install_prepare.MARGIN)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: free)
    assert _run(here, host, guarded.install_order(_package(here), "1.1")).code == "guard.no_space"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "guard.no_space"),
        (errno.EDQUOT, "guard.no_space"),
        (errno.EROFS, "guard.read_only"),
        (errno.EACCES, "guard.read_only"),
        (errno.EIO, "guard.disk"),
    ],
)
@pytest.mark.parametrize("where", ["copy", "unpack", "place", "complete"])
def test_a_disk_that_fails_before_anything_was_stopped(
    here: Path, host: Quiet, monkeypatch: pytest.MonkeyPatch, number: int, code: str, where: str
) -> None:
    place, name = {
        "copy": (shutil, "copyfile"),
        "unpack": (package_read, "unpack"),
        "place": (install_prepare, "move"),
        "complete": (versions, "mark_complete"),
    }[where]

    def failing(*_args: object, **_more: object) -> None:
        raise OSError(number, os.strerror(number), str(here))

    file = _package(here)
    monkeypatch.setattr(place, name, failing)
    outcome = _run(here, host, guarded.install_order(file, "1.1"))
    assert outcome.code == code
    assert os.strerror(number) in outcome.detail


def test_a_fault_of_our_own_ends_the_order_too(here: Path, host: Quiet) -> None:
    def faulty(_home: Path, _order: Order, _file: Path) -> None:
        raise ZeroDivisionError

    outcome = _run(here, host, guarded.install_order(_package(here), "1.1"), faulty)
    assert (outcome.code, outcome.detail) == ("guard.fault", "ZeroDivisionError: ")


def test_an_order_of_which_nothing_can_be_written_is_not_tried_for_ever(
    here: Path, host: Quiet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(_writer: journal.Journal, _data: bytes) -> None:
        raise OSError(errno.EROFS, "read-only")

    wish = guarded.install_order(_package(here), "1.1")
    orders.give(here, wish)
    monkeypatch.setattr(journal.Journal, "_append", read_only)
    with pytest.raises(OSError):
        install.run(here, wish, host, guarded.anything)
    assert orders.waiting(here) == []
    assert journal.outcome(here, wish.id).code == "guard.order_unknown"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize(
    "step", ["stopped", "expanded", "switched", "started", "healthy", "kept", "failed", "restored"]
)
def test_a_disk_that_fails_once_the_server_is_stopped(
    here: Path, monkeypatch: pytest.MonkeyPatch, number: int, step: str
) -> None:
    """The line of a step cannot be written: the practice has a server all the same, and the order ends in the end."""
    behaviour = "exits" if step in ("failed", "restored") else "good"
    host = ScriptHost(here)
    wish = guarded.install_order(guarded.script_package(here.parent, here, "1.1", behaviour), "1.1")
    orders.give(here, wish)
    real = journal.Journal._append

    def append(writer: journal.Journal, data: bytes) -> None:
        if f'"step": "{step}"'.encode() in data:
            raise OSError(number, os.strerror(number))
        real(writer, data)

    monkeypatch.setattr(journal.Journal, "_append", append)
    install.run(here, wish, host, guarded.anything)
    forward = step in ("started", "healthy", "kept")
    pointer = versions.pointer(here)
    assert pointer is not None
    assert host.running() == pointer.version == ("1.1" if forward else "1.0")
    monkeypatch.undo()
    host.end()
    if not recover.run(here, host):
        assert host.start("boot") is None
    outcome = journal.outcome(here, wish.id)
    pointer = versions.pointer(here)
    assert outcome.final and pointer is not None and host.running() == pointer.version
    assert (outcome.state == "kept") == (pointer.version == "1.1") == forward
    host.end()
    host.doors.close()


def test_no_room_to_turn_the_pointer_back_gives_up_what_can_be_given_up(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = ScriptHost(here)
    journal.Journal(here).keep_reserve()
    wish = guarded.install_order(guarded.script_package(here.parent, here, "1.1", "exits"), "1.1")
    orders.give(here, wish)
    real = durable.put

    def put(path: Path, data: bytes, mode: int = durable.PRIVATE) -> None:
        back = path.name == "current.json" and b'"version": "1.0"' in data
        if back and Places(here).reserve.exists():
            raise OSError(errno.ENOSPC, "full")
        real(path, data, mode)

    monkeypatch.setattr(durable, "put", put)
    install.run(here, wish, host, guarded.anything)
    assert not Places(here).reserve.exists()
    assert journal.outcome(here, wish.id).state == "rolled_back"
    assert host.running() == "1.0"
    host.end()
    host.doors.close()
