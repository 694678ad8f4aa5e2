"""Reminders: verdicts on 100,000 appointments beside the plain reading of the same rows; writing printed separately.

The floor replays, in the same chunks and on the same connection, every statement that the dry run sent to the database,
and fetches the rows; it decodes nothing and decides nothing.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from bench import reminding, report
from praxisd.kernel.access import Actor
from praxisd.kernel.app import House
from praxisd.kernel.store import Tx
from praxisd.services.reminders import gathering, jobs, judging, preparing
from praxisd.services.reminders.conditions import conditions
from praxisd.services.reminders.rules import Candidate

DEMANDED = 4
"""At most so many times the price of reading the rows."""
CHUNK = 400
WRITES = 5_000
"""So many appointments are prepared for the figure of writing."""
_PART = "reminders: 100,000 appointments"


def dry(house: House, actor: Actor) -> Counter[str]:
    """The rules alone: a verdict on each appointment of the period, counted by reason."""
    found: Counter[str] = Counter()
    with house.store.read(actor) as tx:
        terms = conditions(house, tx, "reminder")
        ledge = judging.begin(tx, terms)
        for rows in judging.pages(tx, terms, CHUNK):
            verdicts, ledge = judging.verdicts(terms, gathering.appointments(tx, terms, rows), ledge)
            for one in verdicts:
                found["candidate" if isinstance(one, Candidate) else one.code] += 1
    return found


def texts(house: House, actor: Actor) -> int:
    """The dry run with all texts and prices, as the preview does it: how many messages."""
    number = 0
    with house.store.read(actor) as tx:
        terms = conditions(house, tx, "reminder")
        ledge = judging.begin(tx, terms)
        for rows in judging.pages(tx, terms, CHUNK):
            judged, ledge = judging.reminders(tx, terms, rows, ledge)
            number += sum(one.message is not None for one in judged)
    return number


def recorded(house: House, actor: Actor) -> list[tuple[str, Any]]:
    """Every statement the dry run sends, with its values."""
    sent: list[tuple[str, Any]] = []
    real = Tx._execute

    def noting(self: Tx, statement: Any, params: Any) -> Any:
        cursor = self._cursor
        self._open = _Noting(cursor, sent)
        try:
            real(self, statement, params)
        finally:
            self._open = cursor
        return cursor

    Tx._execute = noting  # type: ignore[method-assign]
    try:
        dry(house, actor)
    finally:
        Tx._execute = real  # type: ignore[method-assign]
    return sent


class _Noting:
    """A cursor that writes down what it is asked."""

    def __init__(self, cursor: Any, sent: list[tuple[str, Any]]) -> None:
        self._cursor, self._sent = cursor, sent

    def execute(self, sql: str, values: Any) -> Any:
        """Note it, and do it."""
        self._sent.append((sql, dict(values)))
        return self._cursor.execute(sql, values)


def floor(house: House, actor: Actor, sent: list[tuple[str, Any]]) -> int:
    """The same statements, the rows fetched; how many rows."""
    rows = 0
    with house.store.read(actor) as tx:
        cursor = tx._cursor
        for sql, values in sent:
            cursor.execute(sql, values)
            rows += len(cursor.fetchall())
    return rows


def _timed(call: Callable[[], Any]) -> tuple[float, float]:
    began, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - began, time.process_time() - cpu


def measure(rounds: int, say: Callable[[str], None], notes: list[str]) -> list[report.Row]:
    """Interleaved rounds on one practice, then the writing."""
    with tempfile.TemporaryDirectory(prefix="praxisd-bench-") as name:
        say(f"reminders: filling a practice with {reminding.APPOINTMENTS} appointments")
        house, actor = reminding.filled(Path(name))
        try:
            return _rounds(house, actor, rounds, say, notes)
        finally:
            house.store.close()


def _rounds(
    house: House, actor: Actor, rounds: int, say: Callable[[str], None], notes: list[str]
) -> list[report.Row]:
    found = dry(house, actor)
    if found.total() != reminding.APPOINTMENTS:
        raise RuntimeError(f"{found.total()} verdicts for {reminding.APPOINTMENTS} appointments")
    sent = recorded(house, actor)
    rows = floor(house, actor, sent)
    ours, plain, whole = [], [], []
    for _ in range(rounds):
        plain.append(_timed(lambda: floor(house, actor, sent)))
        ours.append(_timed(lambda: dry(house, actor)))
        whole.append(_timed(lambda: texts(house, actor)))
    say("reminders: verdicts done")
    per = 1e6 / reminding.APPOINTMENTS
    best, base, full = (median(wall for wall, _ in one) for one in (ours, plain, whole))
    reasons = ", ".join(f"{code.rpartition('.')[2]} {number}" for code, number in found.most_common())
    notes.append(
        f"reminders: reading {rows} rows with {len(sent)} statements took {base:.2f} s, verdicts {best:.2f} s "
        f"({best * per:.1f} µs each), with all texts and prices {full:.2f} s; {reasons}"
    )
    result = [
        report.row(
            _PART,
            "dry run (rules) : the same rows read by SQL",
            [wall for wall, _ in ours],
            [wall for wall, _ in plain],
            cpu=([1 / cpu for _, cpu in ours], [1 / cpu for _, cpu in plain]),
            demanded=DEMANDED,
            most=True,
            note="same statements, same chunks; nothing is written",
        )
    ]
    notes.append(_writing(house, actor))
    say("reminders: writing done")
    return result


def _writing(house: House, actor: Actor) -> str:
    """Prepare the first appointments as the job does, and say what a transaction took."""
    took: list[float] = []
    done = preparing.Done(0)
    with house.store.read(actor) as tx:
        found = conditions(house, tx, "reminder")
    start, end = found.period
    mark, ledge = None, None
    total = prepared = 0
    began, busy = time.perf_counter(), time.process_time()
    while total < WRITES:

        def step(tx: Tx, mark: Any = mark, ledge: Any = ledge) -> Any:
            rows = jobs.calendar.for_reminders(tx, start, end, mark, preparing.CHUNK)
            judged, after = judging.reminders(tx, found, rows, ledge or judging.begin(tx, found))
            written = preparing.write(house, tx, found, judged, None)
            last = rows[written.written - 1]
            return (last.start, last.id), after._replace(given={}), written

        one = time.perf_counter()
        mark, ledge, done = house.store.run(actor, step)
        took.append(time.perf_counter() - one)
        total += done.written
        prepared += done.prepared
    wall, busy = time.perf_counter() - began, time.process_time() - busy
    took.sort()
    return (
        f"reminders: writing {total} verdicts ({prepared} messages) took {wall:.2f} s in {len(took)} transactions, "
        f"{wall / total * 1e6:.0f} µs each; a transaction {took[len(took) // 2] * 1000:.0f} ms (median), "
        f"{took[-1] * 1000:.0f} ms (longest), {busy / len(took) * 1000:.0f} ms of processor time (mean)"
    )
