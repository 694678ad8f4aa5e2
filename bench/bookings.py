"""Bookings: `calendar.api.book` beside the same SQL, raw, on SQLite and on PostgreSQL; both with full durability.

The statements and values of N bookings are written down on one copy of the database. Then, in turns, we book them
on a second copy, and the bare driver repeats the statements on a third.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from bench import load, practice, programs, report, sections, slots
from bench.filling import fill_from
from praxisd.kernel.app import House
from praxisd.services.calendar import api as calendar
from praxisd.testing.postgres import PostgresServer

PER_ROUND = 120
DEMANDED = 0.3
Statement = tuple[str, Any]
Raw = Callable[[Sequence[list[Statement]]], None]


def _book(house: House, made: practice.Filled, first: int, count: int) -> None:
    for number in range(first, first + count):
        wish = practice.wish_for(made, number)
        house.store.run(made.desk, lambda tx, wish=wish: calendar.book(house, tx, wish))


def _written_down(house: House, made: practice.Filled, count: int) -> list[list[Statement]]:
    """What reaches the driver while `count` bookings are made, one list for each transaction."""
    found: list[list[Statement]] = []

    class Recorder:
        def __init__(self, cursor: Any) -> None:
            self._cursor = cursor

        def execute(self, sql: str, values: Any = ()) -> Any:
            found[-1].append((sql, values))
            return self._cursor.execute(sql, values)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._cursor, name)

    engine = house.store.engine
    begin = engine.write

    def recorded() -> Any:
        found.append([])
        return _Wrapped(begin(), Recorder)

    engine.write = recorded  # type: ignore[method-assign]
    try:
        _book(house, made, 0, count)
    finally:
        engine.write = begin  # type: ignore[method-assign]
    if len(found) != count:
        raise RuntimeError(f"{len(found)} transactions for {count} bookings")
    return found


class _Wrapped:
    """A context manager whose value passes through `wrap`."""

    def __init__(self, inner: Any, wrap: Callable[[Any], Any]) -> None:
        self._inner, self._wrap = inner, wrap

    def __enter__(self) -> Any:
        return self._wrap(self._inner.__enter__())

    def __exit__(self, *failure: Any) -> Any:
        return self._inner.__exit__(*failure)


def _sqlite(path: Path) -> Raw:
    """Repeats transactions on a database file, with the settings of ours (kernel/engines.py)."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute("PRAGMA " + pragma)
    cursor = connection.cursor()

    def repeat(transactions: Sequence[list[Statement]]) -> None:
        for statements in transactions:
            cursor.execute("BEGIN IMMEDIATE")
            for sql, values in statements:
                cursor.execute(sql, values)
                if sql.startswith("SELECT"):
                    cursor.fetchall()
            cursor.execute("COMMIT")

    return repeat


