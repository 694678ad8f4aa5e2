"""A practice with online calendars on a clock that is moved by hand: nodes, portals, and recorders between them.

Nothing runs by itself: whoever has a world lets its nodes hear events (`settle`) and speak with portals (`turn`). The portals
are the sandbox's own program, reached over TCP through a recorder that keeps every byte.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.store import Tx
from praxisd.model.people import PatientClaim
from praxisd.model.portals import AdapterName, OnlineCalendar, OnlinePortal
from praxisd.model.scheduling import OpeningRule
from praxisd.sandbox.portal_program import Running, Wishes
from praxisd.sandbox.portal_times import Calendar, Service
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import accounts, engine, links
from praxisd.testing.practice import Practice, small_practice
from praxisd.testing.recorder import Recorder

KEY = "s3cret-key"
CANARY = "Kanarienvogel"
"""Part of every name, note and title inside: none of it may be read in what the recorders kept."""
HOURS = {str(day): [["08:00", "18:00"]] for day in range(1, 6)}
FIELDS: Mapping[AdapterName, Callable[[str], dict[str, str]]] = {
    "two_way": lambda base: {"address": f"{base}/api"},
    "drflex": lambda base: {
        "address_period": f"{base}/drflex/period",
        "address_upload": f"{base}/drflex/upload",
    },
    "webdav_ics": lambda base: {
        "address": f"{base}/dav",
        "user": "praxis",
        "blocker_file": "{calendar}.blockers.ics",
    },
    "tvs116117": lambda base: {"address": f"{base}/tvs/api", "login": f"{base}/tvs/login"},
}
SECRET = {"two_way": "key", "drflex": "key", "webdav_ics": "password", "tvs116117": "card"}
OFFERED_DAYS = 14
OFFERED = range(7, 16)
"""Hours (UTC) at which 116117 offers a slot of half an hour on each day."""


class Killed(BaseException):
    """The process died here: nobody cleans up behind it."""


@dataclass
class Site:
    """One portal: the program that plays it, the recorder before it, and our account. `calendars`: its name by column."""

    adapter: AdapterName
    program: Running
    recorder: Recorder
    calendars: dict[str, str]
    id: str = ""

    @property
    def name(self) -> str:
        """What we call it."""
        return f"Portal {self.adapter}"


@dataclass
class World:
    """Everything. `nodes` work on one database; `wound` is called with each call to a portal (`Killed` may be raised)."""

    clock: FrozenClock
    nodes: list[House]
    practice: Practice
    sites: list[Site]
    patients: list[str]
    dice: Random
    stack: ExitStack
    wound: Callable[["World", str, bool], None] = lambda _world, _what, _done: None
    dispatchers: dict[int, events.Dispatcher] = field(default_factory=dict)

    @property
    def house(self) -> House:
        """Some node."""
        return self.nodes[0]

    @property
    def desk(self) -> Actor:
        """A person at the desk."""
        return Actor(Kind.USER, "u-desk", self.practice.organization, self.house.registry.role("owner"))

    def now(self) -> float:
        """The one time of all, epoch seconds."""
        return self.clock.now_ms() / 1000

    def write(self, work: Callable[[House, Tx], Any], node: House | None = None) -> Any:
        """One transaction of the desk."""
        house = node or self.house
        return house.store.run(self.desk, lambda tx: work(house, tx))

    def settle(self, node: House | None = None) -> None:
        """Let a node's handlers hear everything there is."""
        house = node or self.house
        one = self.dispatchers.setdefault(id(house), events.Dispatcher(house, house.registry.handlers))
        while one.step():
            pass
        if one.failing:
            raise AssertionError(f"handlers fail: {sorted(one.failing)}")

    def turn(
        self, node: House, site: Site, *, full: bool = False, why: engine.Why = "due"
    ) -> engine.Report | None:
        """One contact of a node with a portal, if it is due; None if the process died in it."""
        actor = system("portals.sync", self.practice.organization)
        try:
            return engine.run(node, actor, site.id, why, full=full)
        except Killed:
            return None

    def close(self) -> None:
        """End all programs."""
        self.stack.close()


