"""An origin that hands every stream to a TCP server, as it is: for the bench, and for servers that end TLS themselves."""

import asyncio
from collections.abc import Callable

from praxisd_relay.bridge import Bridge
from praxisd_relay.frames import Rst
from praxisd_relay.stream import Far, Stream

CONNECT_S = 10.0


def origin(host: str, port: int) -> Callable[[Stream], Far | Rst]:
    """Each stream gets a connection to `host:port`; RST refused where none can be made within ten seconds."""
    making: set[asyncio.Task[None]] = set()

    async def connect(bridge: Bridge) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.get_running_loop().create_connection(lambda: bridge, host, port)
        except (OSError, RuntimeError):  # RuntimeError: uvloop, see dial_names
            bridge.refused()

    def take(stream: Stream) -> Far | Rst:
        bridge = Bridge(stream)
        task = asyncio.ensure_future(connect(bridge))
        making.add(task)
        task.add_done_callback(making.discard)
        return bridge

    return take
