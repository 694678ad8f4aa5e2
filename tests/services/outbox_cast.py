"""What the tests of the outbox share: a practice with a mandator, credits, patients, and drafts of messages."""

from dataclasses import dataclass, field
from typing import Any

from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.model.people import Mandator, PatientClaim
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api, ledger
from praxisd.testing.practice import Practice, small_practice

HOUR = 3_600
DAY = 24 * HOUR


@dataclass
class Outbox:
    """The practice, its mandator, and what tests do with the outbox all the time."""

    house: House
    practice: Practice
    mandator: str
    patients: list[str] = field(default_factory=list)

    @property
    def actor(self) -> Actor:
        """The server itself in this practice."""
        return system("test", self.practice.organization)

    def run(self, work: Any) -> Any:
        """`work(tx)` in a write transaction."""
        return self.house.store.run(self.actor, work)

    def draft(self, number: int = 0, **more: Any) -> api.Draft:
        """A reminder by SMS for the patient `number`, due now."""
        now = self.house.clock.now()
        given: dict[str, Any] = {
            "kind": "reminder",
            "topic": f"reminder/a{number}",
            "stamp": now + DAY,
            "patient": self.patients[number],
            "mandator": self.mandator,
            "channel": "sms",
            "address": f"+4915100000{number:03d}",
            "text": f"Ihr Termin {number}",
            "parts": 1,
            "cost": 2,
            "next_at": now,
            "useless_after": now + DAY,
        }
        return api.Draft(**(given | more))

    def prepare(self, number: int = 0, **more: Any) -> str:
        """Prepare it; it must not exist yet."""
        made = self.run(lambda tx: api.prepare(self.house, tx, self.draft(number, **more)))
        assert made is not None
        return str(made)

    def row(self, id_: str) -> Any:
        """The message as it is stored."""
        from praxisd.services.messaging import outgoing_store

        with self.house.store.read(self.actor) as tx:
            return outgoing_store.get(tx, id_)

    def left(self) -> int:
        """The mandator's balance."""
        with self.house.store.read(self.actor) as tx:
            return ledger.left(tx, self.mandator)


def outbox_of(house: House, patients: int = 4, funds: int = 1_000) -> Outbox:
    """A small practice with a mandator that has credits, and patients with mobile phones."""
    practice = small_practice(house)

    def make(tx: Any) -> tuple[str, list[str]]:
        made = directory.create_mandator(tx, Mandator(name="Praxis", licence_number="L-1", default=True))
        ids = [
            directory.claim(
                tx,
                PatientClaim(
                    family=f"Probe{n}", given="Paul", birth_date="1980-01-01", phone=f"+4915100000{n:03d}"
                ),
            ).patient
            for n in range(patients)
        ]
        if funds:
            ledger.book(tx, made.id, funds, "Anfang")
        return made.id, ids

    mandator, ids = house.store.run(system("test", practice.organization), make)
    return Outbox(house, practice, mandator, ids)
