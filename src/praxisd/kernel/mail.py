"""The way out for e-mail: hands one message to one SMTP server, and knows for each failure whether it went out.

The server takes a message over when it answers the dot that ends it (RFC 5321 § 4.1.1.4, § 4.2.5, § 6.1). So everything
up to that dot is "certainly not sent", an answer to the dot is certain either way, and a connection lost between the two
is the one case in which nobody knows. The clock is read right before the dot, as late as can be.

Neither addresses nor texts nor what a server says stand in the exceptions: codes only.
"""

import asyncio
import ipaddress
import os
import re
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from praxisd.kernel.clock import Clock
from praxisd.kernel.mail_address import address, host_name
from praxisd.kernel.outside import AnswerLost, NotSent, Outside, of

Security = Literal["starttls", "tls", "none", "unprotected"]
Step = Literal["connect", "encryption", "sign_in", "sender", "recipient", "data", "end"]
"""Where in the conversation the server refused; `end` is its answer to the message itself."""
Notify = Literal["SUCCESS", "FAILURE", "DELAY"]

ANSWER_S = 120.0
"""So long the answer to the dot is waited for: servers check contents before they answer, RFC 5321 § 4.5.3.2.6 allows
them ten minutes. Giving up early would leave a message unsure that was delivered."""
_OUR_NAME = "[127.0.0.1]"
"""What we call ourselves. A submission server asks for a password, not for a name; ours would tell of the practice."""
_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_DRAIN_STEP_S = 0.005
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where a practice hands in its mail.

    `security`: `starttls` (port 587) and `tls` (port 465) demand a valid certificate; `none` is only for a server on
    this very machine, `unprotected` says that a person wants it elsewhere nevertheless. `certificate` is the path of a
    PEM file with the certificate of an own server that no public authority signed. `timeout_s`: per answer.
    """

    host: str
    port: int
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    certificate: str = ""
    timeout_s: float = 30.0
    answer_s: float = ANSWER_S


class MailRefused(Exception):
    """The server said no. `code` is that of SMTP (4xx or 5xx), `status` the one of RFC 3463 ("5.1.1") or empty."""

    def __init__(self, code: int, status: str, step: Step) -> None:
        super().__init__(f"{step} {code} {status}".strip())
        self.code = code
        self.status = status
        self.step = step

    @property
    def permanent(self) -> bool:
        """True if the server says that trying again changes nothing (5xx, RFC 5321 § 4.2.1)."""
        return self.code >= 500


class _Talk:
    """How far a conversation is. Whoever waits for it may call it off, but only before the dot."""

    def __init__(self) -> None:
        self.step: Step = "connect"
        self._lock = threading.Lock()
        self._dotted = False
        self._off = False

    def dot(self) -> None:
        """The dot leaves now. NotSent if the one who waits has given up meanwhile."""
        with self._lock:
            if self._off:
                raise NotSent("timeout")
            self._dotted = True

    def call_off(self) -> bool:
        """True if the dot may have left; otherwise it never will."""
        with self._lock:
            self._off = True
            return self._dotted

    @property
    def dotted(self) -> bool:
        return self._dotted


class Mail:
    """Hands messages to SMTP servers, one connection for each. Synchronous, for use in worker threads."""

    def __init__(self, outside: Outside, clock: Clock) -> None:
        self._outside = outside
        self._clock = clock

    def send(
        self,
        server: MailServer,
        sender: str,
        to: str,
        message: bytes,
        before: float,
        *,
        mark: str = "",
        notify: Sequence[Notify] = (),
    ) -> None:
        """Hand `message` (RFC 5322 bytes, any line ends) in for `to`; returns once the server has taken it over.

        Nothing is handed over at or after `before` (epoch seconds). `mark` and `notify` ask for delivery notices where
        the server offers them (RFC 3461 ENVID, NOTIFY). NotSent, MailRefused: certainly not taken. AnswerLost: nobody
        knows. ValueError for an address that is none.
        """
        sender, to = address(sender), address(to)
        if server.security == "none" and not is_loopback(server.host):
            raise NotSent("encryption")
        self._in_time(before)
        talk = _Talk()
        work = self._talk(talk, server, sender, to, _payload(message), before, mark, notify)
        try:
            self._outside.run(work, server.timeout_s * 4 + server.answer_s)
        except TimeoutError:
            if talk.call_off():
                raise AnswerLost from None
            raise NotSent("timeout") from None

    def _in_time(self, before: float) -> None:
        if self._clock.now_ms() / 1000 >= before:
            raise NotSent("too_late")

    async def _talk(
        self,
        talk: _Talk,
        server: MailServer,
        sender: str,
        to: str,
        payload: bytes,
        before: float,
        mark: str,
        notify: Sequence[Notify],
    ) -> None:
        import aiosmtplib  # 40 ms that only those pay who send

        try:
            client = aiosmtplib.SMTP(
                hostname=host_name(server.host),
                port=server.port,
                use_tls=server.security == "tls",
                start_tls=False,
                tls_context=await asyncio.to_thread(tls, server.certificate),
                local_hostname=_OUR_NAME,
                timeout=server.timeout_s,
            )
        except (OSError, ValueError):  # a certificate file that is none, a name that is none
            raise NotSent("encryption" if server.certificate else "unreachable") from None
        try:
            await self._until_recipient(talk, client, server, sender, to, payload, mark, notify)
            await self._hand_over(talk, client, server, payload, before)
        except aiosmtplib.SMTPResponseException as error:
            raise _judged(talk, error.code, error.message) from None
        except (TimeoutError, aiosmtplib.SMTPTimeoutError):
            raise AnswerLost if talk.dotted else NotSent("timeout") from None
        except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:
            raise _broken(talk, error) from None
        finally:
            with suppress(Exception):  # the message's fate is known; how we part changes nothing
                if client.is_connected and talk.step != "data":
                    await client.quit(timeout=2)
            client.close()

    async def _until_recipient(
        self,
        talk: _Talk,
        client: Any,
        server: MailServer,
        sender: str,
        to: str,
        payload: bytes,
        mark: str,
        notify: Sequence[Notify],
    ) -> None:
        """Everything up to the server's yes to the recipient."""
        await client.connect()
        await client.ehlo()
        if server.security == "starttls":
            talk.step = "encryption"
            await client.starttls()
            await client.ehlo()
        if server.user:
            talk.step = "sign_in"
            if not client.supported_auth_methods:
                raise MailRefused(504, "5.5.4", "sign_in")
            await client.login(server.user, server.password)
        talk.step = "sender"
        wide = not (sender + to).isascii()
        offers = client.supports_extension
        if wide and not offers("smtputf8"):
            raise MailRefused(
                550, "5.6.7", "recipient"
            )  # RFC 6531 § 3.5: this server cannot reach the address
        options = ["SMTPUTF8"] if wide else []
        if not payload.isascii():
            if not offers("8bitmime"):
                raise MailRefused(554, "5.6.3", "data")
            options.append("BODY=8BITMIME")
        notices = bool(notify) and offers("dsn")
        if notices:
            options += ["RET=HDRS", *([f"ENVID={xtext(mark)}"] if mark else [])]
        encoding = "utf-8" if wide else "ascii"
        await client.mail(sender, options=options, encoding=encoding)
        talk.step = "recipient"
        wanted = [f"NOTIFY={','.join(notify)}"] if notices else []
        await client.rcpt(to, options=wanted, encoding=encoding)

    async def _hand_over(
        self, talk: _Talk, client: Any, server: MailServer, payload: bytes, before: float
    ) -> None:
        import aiosmtplib

        talk.step = "data"
        self._in_time(before)
        begun = await client.execute_command(b"DATA")
        if begun.code != 354:
            raise aiosmtplib.SMTPResponseException(begun.code, begun.message)
        protocol, transport = client.protocol, client.transport
        if protocol is None or transport is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        protocol.write(payload)
        async with asyncio.timeout(server.timeout_s):
            while transport.get_write_buffer_size():
                if transport.is_closing():
                    raise aiosmtplib.SMTPServerDisconnected("Connection lost")
                await asyncio.sleep(_DRAIN_STEP_S)
        try:
            self._in_time(before)
            talk.dot()
        except NotSent:
            transport.abort()  # a message without its dot is thrown away by the server
            raise
        protocol.write(b".\r\n")
        answer = await protocol.read_response(timeout=server.answer_s)
        talk.step = "end"
        if not 200 <= answer.code < 300:
            raise aiosmtplib.SMTPResponseException(answer.code, answer.message)


