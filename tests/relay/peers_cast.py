"""Hubs that are nothing but neighbours: certificates of an authority of their own, and a practice that echoes."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import trustme

from praxisd_relay.carrier import Far, Stream
from praxisd_relay.cluster_settings import Node, PeersSettings
from praxisd_relay.frames import Open, Rst
from praxisd_relay.peers import Peers


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for it."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


class Papers:
    """An authority and what it made, as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._authority = trustme.CA()
        self.ca = folder / "ca.pem"
        folder.mkdir(parents=True, exist_ok=True)
        self._authority.cert_pem.write_to_path(self.ca)

    def settings(
        self,
        node: str,
        *names: str,
        nodes: tuple[Node, ...] = (),
        listen: str = "127.0.0.1:0",
        public: str = "",
        bytes: Literal["tls", "plain"] = "tls",
    ) -> PeersSettings:
        """`[peers]` of a hub with a certificate for `names` (its own, if none are given)."""
        made = self._authority.issue_cert(*(names or (node,)))
        certificate, key = self.folder / f"{node}.pem", self.folder / f"{node}.key"
        certificate.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
        made.private_key_pem.write_to_path(key)
        return PeersSettings(
            node=node,
            listen=listen,
            public=public,
            bytes=bytes,
            certificate=certificate,
            key=key,
            ca=self.ca,
            nodes=nodes,
            announce_s=0.2,
        )


class Echo:
    """A practice's stream that sends back what comes, and finishes when the guest has; it may stop taking."""

    def __init__(self, opened: Open, far: Far) -> None:
        self.opened, self.far = opened, far
        self.taken = 0
        self.cut: Rst | None = None
        self.ended = False
        self.quiet = False
        self.paused = False

    def write(self, data: bytes | memoryview) -> None:
        self.taken += len(data)
        if not self.quiet:
            self.far.arrived(memoryview(bytes(data)))

    def write_pieces(self, pieces: list[memoryview]) -> None:
        for piece in pieces:
            self.write(piece)

    def finish(self) -> None:
        self.ended = True
        self.far.ended()

    def reset(self, code: Rst) -> None:
        self.cut = code

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


class Post:
    """`Host`: holds what is in `here`."""

    def __init__(self, *here: str) -> None:
        self.here = set(here)
        self.streams: list[Echo] = []

    def holds(self, practice: str) -> bool:
        return practice in self.here

    def carry(self, opened: Open, far: Far) -> Stream | Rst:
        if opened.name not in self.here:
            return Rst.GONE
        self.streams.append(Echo(opened, far))
        return self.streams[-1]  # type: ignore[return-value]


class Guest:
    """`Far` of a stream that a guest opened."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.finished = False
        self.code: Rst | None = None
        self.held = False

    def arrived(self, data: memoryview) -> None:
        self.data += data

    def ended(self) -> None:
        self.finished = True

    def broken(self, code: Rst) -> None:
        self.code = code

    def pause(self) -> None:
        self.held = True

    def resume(self) -> None:
        self.held = False


class Neighbour:
    """A hub's `Peers` with its host."""

    def __init__(
        self, settings: PeersSettings, *here: str, known: Callable[[str], bool] = lambda name: True
    ) -> None:
        self.name = settings.node
        self.post = Post(*here)
        self.peers = Peers(settings, self.post, known)
        self.address = ""

    async def start(self) -> "Neighbour":
        self.address = await self.peers.start()
        return self

    def node(self, name: str | None = None) -> Node:
        """How others know it."""
        return Node(name or self.name, self.address, "relay.example.de:443")

    def guest(self, at: str, name: str) -> tuple[Stream | None, Guest]:
        """A guest here, for practice `name` at the hub `at`."""
        link, guest = self.peers.link(at), Guest()
        assert link is not None
        return link.open(Open("203.0.113.9", 54321, name, at=1.5), guest), guest
