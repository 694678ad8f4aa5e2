"""`praxisd sandbox serviceprovider`: the stand-in as a program."""

import signal
from pathlib import Path
from types import FrameType

from praxisd.sandbox.serviceprovider import Manner, Stand


def run(folder: Path, host: str, port: int | None, manner: Manner) -> int:
    """Serve until SIGTERM or SIGINT; prints `ready <url>` once it listens. The exit code."""
    stand = Stand(folder, host, port, manner)

    def leave(_number: int, _frame: FrameType | None) -> None:
        stand.end()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    print(f"ready {stand.url}", flush=True)  # noqa: T201 - the contract with scripts
    stand.wait()
    stand.close()
    return 0
