"""What the tests of the reminders share: a practice in which everything is in order, its patients and appointments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from praxisd.kernel import job_claim, job_store, jobs
from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.events import Dispatcher
from praxisd.kernel.ids import new_id
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.jobs import Run
from praxisd.kernel.store import Tx, mine
from praxisd.model.communication import Template
from praxisd.model.people import Contact, Mandator, Patient, Treatment
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.directory import store as people
from praxisd.services.messaging import account_store, ledger, outgoing_store, template_store
from praxisd.services.messaging.outbox_store import OUTBOX
from praxisd.services.reminders import store
from praxisd.testing.practice import Practice, small_practice
from praxisd.testing.trials import run_log

BERLIN = ZoneInfo("Europe/Berlin")
TEXTS = {
    ("reminder", "sms", "de"): "{name}, Ihr Termin: {date} {time} bei {practitioner}.",
    ("reminder", "sms", "fr"): "{name}, votre rendez-vous : {date} {time}.",
    ("reminder", "email", "de"): "Guten Tag {name}, Ihr Termin: {date} {time}.",
    ("birthday", "sms", "de"): "Alles Gute zum Geburtstag, {name}!",
    ("birthday", "email", "de"): "Alles Gute zum Geburtstag, {name}!",
}


def at(text: str) -> int:
    """Epoch seconds of a wall time in Berlin, `2026-11-24 09:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


@dataclass
class Cast:
    """The practice, its mandator, and what the tests do with them all the time. It is Monday, 23 November 2026, 09:00."""

    house: House
    practice: Practice
    mandator: str

    @property
    def actor(self) -> Actor:
        """The server itself in this practice."""
        return system("test", self.practice.organization)

    def do(self, work: Any) -> Any:
        """`work(tx)` in a write transaction."""
        return self.house.store.run(self.actor, work)

    def set(self, **values: Any) -> None:
        """Settings; `reminders.` is put in front, `__` stands for a dot."""

        def put(tx: Tx) -> None:
            for key, value in values.items():
                name = key.replace("__", ".")
                self.house.settings.put(tx, name if "." in name else f"reminders.{name}", value)

        self.do(put)

    def patient(
        self, family: str, phone: str | None = "+49 171 3920012", email: str | None = None, **more: Any
    ) -> str:
        """A patient with a mobile phone, unless told otherwise."""
        telecom = [Contact(system="phone", value=phone, use="mobile")] if phone else []
        telecom += [Contact(system="email", value=email)] if email else []
        given = {"given": "Eva", "birth_date": "1980-05-17", "telecom": tuple(telecom)} | more
        one = Patient(id=new_id(), family=family, **given)
        return str(self.do(lambda tx: people.patients.insert(tx, one)).id)

    def change(self, patient: str, **fields: Any) -> None:
        """Change a patient as the desk does, with the event."""
        from praxisd.services.directory import records

        self.do(lambda tx: records.change_patient(tx, patient, fields))

    def book(self, patient: str | None, when: str, days_ago: int = 7, **more: Any) -> str:
        """An appointment at that wall time, booked so many days ago."""
        start = at(when)
        wish = calendar.Wish(
            service=None,
            start=start,
            end=start + 900,
            schedules=self.practice.doctors[:1],
            patient=patient,
            outside_hours=True,
            **more,
        )

        def work(tx: Tx) -> str:
            tx.now -= days_ago * 86_400
            return calendar.book(self.house, tx, wish).id

        return str(self.do(work))

    def move(self, appointment: str, when: str) -> None:
        """Move it to that wall time."""
        start = at(when)
        wish = calendar.Wish(
            service=None,
            start=start,
            end=start + 900,
            schedules=self.practice.doctors[:1],
            outside_hours=True,
        )
        self.do(lambda tx: calendar.move(self.house, tx, appointment, wish))

    def tell(self) -> None:
        """Bring all events to the handlers of the reminders; none may fail."""
        found = [one for one in self.house.registry.handlers if one.name.startswith("reminders.")]
        dispatcher = Dispatcher(self.house, found)
        while dispatcher.step():
            pass
        assert not dispatcher.failing

    def claimed(self, name: str = "reminders.prepare") -> RunContext:
        """The open run of a job (asked for now if there is none), taken as a worker takes it."""

        def take(tx: Tx) -> RunContext:
            found = [one.id for one in jobs.runs(self.house, tx, name) if one.ended_at is None]
            id_ = found[0] if found else jobs.run_now(self.house, tx, name).id
            job_claim.give_back(self.house, tx, id_)
            (run,) = job_claim.claim(self.house, tx, [tx.first(job_store.GET_RUN, id=id_)], 1)
            return run

        found: RunContext = self.do(take)
        return found

    def run(self, name: str = "reminders.prepare") -> Run:
        """Run a job now, to its end, and nothing else."""
        run = self.claimed(name)
        self.house.registry.jobs[name].call(run)
        self.do(lambda tx: run.finish(tx, "success", None))
        return run_log(self.house, name, self.practice.organization)[-1]

    def outbox(self, *states: str) -> list[Any]:
        """Messages in these states (all if none is named), by appointment time and id."""
        query = sa.select(OUTBOX).where(mine(OUTBOX)).order_by(OUTBOX.c.stamp, OUTBOX.c.id)
        with self.house.store.read(self.actor) as tx:
            return [row for row in tx.all(query) if not states or row.state in states]

    def sent(self, message: str, **values: Any) -> None:
        """As if the gateway had taken it."""
        given = {"state": "accepted", "sending_at": self.house.clock.now(), **values}
        assert self.do(lambda tx: outgoing_store.change(tx, message, ("prepared",), **given))

    def refusals(self, kind: str = "reminder") -> dict[str, str]:
        """Reason by appointment (or patient)."""
        with self.house.store.read(self.actor) as tx:
            rows, _ = store.page(tx, kind=kind, limit=1000)
        return {row.subject: row.code for row in rows}

    def credits(self, number: int) -> None:
        """So many credits are left."""
        self.do(lambda tx: ledger.set_to(tx, self.mandator, number))

    def treat(self, patient: str, mandator: str, opened: date = date(2026, 1, 7)) -> None:
        """Open a treatment."""
        one = Treatment(patient=patient, mandator=mandator, opened=opened)
        self.do(lambda tx: directory.open_treatment(tx, one))

    def account(self, channel: str, active: bool = True, cost: int = 1) -> None:
        """Access data of a channel."""
        row: dict[str, Any] = {
            "channel": channel, "version": 1, "active": int(active), "gateway": "sandbox", "sender": "Praxis",
            "fields": "{}", "secrets": "", "hook": channel + self.practice.organization, "hook_secret": "",
            "cost": cost, "updated_at": 0,
        }  # fmt: skip
        if not self.do(lambda tx: account_store.add(tx, **row)):
            self.do(lambda tx: account_store.change(tx, channel, 1, active=int(active), cost=cost))


def cast(house: House, texts: Sequence[tuple[str, str, str]] = tuple(TEXTS)) -> Cast:
    """A small practice with mandator, credits, access data for both channels, templates, and both switches on."""
    practice = small_practice(house)

    def make(tx: Tx) -> str:
        made = directory.create_mandator(tx, Mandator(name="Praxis", licence_number="L-1", default=True))
        ledger.book(tx, made.id, 1_000, "Anfang")
        for kind, channel, language in texts:
            subject = "Ihr Termin" if channel == "email" else ""
            text = TEXTS[kind, channel, language]
            template = msgspec.convert(
                {
                    "kind": kind,
                    "channel": channel,
                    "language": language,
                    "subject": subject,
                    "text": text,
                    "id": new_id(),
                },
                Template,
            )
            template_store.TEMPLATES.insert(tx, template)
        return made.id

    mandator = house.store.run(system("test", practice.organization), make)
    found = Cast(house, practice, str(mandator))
    for channel in ("sms", "email"):
        found.account(channel)
    found.set(send_reminders=True, send_greetings=True)
    return found
