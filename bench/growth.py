"""How costs grow: appointments 10^3 to 10^6, columns 1 to 500, practices 1 to 200, seats 1 to 1,000; `python -m bench growth`.

Each point is the processor time of the server per question (by the scheduler's nanoseconds), so that other work on the machine
disturbs it least; the clock stands beside it. Slopes are fitted on logarithms: 0 does not grow, 1 grows as the size does.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bench import growth_base, growth_seats, load, programs, report
from bench.growth_base import Grown, Size

Say = Callable[[str], None]
STARTS = 3
ASKED, BOOKED = 60, 100
_IDLE_S = 10.0
_CALM, _CALM_S, _PATIENCE_S = 0.02, 1.0, 40.0
"""A server is asked once it uses at most this share of a core for a second, or after so many seconds."""


class Sizes(NamedTuple):
    """The points of each curve."""

    appointments: Sequence[int]
    columns: Sequence[int]
    practices: Sequence[int]
    seats: Sequence[int]


FULL = Sizes((1_000, 10_000, 100_000, 1_000_000), (1, 10, 100, 500), (1, 10, 50, 200), (1, 10, 100, 1_000))
SMALL = Sizes((1_000, 4_000, 16_000), (1, 4, 16), (1, 3, 9), (1, 4, 16))


def sizes(small: bool) -> Sizes:
    """As the issue asks, or small ones that take a minute."""
    return SMALL if small else FULL


class Cost(NamedTuple):
    """What one question costs: processor seconds of the server, and seconds by the clock."""

    cpu: float
    wall: float


Point = dict[str, Cost]
"""Costs by what is asked; `memory …` in megabytes (both fields)."""


class Client:
    """One connection to a server, and what its questions cost there."""

    def __init__(self, server: programs.Program, key: str) -> None:
        address = urlsplit(server.url)
        self._server = server
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=600)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(self, path: str, body: str | None = None) -> bytes:
        """The answer. Failed for all but 200 and 201."""
        self._connection.request("GET" if body is None else "POST", path, body, self._headers)
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status not in (200, 201):
            raise load.Failed(f"{answer.status} for {path}: {data[:300]!r}")
        return data

    def costs(
        self, asked: Sequence[tuple[str, str | None]], before: Callable[[], object] | None = None
    ) -> Cost:
        """Of one of these questions: the mean of the processor's, the median of the clock's. `before` each one is not counted."""
        took, cpu = [], 0.0
        for path, body in asked:
            if before is not None:
                before()
            used, began = self._server.busy_s(), time.perf_counter()
            self.ask(path, body)
            took.append(time.perf_counter() - began)
            cpu += self._server.busy_s() - used
        return Cost(cpu / len(asked), median(took))

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def measure(wanted: Sizes, say: Say, notes: list[str]) -> list[report.Curve]:
    """All curves. Filled practices are kept in the temporary folder for the day; what is there is not filled again."""
    curves: list[report.Curve] = []
    plans: list[tuple[str, str, list[tuple[int, Size]]]] = [
        (
            "growth: appointments",
            "appointments",
            [(n, Size(n, 20, max(100, n // 10))) for n in wanted.appointments],
        ),
        ("growth: columns", "columns", [(n, Size(n * 100, n, 300)) for n in wanted.columns]),
        ("growth: practices", "practices", [(n, Size(300, 4, 100, n)) for n in wanted.practices]),
    ]
    for part, along, plan in plans:
        points: list[tuple[int, Point]] = []
        for count, size in plan:
            folder = growth_base.place(along, size)
            points.append((count, _point(folder, growth_base.prepared(folder, size, say), along)))
            say(f"{part}: {count:,} done")
        curves += _curves(part, along, points)
    curves += growth_seats.measure(wanted.seats, say)
    notes.append(
        "appointments: 20 columns, a patient to ten appointments, history of up to 18 years; columns: 100 appointments each; "
        "practices: 4 columns and 300 appointments each, the first one is asked"
    )
    return curves


def _point(folder: Path, made: Grown, along: str) -> Point:
    """All costs of one size."""
    found: Point = {}
    starts = []
    for _ in range(STARTS):
        with programs.praxisd(folder) as one:
            starts.append(Cost(one.cpu_s(), one.ready_s))
    found["start"] = Cost(median(one.cpu for one in starts), median(one.wall for one in starts))
    with programs.praxisd(folder) as server:
        client = Client(server, made.keys[0])
        found["memory when ready"] = Cost(server.memory_mb(), server.memory_mb())
        _calm(server)
        client.ask(next(_slots(made, 0)))
        found["slots, nothing changed"] = client.costs([(one, None) for one in _some(_slots(made, 1), ASKED)])
        since = json.loads(client.ask("/api/v1/appointments?limit=1"))["cursor"].partition(".")[0][1:]
        found["booking"] = client.costs(
            [("/api/v1/appointments", one) for one in growth_base.bodies(made, BOOKED)]
        )
        fresh = growth_base.bodies(made, ASKED)
        found["slots after a booking"] = client.costs(
            [(one, None) for one in _some(_slots(made, 1 + ASKED), ASKED)],
            before=lambda: client.ask("/api/v1/appointments", next(fresh)),
        )
        view = json.dumps(
            {
                "from": growth_base.rfc3339(growth_base.instant(8)),
                "to": growth_base.rfc3339(growth_base.instant(9)),
            }
        )
        found["day view"] = client.costs([("/api/v1/calendar/view", view)] * ASKED)
        found["change feed, newest 100"] = client.costs(
            [(f"/api/v1/appointments?since=e{since}", None)] * ASKED
        )
        found["change feed, first page"] = client.costs([("/api/v1/appointments", None)] * ASKED)
        if along == "appointments":
            found |= _patients(client)
        growth_base.keep(folder, made)
        if along == "practices":
            time.sleep(1.0)
            used = server.busy_s()
            time.sleep(_IDLE_S)
            idle = (server.busy_s() - used) / _IDLE_S
            found["idle, per second"] = Cost(max(idle, growth_seats.LEAST_S), max(idle, growth_seats.LEAST_S))
        found["memory after these questions"] = Cost(server.memory_mb(), server.memory_mb())
        client.close()
    return found


def _calm(server: programs.Program) -> None:
    """Wait until it has done what each server does after its start: jobs that are due, checks."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        used = server.busy_s()
        time.sleep(_CALM_S)
        if server.busy_s() - used <= _CALM * _CALM_S:
            return


