"""A real SMTP server for tests: that of the mail sandbox, in this process, with its faults."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from praxisd.kernel.mail import MailServer
from praxisd.sandbox import mail_server
from praxisd.sandbox.mail_certificate import certificate
from praxisd.sandbox.mail_faults import Faults

HOST = "127.0.0.1"


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
