"""A file of xDT cut into lines, whatever was done to it on its way. Each oddity is a Notice; reading never stops.

What counts is, in this order: line ends, then lengths. A line end in the middle of a content (its length says so, or the
next line has no head) is part of the content; a lost one is found where the length says, or where a whole line fits exactly.
At most `PHYSICAL` bytes are held, also where a file has no line ends at all.
"""

import re
from collections.abc import Iterator

from praxisd.services.exchange.formats.xdt_charset import Readable
from praxisd.services.exchange.formats.xdt_words import Line, Notice

CHUNK = 1 << 18
PHYSICAL = 1 << 16
"""Bytes a line may have in which no end was found."""
_HEAD = re.compile(rb"(\d{3})(\d{4})")
_NUMBERED = re.compile(rb"\s*\d{1,12}[\s:;.)|]+(?=\d{7})")
_WIDE = range(4, 13)
_PAD = b"\x00\x1a"
_BOM = b"\xef\xbb\xbf"
_ENDS = re.compile(rb"\r\n|\n\r?|\r")
Cut = Line | Notice


def lines(stream: Readable) -> Iterator[Cut]:
    """All lines of a file, in its order, with what is odd about them."""
    reader = _Reader()
    for no, text, end in _physical(stream, reader):
        head = _HEAD.match(text)
        held = reader.held
        if head is None or int(head[1]) != len(text) + 2 or (held is not None and held.declared > held.size):
            yield from reader.feed(no, text)
        else:  # as it ought to be, like nearly all
            if held is not None and held.declared == len(held.content) + 9 and not reader.notices:
                yield held
            else:
                yield from reader.release()
            reader.held = Line(no, head[2].decode(), text[7:], len(text) + 2)
        reader.end = end
    yield from reader.finish()


def _physical(stream: Readable, reader: "_Reader") -> Iterator[tuple[int, bytes, bytes]]:
    """(number, bytes without their end, their end). Without an end for long, pieces are given as they are, with none."""
    rest, no, first = b"", 1, True
    while chunk := stream.read(CHUNK):
        if first:
            first = False
            if chunk.startswith(_BOM):
                chunk = chunk[len(_BOM) :]
                reader.say(1, "bom")
        buffer = rest + chunk
        # A CR at the very end may have its LF in the next piece.
        stop = len(buffer) - 1 if buffer.endswith((b"\r", b"\n")) else len(buffer)
        at = 0
        for end in _ENDS.finditer(buffer):
            if end.end() > stop:
                break
            yield no, buffer[at : end.start()], end[0]
            no += 1
            at = end.end()
        rest = buffer[at:]
        while len(rest) > PHYSICAL:
            taken = reader.peel(no, rest)
            yield no, rest[:taken], b""
            rest = rest[taken:]
    for text in _ENDS.split(rest) if rest else ():
        if text:
            yield no, text, b"\n"
        no += 1


class _Reader:
    """What has to be remembered from line to line: one line that may go on, and what is to be said."""

    def __init__(self) -> None:
        self.held: Line | None = None
        self.notices: list[Notice] = []
        self._padded = False
        self.end = b"\n"
        """How the line that is held ended."""

    def say(self, no: int, code: str, **params: str | int) -> None:
        self.notices.append(Notice(no, code, params))

    def feed(self, no: int, text: bytes) -> Iterator[Cut]:
        """The next physical line, which is not simply right."""
        head = _HEAD.match(text)
        if head is not None and int(head[1]) == len(text) + 2 and not self._swallows(text):
            yield from self.release()
            self.held = Line(no, head[2].decode(), text[7:], len(text) + 2)
            return
        bare = text.strip(_PAD)
        if bare != text:
            if not self._padded:
                self._padded = True
                self.say(no, "padding")
            text = bare
            if not text:
                return
        if not text.strip():
            if self.held is not None and self.held.declared > self.held.size and self._fits(text):
                self._join(text)
            else:
                self.say(no, "empty_line")
            return
        if self._swallows(text):
            self._join(text)
            return
        expects = self.held is not None and self.held.declared - self.held.size > len(text)
        found = _cut(no, text, self) if not expects or _plausible(text, 0) else []
        if found:
            yield from self.release()
            for one in found[:-1]:
                yield from self._judge(one)
            self.held = found[-1]
        elif expects:
            self._join(text)
        else:
            self.say(no, "unreadable")

    def finish(self) -> Iterator[Cut]:
        """What is still held."""
        yield from self.release()
        yield from self._flush()

    def peel(self, no: int, text: bytes) -> int:
        """How many bytes of a text without line ends are whole lines (all of it where it is no xDT)."""
        at = 0
        while (head := _HEAD.match(text, at)) is not None:
            step = next(
                (s for s in (int(head[1]) - 2, int(head[1])) if s >= 7 and _plausible(text, at + s)), 0
            )
            if not step:
                break
            at += step
        return at or PHYSICAL

    def _swallows(self, text: bytes) -> bool:
        """Does the line held say that exactly this belongs to it?"""
        held = self.held
        return held is not None and held.declared > held.size and self._fits(text)

    def _fits(self, text: bytes) -> bool:
        held = self.held
        return held is not None and held.declared - held.size in (len(text) + 1, len(text) + 2)

    def _join(self, text: bytes) -> None:
        held = self.held
        if held is None:  # pragma: no cover - only called with a line held
            return
        self.say(held.no, "broken_line", field=held.field)
        content = held.content + self.end + text
        # Exactly filled, or nearly so with a line end that shrank: from now on its length is right.
        full = 0 <= held.declared - len(content) - 9 <= 1
        self.held = Line(held.no, held.field, content, len(content) + 9 if full else held.declared)

    def release(self) -> Iterator[Cut]:
        """The line that was held, and what is to be said."""
        held, self.held = self.held, None
        if held is not None:
            yield from self._judge(held)
        yield from self._flush()

    def _judge(self, line: Line) -> Iterator[Cut]:
        if line.declared != line.size and line.declared >= 0:
            yield Notice(line.no, _how(line), {"field": line.field, "said": line.declared, "is": line.size})
        yield line

    def _flush(self) -> Iterator[Cut]:
        if self.notices:
            yield from self.notices
            self.notices = []


