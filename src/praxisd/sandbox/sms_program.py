"""`praxisd sandbox sms`: the simulated SMS gateway as a program."""

import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from praxisd.sandbox import sms_disguises, sms_own, sms_page
from praxisd.sandbox.door import Door
from praxisd.sandbox.journal import Journal
from praxisd.sandbox.sms import Gateway
from praxisd.sandbox.sms_calls import PAUSES_S, Caller
from praxisd.sandbox.sms_faults import Faults

FILE = Path("sandbox") / "sms.jsonl"
_TURN_S = 0.2


@dataclass(frozen=True)
class Wishes:
    """How the gateway shall behave. `deliver_s` None: a person says what became of each message."""

    key: str = "sandbox"
    secret: str = "sandbox-secret"  # noqa: S105 - what it signs is a game
    faults: float = 0.0
    seed: int = 0
    deliver_s: float | None = 3.0
    credits: int = 1000
    lang: str = "de"
    pauses_s: tuple[float, ...] = PAUSES_S


class Running:
    """A gateway that answers. OSError if its address cannot be used."""

    def __init__(self, folder: Path, host: str, port: int, wishes: Wishes) -> None:
        access = sms_own.Access(wishes.key, wishes.secret)
        self._journal = Journal(folder / FILE)
        self.gateway = Gateway(
            self._journal, Faults(wishes.faults, wishes.seed), wishes.credits, wishes.deliver_s
        )
        shapes = {
            "sandbox": sms_own.shape(access),
            "seven": sms_disguises.seven_shape(access),
            "lox24": sms_disguises.lox24_shape,
            "aspsms": sms_disguises.aspsms_shape,
        }
        self.caller = Caller(self.gateway, shapes, wishes.pauses_s)
        routes = (
            *sms_page.routes(self.gateway, self.caller, wishes.lang),
            *sms_own.routes(self.gateway, access),
            *sms_disguises.seven(self.gateway, access),
            *sms_disguises.lox24(self.gateway, access),
            *sms_disguises.aspsms(self.gateway, access),
        )
        try:
            self._door = Door(host, port, routes)
        except OSError:
            self.caller.close()
            self._journal.close()
            raise
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._turn, name="sandbox-turn", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._door.url

    def _turn(self) -> None:
        while not self._ended.wait(_TURN_S):
            self.gateway.turn()

    def wait(self) -> None:
        """Until `end` is called."""
        while not self._ended.wait(1.0):
            pass

    def end(self) -> None:
        """Ask for the end; `close` does it."""
        self._ended.set()

    def close(self) -> None:
        """Stop answering and calling; everything is in the file already."""
        self.end()
        self._thread.join(2)
        self._door.close()
        self.caller.close()
        self._journal.close()


def run(folder: Path, host: str, port: int, wishes: Wishes) -> int:
    """Serve until SIGTERM or SIGINT; prints `ready <url>` once it answers. The exit code."""
    running = Running(folder, host, port, wishes)

    def leave(_number: int, _frame: FrameType | None) -> None:
        running.end()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    print(f"ready {running.url}", flush=True)  # noqa: T201 - the contract with scripts
    running.wait()
    running.close()
    return 0
