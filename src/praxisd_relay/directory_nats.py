"""The bus between hubs on NATS: the only module that imports nats-py, and only hubs in a cluster import it.

The connection is ours to keep: nats-py's own reconnection buffers what was said meanwhile and says it late, so it is
switched off, and a new connection takes up all subjects again. Each subject costs one subscription without a task of
its own (a cluster holds thousands).
"""

import asyncio
import contextlib
import random
import ssl
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from praxisd_relay.cluster_settings import NatsSettings
from praxisd_relay.directory import ASK_SECONDS, BusAway, Heard

LONGEST_WAIT = 5.0
CONNECT_SECONDS = 3.0
PING_SECONDS = 2
MOST_WAITING = 20_000

Failure = (errors.Error, OSError, TimeoutError, ssl.SSLError)


class _Sink:
    """Takes the messages of one subscription, in nats-py's own reading loop: no queue, no task per subject."""

    __slots__ = ("_bus", "_heard")

    def __init__(self, bus: "NatsBus", heard: Heard) -> None:
        self._bus, self._heard = bus, heard

    def cancelled(self) -> bool:
        """nats-py asks before it hands over a message."""
        return False

    def set_result(self, message: Msg) -> None:
        """A message."""
        self._bus._arrived(self._heard, message)


class NatsBus:
    """`directory.Bus` on NATS. `on_change(up)` is called when the connection comes and goes, `note(text)` for the log."""

    def __init__(
        self,
        settings: NatsSettings,
        name: str,
        on_change: Callable[[bool], None] = lambda up: None,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._settings, self._name, self._on_change, self._note = settings, name, on_change, note
        self._listening: dict[str, Heard] = {}
        self._taken: dict[str, Subscription] = {}
        self._dirty: set[str] = set()
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=MOST_WAITING)
        self._awake = asyncio.Event()
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def up(self) -> bool:
        """Connected now?"""
        return self._client is not None and self._client.is_connected

    async def start(self) -> None:
        """Begin to connect. Raises OSError or ssl.SSLError if a file of the settings cannot be read."""
        self._options()  # what cannot be read is said at the start, not in the background
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Say what still waits, then end the connection."""
        self._stopping = True
        task, self._task = self._task, None
        while task is not None and not task.done():
            task.cancel()  # more than once: within nats-py a cancellation can be lost
            await asyncio.wait([task], timeout=1)

    def listen(self, subject: str, heard: Heard) -> None:
        """Take messages of this subject."""
        self._listening[subject] = heard
        self._dirty.add(subject)
        self._awake.set()

    def unlisten(self, subject: str) -> None:
        """No more messages of this subject."""
        if self._listening.pop(subject, None) is not None:
            self._dirty.add(subject)
            self._awake.set()

    def say(self, subject: str, data: bytes) -> None:
        """To all who listen; nothing happens while the bus is away."""
        if self._client is not None:
            self._waiting.append((subject, data))
            self._awake.set()

    async def ask(self, subject: str, data: bytes, seconds: float = ASK_SECONDS) -> bytes | None:
        """The first answer; None: nobody listens. Raises BusAway."""
        client = self._client
        if client is None or not client.is_connected:
            raise BusAway
        try:
            return bytes((await client.request(subject, data, timeout=seconds)).data)
        except errors.NoRespondersError:
            return None
        except Failure as failure:
            raise BusAway from failure

    def _arrived(self, heard: Heard, message: Msg) -> None:
        try:
            answer = heard(message.data)
        except Exception as failure:  # a message from elsewhere must not end the reading loop
            self._note(f"nats message not understood: {type(failure).__name__}")
            return
        if answer is not None and message.reply:
            self.say(message.reply, answer)

    # The connection

    async def _run(self) -> None:
        tries = 0
        while not self._stopping:
            client = Client()
            try:
                await self._connect(client)
                tries = 0
                await self._serve(client)
            except Failure as failure:
                self._note(f"nats: {type(failure).__name__}")
            except asyncio.CancelledError:
                await self._last_words(client)
                raise
            finally:
                was_up, self._client = self._client is not None, None
                self._taken.clear()
                self._waiting.clear()
                with contextlib.suppress(*Failure):
                    await asyncio.wait_for(client.close(), 1)
                if was_up:
                    self._on_change(False)
            tries += 1
            await asyncio.sleep(random.uniform(0.05, min(LONGEST_WAIT, 0.2 * 2 ** min(tries, 8))))  # noqa: S311

    async def _connect(self, client: Client) -> None:
        options = self._options()
        encrypted = "tls" in options

        def secret(name: str) -> Callable[[], str]:
            def read() -> str:
                # nats-py goes on in clear text if the server does not offer TLS; the password must not
                if encrypted and not client._server_info.get("tls_required"):
                    raise errors.SecureConnRequiredError
                return str(value)

            value = options[name]
            return read

        for name in ("password", "token"):
            if name in options:
                options[name] = secret(name)
        await asyncio.wait_for(
            client.connect(
                list(self._settings.servers),
                name=self._name,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=2,
                ping_interval=PING_SECONDS,
                max_outstanding_pings=2,
                error_cb=self._failed,
                closed_cb=self._closed,
                **options,
            ),
            CONNECT_SECONDS * max(1, len(self._settings.servers)),
        )
        if encrypted and not client._server_info.get("tls_required"):
            raise errors.SecureConnRequiredError

    async def _serve(self, client: Client) -> None:
        self._client = client
        self._dirty = set(self._listening)
        self._on_change(True)
        self._awake.set()
        while not client.is_closed:
            await self._awake.wait()
            self._awake.clear()
            while self._dirty:
                await self._settle(client, self._dirty.pop())
            while self._waiting:
                await client.publish(*self._waiting.popleft())
        self._note("nats: connection lost")

    async def _settle(self, client: Client, subject: str) -> None:
        """Make the subscription what it should be."""
        taken = self._taken.pop(subject, None)
        if taken is not None:
            await taken.unsubscribe()
        heard = self._listening.get(subject)
        if heard is not None:
            sink = cast("Any", _Sink(self, heard))
            self._taken[subject] = await client.subscribe(subject, future=sink)

    async def _last_words(self, client: Client) -> None:
        with contextlib.suppress(*Failure, asyncio.CancelledError):
            while self._waiting and client.is_connected:
                await client.publish(*self._waiting.popleft())
            if client.is_connected:
                await client.flush(1)

    async def _failed(self, failure: Exception) -> None:
        self._note(f"nats: {type(failure).__name__}")

    async def _closed(self) -> None:
        self._awake.set()

    def _options(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        chosen = self._settings
        if chosen.user:
            found["user"] = chosen.user
        if chosen.password_file:
            found["password"] = _secret(chosen.password_file)
        if chosen.token_file:
            found["token"] = _secret(chosen.token_file)
        if chosen.ca or any(server.startswith("tls://") for server in chosen.servers):
            context = ssl.create_default_context(cafile=chosen.ca)
            if chosen.certificate and chosen.key:
                context.load_cert_chain(chosen.certificate, chosen.key)
            found["tls"] = context
        return found


def _secret(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()
