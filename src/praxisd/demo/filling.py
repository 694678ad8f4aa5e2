"""Write the sample practice through the services' own doors, in short transactions.

Time stands still while it is written and is moved by hand: the practice is set up ten days before today, its
patients have come since then. With the ids drawn from a seeded maker, seed and day determine every row; only
secrets are random.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from random import Random
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from praxisd.demo import people, practice, taking, timetable, wishing
from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import IdMaker, ids_from, new_id
from praxisd.kernel.store import Tx
from praxisd.model.people import Patient, PatientClaim
from praxisd.services.accounts import api as accounts
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging

T = TypeVar("T")
SEED = "praxisd sample practice 1"
SET_UP_DAYS = 10
"""The practice was set up so many days before today."""
AROUND_DAYS = 7
CHUNK = 40
PORTAL_BOOKINGS = 18
HERE_ALREADY = 2
"""Patients of today who have been treated when the doors open to you."""
_REASONS = ("patient.cancelled", "patient.ill")


@dataclass
class Secrets:
    """What can be read nowhere else: keys, passwords by login, the token of the iCalendar feed."""

    api_key: str = ""
    desk_key: str = ""
    passwords: dict[str, str] = field(default_factory=dict)
    feed: str = ""


def midnight(day: date) -> int:
    """The instant a day begins in the sample practice. Epoch seconds."""
    return int(datetime.combine(day, time(), ZoneInfo(practice.ZONE)).timestamp())


def clock_for(today: date) -> FrozenClock:
    """The clock with which the house to be filled is opened."""
    return FrozenClock(midnight(today - timedelta(days=SET_UP_DAYS)))


def fill(house: House, clock: FrozenClock, today: date, language: str) -> Secrets:
    """Fill the empty database of `house`, which runs on `clock`; Problem `control.folder_not_empty` (409)."""
    with house.store.read(system("demo")) as tx:
        if directory.organization_ids(tx):
            raise Problem("control.folder_not_empty", 409, folder=str(house.folder))
    rng = Random(f"{SEED} {today.isoformat()}")  # noqa: S311  (secrets do not come from here)
    with ids_from(IdMaker(clock.now_ms, rng.getrandbits)):
        return _Filling(house, clock, today, rng).run(language)


class _Filling:
    """One filling: what it has made so far, by the keys of `practice`."""

    def __init__(self, house: House, clock: FrozenClock, today: date, rng: Random) -> None:
        self.house, self.clock, self.today, self.rng = house, clock, today, rng
        self.actor = Actor(Kind.CLI, "demo", new_id(), everything=True)
        self.zone = ZoneInfo(practice.ZONE)
        self.doctor = ""
        self.columns: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self.todays: list[tuple[int, str]] = []
        self.patients: list[str] = []
        self.known: list[Patient] = []
        self.guests: dict[str, str] = {}
        self.secrets = Secrets()

    def run(self, language: str) -> Secrets:
        """Everything, in the order in which a practice would do it."""
        self._write(partial(self._set_up, language=language))
        for some in _chunks(people.patients(self.rng, self.today)):
            self._write(partial(self._enter, chunk=some))
        days = self._open_days()
        blocked = self._write(partial(self._block, days=days))
        plan = timetable.plan(self.rng, days, self.zone, blocked)
        order = self._visitors(len(plan))
        past: list[str] = []
        for chunk in _chunks(list(zip(plan, order, strict=True))):
            past += self._write(partial(self._book, chunk=chunk))
        self.clock.set(midnight(self.today))
        for ids in _chunks(past):
            self._write(partial(self._settle, ids=ids))
        self._write(self._receive)
        self._prepare_messages(language)
        self._let_in()
        self._book_from_outside()
        self._write_from_outside(practice.LETTERS.get(language, practice.LETTERS["en"]))
        self._list_medication()
        return self.secrets

    def _write(self, work: Callable[[Tx], T]) -> T:
        self.clock.advance(60)
        return self.house.store.run(self.actor, work)

    def _set_up(self, tx: Tx, language: str) -> None:
        directory.create_organization(tx, practice.organization(language))
        for mandator in practice.mandators(self.today):
            directory.create_mandator(tx, mandator)
        people_ = {k: directory.create_practitioner(tx, one).id for k, one in practice.PRACTITIONERS.items()}
        self.doctor = people_["sommer"]
        places: dict[str, str] = {}
        for key, place in practice.PLACES.items():
            places[key] = directory.create_location(tx, replace(place, part_of=places.get("site"))).id
        for number, (key, column) in enumerate(practice.COLUMNS.items(), 1):
            self.columns[key] = calendar.add_schedule(
                self.house,
                tx,
                name=column.name,
                practitioner=None if column.practitioner is None else people_[column.practitioner],
                location=places[column.place],
                hours=column.rules(),
                released=column.released,
                color=column.color,
                order=number,
            ).id
        for key, kind in practice.KINDS.items():
            groups = tuple(tuple(self.columns[name] for name in group) for group in kind.groups)
            made = calendar.add_service(
                self.house, tx, name=kind.name, groups=groups, service_type=kind.codes(), **kind.fields
            )
            self.kinds[key] = made.id

    def _enter(self, tx: Tx, chunk: Sequence[Patient]) -> None:
        for one in chunk:
            id_ = directory.put_patient(tx, one)
            if one.bookable:
                self.patients.append(id_)
                self.known.append(one)

    def _open_days(self) -> list[date]:
        """Days around today on which a doctor's column has free time: neither weekend nor public holiday."""
        begin = midnight(self.today - timedelta(days=AROUND_DAYS))
        end = midnight(self.today + timedelta(days=AROUND_DAYS + 1))
        with self.house.store.read(self.actor) as tx:
            found = calendar.free(self.house, tx, self.kinds["check"], begin, end, limit=10_000)
        return sorted({datetime.fromtimestamp(slot.start, self.zone).date() for slot in found.slots})

    def _block(self, tx: Tx, days: Sequence[date]) -> dict[str, list[tuple[int, int]]]:
        """A team meeting, a service of the chair over night, a day of training, and a holiday ahead."""
        blocked: dict[str, list[tuple[int, int]]] = {name: [] for name in self.columns}
        coming = [day for day in days if day > self.today]
        gone = [day for day in days if day < self.today]
        if coming:
            self._reserve(
                tx, blocked, "Teambesprechung", list(self.columns), coming[0], "08:00", coming[0], "09:00"
            )
        if len(gone) > 1:
            self._reserve(
                tx,
                blocked,
                "Wartung Behandlungseinheit",
                ["prophylaxis"],
                gone[-2],
                "15:00",
                gone[-1],
                "10:00",
            )
        if len(coming) > 2:
            day = coming[2]
            winter = self.columns["winter"]
            calendar.add_absence(self.house, tx, schedule=winter, first=day, last=day, reason="Fortbildung")
            blocked["winter"].append((midnight(day), midnight(day + timedelta(days=1))))
        first = self.today + timedelta(days=28)
        calendar.add_absence(
            self.house, tx, first=first, last=first + timedelta(days=6), reason="Praxisurlaub"
        )
        return blocked

    def _reserve(
        self,
        tx: Tx,
        blocked: dict[str, list[tuple[int, int]]],
        title: str,
        names: Sequence[str],
        first: date,
        since: str,
        last: date,
        until: str,
    ) -> None:
        start = _moment(first, since, self.zone)
        end = _moment(last, until, self.zone)
        schedules = tuple(self.columns[name] for name in names)
        calendar.add_reservation(self.house, tx, title=title, schedules=schedules, start=start, end=end)
        for name in names:
            blocked[name].append((start, end))

    def _visitors(self, count: int) -> list[str]:
        """Who comes: everybody once before anybody comes twice."""
        order: list[str] = []
        while len(order) < count:
            order += self.rng.sample(self.patients, len(self.patients))
        return order[:count]

    def _book(self, tx: Tx, chunk: Sequence[tuple[timetable.Planned, str]]) -> list[str]:
        """Book, and return the ids of those that lie before today."""
        past = []
        for planned, patient in chunk:
            wish = calendar.Wish(
                service=self.kinds[planned.kind],
                start=planned.start,
                schedules=tuple(self.columns[name] for name in planned.columns),
                patient=patient,
            )
            one = calendar.book(self.house, tx, wish)
            if one.end <= midnight(self.today):
                past.append(one.id)
            elif self.rng.random() < 0.03:
                calendar.cancel(self.house, tx, one.id, self.rng.choice(_REASONS))
            elif one.end <= midnight(self.today + timedelta(days=1)):
                self.todays.append((one.start, one.id))
        return past

    def _settle(self, tx: Tx, ids: Iterable[str]) -> None:
        """What became of the appointments before today: most patients came."""
        for id_ in ids:
            luck = self.rng.random()
            if luck < 0.04:
                calendar.change(self.house, tx, id_, status="noshow")
            elif luck < 0.08:
                calendar.cancel(self.house, tx, id_, self.rng.choice(_REASONS))
            else:
                calendar.change(self.house, tx, id_, status="fulfilled")

    def _receive(self, tx: Tx) -> None:
        """The first hour of today: some have been here, one sits in the waiting room. Nobody where today is closed."""
        first = [id_ for _, id_ in sorted(self.todays)[: HERE_ALREADY + 1]]
        for id_ in first[:HERE_ALREADY]:
            calendar.change(self.house, tx, id_, status="fulfilled")
        for id_ in first[HERE_ALREADY:]:
            calendar.change(self.house, tx, id_, status="arrived")

    def _let_in(self) -> None:
        """Three people who sign in, a portal's key, a key with the rights of the desk, a feed of one column."""
        registry = self.house.registry
        for login, name in practice.USERS:
            password = secrets.token_urlsafe(12)
            hashed = accounts.hash_password(password, login)
            self.secrets.passwords[login] = password
            self._write(
                partial(
                    accounts.create_user,
                    registry=registry,
                    login=login,
                    name=name,
                    role=login,
                    password_hash=hashed,
                )
            )
        portal = self._write(
            lambda tx: accounts.create_key(tx, registry, role="portal", name=practice.PORTAL)
        )
        desk = self._write(lambda tx: accounts.create_key(tx, registry, role="desk", name="Empfang"))
        self.secrets.api_key, self.secrets.desk_key = portal[1], desk[1]
        feed = self._write(lambda tx: calendar.open_feed(tx, self.columns["sommer"], True))
        self.secrets.feed = feed[1]

    def _prepare_messages(self, language: str) -> None:
        """Everything that messages to patients need; a source of chance of its own keeps the rest as it was."""
        rng = Random(f"{SEED} messages {self.today.isoformat()}")  # noqa: S311
        self._write(partial(wishing.pay, self.house, language=language))
        for some in _chunks(self.patients):
            self._write(partial(wishing.treat, patients=some, today=self.today, rng=rng))
            self._write(partial(wishing.wish, self.house, patients=some, rng=rng))
        self._write(partial(wishing.greet, self.house, today=self.today))

    def _list_medication(self) -> None:
        """What some patients take. With chances of its own: who has a list changes nothing else in the practice."""
        rng = Random(f"{SEED} medication {self.today.isoformat()}")  # noqa: S311
        who = taking.chosen(self.patients, self.known, self.today, rng)
        lists = list(zip(who, taking.lists(len(who)), strict=True))
        for at in range(0, len(lists), taking.CHUNK):
            some = lists[at : at + taking.CHUNK]
            self._write(partial(taking.enter, self.house, some=some, today=self.today))

    def _visits(self) -> Iterator[PatientClaim]:
        """Whom the portal books for: new people, and two who may be known already, which a person has to decide."""
        told = people.patients(self.rng, self.today)[: PORTAL_BOOKINGS - 2]
        for number, one in enumerate([*told, *self.rng.sample(self.known, 2)]):
            mail = f"gast{number}@example.net"
            yield PatientClaim(family=one.family, given=one.given, birth_date=one.birth_date, email=mail)

    def _book_from_outside(self) -> None:
        """Bookings of the portal, some of which the practice has yet to confirm."""
        house, who = self.house, accounts.authenticate(self.house, self.secrets.api_key, None)
        end = midnight(self.today + timedelta(days=2 * AROUND_DAYS))
        for number, claim in enumerate(self._visits()):
            kind = self.kinds["first" if number % 3 == 0 else "check"]
            self.clock.advance(300)
            with house.store.read(who) as tx:
                found = calendar.free(house, tx, kind, self.clock.now(), end, limit=1000).slots
            if not found:
                continue
            slot = self.rng.choice(found)

            def work(tx: Tx, claim: PatientClaim = claim, kind: str = kind, start: int = slot.start) -> None:
                claimed = directory.claim(tx, claim)
                wish = calendar.Wish(
                    service=kind, start=start, patient=claimed.patient, extra={"alias": claimed.shown}
                )
                calendar.book(house, tx, wish)
                self.guests[claimed.shown] = f"{claim.given} {claim.family}"

            house.store.run(who, work)

    def _write_from_outside(self, letters: Sequence[str]) -> None:
        """Two of the portal's guests write to the practice; the last letter is older and done with."""
        who = accounts.authenticate(self.house, self.secrets.api_key, None)
        guests = list(self.guests.items())[: len(letters)]
        for text, (alias, name) in reversed(list(zip(letters, guests, strict=True))):
            self.clock.advance(600)
            guest = {"reference": f"Patient/{alias}", "display": name}
            letter: dict[str, Any] = {
                "resourceType": "Communication",
                "status": "completed",
                "subject": guest,
                "sender": guest,
                "recipient": [{"reference": f"Practitioner/{self.doctor}"}],
                "payload": [{"contentString": text}],
            }

            def work(tx: Tx, letter: dict[str, Any] = letter) -> str:
                return messaging.receive(self.house, tx, letter, "").id

            id_ = self.house.store.run(who, work)
            if text != letters[0]:
                self._write(partial(messaging.mark, id_=id_, state="done", expected=None))


def _moment(day: date, clock: str, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time.fromisoformat(clock), zone).timestamp())


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for index in range(0, len(items), CHUNK):
        yield items[index : index + CHUNK]
