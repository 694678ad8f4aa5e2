"""The clients of the relay's measurement, in C: wrk for requests and connections, curl for downloads, both with TLS and SNI."""

import contextlib
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.load import Failed
from bench.programs import need_wrk
from bench.relay_origin import BULK_MB
from bench.relay_peers import Way
from bench.relay_programs import debian

_LONGER = 1.1
_SCRIPT = Path(__file__).with_name("relay_load.lua")


@dataclass(frozen=True)
class Cost:
    """`rate`: requests, connections or MB per second. `cpu_us`: of the relay's program for each; 0 where there is none."""

    rate: float
    cpu_us: float = 0.0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    failed: float = 0.0
    """Share of those that failed."""


def disturbed(ours: Sequence[Cost], theirs: Sequence[Cost]) -> str:
    """What is to be said where the longer way was the quicker one: then the figure decides nothing. "" otherwise."""
    found = median(a.rate / b.rate for a, b in zip(ours, theirs, strict=True))
    return (
        ""
        if found <= _LONGER
        else "the longer way cannot be quicker: others were at work on the cores, no judgement"
    )


def requests(way: Way, seconds: float, connections: int = 16, *, close: bool = False) -> Cost:
    """Small requests over kept connections, or each over a new one (a whole TLS handshake: tickets are off)."""
    url = f"https://{way.host}:{way.port}/small"
    command = [need_wrk(), "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "20s"]
    command += ["-s", str(_SCRIPT), url, "--", "close" if close else "keep"]
    before = _cpu(way)
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    spent = _cpu(way) - before
    told = next((one for one in done.stdout.splitlines() if one.startswith("RESULT ")), None)
    if told is None:
        raise Failed(done.stdout + done.stderr)
    count, micros, _, refused, broken, p50, p95 = map(int, told.split()[1:])
    if not count:
        raise Failed(f"{way.name}: nothing was answered, {refused} refused, {broken} broken connections")
    share = (refused + broken) / (count + broken)
    return Cost(count / (micros / 1e6), spent / count * 1e6, p50 / 1000, p95 / 1000, share)


def download(way: Way, side_by_side: int = 1) -> Cost:
    """100 MB each, so many at once, over connections of their own; `failed` counts those that did not come whole."""
    before, began = _cpu(way), time.perf_counter()
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(_curl(way, 120)) for _ in range(side_by_side)]
        sizes = [json.loads(one.communicate()[0] or "0") for one in running]
    took, spent = time.perf_counter() - began, _cpu(way) - before
    whole = sum(size == BULK_MB * 1_000_000 for size in sizes)
    total = sum(sizes) / 1e6
    if not total:
        raise Failed(f"{way.name}: no byte of a download came")
    return Cost(total / took, spent / total * 1e6, failed=1 - whole / side_by_side)


def beside(way: Way, bulks: int, seconds: float, warm: float = 3.0) -> Cost:
    """Small requests, one after another, while `bulks` downloads run; `rate` is the downloads' MB/s.

    Where not one was answered within the time, the time itself is the latency: less than it was (`failed` is 1).
    """
    with contextlib.ExitStack() as stack:
        limit = warm + seconds
        running = [stack.enter_context(_curl(way, limit)) for _ in range(bulks)]
        time.sleep(warm)
        try:
            small = requests(way, seconds, 1)
        except Failed:
            small = Cost(0.0, p50_ms=seconds * 1000, p95_ms=seconds * 1000, failed=1.0)
        sizes = [json.loads(one.communicate()[0] or "0") for one in running]
    return Cost(sum(sizes) / 1e6 / limit, 0.0, small.p50_ms, small.p95_ms, small.failed)


def _curl(way: Way, seconds: float) -> subprocess.Popen[str]:
    program = debian("curl", "curl")
    if program is None:
        raise SystemExit("curl is needed: apt-get install curl")
    command = [
        program,
        "-sk",
        "--http1.1",
        "--resolve",
        f"{way.host}:{way.port}:127.0.0.1",
        "-o",
        "/dev/null",
    ]
    command += ["-w", "%{size_download}", "--max-time", f"{seconds:g}"]
    command.append(f"https://{way.host}:{way.port}/bulk")
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _cpu(way: Way) -> float:
    return 0.0 if way.relay is None else way.relay.cpu_s()
