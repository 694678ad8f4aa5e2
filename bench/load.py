"""Load by wrk (one thread, on the other core), and what it says, as numbers."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bench.programs import Program, need_wrk

_SCRIPT = Path(__file__).with_name("load.lua")


class Loaded(NamedTuple):
    """One round: finished requests, per second of the wall clock, server µs per request, bytes per answer."""

    requests: int
    per_s: float
    cpu_us: float
    answer_bytes: float


class Failed(RuntimeError):
    """Requests failed, or were answered with 4xx or 5xx: then there is nothing to compare."""


def write_requests(file: Path, lines: Iterable[str]) -> Path:
    """The requests of a round, one per line as `load.lua` reads them."""
    file.write_text("".join(line + "\n" for line in lines))
    return file


def line(path: str, key: str, *headers: str, body: str | None = None) -> str:
    """One request with a key; a body makes it a POST of JSON."""
    parts = [path if body is None else f"POST {path}", f"Authorization: Bearer {key}", *headers]
    if body is not None:
        parts += ["Content-Type: application/json", "=" + body]
    return "\t".join(parts)


def run(
    server: Program, requests: Path, seconds: float, connections: int = 16, first: int = 0, core: int = 1
) -> Loaded:
    """Load `server` for so long; `first` is the line to begin with. Raises Failed if not all were answered well."""
    command = ["taskset", "-c", str(core), need_wrk(), "-t1", f"-c{connections}", f"-d{seconds:g}s"]
    command += ["--timeout", "20s", "-s", str(_SCRIPT), server.url, "--", str(requests), str(first)]
    before = server.cpu_s()
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    spent = server.cpu_s() - before
    told = next((one for one in done.stdout.splitlines() if one.startswith("RESULT ")), None)
    if told is None:
        raise Failed(done.stdout + done.stderr)
    count, micros, size, refused, broken = map(int, told.split()[1:])
    if refused or broken or not count:
        raise Failed(f"{count} requests, {refused} refused, {broken} broken connections")
    return Loaded(count, count / (micros / 1e6), spent / count * 1e6, size / count)
