"""Script versions (`guarded_script.py`) as forks of this process: a start takes 5 ms instead of 100. Otherwise they are
what started ones are: processes of their own, with a lifeline, the data folder's lock and the guard's listening socket.

Only for a program that has the guard's modules and nothing else (`guarded_kills`).
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from praxisd.testing import guarded_script
from praxisd.testing.guarded_host import ScriptHost


def spawn(
    argv: Sequence[str], env: Mapping[str, str], stdin: int, stdout: int, stderr: int, listener: int | None
) -> int:
    """As `praxisd_guard.child.spawn`: run a script version in a fork; its pid."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        for number, source in enumerate((stdin, stdout, stderr)):
            os.dup2(source, number)
        os.setpgid(0, 0)
        kept = -1 if listener is None else listener
        for number in range(3, 256):
            if number != kept:
                _close(number)  # above all the guard's end of the lifeline
        guarded_script.main(list(argv[argv.index("praxisd") + 1 :]), Path(env["PYTHONPATH"]) / "praxisd")
        status = 0
    except SystemExit as ended:
        if isinstance(ended.code, str):
            os.write(2, ended.code.encode())
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    os._exit(status)


def _close(number: int) -> None:
    with suppress(OSError):
        os.close(number)


class Forked:
    """What `ScriptHost` uses of a Popen."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], doors: int, log: Path) -> None:
        life, self._life = os.pipe()
        said, say = os.pipe()
        with log.open("wb") as sink:
            sys.stdout.flush()
            sys.stderr.flush()
            self.pid = spawn(argv, env, life, say, sink.fileno(), doors)
        os.close(life)
        os.close(say)
        self.stdin = os.fdopen(self._life, "wb")
        self.stdout = os.fdopen(said, "rb")
        self._status: int | None = None

    def poll(self) -> int | None:
        """Exit status, or None while it runs."""
        if self._status is None:
            pid, raw = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(raw)
        return self._status

    def wait(self, seconds: float) -> int:
        """Wait for its end. TimeoutError."""
        until = time.monotonic() + seconds
        while (found := self.poll()) is None:
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.002)
        return found

    def terminate(self) -> None:
        """SIGTERM."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


class ForkedHost(ScriptHost):
    """`ScriptHost` whose servers are forks."""

    def _run(self, argv: list[str], env: dict[str, str], log: Path) -> Any:
        return Forked(argv, env, self.doors.fileno(), log)
