"""One link of an agent, from the first packet to its end: dial, TLS, pin, proof; then what the hub says on it.

All on one loop. `establish` gives a link that is up or raises `dial.Failed`; each step has its own time limit (from TLS to
WELCOME that of the carrier: `link.Limits`), and whatever ends it leaves nothing open.
"""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from praxisd_relay import carrier as carriers
from praxisd_relay import dial, frames, identity
from praxisd_relay.carrier import Carrier
from praxisd_relay.dial import Address, Failed
from praxisd_relay.frames import FrameError, Rst, Type
from praxisd_relay.link import Limits
from praxisd_relay.proxy import Proxy
from praxisd_relay.pump import TlsError
from praxisd_relay.stream import Far, Stream

LOG = logging.getLogger("praxisd_relay.agent")
CHECK_S = 2.0
"""After a sleep of this computer a link must answer within this time."""
VERSION = 1
PING_S = (0.2, 60.0)
"""Bounds of what a hub may ask for."""
MOST_STREAMS = 65_536


@dataclass(slots=True)
class Wanted:
    """What a try needs to know."""

    address: Address
    key: identity.Identity
    origin: Callable[[Stream], Far | Rst]
    changed: "Callable[[Link], None]"
    tell: Callable[[str], None]
    proxy: Proxy | None = None
    authority: str | None = None
    code: str | None = None
    label: str | None = None
    version: str = ""
    limits: Limits = field(default_factory=Limits)
    other_nodes: Collection[str] = ()


_ENDS = {"timeout": "silent", "protocol": "protocol", "error": "protocol"}
"""What the carrier's words mean for a link that was not up yet."""


