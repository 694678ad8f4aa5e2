"""Objects out of a JSON file of any length, one at a time and in bounded memory: a Bundle's entries, or lines of ndjson."""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from praxisd.services.exchange.format import Progress

MOST = 16 * 1024 * 1024
"""A single resource may be so long. Bytes."""
_PIECE = 1 << 18
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:(")|\\?\Z)|[{}\[\]]', re.DOTALL)
_ENTRY = re.compile(rb"\s*:\s*\[\s*")


class Piece(NamedTuple):
    """One object's bytes and the line it begins in; None: longer than MOST, or cut off."""

    line: int
    data: bytes | None


def lines(stream: BinaryIO, progress: Progress) -> Iterator[Piece]:
    """Lines that are not blank."""
    done = number = 0
    while line := stream.readline(MOST + 1):
        done += len(line)
        progress(done)
        number += 1
        if len(line) > MOST:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MOST)
                done += len(line)
            yield Piece(number, None)
        elif line.strip().lstrip(b"\xef\xbb\xbf"):
            yield Piece(number, line.lstrip(b"\xef\xbb\xbf"))


def entries(stream: BinaryIO, progress: Progress) -> Iterator[Piece]:
    """The objects of the top level's array `entry`; the whole, where it has none (a single resource)."""
    scan = _Scan()
    done = 0
    while piece := stream.read(_PIECE):
        done += len(piece)
        progress(done)
        yield from scan.feed(piece)
        if scan.over:
            return
    yield from scan.end()


class _Scan:
    def __init__(self) -> None:
        self.over = False
        self._buffer = b""
        self._line = 1  # of the buffer's first byte
        self._at = 0  # tokens before it are dealt with
        self._depth = 0
        self._inside = self._found = False
        self._begin: int | None = None
        self._awaits = False

    def feed(self, piece: bytes) -> Iterator[Piece]:
        self._buffer += piece
        while True:
            token = _TOKEN.search(self._buffer, self._at)
            if token is None:
                break
            text = token.group()
            if text[:1] == b'"':
                if token.group(1) is None:
                    break  # a string that goes on in the next piece
                if self._depth == 1 and text == b'"entry"' and not self._found:
                    after = _ENTRY.match(self._buffer, token.end())
                    if after is None and len(self._buffer) - token.end() < 64:
                        break
                    if after is not None:
                        self._inside = self._found = True
                        self._depth, self._at = 2, after.end()
                        continue
                self._at = token.end()
                continue
            self._at = token.end()
            if text in (b"{", b"["):
                self._depth += 1
                if self._inside and self._depth == 3:
                    self._begin = token.start()
            else:
                self._depth -= 1
                if self._inside and self._depth == 2 and self._begin is not None:
                    yield from self._cut(self._begin, self._at)
                elif self._inside and self._depth == 1:
                    self._inside = False
        if self._found and self._begin is None:
            self._drop(self._at)
        if len(self._buffer) > MOST:
            self.over = True
            yield Piece(self._line, None)

    def _cut(self, begin: int, end: int) -> Iterator[Piece]:
        line = self._line + self._buffer.count(b"\n", 0, begin)
        yield Piece(line, self._buffer[begin:end])
        self._begin = None
        if end > _PIECE:
            self._drop(end)

    def _drop(self, end: int) -> None:
        self._line += self._buffer.count(b"\n", 0, end)
        self._buffer, self._at = self._buffer[end:], 0

    def end(self) -> Iterator[Piece]:
        if self._begin is not None or (self._found and self._depth > 0):
            yield Piece(self._line, None)  # cut off
        elif not self._found and self._buffer.strip():
            yield Piece(1, self._buffer if self._depth == 0 else None)
