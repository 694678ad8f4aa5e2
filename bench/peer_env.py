"""Environments of peers from PyPI, each of its own below a cache folder outside of the project, with versions pinned.

`PRAXISD_BENCH_CACHE` names the folder, else `~/.cache/praxisd-bench`. Nothing of them is committed, and nothing of ours is there.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_PIP = ("install", "--quiet", "--disable-pip-version-check")


def home(name: str) -> Path:
    """Where this environment lies, or would lie."""
    above = os.environ.get("PRAXISD_BENCH_CACHE")
    return (Path(above) if above else Path.home() / ".cache" / "praxisd-bench") / name


def need(name: str, packages: Sequence[str]) -> Path:
    """The folder of its programs (`bin`), made at the first use; SystemExit with pip's last words where that fails.

    `packages` are pinned requirements. What was cut short is begun anew.
    """
    place = home(name)
    done = place / "installed.txt"
    wanted = "\n".join(packages) + "\n"
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        for command in ([sys.executable, "-m", "venv", place], [place / "bin" / "pip", *_PIP, *packages]):
            ran = subprocess.run([str(one) for one in command], capture_output=True, text=True)
            if ran.returncode:
                said = [one for one in ran.stderr.splitlines() if one.strip() and "WARNING" not in one]
                raise SystemExit(
                    f"{packages[0]} does not install on this Python: {' '.join(said[-3:])[-600:]}"
                )
        done.write_text(wanted, encoding="utf-8")
    return place / "bin"


def versions(programs: Path, names: Sequence[str]) -> str:
    """Which versions are there."""
    command = [str(programs / "pip"), "list", "--format", "freeze", "--disable-pip-version-check"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.lower().splitlines()
    found = dict(one.split("==", 1) for one in listed if "==" in one)
    return ", ".join(f"{name} {found.get(name, 'missing')}" for name in names)
