"""What the tests of the engine share: a practice with portals in memory that keep the promises of `Portal`.

`World` is the portal's side: what it shows as taken, what patients booked there, which calls came and when. `Stage` is the
practice's: the house, its portals and calendars, cycles by one word.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from praxisd.kernel import jobs
from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.model.portals import OnlineCalendar, OnlinePortal, Told
from praxisd.model.scheduling import Busy
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import accounts, cycle_store, engine, engine_store, links, portals
from praxisd.services.portals.portal import (
    BOOKING_GONE,
    CALENDAR_UNKNOWN,
    KEY_REFUSED,
    TIMEOUT,
    Abilities,
    Account,
    Blocker,
    Booking,
    Fetched,
    Memory,
    Period,
    Reply,
    Unknown,
)
from praxisd.services.portals.portals import Adapter, Field, Form
from praxisd.testing.practice import Practice, small_practice

DAY = 86_400
KEY = "geheim-0815"
FULL = Abilities(names=True, hours=True, bookings=True, answers=True, blockers=True, offers=True, fetch_s=60)
FORM = Form(
    "two_way",
    (
        Field("address", required=True, whom=True, kind="address"),
        Field("header", default="X-API-Key"),
        Field("key", secret=True, required=True),
    ),
    FULL,
)


@dataclass
class Call:
    """One request as the portal saw it: when (epoch seconds), what, for which calendar, and the times in it."""

    at: int
    what: str
    calendar: str = ""
    busy: tuple[tuple[int, int], ...] = ()
    period: Period | None = None


@dataclass
class World:
    """A portal in memory. `fails`: by call (`upload`, `period`, …, `*`) the Problem it raises, until taken out.

    `during`: called inside of `upload`, before the times are taken. `slides`: the period moves with every second.
    """

    house: House
    names: tuple[str, ...] = ("Sprechstunde", "Prophylaxe")
    days: int = 7
    slides: bool = False
    key: str = KEY
    fails: dict[str, Problem] = field(default_factory=dict)
    during: Callable[[str], None] | None = None
    calls: list[Call] = field(default_factory=list)
    taken: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    bookings: list[Booking] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    blocked: dict[str, list[Blocker]] = field(default_factory=dict)
    offered: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    settled: list[tuple[str, str]] = field(default_factory=list)
    marks: list[str | None] = field(default_factory=list)
    given: list[Account] = field(default_factory=list)

    def note(self, what: str, calendar: str = "", **more: Any) -> None:
        """A call came; fail if it is to."""
        self.calls.append(Call(self.house.clock.now(), what, calendar, **more))
        for name in (what, f"{what}:{calendar}", "*"):
            if name in self.fails:
                raise self.fails[name]

    def times(self, what: str) -> list[int]:
        """When these calls came."""
        return [call.at for call in self.calls if call.what == what]

    def said(self) -> list[str]:
        """What was called, in order."""
        return [call.what for call in self.calls]

    def period(self) -> Period:
        """From today's midnight (UTC), or from now, for some days."""
        now = self.house.clock.now()
        start = now if self.slides else now // DAY * DAY
        return Period(start, start + self.days * DAY)


class Wire:
    """The adapter: one connection of a house with the world."""

    abilities = FULL

    def __init__(self, house: House, world: World, account: Account, memory: Memory) -> None:
        self._house, self._world, self._account, self._memory = house, world, account, memory
        world.given.append(account)

    def _enter(self, what: str, calendar: str = "", before: float | None = None, **more: Any) -> None:
        if before is not None and self._house.clock.now() >= before:
            raise Problem(TIMEOUT, 504, retry=True)
        self._world.note(what, calendar, **more)
        if self._account.values.get("key") != self._world.key:
            raise Problem(KEY_REFUSED, 502)
        if calendar and calendar not in self._world.names:
            raise Problem(CALENDAR_UNKNOWN, 502)

    def names(self) -> tuple[str, ...] | None:
        self._enter("names")
        return self._world.names if self.abilities.names else None

    def period(self, calendar: str) -> Period:
        self._enter("period", calendar)
        return self._world.period()

    def upload(self, calendar: str, period: Period, busy: Sequence[Busy], before: float) -> int:
        times = tuple((one.start, one.end) for one in busy)
        self._enter("upload", calendar, before, busy=times, period=period)
        if self._world.during is not None:
            self._world.during(calendar)
        self._world.taken[calendar] = times
        return len(times)

    def hours(self, calendar: str, period: Period) -> tuple[Busy, ...] | None:
        self._enter("hours", calendar)
        if calendar not in self._world.offered:
            return None
        return tuple(Busy(start=start, end=end) for start, end in self._world.offered[calendar])

    def fetch(self, mark: str | None) -> Fetched:
        self._enter("fetch")
        self._world.marks.append(mark)
        seen = int(mark or 0)
        return Fetched(
            tuple(self._world.bookings[seen:]), tuple(self._world.unknown), str(len(self._world.bookings))
        )

    def answer(self, reply: Reply, before: float) -> None:
        self._enter("answer", "", before)
        if reply.booking not in {one.id for one in self._world.bookings}:
            raise Problem(BOOKING_GONE, 502)
        if reply not in self._world.replies:
            self._world.replies.append(reply)

    def blockers(self, calendar: str, period: Period) -> tuple[Blocker, ...]:
        self._enter("blockers", calendar)
        return tuple(self._world.blocked.get(calendar, ()))

    def offer(self, calendar: str, times: Sequence[Busy], before: float) -> tuple[str | None, ...]:
        self._enter("offer", calendar, before)
        return tuple("portals.refused" if n == 1 else None for n, _ in enumerate(times))

    def settle(self, unknown: Unknown, choice: str, before: float) -> None:
        self._enter("settle", "", before)
        self._world.settled.append((unknown.id, choice))
        self._world.unknown = [one for one in self._world.unknown if one.id != unknown.id]


