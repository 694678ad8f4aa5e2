"""`praxisd sandbox mail`: a mail server with its mailbox as a program."""

import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from praxisd.sandbox import mail_page
from praxisd.sandbox.door import Door
from praxisd.sandbox.journal import Journal
from praxisd.sandbox.mail import Sink
from praxisd.sandbox.mail_certificate import certificate
from praxisd.sandbox.mail_faults import Faults
from praxisd.sandbox.mail_server import MailServer

FOLDER = Path("sandbox")
FILE = "mails.jsonl"


@dataclass(frozen=True)
class Wishes:
    """How the server shall behave. `mailbox` None: a folder of its own. `user` empty: anybody may send."""

    mailbox: Path | None = None
    faults: float = 0.0
    seed: int = 0
    slow_s: float = 5.0
    user: str = ""
    password: str = ""
    implicit: bool = False
    lang: str = "de"


class Running:
    """A mail server that answers. OSError if one of its addresses cannot be used."""

    def __init__(self, folder: Path, host: str, port: int, smtp_port: int, wishes: Wishes) -> None:
        place = folder / FOLDER
        self._journal = Journal(place / FILE)
        self.sink = Sink(self._journal, (wishes.mailbox or place / "mailbox").absolute())
        self.sink.mailbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.faults = Faults(wishes.faults, wishes.seed, wishes.slow_s)
        context, file = certificate(place, host)
        self._server = MailServer(
            self.sink.keep,
            self.faults,
            user=wishes.user,
            password=wishes.password,
            context=context,
            implicit=wishes.implicit,
        )
        self._server.start(host, smtp_port)
        self.smtp = f"{host}:{self._server.port}"
        status = {
            "smtp": self.smtp, "host": host, "port": self._server.port, "security": "tls" if wishes.implicit else "starttls",
            "certificate": str(file.absolute()), "mailbox": str(self.sink.mailbox), "user": wishes.user,
        }  # fmt: skip
        try:
            self._door = Door(host, port, mail_page.routes(self.sink, self.faults, status, wishes.lang))
        except OSError:
            self._server.stop()
            self._journal.close()
            raise
        self._ended = threading.Event()

    @property
    def url(self) -> str:
        """Where its page is."""
        return self._door.url

    def wait(self) -> None:
        """Until `end` is called."""
        while not self._ended.wait(1.0):
            pass

    def end(self) -> None:
        """Ask for the end; `close` does it."""
        self._ended.set()

    def close(self) -> None:
        """Stop answering; everything is in the file already."""
        self.end()
        self._server.stop()
        self._door.close()
        self._journal.close()


def run(folder: Path, host: str, port: int, smtp_port: int, wishes: Wishes) -> int:
    """Serve until SIGTERM or SIGINT. Prints `ready <url>`, and on standard error `smtp <host>:<port>`. The exit code."""
    running = Running(folder, host, port, smtp_port, wishes)

    def leave(_number: int, _frame: FrameType | None) -> None:
        running.end()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    print(f"smtp {running.smtp}", file=sys.stderr, flush=True)  # noqa: T201 - the contract with scripts
    print(f"ready {running.url}", flush=True)  # noqa: T201 - the contract with scripts
    running.wait()
    running.close()
    return 0
