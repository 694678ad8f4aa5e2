"""One started program: the server (or the relay's stand-in) as a child of the guard.

A child has the lifeline as its standard input: a pipe that ends when the guard is gone, however it went. It gets the
listening socket as descriptor FD, an empty signal mask, and a process group of its own, so that nothing it started
outlives it.
"""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from praxisd_guard.child_proc import oom_kills, start_ticks

FD = 3
"""Where the child finds the listening socket."""
_LINE_LIMIT = 4096
_READY = b"ready "


@dataclass(frozen=True)
class Exit:
    """How a program ended: with a status, or by a signal."""

    status: int | None
    signal: str | None
    at: float
    """Epoch seconds."""

    def facts(self) -> dict[str, Any]:
        """{"status": 1} or {"signal": "SIGKILL"}, for the journal."""
        return {"status": self.status} if self.signal is None else {"signal": self.signal}

    @property
    def words(self) -> str:
        """`status 1` or `SIGKILL`."""
        return f"status {self.status}" if self.signal is None else self.signal

    @property
    def crash(self) -> bool:
        """Its own fault: a status other than 0, or one of the signals a program brings upon itself."""
        return self.status not in (0, None) or self.signal in (
            "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGSYS",
        )  # fmt: skip


def spawn(
    argv: Sequence[str], env: Mapping[str, str], stdin: int, stdout: int, stderr: int, listener: int | None
) -> int:
    """Start a program and return its pid. Raises OSError.

    posix_spawn, because the signals that `signals` blocks must be free again in the child.
    """
    actions: list[Any] = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, stdout, 1),
        (os.POSIX_SPAWN_DUP2, stderr, 2),
    ]
    if listener is not None:  # the last one: what lay on FD has been copied by then
        actions.append((os.POSIX_SPAWN_DUP2, listener, FD))
    return os.posix_spawn(
        argv[0],
        list(argv),
        dict(env),
        file_actions=actions,
        setpgroup=0,
        setsigmask=(),
        setsigdef=(signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
    )


class Child:
    """A running program. All methods are for the loop's thread."""

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], log: Path, listener: socket.socket | None = None
    ) -> None:
        """Start it; what it says on standard error goes into `log`. Raises OSError."""
        loop = asyncio.get_running_loop()
        self.log = log
        self.began = time.time()
        self.ready: asyncio.Future[str] = loop.create_future()
        """The address from its line `ready <url>`."""
        self.exited: asyncio.Future[Exit] = loop.create_future()
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
            sink = _kept(theirs, _sink(log))
            life_out, lifeline = os.pipe()
            _kept(theirs, life_out)
            self._lifeline = _kept(ours, lifeline)
            said, say = os.pipe()
            _kept(theirs, say)
            _kept(ours, said)
            fd = None if listener is None else listener.fileno()
            self.pid = spawn(argv, env, life_out, say, sink, fd)
            ours.pop_all()
        self.ticks = start_ticks(self.pid)
        self._ooms = oom_kills()
        self._gone = False
        tell = _teller(loop)
        says = threading.Thread(target=self._listen, args=(said, tell), name="guard-child-says", daemon=True)
        ends = threading.Thread(target=self._wait, args=(tell,), name="guard-child-ends", daemon=True)
        try:
            ends.start()
            says.start()
        except RuntimeError:  # no room for a thread: a server nobody listens to is none
            self._abandon(said, ends.ident is not None)
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None

    @property
    def starved(self) -> bool:
        """Has the system killed a program for want of memory since this one was started? A SIGKILL was that, then."""
        now = oom_kills()
        return now is not None and self._ooms is not None and now > self._ooms

    def ask_end(self) -> None:
        """SIGTERM: it drains and ends."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, to its whole group."""
        if not self._gone:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._signal(signal.SIGKILL)

    async def end(self, limit_s: float) -> Exit:
        """Ask it to end, kill it after `limit_s` seconds, and wait until it is gone."""
        self.ask_end()
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(self.exited), limit_s)
        self.kill()
        return await asyncio.shield(self.exited)

    def _abandon(self, said: int, reaped: bool) -> None:
        os.close(said)
        os.kill(self.pid, signal.SIGKILL)
        if not reaped:
            os.waitpid(self.pid, 0)
            os.close(self._lifeline)

    def _signal(self, number: signal.Signals) -> None:
        if not self._gone:  # not reaped yet, so the pid is still its own
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _listen(self, said: int, tell: Callable[..., None]) -> None:
        """Read standard output to its end; the first line `ready …` counts, all else is for nobody."""
        rest = b""
        with os.fdopen(said, "rb", buffering=0) as stream:
            while piece := stream.read(_LINE_LIMIT):
                *lines, rest = (rest + piece).split(b"\n")
                rest = rest[:_LINE_LIMIT]
                for line in lines:
                    if line.startswith(_READY):
                        tell(self._set_ready, line.removeprefix(_READY).decode("utf-8", "replace").strip())

    def _wait(self, tell: Callable[..., None]) -> None:
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        tell(self._reap)

    def _reap(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(
                self.pid, signal.SIGKILL
            )  # what it left behind; its pid is reserved until the next line
        _, raw = os.waitpid(self.pid, 0)
        self._gone = True
        os.close(self._lifeline)
        code = os.waitstatus_to_exitcode(raw)
        found = Exit(code, None, time.time()) if code >= 0 else Exit(None, _name(-code), time.time())
        if not self.exited.done():
            self.exited.set_result(found)

    def _set_ready(self, url: str) -> None:
        if not self.ready.done():
            self.ready.set_result(url)


def _kept(stack: contextlib.ExitStack, handle: int) -> int:
    """`handle`, closed when `stack` is left."""
    stack.callback(os.close, handle)
    return handle


def _sink(log: Path) -> int:
    """The log's descriptor; a disk that takes no more files must not keep a server from starting."""
    how = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(log, how, 0o600)
    except OSError:
        return os.open(os.devnull, how)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def _teller(loop: asyncio.AbstractEventLoop) -> Callable[..., None]:
    def tell(call: Callable[..., None], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(call, *args)

    return tell


def quietly(argv: Sequence[str], env: Mapping[str, str], log: Path) -> Child | None:
    """A program whose failure must not matter (the stand-in); None if it cannot be started."""
    try:
        return Child(argv, env, log)
    except OSError:
        return None
