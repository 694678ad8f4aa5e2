"""A small HTTP/1.1 client over asyncio streams: the tortured server should cost the time, not the torturer."""

import asyncio
import contextlib

import msgspec

ANSWER_S = 60.0


class Unanswered(Exception):
    """The connection ended, or nothing came in time: nobody knows what became of the request."""


class Reply(msgspec.Struct):
    """Status, headers (lower-case names) and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> object:
        """The body as JSON; None for an empty one."""
        return msgspec.json.decode(self.body) if self.body else None


class Http:
    """One connection that is kept alive and opened again when the server closed it between two requests."""

    def __init__(self, port: int, secret: str) -> None:
        self.port = port
        self._auth = f"Authorization: Bearer {secret}\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Send one request and read its answer. Raises Unanswered; never sends a request twice."""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{self._auth}"
        given = {"Content-Type": "application/json"} if body is not None else {}
        for name, value in (given | (headers or {})).items():
            head += f"{name}: {value}\r\n"
        if body is not None:
            head += f"Content-Length: {len(body)}\r\n"
        try:
            return await asyncio.wait_for(self._send(head.encode() + b"\r\n" + (body or b"")), ANSWER_S)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError) as error:
            self.close()
            raise Unanswered(type(error).__name__) from None

    async def _send(self, data: bytes) -> Reply:
        if self._streams is None or self._streams[0].at_eof():
            self.close()
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._streams
        writer.write(data)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if "chunked" in headers.get("transfer-encoding", ""):
            body = await self._chunks(reader)
        else:
            body = await reader.readexactly(int(headers.get("content-length") or 0))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(int(head[0].split(" ", 2)[1]), headers, body)

    @staticmethod
    async def _chunks(reader: asyncio.StreamReader) -> bytes:
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body

    def close(self) -> None:
        """End the connection."""
        streams, self._streams = self._streams, None
        if streams is not None:
            with contextlib.suppress(OSError):
                streams[1].close()
