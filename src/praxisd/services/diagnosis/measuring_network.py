"""The network adapters that are connected, and what their cable can do.

Only an adapter that is a part tells something of the cable. A virtual one (VPN, container, switch of Hyper-V) says what it
likes, mostly 10 Gbit, and so does every adapter of a computer that is virtual itself.
"""

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from praxisd.model.machine import Network, known, unknown
from praxisd.services.diagnosis.measuring_powershell import COMPUTER, Told, virtual
from praxisd.services.diagnosis.measuring_probe import Undetermined

QUESTIONS: Mapping[str, str] = {
    "adapters": "Get-NetAdapter -Physical | Where-Object { [string]$_.Status -eq 'Up' } | "
    "Select-Object -Property @('Name', 'ReceiveLinkSpeed', 'TransmitLinkSpeed')",
    "computer": COMPUTER,
}
_MOST_MBIT = 1_000_000
_SYS, _CPU = Path("/sys/class/net"), Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter that is connected: its name, the speed it tells (Mbit/s), its IPv4 address ("" none)."""

    name: str
    mbit: int
    address: str


def linux() -> dict[str, Any]:
    """By /sys: what is a part has a device."""
    parts = {one.name for one in _SYS.iterdir() if (one / "device").exists()}
    guest = flagged(_CPU.read_text(encoding="utf-8", errors="replace"))
    found = adapters()
    speeds = {one.name: one.mbit for one in found if one.name in parts}
    return {"network": known(networks(found, speeds, guest))}


def flagged(cpuinfo: str) -> bool:
    """True if the processor says that a hypervisor runs this system (x86)."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    return any("hypervisor" in value.split() for key, _, value in lines if key.strip() == "flags")


def windows(told: Told) -> dict[str, Any]:
    """By what PowerShell tells of the physical adapters, and psutil of the others and of addresses."""
    speeds = {str(row.get("Name") or "?"): _mbit(row) for row in told.rows("adapters")}
    return {"network": known(networks(adapters(), speeds, virtual(told)))}


def _mbit(row: Any) -> int:
    """The slower of both directions in Mbit/s, 0 if it is not told. PowerShell gives bits a second."""
    both = [row.get(key) for key in ("ReceiveLinkSpeed", "TransmitLinkSpeed")]
    told = [int(one) // 1_000_000 for one in both if isinstance(one, int | float) and one > 0]
    return min(told, default=0)


def adapters() -> list[Adapter]:
    """All that are connected, but the loopback."""
    addresses = psutil.net_if_addrs()
    found = []
    for name, state in sorted(psutil.net_if_stats().items()):
        mine = [a.address for a in addresses.get(name, ()) if a.family == socket.AF_INET]
        if state.isup and not (mine and mine[0].startswith("127.")) and "loopback" not in name.lower():
            found.append(Adapter(name, state.speed, mine[0] if mine else ""))
    return [one for one in found if one.name != "lo"]


def networks(found: Iterable[Adapter], parts: Mapping[str, int], guest: bool) -> tuple[Network, ...]:
    """The adapters as facts. `parts`: those that are parts of the computer, with their speed in Mbit/s (0 not told).

    `guest`: the computer is virtual. A part counts without an address too: it may carry a bridge or a virtual switch.
    Undetermined `not_here` where nothing is connected.
    """
    addresses = {one.name: one.address for one in found}
    # What carries nothing (a bridge below, a tap) has no address and is nobody's business.
    shown = [*parts, *(name for name, address in addresses.items() if address and name not in parts)]
    if not shown:
        raise Undetermined("not_here")
    return tuple(
        Network(name=name[:200], mbit=_speed(name, parts, guest), address=_address(addresses.get(name, "")))
        for name in sorted(shown)[:64]
    )


def _speed(name: str, parts: Mapping[str, int], guest: bool) -> Any:
    if name not in parts:
        return unknown("virtual_adapter")
    if guest:
        return unknown("virtual")
    return known(parts[name]) if 0 < parts[name] < _MOST_MBIT else unknown("not_here")


def _address(address: str) -> Any:
    return known(address) if address else unknown("not_here")
