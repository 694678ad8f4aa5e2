"""Takes a mail apart, whatever it is made of: MIME as it should be, broken MIME, no MIME, or plain garbage.

The standard library's parser is made for mails that somebody wants to read; here anything may arrive, from anyone, and
only a few fields matter. So this one is smaller and bounded: it looks at `READ_MOST` octets, `PARTS_MOST` parts and
`DEPTH_MOST` levels, each octet at most once per level, and it raises nothing.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header

READ_MOST = 1_000_000
"""Octets of a mail that are looked at. What we wrote is a few thousand, also when it comes back as a whole."""
PARTS_MOST = 100
DEPTH_MOST = 10
_HEAD_MOST = 64_000
_VALUE_MOST = 8_000

_HEADER = re.compile(rb"([!-9;-~]{1,80})[ \t]*:(.*)", re.DOTALL)
_FOLD = re.compile(rb"\r?\n[ \t]+")
_PARAMETER = re.compile(r';\s*([A-Za-z0-9_-]+)(?:\*\d*\*?)?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')
_GUESSED = re.compile(rb"(?m)^--([^\s-][^\r\n]{5,68}?)[ \t]{0,9}\r?\n(?=[Cc]ontent-)")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_ENVELOPES = frozenset({"message/rfc822", "message/global"})
_REFUSED_CODECS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
_LATIN = frozenset({"iso88591", "latin1", "iso885915", "latin9", "windows1252", "cp1252", "usascii", "ascii"})


@dataclass(slots=True)
class Part:
    """One piece of a mail that holds no other pieces.

    `type` is its media type in lower case. `inner` is True inside a returned or forwarded mail: what stands there was
    not written by whoever sent this one.
    """

    type: str
    headers: Mapping[str, str]
    body: bytes
    charset: str = ""
    inner: bool = False

    @property
    def text(self) -> str:
        """The body as text."""
        return decoded(self.body, self.charset)


@dataclass(slots=True)
class Pieces:
    """A mail taken apart. Header names are in lower case; of a repeated header the first counts."""

    headers: Mapping[str, str]
    type: str
    parameters: Mapping[str, str]
    parts: list[Part] = field(default_factory=list)
    returned: list[Mapping[str, str]] = field(default_factory=list)
    """The headers of each mail, or of its head alone, that came along as a part."""


def take_apart(data: bytes) -> Pieces:
    """All pieces of a mail."""
    headers, body = _split(data[:READ_MOST])
    media, parameters = content_type(headers.get("content-type", ""))
    pieces = Pieces(headers, media, parameters)
    _walk(pieces, headers, body, 0, False)
    return pieces


def _walk(pieces: Pieces, headers: Mapping[str, str], body: bytes, depth: int, inner: bool) -> None:
    media, parameters = content_type(headers.get("content-type", ""))
    if len(pieces.parts) >= PARTS_MOST:
        return
    if depth < DEPTH_MOST:
        if media.startswith("multipart/"):
            found = list(_between(body, parameters.get("boundary", "")))
            if found:
                for one in found[:PARTS_MOST]:
                    _walk(pieces, *_split(one), depth + 1, inner)
                return
            media = "text/plain"
        elif media in _ENVELOPES:
            head, rest = _split(_unpacked(body, headers))
            pieces.returned.append(head)
            _walk(pieces, head, rest, depth + 1, True)
            return
    unpacked = _unpacked(body, headers)
    if media in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
        pieces.returned.append(_split(unpacked)[0])
    pieces.parts.append(Part(media, headers, unpacked, parameters.get("charset", ""), inner))


def _split(data: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and body. What does not look like headers at all is body."""
    if data.startswith((b"From ", b">From ")):  # the line between two mails in a mailbox file
        data = data.partition(b"\n")[2]
    if data.startswith((b"\n", b"\r\n")):
        return {}, data.partition(b"\n")[2]
    end = re.search(rb"\r?\n\r?\n", data)
    head, body = (data[: end.start()], data[end.end() :]) if end else (data, b"")
    headers = read_headers(head)
    if not headers:
        return {}, data
    return headers, body


