"""What happens to a cluster, one thing after another. Each function breaks something, mends it, and says what it saw."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from praxisd.kernel.engines import EVENT_LOCK, FROZEN_S
from praxisd.testing.cluster_scene import WELL_S, Scene
from praxisd.testing.cluster_site import rows
from praxisd.testing.programs import command
from praxisd.testing.torture_nodes import Node

STUCK_S = float(FROZEN_S)
"""So long PostgreSQL lets a node sleep that holds what others wait for."""
BUSY_S = 60.0
AWAY_S = 4.0
"""So long a database, a bus, a hub stays away."""


@dataclass
class Told:
    """What a fault says of itself. `mended`: monotonic seconds at which nothing was broken any more."""

    mended: float
    notes: list[str] = field(default_factory=list)


Fault = Callable[[Scene], Awaitable[Told]]


async def _busy(scene: Scene) -> Node:
    """A node that does a run in this moment, and has clients: else it would prove nothing that it is hit."""
    site = scene.site
    await asyncio.to_thread(site.job.owe, 3)
    end = time.monotonic() + BUSY_S
    while time.monotonic() < end:
        found = site.node_of(await asyncio.to_thread(site.job.worker))
        if found is not None and (scene.front != scene.balancer.port or _connections(scene, found)):
            return found
        if not await asyncio.to_thread(site.job.open):
            await asyncio.to_thread(site.job.owe, 3)
        await asyncio.sleep(0.02)
    scene.faults.append("no node with clients came to work at the job")
    return site.nodes[0]


def _connections(scene: Scene, node: Node) -> int:
    """How many connections clients have to it through our balancer."""
    return len(scene.balancer.backends[node.number].open)


async def _taken_over(scene: Scene, since: float) -> str:
    """Wait until another node works at the job."""
    site = scene.site
    end = time.monotonic() + site.lease_s + WELL_S
    while time.monotonic() < end:
        owner = await asyncio.to_thread(site.job.worker)
        found = site.node_of(owner)
        if found is not None or (owner is None and not await asyncio.to_thread(site.job.open)):
            return f"its run was taken over {time.monotonic() - since:.1f} s later (lease {site.lease_s} s)"
        await asyncio.sleep(0.1)
    scene.faults.append("nobody took the run over")
    return "its run was not taken over"


async def kill(scene: Scene) -> Told:
    """kill -9 of a node at work; it is started again."""
    victim = await _busy(scene)
    began, lost = time.monotonic(), f"{_connections(scene, victim)} connections of clients were with it"
    await asyncio.to_thread(victim.kill)
    took = await _taken_over(scene, began)
    await scene.site.again(victim)
    await scene.until(lambda: scene.balancer.ready == len(scene.site.nodes), "the killed node is back")
    return Told(time.monotonic(), [lost, took])


async def suspend(scene: Scene) -> Told:
    """SIGSTOP of a node at work, for longer than a lease; then it goes on."""
    site = scene.site
    victim = await _busy(scene)
    lost = f"{_connections(scene, victim)} connections of clients were with it"
    site.freeze(victim)
    await asyncio.sleep(site.lease_s + 3)
    site.thaw(victim)
    mended = time.monotonic()
    await scene.until(lambda: scene.balancer.ready == len(site.nodes), "the suspended node is back")
    return Told(mended, [lost, f"suspended for {site.lease_s + 3} s"])


async def postgres(scene: Scene) -> Told:
    """The database is stopped (fast) and started again."""
    database = scene.site.database
    began = time.monotonic()
    await asyncio.to_thread(database.halt)
    await scene.until(lambda: scene.balancer.ready == 0, "all nodes say that the database is away")
    noticed = time.monotonic() - began
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(database.resume)
    mended = time.monotonic()
    await scene.until(lambda: scene.balancer.ready == len(scene.site.nodes), "all nodes are ready again")
    back = time.monotonic() - mended
    return Told(
        mended,
        [
            f"away for {mended - began:.1f} s; no node ready {noticed:.1f} s after the stop,"
            f" all ready {back:.1f} s after the start"
        ],
    )


async def stuck(scene: Scene) -> Told:
    """A session keeps the lock under which all events are appended, as a node does that falls asleep in the middle of a
    commit. Nothing can be written meanwhile; after that all goes on."""
    import psycopg

    def work() -> None:
        plain = scene.site.url.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(plain) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (EVENT_LOCK,))
            time.sleep(STUCK_S)

    holding = asyncio.create_task(asyncio.to_thread(work))
    least = len(scene.site.nodes)
    while not holding.done():
        least = min(least, scene.balancer.ready)
        await asyncio.sleep(0.1)
    await holding
    if least < len(scene.site.nodes):
        scene.faults.append(f"only {least} nodes were ready while a lock was waited for")
    return Told(time.monotonic(), [f"held for {STUCK_S:.0f} s, {least} nodes stayed ready"])


async def deaf(scene: Scene) -> Told:
    """The connections on which nodes hear of each other are cut; after another fault they must be there again first."""
    heard = "FROM pg_stat_activity WHERE query = 'LISTEN praxisd' AND datname = current_database()"
    end = time.monotonic() + WELL_S
    while True:
        [(count,)] = await asyncio.to_thread(rows, scene.site.url, f"SELECT count(*) {heard}")
        if count >= len(scene.site.nodes):
            break
        if time.monotonic() > end:
            scene.faults.append(f"only {count} nodes were listening")
            break
        await asyncio.sleep(0.1)
    cut = await asyncio.to_thread(rows, scene.site.url, f"SELECT pg_terminate_backend(pid) {heard}")
    return Told(time.monotonic(), [f"{len(cut)} LISTEN connections cut"])


async def nats(scene: Scene) -> Told:
    """The bus between the hubs is stopped and started."""
    relay = scene.site.relay
    assert relay is not None
    await asyncio.to_thread(relay.nats.stop)
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(relay.nats.start)
    return Told(time.monotonic())


async def hub(scene: Scene) -> Told:
    """One hub is killed and started again."""
    relay = scene.site.relay
    assert relay is not None
    await asyncio.to_thread(relay.hubs[0].kill)
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(relay.hubs[0].start)
    return Told(time.monotonic())


async def rolling(scene: Scene) -> Told:
    """Each node in turn is asked to end (SIGTERM), started again, and waited for."""
    site, seconds = scene.site, []
    for node in site.nodes:
        began = time.monotonic()
        code = await asyncio.to_thread(node.stop)
        seconds.append(time.monotonic() - began)
        if code:
            scene.faults.append(f"node {node.number} ended with {code} after SIGTERM")
        await site.again(node)
        await scene.until(lambda: scene.balancer.ready == len(site.nodes), "the restarted node is back")
    return Told(time.monotonic(), [f"each ended {min(seconds):.1f} to {max(seconds):.1f} s after SIGTERM"])


async def maintenance(scene: Scene) -> Told:
    """Maintenance begins and ends on one node; all must say so."""
    site = scene.site
    done = await asyncio.to_thread(command, "maintenance", "begin", folder=site.nodes[0].folder)
    began = time.monotonic()
    if done.code:
        scene.faults.append(f"maintenance did not begin: {done.err}")
    await scene.until(lambda: scene.balancer.ready == 0, "all nodes are closed for maintenance")
    closed = time.monotonic() - began
    await asyncio.sleep(1)
    await asyncio.to_thread(command, "maintenance", "end", folder=site.nodes[0].folder)
    mended = time.monotonic()
    await scene.until(lambda: scene.balancer.ready == len(site.nodes), "all nodes are open again")
    return Told(
        mended,
        [
            f"all closed {closed:.1f} s after it began, all open {time.monotonic() - mended:.1f} s after it ended"
        ],
    )


async def calm(_scene: Scene) -> Told:
    """Nothing happens, for comparison."""
    await asyncio.sleep(AWAY_S)
    return Told(time.monotonic())


FAULTS: dict[str, Fault] = {
    "calm": calm,
    "kill": kill,
    "suspend": suspend,
    "postgres": postgres,
    "stuck": stuck,
    "deaf": deaf,
    "nats": nats,
    "hub": hub,
    "rolling": rolling,
    "maintenance": maintenance,
}
"""By the names that the command line takes, in the order in which they happen."""
NEED_RELAY = frozenset({"nats", "hub"})
