"""How the costs of seats grow with how many are connected: coming, living, locking, looking; a room of `bench.growth`.

All connections are held by this process on one core, the server has the other; costs are the server's processor time, less what
the idle connections cost meanwhile.
"""

import asyncio
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from bench import programs, report
from praxisd.testing import seat_scene
from praxisd_client.key import SeatKey
from praxisd_client.link import Link
from praxisd_client.words import PROTOCOL

Say = Callable[[str], None]
TOGETHER = 8
"""So many come at once: the door lets 16 of an address be unproven."""
PAIRS, LOOKS, CROWDED, FEW = 60, 60, 60, 4
INTERVAL_S = 300
_IDLE_S = 10.0
LEAST_S = 1e-3
"""Processor time a second that nobody asks after: a thousandth of a core."""
_Costs = dict[str, tuple[float, float]]


async def _join(url: str, key: SeatKey) -> Link:
    link = await Link.open(url, lambda _message: None, timeout=60)
    session = secrets.token_hex(16)
    signed = key.sign(PROTOCOL, key.installation, link.hello["challenge"], key.seat, session)
    await link.ask({"type": "here", "session": session, "seat": key.seat, "signature": signed})
    return link


async def _all(url: str, keys: Sequence[SeatKey]) -> list[Link]:
    gate = asyncio.Semaphore(TOGETHER)

    async def one(key: SeatKey) -> Link:
        async with gate:
            return await _join(url, key)

    return list(await asyncio.gather(*(one(key) for key in keys)))


async def _point(server: programs.Program, keys: Sequence[SeatKey], crowd: int) -> _Costs:
    """(processor seconds of the server, seconds by the clock) of each kind of message with so many connected."""
    found: _Costs = {}
    for _ in range(3):  # what is made once, at the first of all seats, is not asked about
        await (await _join(server.url, keys[0])).close()
    used, began = server.busy_s(), time.perf_counter()
    links = await _all(server.url, keys)
    found["coming"] = (server.busy_s() - used) / len(keys), (time.perf_counter() - began) / len(keys)
    await asyncio.sleep(0.5)
    used = server.busy_s()
    await asyncio.sleep(_IDLE_S)
    idle = (server.busy_s() - used) / _IDLE_S
    found["idle, per second"] = max(idle, LEAST_S), max(idle, LEAST_S)

    async def costs(name: str, count: int, work: Callable[[int], Awaitable[Any]]) -> None:
        used, began = server.busy_s(), time.perf_counter()
        for number in range(count):
            await work(number)
        wall = time.perf_counter() - began
        found[name] = max(server.busy_s() - used - idle * wall, 1e-6) / count, wall / count

    async def pair(number: int) -> None:
        link = links[number % len(links)]
        told = await link.ask({"type": "lock", "record": "Patient/growth"})
        await link.ask({"type": "release", "record": "Patient/growth", "fence": told["lock"]["fence"]})

    async def look(number: int) -> None:
        await links[number % len(links)].ask(
            {"type": "at", "record": f"Patient/{number // 2 % 7}-{number % 2}"}
        )

    await costs("lock and release", PAIRS, pair)
    for number, link in enumerate(links):  # all look somewhere, four at each record
        await link.ask({"type": "at", "record": f"Patient/room-{number // FEW}"})
    await costs("presence, at most four at a record", LOOKS, look)
    await costs("lock and release, all look at records", PAIRS, pair)
    await costs("beat", PAIRS, lambda number: links[number % len(links)].ask({"type": "beat"}))
    for link in links[:crowd]:
        await link.ask({"type": "at", "record": "Patient/crowd"})

    async def crowded(number: int) -> None:
        await links[0].ask({"type": "at", "record": None if number % 2 == 0 else "Patient/crowd"})

    await costs("presence, all at one record", CROWDED, crowded)
    closed = sum(link.closed.is_set() for link in links)
    if closed:
        raise RuntimeError(f"{closed} of {len(links)} seats were let go while they were measured")
    for link in links:
        link.abort()
    return found


def measure(counts: Sequence[int], say: Say) -> list[report.Curve]:
    """Curves by the number of connected seats."""
    points: list[tuple[int, _Costs]] = []
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="praxisd-bench-seats-") as name:
            folder = Path(name) / "praxis"
            seat_scene.write_config(folder, interval=INTERVAL_S)
            scene = seat_scene.prepare(folder, seats=count, patients=1)
            with programs.praxisd(folder) as server:
                alone = server.memory_mb()
                costs = asyncio.run(_point(server, scene.keys, count))
                costs["memory"] = (server.memory_mb(), alone)
            points.append((count, costs))
            say(f"growth: seats: {count} done")
    curves = []
    for name in points[-1][1]:
        memory = name == "memory"
        curves.append(
            report.Curve(
                part="growth: seats",
                name=name,
                along="seats",
                unit="MB resident" if memory else "ms of processor time",
                points=[(float(n), max(one[name][0], 1e-6) * (1 if memory else 1_000)) for n, one in points],
                clock=[] if memory else [one[name][1] for _, one in points],
                note=NOTES.get(name, ""),
            )
        )
    return curves


NOTES = {
    "coming": "connection, proof, welcome; each",
    "idle, per second": "all connected, each pings every 5 s; below 1 ms counts as 1",
    "lock and release": "one after the other, while all others are only there",
    "presence, at most four at a record": "one moves from record to record and back, while all look somewhere",
    "presence, all at one record": "one leaves and comes; all others there are told who is there: as many messages as "
    "seats; each names at most 50 and counts the rest",
    "memory": "of the server, with all connected",
}
