"""Writes the mail: plain text, seven bits on the wire, every value made harmless before it becomes a header. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from praxisd.kernel.mail_address import address, domain_of

SUBJECT_MOST = 200
NAME_MOST = 80
TEXT_MOST = 20_000
_UNFIT = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that are neither written nor read: controls, halves of pairs, ends of lines and paragraphs."""
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


def compose(
    sender: Sender, to: str, id_: str, subject: str, text: str, language: str, written_at: int
) -> bytes:
    """The message as bytes with CRLF. `id_` is our id of it; `written_at` epoch seconds. ValueError for a bad address.

    Auto-Submitted (RFC 3834 § 5) keeps other programs from answering it; X-Auto-Response-Suppress says the same to
    Exchange. Our id stands in the Message-ID, and once more in a header of our own for servers that replace that.
    """
    to = address(to)
    wide = not (to + sender.address + sender.reply_to).isascii()
    mail = EmailMessage(policy=policy.SMTPUTF8 if wide else policy.SMTP)
    mail["From"] = Address(sender.name, addr_spec=sender.address)
    mail["To"] = Address(addr_spec=to)
    if sender.reply_to:
        mail["Reply-To"] = Address(addr_spec=sender.reply_to)
    mail["Subject"] = one_line(subject, SUBJECT_MOST)
    mail["Date"] = format_datetime(datetime.fromtimestamp(written_at, UTC))
    mail["Message-ID"] = f"<{id_}@{sender.domain}>"
    mail["X-Praxisd-Id"] = f"{id_}@{sender.domain}"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    mail.set_content(several_lines(text), charset="utf-8", cte="quoted-printable")
    if _LANGUAGE.fullmatch(language):
        mail["Content-Language"] = language
    return mail.as_bytes()


def one_line(text: str, most: int) -> str:
    """Text for a header: control characters and whatever ends a line become single spaces."""
    visible = "".join(c if unicodedata.category(c) not in _UNFIT else " " for c in text)
    return " ".join(visible.split())[:most].strip()


def several_lines(text: str) -> str:
    """Text for a body: line ends made equal, control characters taken out; what joins emoji stays."""
    lines = text[:TEXT_MOST].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = ("".join(c for c in line if c == "\t" or unicodedata.category(c) not in _UNFIT) for line in lines)
    return "\n".join(kept).rstrip() + "\n"
