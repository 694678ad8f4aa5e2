"""xDT written to the byte: lengths in bytes with CR LF, 8100 reckoned, the charset declared.

What the charset cannot say, and what is longer than three digits of length can tell, is refused by the number of its field.
"""

from collections.abc import Iterable, Sequence
from typing import BinaryIO

from praxisd.kernel.errors import Problem
from praxisd.services.exchange.formats import xdt_charset
from praxisd.services.exchange.formats.xdt_records import Record
from praxisd.services.exchange.formats.xdt_words import LENGTH, LONGEST, START

CANNOT = "exchange.cannot_say"
WIDTH = 5
"""Digits of 8100 in GDT 2.1 and BDT; more only where it must be."""
Fields = Sequence[tuple[str, str]]


def line(field: str, content: bytes) -> bytes:
    """One line. Problem `exchange.cannot_say` (422) for what no line can hold."""
    if len(content) > LONGEST or b"\r" in content or b"\n" in content:
        raise Problem(CANNOT, 422, field=field, encoding=f"xDT, {LONGEST}")
    return b"%03d%s%s\r\n" % (len(content) + 9, field.encode("ascii"), content)


def record(kind: str, fields: Fields, charset: str) -> bytes:
    """A whole record with its length."""
    body = b"".join(line(field, encoded(field, text, charset)) for field, text in fields)
    return framed(kind, body)


def framed(kind: str, body: bytes) -> bytes:
    """8000 and 8100 before lines that are ready."""
    start = line(START, kind.encode("ascii"))
    rest = len(start) + len(body) + 9
    width = WIDTH
    while len(str(rest + width)) > width:
        width += 1
    return start + line(LENGTH, b"%0*d" % (width, rest + width)) + body


def encoded(field: str, text: str, charset: str) -> bytes:
    """A content as bytes; Problem `exchange.cannot_say` (422) names the field where the charset has no such character."""
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise Problem(CANNOT, 422, field=field, encoding=charset)
    try:
        return xdt_charset.encode(text, charset)
    except UnicodeEncodeError:
        raise Problem(CANNOT, 422, field=field, encoding=charset) from None


def rewrite(records: Iterable[Record], stream: BinaryIO) -> None:
    """Write records that were read, their contents as they were, all lengths right."""
    for one in records:
        body = b"".join(line(part.field, part.content) for part in one.lines)
        stream.write(framed(one.kind, body))