class _Wounded:
    """An adapter in a process that may die before or after any of its calls."""

    def __init__(self, inner: Any, world: World) -> None:
        self._inner = inner
        self._world = world

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*args: Any, **more: Any) -> Any:
            self._world.wound(self._world, name, False)
            answer = found(*args, **more)
            self._world.wound(self._world, name, True)
            return answer

        return call


def build(nodes: list[House], folder: Path, clock: FrozenClock, seed: int) -> World:
    """A practice with four columns, forty patients and four portals in the houses `nodes` (one empty database)."""
    house = nodes[0]
    practice = small_practice(house)
    stack = ExitStack()
    world = World(clock, nodes, practice, [], [], Random(seed), stack)
    actor = system("test", practice.organization)
    for number in range(40):
        told = PatientClaim(
            family=f"{CANARY}{number}", given=f"Gelb{CANARY}", birth_date=f"19{50 + number % 40}-0{1 + number % 9}-17",
            phone=f"+4917155501{number:02d}", email=f"{CANARY.lower()}{number}@vogelhaus.example",
        )  # fmt: skip
        world.patients.append(house.store.run(actor, partial(_claimed, told)))
    world.sites = [_site(world, adapter, folder) for adapter in FIELDS]
    opened = accounts.opened

    def wounded(*args: Any) -> Any:
        return _Wounded(opened(*args), world)

    accounts.opened = wounded  # type: ignore[assignment]
    stack.callback(setattr, accounts, "opened", opened)
    return world


def _claimed(told: PatientClaim, tx: Tx) -> str:
    return directory.claim(tx, told).patient


def _site(world: World, adapter: AdapterName, folder: Path) -> Site:
    practice, house = world.practice, world.house
    columns = [*practice.doctors, *practice.chairs]
    program = Running(folder / adapter, "127.0.0.1", 0, Wishes(key=KEY), now=world.now)
    world.stack.callback(program.close)
    port = int(program.url.rpartition(":")[2])
    recorder = world.stack.enter_context(Recorder("127.0.0.1", port, world.now))
    if adapter == "tvs116117":
        columns = [*practice.doctors]  # each slot there is told by a request of its own
    calendars = {one: f"Kalender {number} / {adapter}" for number, one in enumerate(columns, 1)}
    for name in calendars.values():
        if adapter == "tvs116117":
            _offer(world, program, name)
        else:
            services = (Service("Kontrolle", 30), Service("Kurz", 15))
            program.board.put_calendar(Calendar(name, HOURS, days=14, notice=0, services=services))
    site = Site(adapter, program, recorder, calendars)
    record = OnlinePortal(
        name=site.name,
        adapter=adapter,
        active=True,
        fields=FIELDS[adapter](f"http://127.0.0.1:{recorder.port}"),
        interval=120 if adapter == "drflex" else 60,
        early=adapter != "webdav_ics",
        services={"Kontrolle": practice.check},
    )

    def work(tx: Tx) -> str:
        made = accounts.create(house, tx, accounts.Given(record, {SECRET[adapter]: KEY}))
        for schedule, name in calendars.items():
            links.link(
                house,
                tx,
                OnlineCalendar(portal=made.id, name=name, schedule=schedule, service=practice.check),
            )
        return made.id

    site.id = house.store.run(system("test", practice.organization), work)
    return site


def _offer(world: World, program: Running, name: str) -> None:
    """A Terminprofil of 116117 with the slots of two weeks."""
    profile = program.tvs.add_profile(name).id
    midnight = int(world.now()) // 86_400 * 86_400
    for day in range(OFFERED_DAYS):
        for hour in OFFERED:
            start = midnight + day * 86_400 + hour * 3_600
            program.tvs.add_slot(profile, start, start + 1_800)


def shorten(world: World, schedule: str, end: str) -> None:
    """Other opening hours of a column: they upload nothing (SPEC 3.5)."""
    hours = (OpeningRule(days=(1, 2, 3, 4, 5), start="08:00", end=end),)
    world.write(lambda house, tx: calendar.edit_schedule(house, tx, schedule, None, hours=hours))
