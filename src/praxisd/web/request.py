"""One HTTP request, read strictly: what is ambiguous, unknown or too big is refused, never guessed."""

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from praxisd.kernel.access import ANONYMOUS, Actor
from praxisd.kernel.errors import Problem

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Scope = Any

BODY_PATIENCE_S = 30.0
"""A body must have arrived completely after so many seconds: slow senders must not hold memory."""
DRAINED_BYTES = 64_000_000
"""A body announced larger than this is not read to its end: the connection is closed instead."""
SAFE_INT = 2**53 - 1
"""Integers beyond this are refused: JSON's numbers are not exact there (RFC 8259 § 6), and databases overflow."""
_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ETAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
_VALUE = re.compile(r"Invalid enum value .*?(?= - at |$)", re.DOTALL)
_SUSPECT = re.compile(rb"\\u0000|[0-9]{16}")
_MAX_PARAMETERS = 64
_KEPT_QUERIES, _KEPT_LENGTH = 128, 512


class Headers(Mapping[str, str]):
    """Request headers by lower-case name, without the secret; repeated ones are joined by a comma."""

    def __init__(self, raw: Mapping[bytes, bytes]) -> None:
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        if name == "authorization":
            raise KeyError(name)
        return self._raw[name.lower().encode("latin-1")].decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (k.decode("latin-1") for k in self._raw if k != b"authorization")

    def __len__(self) -> int:
        return len(self._raw) - (b"authorization" in self._raw)


class Request:
    """A request while it is being answered. `actor` and `code` are what the log line will say of it."""

    __slots__ = ("actor", "code", "id", "method", "raw_headers", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive, id_: str) -> None:
        self.scope = scope
        self.receive = receive
        self.id = id_
        self.method: str = scope["method"]
        self.actor: Actor = ANONYMOUS
        self.code: str | None = None
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
        if public_url:
            return public_url.rstrip("/")
        scheme = self.scope.get("scheme", "http")
        client = self.scope.get("client")
        if trusted and client and _within(client[0], trusted):
            forwarded = self.header(b"x-forwarded-proto")
            scheme = forwarded if forwarded in ("http", "https") else scheme
        host = self.header(b"host") or ""
        if not _HOST.fullmatch(host):
            server = self.scope.get("server") or ("localhost", None)
            host = f"{server[0]}:{server[1]}" if server[1] else str(server[0])
        return f"{scheme}://{host}"

    @property
    def local(self) -> bool:
        """True if the caller sits on this computer and no proxy or relay stands between."""
        client = self.scope.get("client")
        raw = self.raw_headers
        if client is None or any(h in raw for h in (b"x-forwarded-for", b"forwarded", b"via", b"x-real-ip")):
            return False
        host = (self.header(b"host") or "").rsplit(":", 1)[0]
        try:
            return ipaddress.ip_address(client[0]).is_loopback and host in ("127.0.0.1", "localhost", "[:", "[::1]")
        except ValueError:
            return False

    async def body(self, limit: int) -> bytes:
        """The whole body. `http.body_too_large` (413) beyond `limit` bytes, never holding more; 408 when too slow."""
        announced = self.raw_headers.get(b"content-length")
        if announced is not None and announced.isdigit() and int(announced[:18]) > limit:
            raise _too_large(limit, close=len(announced) > 17 or int(announced) > DRAINED_BYTES)
        if announced == b"0" or (announced is None and b"transfer-encoding" not in self.raw_headers):
            return b""
        try:
            async with asyncio.timeout(BODY_PATIENCE_S):
                return await self._collect(limit)
        except TimeoutError:
            raise Problem("http.body_timeout", 408, headers={"Connection": "close"}) from None

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
                raise _too_large(limit, close=True)
            parts.append(part)
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int, close: bool) -> Problem:
    headers = {"Connection": "close"} if close else {}
    return Problem("http.body_too_large", 413, headers=headers, limit=limit)