def _how(line: Line) -> str:
    try:
        characters = len(line.content.decode())
    except UnicodeDecodeError:
        return "length"
    return (
        "length_characters"
        if characters != len(line.content) and line.declared == characters + 9
        else "length"
    )


def _plausible(text: bytes, at: int, most: int = 999) -> bool:
    """Could a line of at most `most` bytes begin here?"""
    head = _HEAD.match(text, at)
    return head is not None and 9 <= int(head[1]) <= most and _known(head[2])


def _known(field: bytes) -> bool:
    """Fields of xDT lie in these hundreds; a number in a text seldom looks like one."""
    return field[:2] in _HUNDREDS


_HUNDREDS = frozenset(
    f"{n:02d}".encode()
    for n in (
        1,
        2,
        30,
        31,
        32,
        36,
        37,
        41,
        42,
        50,
        60,
        61,
        62,
        63,
        80,
        81,
        82,
        83,
        84,
        85,
        86,
        90,
        91,
        92,
        96,
    )
)


def _chains(text: bytes, at: int) -> bool:
    """Do whole lines, each of the length it says, fill the text from here to its end?"""
    while at < len(text):
        head = _HEAD.match(text, at)
        if head is None or not _known(head[2]) or int(head[1]) < 9:
            return False
        if at + int(head[1]) - 2 == len(text):
            return True
        at += int(head[1]) - 2
    return False


def _cut(no: int, text: bytes, reader: _Reader) -> list[Line]:
    """The lines within one physical line whose length is not right: none, one, or several glued together."""
    first = _HEAD.match(text)
    other = None if first is not None and int(first[1]) == len(text) + 2 else _other_head(no, text, reader)
    if other is not None:
        return [other]
    found: list[Line] = []
    at = 0
    while (head := _HEAD.match(text, at)) is not None and head[2] != b"0000":
        said, field = int(head[1]), head[2].decode()
        cut = None if at + said - 2 == len(text) else _lost_end(text, at, said)
        if cut is None:
            found.append(Line(no, field, text[at + 7 :], said))
            break
        reader.say(no, "glued", field=field)
        content = text[at + 7 : cut]
        if 0 < cut - at - (said - 2) <= 2 and not content[said - 9 :].strip():
            content = content[: said - 9]  # blanks in place of a line end
        near = cut - at in (said - 2, said - 1, said)
        found.append(Line(no, field, content, len(content) + 9 if near else said))
        at = cut
    return found


def _lost_end(text: bytes, at: int, said: int) -> int | None:
    """Where the next line begins inside this one, or None."""
    for step in (said - 2, said - 1, said):
        if 7 <= step < len(text) - at and _plausible(text, at + step, len(text) - at - step + 2):
            return at + step
    # The length lies too: only lines that fit to the byte are believed.
    if len(text) - at > 4096:
        return None
    for head in re.finditer(rb"(?=\d{3}\d{4})", text[at + 7 :]):
        if _chains(text, at + 7 + head.start()):
            return at + 7 + head.start()
    return None


def _other_head(no: int, text: bytes, reader: _Reader) -> Line | None:
    """A head of another shape: numbered lines, more than three digits of length, zeros that became blanks or were lost."""
    numbered = _NUMBERED.match(text)
    if numbered is not None:
        after = text[numbered.end() :]
        if int(after[:3]) == len(after) + 2 or (_HEAD.match(text) is None and _known(after[3:])):
            reader.say(no, "numbered")
            return _line(no, after, 3)
    for width in _WIDE:
        head = text[: width + 4]
        if len(head) < width + 4 or not head.isdigit():
            break
        rest = len(text) - width - 4
        if int(head[:width]) in (rest + 9, rest + width + 6) and _known(head[width:]):
            reader.say(no, "wide_length", digits=width)
            return Line(no, head[width:].decode(), text[width + 4 :], rest + 9)
    for width in range(1, 12):
        if (
            text[:width].isdigit()
            and _HEAD.match(text, width)
            and int(text[width : width + 3]) == len(text) - width + 2
        ):
            if not _known(text[width + 3 : width + 7]):
                continue
            reader.say(no, "numbered")
            return _line(no, text[width:], 3)
    bare = text.lstrip(b" \t")
    for width in (3, 2, 1):
        head = bare[: width + 4]
        if (
            head.isdigit()
            and len(head) == width + 4
            and int(head[:width]) in (len(bare) + 2, len(bare) + 5 - width)
        ):
            reader.say(no, "short_head")
            return Line(no, head[width:].decode(), bare[width + 4 :], len(bare) - width - 4 + 9)
    return None


def _line(no: int, text: bytes, width: int) -> Line:
    return Line(no, text[width : width + 4].decode(), text[width + 4 :], int(text[:width]))
