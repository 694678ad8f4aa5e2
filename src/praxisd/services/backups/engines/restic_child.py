"""A running program and all that it starts: its lines one by one, and its end, gently or at once.

What it writes is read as it comes and handed on through a short queue, so memory stays bounded however much it says.
"""

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

import psutil  # type: ignore[import-untyped]

from praxisd.services.backups import gently

LINE = 1 << 20
"""Longest line that is handed on unless more is asked for, in bytes; what is longer is left out."""
BEAT_S = 0.2
"""So often whoever reads gets a word (None) although nothing was said. Seconds."""
GENTLY_S = 5.0
"""How long a program that was asked to end may still tidy up. Seconds."""
Stream = Literal["out", "err"]
Said = tuple[Stream, bytes]


class Child:
    """One run. Use as a context: leaving it ends the program and everything it started, whatever happened."""

    def __init__(
        self,
        args: Sequence[str],
        env: Mapping[str, str],
        given: bytes | None = b"",
        longest: int = LINE,
        folder: Path | None = None,
        first: bytes = b"",
    ) -> None:
        """Start it as the head of its own process group. Raises OSError. `folder` is where it stands; without one it has no
        terminal either, since it may start programs that would ask there. With `given` None its standard input stays open
        until `give`; `first` is what it gets at once.
        """
        windows = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        quiet = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
        self._process = subprocess.Popen(  # noqa: S603
            args, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=folder, creationflags=windows | quiet, **gently.group(alone=folder is None),
        )  # fmt: skip
        self._said: queue.Queue[Said | None] = queue.Queue(maxsize=256)
        self._closed = threading.Event()
        self._longest = longest
        self._readers = [
            threading.Thread(target=self._read, args=(name, pipe), daemon=True)
            for name, pipe in (("out", self._process.stdout), ("err", self._process.stderr))
        ]
        gently.behind(self._process.pid)
        for reader in self._readers:
            reader.start()
        if given is not None:
            self.give(given)
        elif self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(first)
                self._process.stdin.flush()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.end()

    def give(self, given: bytes = b"") -> None:
        """All that it gets on its standard input."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):  # it may have ended already: its end tells why
                self._process.stdin.write(given)
                self._process.stdin.close()

    @property
    def pid(self) -> int:
        """Its number; the number of its group too."""
        return self._process.pid

    def said(self) -> Iterator[Said | None]:
        """Its lines until both of its pipes are closed; None after each beat in which it was silent."""
        open_pipes = len(self._readers)
        while open_pipes:
            try:
                line = self._said.get(timeout=BEAT_S)
            except queue.Empty:
                yield None
                continue
            if line is None:
                open_pipes -= 1
            else:
                yield line

    def exit_code(self) -> int:
        """How it ended (negative: by this signal); waits for it."""
        return self._process.wait()

    def written(self) -> int:
        """Bytes it has written so far, 0 if the system does not tell."""
        with contextlib.suppress(psutil.Error, AttributeError):
            counted = psutil.Process(self.pid).io_counters()
            return int(getattr(counted, "write_chars", 0) or counted.write_bytes)
        return 0

    def moved(self) -> int:
        """A number that grows while it reads or stores anything; what it says of itself does not count."""
        with contextlib.suppress(psutil.Error, AttributeError):
            counted = psutil.Process(self.pid).io_counters()
            return int(getattr(counted, "read_chars", counted.read_bytes)) + int(counted.write_bytes)
        return time.monotonic_ns()

    def end(self, *, at_once: bool = False) -> None:
        """Ask it to end, then kill it with its whole group."""
        self._closed.set()
        if self._process.poll() is None and not at_once:
            self._signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GENTLY_S)
        self._kill()
        with contextlib.suppress(
            subprocess.TimeoutExpired
        ):  # one that waits for a dead drive cannot even be killed
            self._process.wait(GENTLY_S)
        for reader in self._readers:
            reader.join(GENTLY_S)
        if self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.close()
        for reader, pipe in zip(self._readers, (self._process.stdout, self._process.stderr), strict=True):
            if pipe is not None and not reader.is_alive():
                pipe.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(OSError):
            if os.name == "posix":
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)

    def _kill(self) -> None:
        """The group, also after its head is gone: what it started may still run."""
        if os.name == "posix":
            self._signal(signal.SIGKILL)
        elif self._process.poll() is None:
            with contextlib.suppress(psutil.Error):
                for one in psutil.Process(self.pid).children(recursive=True):
                    one.kill()
            self._process.kill()

    def _read(self, name: Stream, pipe: IO[bytes]) -> None:
        whole = True
        while True:
            line = pipe.readline(self._longest)
            if not line:
                break
            complete = line.endswith(b"\n") or len(line) < self._longest
            if whole and complete:
                self._hand((name, line))
            whole = complete
        self._hand(None)

    def _hand(self, line: Said | None) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._said.put(line, timeout=BEAT_S)
                return
