"""Links between hubs: each hub dials each other one over mutual TLS and offers the practices it holds.

The wire is the one between hub and practice ("praxis-relay/1"): the hub that was dialled opens a stream for a guest of
a practice that the dialling hub holds. OPEN is the preface (name and the guest's address, bounded by the frame), DATA
and CREDIT carry the bytes with back-pressure. A guest so costs one frame (10 µs of both hubs) and not a handshake of
mutual TLS (2.7 ms), a dead neighbour is found by the link's pings, and no descriptor is spent on a guest.

Who may be here: a certificate of the hubs' own authority, in which the name stands that the hub says it has, and a
name on the list of hubs. All others get a closed connection.
"""

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from praxisd_relay import carrier, dial_names, frames, peers_plain, peers_tls
from praxisd_relay.carrier import Carrier, Far, Limits, Stream
from praxisd_relay.cluster_settings import Node, PeersSettings, split
from praxisd_relay.frames import FrameError, Rst, Type
from praxisd_relay.peers_entry import Entry, Gate
from praxisd_relay.peers_plain import SPLIT, Door, Lane, Waiting
from praxisd_relay.peers_streams import QUESTIONS, Answers, Questions, Splice
from praxisd_relay.pump import TlsError

LOG = logging.getLogger("praxisd_relay.peers")
DIAL_S = 5.0
LONGEST_WAIT = 5.0
ASK_S = 1.0
CHECK_S = 1.0
"""A link that was silent must answer within this: perhaps it was we who stood still."""
MIB = 1024 * 1024
# Thousands of guests share such a link; between hubs the line is wide and its ends are ours.
LIMITS = Limits(streams=65_536, budget=256 * MIB, high_water=MIB // 2, ping_s=2.0, dead_s=10.0)


class Host(Protocol):
    """What a hub does for its neighbours."""

    def carry(self, opened: frames.Open, far: Far) -> Stream | Rst:
        """A stream to the practice of `opened.name`, if it is linked with this very hub; limits as for any guest."""

    def holds(self, practice: str) -> bool:
        """Has it a link here now?"""


class _Inbound(NamedTuple):
    """A neighbour that dialled in. `plain`: it takes guests' bytes as they are."""

    link: Carrier
    questions: Questions
    plain: bool


class Peers:
    """The neighbours of one hub. `known(name)` says whether a name is on the list now; `changed()` is called when a
    link comes or goes. All on the loop's thread."""

    def __init__(
        self,
        settings: PeersSettings,
        host: Host,
        known: Callable[[str], bool],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings, self._host, self._known, self._changed = settings, host, known, changed
        self._server: asyncio.Server | None = None
        self._server_tls: ssl.SSLContext | None = None
        self._client_tls: ssl.SSLContext | None = None
        self._stamps: tuple[tuple[int, int], ...] = ()
        self._waiting = Waiting() if settings.bytes == "plain" else None
        self.gate = Gate(self._entered, self._waiting.came if self._waiting is not None else None)
        self._inbound: dict[str, _Inbound] = {}
        self._outbound: dict[str, Carrier] = {}
        self._wanted: dict[str, Node] = {}
        self._dialling: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> str:
        """Listen; the bound address. Raises OSError or ssl.SSLError if address or certificate cannot be used."""
        self.renew()
        host, port = split(self._settings.listen)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Entry(self.gate), host, port, backlog=256)
        bound = self._server.sockets[0].getsockname()
        return f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"

    def renew(self) -> bool:
        """Read the certificate files if they are others than before, for links made from now on; True if so. Raises
        OSError or ssl.SSLError if they cannot be used; what was in force stays in force then."""
        stamps = peers_tls.stamps(self._settings)
        if stamps == self._stamps:
            return False
        self._server_tls, self._client_tls = (
            peers_tls.server(self._settings),
            peers_tls.client(self._settings),
        )
        self._stamps = stamps
        return True

    async def stop(self) -> None:
        """Close everything; streams through here end."""
        if self._server is not None:
            self._server.close()
        self._wanted = {}
        tasks = [*self._dialling.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for link in [*(one.link for one in self._inbound.values()), *self._outbound.values()]:
            link.drop("stopped")

    # Whom we are linked with

    def dial(self, nodes: Iterable[Node]) -> None:
        """Keep a link to each of these. A link that is up is never cut for it: who leaves the list finishes first, and
        a new address counts from the next dialling on."""
        self._wanted = {node.name: node for node in nodes}
        for name in self._wanted:
            if name not in self._dialling:
                self._dialling[name] = asyncio.create_task(self._keep(name))

    @property
    def linked(self) -> frozenset[str]:
        """Names of the hubs whose practices can be reached from here now."""
        return frozenset(self._inbound)

    @property
    def heard(self) -> frozenset[str]:
        """Names of the hubs with a link in either direction."""
        return frozenset((*self._inbound, *self._outbound))

    def link(self, name: str) -> Carrier | None:
        """The link on which streams to that hub's practices are opened."""
        found = self._inbound.get(name)
        return None if found is None else found.link

    def door(self, name: str) -> Door | None:
        """Where a guest for a practice of that hub goes: connections of their own where both hubs have chosen so, else
        the link."""
        found, dialled = self._inbound.get(name), self._outbound.get(name)
        if found is None or not found.plain or self._waiting is None or dialled is None:
            return None if found is None else found.link
        return Lane(
            found.link, dialled.peer()
        )  # where our own link to it has come to: no name is looked up again

    async def ask(self, name: str, practice: str, seconds: float = ASK_S) -> bool | None:
        """Does that hub hold the practice? None: it does not answer."""
        found = self._inbound.get(name)
        return None if found is None else await found.questions.ask(practice, seconds)

    # Neighbours that dial in

    def _entered(self, transport: asyncio.Transport, first: bytes) -> None:
        if self._server_tls is None:
            raise ConnectionError("not started")
        link = carrier.accept(transport, self._server_tls, first, LIMITS)
        name = ""

        def control(kind: int, payload: bytes) -> None:
            nonlocal name
            if kind == Type.GOAWAY:
                return
            if kind != Type.AUTH or name:
                raise FrameError("AUTH is due")
            auth = frames.decode(frames.Auth, payload)
            said = auth.id
            if said not in peers_tls.names(link.tls) or said == self._settings.node or not self._known(said):
                LOG.warning("a hub was refused: %s", said[:80] if self._known(said) else "not on the list")
                link.control(Type.REFUSED, frames.Refused("unknown", 5.0))
                link.drop("refused")
                return
            name = said
            self._admit(name, link, peers_plain.CAP in auth.caps)

        def lost(reason: str) -> None:
            if not name:
                self.gate.failed()
                LOG.info("a connection to the hubs' port came to nothing: %s", reason)
                return
            if self.link(name) is link:
                del self._inbound[name]
                LOG.warning("link from hub %s lost: %s", name, reason)
                self._changed()

        link.on_lost = lost
        link.on_silent = lambda: link.check(CHECK_S)
        link.on_control = control
        link.control(Type.HELLO, frames.Hello(1, b"", self._settings.node, int(time.time())))

    def _admit(self, name: str, link: Carrier, plain: bool) -> None:
        self.gate.proved()
        before = self._inbound.pop(name, None)
        if before is not None:
            before.link.drop("replaced")
        link.control(Type.WELCOME, frames.Welcome(name, name, self._settings.node))
        link.admit()
        questions = Questions()
        stream = link.open(frames.Open("", 0, QUESTIONS), questions)
        if stream is not None:
            questions.join(stream)
        self._inbound[name] = _Inbound(link, questions, plain)
        LOG.info("link from hub %s", name)
        self._changed()

    # Neighbours that we dial

    async def _keep(self, name: str) -> None:
        tries = 0
        while name in self._wanted:
            started = time.monotonic()
            try:
                await self._session(self._wanted[name])
            except (OSError, TlsError, FrameError) as failure:
                LOG.info("hub %s: %s", name, type(failure).__name__)
            except Exception:
                LOG.exception("hub %s: the link failed", name)
            tries = 1 if time.monotonic() - started > LONGEST_WAIT else tries + 1
            await asyncio.sleep(random.uniform(0.02, min(LONGEST_WAIT, 0.1 * 2 ** min(tries, 8))))  # noqa: S311
        del self._dialling[name]

    async def _session(self, node: Node) -> None:
        """One link, from dialling to its loss."""
        name, context = node.name, self._client_tls
        if context is None:
            raise ConnectionError("not started")
        async with asyncio.timeout(DIAL_S):
            sock = await dial_names.connected(await dial_names.addresses(*split(node.peer), DIAL_S))
        link = await carrier.connect(sock, context, name, LIMITS)
        over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def lost(reason: str) -> None:
            if self._outbound.get(name) is link:
                del self._outbound[name]
                self._changed()
            if not over.done():
                over.set_result(reason)

        def control(kind: int, payload: bytes) -> None:
            if kind == Type.HELLO:
                if frames.decode(frames.Hello, payload).node != name:
                    raise FrameError("another hub's name")
                caps = [peers_plain.CAP] if self._waiting is not None else []
                link.control(Type.AUTH, frames.Auth(b"", self._settings.node, b"", caps))
            elif kind == Type.WELCOME:
                link.admit()
                self._outbound[name] = link
                self._changed()
            elif kind == Type.REFUSED:
                link.drop("refused")

        link.on_lost = lost
        link.on_silent = lambda: link.check(CHECK_S)
        link.on_open = self._opened
        try:
            if name not in peers_tls.names(link.tls):
                raise FrameError("not the hubs' protocol")
            link.on_control = control
            reason = await over
            LOG.info("link to hub %s ended: %s", name, reason)
        finally:
            link.drop("stopped")

    def _opened(self, stream: Stream) -> Far | Rst:
        """The neighbour has a guest for a practice of ours, or questions."""
        if stream.opened.name == QUESTIONS:
            return Answers(stream, self._host.holds)
        if self._waiting is not None and SPLIT in stream.opened.name:
            return self._waiting.announced(stream, self._host.carry)
        there = self._host.carry(stream.opened, Splice(stream))
        return there if isinstance(there, Rst) else Splice(there)
