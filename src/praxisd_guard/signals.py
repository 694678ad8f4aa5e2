"""Signals with their sender: the guard must be able to name who asked it to end (SPEC 7.3).

A handler of Python does not learn the sender; sigwaitinfo does. So the signals are blocked in every thread (call `block`
before the first thread is made) and one thread waits for them. Programs started from here get an empty mask (`child`).
"""

import asyncio
import signal
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from praxisd_guard.child_proc import name_of

WATCHED = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_KERNEL = 0
"""si_pid of what the kernel sends by itself, a key on the terminal for one."""


@dataclass(frozen=True)
class Sender:
    """Who sent a signal: process, user, and the process's name if it was still there."""

    pid: int
    uid: int
    name: str | None

    def facts(self) -> dict[str, Any]:
        """{"pid", "uid", "name"} for the journal."""
        return asdict(self)


def block() -> None:
    """Keep the watched signals back, in this thread and all it makes."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)


def watch(loop: asyncio.AbstractEventLoop, heard: Callable[[str, Sender | None], None]) -> None:
    """Call `heard(name of the signal, sender)` on the loop for each watched signal, as long as the program runs."""

    def wait() -> None:
        while True:
            found = signal.sigwaitinfo(WATCHED)
            sender = None
            if found.si_pid != _KERNEL:
                sender = Sender(found.si_pid, found.si_uid, name_of(found.si_pid))
            try:
                loop.call_soon_threadsafe(heard, signal.Signals(found.si_signo).name, sender)
            except RuntimeError:  # the loop is closed: the program ends anyway
                return

    threading.Thread(target=wait, name="guard-signals", daemon=True).start()
