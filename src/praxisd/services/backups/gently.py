"""A program that works for a backup stays behind the practice's own work: its part of the processor is the smaller one."""

import contextlib
import os
from pathlib import Path

NICE = 10


def behind(pid: int) -> None:
    """Put this process of ours, the head of a session of its own, behind. On Windows its start says so already.

    Linux weighs whole sessions against each other where autogroups are on (sched(7)); the number of a process that is alone in
    its session means nothing then, so the session gets it too. Measured: without, the practice's writes took up to twice as long.
    """
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, max(os.getpriority(os.PRIO_PROCESS, pid), NICE))
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(NICE))
