"""A day of the console's calendar over HTTP: 3,000 appointments in 20 columns, beside a day without any."""

import http.client
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as wall
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from bench import load, practice, programs, report
from praxisd.kernel.store import Tx
from praxisd.services.calendar import api as calendar

FULL = 3_000
DEMANDED = 20
"""At most so many times the price of an empty day."""
_MINUTES = 5
_BEGIN = 7
_ASKS = 15
_PATH = "/api/v1/calendar/view"


def sundays(made: practice.Filled) -> tuple[int, int]:
    """Days ahead of two Sundays of the far future on which nobody else has an appointment."""
    first = 400
    on = datetime.now(practice.ZONE).date()
    while (on + timedelta(days=first)).isoweekday() != 7:
        first += 1
    return first, first + 7


def _instant(ahead: int, minutes: int = 0) -> int:
    on = datetime.now(practice.ZONE).date() + timedelta(days=ahead)
    return int(datetime.combine(on, wall(), practice.ZONE).timestamp()) + minutes * 60


def crowd(made: practice.Filled, folder: Path, ahead: int) -> None:
    """Book 3,000 appointments on one day of the folder's calendar, in all columns, one after the other."""
    house = practice.opened(folder)
    columns = [*made.doctors, *made.rooms]
    each = FULL // len(columns)

    def work(tx: Tx, place: int) -> None:
        for number in range(each):
            start = _instant(ahead, _BEGIN * 60 + number * _MINUTES)
            wish = calendar.Wish(
                service=None,
                start=start,
                end=start + _MINUTES * 60,
                schedules=(columns[place],),
                patient=made.patients[(number * 7 + place) % len(made.patients)],
                outside_hours=True,
            )
            calendar.book(house, tx, wish)

    try:
        for place in range(len(columns)):
            house.store.run(made.desk, lambda tx, place=place: work(tx, place))
    finally:
        house.store.close()


class _Person:
    """One browser: a connection that asks for days, one after the other."""

    def __init__(self, server: programs.Program, key: str) -> None:
        address = urlsplit(server.url)
        self._server = server
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=20)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(self, ahead: int) -> tuple[int, int]:
        """Appointments and bytes of the day so many days ahead."""
        begin, end = (datetime.fromtimestamp(_instant(n), UTC).isoformat() for n in (ahead, ahead + 1))
        self._connection.request("POST", _PATH, json.dumps({"from": begin, "to": end}), self._headers)
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise load.Failed(f"{answer.status} for {_PATH}: {data[:200]!r}")
        return data.count(b'"patient":'), len(data)

    def timed(self, ahead: int) -> tuple[float, float]:
        """(wall seconds, processor seconds of the server) of one ask, the medians and means of some."""
        before, took = self._server.cpu_s(), []
        for _ in range(_ASKS):
            began = time.perf_counter()
            self.ask(ahead)
            took.append(time.perf_counter() - began)
        return median(took), (self._server.cpu_s() - before) / _ASKS

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def measure(
    made: practice.Filled, folder: Path, rounds: int, say: Callable[[str], None], notes: list[str]
) -> list[report.Row]:
    """Interleaved rounds on a copy of the practice, in which one Sunday is crowded and another is empty."""
    full, empty = sundays(made)
    crowd(made, folder, full)
    found: dict[int, list[tuple[float, float]]] = {full: [], empty: []}
    with programs.praxisd(folder) as server:
        person = _Person(server, made.keys[0])
        (count, size), (none, _) = person.ask(full), person.ask(empty)
        if (count, none) != (FULL, 0):
            raise load.Failed(f"{count} and {none} appointments instead of {FULL} and 0")
        for _ in range(rounds + 1):
            for ahead, figures in found.items():
                figures.append(person.timed(ahead))
        person.close()
    say("view: done")
    crowded, quiet = found[full][1:], found[empty][1:]  # the first round warms up
    took = [median(wall_ for wall_, _ in one) * 1000 for one in (crowded, quiet)]
    notes.append(
        f"a day of {FULL} appointments, {size // 1000} kB, was answered in {took[0]:.0f} ms on this machine just now, "
        f"an empty one in {took[1]:.1f} ms (medians)"
    )
    row = report.row(
        "view: one day in the console's calendar",
        f"{FULL} appointments : none",
        [wall_ for wall_, _ in crowded],
        [wall_ for wall_, _ in quiet],
        cpu=([1 / cpu for _, cpu in crowded], [1 / max(cpu, 1e-4) for _, cpu in quiet]),
        demanded=DEMANDED,
        most=True,
        note=f"20 columns, names of patients included; in a practice with {made.appointments} appointments besides",
    )
    return [row]