def _postgres(url: str) -> Raw:
    """Repeats transactions on a PostgreSQL database."""
    connection = psycopg.connect(url.replace("+psycopg", ""))

    def repeat(transactions: Sequence[list[Statement]]) -> None:
        for statements in transactions:
            with connection.cursor() as cursor:
                for sql, values in statements:
                    cursor.execute(sql, values or None)
                    if sql.startswith("SELECT"):
                        cursor.fetchall()
            connection.commit()

    return repeat


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """(seconds of the wall clock, seconds of this process' processor time)."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _compare(
    name: str, house: House, raw: Raw, written: list[list[Statement]], made: practice.Filled, rounds: int
) -> report.Row:
    ours, floor = [], []
    for number in range(rounds):
        first = number * PER_ROUND
        part = written[first : first + PER_ROUND]
        works = [
            (ours, lambda first=first: _book(house, made, first, PER_ROUND)),
            (floor, lambda part=part: raw(part)),
        ]
        for found, work in works if number % 2 else works[::-1]:
            found.append(_timed(work))
    each = sum(map(len, written)) / len(written)
    return report.row(
        "bookings: calendar.api.book",
        name,
        [1 / wall for wall, _ in ours],
        [1 / wall for wall, _ in floor],
        cpu=([cpu for _, cpu in ours], [cpu for _, cpu in floor]),
        demanded=DEMANDED,
        note=f"floor: the same {each:.0f} statements by the bare driver; by cpu: this process alone, no waiting",
    )


def _sqlite_rows(
    made: practice.Filled, base: Path, work: Path, rounds: int, notes: list[str]
) -> Iterator[report.Row]:
    count = rounds * PER_ROUND
    house = practice.opened(practice.copy(base, work / "written"))
    written = _written_down(house, made, count)
    house.store.close()
    house = practice.opened(practice.copy(base, work / "ours"))
    raw = _sqlite(practice.copy(base, work / "raw") / "praxisd.db")
    yield _compare("sqlite3", house, raw, written, made, rounds)
    notes.append("one booking on SQLite, by cpu: " + sections.shares(house, made, count, PER_ROUND))
    house.store.close()


def _postgres_rows(
    made: practice.Filled, base: Path, work: Path, rounds: int, notes: list[str]
) -> Iterator[report.Row]:
    count = rounds * PER_ROUND
    with PostgresServer(durable=True) as server:
        full = server.new_database()
        fill_from(base / "praxisd.db", full, work / "pg")
        name = full.rsplit("/", 1)[1]
        house = practice.opened_on(work / "pg", server.new_database(name))
        written = _written_down(house, made, count)
        house.store.close()
        house = practice.opened_on(work / "pg", server.new_database(name))
        yield _compare("psycopg", house, _postgres(server.new_database(name)), written, made, rounds)
        notes.append("one booking on PostgreSQL, by cpu: " + sections.shares(house, made, count, PER_ROUND))
        house.store.close()


def _http_rows(
    made: practice.Filled, base: Path, work: Path, rounds: int, seconds: int
) -> Iterator[report.Row]:
    """Bookings over HTTP on SQLite, beside ours in process and the raw SQL, each for itself at full speed."""
    http, direct, bare = [], [], []
    house = practice.opened(practice.copy(base, work / "direct"))
    written = _written_down(house, made, rounds * PER_ROUND)
    raw = _sqlite(practice.copy(base, work / "bare") / "praxisd.db")
    with programs.praxisd(practice.copy(base, work / "http")) as server:
        file = load.write_requests(
            work / "bookings.txt", (slots.booking(made, number) for number in range(len(made.free)))
        )
        done = 0
        for number in range(rounds):
            # wrk stops in the middle of its 16 requests: those it did not wait for are booked all the same.
            one = load.run(server, file, seconds, first=done)
            done += one.requests + 32
            if done > len(made.free):
                raise load.Failed("more bookings than there are free times")
            http.append(one.per_s)
            first = rounds * PER_ROUND + number * PER_ROUND
            wall, _ = _timed(lambda first=first: _book(house, made, first, PER_ROUND))
            direct.append(PER_ROUND / wall)
            part = written[number * PER_ROUND : (number + 1) * PER_ROUND]
            wall, _ = _timed(lambda part=part: raw(part))
            bare.append(PER_ROUND / wall)
    house.store.close()
    part_name = "bookings over HTTP, SQLite"
    yield report.row(part_name, "beside the raw SQL", http, bare, note="16 connections, REST, an API key")
    yield report.row(part_name, "beside calendar.api.book", http, direct)


def measure(
    made: practice.Filled,
    base: Path,
    work: Path,
    rounds: int,
    seconds: int,
    say: Callable[[str], None],
    notes: list[str],
) -> list[report.Row]:
    """Rows for both engines and for HTTP; what the rest costs is added to `notes`."""
    found = list(_sqlite_rows(made, base, work, rounds, notes))
    say("bookings: SQLite done")
    found += _postgres_rows(made, base, work, rounds, notes)
    say("bookings: PostgreSQL done")
    found += _http_rows(made, base, work, min(rounds, 5), seconds)
    say("bookings: HTTP done")
    return found