def _patients(client: Client) -> Point:
    """Somebody who exists once, and 50 of those whose name begins with two letters."""

    def search(name: str) -> tuple[str, str]:
        return "/api/v1/patients/search", json.dumps({"text": name})

    for number in (3, 7):
        got = json.loads(client.ask(*search(growth_base.family(number))))["patients"]
        if len(got) != 1:
            raise load.Failed(f"{len(got)} patients instead of one")
    return {
        "patient search, one fits": client.costs([search(growth_base.family(n)) for n in range(ASKED)]),
        "patient search, many fit": client.costs([search(growth_base.family(n)[:2]) for n in range(26)]),
    }


def _slots(made: Grown, first: int) -> Iterator[str]:
    """Questions for four weeks, each another second, so that no answer is kept."""
    until = growth_base.rfc3339(growth_base.instant(growth_base.WINDOW_DAYS + 1))
    begin, second = growth_base.instant(1), first
    while True:
        yield f"/api/v1/slots?service={made.service}&from={growth_base.rfc3339(begin + second)}&to={until}"
        second += 1


def _some(questions: Iterator[str], count: int) -> Iterator[str]:
    for _ in range(count):
        yield next(questions)


def _curves(part: str, along: str, points: Sequence[tuple[int, Point]]) -> Iterator[report.Curve]:
    for name in points[-1][1]:
        costs: list[tuple[int, Cost]] = [(size, one[name]) for size, one in points]
        memory = name.startswith("memory")
        yield report.Curve(
            part=part,
            name=name,
            along=along,
            unit="MB resident" if memory else "ms of processor time",
            points=[(float(size), max(one.cpu, 1e-6) * (1 if memory else 1_000)) for size, one in costs],
            clock=[] if memory else [one.wall for _, one in costs],
            note=NOTES.get(name, ""),
        )


NOTES: dict[str, Any] = {
    "slots, nothing changed": "four weeks, a type that any of the columns can take, up to 200 times; no answer kept",
    "slots after a booking": "the same, each time after a booking, which is not counted",
    "booking": "REST, by key; any of the columns may take it",
    "day view": "one day of the console's calendar, two appointments in each column",
    "change feed, first page": "without a cursor: the first 100 of all",
    "patient search, one fits": "by the whole family name",
    "patient search, many fit": "50 of those whose name begins so",
    "idle, per second": "nobody asks anything; below 1 ms counts as 1",
    "start": "exec to `ready`, migrated before",
}
