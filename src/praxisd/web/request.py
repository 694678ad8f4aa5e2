"""One HTTP request, read strictly: what is ambiguous, unknown or too big is refused, never guessed."""

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from praxisd.kernel.access import ANONYMOUS, Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.sessions import BACKGROUND_HEADER, Live, Visit, cookie_name
from praxisd.kernel.visitors import Visitor

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Scope = Any

BODY_PATIENCE_S = 30.0
"""A body must have arrived completely after so many seconds: slow senders must not hold memory."""
DRAINED_BYTES = 64_000_000
"""A body announced larger than this is not read to its end: the connection is closed instead."""
_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ETAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
_SECRET = ("authorization", "cookie")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SAME = frozenset({"same-origin", "none"})
_BACKGROUND = BACKGROUND_HEADER.lower().encode()
_DEVICE_MOST = 400


class Headers(Mapping[str, str]):
    """Request headers by lower-case name, without the secrets; repeated ones are joined by a comma."""

    def __init__(self, raw: Mapping[bytes, bytes]) -> None:
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        if name.lower() in _SECRET:
            raise KeyError(name)
        return self._raw[name.lower().encode("latin-1")].decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (name for name in (k.decode("latin-1") for k in self._raw) if name not in _SECRET)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Request:
    """A request while it is being answered. `actor` and `code` are what the log line will say of it, `live` is the
    session it came with, `visitor` the guest of the relay behind the connection: then nothing else is believed of where
    it comes from.
    """

    __slots__ = ("actor", "code", "id", "live", "method", "raw_headers", "receive", "scope", "visitor")

    def __init__(self, scope: Scope, receive: Receive, id_: str, visitor: Visitor | None = None) -> None:
        self.scope = scope
        self.receive = receive
        self.id = id_
        self.method: str = scope["method"]
        self.actor: Actor = ANONYMOUS
        self.code: str | None = None
        self.live: Live | None = None
        self.visitor = visitor
        pairs = scope["headers"]
        self.raw_headers: dict[bytes, bytes] = dict(pairs)
        if len(self.raw_headers) != len(pairs):
            self.raw_headers = _joined(pairs)

    def header(self, name: bytes) -> str | None:
        """A header by its lower-case name, or None."""
        value = self.raw_headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def path(self) -> str:
        """The path as the client asked for it, percent-decoded."""
        return str(self.scope["path"])

    @property
    def bearer(self) -> str:
        """The secret of `Authorization: Bearer <secret>`, or the empty string."""
        value = self.raw_headers.get(b"authorization", b"")
        if value[:7].lower() != b"bearer ":
            return ""
        return value[7:].strip().decode("latin-1")

    @property
    def unsafe(self) -> bool:
        """True for methods that may change something (RFC 9110 § 9.2.1)."""
        return self.method not in _SAFE

    @property
    def background(self) -> bool:
        """True if the caller says that no person asked for this."""
        return _BACKGROUND in self.raw_headers

    @property
    def browser(self) -> bool:
        """True if a browser's page asks: then the way in is to sign in, not a key."""
        return b"sec-fetch-site" in self.raw_headers

    def session_token(self, secure: bool) -> str:
        """What the session cookie holds, or the empty string; also where it is there twice: one of them is planted."""
        value, wanted = self.raw_headers.get(b"cookie"), cookie_name(secure)
        if value is None:
            return ""
        pairs = (one.strip().partition("=") for one in value.decode("latin-1").split(";"))
        found = [content for name, _, content in pairs if name == wanted]
        return found[0] if len(found) == 1 else ""

    def foreign(self, public_url: str | None, trusted: Sequence[Any]) -> bool:
        """True if the browser says (Origin, Sec-Fetch-Site) that another site's page sent this."""
        site, origin = self.header(b"sec-fetch-site"), self.header(b"origin")
        if site is not None and site not in _SAME:
            return True
        if origin == "null" and site is not None:
            return False  # a plain form of ours: our pages send no referrer, and browsers hide the origin with it
        return origin is not None and origin not in (
            _origin(self.base_url(public_url, trusted)),
            _origin(self.base_url(None, trusted)),
        )

    def own_origin(self, public_url: str | None, trusted: Sequence[Any]) -> bool:
        """True if the browser says that a page of ours asks; a hidden Origin (`null`) is none of ours."""
        return (
            self.header(b"origin") is not None
            and self.raw_headers[b"origin"] != b"null"
            and not self.foreign(public_url, trusted)
        )

    def visit(self, public_url: str | None, trusted: Sequence[Any]) -> Visit:
        """The facts that matter for signing in."""
        secure = self.base_url(public_url, trusted).startswith("https:")
        return Visit(
            address=self.address(trusted),
            device=(self.header(b"user-agent") or "")[:_DEVICE_MOST],
            token=self.session_token(secure),
            secure=secure,
            foreign=self.foreign(public_url, trusted),
            live=self.live,
        )

    @property
    def lang(self) -> str:
        """`de` or `en`, by Accept-Language; German where nothing else is asked for."""
        value = self.raw_headers.get(b"accept-language")
        return "de" if value is None else language(value)

    @property
    def idempotency_key(self) -> str | None:
        """The Idempotency-Key, or None; `http.bad_idempotency_key` (400) unless 1 to 255 visible ASCII characters."""
        value = self.header(b"idempotency-key")
        if value is not None and not _KEY.fullmatch(value):
            raise Problem("http.bad_idempotency_key", 400)
        return value

    @property
    def if_match(self) -> int | None:
        """The version of If-Match: None if absent or `*`, -1 for a tag that is no version of ours and so never matches.

        Raises `http.bad_etag` (400) for anything that is not one quoted tag.
        """
        value = self.raw_headers.get(b"if-match")
        if value is None or value == b"*":
            return None
        match = _ETAG.fullmatch(value.decode("latin-1"))
        if match is None:
            raise Problem("http.bad_etag", 400)
        return int(match[1]) if match[1].isdecimal() and match[1].isascii() and len(match[1]) < 10 else -1

    @property
    def fence(self) -> int | None:
        """The fence of the caller's record lock (`X-Praxisd-Fence`), or None; `http.bad_fence` (400) if no integer."""
        value = self.raw_headers.get(b"x-praxisd-fence")
        if value is None:
            return None
        if not value.isdigit() or len(value) > 15:
            raise Problem("http.bad_fence", 400)
        return int(value)

    def none_match(self, etag: bytes) -> bool:
        """True if If-None-Match names this ETag (weak comparison) or is `*`: the caller has it already."""
        value = self.raw_headers.get(b"if-none-match")
        if value is None:
            return False
        if value == etag or value == b"*":
            return True
        bare = etag.removeprefix(b"W/")
        return any(one.strip().removeprefix(b"W/") == bare for one in value.split(b","))

    def address(self, trusted: Sequence[Any]) -> str | None:
        """The caller's address; X-Forwarded-For counts only as far as trusted proxies vouch for it."""
        if self.visitor is not None:
            return self.visitor.address
        client = self.scope.get("client")
        here: str | None = client[0] if client else None
        if not trusted or here is None or not _within(here, trusted):
            return here
        for one in reversed((self.header(b"x-forwarded-for") or "").split(",")):
            hop = one.strip()
            if not hop:
                continue
            try:
                ipaddress.ip_address(hop)
            except ValueError:
                return here
            here = hop
            if not _within(hop, trusted):
                break
        return here

    def base_url(self, public_url: str | None, trusted: Sequence[Any]) -> str:
        """Address of this installation as the caller sees it, without a final slash; from the settings if set there."""
        if self.visitor is not None:
            return self.visitor.base_url
        if public_url:
            return public_url.rstrip("/")
        scheme = self.scope.get("scheme", "http")
        client = self.scope.get("client")
        if trusted and client and _within(client[0], trusted):
            forwarded = self.header(b"x-forwarded-proto")
            scheme = forwarded if forwarded in ("http", "https") else scheme
        return _address(scheme, self.raw_headers.get(b"host", b""), self.scope.get("server"))

    @property
    def local(self) -> bool:
        """True if the caller sits on this computer and no proxy or relay stands between."""
        client = self.scope.get("client")
        raw = self.raw_headers
        if client is None or any(h in raw for h in (b"x-forwarded-for", b"forwarded", b"via", b"x-real-ip")):
            return False
        if self.visitor is not None:
            return False
        host = (self.header(b"host") or "").rsplit(":", 1)[0]
        try:
            return ipaddress.ip_address(client[0]).is_loopback and host in (
                "127.0.0.1",
                "localhost",
                "[:",
                "[::1]",
            )
        except ValueError:
            return False

    async def body(self, limit: int) -> bytes:
        """The whole body. `http.body_too_large` (413) beyond `limit` bytes, never holding more; 408 when too slow."""
        announced = self.raw_headers.get(b"content-length")
        if announced is not None and announced.isdigit() and int(announced[:18]) > limit:
            raise too_large(limit, close=len(announced) > 17 or int(announced) > DRAINED_BYTES)
        if announced == b"0" or (announced is None and b"transfer-encoding" not in self.raw_headers):
            return b""
        try:
            async with asyncio.timeout(BODY_PATIENCE_S):
                return await self._collect(limit)
        except TimeoutError:
            raise Problem("http.body_timeout", 408, headers={"Connection": "close"}) from None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes; 408 where nothing comes for `BODY_PATIENCE_S`, or the caller is gone."""
        more = True
        while more:
            try:
                async with asyncio.timeout(BODY_PATIENCE_S):
                    message = await self.receive()
            except TimeoutError:
                raise Problem("http.body_timeout", 408, headers={"Connection": "close"}) from None
            if message["type"] == "http.disconnect":
                raise Problem("http.body_timeout", 408, headers={"Connection": "close"})
            yield message.get("body", b"")
            more = message.get("more_body", False)

    async def _collect(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Problem("http.body_timeout", 408, headers={"Connection": "close"})
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise too_large(limit, close=True)
            parts.append(part)
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(limit: int, close: bool) -> Problem:
    """413; `close`: the rest of the body is not read."""
    headers = {"Connection": "close"} if close else {}
    return Problem("http.body_too_large", 413, headers=headers, limit=limit)


def _joined(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    joined: dict[bytes, bytes] = {}
    for name, value in pairs:
        between = b"; " if name == b"cookie" else b", "  # RFC 9113 § 8.2.3
        joined[name] = joined[name] + between + value if name in joined else value
    return joined


@lru_cache(maxsize=64)
def _origin(address: str) -> str:
    """Scheme, host and port of an address as browsers write an Origin (RFC 6454 § 6.1): no default port, no path."""
    scheme, _, rest = address.partition("://")
    host = rest.split("/", 1)[0].lower().removesuffix(":443" if scheme == "https" else ":80")
    return f"{scheme.lower()}://{host}"


def networks(texts: Sequence[str]) -> tuple[Any, ...]:
    """The trusted proxies of the configuration as networks; `config.invalid` if one is no address or network."""
    try:
        return tuple(ipaddress.ip_network(one, strict=False) for one in texts)
    except ValueError as error:
        raise Problem(
            "config.invalid", 400, detail=f"trusted_proxies: {error}", file="trusted_proxies"
        ) from None


@lru_cache(maxsize=256)
def _address(scheme: str, host: bytes, server: tuple[str, int | None] | None) -> str:
    """Address for a Host header, or of the server itself where there is no usable one."""
    name = host.decode("latin-1")
    if not _HOST.fullmatch(name):
        here, port = server or ("localhost", None)
        name = f"{here}:{port}" if port else here
    return f"{scheme}://{name}"


@lru_cache(maxsize=1024)
def _within(address: str, trusted: Sequence[Any]) -> bool:
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(one in network for network in trusted)


@lru_cache(maxsize=256)
def language(accept: bytes) -> str:
    """The better of `de` and `en` by the weights of an Accept-Language value, the first of equals; else German."""
    best, found = 0.0, "de"
    for part in accept.decode("latin-1").lower().split(","):
        name, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        word = name.strip()[:2]
        if word in ("de", "en") and weight > best:
            best, found = weight, word
    return found
