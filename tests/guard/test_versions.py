"""Versions side by side, the pointer, HOME and its layers."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from praxisd import __version__
from praxisd.testing import guarded
from praxisd_guard import durable, home, layers, places, versions
from praxisd_guard.places import Places


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A HOME that runs version 1.0."""
    guarded.script_home(tmp_path / "home", tmp_path / "data", port=8123)
    return tmp_path / "home"


def test_the_pointer_remembers_the_version_before(here: Path) -> None:
    guarded.script_version(here, "1.1")
    first = versions.pointer(here)
    assert first is not None and (first.version, first.previous) == ("1.0", None)
    assert versions.point(here, "1.0") == first
    made = versions.point(here, "1.1")
    assert (made.version, made.previous) == ("1.1", "1.0")
    assert versions.pointer(here) == made
    back = versions.point_back(here, "1.0", None)
    assert versions.pointer(here) == back
    assert (back.version, back.previous) == ("1.0", None)


def test_the_pointer_never_names_what_is_not_complete(here: Path) -> None:
    (Places(here).versions / "2.0").mkdir()
    for name in ("2.0", "3.0", "../x", ""):
        with pytest.raises(ValueError):
            versions.point(here, name)
    assert versions.complete(here, "../1.0") is None
    guarded.script_version(here, "1.1")
    (Places(here).version("1.1") / "package.json").write_text("{}")
    with pytest.raises(ValueError):
        versions.point(here, "1.1")


def test_current_and_previous_stay_the_others_go(here: Path) -> None:
    for name in ("1.1", "1.2"):
        guarded.script_version(here, name)
        versions.point(here, name)
    for left in (".new-x", ".gone-1.0", "half"):
        (Places(here).versions / left).mkdir()
    assert [one.name for one in versions.installed(here)] == ["1.0", "1.1", "1.2"]
    assert versions.prune(here) == ["1.0", "half"]
    assert sorted(os.listdir(Places(here).versions)) == ["1.1", "1.2"]


def test_nothing_is_pruned_without_a_pointer(here: Path) -> None:
    Places(here).pointer.unlink()
    assert versions.prune(here) == []
    assert len(versions.installed(here)) == 1


