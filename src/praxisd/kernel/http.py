"""The way out by HTTP: plain calls that tell exactly whether a request may have left.

What decides "never twice" (SPEC 5.8) is one question: may the other side have read the request? `NotSent` says that
certainly nothing was written to it (name, connection, TLS, a proxy that would not, too late), `AnswerLost` that it may
have been. The line between the two is drawn at one place, `_Leaving`, when a ready connection is about to be used.

Questions (GET, HEAD) take a shorter way that keeps the same promises: `http_question`.

No redirect is followed, no variable of the environment is heeded, certificates are checked. Nothing is logged: addresses
and bodies may name people. aiohttp is imported with the first request, since it costs a fifth of the start.
"""

import asyncio
import contextvars
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec

from praxisd import __version__
from praxisd.kernel import outside
from praxisd.kernel.access import system
from praxisd.kernel.clock import Clock
from praxisd.kernel.errors import Problem
from praxisd.kernel.http_question import METHODS, Questions, target
from praxisd.kernel.http_stream import PATIENCE_S, HttpStream
from praxisd.kernel.outside import AnswerLate, AnswerLost, NotSent, Outside, Why

if TYPE_CHECKING:
    import aiohttp

    from praxisd.kernel.app import House

PROXY = "kernel.http_proxy"
TIMEOUT_S = 20.0
AT_ONCE = 8
"""Requests under way at once; more wait for their turn, which counts into their time."""
LIMIT_BYTES = 1_000_000
_CLOSE_S = 5.0
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What the other side answered. Names of headers are lower case; of repeated ones the last counts."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Held(Exception):
    """The request must not leave any more."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class _Leaving:
    """Whether one request has left. Asked by the loop right before the first byte, and by the caller who waits."""

    def __init__(
        self, clock: Clock, before: float | None, allowed: Callable[[str], bool] | None = None
    ) -> None:
        self._allowed = allowed
        self._clock = clock
        self._before = before
        self._lock = threading.Lock()
        self._stopped = False
        self.left = False

    def leave(self, peer: str) -> None:
        """Mark it as gone; `_Held` if its time has passed, nobody waits any more, it has gone once already, or the
        connection leads to an address that the caller does not allow.
        """
        if self._allowed is not None and not self._allowed(peer):
            raise _Held("forbidden")
        with self._lock:
            if self._stopped or self.left:
                raise _Held("timeout")
            if self._before is not None and self._clock.now_ms() > self._before * 1000:
                raise _Held("too_late")
            self.left = True

    def stop(self) -> bool:
        """Nobody waits any more: it must not leave from now on. True if it has left before."""
        with self._lock:
            self._stopped = True
            return self.left


_leaving: contextvars.ContextVar[_Leaving] = contextvars.ContextVar("praxisd_http_leaving")


class Http:
    """Requests to the outside. `proxy` is asked before each: an http(s) address, or nothing.

    `trust` replaces the certificates of the operating system (tests have an authority of their own).
    """

    def __init__(
        self,
        clock: Clock,
        loop: Outside,
        proxy: Callable[[], str] = lambda: "",
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock
        self._outside = loop
        self._proxy = proxy
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None
        self._home: asyncio.AbstractEventLoop | None = None
        self._questions = Questions(AT_ONCE, trust)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float = TIMEOUT_S,
        before: float | None = None,
        allowed: Callable[[str], bool] | None = None,
        limit_bytes: int = LIMIT_BYTES,
    ) -> HttpAnswer:
        """Send one request, once, and wait for the whole answer, `timeout_s` seconds at most.

        `before` (epoch seconds): nothing is written after it. `allowed` is asked with the address the connection leads to
        (behind a proxy: not asked, the proxy decides): where it says no, nothing is written. Of `json`, `form` and `body`
        at most one is given.
        `NotSent`: certainly nothing was written. `AnswerLost`: it may have been, and there is no whole answer (broken,
        late, longer than `limit_bytes`); `AnswerLate`, which is one of them, where time ran out.
        """
        sent = {"User-Agent": f"praxisd/{__version__}", "Accept-Encoding": "identity", **(headers or {})}
        data = body
        if json is not None:
            data = msgspec.json.encode(json)
            sent.setdefault("Content-Type", "application/json")
        elif form is not None:
            data = urlencode(form).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        self._outside.check()
        proxy = self._proxy()
        leaving = _Leaving(self._clock, before, None if proxy else allowed)
        where = target(url, params) if method in METHODS and data is None and not proxy else None
        if where is not None:
            try:
                return HttpAnswer(
                    *self._questions.ask(method, where, sent, leaving.leave, timeout_s, limit_bytes)
                )
            except _Held as held:
                raise NotSent(held.why) from None
            except AnswerLost as lost:
                raise type(lost) from None
        import aiohttp  # noqa: F401 - here, so that its loading neither counts nor holds up the loop

        work = self._ask(leaving, method, url, sent, params, data, proxy, timeout_s, limit_bytes)
        try:
            return self._outside.run(work, timeout_s)
        except TimeoutError:
            if leaving.stop():
                raise AnswerLate from None
            raise NotSent("timeout") from None
        except BaseException:
            leaving.stop()
            raise

    @contextmanager
    def stream(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
    ) -> Iterator[HttpStream]:
        """GET `url`; the head of the answer within `timeout_s` seconds, its body as the caller reads it.

        Between two pieces the server may be silent for `patience_s` seconds. Raises as `request`.
        """
        sent = {"User-Agent": f"praxisd/{__version__}", "Accept-Encoding": "identity", **(headers or {})}
        leaving = _Leaving(self._clock, None)
        import aiohttp

        try:
            answer = self._outside.run(self._begun(leaving, url, sent, self._proxy()), timeout_s)
        except TimeoutError:
            if leaving.stop():
                raise AnswerLate from None
            raise NotSent("timeout") from None
        names = {name.lower(): value for name, value in answer.headers.items()}
        broken = (aiohttp.ClientError, OSError, ValueError)
        stream = HttpStream(answer.status, names, answer, self._outside, broken, patience_s)
        try:
            yield stream
        finally:
            stream.close()

    def close(self) -> None:
        """Let go of what is still open; a later request begins anew."""
        self._questions.close()
        session, self._session = self._session, None
        home, self._home = self._home, None
        if session is not None and home is not None and home.is_running():
            try:
                asyncio.run_coroutine_threadsafe(session.close(), home).result(_CLOSE_S)
            except TimeoutError:
                return

    async def _ask(
        self,
        leaving: _Leaving,
        method: str,
        url: str,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
        data: bytes | None,
        proxy: str,
        timeout_s: float,
        limit_bytes: int,
    ) -> HttpAnswer:
        import aiohttp

        _leaving.set(leaving)
        try:
            async with self._opened().request(
                method,
                url,
                headers=headers,
                params=params,
                data=data,
                allow_redirects=False,
                proxy=proxy or None,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
            ) as answer:
                found = bytearray()
                async for chunk in answer.content.iter_chunked(_CHUNK):
                    found += chunk
                    if len(found) > limit_bytes:
                        raise AnswerLost
                names = {name.lower(): value for name, value in answer.headers.items()}
                return HttpAnswer(answer.status, names, bytes(found))
        except AnswerLost:
            raise AnswerLost from None
        except _Held as held:
            if leaving.left:
                raise AnswerLost from None
            raise NotSent(held.why) from None
        except (aiohttp.ClientError, OSError, ValueError, TypeError) as error:
            # ValueError and TypeError: an address or a header that cannot be written as HTTP.
            if leaving.left:
                raise (AnswerLate if isinstance(error, TimeoutError) else AnswerLost) from None
            raise NotSent(_why(error)) from None

    async def _begun(
        self, leaving: _Leaving, url: str, headers: Mapping[str, str], proxy: str
    ) -> "aiohttp.ClientResponse":
        """The head of an answer; whoever gets it closes it."""
        import aiohttp

        _leaving.set(leaving)
        try:
            return await self._opened().get(
                url,
                headers=headers,
                allow_redirects=False,
                proxy=proxy or None,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        except _Held as held:
            if leaving.left:
                raise AnswerLost from None
            raise NotSent(held.why) from None
        except (aiohttp.ClientError, OSError, ValueError, TypeError) as error:
            if leaving.left:
                raise (AnswerLate if isinstance(error, TimeoutError) else AnswerLost) from None
            raise NotSent(_why(error)) from None

    def _opened(self) -> "aiohttp.ClientSession":
        """The session of the running loop.

        Each request has a connection of its own: one that was kept may have been closed by the other side meanwhile,
        and then nobody could tell whether the request was read.
        """
        import aiohttp

        home = asyncio.get_running_loop()
        if self._session is None or self._home is not home:
            connector = _connector(aiohttp)(
                limit=AT_ONCE, force_close=True, ssl=True if self._trust is None else self._trust
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
            self._home = home
        return self._session


def _connector(aiohttp: Any) -> Any:
    """A connector that asks `_Leaving` when a connection stands (behind proxy and TLS) and nothing is written yet."""

    class Watched(aiohttp.TCPConnector):  # type: ignore[misc]
        """See above."""

        async def connect(self, *args: Any, **more: Any) -> Any:
            """The connection, if the request may leave now."""
            connection = await super().connect(*args, **more)
            try:
                told = connection.transport.get_extra_info("peername") if connection.transport else None
                _leaving.get().leave(str(told[0]) if told else "")
            except BaseException:
                connection.close()
                raise
            return connection

    return Watched


def _why(error: BaseException) -> Why:
    import aiohttp

    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLError | ssl.CertificateError | aiohttp.ClientSSLError):
        return "encryption"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "name"
    return "unreachable"


def check_proxy(value: str) -> None:
    """Problem `settings.invalid` (422) unless it is empty or http(s)://[user:password@]name[:port]."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        good = good and not (parts.query or parts.fragment or parts.path.strip("/"))
        good = good and value.isprintable() and " " not in value
    except ValueError:
        good = False
    if value and not good:
        raise Problem("settings.invalid", 422, key=PROXY, reason="http://name:port", low=0, high=300)


_making = threading.Lock()


def client(house: "House") -> Http:
    """The one `Http` of this house, with the proxy that its setting names; closed when the house stops."""

    kept: tuple[int, str] = (-1, "")

    def proxy() -> str:
        """As it is set now; read again only after a commit where nobody else can have changed it."""
        nonlocal kept
        generation = house.store.generation
        if not house.store.alone or kept[0] != generation:
            with house.store.read(system("kernel.http")) as tx:
                kept = (generation, str(house.settings.get(tx, PROXY)))
        return kept[1]

    with _making:
        found: Http | None = house.shared.get("http")
        if found is None:
            found = house.shared["http"] = Http(house.clock, outside.of(house), proxy)
            house.closers.append(found.close)
        return found


__all__ = (
    "AnswerLate",
    "AnswerLost",
    "Http",
    "HttpAnswer",
    "HttpStream",
    "NotSent",
    "check_proxy",
    "client",
)
