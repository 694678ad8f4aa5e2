"""What practices install: the wheel carries the console, every script packed beside itself, and nothing of its sources."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_carries_the_console(tmp_path: Path) -> None:
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "wheel",
        "--no-deps",
        "-q",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    done = subprocess.run(pip, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = tmp_path.glob("praxisd-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    console = {
        one.removeprefix("praxisd/web/console/") for one in names if one.startswith("praxisd/web/console/")
    }
    assert "index.html" in console
    scripts = {one for one in console if one.endswith(".js")}
    assert any(one.startswith("assets/CalendarPage-") for one in scripts)
    large = {
        one
        for one in scripts
        if zipfile.ZipFile(wheel).getinfo(f"praxisd/web/console/{one}").file_size > 2_000
    }
    assert large and {f"{one}{packed}" for one in large for packed in (".br", ".gz")} <= console
    assert not any(one.startswith(("ui/", "tests/", "node_modules/")) for one in names)