@dataclass
class Stage:
    """A practice and its portals' world."""

    house: House
    practice: Practice
    world: World

    @property
    def actor(self) -> Actor:
        """The server itself in this practice."""
        return system("test", self.practice.organization)

    def run(self, work: Any, house: House | None = None) -> Any:
        """`work(tx)` in a write transaction."""
        return (house or self.house).store.run(self.actor, work)

    def read(self, work: Any) -> Any:
        """`work(tx)` in a read transaction."""
        with self.house.store.read(self.actor) as tx:
            return work(tx)

    def portal(self, name: str = "Portal", **more: Any) -> OnlinePortal:
        """An active portal with its key."""
        fields = {"address": "https://portal.example/api"}
        record = OnlinePortal(name=name, adapter="two_way", active=True, fields=fields)
        record = msgspec.structs.replace(record, **more)
        return self.run(lambda tx: accounts.create(self.house, tx, accounts.Given(record, {"key": KEY})))

    def link(self, portal: OnlinePortal, name: str = "Sprechstunde", column: int = 0) -> OnlineCalendar:
        """One of its calendars and the column of a doctor."""
        wanted = OnlineCalendar(portal=portal.id, name=name, schedule=self.practice.doctors[column])
        return self.run(lambda tx: links.link(self.house, tx, wanted))

    def cycle(
        self, portal: OnlinePortal, why: Any = "due", house: House | None = None, **more: Any
    ) -> engine.Report:
        """One cycle."""
        return engine.run(house or self.house, self.actor, portal.id, why, **more)

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.house.clock.advance(seconds)  # type: ignore[attr-defined]

    def handle(self) -> None:
        """Let the handlers hear of everything."""
        from praxisd.kernel import events

        dispatcher = events.Dispatcher(self.house, self.house.registry.handlers)
        while dispatcher.step():
            pass
        assert dispatcher.failing == {}

    def book(self, start: int, minutes: int = 30, column: int = 0, house: House | None = None) -> str:
        """An appointment of the practice itself."""
        wish = calendar.Wish(
            service=self.practice.check, start=start, end=start + minutes * 60, patient=self.practice.patient,
            schedules=(self.practice.doctors[column],), outside_hours=True,
        )  # fmt: skip
        return self.run(lambda tx: calendar.book(house or self.house, tx, wish).id, house)

    def state(self, link: OnlineCalendar) -> Any:
        """How a calendar stands."""
        return self.read(lambda tx: engine_store.state(tx, link.id))

    def contact(self, portal: OnlinePortal) -> Any:
        """How the contact with a portal stands."""
        return self.read(lambda tx: engine_store.cycle(tx, portal.id))

    def busy(self, link: OnlineCalendar) -> tuple[tuple[int, int], ...]:
        """What the portal ought to show: what is busy in the period it was told about."""
        row = self.state(link)

        def work(tx: Any) -> Any:
            own = [f"Reservation/{one}" for one in cycle_store.blocked_by(tx, link.portal)]
            return calendar.busy(self.house, tx, link.schedule, row.first, row.last, own)

        return tuple((one.start, one.end) for one in self.read(work))

    def switch(self, on: bool = True, house: House | None = None) -> None:
        """The comparison in the background."""
        from praxisd.kernel.job_plan import Planner

        Planner(house or self.house).step()
        self.run(lambda tx: jobs.change(self.house, tx, "portals.sync", enabled=on))


@contextmanager
def in_memory(world: World) -> Iterator[None]:
    """Let `two_way` be the world in memory."""

    def connect(house: House, account: Account, memory: Memory) -> Any:
        return Wire(house, world, account, memory)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(portals.ADAPTERS, "two_way", Adapter(FORM, connect))
        yield


def stage_of(house: House) -> Stage:
    """A small practice whose portals are in memory; use it inside of `in_memory(stage.world)`."""
    return Stage(house, small_practice(house), World(house))


def booking(number: int, start: int, calendar: str = "Sprechstunde", **more: Any) -> Booking:
    """A booking that a patient made at the portal."""
    told = Told(family="Kanari", given=f"Vera {number}", birth_date="1980-02-03", phone="+49302000100")
    given: dict[str, Any] = {"end": start + 1_800, "told": told} | more
    return Booking(id=f"b{number}", calendar=calendar, start=start, **given)
