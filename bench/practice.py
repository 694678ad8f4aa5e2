"""The practice that is measured: 20 columns and 50,000 appointments over two years around today.

The 180 days from 30 days ago on are busy to about 70 % of the opening hours, the rest is thinner, as in life.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from praxisd import main
from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.config import Config, load
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.people import PatientClaim
from praxisd.model.places import Organization
from praxisd.model.scheduling import OpeningRule
from praxisd.services.accounts import api as accounts
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory

DOCTORS, ROOMS, PATIENTS, APPOINTMENTS = 12, 8, 300, 50_000
ZONE = ZoneInfo("Europe/Berlin")
OPEN = ((8 * 60, 12 * 60), (13 * 60, 17 * 60))
"""Opening hours on weekdays, in minutes of the wall clock."""
DENSE = (-30, 150)
"""Days from today that are full; all others within a year either way are thin."""
STEP_S = 40 * 60
"""Two bookings of the measured type (30 minutes, 5 before and after) that far apart do not touch."""
KEYS = 8
_LENGTHS = (20, 30, 30, 30, 45, 60)
_CHUNK = 250
_SEED = "praxisd bench 1"
_CONFIG = """\
[settings]
"accounts.rate_per_minute" = 100000
"accounts.rate_burst" = 100000
"""
"""Limits of the rate are set as high as they go: what is measured is the way of an answer, not of a refusal."""


class Filled(msgspec.Struct):
    """What was made, kept beside the database as `bench.json`. `free`: (start, doctor, room) that can be booked."""

    organization: str
    service: str
    doctors: list[str]
    rooms: list[str]
    patients: list[str]
    keys: list[str]
    appointments: int
    busy: float
    """Share of the opening hours that is taken in the dense days."""
    today: str
    free: list[tuple[int, str, str]]

    @property
    def desk(self) -> Actor:
        """Who books in process: the practice itself, with every right."""
        return system("desk", self.organization)


def opened(folder: Path) -> House:
    """The house on a folder, with the folder's configuration."""
    return main.open_practice(folder, load(None, folder))


def opened_on(folder: Path, url: str) -> House:
    """A house on a PostgreSQL database; `folder` holds the rest."""
    return main.open_practice(folder, Config(database_url=url))


def prepared(folder: Path, say: Callable[[str], None]) -> Filled:
    """The filled practice in `folder`: made there, unless it was made there today already."""
    kept = folder / "bench.json"
    if kept.exists():
        found = msgspec.json.decode(kept.read_bytes(), type=Filled)
        if found.today == _today().isoformat():
            opened(folder).store.close()  # brings an older database up to date
            return found
        raise SystemExit(f"{folder} was filled on {found.today}: delete it, the calendar lies around today")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "praxisd.toml").write_text(_CONFIG)
    say(f"filling {folder} with {APPOINTMENTS} appointments")
    house = opened(folder)
    try:
        found = _fill(house)
        heard(house)
    finally:
        house.store.close()
    kept.write_bytes(msgspec.json.encode(found))
    return found


def heard(house: House) -> None:
    """All handlers have heard of what was filled in, as in a practice that has lived with it: else the first server does that in
    the background while it is measured, for an hour where a million events are behind.
    """

    def move(tx: Tx) -> None:
        last = events.head(tx)
        for handler in house.registry.handlers:
            events.set_cursor(tx, f"handler:{handler.name}", last, INSTALLATION)

    house.store.run(system("bench"), move)


def copy(source: Path, target: Path) -> Path:
    """A second folder in the same state (nobody may have the source open)."""
    target.mkdir(parents=True)
    for one in source.iterdir():
        if one.is_file() and not one.name.startswith("praxisd.db"):
            shutil.copy2(one, target / one.name)  # with its mode: the key file must stay private
    old, new = sqlite3.connect(source / "praxisd.db"), sqlite3.connect(target / "praxisd.db")
    with old, new:
        old.backup(new)
    old.close()
    new.close()
    return target


def _today() -> date:
    return datetime.now(ZONE).date()


def _fill(house: House) -> Filled:
    rng = Random(_SEED)
    desk = system("desk", new_id())
    made = house.store.run(desk, lambda tx: _set_up(house, tx))
    columns = [*made.doctors, *made.rooms]
    planned = list(_plan(rng, columns))
    left = APPOINTMENTS - len(planned)
    if not 0 <= left < 8_000:
        raise RuntimeError(f"the plan holds {len(planned)} appointments")
    planned += _past(rng, columns, left)
    for index in range(0, len(planned), _CHUNK):
        chunk = planned[index : index + _CHUNK]
        house.store.run(desk, lambda tx, chunk=chunk: _book(house, tx, made, chunk, rng))
    made.appointments = len(planned)
    made.busy = _share(planned)
    made.free = list(_free(rng, made, planned))
    return made


