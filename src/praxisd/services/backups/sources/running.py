"""A program that brings a copy, or prepares for one: a list of arguments, no shell, bounded in time and in what is kept of it.

Its end is what counts: a program that it starts to stay (the practice's own, after a quiet window) is left alone. Only when
it does not end in time, or the run is stopped, it is killed with all it started.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]

from praxisd.services.backups import gently, source
from praxisd.services.backups.engine import Stop
from praxisd.services.backups.source import SourceFault
from praxisd.services.backups.sources import places

KEPT = 64 * 1024
"""So much of what it says last is kept. Bytes."""
BEAT_S = 0.05
_READ_S = 2.0
"""So long is read on after its end, in case somebody else still has its output. Seconds."""
Beat = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended (negative: by this signal), and the last it said on both of its outputs."""

    code: int
    said: str


class _Ear:
    """Reads until nobody writes any more, and keeps the end."""

    def __init__(self, pipe: IO[bytes], most: int) -> None:
        self._pipe = pipe
        self._most = most
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, name="praxisd-source-ear", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while piece := os.read(self._pipe.fileno(), KEPT):
                self._kept += piece
                del self._kept[: -self._most]
        self._pipe.close()

    def heard(self) -> str:
        self._thread.join(_READ_S)
        return bytes(self._kept).decode("utf-8", "replace")


def run(
    args: Sequence[str],
    *,
    limit_s: float,
    stop: Stop,
    env: Mapping[str, str | None] | None = None,
    folder: Path | None = None,
    kept: int = KEPT,
    beat: Beat = lambda: None,
    gentle: bool = False,
) -> Ended:
    """Run it to its end. `env` is added to ours (None takes one away); `kept` bytes of what it says last are kept.

    `beat` is called some times a second. `gentle`: the practice's own work goes first. SourceFault PROGRAM if it cannot be
    started, COMMAND_FAILED after `limit_s` seconds, STOPPED.
    """
    windows = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    whole = {**os.environ, **(env or {})}
    try:
        process = subprocess.Popen(  # noqa: S603
            list(args), env={k: v for k, v in whole.items() if v is not None}, cwd=folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            creationflags=windows, **gently.group(alone=not gentle),
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise SourceFault(source.PROGRAM, type(error).__name__) from None
    if process.stdout is None:
        raise RuntimeError("a pipe was asked for")
    ear = _Ear(process.stdout, kept)
    if gentle:
        gently.behind(process.pid)
    over = time.monotonic() + limit_s
    try:
        while process.poll() is None:
            places.stopped(stop)
            if time.monotonic() > over:
                raise SourceFault(source.COMMAND_FAILED, f"no end after {limit_s:.0f} s")
            beat()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(BEAT_S)
    except BaseException:
        _kill(process)
        raise
    return Ended(process.returncode, ear.heard())


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """With everything it started."""
    if os.name == "posix":
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        with contextlib.suppress(psutil.Error):
            for one in psutil.Process(process.pid).children(recursive=True):
                one.kill()
        process.kill()
    process.wait()
