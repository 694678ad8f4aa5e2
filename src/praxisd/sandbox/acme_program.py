"""`praxisd sandbox acme`: the simulated certificate authority as a program."""

import signal
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

from praxisd.sandbox.acme import Certifier
from praxisd.sandbox.acme_authority import Authority
from praxisd.sandbox.acme_challenge import Place
from praxisd.sandbox.door import Door

ROOT = Path("sandbox") / "acme-root.pem"
"""Where the root lies in the folder: curl takes it with `--cacert`."""


class Running:
    """An authority that answers. OSError if its address cannot be used."""

    def __init__(self, host: str, port: int, life_s: int, place: Place | None = None) -> None:
        self.certifier = Certifier(Authority(life_s), place)
        self._door = Door(host, port, self.certifier.routes())
        self.certifier.url = self._door.url

    @property
    def directory(self) -> str:
        """What practices are told."""
        return f"{self._door.url}/directory"

    def close(self) -> None:
        """Stop answering; nothing is kept."""
        self._door.close()


def run(folder: Path, host: str, port: int, life_s: int, place: Place | None, faults: Iterable[str]) -> int:
    """Serve until SIGTERM or SIGINT; prints `ready <directory>` once it answers. The exit code."""
    running, ended = Running(host, port, life_s, place), threading.Event()
    running.certifier.plan(faults)
    root = folder / ROOT
    root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    root.write_text(running.certifier.authority.root, encoding="ascii")

    def leave(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    print(f"ready {running.directory}", flush=True)  # noqa: T201 - the contract with scripts
    while not ended.wait(1.0):
        pass
    running.close()
    return 0
