"""One connection: requests and their answers, and what the server says unasked. It knows nothing of locks."""

import asyncio
import json
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from praxisd_client.errors import SeatError, Unreachable, problem
from praxisd_client.words import PROTOCOL

PATH = "/api/v1/seats/live"
LONGEST = 1 << 20
OUTSTANDING = 48
"""Requests without an answer: the server reads no more at 64."""
PING_S = 5.0
Told = dict[str, Any]


class Dropped(Exception):
    """The connection ended before the answer: whether it was done is not known."""


def address(url: str) -> str:
    """The WebSocket's address on the server of `url`."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise SeatError(f"not the address of a server: {url}")
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + PATH, "", ""))


class Link:
    """Open until `closed` is set. `told` gets every message that answers nothing that is still waited for."""

    def __init__(self, socket: ClientConnection, told: Callable[[Told], None]) -> None:
        self._socket = socket
        self._told = told
        self._numbers = 0
        self._waiting: dict[int, asyncio.Future[Told]] = {}
        self._room = asyncio.Semaphore(OUTSTANDING)
        self.hello: Told = {}
        self.closed = asyncio.Event()
        self.code = 1006
        self._reader: asyncio.Task[None] | None = None

    @staticmethod
    async def open(
        url: str,
        told: Callable[[Told], None],
        *,
        language: str = "de",
        context: ssl.SSLContext | None = None,
        timeout: float = 10.0,
    ) -> "Link":
        """Connect and hear the server's first word. Raises Unreachable, or Problem where the door says why."""
        try:
            async with asyncio.timeout(timeout):
                socket = await connect(
                    address(url),
                    subprotocols=[Subprotocol(PROTOCOL)],
                    additional_headers={"Accept-Language": language},
                    ssl=context,
                    compression=None,
                    proxy=None,
                    max_size=LONGEST,
                    ping_interval=PING_S,
                    ping_timeout=PING_S,
                    close_timeout=2.0,
                    open_timeout=timeout,
                )
                link = Link(socket, told)
                try:
                    link.hello = json.loads(await socket.recv())
                except BaseException:
                    socket.transport.abort()
                    raise
        except InvalidStatus as refusal:
            raise _refusal(refusal.response.status_code, bytes(refusal.response.body or b"")) from refusal
        except (OSError, TimeoutError, InvalidHandshake, InvalidMessage, ConnectionClosed) as error:
            raise Unreachable(f"no connection to {url} ({type(error).__name__})") from error
        link._reader = asyncio.create_task(link._read())
        return link

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                self._heard(json.loads(text))
        except (ConnectionClosed, OSError, ValueError):
            pass
        finally:
            self.code = self._socket.close_code or 1006
            self.closed.set()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(Dropped())
            self._waiting.clear()
            self._socket.transport.abort()

    def _heard(self, message: Told) -> None:
        waiting = self._waiting.pop(message.get("id", 0), None)
        if waiting is None or waiting.done():
            self._told(message)
        elif message.get("type") == "problem":
            said, parameters = str(message.get("title", "")), message.get("parameters")
            retry = bool(message.get("retry"))
            waiting.set_exception(problem(str(message["code"]), said, retry=retry, parameters=parameters))
        else:
            waiting.set_result(message)

    async def ask(self, message: Told) -> Told:
        """Send a request, without its number, and wait for the answer. Raises Problem, or Dropped."""
        async with self._room:
            if self.closed.is_set():
                raise Dropped
            self._numbers += 1
            number = self._numbers
            waiting: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
            self._waiting[number] = waiting
            try:
                await self._socket.send(json.dumps({**message, "id": number}, separators=(",", ":")))
                return await waiting
            except (ConnectionClosed, OSError) as error:
                raise Dropped from error
            finally:
                self._waiting.pop(number, None)

    def abort(self) -> None:
        """End it now, whatever the network says."""
        self._socket.transport.abort()

    async def close(self) -> None:
        """Close in good order; a second at most."""
        with suppress(TimeoutError, ConnectionClosed, OSError):
            async with asyncio.timeout(1.0):
                await self._socket.close()
        self.abort()
        if self._reader is not None:
            with suppress(asyncio.CancelledError):
                await asyncio.wait([self._reader], timeout=1.0)


def _refusal(status: int, body: bytes) -> SeatError:
    """What the door said instead of opening."""
    try:
        told = json.loads(body)
    except ValueError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    retry = bool(told.get("retry", status >= 500 or status == 429))
    code, title = str(told.get("code", f"http.{status}")), str(told.get("title", ""))
    return problem(code, title, retry=retry, parameters=told.get("params"), status=status)
