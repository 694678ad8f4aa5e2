"""What each part found last, kept as `bench/results/<part>.json`: when, at which commit, how busy the machine was."""

import os
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from bench import report

FOLDER = Path(__file__).with_name("results")
QUIET = 0.05
"""At most this share of all processors may others use, just before and just after a part, for it to count as quiet."""
_LOOK_S = 3.0
State = Literal["quiet", "busy"]


class Result(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """One part's last run. `others`: share of the processors that others used just before and after. `entered`: where it was
    taken from, if it was not measured by the command that keeps it. `skipped`: why there is nothing.
    """

    part: str
    measured: str
    commit: str
    machine: str
    state: State
    load: str = ""
    others: tuple[float, float] | None = None
    seconds: float = 0.0
    command: str = ""
    entered: str = ""
    skipped: str = ""
    rows: list[report.Row] = []
    curves: list[report.Curve] = []
    notes: list[str] = []

    @property
    def missed(self) -> list[report.Row]:
        """Rows whose demand is not met."""
        return [one for one in self.rows if one.met is False]


def keep(result: Result, folder: Path = FOLDER) -> Path:
    """Write it down in place of the one before; a crash leaves the old one whole."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{result.part}.json"
    beside = file.with_suffix(".new")
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    beside.replace(file)
    return file


def kept(folder: Path = FOLDER) -> dict[str, Result]:
    """All results by part. ValueError with the file's name for one that cannot be read."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        try:
            one = msgspec.json.decode(file.read_bytes(), type=Result)
        except msgspec.MsgspecError as error:
            raise ValueError(f"{file}: {error}") from None
        found[one.part] = one
    return found


def commit() -> str:
    """The commit that is measured, with a word if the measured files differ from it."""
    try:
        head = _git("rev-parse", "--short=9", "HEAD").strip()
        changed = _git("status", "--porcelain", "--", "src", "bench/*.py", "uv.lock").strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head} and changes" if changed else head


def _git(*words: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _busy() -> float:
    """Processor seconds all programs have used so far."""
    ticks = [int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf(
        "SC_CLK_TCK"
    )  # less idle, and waiting for the disk


def others(seconds: float = _LOOK_S) -> float:
    """Share of all processors that other programs use just now; this one sleeps meanwhile."""
    before, began = _busy(), time.perf_counter()
    time.sleep(seconds)
    return (_busy() - before) / (time.perf_counter() - began) / (os.cpu_count() or 1)


def load() -> str:
    """The three load averages."""
    return ", ".join(f"{one:.1f}" for one in os.getloadavg())


def state(before: float, after: float) -> State:
    """Whether the machine was left to the bench, as far as can be seen at both ends."""
    return "quiet" if max(before, after) <= QUIET else "busy"


def now() -> str:
    """Date and minute of the machine's clock."""
    return f"{datetime.now():%Y-%m-%d %H:%M}"
