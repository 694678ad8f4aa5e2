"""The SMTP side of the mail sandbox: a real server on loopback that keeps what it is given.

It offers STARTTLS (with a certificate of its own making), AUTH, SMTPUTF8, 8BITMIME, and DSN (RFC 3461), whose
parameters aiosmtpd does not know: they are taken off before it reads the command.
"""

import asyncio
import logging
import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from praxisd.sandbox.mail_faults import Faults

HOST_NAME = "sandbox.praxisd.example"
# It would write of every mail what stands in it; what goes through here may be taken for real.
logging.getLogger("mail.log").disabled = True
_DSN = re.compile(r"(?<=\s)(ENVID|RET|NOTIFY|ORCPT)=(\S+)", re.IGNORECASE)
_STEPS_MOST_S = 10.0


@dataclass
class Taken:
    """A message as it came: envelope and bytes."""

    sender: str
    to: list[str]
    content: bytes
    protected: bool
    signed_in: bool
    notices: dict[str, str] = field(default_factory=dict)


class _Server(SMTP):
    """One connection, with the fault that was drawn for it."""

    def __init__(self, *args: Any, fault: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fault = fault
        self.notices: dict[str, str] = {}
        self.command_size_limits["RCPT"] = 2048
        self.command_size_limits["MAIL"] = 2048

    async def smtp_MAIL(self, arg: str | None) -> None:
        """MAIL FROM, without what RFC 3461 adds to it."""
        self.notices = {}
        await super().smtp_MAIL(self._without_dsn(arg))

    async def smtp_RCPT(self, arg: str | None) -> None:
        """RCPT TO, without what RFC 3461 adds to it."""
        await super().smtp_RCPT(self._without_dsn(arg))

    def _without_dsn(self, arg: str | None) -> str | None:
        if arg is None:
            return None
        self.notices |= {name.upper(): value for name, value in _DSN.findall(arg)}
        return " ".join(_DSN.sub("", arg).split())

    @property
    def protected(self) -> bool:
        """True if the connection is encrypted."""
        return self.transport is not None and self.transport.get_extra_info("ssl_object") is not None

    def cut(self) -> None:
        """Close the connection without a word."""
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]


class _Handler:
    """Answers the steps of a connection."""

    def __init__(self, keep: Callable[[Taken], None], faults: Faults) -> None:
        self._keep = keep
        self._faults = faults

    async def handle_EHLO(
        self, server: _Server, session: Session, _envelope: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if server.fault == "busy":
            return ["421 4.3.2 try again later"]
        return [*answers[:-1], "250-ENHANCEDSTATUSCODES", "250-DSN", answers[-1]]

    async def handle_RCPT(
        self, server: _Server, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if server.fault == "greylist":
            return "451 4.7.1 greylisted, please try again later"
        if server.fault == "unknown" or address.partition("@")[0].lower() in ("unbekannt", "unknown"):
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: _Server, session: Session, envelope: Envelope) -> str:
        if server.fault == "full":
            return "552 5.2.2 mailbox full"
        if server.fault == "drop_lost":
            server.cut()
            return "250 OK"
        content = envelope.original_content or b""
        taken = Taken(
            sender=envelope.mail_from or "",
            to=list(envelope.rcpt_tos),
            content=content,
            protected=server.protected,
            signed_in=bool(session.authenticated),
            notices=dict(server.notices),
        )
        await asyncio.to_thread(self._keep, taken)
        if server.fault == "drop_kept":
            server.cut()
        if server.fault == "slow":
            await asyncio.sleep(self._faults.slow_s)
        return "danke, angekommen" if server.fault == "garbage" else "250 2.0.0 OK: kept"


class MailServer:
    """The listening server in a thread of its own. `user` and `password` empty: anybody may send."""

    def __init__(
        self,
        keep: Callable[[Taken], None],
        faults: Faults,
        *,
        user: str = "",
        password: str = "",
        context: ssl.SSLContext | None = None,
        implicit: bool = False,
    ) -> None:
        self._handler = _Handler(keep, faults)
        self._faults = faults
        self._user, self._password = user, password
        self._context, self._implicit = context, implicit
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self.port = 0

    def start(self, host: str, port: int) -> None:
        """Listen; afterwards `port` is the real one. OSError if the port is taken."""
        threading.Thread(target=self._loop.run_forever, name="sandbox-smtp", daemon=True).start()
        work = self._loop.create_server(
            self._connection, host, port, ssl=self._context if self._implicit else None
        )
        self._server = asyncio.run_coroutine_threadsafe(work, self._loop).result(_STEPS_MOST_S)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Take no more connections and end the thread."""
        if self._server is not None:
            self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _connection(self) -> _Server:
        fault = self._faults.draw()
        protected = self._context if fault != "no_tls" and not self._implicit else None
        server = _Server(
            self._handler,
            fault=fault,
            enable_SMTPUTF8=True,
            hostname=HOST_NAME,
            ident="praxisd sandbox",
            tls_context=protected,
            auth_require_tls=False,
            auth_required=False,
            authenticator=self._sign_in,
            loop=self._loop,
        )
        server._auth_required = bool(
            self._user
        )  # by its argument it would warn: here nothing is worth protecting
        if fault == "drop_early":
            server._smtp_methods["DATA"] = _cutting(server)
        return server

    def _sign_in(
        self, server: Any, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        right = not self._user or (data.login, data.password) == (
            self._user.encode(),
            self._password.encode(),
        )
        good = right and server.fault != "no_sign_in"
        return AuthResult(success=good, handled=False, auth_data=data)


def _cutting(server: _Server) -> Callable[[str], Any]:
    async def cut(_arg: str) -> None:
        server.cut()

    return cut
