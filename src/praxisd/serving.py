"""`praxisd serve`: own the folder, open the house, answer requests, say so in one line, stop without loss."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from praxisd import main
from praxisd.kernel.app import House
from praxisd.kernel.config import load
from praxisd.kernel.control import Control, owning
from praxisd.kernel.errors import Problem

RESTART_PATIENCE_S = 2.0
"""So long a start waits for the one before, or for a command, to let go of the folder. Seconds."""


def serve(
    folder: Path,
    config: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8080,
    before_ready: Callable[[str], None] = lambda _url: None,
) -> int:
    """Serve `folder` until SIGTERM or SIGINT; returns the exit code.

    `before_ready(url)` is called once requests are answered, just before the line `ready <url>` is printed.
    Problems: `control.folder_in_use` (409), `control.address_unusable` (400), `config.*`, `store.*`.
    """
    with owning(folder, RESTART_PATIENCE_S):
        return serve_owned(folder, config, host, port, before_ready)


def serve_owned(
    folder: Path, config: Path | None, host: str, port: int, before_ready: Callable[[str], None]
) -> int:
    """`serve` for a caller that holds the folder's lock already."""
    signal.signal(signal.SIGTERM, _leave)  # until the doors are open there is nothing to drain
    house = main.open_practice(folder, load(config, folder))
    control = Control(house)
    try:
        return _answer(house, control, host, port, before_ready)
    finally:
        control.stop()


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _answer(house: House, control: Control, host: str, port: int, before_ready: Callable[[str], None]) -> int:
    from praxisd.web import server

    opened = False
    doors: Any = main.doors(house)

    def ready(url: str) -> None:
        nonlocal opened
        opened = True
        house.start_work()
        before_ready(url)
        control.start(url)
        print(f"ready {url}", flush=True)  # noqa: T201  (the one line on standard output, SPEC 14.1)

    try:
        return server.serve(house, doors, host, port, on_ready=ready)
    except OSError as error:
        if opened:
            raise
        house.stop()
        raise Problem(
            "control.address_unusable", 400, detail=error.strerror or str(error), host=host, port=port
        ) from None
