"""Commands beside a guard: while it keeps a folder whose server is away, they wait instead of taking the folder."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from praxisd import main
from praxisd.cli import root
from praxisd.kernel import control
from praxisd.kernel.errors import Problem
from praxisd_guard.keeper_lock import Lock
from praxisd_guard.places import HOME_VARIABLE


def say(home: Path, state: str) -> None:
    (home / "state.json").write_text(json.dumps({"state": state}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "data"
    (found / "run").mkdir(parents=True)
    (found / "run" / "lock").touch()
    return found


@pytest.fixture
def home(tmp_path: Path, folder: Path) -> Iterator[Path]:
    """A guard that runs and keeps the folder."""
    found = tmp_path / "home"
    found.mkdir()
    say(found, "updating")
    control.keep_note(folder, found)
    lock = Lock(found)
    yield found
    if lock.held:
        lock.free()


def test_a_folder_is_kept_while_its_guard_runs(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert control.kept(folder)
    say(home, "floor")
    assert not control.kept(folder), "the guard gave up: a command may help"
    say(home, "running")
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    assert not control.kept(folder), "what the guard runs is no stranger"


def test_a_note_of_a_guard_that_is_gone_means_nothing(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "gone"
    control.keep_note(folder, home)
    assert not control.kept(folder)
    home.mkdir()
    say(home, "running")
    assert not control.kept(folder), "nobody holds its lock"


@pytest.mark.usefixtures("home")
def test_a_command_never_takes_a_folder_that_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "KEPT_S", 0.3)
    opened: list[int] = []

    def here() -> Any:
        opened.append(1)
        raise AssertionError

    with pytest.raises(Problem) as caught:
        control.run(folder, "kernel.doctor", {}, here)
    assert (caught.value.code, opened) == ("control.busy", [])


def test_it_goes_on_once_the_guard_has_given_up(folder: Path, home: Path) -> None:
    def later() -> None:
        time.sleep(0.3)
        say(home, "floor")

    threading.Thread(target=later, daemon=True).start()

    def here() -> Any:
        raise Problem("store.unreachable", 503)  # got as far as opening it

    with pytest.raises(Problem) as caught:
        control.run(folder, "kernel.doctor", {}, here)
    assert caught.value.code == "store.unreachable"


def test_migrate_expand_expands_only_and_takes_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def open_practice(folder: Path, config: Any, **more: Any) -> Any:
        seen.update(more, instance=config.instance)
        raise Problem("store.unreachable", 503)

    monkeypatch.setattr(main, "open_practice", open_practice)
    config = tmp_path / "p.toml"
    config.write_text('instance = "elsewhere"\n')
    line = ["migrate", "--expand", "--data", str(tmp_path / "d"), "--config", str(config)]
    assert CliRunner().invoke(root, line).exit_code == 1
    assert seen == {"migrate": True, "expand": True, "instance": "elsewhere"}
