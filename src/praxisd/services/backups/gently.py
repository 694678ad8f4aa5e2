"""What works for a backup stays behind the practice's own work: its part of the processor is the smaller one."""

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import Any

NICE = 10
_LINUX = sys.platform == "linux"
_LOOKS = 5


def group(*, alone: bool) -> dict[str, Any]:
    """How a program of ours is started (`subprocess.Popen`): as the head of a group, so that all of it can be ended; `alone`: in
    a session of its own too, without a terminal.

    Linux weighs whole sessions against each other where autogroups are on (sched(7)), and who wakes up in one waits for the
    other's turn to end, up to a tick, however nice that is. Measured with two loops beside a writer that begins a transfer every
    10 ms: in a session of their own (nice 10, or SCHED_IDLE) its 99th centile was 5.5 ms, in ours at nice 10 0.6, without 0.8.
    """
    if os.name != "posix":
        return {}
    return {"start_new_session": True} if alone else {"process_group": 0}


def behind(pid: int) -> None:
    """Put this program of ours behind, with all its threads. On Windows its start says so already.

    A priority is one of a thread (setpriority(2)): those that restic had begun before would keep theirs. What a thread begins
    once it stays behind does so too, so a look that finds nothing new is the last.
    """
    if os.name == "posix":
        _lower(pid)
    known: set[int] = {pid}
    for _ in range(_LOOKS):
        threads = _threads(pid)
        if threads <= known:
            return
        for one in threads - known:
            _lower(one)
        known |= threads


def stay() -> None:
    """Put the thread that calls this behind, with all that it begins; for one that ends with such work: it cannot come back.

    Only for work outside of the interpreter (digests of large blocks): who holds the interpreter's lock and waits for a
    processor holds up all of praxisd. Measured with one busy processor: beside a walk through folders at nice 10, who wakes
    every 10 ms was 42 to 62 ms late (99th centile), 12 to 18 beside the same at nice 0. On Linux alone: elsewhere a priority
    is one of the whole process.
    """
    if _LINUX:
        _lower(threading.get_native_id())


def _threads(pid: int) -> set[int]:
    with contextlib.suppress(OSError):
        return {int(one.name) for one in Path(f"/proc/{pid}/task").iterdir()}
    return set()


def _lower(number: int) -> None:
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, number, max(os.getpriority(os.PRIO_PROCESS, number), NICE))
