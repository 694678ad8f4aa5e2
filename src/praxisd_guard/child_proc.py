"""What the system tells about processes (/proc): who sent a signal, if a process is still the one we started, and if
memory ran out.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

_VMSTAT = Path("/proc/vmstat")
_START = 19
"""starttime in /proc/<pid>/stat, counted from the field after the name (proc(5): field 22)."""


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None where there is none, or only its ashes (a zombie)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = stat[stat.rindex(")") + 2 :].split()
        return None if fields[0] in ("Z", "X") else int(fields[_START])
    except (OSError, ValueError, IndexError):
        return None


def boot_id() -> str:
    """Which start of the computer this is; "" where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def oom_kills(file: Path = _VMSTAT) -> int | None:
    """How many programs the system has killed for want of memory since the computer's start; None where it does not tell."""
    try:
        for line in file.read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    return None


def name_of(pid: int) -> str | None:
    """Name of a process: `systemd`, `bash`; None where it is gone already."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


class Stranger:
    """A process that is not our child: the server an earlier guard left behind. Known by pid, start time and boot."""

    def __init__(self, pid: int, ticks: int, boot: str) -> None:
        self.pid = pid
        self._ticks = ticks
        self._boot = boot

    @property
    def alive(self) -> bool:
        """Is it still this very process?"""
        return self._boot == boot_id() and start_ticks(self.pid) == self._ticks

    def kill(self) -> None:
        """End it at once (SIGKILL), with what it started in its group. Nothing if another process has its pid now."""
        with suppress(OSError):
            handle = os.pidfd_open(self.pid)  # from here on the pid cannot become another's unnoticed
            try:
                if self.alive:
                    if os.getpgid(self.pid) == self.pid:
                        os.killpg(self.pid, signal.SIGKILL)
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            finally:
                os.close(handle)
