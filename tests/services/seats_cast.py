"""Seats for tests: sessions that ask the desk of a house, and write down what they are told."""

import base64
import itertools
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.seats import messages, register, rules, store
from praxisd.services.seats.desk import Outcome, desk_of
from praxisd.services.seats.lines import lines
from praxisd.services.seats.who import Who
from praxisd.testing.practice import Practice

_numbers = itertools.count(1)


class Written:
    """A line of a session: what it was told, as JSON, and how it was closed."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None

    def say(self, message: object) -> None:
        """Written down as it would go out."""
        self.told.append(msgspec.json.decode(msgspec.json.encode(message)))

    def answer(self, message: object) -> None:
        """An answer."""
        self.say(message)

    def proven(self, name: str) -> None:
        """The door knows who it is."""

    def end(self, code: int, reason: str = "") -> None:
        """Closed."""
        self.closed = (code, reason)


class Session:
    """One session at one node. Requests are judged at once, in the test's own thread."""

    def __init__(self, house: House, who: Who) -> None:
        self.house, self.who = house, who
        self.line = Written()
        self.answer: Outcome | None = None

    @property
    def told(self) -> list[dict[str, Any]]:
        """What it was told unasked; it is told once."""
        found, self.line.told = self.line.told, []
        return found

    def here(self, at: str | None = None, holds: dict[str, int] | None = None) -> messages.Welcome:
        """Begin, or be back."""
        who = self.who
        lines(self.house).join(who.organization, who.session, who.seat, who.actor.label, self.line)
        back = tuple(messages.Hold(record=r, fence=f) for r, f in (holds or {}).items())
        request = messages.Here(id=1, session=self.who.session, person=self.who.person, at=at, holds=back)
        desk_of(self.house).here(self.who, request, self._done)
        found = self._judged()
        assert isinstance(found, messages.Welcome)
        return found

    def ask(self, request: messages.ForDesk) -> messages.Answer:
        """Ask, and raise what is refused."""
        desk_of(self.house).put(self.who, request, self._done)
        return self._judged()

    def lock(self, record: str) -> int:
        """Lock it; the fence."""
        found = self.ask(messages.Lock(id=1, record=record))
        assert isinstance(found, messages.Locked)
        return found.lock.fence

    def wait(self, record: str) -> int:
        """Wait for it; the place."""
        found = self.ask(messages.Lock(id=1, record=record, wait=True))
        assert isinstance(found, messages.Waiting)
        return found.waiting

    def release(self, record: str, fence: int) -> None:
        """Give it back."""
        self.ask(messages.Release(id=1, record=record, fence=fence))

    def take(self, record: str) -> int:
        """Take it over; the fence."""
        found = self.ask(messages.Take(id=1, record=record, reason="absent"))
        assert isinstance(found, messages.Locked)
        return found.lock.fence

    def beat(self) -> None:
        """It lives."""
        self.ask(messages.Beat(id=1))

    def cut(self) -> None:
        """The connection breaks without a word."""
        lines(self.house).leave(self.who.session, self.line)
        desk_of(self.house).gone(self.who, bye=False)
        desk_of(self.house).step()

    def bye(self) -> None:
        """It goes."""
        lines(self.house).leave(self.who.session, self.line)
        desk_of(self.house).gone(self.who, bye=True)
        desk_of(self.house).step()

    def refused(self, request: messages.ForDesk) -> Problem:
        """Ask for what is refused."""
        try:
            self.ask(request)
        except Problem as problem:
            return problem
        raise AssertionError(f"{request} was granted")

    def _done(self, outcome: Outcome) -> None:
        self.answer = outcome

    def _judged(self) -> messages.Answer:
        self.answer = None
        desk_of(self.house).step()
        if isinstance(self.answer, Problem):
            raise self.answer
        assert self.answer is not None
        return self.answer


def public_key() -> str:
    """A new public key as base64url."""
    return base64.urlsafe_b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()


def program(
    house: House,
    practice: Practice,
    name: str = "Anmeldung 1",
    *,
    viewer: bool = False,
    may_take: bool = False,
) -> store.Seat:
    """An approved seat of a program."""
    actor = system("test", practice.organization)
    with house.store.write(actor) as tx:
        made = register.register(tx, name=name, public_key=public_key(), program="Prüf-PVS", viewer=viewer)
        register.approve(tx, made.id, rules.shown_code(made.code))
        return register.change(tx, made.id, may_take=may_take)


def session_at(house: House, seat: store.Seat, person: str = "") -> Session:
    """A session at a seat that has not said `here` yet."""
    return Session(house, register.who_of(seat, f"{next(_numbers):032x}", person))


def tab(
    house: House, practice: Practice, browser: str = "0" * 32, *rights: str, user: str = "ute"
) -> Session:
    """A tab of a browser where somebody is signed in."""
    may = frozenset(rights or (register.HOLD,))
    actor = Actor(Kind.USER, user, practice.organization, may)
    seat, session = f"{rules.BROWSER}{browser}", f"{next(_numbers):032x}"
    return Session(house, Who(practice.organization, session, seat, "Empfang", False, False, "Ute", actor))