def _joined(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    joined: dict[bytes, bytes] = {}
    for name, value in pairs:
        joined[name] = joined[name] + b", " + value if name in joined else value
    return joined


def networks(texts: Sequence[str]) -> tuple[Any, ...]:
    """The trusted proxies of the configuration as networks; `config.invalid` if one is no address or network."""
    try:
        return tuple(ipaddress.ip_network(one, strict=False) for one in texts)
    except ValueError as error:
        raise Problem("config.invalid", 400, detail=f"trusted_proxies: {error}", file="trusted_proxies") from None


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


class QueryReader:
    """Turns a query string into the route's query struct; lists come from repeated parameters."""

    def __init__(self, type_: type | None) -> None:
        self._type = type_
        fields = msgspec.structs.fields(type_) if type_ is not None else ()
        self._names = {f.encode_name for f in fields}
        self._lists = {f.encode_name for f in fields if _is_list(f.type)}
        self._ints = [f.name for f in fields if _has_int(f.type)]
        frozen = type_ is not None and issubclass(type_, msgspec.Struct) and type_.__struct_config__.frozen
        self._read = lru_cache(maxsize=_KEPT_QUERIES)(self._convert) if frozen else self._convert

    def read(self, query: bytes) -> Any:
        """The struct (None where a route takes no query); a frozen one is kept for clients that ask the same again.

        Raises 400 with `http.malformed_query`, `http.unknown_parameter`, `http.repeated_parameter`, `http.invalid_parameter`.
        """
        if not query and self._type is None:
            return None
        return self._read(query) if len(query) < _KEPT_LENGTH else self._convert(query)

    def _convert(self, query: bytes) -> Any:
        values: dict[str, Any] = {}
        for name, value in _pairs(query):
            if name not in self._names:
                raise Problem("http.unknown_parameter", 400, parameter=name[:64])
            if "\0" in value:
                raise Problem("http.invalid_parameter", 400, detail=f"NUL - at `$.{name}`")
            if name in self._lists:
                values.setdefault(name, []).append(value)
            elif name in values:
                raise Problem("http.repeated_parameter", 400, parameter=name)
            else:
                values[name] = value
        if self._type is None:
            return None
        try:
            found = msgspec.convert(values, self._type, strict=False)
        except msgspec.ValidationError as error:
            raise Problem("http.invalid_parameter", 400, detail=explain(error)) from None
        for name in self._ints:
            value = getattr(found, name)
            if isinstance(value, int) and abs(value) > SAFE_INT:
                raise Problem("http.invalid_parameter", 400, detail=f"Expected a smaller `int` - at `$.{name}`")
        return found


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query),
            errors="strict",
            max_num_fields=_MAX_PARAMETERS,
        )
    except ValueError:  # also UnicodeDecodeError: neither percent-encoded UTF-8 nor name=value pairs
        raise Problem("http.malformed_query", 400) from None


def _is_list(type_: Any) -> bool:
    origin = getattr(type_, "__origin__", type_)
    arguments = getattr(type_, "__args__", ())
    return origin in (list, tuple, set, frozenset) or any(_is_list(a) for a in arguments if a is not type(None))


def _has_int(type_: Any) -> bool:
    return type_ is int or any(_has_int(a) for a in getattr(type_, "__args__", ()))


class BodyReader:
    """Turns JSON bytes into the route's body struct; unknown fields are refused by the struct itself."""

    def __init__(self, type_: type | None) -> None:
        self._type = type_
        self._decoder = None if type_ is None else msgspec.json.Decoder(type_)
        fields = msgspec.structs.fields(type_) if type_ is not None and issubclass(type_, msgspec.Struct) else ()
        self._optional = type_ is not None and not any(f.required for f in fields)

    @property
    def needed(self) -> bool:
        """True if a request without a body would be refused."""
        return self._type is not None and not self._optional

    def check_type(self, request: Request, content: bytes) -> None:
        """Refuse what is not plain JSON with `http.unsupported_media_type` (415)."""
        if not content:
            return
        encoding = request.header(b"content-encoding")
        media, _, parameters = (request.header(b"content-type") or "").partition(";")
        charset = parameters.strip().lower().replace('"', "")
        wanted = {"application/json"} | ({"application/merge-patch+json"} if request.method == "PATCH" else set())
        if (
            media.strip().lower() not in wanted
            or (encoding or "identity").lower() != "identity"
            or (charset.startswith("charset=") and charset not in ("charset=utf-8", "charset=us-ascii"))
        ):
            raise Problem("http.unsupported_media_type", 415)

    def read(self, content: bytes) -> Any:
        """The struct, None where a route takes no body.

        Raises 400: `http.malformed_json` for what is no JSON, `http.invalid_body` with the JSON path for what is not
        the declared shape (unknown fields, NUL characters and integers beyond 2^53 included).
        """
        if self._decoder is None:
            if content.strip() not in (b"", b"{}"):
                raise Problem("http.invalid_body", 400, detail="Expected no body - at `$`")
            return None
        if not content and self._optional:
            content = b"{}"
        try:
            if _SUSPECT.search(content):
                _check_values(msgspec.json.decode(content), "$")
            return self._decoder.decode(content)
        except msgspec.ValidationError as error:
            raise Problem("http.invalid_body", 400, detail=explain(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Problem("http.malformed_json", 400) from None


def explain(error: msgspec.ValidationError) -> str:
    """Where and what, in the reader's words but without the value that was sent."""
    return _VALUE.sub("Invalid value", str(error))[:300]


def _check_values(value: Any, path: str) -> None:
    """Refuse characters no database keeps and numbers no JSON reader agrees on."""
    if isinstance(value, str):
        if "\0" in value:
            raise Problem("http.invalid_body", 400, detail=f"NUL character - at `{path}`")
    elif isinstance(value, bool | None):
        return
    elif isinstance(value, int):
        if abs(value) > SAFE_INT:
            raise Problem("http.invalid_body", 400, detail=f"Expected a smaller `int` - at `{path}`")
    elif isinstance(value, dict):
        for name, one in value.items():
            if "\0" in name:
                raise Problem("http.invalid_body", 400, detail=f"NUL character - at `{path}`")
            _check_values(one, f"{path}.{name[:40]}")
    elif isinstance(value, list):
        for one in value:
            _check_values(one, f"{path}[...]")
