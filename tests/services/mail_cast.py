"""A real SMTP server for tests: that of the mail sandbox, in this process, with its faults."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from praxisd.kernel.clock import SystemClock
from praxisd.kernel.mail import Mail, MailServer
from praxisd.kernel.outside import Outside
from praxisd.sandbox import mail_server
from praxisd.sandbox.mail_certificate import certificate
from praxisd.sandbox.mail_faults import Faults
from praxisd.services.messaging.channel import Account, Outgoing
from praxisd.services.messaging.channels.smtp import Smtp

HOST = "127.0.0.1"
ID = "01kb2v3c4d5e6f7g8h9jakbmcn"
SENDER = "Praxis am See <termine@praxis-am-see.example>"
TO = "anna.muster@web-post.example"
SAMPLES = Path(__file__).parents[1] / "unit" / "bounces"


@dataclass
class Post:
    """The server, what it took over, and how to reach it."""

    server: mail_server.MailServer
    faults: Faults
    taken: list[mail_server.Taken]
    certificate: str = ""
    _security: str = field(default="none")

    def address(self, **changes: object) -> MailServer:
        """How a practice would reach it; `changes` are fields of MailServer."""
        values: dict[str, object] = {"host": HOST, "port": self.server.port, "security": self._security}
        values |= {"certificate": self.certificate, "timeout_s": 5.0, "answer_s": 5.0} | changes
        return MailServer(**values)  # type: ignore[arg-type]

    @property
    def bodies(self) -> list[bytes]:
        """What arrived."""
        return [one.content for one in self.taken]


@contextmanager
def post_office(
    folder: Path | None = None, *, implicit: bool = False, user: str = "", password: str = ""
) -> Iterator[Post]:
    """A server that runs until the end of the block; `folder` for its certificate, without which it has no TLS."""
    taken: list[mail_server.Taken] = []
    faults, context, path = Faults(slow_s=1.0), None, ""
    if folder is not None:
        context, file = certificate(folder, HOST)
        path = str(file)
    server = mail_server.MailServer(
        taken.append, faults, user=user, password=password, context=context, implicit=implicit
    )
    server.start(HOST, 0)
    security = "none" if folder is None else "tls" if implicit else "starttls"
    try:
        yield Post(server, faults, taken, path, security)
    finally:
        server.stop()


def channel(outside: Outside, values: dict[str, str], sender: str = SENDER, **more: Any) -> Smtp:
    """An account of the practice at the server on this machine."""
    clock = more.pop("clock", SystemClock())
    seen = more.pop("seen", None)
    account = Account("smtp", sender, {"server": "127.0.0.1", "security": "none", **values}, **more)
    return Smtp(account, Mail(outside, clock), clock, seen)


def message(**changes: Any) -> Outgoing:
    """A reminder."""
    values: dict[str, Any] = {
        "id": ID,
        "to": TO,
        "text": "Guten Tag Frau Müller\n\nIhr Termin: 3. Dezember, 9:30 Uhr",
        "before": time.time() + 60,
        "useless_after": int(time.time()) + 3600,
        "subject": "Ihr Termin am 3. Dezember",
        "language": "de",
    }
    return Outgoing(**{**values, **changes})


def at(post: Post, **values: str) -> dict[str, str]:
    """The fields of an account that uses this server."""
    return {"port": str(post.server.port), **values}
