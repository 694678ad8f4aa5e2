"""`praxisd sandbox updates`: the simulated publisher as a program."""

import signal
import threading
from pathlib import Path
from types import FrameType

from praxisd.sandbox import updates, updates_page
from praxisd.sandbox.door import Door
from praxisd.sandbox.updates_door import Shop

ROOT = updates.FOLDER / "root.json"
"""Where the root lies in the folder: the practice is given it as `[updates] root`."""
_LOOK_S = 60.0


class Running:
    """A publisher that answers, and keeps its timestamp fresh. OSError if its address cannot be used."""

    def __init__(self, folder: Path, host: str, port: int, version: str, usual: str = "de") -> None:
        self.shop = Shop(updates.make(folder, version))
        self._door = Door(host, port, (*self.shop.routes(), *updates_page.routes(self.shop, usual)))
        self.shop.url = self._door.url
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._turn, name="sandbox-updates", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where practices fetch."""
        return self._door.url

    def _turn(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self.shop.made.fresh()

    def wait(self) -> None:
        """Until `end` is called."""
        while not self._ended.wait(1.0):
            pass

    def end(self) -> None:
        """Ask for the end; `close` does it."""
        self._ended.set()

    def close(self) -> None:
        """Stop answering; what was published stays."""
        self.end()
        self._thread.join(10)
        self._door.close()


def run(folder: Path, host: str, port: int, version: str, usual: str) -> int:
    """Serve until SIGTERM or SIGINT; prints `ready <url>` once it answers. The exit code."""
    running = Running(folder, host, port, version, usual)

    def leave(_number: int, _frame: FrameType | None) -> None:
        running.end()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    print(f"ready {running.url}", flush=True)  # noqa: T201 - the contract with scripts
    running.wait()
    running.close()
    return 0
