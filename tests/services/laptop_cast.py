"""A practice with patients, and laptops that take some of them along."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.store import METADATA, mine
from praxisd.model.people import Address, Contact, Mandator, Patient, Treatment
from praxisd.model.statement import Risk, Statement
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.exchange import laptop_file, laptop_lending, laptop_opening, laptop_sealing
from praxisd.services.exchange.laptop_opening import Owner
from praxisd.services.medication import api as medication
from praxisd.services.messaging import api as messaging
from praxisd.testing.houses import START, Houses
from praxisd.testing.practice import Practice, small_practice

KEY = laptop_sealing.new_key()
MONDAY_10 = START + 7 * 86_400 + 3_600
"""Monday of the week after, 10:00 in Berlin."""
UNTIL = date(2026, 12, 11)


@dataclass
class Home:
    """The practice, and who was chosen to go along."""

    house: House
    practice: Practice
    anna: str
    ben: str
    stays: str
    treatment: str
    appointment: str
    statement: str

    @property
    def actor(self) -> Actor:
        return self.practice.desk()

    def do(self, work: Any) -> Any:
        return self.house.store.run(self.actor, work)

    def read(self, work: Any) -> Any:
        with self.house.store.read(self.actor) as tx:
            return work(tx)

    def lend(self, *patients: str, **more: Any) -> laptop_lending.Given:
        given = {"recipient": KEY.recipient} | more
        return laptop_lending.lend(
            self.house, self.actor, patients or (self.anna, self.ben), "Hausbesuche", UNTIL, **given
        )

    def patient(self, id_: str) -> Patient:
        found: Patient = self.read(lambda tx: directory.patient(tx, id_))
        return found


def home_of(house: House) -> Home:
    """Anna and Ben go along, and one who stays."""
    practice = small_practice(house)

    def fill(tx: Any) -> list[str]:
        directory.create_mandator(tx, Mandator(name="Dr. Test", licence_number="4711", default=True))
        people = [
            Patient(
                family="Adler",
                given="Anna",
                birth_date="1950-03-04",
                telecom=(Contact(system="phone", value="030 111111", use="home"),),
                address=(Address(use="home", line=("Alte Gasse 1",), city="Berlin", postal_code="10115"),),
            ),
            Patient(family="Berg", given="Ben", birth_date="1961-07-08"),
            Patient(family="Daheim", given="Dora", birth_date="1972-09-10"),
        ]
        ids = [directory.put_patient(tx, one) for one in people]
        mandator = directory.mandators(tx)[0].id
        opened = date(2026, 11, 2)
        treatment = directory.open_treatment(
            tx, Treatment(patient=ids[0], mandator=mandator, opened=opened, note="Prothese")
        )
        wish = calendar.Wish(service=practice.check, start=MONDAY_10, patient=ids[0], note="nüchtern")
        booked = calendar.book(house, tx, wish)
        taken = medication.enter_statement(
            house, tx, Statement(patient=ids[0], text="Ibuprofen 400", dosage="1-0-1")
        )
        medication.enter_risk(house, tx, Risk(patient=ids[1], kind="allergy", text="Penicillin"))
        messaging.say(house, tx, ids[0], [("reminder", "sms", "given")], "desk")
        return [*ids, treatment.id, booked.id, taken.id]

    made = house.store.run(practice.desk(), fill)
    return Home(house, practice, *made)


def opened(houses: Houses, given: laptop_lending.Given, clock: Any) -> House:
    """A laptop: an empty folder that was filled from the file, and opened anew as it would be served."""
    first = houses.open(clock=clock)
    content = laptop_file.read(laptop_sealing.open_with_keys(given.file, [KEY.identity]), "out")
    laptop_opening.fill(first, content, Owner("arzt", "Arzt", "x"))
    first.stop()
    return houses.twin(first)


def on(laptop: House) -> Actor:
    """Whoever works on the laptop."""
    assert laptop.lent is not None
    return system("arzt", laptop.lent.organization)


def work(laptop: House, call: Any) -> Any:
    """A write on the laptop."""
    return laptop.store.run(on(laptop), call)


def pack(laptop: House, **more: Any) -> bytes:
    """What changed there."""
    return laptop_opening.pack(laptop, on(laptop), **more).file


def digests(home: Home, but: tuple[str, ...] = ()) -> dict[str, str]:
    """SHA-256 of all rows of each table of the practice's services: equal means that nothing was changed."""
    tables = [t for one in home.house.registry.services if one.name != "kernel" for t in one.tables]

    def read(tx: Any) -> dict[str, str]:
        found = {}
        for name in tables:
            if name in but:
                continue
            one = METADATA.tables[name]
            condition = mine(one) if "organization" in one.c else sa.true()
            rows = sorted(map(repr, tx.tuples(sa.select(one).where(condition))))
            found[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return found

    result: dict[str, str] = home.read(read)
    return result


def later(home: Home, days: int) -> int:
    """An instant so many days after the appointment."""
    return MONDAY_10 + int(timedelta(days=days).total_seconds())


@pytest.fixture(name="laptops")
def the_laptops(tmp_path):
    """Laptops are on SQLite, whatever the practice is on."""
    (tmp_path / "laptops").mkdir()
    found = Houses("sqlite", tmp_path / "laptops")
    yield found
    found.close()


@pytest.fixture(name="home")
def the_home(house):
    return home_of(house)
