"""`python -m praxisd.testing.relay_torture`: torment the relay; it must not crash, not leak, not lie, and come back by itself.

    --n N        so many fuzzed inputs (default 1,000,000); everything else grows with it: from 100,000 on SIGSTOP takes
                 90 s, 500 slow guests come, pings and spreads are those of the product, all of it happens several times
    --seed S     dice                  --out DIR   where the programs' logs stay

Programs: a hub, two with practices (one behind a bad line, one beside it), the practices' server. While it goes on an
observer compares what a practice shows with what is so; then the same of the page of a whole `praxisd serve`. Prints
what was done; ends with 1 if one promise was broken.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from praxisd.testing import relay_torture_guests as guests
from praxisd.testing import relay_torture_links as links
from praxisd.testing.relay_agents import raise_limit
from praxisd.testing.relay_fuzz import fuzz
from praxisd.testing.relay_torture_page import torment
from praxisd.testing.relay_yard import LIE_S, Yard, settled

LARGE = 100_000
LEAK_KB = 12_000
"""By so much the resident memory of a program may grow from the first round of everything to the last: what allocators keep."""
LEAK_FDS = 3


@dataclass(frozen=True)
class Scale:
    """How much of everything. Seconds."""

    practices: int
    ping_s: float
    spread_s: float
    hello_s: float
    rounds: int
    slow_guests: int
    slow_s: float
    stalled_mb: int
    resets: int
    step: int
    noise: int
    cut_s: float
    idle_s: float
    sleep_s: float
    kills: tuple[tuple[int, float], ...]
    """(how often, how long the links have stood)"""
    breaks: tuple[int, ...]

    @classmethod
    def of(cls, n: int) -> "Scale":
        """For so many fuzzed inputs."""
        if n >= LARGE:
            every = (*range(0, 120, 17), *range(120, 4000, 67))
            kills = ((2, 61.0), (3, 1.0))
            return cls(
                20, 4.0, 10.0, 10.0, 3, 500, 13.0, 100, 40, 1, n // 200, 25.0, 20.0, 90.0, kills, every
            )
        breaks = (0, 1, 400, 700, 1100, 1500, 1900, 2300)
        return cls(4, 0.4, 0.5, 1.0, 1, 30, 2.5, 10, 2, 23, n // 20, 3.0, 1.2, 2.5, ((1, 0.2),), breaks)


async def _round(yard: Yard, scale: Scale, say: Callable[[str], None]) -> None:
    """All that the hub and the agents must outlive without a new start."""
    scenes: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
        ("hellos", lambda: guests.hellos(yard, scale.step)),
        ("noise", lambda: guests.noise(yard, scale.noise)),
        ("RST in every state", lambda: guests.resets(yard, scale.resets)),
        ("links by hand", lambda: links.by_hand(yard, max(1, scale.resets // 4))),
        ("slow guests", lambda: guests.slow(yard, scale.slow_guests, scale.slow_s)),
        ("one stalled", lambda: guests.stalled(yard, 1, scale.stalled_mb)),
        ("four stalled", lambda: guests.stalled(yard, 4, scale.stalled_mb)),
        ("clock", lambda: links.clock(yard)),
        ("cut without FIN", lambda: links.cut(yard, scale.cut_s)),
        ("idle dropped", lambda: links.idle(yard, scale.idle_s)),
        ("line breaks", lambda: links.broken(yard, scale.breaks)),
        ("asleep", lambda: links.asleep(yard, scale.sleep_s)),
    )
    for name, scene in scenes:
        began, faults = time.monotonic(), len(yard.faults)
        await scene()
        yard.all_alive(name)
        say(
            f"  {name}: {time.monotonic() - began:.1f} s"
            + "".join(f"\n    BROKEN {one}" for one in yard.faults[faults:])
        )


async def _leaks(yard: Yard, scale: Scale, say: Callable[[str], None]) -> None:
    """Rounds; after the first two nothing may grow any more.

    An allocator keeps what the worst moment of a scene needed, and the second round's worst may be worse by chance: seven
    rounds of the guests' scenes left the hub at 91, 101, 101, 99, 99, 99 and 99 MB.
    """
    before: dict[str, tuple[int, int]] = {}
    for number in range(scale.rounds):
        say(f"round {number + 1} of {scale.rounds}")
        at_start = {name: one.fds() for name, one in yard.processes().items()}
        await _round(yard, scale, say)
        if not all(one.alive for one in (yard.hub, yard.struck, yard.beside)):
            return
        for name, one in yard.processes().items():
            left = await settled(one.fds, at_start[name] + LEAK_FDS, 20)
            yard.check(
                left <= at_start[name] + LEAK_FDS,
                f"{name}: {left} descriptors after a round, {at_start[name]} before",
            )
            now = (left, one.rss_kb())
            if number < min(2, scale.rounds):
                before[name] = now
            was = before[name]
            yard.check(
                now[1] <= was[1] + LEAK_KB,
                f"{name}: {now[1]} KB after round {number + 1}, {was[1]} KB before",
            )
            yard.notes.append(f"{name} after round {number + 1}: {left} descriptors, {now[1]:,} KB")


async def torture(n: int, seed: int, out: Path, say: Callable[[str], None]) -> tuple[list[str], list[str]]:
    """Everything; (notes, broken promises)."""
    raise_limit()
    scale = Scale.of(n)
    lull = 0.5 if n >= LARGE else 0.2
    yard = Yard(out, seed, scale.practices, scale.ping_s, scale.spread_s, scale.hello_s, lull)
    async with yard:
        for count, lived in scale.kills:
            began = time.monotonic()
            await links.kills(yard, count, lived)
            say(f"  {count} x kill -9: {time.monotonic() - began:.1f} s")
        if n >= LARGE:
            began = time.monotonic()
            await links.drained(yard)
            say(f"  drained: {time.monotonic() - began:.1f} s")
        await _leaks(yard, scale, say)
        await yard.observer.stop()
        watched = yard.observer
        yard.notes.append(
            f"shown state: {watched.looks} looks, {len(watched.spans)} spans of untruth, the longest {watched.longest:.1f} s"
        )
        yard.check(
            watched.longest <= LIE_S,
            f"the shown state was untrue for {watched.longest:.1f} s: {_worst(yard)}",
        )
        yard.check(
            {(True, True), (False, False)} <= watched.both,
            f"the observer saw only {watched.both}: it proved nothing",
        )
        for name in ("hub/hub", "struck", "beside"):
            said = (out / f"{name}.log").read_text(errors="replace")
            yard.check(
                "Traceback" not in said, f"{name} wrote a traceback: {said[said.find('Traceback') :][:600]}"
            )
    return yard.notes, yard.faults


def _worst(yard: Yard) -> str:
    worst = sorted(yard.observer.spans, key=lambda one: -one.seconds)[:3]
    return ", ".join(
        f"{one.seconds:.1f} s {'linked' if one.shown else 'not linked'} was shown" for one in worst
    )


def main(arguments: list[str] | None = None) -> int:
    """What the command line asks for; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m praxisd.testing.relay_torture", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    out = asked.out or Path(tempfile.mkdtemp(prefix="praxisd-torture-relay-"))
    print(f"seed {asked.seed}, logs in {out}", flush=True)
    began = time.monotonic()
    notes, faults = asyncio.run(torture(asked.n, asked.seed, out, lambda words: print(words, flush=True)))
    more = asyncio.run(torment(out / "page", 15.0, Scale.of(asked.n).sleep_s))
    notes, faults = notes + more[0], faults + more[1]
    fuzzed = fuzz(asked.n, asked.seed)
    lines = [
        *(f"  {one}" for one in notes),
        f"  {fuzzed.report()}",
        f"  {time.monotonic() - began:.0f} s, violations={len(faults) + len(fuzzed.faults)}",
        *(f"    {one}" for one in [*faults, *fuzzed.faults][:40]),
    ]
    print("\n".join(lines), flush=True)
    return 1 if faults or fuzzed.faults else 0


if __name__ == "__main__":
    sys.exit(main())
