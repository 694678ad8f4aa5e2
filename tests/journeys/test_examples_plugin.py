"""The example plug-in: its own tests pass as its author runs them; a real server loads it, uses it, and goes on without it."""

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel import plugin_places
from praxisd.testing.plugin_wheel import pack
from praxisd.testing.programs import Client, command, running

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugin"
READINGS = "/api/v1/fridge/readings"
LONG_S = 60


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(EXAMPLE, tmp_path_factory.mktemp("wheel"))


def test_its_own_tests_pass_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    """Installed as pip does it: unpacked on the path of modules, found by its entry point."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    shutil.copytree(EXAMPLE / "tests", tmp_path / "author" / "tests")
    shutil.copy(EXAMPLE / "pyproject.toml", tmp_path / "author")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST"):
        environment.pop(name, None)
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests"]
    done = subprocess.run(line, cwd=tmp_path / "author", env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout and "skipped" not in done.stdout and "failed" not in done.stdout


def found(folder: Path, code: str, lang: str = "de") -> list[dict[str, Any]]:
    """The open issues of a code."""
    issues = command("doctor", "--json", "--lang", lang, folder=folder).json["issues"]
    return [one for one in issues if one["code"] == code]


def ran(folder: Path, job: str) -> dict[str, Any]:
    """Run a job now; its newest run once it has ended."""
    assert command("jobs", "run", job, folder=folder).code == 0
    until = time.monotonic() + LONG_S
    while time.monotonic() < until:
        runs = command("jobs", "log", job, "--json", folder=folder).json["runs"]
        if runs and runs[0]["endedAt"]:
            return dict(runs[0])
        time.sleep(0.2)
    raise AssertionError(f"{job} does not end")


def ask(client: Client, method: str, path: str, status: int, body: Any = None) -> Any:
    got, answer = client.call(method, path, body)
    assert got == status, answer
    return answer


def test_a_server_with_it_and_without_it(wheel: Path, filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(filled, folder)
    key = json.loads((folder / "access.json").read_text(encoding="utf-8"))["desk_key"]
    plugin_places.put(folder, "fridge", "1.0", wheel)  # what an update with a signed plug-in does
    with running(folder) as server:
        desk = server.client(key)
        warm = ask(desk, "POST", READINGS, 201, {"celsius": 9.5, "by": "Anna"})
        assert ask(desk, "GET", READINGS, 200)["readings"] == [warm]
        (page,) = [
            one for one in ask(desk, "GET", "/api/v1/console", 200)["pages"] if one["name"] == "fridge"
        ]
        assert (page["title"], page["listing"], page["form"]["path"]) == (
            "Kühlschrank",
            "fridge.readings",
            "/fridge/readings",
        )
        fields = [(one["key"], one["kind"], one["required"]) for one in page["form"]["fields"]]
        assert fields == [("celsius", "number", True), ("by", "text", False)]
        (issue,) = found(folder, "fridge.too_warm")
        assert issue["severity"] == "error" and "9.5 °C" in issue["cause"]
        (issue,) = found(folder, "fridge.too_warm", "en")
        assert issue["title"] == "The refrigerator is too warm"
        assert "fridge.temperature" in command("doctor", "--explain", "fridge.too_warm", folder=folder).out
        assert command("settings", "set", "fridge.highest", "10", folder=folder).code == 0
        assert found(folder, "fridge.too_warm") == []
        run = ran(folder, "fridge.tidy")
        assert run["state"] == "success" and run["counts"] == {"forgotten": 0}
    assert command("plugins", "remove", "fridge", "--yes", folder=folder).code == 0
    with running(folder) as server:
        desk = server.client(key)
        ask(desk, "GET", READINGS, 404)
        ask(desk, "GET", "/api/v1/healthcare-services", 200)
        assert [one["subject"] for one in found(folder, "store.service_missing")] == ["fridge"]
    plugin_places.put(folder, "fridge", "1.0", wheel)
    with running(folder) as server:
        assert ask(server.client(key), "GET", READINGS, 200)["readings"] == [warm], "nothing was lost"
