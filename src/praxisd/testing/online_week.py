"""`python -m praxisd.testing.online_week`: a week of practice life with online calendars, on a clock moved by hand.

    --days D       so many days (default 7)       --seed S    dice
    --postgres     two nodes on one PostgreSQL instead of one on SQLite that is restarted
    --out DIR      where folders stay

People edit by dice, portals fail, processes die in the middle of a contact and come back, two nodes work at once. Each night
everything comes to rest, and then portals and practice must agree exactly; at the end nothing was uploaded more often than
allowed, each conflict was told once and none missed, and no byte that went out names anybody. Ends with 1 otherwise.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.services.portals import engine_store
from praxisd.testing import online_life, online_oracle
from praxisd.testing.houses import START, Houses
from praxisd.testing.online_world import World, build

DAY_S = 86_400
WORK = range(6, 19)
"""Hours (UTC) in which people do things."""
REST_STEPS = 400


@dataclass
class Result:
    """What was done, and what was found: `faults` are broken promises."""

    seed: int
    days: float
    nodes: int
    seconds: float = 0.0
    actions: Counter[str] = field(default_factory=Counter)
    cycles: Counter[str] = field(default_factory=Counter)
    uploads: int = 0
    bookings: int = 0
    conflicts: int = 0
    restarts: int = 0
    bytes_out: int = 0
    faults: list[str] = field(default_factory=list)

    def report(self) -> str:
        """The figures as lines."""
        did = ", ".join(f"{n} {what}" for what, n in sorted(self.actions.items()))
        cycles = ", ".join(f"{n} {what}" for what, n in sorted(self.cycles.items()))
        return "\n".join(
            [
                f"seed {self.seed}: {self.days:g} days, {self.nodes} nodes, {self.restarts} restarts, {self.seconds:.1f} s",
                f"  life: {did}",
                f"  contacts: {cycles}",
                f"  {self.uploads} uploads, {self.bookings} bookings at the portal, {self.conflicts} conflicts,"
                f" {self.bytes_out} bytes out",
                f"  violations={len(self.faults)}",
                *(f"    {one}" for one in self.faults[:20]),
            ]
        )


def run(
    open_house: Callable[[], House], twin: Callable[[House], House], folder: Path, clock: FrozenClock, *,
    days: float, seed: int, nodes: int, twins: bool,
) -> Result:  # fmt: skip
    """Live through the days; `twins`: several nodes work at once, else the one there is starts anew."""
    began = time.monotonic()
    result = Result(seed, days, nodes)
    house = open_house()
    world = build([house, *(twin(house) for _ in range(nodes - 1))], folder, clock, seed)
    world.wound = online_life.wound
    try:
        end = clock.now() + int(days * DAY_S)
        day = clock.now() // DAY_S
        while clock.now() < end:
            _tick(world, result, twin, twins)
            if clock.now() // DAY_S != day:
                day = clock.now() // DAY_S
                _rest(world, result, f"before {datetime.fromtimestamp(clock.now(), UTC):%d.%m.}")
                if result.faults:
                    break
        _rest(world, result, "end")
        _judge(world, result)
    finally:
        result.seconds = time.monotonic() - began
        world.close()
    return result


def _tick(world: World, result: Result, twin: Callable[[House], House], twins: bool) -> None:
    dice, clock = world.dice, world.clock
    busy = clock.now() % DAY_S // 3600 in WORK
    if busy:
        for _ in range(dice.randint(0, 2)):
            done = online_life.step(world)
            result.actions[done] += 1
            if done.startswith("!"):
                result.faults.append(f"failed inside: {done}")
    clock.advance(dice.choice((2, 7, 31, 61, 125, 240)) if busy else dice.choice((120, 600, 1500)))
    if dice.random() < 0.02:
        _restart(world, result, twin, twins)
    world.settle(dice.choice(world.nodes))
    result.faults += online_oracle.conflicts(world)
    _contacts(world, result)


def _contacts(world: World, result: Result) -> None:
    """Each node looks at each portal, both at once where there are two."""

    def look(node: House) -> None:
        for site in world.sites:
            report = world.turn(node, site)
            result.cycles["died" if report is None else report.state] += 1

    if len(world.nodes) == 1:
        look(world.nodes[0])
        return
    threads = [threading.Thread(target=look, args=(node,)) for node in world.nodes]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def _restart(world: World, result: Result, twin: Callable[[House], House], twins: bool) -> None:
    """One node ends and starts again on what it left behind."""
    result.restarts += 1
    number = world.dice.randrange(len(world.nodes))
    old = world.nodes[number]
    if twins:
        world.nodes[number] = twin(old)
        old.stop()
    else:
        old.stop()
        world.nodes[number] = twin(old)
    world.dispatchers.pop(id(old), None)


def _rest(world: World, result: Result, when: str) -> None:
    """No more trouble, no more edits: everything comes to rest, and then both sides agree."""
    for site in world.sites:
        site.program.faults.clear()
    wound, world.wound = world.wound, lambda *_: None
    for _ in range(REST_STEPS):
        _contacts(world, result)
        world.settle()  # what came in from the portals may have changed the calendar again
        if _quiet(world):
            break
        world.clock.advance(61)
    else:
        result.faults.append(f"{when}: does not come to rest")
    result.faults += [f"{when}: {one}" for one in online_oracle.differences(world)]
    result.faults += [f"{when}: {one}" for one in online_oracle.conflicts(world)]
    world.wound = wound


def _quiet(world: World) -> bool:
    """Nothing changed that is not out, no failure stands, no decision waits, every booking was fetched."""
    organization = world.practice.organization
    with world.house.store.read(world.desk) as tx:
        states = engine_store.states(tx).values()
        cycles = engine_store.cycles(tx).values()
        open_ = sum(engine_store.open_answers(tx, site.id) for site in world.sites)
        marks = {one.portal: one.mark for one in cycles}
        calm = all(one.dirty_at is None and not one.failures and not one.force for one in states)
        calm = calm and not any(one.failures for one in cycles)
    site = next(one for one in world.sites if one.adapter == "two_way")
    newest = max((one.mark for one in site.program.board.bookings()), default=0)
    here = int(marks.get(site.id) or 0) >= newest and not online_oracle.unheard_116117(world)
    return bool(organization) and calm and not open_ and here


def _judge(world: World, result: Result) -> None:
    for site in world.sites:
        result.faults += online_oracle.too_close(site)
        result.uploads += len(site.program.board.uploads())
        result.bookings += len(site.program.board.bookings()) + len(site.program.tvs.bookings)
        result.bytes_out += site.recorder.size()[0]
    result.faults += online_oracle.reported_once(world)
    result.faults += [f"leaked: {one}" for one in online_oracle.leaks(world)]
    result.conflicts = online_oracle.count_conflicts(world)


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="online_week", description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=float, default=7)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)))
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    folder = asked.out or Path(tempfile.mkdtemp(prefix="praxisd-online-week-"))
    clock = FrozenClock(START)
    with ExitStack() as stack:
        new_database = None
        if asked.postgres:
            from praxisd.testing.postgres import PostgresServer

            new_database = stack.enter_context(PostgresServer()).new_database
        houses = Houses("postgresql" if asked.postgres else "sqlite", folder, new_database)
        stack.callback(houses.close)
        result = run(
            lambda: houses.open(clock=clock), lambda house: houses.twin(house, clock), folder, clock,
            days=asked.days, seed=asked.seed, nodes=2 if asked.postgres else 1, twins=asked.postgres,
        )  # fmt: skip
    print(result.report())
    return 1 if result.faults else 0


if __name__ == "__main__":
    sys.exit(main())
