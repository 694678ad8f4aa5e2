"""Availability beside pretix (PyPI): which of the next 50 times are free, of the same calendar facts, each by its own REST API.

What is alike: the times that are asked for (each half-hour of the opening hours of four weeks), how many places there are at each
(8: the rooms) and how many of them are taken by our calendar's appointments; both answer 50 times a question, check an API key,
run on SQLite as one process on core 0 while the client sits on core 1; neither keeps an answer (ours is asked from another second
each time, pretix's cache of quotas has no Redis, as it comes).

What is not: pretix sells places of dates that somebody made before, and counts what is sold; ours works out free times of twelve
doctors *and* eight rooms with opening hours, buffers and lead times from appointments: it has more to do, and says who is free.
pretix is Django behind gunicorn with one synchronous worker; its answer about a date has more fields (names, places, prices).
"""

import http.client
import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import growth_base, load, peer_env, practice, programs, report, slots

VERSION = "2026.8.0"
PACKAGES = (f"pretix=={VERSION}", "gunicorn==27.0.1")
PAGE = 50
"""pretix answers at most so many."""
PLACES = practice.ROOMS
DEMANDED = 10.0
_PATH = "/api/v1/organizers/praxis/events/kontrolle/subevents/?with_availability_for=web&page_size=50&page={}"
_OURS = 4_000


def measure(
    made: practice.Filled, folder: Path, room: Path, rounds: int, seconds: int, say: Callable[[str], None], notes: list[str]
) -> list[report.Row]:  # fmt: skip
    """Rounds in turns on a copy of the filled practice; rows of rates, with the ratio of processor time beside it."""
    there = peer_env.need(f"pretix-{VERSION}", PACKAGES)
    times = list(_times(made, folder))
    with ExitStack() as stack:
        peer, token = stack.enter_context(_pretix(there, room, times, say))
        ours = stack.enter_context(programs.praxisd(folder))
        counts = _checked(peer.url, token)
        alike = _checked_ours(ours.url, made)
        theirs_file = load.write_requests(
            room / "pretix.txt",
            (f"{_PATH.format(1 + n % 4)}\tAuthorization: Token {token}" for n in range(400)),
        )
        # `to` lies in the distance of the same four pages: each question is new to ours, none to pretix.
        ours_file = load.write_requests(room / "ours.txt", _questions(made))
        found: dict[str, list[load.Loaded]] = {"ours": [], "pretix": []}
        for number in range(rounds):
            found["pretix"].append(load.run(peer, theirs_file, seconds, connections=4))
            found["ours"].append(load.run(ours, ours_file, seconds, connections=4, first=number * 500))
            say(f"pretix: round {number + 1} of {rounds}")
        memory = (ours.memory_mb(), peer.memory_mb())
    mine, theirs = found["ours"], found["pretix"]
    notes.append(
        f"pretix: {peer_env.versions(there, ('pretix', 'django', 'gunicorn'))}; {len(times)} dates, {counts} of the first {PAGE} "
        f"with a free place (ours: {alike} free times); bytes an answer: ours {mine[0].answer_bytes:,.0f}, pretix "
        f"{theirs[0].answer_bytes:,.0f}; processor time an answer: ours {mine[0].cpu_us / 1e3:.2f} ms, pretix "
        f"{theirs[0].cpu_us / 1e3:.1f} ms; resident: ours {memory[0]:.0f} MB, pretix's worker and master {memory[1]:.0f} MB"
    )
    return [
        report.row(
            "availability: times as many answers as pretix",
            f"{PAGE} times, 4 connections",
            [one.per_s for one in mine],
            [one.per_s for one in theirs],
            cpu=([one.cpu_us for one in mine], [one.cpu_us for one in theirs]),
            demanded=DEMANDED,
            note="SQLite, one process, one core each; by cpu: processor time an answer",
        )
    ]


def _questions(made: practice.Filled) -> Iterator[str]:
    for number, path in enumerate(slots.cold(made)[:_OURS]):
        yield load.line(f"{path}&limit={PAGE}", made.keys[number % len(made.keys)])


def _times(made: practice.Filled, folder: Path) -> Iterator[dict[str, Any]]:
    """Each half-hour of the next four weeks, and how many of the eight rooms have something then, buffers included."""
    marks = ",".join("?" * len(made.rooms))
    asked = f'SELECT count(DISTINCT schedule) FROM calendar_busy WHERE schedule IN ({marks}) AND start < ? AND "end" > ?'
    with closing(sqlite3.connect(folder / "praxisd.db")) as base:
        for ahead in range(1, slots.DAYS + 1):
            for minute in growth_base.HALF_HOURS:
                start = growth_base.instant(ahead, minute)
                if datetime.fromtimestamp(start, practice.ZONE).isoweekday() < 6:
                    taken = base.execute(asked, (*made.rooms, start + 2_100, start - 300)).fetchone()[0]
                    begin, end = (
                        datetime.fromtimestamp(at, UTC).isoformat() for at in (start, start + 1_800)
                    )
                    yield {"start": begin, "end": end, "taken": taken}


