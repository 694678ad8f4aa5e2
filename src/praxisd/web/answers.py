"""Answers: what route functions return becomes status, headers and bytes, with ETag and the security headers."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import msgspec

from praxisd.kernel.service import Answer, Filed, Raw
from praxisd.web.request import Request, Send

JSON = "application/json"
PIECE = 256 << 10
"""Bytes of a file that are held at a time while it is sent."""
SECURITY: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
"""On every answer. Personal data is additionally kept out of all caches (`no-store`) unless an answer says otherwise."""
_NO_STORE = (b"cache-control", b"no-store")
_ENCODER = msgspec.json.Encoder()


class Sent:
    """A finished answer. `headers` are those of the operation; the general ones are added when it is sent."""

    __slots__ = ("body", "etag", "headers", "media_type", "status")

    def __init__(
        self,
        status: int,
        body: bytes,
        media_type: str | None = JSON,
        headers: Mapping[str, str] | None = None,
        etag: bytes | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.media_type = media_type
        self.headers = headers or {}
        self.etag = etag

    @property
    def secret(self) -> bool:
        """True if the operation itself asked that nobody keeps the answer: it holds a secret shown once."""
        return any(k.lower() == "cache-control" and "no-store" in v for k, v in self.headers.items())


class SentFile(Sent):
    """An answer that lies in a file; `size` bytes from where it stands."""

    __slots__ = ("file", "size")

    def __init__(self, status: int, told: Filed) -> None:
        super().__init__(status, b"", told.media_type, told.headers)
        self.file = told.file
        begin = told.file.tell()
        self.size = told.file.seek(0, os.SEEK_END) - begin
        told.file.seek(begin)


class Meter:
    """Counts the bytes of bodies on their way to `send`."""

    __slots__ = ("_onward", "sent")

    def __init__(self, onward: Send) -> None:
        self._onward = onward
        self.sent = 0

    async def send(self, message: Any) -> None:
        """Hand on."""
        self.sent += len(message.get("body", b""))
        await self._onward(message)


def finish(result: Any, status: int, media_type: str = JSON) -> Sent:
    """The answer for what a route function returned; `status` and `media_type` are the route's declared ones."""
    if isinstance(result, Answer):
        etag = result.etag
        if etag is None and result.version is not None:
            tag: bytes | None = b'"%d"' % result.version
        else:
            tag = None if etag is None else _quoted(etag)
        body, media = _encode(result.body, media_type)
        return Sent(result.status, body, media, result.headers, tag)
    if isinstance(result, Filed):
        return SentFile(status, result)
    if isinstance(result, Raw):
        return Sent(result.status, result.data, result.media_type, result.headers)
    body, media = _encode(result, media_type)
    return Sent(204 if result is None and status == 200 else status, body, media)


def _encode(value: Any, media_type: str) -> tuple[bytes, str | None]:
    if isinstance(value, bytes):
        return value, media_type
    if value is None:
        return b"", None
    return _ENCODER.encode(value), media_type


def _quoted(etag: str) -> bytes:
    return (etag if etag.endswith('"') else f'"{etag}"').encode("latin-1")


async def deliver(request: Request, sent: Sent, send: Send, close: bool = False) -> int:
    """Send the answer; returns the status really sent, which is 304 where the caller has it already."""
    status, body, reading = sent.status, sent.body, request.method in ("GET", "HEAD")
    headers: list[tuple[bytes, bytes]] = [*SECURITY, (b"x-request-id", request.id.encode())]
    own_cache = False
    for name, value in sent.headers.items():
        lower = name.lower().encode("latin-1")
        own_cache = own_cache or lower == b"cache-control"
        headers.append((lower, value.encode("latin-1", "replace")))
    if not own_cache:
        headers.append(_NO_STORE)
    if sent.etag is not None:
        headers.append((b"etag", sent.etag))
        if reading and status == 200 and request.none_match(sent.etag):
            status, body = 304, b""
    if status not in (204, 304):
        if sent.media_type is not None:
            headers.append((b"content-type", sent.media_type.encode("latin-1")))
        length = sent.size if isinstance(sent, SentFile) else len(body)
        headers.append((b"content-length", b"%d" % length))
    if close:
        headers.append((b"connection", b"close"))
    start = {"type": "http.response.start", "status": status, "headers": headers}
    if isinstance(sent, SentFile):
        await _pieces(sent, start, send)
        return status
    await send(start)
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
    return status


async def _pieces(sent: SentFile, start: Any, send: Send) -> None:
    """A file, a piece at a time: the next one is read once the one before is on its way."""
    loop = asyncio.get_running_loop()
    try:
        await send(start)
        left = sent.size
        while left:
            piece = await loop.run_in_executor(None, sent.file.read, min(PIECE, left))
            if not piece:
                raise OSError("the file of an answer has become shorter")
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        sent.file.close()