def test_the_command_of_a_server(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    told = home.read(here)
    assert told is not None
    config = here / "praxisd.toml"
    home.found(here, told.data, port=8123, config=config)
    argv, env = versions.command(here, "1.0", 3, safe=True)
    assert argv[0] == versions.python(here, "1.0")
    assert argv[1:] == [
        "-P", "-m", "praxisd", "serve", "--data", str(told.data), "--host", "127.0.0.1", "--port", "8123",
        "--fd", "3", "--config", str(config), "--safe",
    ]  # fmt: skip
    assert env["PYTHONPATH"] == str(here / "versions" / "1.0" / "program")
    assert env["PRAXISD_HOME"] == str(here)
    assert "NOTIFY_SOCKET" not in env and "PYTHONHOME" not in env
    assert versions.migrate_command(here, "1.0")[0][4:] == [
        "migrate", "--expand", "--data", str(told.data), "--config", str(config),
    ]  # fmt: skip


def test_a_version_without_its_libraries_has_no_command(here: Path) -> None:
    for folder in Places(here).layers.iterdir():
        durable.discard(folder)
    with pytest.raises(LookupError):
        versions.command(here, "1.0", 3)


def test_what_the_guard_is_told(tmp_path: Path) -> None:
    assert home.read(tmp_path / "home") is None
    told = home.found(tmp_path / "home", tmp_path / "data", port=0, limits={"ready_s": 2.5})
    assert home.read(tmp_path / "home") == told
    assert not told.root
    home.keep_port(tmp_path / "home", 4711)
    assert home.found(tmp_path / "home", tmp_path / "data", port=4711, root=b"{}").root
    again = home.found(tmp_path / "home", tmp_path / "data", port=4711)
    assert again.root and again.port == 4711
    assert Places(tmp_path / "home").home.stat().st_mode & 0o777 == 0o700


def test_the_program_now_running_becomes_the_first_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it runs from HOME: the code imported there is the copy, the libraries are this interpreter's."""
    monkeypatch.setattr(home, "sync_tree", lambda _top: None)
    here = tmp_path / "home"
    home.found(here, tmp_path / "data")
    assert home.adopt(here) == __version__
    assert home.adopt(here) == __version__  # again: nothing happens
    pointer = versions.pointer(here)
    assert pointer is not None and pointer.version == __version__
    argv, env = versions.command(here, __version__, None)
    assert argv[0] == sys.executable and "--fd" not in argv
    words = "import praxisd, praxisd_guard, praxisd_relay; print(praxisd.__file__, praxisd_guard.__file__)"
    done = subprocess.run([argv[0], "-P", "-c", words], env=env, capture_output=True, text=True, check=True)
    program = Places(here).program(__version__)
    assert done.stdout.split() == [
        str(program / name / "__init__.py") for name in ("praxisd", "praxisd_guard")
    ]


def test_libraries_are_known_by_their_names_and_versions_only() -> None:
    one = layers.digest_of([("Tooth_Fairy", "2.0"), ("a.b", "1"), ("praxisd", "9"), ("pip", "23")])
    assert one == layers.digest_of([("a-b", "1"), ("tooth-fairy", "2.0"), ("setuptools", "1")])
    assert one != layers.digest_of([("a-b", "1"), ("tooth-fairy", "2.1")])
    assert layers.digest_here() == layers.digest_here()


def test_a_layer_whose_interpreter_is_gone_is_none(here: Path) -> None:
    digest = guarded.script_layer(here)
    assert layers.find(here, digest) is not None
    file = Places(here).layers / digest[:16] / "layer.json"
    file.write_text(json.dumps({"digest": digest, "python": "/nowhere/python"}))
    assert layers.find(here, digest) is None
    assert layers.find(here, "../../etc") is None


def _wheel(folder: Path, name: str, version: str) -> None:
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{each},,\n" for each in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for each, text in files.items():
            archive.writestr(each, text)


@pytest.mark.slow
def test_a_new_layer_is_made_of_wheels_without_a_network_and_goes_when_nobody_needs_it(here: Path) -> None:
    wheels = here / "wheels"
    _wheel(wheels, "tooth", "2.0")
    (here / "requirements.txt").write_text("tooth==2.0\n")
    digest = layers.digest_of([("tooth", "2.0")])
    made = layers.make(here, digest, wheels, here / "requirements.txt")
    assert layers.find(here, digest) == made
    done = subprocess.run(
        [made.python, "-c", "import tooth; print(tooth.VERSION)"], capture_output=True, text=True
    )
    assert done.stdout == "2.0\n"
    layers.prune(here, {digest})
    assert layers.find(here, digest) == made
    layers.prune(here, set())
    assert layers.find(here, digest) is None
    assert layers.find(here, guarded.DIGEST) is not None  # it only names another interpreter


@pytest.mark.parametrize("fault", ["other libraries", "tools"])
def test_a_layer_that_is_not_what_was_announced_is_none(
    here: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def run(*line: str) -> str:
        if fault == "tools" and "install" in line:
            raise layers.Failed("no matching distribution")
        return '[["tooth", "2.1"], ["pip", "23"]]'

    monkeypatch.setattr(layers, "_run", run)
    with pytest.raises(layers.Failed):
        layers.make(here, layers.digest_of([("tooth", "2.0")]), here, here / "requirements.txt")
    assert os.listdir(Places(here).layers) == [guarded.DIGEST[:16]]
    if fault != "tools":
        made = layers.make(here, layers.digest_of([("tooth", "2.1")]), here, here / "requirements.txt")
        assert made.digest == layers.digest_of([("tooth", "2.1")])


def test_files_are_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    durable.put(tmp_path / "a", b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        durable.put(tmp_path / "a", b"new")
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_no_link_beside_a_file_is_followed(tmp_path: Path) -> None:
    """Root writes into a folder of the service's user, who could name the draft beforehand."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"of root")
    room = tmp_path / "home"
    room.mkdir()
    (room / f".a.{os.getpid()}.new").symlink_to(secret)
    durable.put(room / "a", b"new")
    assert secret.read_bytes() == b"of root"
    assert not (room / "a").is_symlink() and (room / "a").read_bytes() == b"new"
    assert os.listdir(room) == ["a"]


def test_the_standin_is_only_wanted_while_the_link_was_up(here: Path) -> None:
    told = home.read(here)
    assert told is not None
    note = told.data / "run" / "standin.json"
    assert places.standin_command(here) is None
    note.parent.mkdir()
    note.write_text("{}")
    assert places.standin_command(here) is None  # this version has no such program
    program = Places(here).program("1.0") / "praxisd_relay"
    program.mkdir()
    (program / "standin.py").write_text("")
    assert places.standin_command(here) == [
        versions.python(here, "1.0"), "-P", "-m", "praxisd_relay.standin", str(note),
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "good"), [("1.0", True), ("2026.11.27+g1-x_y", True), ("", False), ("-1", False),
                                             ("a/b", False), ("..", False), ("1.", False), ("a" * 65, False)])  # fmt: skip
def test_names_of_versions(name: str, good: bool) -> None:
    assert places.valid_version(name) is good
