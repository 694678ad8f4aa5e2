"""What the tests of the booking desk share: a practice with a two-way portal, its bookings, the desk's hands."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.events import Dispatcher
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest, OnlineCalendar, OnlinePortal, Told
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import api as calendar
from praxisd.services.messaging import outbox_store
from praxisd.services.portals import desk_take, requests_store, store
from praxisd.services.portals.portal import Booking
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

BERLIN = ZoneInfo("Europe/Berlin")
ERIKA = Told(
    family="Beispiel", given="Erika", birth_date="1980-05-17", phone="0171 3920012", email="erika@example.org"
)


def at(text: str) -> int:
    """Epoch seconds of a wall time in Berlin, `2026-11-24 09:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


@dataclass
class Desk:
    """The practice, its portal „Termine online“ with one calendar. It is Monday, 23 November 2026, 09:00."""

    house: House
    practice: Practice
    portal: OnlinePortal
    link: OnlineCalendar

    @property
    def actor(self) -> Actor:
        """The server itself in this practice."""
        return system("test", self.practice.organization)

    def do(self, work: Any, actor: Actor | None = None) -> Any:
        """`work(tx)` in a write transaction."""
        return self.house.store.run(actor or self.actor, work)

    def see(self, work: Any) -> Any:
        """`work(tx)` in a read transaction."""
        with self.house.store.read(self.actor) as tx:
            return work(tx)

    def booking(self, id_: str = "b1", when: str = "2026-11-24 10:00", **more: Any) -> Booking:
        """A booking made at the portal."""
        start = at(when)
        given: dict[str, Any] = {
            "calendar": self.link.name,
            "start": start,
            "end": start + 1800,
            "told": ERIKA,
        }
        return Booking(id=id_, **{**given, "kind": "Kontrolle", **more})

    def take(self, booking: Booking, house: House | None = None, link: bool = True) -> str:
        """Hand a booking to the desk as the engine does."""
        house = house or self.house
        actor = replace(self.actor, portal=self.portal.name)
        there = self.link if link else None
        return str(
            house.store.run(actor, lambda tx: desk_take.take_in(house, tx, self.portal, there, booking))
        )

    def requests(self) -> list[BookingRequest]:
        """All requests, the oldest first."""
        found: list[BookingRequest] = self.see(lambda tx: store.REQUESTS.all(tx))
        return sorted(found, key=lambda one: (one.received, one.id))

    def only(self) -> BookingRequest:
        """The one request there is."""
        (one,) = self.requests()
        return one

    def appointment(self, request: BookingRequest | None = None) -> Appointment:
        """The appointment of the request."""
        one = request or self.only()
        found: Appointment = self.see(lambda tx: calendar.get(tx, str(one.appointment)))
        return found

    def answers(self, request: BookingRequest | None = None) -> list[tuple[str, str]]:
        """(kind, state) of what is told to the portal."""
        one = request or self.only()
        return [(row.kind, row.state) for row in self.see(lambda tx: requests_store.answers(tx, one.id))]

    def messages(self) -> list[tuple[str, str]]:
        """(kind, topic) of all messages to patients, oldest first."""
        rows = self.see(lambda tx: tx.all(outbox_rows()))
        return [(row.kind, row.topic) for row in rows]

    def events(self, prefix: str = "request.") -> list[str]:
        """Types of the events there are."""
        from praxisd.kernel import events

        found = self.see(lambda tx: events.since(tx, 0, limit=1000))
        return [one.type for one in found if one.type.startswith(prefix)]

    def handle(self) -> None:
        """The handlers of the desk and of the calendar hear of all events; none may fail."""
        found = [
            one
            for one in self.house.registry.handlers
            if one.name.startswith(("portals.request", "calendar."))
        ]
        dispatcher = Dispatcher(self.house, found)
        while dispatcher.step():
            pass
        assert not dispatcher.failing

    def change_portal(self, **fields: Any) -> None:
        """Other settings of the portal."""

        def work(tx: Tx) -> OnlinePortal:
            return store.PORTALS.save(
                tx, msgspec.structs.replace(store.PORTALS.need(tx, self.portal.id), **fields)
            )

        self.portal = self.do(work)


def outbox_rows() -> Any:
    """All messages, oldest first."""
    import sqlalchemy as sa

    from praxisd.kernel.store import mine

    table = outbox_store.OUTBOX
    return sa.select(table).where(mine(table)).order_by(table.c.id)


def desk_of(house: House) -> Desk:
    """A practice with a portal that gives bookings."""
    practice = small_practice(house)

    def work(tx: Tx) -> tuple[OnlinePortal, OnlineCalendar]:
        portal = store.PORTALS.insert(
            tx,
            OnlinePortal(
                id=new_id(), name="Termine online", adapter="two_way", services={"Kontrolle": practice.check}
            ),
        )
        link = OnlineCalendar(
            id=new_id(), portal=portal.id, name="Dr. 1 online", schedule=practice.doctors[0]
        )
        return portal, store.CALENDARS.insert(tx, link)

    portal, link = house.store.run(system("test", practice.organization), work)
    return Desk(house, practice, portal, link)


class Hands:
    """Somebody at a console: requests through the door."""

    def __init__(self, desk: Desk, client: TestClient[Any], role: str = "desk") -> None:
        key = key_for(desk.house, desk.practice, role, f"Konsole {role}")
        self._client = client
        self._headers = {"Authorization": f"Bearer {key}"}

    def ask(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        """The answer's JSON (None where it has none); another status fails the test."""
        given = {} if body is None else {"json": body}
        answer = self._client.request(method, f"/api/v1{path}", headers={**self._headers, **headers}, **given)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        """A POST; an empty object where nothing is said."""
        return self.ask("POST", path, {} if body is None else body, status)

    def get(self, path: str, status: int = 200) -> Any:
        """A GET."""
        return self.ask("GET", path, None, status)


def door(house: House) -> TestClient[Any]:
    """The house's door."""
    return TestClient(build(house, main.doors(house)))
