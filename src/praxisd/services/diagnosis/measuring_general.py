"""What is measured alike on every system: name, processor, memory, volumes (psutil)."""

import os
import platform
import re
import socket
import sys
from typing import Any

import psutil  # type: ignore[import-untyped]

from praxisd.services.diagnosis.machine_shapes import Disk, ProcessorFacts, known, unknown
from praxisd.services.diagnosis.measuring_probe import Probe, attempt, bounded

GB = 1_000_000_000
_PATIENCE_S = 3.0
_GIB = 1 << 30
SOLD_GB = (1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 192, 256, 384, 512, 768, 1024)
"""Sizes of memory that computers have."""
_REMOTE = ("cifs", "nfs", "nfs4", "smb", "smb3", "smbfs", "sshfs", "fuse.sshfs", "9p")
_NAMED_GHZ = re.compile(r"@\s*([0-9]+(?:[.,][0-9]+)?)\s*GHz", re.IGNORECASE)
_MAKERS = (("intel", "intel"), ("amd", "amd"), ("arm", "arm"), ("apple", "apple"))


def computer_name() -> str:
    """How the computer calls itself, without its domain."""
    return (platform.node() or socket.gethostname()).partition(".")[0]


def names() -> dict[str, Any]:
    """Its name, and the addresses at which others reach it."""
    return {"computer_name": attempt(lambda: computer_name() or None), "addresses": attempt(_addresses)}


def _addresses() -> tuple[str, ...]:
    return tuple(
        address.address
        for name, found in sorted(psutil.net_if_addrs().items())
        for address in found
        if address.family == socket.AF_INET and not address.address.startswith(("127.", "169.254."))
        if name in psutil.net_if_stats()
    )


def maker_of(name: str) -> str | None:
    """The maker that a processor's name tells."""
    lower = name.lower()
    return next((maker for word, maker in _MAKERS if word in lower), None)


def ghz_of(name: str, mhz: float | None) -> float | None:
    """The processor's nominal clock: from its name ("@ 2.80GHz"), else from its highest clock in MHz."""
    named = _NAMED_GHZ.search(name)
    if named is not None:
        return float(named.group(1).replace(",", "."))
    return round(mhz / 1000, 2) if mhz else None


def processor(name: str) -> ProcessorFacts:
    """All about the processor whose name the system gave."""

    def clock() -> float | None:
        found = psutil.cpu_freq()
        return ghz_of(name, None if found is None else (found.max or found.current))

    return ProcessorFacts(
        name=known(name) if name else unknown("failed"),
        maker=attempt(maker_of, name),
        ghz=attempt(clock),
        cores=attempt(psutil.cpu_count),
    )


def memory() -> dict[str, Any]:
    """Memory in GB of 2^30 bytes, as it is sold.

    Firmware keeps some of it for itself, so a little less than a size that is sold counts as that: 7.8 GB are 8.
    """
    return {"memory_gb": attempt(lambda: memory_of(psutil.virtual_memory().total))}


def memory_of(total: int) -> float:
    """Memory as it is sold, of the bytes that the system sees: firmware and graphics hide at most a sixteenth of it."""
    seen = total / _GIB
    size = next((one for one in SOLD_GB if one >= seen), 0)
    return float(size) if size and size - seen <= size / 16 else round(seen, 1)


def volume_devices() -> list[tuple[Disk, str]]:
    """The volumes of this computer and their devices, without those a program made for itself (loops, memory)."""
    found: list[tuple[Disk, str]] = []
    for part in psutil.disk_partitions(all=True):
        remote = part.fstype.lower() in _REMOTE or "remote" in part.opts.split(",")
        local = part.device.startswith("/dev/") or part.fstype == "zfs" or _own_root(part)
        local = local or (sys.platform == "win32" and "fixed" in part.opts)
        if (
            not (remote or local)
            or part.device.startswith("/dev/loop")
            or not (remote or _folder(part.mountpoint))
        ):
            continue
        if not remote and any(_same(one.volume, part.mountpoint) for one, _ in found if not one.mapped.value):
            continue
        found.append((_volume(part, remote), part.device))
    return found


def _own_root(part: Any) -> bool:
    """True for the root of a container: it lies on no device, and is where praxisd lives all the same."""
    return part.mountpoint == "/" and part.fstype in ("overlay", "fuse-overlayfs")


def _folder(path: str) -> bool:
    return not path.startswith(("/run/", "/snap/", "/proc/", "/sys/", "/dev/")) and not os.path.isfile(path)


def _same(one: str, other: str) -> bool:
    """True for a second mount of the same volume (a bind mount)."""
    try:
        return sys.platform != "win32" and os.stat(one).st_dev == os.stat(other).st_dev
    except OSError:
        return False


def _volume(part: Any, remote: bool) -> Disk:
    # A folder of another computer that is away lets its readers hang for minutes.
    used = attempt(
        bounded, f"usage {part.mountpoint}", lambda: psutil.disk_usage(part.mountpoint), _PATIENCE_S
    )
    usage: Any = used.value
    size = known(round(usage.total / GB, 1)) if usage is not None else unknown(used.why or "failed")
    free = known(round(usage.free / GB, 1)) if usage is not None else unknown(used.why or "failed")
    mine = os.environ.get("SYSTEMDRIVE", "C:") if sys.platform == "win32" else "/"
    return Disk(
        volume=part.mountpoint,
        system=known(part.mountpoint.rstrip("\\") == mine.rstrip("\\") or part.mountpoint == mine),
        total_gb=size,
        free_gb=free,
        kind=known("network") if remote else unknown("not_here"),
        mapped=known(remote),
        target=known(part.device if remote else ""),
        encrypted=unknown("not_here"),
        healthy=unknown("not_here"),
        worn=unknown("not_here"),
    )


def sessions() -> dict[str, Any]:
    """How many people are signed in from another computer now; who they are is not asked."""
    return {"sessions": attempt(lambda: len([one for one in psutil.users() if one.host]))}


PROBES = (
    Probe("sessions", ("sessions",), sessions),
    Probe("names", ("computer_name", "addresses"), names),
    Probe("memory", ("memory_gb",), memory, keep_s=600),
)
