"""A practice with 100,000 appointments in the 31 days that reminders search, and patients as they are in life.

Written straight into the tables: what is measured is reading and judging, not booking.
"""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import msgspec

from bench.practice import ZONE
from praxisd import main
from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.config import load
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.communication import Template
from praxisd.model.people import Contact, Mandator, Patient, Treatment
from praxisd.model.places import Organization
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import store as calendar_store
from praxisd.services.directory import api as directory
from praxisd.services.directory import store as directory_store
from praxisd.services.messaging import account_store, ledger, template_store
from praxisd.services.messaging import api as messaging
from praxisd.services.reminders import conditions

APPOINTMENTS, PATIENTS, DAYS = 100_000, 20_000, 31
_CHUNK = 1_000
_SEED = "praxisd bench reminders 1"
TEXTS = {
    "sms": "{salutation}, wir erinnern Sie an Ihren Termin am {weekday}, {date} um {time}. {practice}",
    "email": "{salutation},\n\nwir erinnern Sie an Ihren Termin am {weekday}, {date} um {time}.\n\n{practice}",
}


def filled(folder: Path) -> tuple[House, Actor]:
    """The practice in a new folder, opened, and who works there."""
    house = main.open_practice(folder, load(None, folder))
    actor = system("bench", new_id())
    rng = Random(_SEED)
    mandators, columns = house.store.run(actor, lambda tx: _set_up(house, tx))
    patients = [new_id() for _ in range(PATIENTS)]
    for start in range(0, PATIENTS, _CHUNK):
        some = patients[start : start + _CHUNK]
        house.store.run(actor, lambda tx, some=some, n=start: _people(house, tx, rng, some, n, mandators))
    first = datetime.now(ZONE).replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=1)
    for start in range(0, APPOINTMENTS, _CHUNK):
        house.store.run(actor, lambda tx, n=start: _book(tx, rng, patients, columns, first, n))
    house.store.run(actor, _settle)
    return house, actor


def _set_up(house: House, tx: Tx) -> tuple[list[str], list[str]]:
    practice = Organization(name="Praxis auf dem Pruefstand", zone=ZONE.key, region="DE-BE")
    directory.create_organization(tx, practice)
    mandators = [
        directory.create_mandator(
            tx, Mandator(name=f"Mandant {n}", licence_number=f"L-{n}", default=n == 1)
        ).id
        for n in (1, 2)
    ]
    for one in mandators:
        ledger.book(tx, one, 1_000_000)
    columns = [calendar.add_schedule(house, tx, name=f"Dr. {n}", order=n).id for n in range(1, 21)]
    for channel in ("sms", "email"):
        account_store.add(
            tx, channel=channel, version=1, active=1, gateway="sandbox", sender="Praxis", fields="{}", secrets="",
            hook=f"{channel}-{tx.organization}", hook_secret="", cost=1, updated_at=tx.now,
        )  # fmt: skip
        text = {
            "kind": "reminder",
            "channel": channel,
            "language": "de",
            "text": TEXTS[channel],
            "id": new_id(),
        }
        text["subject"] = "Ihr Termin" if channel == "email" else ""
        template_store.TEMPLATES.insert(tx, msgspec.convert(text, Template))
    house.settings.put(tx, conditions.SEND_REMINDERS, True)
    house.settings.put(tx, conditions.DAYS, DAYS)
    return mandators, columns


def _people(house: House, tx: Tx, rng: Random, ids: list[str], first: int, mandators: list[str]) -> None:
    """Nine of ten have a mobile phone, some two numbers, some an e-mail address, 3 % nothing; few said anything."""
    for number, id_ in enumerate(ids, first):
        telecom = []
        if rng.random() < 0.3:
            telecom.append(Contact(system="phone", value=f"030 {2_000_000 + number}", use="home"))
        if rng.random() < 0.9:
            telecom.append(Contact(system="phone", value=f"0171 {3_000_000 + number}", use="mobile"))
        if rng.random() < 0.7:
            telecom.append(Contact(system="email", value=f"erika.muster{number}@example.org"))
        one = Patient(
            id=id_, family=f"Muster{number}", given="Erika", birth_date=f"19{number % 80 + 10}-03-{number % 28 + 1:02}",
            gender=rng.choice(("female", "male")), telecom=tuple(telecom), deceased_undated=rng.random() < 0.002,
        )  # fmt: skip
        directory_store.patients.insert(tx, one)
        if rng.random() < 0.8:
            opened = datetime(2020 + number % 6, 1 + number % 12, 1).date()
            payer = mandators[rng.random() < 0.2]
            treatment = Treatment(id=new_id(), patient=id_, mandator=payer, opened=opened, entered=new_id())
            directory_store.treatments.insert(tx, treatment)
        if rng.random() < 0.05:
            messaging.say(house, tx, id_, [("reminder", "sms", rng.choice(("given", "withdrawn")))], "desk")
        if rng.random() < 0.05:
            messaging.prefer(house, tx, id_, rng.choice(("sms", "email", "letter")))


def _book(tx: Tx, rng: Random, patients: list[str], columns: list[str], first: datetime, number: int) -> None:
    a_day = APPOINTMENTS // DAYS + 1
    for index in range(number, number + _CHUNK):
        day, place = divmod(index, a_day)
        start = int((first + timedelta(days=day)).timestamp()) + place // len(columns) * 200
        status = "booked" if rng.random() < 0.93 else rng.choice(("cancelled", "pending", "noshow"))
        one = Appointment(
            id=new_id(), status=status, start=start, end=start + 900, schedules=(columns[place % len(columns)],),
            patient=rng.choice(patients), created=tx.now - rng.randrange(30) * 86_400, updated=tx.now,
        )  # fmt: skip
        calendar_store.APPOINTMENTS.insert(tx, one)


def _settle(tx: Tx) -> None:
    """What the database does by itself after so many new rows."""
    if tx.store.engine.name == "sqlite":
        tx.raw("ANALYZE")
