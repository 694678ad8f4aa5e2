"""What a disk is (SSD or not), whether it is encrypted, and how worn it is (smartctl, where it is installed and readable)."""

import json
import os
import re
import time
from pathlib import Path
from typing import Any

from praxisd.model.machine import Disk, DiskKind, Fact, known, unknown
from praxisd.services.diagnosis.measuring_general import volume_devices
from praxisd.services.diagnosis.measuring_probe import Undetermined, attempt, output

_BLOCK = Path("/sys/class/block")
_VIRTUAL = re.compile(r"(vd|xvd|nbd|zram|ram)[a-z0-9]*")
_WEAR = {177: "Wear_Leveling_Count", 231: "SSD_Life_Left", 233: "Media_Wearout_Indicator"}
"""ATA attributes whose normalised value is what is left of an SSD's life, where the drive does not say it plainly."""
_KEEP_S = 21_600.0
_SMART: dict[str, tuple[float, dict[str, Any]]] = {}
"""What smartctl said of a disk, and when (monotonic seconds): a disk does not wear out within hours."""


def linux_disks(block: Path = _BLOCK) -> tuple[Disk, ...]:
    """The volumes of this computer with what Linux tells of the disks below them."""
    found = []
    for disk, device in volume_devices():
        if disk.mapped.value:
            found.append(disk)
            continue
        worn = attempt(smart, lambda device=device: whole(device, block))
        health: dict[str, Any] = worn.value or {}
        found.append(
            Disk(
                volume=disk.volume,
                system=disk.system,
                total_gb=disk.total_gb,
                free_gb=disk.free_gb,
                mapped=disk.mapped,
                target=disk.target,
                kind=attempt(kind_of, device, block),
                encrypted=attempt(encrypted, device, block),
                healthy=_told(health.get("healthy"), worn),
                worn=_told(health.get("worn"), worn),
            )
        )
    return tuple(found)


def _told(value: Any, of: Fact[Any]) -> Fact[Any]:
    return known(value) if value is not None else unknown(of.why or "not_here")


def whole(device: str, block: Path = _BLOCK) -> str:
    """The name of the disk (`sda`, `nvme0n1`) a device lies on, through partitions, LVM and LUKS.

    Undetermined where it lies on several disks, or where there is no such device.
    """
    name = os.path.basename(os.path.realpath(device))
    for _ in range(8):
        here = block / name
        if not here.exists():
            raise Undetermined("not_here")
        below = sorted(p.name for p in (here / "slaves").iterdir()) if (here / "slaves").is_dir() else []
        if len(below) > 1:
            raise Undetermined("not_here")
        if below:
            name = below[0]
        elif (here / "partition").exists():
            name = here.resolve().parent.name
        else:
            return name
    raise Undetermined("not_here")


def kind_of(device: str, block: Path = _BLOCK) -> DiskKind:
    """SSD, hard disk or removable. The disk of a virtual machine says nothing of the one below it."""
    disk = whole(device, block)
    if _VIRTUAL.fullmatch(disk):
        raise Undetermined("virtual")
    if (block / disk / "removable").read_text().strip() == "1":
        return "removable"
    return "hdd" if (block / disk / "queue" / "rotational").read_text().strip() == "1" else "ssd"


def encrypted(device: str, block: Path = _BLOCK) -> bool:
    """True if LUKS lies between the volume and its disk. What the disk does by itself is not seen."""
    name = os.path.basename(os.path.realpath(device))
    for _ in range(8):
        here = block / name
        if not here.exists():
            raise Undetermined("not_here")
        uuid = here / "dm" / "uuid"
        if uuid.exists() and uuid.read_text().startswith("CRYPT-"):
            return True
        below = sorted(p.name for p in (here / "slaves").iterdir()) if (here / "slaves").is_dir() else []
        if not below:
            if _VIRTUAL.fullmatch(name):
                raise Undetermined("virtual")
            return False
        name = below[0]
    raise Undetermined("not_here")


def smart(disk: Any) -> dict[str, Any]:
    """What smartctl tells of a disk; `disk` gives its name. It needs the right to open the device."""
    # smartctl's exit status is a set of bits: 1 and 2 are "could not read", the others are news about the disk.
    name = disk()
    if _VIRTUAL.fullmatch(name):
        raise Undetermined("virtual")
    kept = _SMART.get(name)
    if kept is not None and time.monotonic() - kept[0] < _KEEP_S:
        return kept[1]
    text = output(["smartctl", "--json", "-H", "-A", f"/dev/{name}"], good=range(256))
    found = smart_read(text)
    _SMART[name] = (time.monotonic(), found)
    return found


def smart_read(text: str) -> dict[str, Any]:
    """`healthy` and `worn` (percent) of the output of `smartctl --json -H -A`; Undetermined where it could not read."""
    told = json.loads(text)
    status = int(told.get("smartctl", {}).get("exit_status", 0))
    if status & 0b11:
        words = " ".join(str(m.get("string", "")) for m in told.get("smartctl", {}).get("messages", ()))
        raise Undetermined("denied" if "Permission denied" in words else "not_here")
    passed = told.get("smart_status", {}).get("passed")
    return {"healthy": passed if isinstance(passed, bool) else None, "worn": _worn(told)}


def _worn(told: dict[str, Any]) -> int | None:
    plain = told.get("endurance_used", {}).get("current_percent")
    if plain is None:
        plain = told.get("nvme_smart_health_information_log", {}).get("percentage_used")
    if isinstance(plain, int):
        return plain
    for row in told.get("ata_smart_attributes", {}).get("table", ()):
        if _WEAR.get(row.get("id")) == row.get("name") and isinstance(row.get("value"), int):
            return max(0, 100 - row["value"])
    return None
