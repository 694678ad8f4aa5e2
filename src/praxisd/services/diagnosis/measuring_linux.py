"""What Linux tells of its computer: /proc, /sys, and programs that are there anyway. Parsers are pure."""

import os
import platform
import re
import shutil
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from praxisd.model.machine import (
    Graphics,
    Printer,
    Screen,
    ServiceFacts,
    ServiceState,
    SqlInstance,
    SystemFacts,
    known,
    unknown,
)
from praxisd.services.diagnosis import measuring_network
from praxisd.services.diagnosis.measuring_disks import linux_disks
from praxisd.services.diagnosis.measuring_general import processor
from praxisd.services.diagnosis.measuring_probe import Probe, Undetermined, attempt, output

_DRM = Path("/sys/class/drm")
_USB = Path("/sys/bus/usb/devices")
_POWER = Path("/sys/class/power_supply")
_PDF = ("evince", "okular", "atril", "xreader", "papers", "zathura", "mupdf", "xpdf", "firefox", "chromium")
_GUARDS = {
    "clamd": "ClamAV", "wdavdaemon": "Microsoft Defender", "savd": "Sophos", "esets_daemon": "ESET",
    "oaeventd": "ESET", "ds_agent": "Trend Micro", "bdsecd": "Bitdefender", "kesl": "Kaspersky",
}  # fmt: skip
_WALLS = ("ufw", "nftables", "firewalld", "iptables", "netfilter-persistent")
_REMOTE_PORTS = (22, 3389)
_HOURS_6 = 21_600.0


def system() -> dict[str, Any]:
    """The distribution, its version and language."""
    release = attempt(platform.freedesktop_os_release)
    told = release.value or {}
    facts = SystemFacts(
        family=known("linux"),
        name=attempt(lambda: told.get("PRETTY_NAME")),
        edition=attempt(lambda: told.get("VARIANT") or ""),
        version=attempt(lambda: told.get("VERSION_ID")),
        bits=known(64 if platform.machine().endswith("64") else 32),
        language=attempt(_language),
        server=unknown("not_here"),
    )
    return {"os": facts}


