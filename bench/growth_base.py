"""Practices of any size, filled in bulk through the product's own records, guards and events; kept for the day.

The days that are asked for are alike in all sizes (two appointments a day and column in the next four weeks), and free
after that; all else lies in the past, eleven a day and column, as many years as it takes. So what grows is the practice, not
the answer.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bench import practice
from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.people import Patient
from praxisd.model.places import Organization
from praxisd.model.scheduling import Appointment, OpeningRule
from praxisd.services.accounts import api as accounts
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import booking as booking_rooms
from praxisd.services.calendar import store as calendar_store
from praxisd.services.directory import api as directory
from praxisd.services.directory import store as directory_store

WINDOW_DAYS = 28
A_DAY_AHEAD, A_DAY_BEFORE = 2, 11
BOOKABLE = (31, 400)
"""Days ahead in which nothing is booked: there the bench books."""
HALF_HOURS = tuple(m for first, last in practice.OPEN for m in range(first, last, 30))
_CHUNK = 1_000
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CONFIG = """\
log_level = "error"
[settings]
"accounts.rate_per_minute" = 100000
"accounts.rate_burst" = 100000
"""


class Size(NamedTuple):
    """Of one practice, and how many such practices there are."""

    appointments: int
    columns: int
    patients: int
    practices: int = 1


class Grown(msgspec.Struct):
    """What was made: ids of the first practice, two of its keys, and how many bookings were made there since."""

    organization: str
    service: str
    columns: list[str]
    patients: list[str]
    keys: list[str]
    today: str
    booked: int = 0

    @property
    def desk(self) -> Actor:
        """The practice itself, with every right."""
        return system("desk", self.organization)


def place(kind: str, size: Size) -> Path:
    """Where a practice of this size lies today; folders of other days are deleted."""
    above = Path(tempfile.gettempdir()) / "praxisd-bench-growth"
    today = above / f"{datetime.now(practice.ZONE).date()}"
    if above.exists():
        for old in above.iterdir():
            if old != today:
                shutil.rmtree(old, ignore_errors=True)
    return today / f"{kind}-{'-'.join(str(one) for one in size)}"


def prepared(folder: Path, size: Size, say: Callable[[str], None]) -> Grown:
    """The practice in `folder`: made there unless it was finished before; what was cut short is begun anew."""
    if (folder / "growth.json").exists():
        return msgspec.json.decode((folder / "growth.json").read_bytes(), type=Grown)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    (folder / "praxisd.toml").write_text(_CONFIG)
    say(f"growth: filling {folder.name}")
    house = practice.opened(folder)
    try:
        made = [_practice(house, size, say if number == 0 else _nothing) for number in range(size.practices)]
        practice.heard(house)
    finally:
        house.stop()
    keep(folder, made[0])
    return made[0]


def keep(folder: Path, made: Grown) -> None:
    """Write down how far its free times are used up."""
    (folder / "growth.json").write_bytes(msgspec.json.encode(made))


def _nothing(_words: str) -> None:
    return None


def _practice(house: House, size: Size, say: Callable[[str], None]) -> Grown:
    desk = system("desk", new_id())
    made = house.store.run(desk, lambda tx: _set_up(house, tx, size))
    for first in range(0, size.patients, _CHUNK):
        some = range(first, min(first + _CHUNK, size.patients))
        made.patients += house.store.run(desk, lambda tx, some=some: [_patient(tx, n) for n in some])
    told = 0
    for chunk in _chunks(_times(made.columns, size.appointments)):
        house.store.run(desk, lambda tx, chunk=chunk, told=told: _appointments(tx, made, chunk, told))
        if told // 100_000 < (told + len(chunk)) // 100_000:
            say(f"growth: {told + len(chunk):,} appointments")
        told += len(chunk)
    if told != size.appointments:
        raise ValueError(f"{size.appointments} appointments are fewer than the next weeks hold")
    made.patients = made.patients[:: max(1, len(made.patients) // 500)]
    return made


def _set_up(house: House, tx: Tx, size: Size) -> Grown:
    directory.create_organization(
        tx, Organization(id="", name="Praxis Wachstum", zone=practice.ZONE.key, region="DE-BE")
    )
    rules = tuple(
        OpeningRule(days=(1, 2, 3, 4, 5), start=_clock(first), end=_clock(last))
        for first, last in practice.OPEN
    )
    columns = [
        calendar.add_schedule(
            house, tx, name=f"Spalte {n}", hours=rules, released=True, order=n, observes_holidays=False
        ).id
        for n in range(size.columns)
    ]
    service = calendar.add_service(
        house, tx, name="Kontrolle", duration=30, groups=(tuple(columns),), released=True
    ).id
    keys = [accounts.create_key(tx, house.registry, role="desk", name=f"Messung {n}")[1] for n in range(2)]
    return Grown(tx.organization, service, columns, [], keys, _today().isoformat())


def family(number: int) -> str:
    """A family name of six letters that nobody else has; neighbours share the last letters, not the first."""
    letters = []
    for _ in range(5):
        number, one = divmod(number, 26)
        letters.append(_LETTERS[one])
    return "M" + "".join(letters)


def _patient(tx: Tx, number: int) -> str:
    born = f"19{number % 80 + 10}-{number % 12 + 1:02}-{number % 28 + 1:02}"
    one = Patient(id=new_id(), family=family(number), given="Erika", birth_date=born)
    return directory_store.patients.insert(tx, one).id


Planned = tuple[str, int]
"""(column, start)"""


def _times(columns: list[str], count: int) -> Iterator[Planned]:
    """The next weeks first, then backwards from yesterday on."""
    for ahead in range(1, WINDOW_DAYS + 1):
        yield from _day(columns, ahead, A_DAY_AHEAD)
        count -= len(columns) * A_DAY_AHEAD * (_today() + timedelta(days=ahead)).isoweekday().__lt__(6)
    behind = 0
    while count > 0:
        behind += 1
        for one in _day(columns, -behind, A_DAY_BEFORE):
            if count > 0:
                yield one
            count -= 1


def _day(columns: list[str], ahead: int, each: int) -> Iterator[Planned]:
    on = _today() + timedelta(days=ahead)
    if on.isoweekday() < 6:
        for number, column in enumerate(columns):
            first = number % (len(HALF_HOURS) - each + 1)
            for minute in HALF_HOURS[first : first + each]:
                yield column, instant(ahead, minute)


def _chunks(times: Iterator[Planned]) -> Iterator[list[Planned]]:
    chunk: list[Planned] = []
    for one in times:
        chunk.append(one)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _appointments(tx: Tx, made: Grown, chunk: list[Planned], number: int) -> None:
    """Stored, occupied and told as a booking does; the columns are bumped once."""
    calendar_store.bump(tx, {column for column, _ in chunk})
    for column, start in chunk:
        one = Appointment(
            id=new_id(), status="booked", start=start, end=start + 1_800, service=made.service, schedules=(column,),
            patient=made.patients[number % len(made.patients)], created=tx.now, updated=tx.now,
        )  # fmt: skip
        one = calendar_store.APPOINTMENTS.insert(tx, one)
        booking_rooms.occupy(tx, one)
        booking_rooms.tell(tx, "appointment.booked", one)
        number += 1


def free(number: int) -> int:
    """The start of the `number`-th booking: each another half-hour, on which no column has anything."""
    days = [n for n in range(*BOOKABLE) if (_today() + timedelta(days=n)).isoweekday() < 6]
    day, half = divmod(number, len(HALF_HOURS))
    return instant(days[day], HALF_HOURS[half])


def bodies(made: Grown, count: int) -> Iterator[str]:
    """The next bookings as JSON; each of the columns may take them."""
    for _ in range(count):
        start = free(made.booked)
        patient = made.patients[made.booked % len(made.patients)]
        made.booked += 1
        body: dict[str, Any] = {"service": made.service, "start": rfc3339(start), "patient": {"id": patient}}
        yield json.dumps(body)


def rfc3339(at: int) -> str:
    """In UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(ahead: int, minute: int = 0) -> int:
    """Epoch seconds of a minute of the wall clock so many days ahead."""
    on = _today() + timedelta(days=ahead)
    return int(datetime.combine(on, time(minute // 60, minute % 60), practice.ZONE).timestamp())


def _today() -> date:
    return datetime.now(practice.ZONE).date()


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
