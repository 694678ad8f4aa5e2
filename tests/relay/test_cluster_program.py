"""Hubs as programs, ended as machines end: killed, and standing still. Guests at another hub go on being served."""

import asyncio
import contextlib
import hashlib
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from praxisd.testing.relay_hub import DOMAIN, LINK_NAME, Hub
from praxisd_relay import origin_tcp
from praxisd_relay.agent import Address, Agent
from praxisd_relay.identity import Identity

from .cluster_cast import visit
from .nats_cast import NatsServer
from .peers_cast import Papers, until


class Port:
    """A hub as `visit` wants it."""

    def __init__(self, hub: Hub) -> None:
        self.port = hub.port


def programs(folder: Path, server: NatsServer, known: Identity, *names: str) -> list[Hub]:
    """Hubs with the cluster's tables in their configuration, and a practice they know."""
    papers, made = Papers(folder / "papers"), []
    for name in names:
        hub = Hub(folder / name, [known])
        peers = papers.settings(name)
        with hub.config.open("a") as config:
            config.write(f'[peers]\nnode = "{name}"\nlisten = "127.0.0.1:0"\nannounce_s = 0.3\n')
            config.write(f'certificate = "{peers.certificate}"\nkey = "{peers.key}"\nca = "{peers.ca}"\n')
            config.write(f'[nats]\nservers = ["{server.url}"]\ndigest_s = 0.5\n')
        made.append(hub)
    return made


async def linked(hub: Hub, wanted: Callable[[dict[str, float]], bool]) -> None:
    """Wait for the hub's own figures."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(60):
        while not wanted(await loop.run_in_executor(None, hub.metrics)):
            await asyncio.sleep(0.05)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        data = await reader.read(-1)
        writer.write(hashlib.sha256(data).digest() + data[::-1])
        writer.close()


async def served(hub: Hub, host: str) -> None:
    """Wait until a guest at this hub gets its answer."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(5):
                    await visit(Port(hub), host, b"hello")  # type: ignore[arg-type]
                return
            await asyncio.sleep(0.05)


@pytest.mark.slow
def test_killed_and_standing_still(tmp_path: Path) -> None:
    me = Identity.new()
    host = f"{me.id}.{DOMAIN}"

    async def story(hubs: list[Hub]) -> None:
        one, two, three = hubs
        origin = await asyncio.start_server(_answer, "127.0.0.1", 0)
        behind = origin_tcp.origin("127.0.0.1", origin.sockets[0].getsockname()[1])
        places = [Address("127.0.0.1", hub.port, hub.pin, LINK_NAME) for hub in (two, three)]
        agent = Agent(me, places, behind)
        task = asyncio.create_task(agent.run())
        await until(lambda: sum(link.phase == "up" for link in agent.state.links) == 2)
        await linked(one, lambda figures: figures["praxis_relay_cluster_hubs_linked"] == 2)
        await served(one, host)
        two.kill(signal.SIGKILL)
        await linked(one, lambda figures: figures["praxis_relay_cluster_hubs_linked"] == 1)  # seen at once
        await served(one, host)
        two.start()
        await until(lambda: sum(link.phase == "up" for link in agent.state.links) == 2)
        await linked(one, lambda figures: figures["praxis_relay_cluster_hubs_linked"] == 2)
        three.kill(signal.SIGSTOP)  # its connections stay, and nobody answers on them
        await served(one, host)
        await linked(one, lambda figures: figures["praxis_relay_cluster_hubs_linked"] == 1)
        await served(one, host)
        three.kill(signal.SIGCONT)
        await linked(one, lambda figures: figures["praxis_relay_cluster_hubs_linked"] == 2)
        two.kill(signal.SIGKILL)
        await served(one, host)
        agent.stop()
        await task
        origin.close()

    with NatsServer() as server, contextlib.ExitStack() as stack:
        hubs = programs(tmp_path, server, me, "hub1", "hub2", "hub3")
        for hub in hubs:
            stack.enter_context(hub)
        asyncio.run(story(hubs))