class Link:
    """A link that is up, until it is `lost`. `changed` is called whenever something below changes."""

    def __init__(self, wanted: Wanted, carrier: Carrier) -> None:
        self.address = wanted.address
        self.key = wanted.key
        self.carrier = carrier
        self.hello: frames.Hello | None = None
        self.welcome: frames.Welcome | None = None
        self.up_at = 0.0
        self.lost: str | None = None
        """Why it ended; None while it lives."""
        self.silent = False
        self.goaway: frames.Goaway | None = None
        self.refused: str | None = None
        """The hub took its admission back while the link was up."""
        self._changed = wanted.changed
        self._step: asyncio.Future[tuple[int, bytes]] | None = None
        self._early: list[tuple[int, bytes]] = []
        carrier.on_open = wanted.origin
        carrier.on_lost = self._on_lost
        carrier.on_silent = self._on_silent
        carrier.on_heard = self._on_heard
        carrier.on_control = self._on_control

    @property
    def node(self) -> str:
        """The hub's own name, from its HELLO."""
        return "" if self.hello is None else self.hello.node

    @property
    def up(self) -> bool:
        """Admitted, and not ended."""
        return self.welcome is not None and self.lost is None

    @property
    def leaving(self) -> bool:
        """The hub opens nothing more on it."""
        return self.goaway is not None or self.refused is not None

    @property
    def done(self) -> bool:
        """It was left, and nobody loses anything with it."""
        carrier = self.carrier
        return self.lost is not None or carrier.parted or (self.silent and not carrier.streams)

    async def prove(self, wanted: Wanted) -> None:
        """HELLO, then AUTH or ENROLL, then WELCOME. Raises Failed."""
        kind, payload = await self._next()
        self.hello = hello = self._read(frames.Hello, payload, kind == Type.HELLO)
        if hello.v != VERSION or len(hello.nonce) < identity.NONCE_LENGTH:
            raise Failed("protocol")
        if hello.node in wanted.other_nodes:
            raise Failed("same", node=hello.node)
        key = wanted.key
        if wanted.code is None:
            signed = identity.auth_message(hello.nonce, hello.node, key.id, ())
            auth = frames.Auth(key.public, key.id, key.sign(signed), agent=wanted.version)
            self.carrier.control(Type.AUTH, auth)
        else:
            signed = identity.enrol_message(hello.nonce, hello.node, key.id, wanted.code)
            self.carrier.control(
                Type.ENROLL,
                frames.Enroll(wanted.code, key.public, key.sign(signed), wanted.label, wanted.version),
            )
        kind, payload = await self._next()
        if kind == Type.REFUSED:
            raise _no(self._read(frames.Refused, payload))
        if self.welcome is None:
            raise Failed("protocol")

    async def rotate(self, fresh: identity.Identity, within_s: float) -> str:
        """Have the hub admit `fresh` for us too; the id it answered. Raises Failed (`refused` if the hub says no)."""
        if self.hello is None or not self.up or self._step is not None:
            raise Failed("closed")
        signed = identity.rotate_message(self.hello.nonce, self.hello.node, self.key.id, fresh.id)
        self.carrier.control(
            Type.ROTATE, frames.Rotate(fresh.public, self.key.sign(signed), fresh.sign(signed))
        )
        kind, payload = await self._next(within_s)
        if kind == Type.REFUSED:
            raise _no(self._read(frames.Refused, payload))
        return self._read(frames.Rotate, payload).id

    def check(self) -> None:
        """This computer slept: a link that does not answer within two seconds is given up."""
        if self.up:
            self.carrier.check(CHECK_S)

    def drop(self, reason: str) -> None:
        """End it now; streams on it are cut."""
        if self.lost is None:
            self.carrier.drop(reason)
            self._on_lost(reason)

    # what the carrier tells

    def _on_control(self, kind: int, payload: bytes) -> None:
        if kind == Type.GOAWAY:
            self.goaway = frames.decode(frames.Goaway, payload)
            self._changed(self)
        elif kind == Type.REFUSED and self.welcome is not None and self._step is None:
            self.refused = _no(frames.decode(frames.Refused, payload)).code
            self._changed(self)
        elif kind in (Type.HELLO, Type.WELCOME, Type.REFUSED, Type.ROTATE):
            if kind == Type.WELCOME and self.welcome is None:
                self._admitted(frames.decode(frames.Welcome, payload))
            if self._step is not None and not self._step.done():
                self._step.set_result((kind, payload))
            elif len(self._early) < 2:
                self._early.append((kind, payload))

    def _admitted(self, welcome: frames.Welcome) -> None:
        """At once, not when `prove` is woken: streams may be opened in the same bytes."""
        if not identity.is_host(welcome.host) or not 0 < welcome.port < 65536:
            raise FrameError("WELCOME with a name that is none")
        self.welcome = welcome
        self.up_at = time.monotonic()
        ping_s = min(max(welcome.ping_s, PING_S[0]), PING_S[1])
        self.carrier.admit(streams=max(1, min(welcome.limits.streams, MOST_STREAMS)), ping_s=ping_s)

    def _on_lost(self, reason: str) -> None:
        if self.lost is not None:
            return
        self.lost = reason or "closed"
        if self._step is not None and not self._step.done():
            self._step.set_exception(Failed(_ENDS.get(self.lost, "closed")))
            self._step.exception()  # it may be that nobody waits any more
        self._changed(self)

    def _on_silent(self) -> None:
        if not self.silent:
            self.silent = True
            self._changed(self)

    def _on_heard(self) -> None:
        if self.silent:
            self.silent = False
            self._changed(self)

    # waiting for the hub's next word

    async def _next(self, within_s: float | None = None) -> tuple[int, bytes]:
        """Without a limit of its own the carrier's counts."""
        if self._early:
            return self._early.pop(0)
        if self.lost is not None:
            raise Failed(_ENDS.get(self.lost, "closed"))
        self._step = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(within_s):
                return await self._step
        except TimeoutError:
            raise Failed("silent") from None
        finally:
            self._step = None

    @staticmethod
    def _read(shape: Any, payload: bytes, expected: bool = True) -> Any:
        try:
            if expected:
                return frames.decode(shape, payload)
        except FrameError:
            pass
        raise Failed("protocol")


async def establish(wanted: Wanted) -> Link:
    """A link that is up. Raises Failed; nothing stays open then, nor when it is cancelled."""
    address = wanted.address
    try:
        context = dial.context(address.pin is not None, wanted.authority)
    except (OSError, ssl.SSLError):
        raise Failed("internal") from None
    sock = await dial.reach(address, wanted.proxy, wanted.tell)
    wanted.tell("proving")
    try:
        carrier = await carriers.connect(sock, context, address.server_name, wanted.limits)
    except TimeoutError:
        raise Failed("silent") from None
    except (ssl.SSLError, TlsError, OSError) as error:
        raise Failed(_why(error)) from None
    link: Link | None = None
    try:
        if carrier.tls.selected_alpn_protocol() != dial.ALPN:
            raise Failed("tls")
        if address.pin is not None:
            dial.check_pin(address.pin, carrier.tls.getpeercert(binary_form=True))
        link = Link(wanted, carrier)
        await link.prove(wanted)
    except BaseException:
        if link is None:
            carrier.drop("failed")
        else:
            link.drop("failed")
        raise
    return link


def _no(said: frames.Refused) -> Failed:
    """What a hub refuses with; a code that is no word is not shown to anybody."""
    code = said.code if re.fullmatch(r"[a-z_]{1,32}", said.code) else "protocol"
    return Failed(code, said.retry_s, refused=True)


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate"
    if isinstance(error, TlsError):
        return "certificate" if error.reason.startswith("certificate:") else "tls"
    return "tls" if isinstance(error, ssl.SSLError) else "closed"