class _Workers(programs.Program):
    """gunicorn: the master and its one worker count together."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.process, self.url, self.ready_s = process, url, 0.0

    def _pids(self) -> list[int]:
        task = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [self.pid, *map(int, task.read_text().split())]

    def cpu_s(self) -> float:
        """Processor time of both."""
        return sum(programs.cpu_of(pid) for pid in self._pids())

    def memory_mb(self) -> float:
        """Resident memory of both; pages they share count twice."""
        return sum(programs.memory_of(pid) for pid in self._pids())


@contextmanager
def _pretix(
    there: Path, room: Path, times: list[dict[str, Any]], say: Callable[[str], None]
) -> Iterator[tuple[_Workers, str]]:
    """A filled pretix behind gunicorn on core 0; its server and a token."""
    data = room / "data"
    data.mkdir()
    config = room / "pretix.cfg"
    config.write_text(
        f"[pretix]\ndatadir={data}\nurl=http://127.0.0.1\n[django]\ndebug=off\n[database]\nbackend=sqlite3\n"
    )
    around = {**os.environ, "PRETIX_CONFIG_FILE": str(config), "DJANGO_SETTINGS_MODULE": "pretix.settings"}
    around.pop("PYTHONPATH", None)
    python = there / "python"
    empty, base = there.parent / "migrated.sqlite3", data / "db.sqlite3"
    if empty.exists():
        shutil.copyfile(empty, base)
    say("pretix: making its database, some minutes the first time")
    _ran([python, "-m", "pretix", "migrate", "--verbosity", "0"], room, around)
    if not empty.exists():
        shutil.copyfile(base, empty.with_suffix(".new"))
        empty.with_suffix(".new").replace(empty)
    say(f"pretix: filling it with {len(times)} dates and {sum(one['taken'] for one in times)} orders")
    told = json.dumps({"places": PLACES, "times": times})
    fill = Path(__file__).with_name("peer_pretix_fill.py")
    token = _ran([python, fill], room, around, told).strip().splitlines()[-1]
    port = programs.free_port()
    command = [
        "taskset",
        "-c",
        "0",
        there / "gunicorn",
        "pretix.wsgi",
        "--workers",
        "1",
        "--bind",
        f"127.0.0.1:{port}",
    ]
    with (room / "gunicorn.log").open("wb") as log:
        process = subprocess.Popen(
            [str(one) for one in [*command, "--keep-alive", "30", "--timeout", "300"]],
            stdout=log, stderr=log, cwd=room, env=around, text=True,
        )  # fmt: skip
    server = _Workers(process, f"http://127.0.0.1:{port}")
    try:
        until = time.monotonic() + programs.PATIENCE_S
        while not _answers(server.url, token):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"pretix did not start: {(room / 'gunicorn.log').read_text()[-1500:]}")
            time.sleep(0.5)
        yield server, token
    finally:
        server.stop()


def _ran(command: list[Any], room: Path, around: dict[str, str], told: str = "") -> str:
    done = subprocess.run(
        [str(one) for one in command], input=told, capture_output=True, text=True, cwd=room, env=around
    )
    if done.returncode:
        raise SystemExit(f"pretix: {command[-1]} failed: {done.stderr[-1500:]}")
    return done.stdout


def _ask(url: str, path: str, key: str) -> tuple[int, bytes]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=300)
    with closing(connection):
        connection.request("GET", path, headers={"Authorization": key})
        answer = connection.getresponse()
        return answer.status, answer.read()


def _answers(url: str, token: str) -> bool:
    try:
        return _ask(url, _PATH.format(1), f"Token {token}")[0] == 200
    except OSError:
        return False


def _checked(url: str, token: str) -> int:
    """How many of pretix's first 50 dates are free; Failed for an answer without that."""
    status, data = _ask(url, _PATH.format(1), f"Token {token}")
    dates = json.loads(data)["results"]
    if status != 200 or len(dates) != PAGE or any("best_availability_state" not in one for one in dates):
        raise load.Failed(f"pretix answered {status}: {data[:300]!r}")
    return sum(one["best_availability_state"] == 100 for one in dates)


def _checked_ours(url: str, made: practice.Filled) -> int:
    status, data = _ask(url, f"{slots.question(made, 1)}&limit={PAGE}", f"Bearer {made.keys[0]}")
    found = json.loads(data).get("slots", [])
    if status != 200 or len(found) != PAGE:
        raise load.Failed(f"ours answered {status}: {data[:300]!r}")
    return len(found)