def _language() -> str:
    named = next(filter(None, (os.environ.get(n) for n in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    word = named.partition(".")[0].replace("_", "-")
    if word in ("", "C", "POSIX"):
        raise Undetermined("not_here")
    return word


def cpu() -> dict[str, Any]:
    """The processor, by its name in /proc/cpuinfo."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return {"cpu": processor(cpu_name(file.read()))}


def cpu_name(text: str) -> str:
    """The first `model name` of /proc/cpuinfo, "" if it has none (ARM)."""
    lines = (line.partition(":") for line in text.splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == "model name"), "")


def disks() -> dict[str, Any]:
    """The volumes, what they lie on, and how worn that is."""
    return {"disks": known(linux_disks())}


def services() -> dict[str, Any]:
    """Services of systemd, and which of them guard: firewall, virus scanner."""
    found = _services()
    running = {one.name for one in found if one.state == "running"}
    wall = known(True) if running & set(_WALLS) else unknown("denied")
    return {"services": known(found), "firewall": wall}


def _services() -> tuple[ServiceFacts, ...]:
    if not os.path.isdir("/run/systemd/system"):
        raise Undetermined("not_here")
    command = "systemctl list-units --type=service --all --plain --no-legend --no-pager"
    return units(output(command.split()))


def units(text: str) -> tuple[ServiceFacts, ...]:
    """The lines of `systemctl list-units --plain --no-legend`: unit, load, active, sub, description."""
    states: dict[str, ServiceState] = {"active": "running", "inactive": "stopped", "failed": "stopped"}
    found = []
    for line in text.splitlines():
        parts = line.split(None, 4)
        if len(parts) < 4 or not parts[0].endswith(".service") or parts[1] != "loaded":
            continue
        # A unit that ran once and ended (oneshot) is active too: it does what it should.
        state = states.get(parts[2], "other")
        display = parts[4] if len(parts) > 4 else ""
        found.append(ServiceFacts(name=parts[0].removesuffix(".service"), display=display, state=state))
    return tuple(found)


def guards() -> dict[str, Any]:
    """Virus scanners that run. Where none is seen, one may be there all the same."""
    found = sorted(
        {_GUARDS[n] for one in psutil.process_iter(["name"]) if (n := one.info["name"]) in _GUARDS}
    )
    return {"antivirus": known(tuple(found)) if found else unknown("not_measurable")}


def screen() -> dict[str, Any]:
    """Graphics adapters and screens that are connected."""
    if not _DRM.is_dir():
        raise Undetermined("not_here")
    return {"graphics": attempt(graphics_of, _DRM), "screens": attempt(screens_of, _DRM)}


def graphics_of(drm: Path) -> tuple[Graphics, ...]:
    """The adapters below /sys/class/drm. Only AMD's driver tells their memory."""
    found = []
    for card in sorted(one for one in drm.iterdir() if re.fullmatch(r"card\d+", one.name)):
        memory = card / "device" / "mem_info_vram_total"
        size = known(int(memory.read_text()) >> 20) if memory.exists() else unknown("not_here")
        maker = card / "device" / "vendor"
        name = f"{card.name} ({maker.read_text().strip()})" if maker.exists() else card.name
        found.append(Graphics(name=name, memory_mb=size))
    if not found:
        raise Undetermined("not_here")
    return tuple(found)


def screens_of(drm: Path) -> tuple[Screen, ...]:
    """The screens that are connected, each with its best mode. A server may have none: then nothing is known."""
    found = []
    for port in sorted(drm.glob("card*-*")):
        status, modes = port / "status", port / "modes"
        if not status.exists() or status.read_text().strip() != "connected":
            continue
        lines = modes.read_text().split() if modes.exists() else []
        match = re.match(r"(\d+)x(\d+)", lines[0]) if lines else None
        if match is not None:
            found.append(Screen(width=int(match.group(1)), height=int(match.group(2))))
    if not found:
        raise Undetermined("not_here")
    return tuple(found)


def plugs() -> dict[str, Any]:
    """USB, and a UPS that the system knows of. One that is not wired up cannot be seen."""
    usb = (
        known(any(one.name.startswith("usb") for one in _USB.iterdir()))
        if _USB.is_dir()
        else unknown("not_here")
    )
    return {"usb": usb, "ups": attempt(_ups)}


def _ups() -> bool:
    kinds = [one.read_text().strip() for one in _POWER.glob("*/type")] if _POWER.is_dir() else []
    if "UPS" in kinds or output(["upsc", "-l"]).strip():
        return True
    raise Undetermined("not_measurable")


def programs() -> dict[str, Any]:
    """What is installed of that which practice software asks for. Word and .NET Framework are no matter here."""
    sql = (SqlInstance(instance="MSSQLSERVER", version=unknown("not_here"), release=unknown("not_here")),)
    return {
        "pdf_reader": known(next((one for one in _PDF if shutil.which(one)), "")),
        "sql": known(sql if Path("/opt/mssql/bin/sqlservr").exists() else ()),
        "dotnet_runtimes": attempt(_runtimes),
        "remote_access": attempt(_remote),
        "printers": attempt(_printers),
    }


def _runtimes() -> tuple[str, ...]:
    if shutil.which("dotnet") is None:
        return ()
    return runtimes(output(["dotnet", "--list-runtimes"]))


def runtimes(text: str) -> tuple[str, ...]:
    """The versions of `dotnet --list-runtimes`, each once."""
    found = re.findall(r"^Microsoft\.\S+ (\d+(?:\.\d+)+)", text, re.MULTILINE)
    return tuple(sorted(set(found), key=lambda v: [int(p) for p in v.split(".")]))


def _remote() -> bool:
    listening = psutil.net_connections(kind="tcp")
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port in _REMOTE_PORTS for one in listening)


def _printers() -> tuple[Printer, ...]:
    names = output(["lpstat", "-e"], good=(0, 1)).split()[:20]
    return tuple(Printer(name=name, dpi=attempt(_dpi, name)) for name in names)


def _dpi(name: str) -> int:
    return dpi_of(output(["lpoptions", "-p", name, "-l"]))


def dpi_of(text: str) -> int:
    """The best resolution in `lpoptions -l`: `Resolution/Output Resolution: *600dpi 1200x600dpi`; its smaller side."""
    line = next((one for one in text.splitlines() if one.startswith("Resolution/")), "")
    pairs = re.findall(r"(\d+)(?:x(\d+))?dpi", line)
    if not pairs:
        raise Undetermined("not_here")
    return max(min(int(one), int(other or one)) for one, other in pairs)


def updates() -> dict[str, Any]:
    """Updates of the distribution that wait, by the lists that are here already; nobody is asked outside."""
    if shutil.which("apt-get") is None:
        raise Undetermined("no_program")
    text = output(["apt-get", "-s", "-o", "Debug::NoLocking=1", "upgrade"], 20)
    return {"updates_pending": known(sum(1 for line in text.splitlines() if line.startswith("Inst ")))}


PROBES = (
    Probe("system", ("os",), system, keep_s=600),
    Probe("cpu", ("cpu",), cpu, keep_s=600),
    Probe("disks", ("disks",), disks),
    Probe("network", ("network",), measuring_network.linux),
    Probe("services", ("services", "firewall"), services),
    Probe("guards", ("antivirus",), guards, keep_s=600),
    Probe("screen", ("graphics", "screens"), screen, keep_s=600),
    Probe("plugs", ("usb", "ups"), plugs, keep_s=600),
    Probe(
        "programs",
        ("pdf_reader", "sql", "dotnet_runtimes", "remote_access", "printers"),
        programs,
        keep_s=600,
    ),
    Probe("updates", ("updates_pending",), updates, keep_s=_HOURS_6, wait_s=1),
)
