"""What a hub does by itself all the time: end what is overdue, keep to the bandwidths, see what commands changed."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from praxisd_relay import flow
from praxisd_relay.config import ConfigError
from praxisd_relay.frames import Rst
from praxisd_relay.front import overdue
from praxisd_relay.guests import TICK_SECONDS
from praxisd_relay.log import LOG
from praxisd_relay.metrics import exposition
from praxisd_relay.registry import forget_counters
from praxisd_relay.registry_file import RegistryFile

if TYPE_CHECKING:
    from praxisd_relay.hub import Hub

POLL_SECONDS = 0.3
SWEEP_SECONDS = 1.0
TURN = 2.0
"""So many times `hello_s` a link waits for its turn at most; agents have a little more patience (`link.Limits.wait_s`)."""
WRITE_SECONDS = 60.0
DRAIN_IDLE_SECONDS = 3.0
"""While draining, a connection on which nothing moved that long is not waited for."""


async def run(hub: "Hub") -> None:
    """Until it is cancelled. A failure of one task is written down and does not stop the others."""
    loop = asyncio.get_running_loop()
    tasks = ((POLL_SECONDS, hub.registry.poll), (SWEEP_SECONDS, lambda: sweep(hub)))
    due = [0.0, 0.0]
    writing, hour = loop.time() + WRITE_SECONDS, 0
    while True:
        now = loop.time()
        try:
            bandwidths(hub, now)
        except Exception:
            LOG.exception("bandwidths")
        for index, (every, task) in enumerate(tasks):
            if now >= due[index]:
                due[index] = now + every
                try:
                    task()
                except Exception:
                    LOG.exception("upkeep")
        if now >= writing:
            writing = now + WRITE_SECONDS
            hour, before = int(time.time() // 3600), hour
            try:
                await minutely(hub, forgetting=hour != before)
            except Exception:
                LOG.exception("counters could not be written")
        await asyncio.sleep(TICK_SECONDS)


def bandwidths(hub: "Hub", now: float) -> None:
    """Let every practice that has guests move what it may."""
    if hub.config.limits.rate:
        for traffic in list(hub.links.active):
            hub.counts.held += traffic.tick(now)


def sweep(hub: "Hub") -> None:
    """End connections that say nothing, and those on which nothing moves."""
    now = asyncio.get_running_loop().time()
    for front in overdue(hub.fronts, now, hub.config.limits.hello_s):
        hub.counts.turned_slow += 1
        hub.abuse.note("slow", front.address)
        if front.transport is not None:
            front.transport.abort()
        front.leave()
    for front in overdue(hub.line.since, now, TURN * hub.config.limits.hello_s):
        hub.crowded(front)
        front.leave()
    limit, every = (DRAIN_IDLE_SECONDS, SWEEP_SECONDS) if hub.draining else (hub.config.limits.idle_s, None)
    for traffic in list(hub.links.active):
        if not traffic.busy():
            hub.links.active.discard(traffic)
            traffic.rest()
        for guest in traffic.quiet(now, limit, every):
            hub.counts.idle += 1
            guest.end(Rst.TIMEOUT)
    hub.newcomers.sweep(now)
    hub.doorman.sweep()


async def minutely(hub: "Hub", forgetting: bool = False) -> None:
    """Write counters and abuse down, forget what is too old, see whether the certificate was renewed."""
    rows = _rows(hub)

    def write() -> None:
        file = RegistryFile(hub.config.registry)
        try:
            if rows:
                file.count(rows)
        finally:
            file.close()
        hub.abuse.write(time.time())

    await asyncio.to_thread(write)
    hub.links.forget()
    if forgetting:
        hub.registry.forget()
        await asyncio.to_thread(forget_counters, hub.config.registry, hub.config.usage_days * 24, time.time())
    try:
        if hub.certificate.renewed():
            LOG.info("certificate renewed: good until %s", f"{hub.certificate.not_after:%Y-%m-%d}")
    except ConfigError as error:
        LOG.error("the new certificate cannot be used: %s", error.what)


def write_down(hub: "Hub") -> None:
    """The counters at the end. Never raises: stopping goes on."""
    try:
        hub.registry.count(_rows(hub))
        hub.abuse.write(time.time())
    except Exception:
        LOG.exception("counters could not be written")


def _rows(hub: "Hub") -> list[tuple[str, int, int, int, int, int]]:
    now, monotonic = int(time.time()), asyncio.get_running_loop().time()
    found = []
    for id_, traffic in hub.links.traffic.items():
        row = traffic.row(monotonic)
        if row is not None:
            found.append((id_, now // 3600, *row, now))
            hub.counts.received_bytes += row[1]
            hub.counts.sent_bytes += row[2]
    return found


async def drained(hub: "Hub", seconds: float) -> None:
    """Until no guest is left, at most `seconds`."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        if not any(link.carrier.streams for link in hub.links.all()) and not hub.sockets.guests:
            return
        await asyncio.sleep(0.05)


def metrics(hub: "Hub") -> str:
    """For Prometheus: sums only."""
    links = hub.links
    gauges = {
        "practices": (float(len(hub.registry)), "Keys in the registry, former and revoked ones included."),
        "links": (float(len(links.running)), "Practices linked now."),
        "links_proving": (float(len(links.proving)), "Links that have not proved themselves yet."),
        "links_waiting": (float(len(hub.line)), "Connections of practices that wait to prove themselves."),
        "streams": (
            float(sum(one.carrier.streams for one in links.running.values())),
            "Connections carried now.",
        ),
        "half_open": (float(hub.half_open.total), "Connections that have not said whom they want."),
        "sockets": (float(hub.sockets.used), "Sockets in use at the last newcomer."),
        "sockets_limit": (float(hub.sockets.limit), "Sockets this process may have."),
        "window_bytes": (float(flow.PROCESS.used), "Bytes that all streams may have under way."),
        "certificate_seconds": (
            hub.certificate.not_after.timestamp() - time.time(),
            "Until the certificate ends.",
        ),
        "draining": (float(hub.draining), "1 while it takes nobody new."),
        "started_seconds": (hub.started_at, "When it was started, seconds since 1970."),
    }
    if hub.cluster is not None:
        for name, value in hub.cluster.figures().items():
            gauges[f"cluster_{name}"] = (value, "Of the cluster.")
    return exposition(hub.counts, gauges)


def health(hub: "Hub") -> dict[str, Any]:
    """The state in a few words, for `praxisd relay-hub status`."""
    return {
        "status": "draining" if hub.draining else "ok",
        "node": hub.config.node,
        "domain": hub.config.domain,
        "link": hub.public.partition("/")[0],
        "practices": sum(1 for one in hub.registry.practices() if not one.revoked and not one.alias_of),
        "links": len(hub.links.running),
        "streams": sum(one.carrier.streams for one in hub.links.running.values()),
        "since": int(hub.started_at),
        "certificateUntil": f"{hub.certificate.not_after:%Y-%m-%dT%H:%M:%SZ}",
        "hubs": int(hub.cluster.figures()["hubs"]) if hub.cluster is not None else 1,
    }