def _set_up(house: House, tx: Tx) -> Filled:
    directory.create_organization(
        tx, Organization(id="", name="Praxis auf dem Pruefstand", zone=ZONE.key, region="DE-BE")
    )
    rules = tuple(
        OpeningRule(days=(1, 2, 3, 4, 5), start=_clock(first), end=_clock(last)) for first, last in OPEN
    )

    def column(name: str, order: int) -> str:
        return calendar.add_schedule(
            house, tx, name=name, hours=rules, released=True, order=order, observes_holidays=False
        ).id

    doctors = [column(f"Dr. {n}", n) for n in range(1, DOCTORS + 1)]
    rooms = [column(f"Zimmer {n}", 100 + n) for n in range(1, ROOMS + 1)]
    service = calendar.add_service(
        house,
        tx,
        name="Kontrolle",
        duration=30,
        buffer_before=5,
        buffer_after=5,
        groups=(tuple(doctors), tuple(rooms)),
        released=True,
    ).id
    patients = [
        directory.claim(
            tx,
            PatientClaim(
                family=f"Muster{n}", given="Erika", birth_date=f"19{n % 80 + 10}-03-{n % 28 + 1:02}"
            ),
        ).patient
        for n in range(PATIENTS)
    ]
    keys = [accounts.create_key(tx, house.registry, role="desk", name=f"Messung {n}")[1] for n in range(KEYS)]
    return Filled(tx.organization, service, doctors, rooms, patients, keys, 0, 0.0, _today().isoformat(), [])


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _instant(on: date, minute: int) -> int:
    return int(datetime.combine(on, time(minute // 60, minute % 60), ZONE).astimezone(UTC).timestamp())


def _workdays(first: int, last: int) -> Iterator[tuple[int, date]]:
    for ahead in range(first, last):
        on = _today() + timedelta(days=ahead)
        if on.isoweekday() < 6:
            yield ahead, on


Planned = tuple[str, int, int]
"""(column, start, end)"""


def _plan(rng: Random, columns: Sequence[str]) -> Iterator[Planned]:
    for ahead, on in _workdays(-360, 360):
        dense = DENSE[0] <= ahead < DENSE[1]
        for column in columns:
            for first, last in OPEN:
                at = first
                while at < last:
                    length = rng.choice(_LENGTHS)
                    if rng.random() < (0.83 if dense else 0.22) and at + length <= last:
                        yield column, _instant(on, at), _instant(on, at + length)
                        at += length
                    else:
                        at += 60 if dense else 30


def _past(rng: Random, columns: Sequence[str], count: int) -> list[Planned]:
    """What is missing to the round number, before the planned days."""
    found: list[Planned] = []
    for _, on in _workdays(-800, -360):
        for column in columns:
            for first, _last in OPEN:
                if len(found) < count:
                    found.append((column, _instant(on, first), _instant(on, first + rng.choice(_LENGTHS))))
    return found


def _book(house: House, tx: Tx, made: Filled, chunk: Sequence[Planned], rng: Random) -> None:
    for column, start, end in chunk:
        wish = calendar.Wish(
            service=None, start=start, end=end, schedules=(column,), patient=rng.choice(made.patients)
        )
        calendar.book(house, tx, wish)


def _share(planned: Sequence[Planned]) -> float:
    low, high = (_instant(_today() + timedelta(days=n), 0) for n in DENSE)
    taken = sum(end - start for _, start, end in planned if low <= start < high)
    days = sum(1 for _ in _workdays(*DENSE))
    return taken / (days * (DOCTORS + ROOMS) * sum(last - first for first, last in OPEN) * 60)


def _free(rng: Random, made: Filled, planned: Sequence[Planned]) -> Iterator[tuple[int, str, str]]:
    """Starts with a doctor and a room for the measured type, none touching another, in random order."""
    taken: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for column, start, end in planned:
        taken.setdefault((column, start // 86_400), []).append((start, end))

    def quiet(column: str, start: int) -> bool:
        low, high = start - 300, start + 2_100
        return not any(a < high and low < b for a, b in taken.get((column, start // 86_400), ()))

    found: list[tuple[int, str, str]] = []
    for _, on in _workdays(2, 350):
        for first, last in OPEN:
            for at in range(_instant(on, first), _instant(on, last) - 30 * 60 + 1, STEP_S):
                doctors = [one for one in made.doctors if quiet(one, at)]
                rooms = [one for one in made.rooms if quiet(one, at)]
                found += [(at, d, r) for d, r in zip(doctors, rooms, strict=False)]
    rng.shuffle(found)
    yield from found


def wish_for(made: Filled, number: int) -> Any:
    """The `number`-th booking of the measured type."""
    start, doctor, room = made.free[number]
    patient = made.patients[number % len(made.patients)]
    return calendar.Wish(service=made.service, start=start, schedules=(doctor, room), patient=patient)