def read_headers(head: bytes) -> dict[str, str]:
    """Fields of a head, encoded words decoded; lines that are none are passed over."""
    found: dict[str, str] = {}
    for line in _FOLD.sub(b" ", head[:_HEAD_MOST]).splitlines():
        match = _HEADER.match(line)
        if match is not None:
            name = match[1].decode("ascii").lower()
            if name not in found:
                found[name] = words(match[2][:_VALUE_MOST].strip())
    return found


def words(raw: bytes) -> str:
    """A header's value with its encoded words (RFC 2047) decoded."""
    text = decoded(raw, "")
    if "=?" not in text:
        return text
    try:
        pieces = decode_header(text)
    except (HeaderParseError, ValueError, binascii.Error):
        return text
    return "".join(one if isinstance(one, str) else decoded(one, charset or "") for one, charset in pieces)


def content_type(value: str) -> tuple[str, dict[str, str]]:
    """`("text/plain", {"charset": "utf-8"})`; text/plain for what is none (RFC 2045 § 5.2)."""
    media, _, _ = value.partition(";")
    media = media.strip().lower()
    if not re.fullmatch(r"[a-z0-9.+-]+/[a-z0-9.+-]+", media):
        media = "text/plain"
    parameters: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(value[:2000]):
        parameters.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain)
    return media, parameters


def _between(body: bytes, boundary: str) -> Iterator[bytes]:
    """The pieces between the boundary's lines; the last one also without its end."""
    mark = boundary.strip().encode("utf-8", "replace")
    if not mark or b"--" + mark not in body:
        guess = _GUESSED.search(body)
        if guess is None:
            return
        mark = guess[1]
    line = re.compile(b"--" + re.escape(mark) + rb"(--)?[ \t]*(?:\r?\n|$)")
    start, count = None, 0
    for match in line.finditer(body):
        if match.start() and body[match.start() - 1] != 10:  # not at the beginning of a line
            continue
        if start is not None:
            yield body[start : match.start()]
            count += 1
        if match[1] or count > PARTS_MOST:
            return
        start = match.end()
    if start is not None:
        yield body[start:]


def _unpacked(body: bytes, headers: Mapping[str, str]) -> bytes:
    """The body without its transfer encoding; as it is where that is broken beyond reading."""
    encoding = headers.get("content-transfer-encoding", "").strip().lower()
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == "base64":
        bare = _NOT_BASE64.sub(b"", body.partition(b"=")[0] if b"=" in body else body)
        bare = bare[: len(bare) - (len(bare) % 4 == 1)]
        return base64.b64decode(bare + b"=" * (-len(bare) % 4))
    return body


def decoded(raw: bytes, charset: str) -> str:
    """Octets as text: as declared if that holds, else UTF-8, else Windows-1252. Never fails.

    Mails that say ISO-8859-1 or ASCII and are UTF-8 all the same are read as UTF-8: text in one of the former that
    happens to be correct UTF-8 does not occur.
    """
    name = re.sub(r"[^a-z0-9]", "", charset.lower())
    if b"\x1b$" in raw and not name.startswith("iso2022"):
        charset, name = "iso-2022-jp", "iso2022jp"
    tries = [charset] if name and name not in _LATIN else []
    for one in (*tries, "utf-8", "cp1252"):
        if one.strip().lower().replace("-", "_") in _REFUSED_CODECS or len(one) > 40:
            continue
        try:
            return raw.decode(one)
        except (LookupError, ValueError):  # UnicodeError is a ValueError, so is a name with a null in it
            continue
    return raw.decode("cp1252", "replace")


__all__ = ("READ_MOST", "Part", "Pieces", "content_type", "decoded", "read_headers", "take_apart", "words")
