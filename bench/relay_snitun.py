"""snitun's server or its agent; runs in `.venv-relay-bench`, never in ours.

relay_snitun.py server PORT FERNET_KEY             relay_snitun.py agent PORT ORIGIN_PORT FERNET_KEY HOST
"""

import asyncio
import os
import sys
from datetime import timedelta

import uvloop
from snitun.client.client_peer import ClientPeer
from snitun.client.connector import Connector
from snitun.server.run import SniTunServerSingle
from snitun.utils.server import generate_client_token


async def server(port: int, key: str) -> None:
    """One process, links and guests on one port, as its smallest form is."""
    hub = SniTunServerSingle([key], host="127.0.0.1", port=port)
    await hub.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


async def agent(port: int, origin: int, key: str, host: str) -> None:
    """A link to the server; each carried connection becomes one to the origin. Links anew when it was lost."""
    said = False
    while True:
        secret, start = os.urandom(32), os.urandom(16)
        token = generate_client_token([key], timedelta(days=1), host, secret, start)
        peer = ClientPeer("127.0.0.1", port)
        await peer.start(Connector("127.0.0.1", origin), token, secret, start)
        if not said:
            print("ready", flush=True)
        said = True
        await peer.wait()
        print("link lost", file=sys.stderr, flush=True)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    uvloop.install()
    if what == "server":
        asyncio.run(server(int(rest[0]), rest[1]))
    else:
        asyncio.run(agent(int(rest[0]), int(rest[1]), rest[2], rest[3]))