def _judged(talk: _Talk, code: int, message: str) -> Exception:
    """What an answer that is no yes means at this step."""
    if not 400 <= code < 600:  # no answer of SMTP at all
        return AnswerLost() if talk.dotted else NotSent("unreachable")
    if talk.step == "encryption":
        return NotSent("encryption")
    return MailRefused(code, enhanced(code, message), talk.step)


def _broken(talk: _Talk, error: Exception) -> Exception:
    if talk.dotted:
        return AnswerLost()
    causes = (error, error.__cause__, error.__context__)
    if talk.step == "encryption" or any(isinstance(one, ssl.SSLError) for one in causes):
        return NotSent("encryption")
    return NotSent("unreachable")


def enhanced(code: int, message: str) -> str:
    """The enhanced status of RFC 3463 at the beginning of an answer, if it agrees with the answer's code; else ""."""
    found = _ENHANCED.search(message[:80])
    return found[0] if found and found[1] == str(code)[:1] else ""


def xtext(text: str) -> str:
    """`text` as an xtext (RFC 3461 § 4): printable ASCII without `+` and `=`, anything else as +HH."""
    plain = (chr(b) if 33 <= b <= 126 and b not in b"+=" else f"+{b:02X}" for b in text.encode())
    return "".join(plain)


def _payload(message: bytes) -> bytes:
    """The message as it stands on the wire: CRLF everywhere, a dot at a line's start doubled, no dot at the end yet."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", lines)


def tls(certificate: str) -> ssl.SSLContext:
    """What a server's certificate is held to: the public authorities, or the one in the PEM file `certificate`.

    Reading the authorities takes a tenth of a second, so it is done once a day. OSError for a file that is none.
    """
    changed = os.stat(certificate).st_mtime_ns if certificate else 0
    return _context(certificate, changed, int(time.monotonic() // _DAY_S))


@lru_cache(maxsize=16)
def _context(certificate: str, _changed: int, _day: int) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificate or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def is_loopback(host: str) -> bool:
    """True for a name or address of this very machine."""
    bare = host.strip("[]").lower()
    with suppress(ValueError):
        return ipaddress.ip_address(bare).is_loopback
    return bare == "localhost"


def client(house: Any) -> Mail:
    """The house's way out for mail, kept in `house.shared["mail"]`."""
    found: Mail = house.shared.setdefault("mail", Mail(of(house), house.clock))
    return found


__all__ = (
    "AnswerLost", "Mail", "MailRefused", "MailServer", "NotSent", "Security", "client", "enhanced", "is_loopback", "tls",
    "xtext",
)  # fmt: skip
