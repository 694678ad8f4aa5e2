"""Writes the mail: plain text, seven bits on the wire, every value made harmless before it becomes a header. Pure.

The heads are put together here and not by `email.message`: when that folds a long line, it takes the quotes off a name,
and what stood behind a comma in it becomes an address of its own (seen with Python 3.11.7).
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parseaddr

from praxisd.kernel.mail_address import address, domain_of

SUBJECT_MOST = 200
NAME_MOST = 80
TEXT_MOST = 20_000
_UNFIT = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that are neither written nor read: controls, halves of pairs, ends of lines and paragraphs."""
_LINE_MOST = 60
_WORD_OCTETS = 45
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MEDIA = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}(; charset=utf-8)?")
_LANGUAGE = re.compile(r"[a-z]{2}(?:-[A-Z]{2})?")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: `name` may be empty; `reply_to` empty means the same address; `return_to` is where bounces go."""

    address: str
    name: str = ""
    reply_to: str = ""
    return_to: str = ""

    @property
    def envelope(self) -> str:
        """The address given to the server, to which bounces come back (RFC 5321 § 4.4)."""
        return self.return_to or self.address

    @property
    def domain(self) -> str:
        """What stands behind the @ of our Message-IDs."""
        return domain_of(self.address)


def sender_of(text: str, name: str = "", reply_to: str = "", return_to: str = "") -> Sender:
    """From `termine@praxis.example` or `Praxis am See <termine@praxis.example>`; ValueError for an address that is none."""
    written, plain = parseaddr(text) if "<" in text else ("", text.strip())
    return Sender(
        address(plain),
        one_line(name or written, NAME_MOST),
        address(reply_to) if reply_to else "",
        address(return_to) if return_to else "",
    )


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail. `name` is ASCII without spaces, `media_type` as in RFC 6838."""

    name: str
    media_type: str
    data: bytes

    def part(self) -> bytes:
        """As a body part (RFC 2045, RFC 2183), without the boundary. ValueError for a name or type that is none."""
        if not _FILE.fullmatch(self.name) or not _MEDIA.fullmatch(self.media_type):
            raise ValueError("no file name")
        head = (
            f"Content-Type: {self.media_type}\r\nContent-Transfer-Encoding: base64\r\n"
            f'Content-Disposition: attachment; filename="{self.name}"\r\n\r\n'
        )
        return head.encode() + base64.encodebytes(self.data).replace(b"\n", b"\r\n")


def compose(
    sender: Sender,
    to: str,
    id_: str,
    subject: str,
    text: str,
    language: str,
    written_at: int,
    *,
    by_person: bool = False,
    attachments: Sequence[Attachment] = (),
) -> bytes:
    """The message as bytes with CRLF. `id_` is our id of it; `written_at` epoch seconds. ValueError for a bad address.

    Auto-Submitted (RFC 3834 § 5) keeps other programs from answering it; X-Auto-Response-Suppress says the same to
    Exchange; with `by_person` neither stands there: an answer by a program (a ticket's number) is welcome. Our id stands
    in the Message-ID, and once more in a header of our own for servers that replace that.
    """
    to = address(to)
    subject = one_line(subject, SUBJECT_MOST)
    head = [
        f"From: {phrase(sender.name)}\r\n <{sender.address}>" if sender.name else f"From: {sender.address}",
        f"To: {to}",
        *([f"Reply-To: {sender.reply_to}"] if sender.reply_to else []),
        f"Subject: {subject if _plain(subject) else _encoded(subject)}",
        f"Date: {format_datetime(datetime.fromtimestamp(written_at, UTC))}",
        f"Message-ID: <{id_}@{sender.domain}>",
        f"X-Praxisd-Id: {id_}@{sender.domain}",
        *(
            []
            if by_person
            else ["Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: OOF, AutoReply"]
        ),
        "MIME-Version: 1.0",
    ]
    plain = [
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        *([f"Content-Language: {language}"] if _LANGUAGE.fullmatch(language) else []),
        "",
        "",
    ]
    body = binascii.b2a_qp(several_lines(text).encode()).replace(b"\n", b"\r\n")
    if not attachments:
        return "\r\n".join([*head, *plain]).encode() + body
    mark = f"=_{id_}"  # "=_" can stand in no quoted-printable or base64 body (RFC 2045 § 6.7)
    head += [f'Content-Type: multipart/mixed; boundary="{mark}"', "", ""]
    border = f"--{mark}\r\n".encode()
    parts = ["\r\n".join(plain).encode() + body + b"\r\n", *(one.part() for one in attachments)]
    return "\r\n".join(head).encode() + b"".join(border + one for one in parts) + f"--{mark}--\r\n".encode()


def phrase(name: str) -> str:
    """A name before an address (RFC 5322 § 3.4): as it is, in quotes, or as encoded words (RFC 2047 § 5)."""
    if not _plain(name):
        return _encoded(name)
    if re.fullmatch(r"[A-Za-z0-9 -]+", name):
        return name
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _plain(text: str) -> bool:
    """Can it stand in a header line as it is? Short, ASCII, and nothing that reads as an encoded word."""
    return len(text) <= _LINE_MOST and text.isascii() and "=?" not in text


def _encoded(text: str) -> str:
    """Encoded words, one per line, each at most 75 characters; no character is cut in two (RFC 2047 § 2, § 5)."""
    pieces, piece = [], b""
    for character in text:
        octets = character.encode()
        if len(piece) + len(octets) > _WORD_OCTETS:
            pieces.append(piece)
            piece = b""
        piece += octets
    pieces.append(piece)
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(one).decode('ascii')}?=" for one in pieces)


def one_line(text: str, most: int) -> str:
    """Text for a header: control characters and whatever ends a line become single spaces."""
    visible = "".join(c if unicodedata.category(c) not in _UNFIT else " " for c in text)
    return " ".join(visible.split())[:most].strip()


def several_lines(text: str) -> str:
    """Text for a body: line ends made equal, control characters taken out; what joins emoji stays."""
    lines = text[:TEXT_MOST].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = ("".join(c for c in line if c == "\t" or unicodedata.category(c) not in _UNFIT) for line in lines)
    return "\n".join(kept).rstrip() + "\n"
