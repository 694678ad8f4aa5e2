"""What Linux tells of its computer: /proc, /sys, and programs that are there anyway. Parsers are pure."""

import os
import platform
from typing import Any

from praxisd.services.diagnosis.machine_shapes import ServiceFacts, ServiceState, SystemFacts, known, unknown
from praxisd.services.diagnosis.measuring_general import processor, volumes
from praxisd.services.diagnosis.measuring_probe import Probe, attempt, output


def system() -> dict[str, Any]:
    """The distribution, its version and language."""
    release = attempt(platform.freedesktop_os_release)
    told = release.value or {}
    return {
        "os": SystemFacts(
            family=known("linux"),
            name=attempt(lambda: told.get("PRETTY_NAME")),
            edition=attempt(lambda: told.get("VARIANT") or ""),
            version=attempt(lambda: told.get("VERSION_ID")),
            bits=known(64 if platform.machine().endswith("64") else 32),
            language=attempt(_language),
            server=unknown("not_here"),
        )
    }


def _language() -> str | None:
    named = next(filter(None, (os.environ.get(n) for n in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    word = named.partition(".")[0].replace("_", "-")
    return word if word not in ("", "C", "POSIX") else None


def cpu() -> dict[str, Any]:
    """The processor, by its name in /proc/cpuinfo."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return {"cpu": processor(cpu_name(file.read()))}


def cpu_name(text: str) -> str:
    """The first `model name` of /proc/cpuinfo, "" if it has none (ARM)."""
    lines = (line.partition(":") for line in text.splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == "model name"), "")


def disks() -> dict[str, Any]:
    """The volumes."""
    return {"disks": known(tuple(volumes()))}


def services() -> dict[str, Any]:
    """Services of systemd."""
    text = output(
        ["systemctl", "list-units", "--type=service", "--all", "--plain", "--no-legend", "--no-pager"]
    )
    return {"services": known(units(text))}


def units(text: str) -> tuple[ServiceFacts, ...]:
    """The lines of `systemctl list-units --plain --no-legend`: unit, load, active, sub, description."""
    found = []
    for line in text.splitlines():
        parts = line.split(None, 4)
        if len(parts) < 4 or not parts[0].endswith(".service") or parts[1] != "loaded":
            continue
        states: dict[str, ServiceState] = {"active": "running", "inactive": "stopped", "failed": "stopped"}
        state = states.get(parts[2], "other")
        name = parts[0].removesuffix(".service")
        found.append(ServiceFacts(name=name, display=parts[4] if len(parts) > 4 else "", state=state))
    return tuple(found)


PROBES = (
    Probe("system", ("os",), system, keep_s=600),
    Probe("cpu", ("cpu",), cpu, keep_s=600),
    Probe("disks", ("disks",), disks),
    Probe("services", ("services",), services),
)
