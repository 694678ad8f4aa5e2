"""What Windows tells through PowerShell: one program, many questions, each apart; every answer is a line of JSON.

An answer that came before the program hung or was ended counts. The questions ask this computer alone (CIM, the local
update service without going online). Classes and properties after Microsoft's documentation.
"""

import json
import subprocess
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from praxisd.model.machine import Disk, DiskKind, Fact, Graphics, Printer, Screen, known, unknown
from praxisd.services.diagnosis.measuring_probe import Undetermined, attempt

SECONDS = 18.0
COMPUTER = (
    "Get-CimInstance -ClassName Win32_ComputerSystem | "
    "Select-Object -Property @('PartOfDomain', 'Domain', 'PCSystemType', 'Model')"
)
HARDWARE: Mapping[str, str] = {
    "video": "Get-CimInstance -ClassName Win32_VideoController | Select-Object -Property "
    "@('Name', 'AdapterRAM', 'CurrentHorizontalResolution', 'CurrentVerticalResolution')",
    "video_memory": r"Get-ItemProperty -Path 'HKLM:\SYSTEM\CurrentControlSet\Control\Class"
    r"\{4d36e968-e325-11ce-bfc1-08002be10318}\0*' -ErrorAction SilentlyContinue | "
    "Select-Object -Property @('DriverDesc', 'HardwareInformation.qwMemorySize')",
    "computer": COMPUTER,
    "usb": "@(Get-CimInstance -ClassName Win32_USBController).Count",
    "battery": "@(Get-CimInstance -ClassName Win32_Battery).Count",
    "disks": "Get-Partition | Where-Object { $_.DriveLetter } | ForEach-Object { $p = $_; "
    "$d = Get-PhysicalDisk | Where-Object { $_.DeviceId -eq $p.DiskNumber }; $w = $null; "
    "if ($d) { $w = $d | Get-StorageReliabilityCounter -ErrorAction SilentlyContinue }; "
    "[pscustomobject]@{ Letter = [string]$p.DriveLetter; Media = [string]$d.MediaType; Bus = [string]$d.BusType; "
    "Health = [string]$d.HealthStatus; Wear = $w.Wear } }",
    "printers": "Get-CimInstance -ClassName Win32_Printer | "
    "Select-Object -Property @('Name', 'HorizontalResolution', 'VerticalResolution')",
}
PROTECTION: Mapping[str, str] = {
    "firewall": "Get-NetFirewallProfile | ForEach-Object { "
    "[pscustomobject]@{ Name = $_.Name; On = ([string]$_.Enabled -eq 'True') } }",
    "antivirus": "Get-CimInstance -Namespace 'root/SecurityCenter2' -ClassName AntiVirusProduct | "
    "Select-Object -Property displayName",
    "bitlocker": "Get-BitLockerVolume | ForEach-Object { "
    "[pscustomobject]@{ MountPoint = $_.MountPoint; On = ([string]$_.ProtectionStatus -eq 'On') } }",
    "updates": "$s = (New-Object -ComObject 'Microsoft.Update.Session').CreateUpdateSearcher(); $s.Online = $false; "
    "$s.Search('IsInstalled=0 and IsHidden=0').Updates.Count",
}
_LAPTOP = 2
_VIRTUAL = ("virtual", "vmware", "kvm", "qemu")


def script(questions: Mapping[str, str]) -> str:
    """The program that asks each question apart: lines `{"name": …, "value": …}` or `{"name": …, "why": …}`."""
    lines = ["$ErrorActionPreference = 'Stop'", "[Console]::OutputEncoding = [Text.Encoding]::UTF8"]
    for name, question in questions.items():
        lines.append(
            f"try {{ $v = @({question}); $o = @{{ name = '{name}'; value = $v }} }} "
            f"catch [System.UnauthorizedAccessException] {{ $o = @{{ name = '{name}'; why = 'denied' }} }} "
            f"catch {{ $o = @{{ name = '{name}'; why = 'failed' }} }}; "
            "[Console]::Out.WriteLine((ConvertTo-Json $o -Compress -Depth 4)); [Console]::Out.Flush()"
        )
    return "\n".join(lines)


def powershell(text: str) -> list[str]:
    """The command that runs a script as it is: encoded, so that no quote and no blank of it can be misread."""
    code = b64encode(text.encode("utf-16-le")).decode()
    return [
        "powershell",
        "-NoProfile",
        "-NonInteractive",
        "-ExecutionPolicy",
        "Bypass",
        "-EncodedCommand",
        code,
    ]


def ask(questions: Mapping[str, str], seconds: float = SECONDS) -> str:
    """What PowerShell answered within this time."""
    command = powershell(script(questions))
    quiet: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        with subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=quiet,
        ) as run:
            try:
                data, _ = run.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                run.kill()
                data, _ = run.communicate()
    except FileNotFoundError:
        raise Undetermined("no_program") from None
    return data.decode("utf-8", "replace")


class Told:
    """The answers, by the question's name. One that is missing was not asked in time, or the reason is `why`."""

    def __init__(self, text: str, why: str = "timeout") -> None:
        self._why = why
        self._found: dict[str, dict[str, Any]] = {}
        for line in text.splitlines():
            try:
                one = json.loads(line.lstrip("\ufeff"))
            except ValueError:
                continue
            if isinstance(one, dict) and isinstance(one.get("name"), str):
                self._found[one["name"]] = one

    def complete(self, questions: Mapping[str, str]) -> bool:
        """True if each of them was answered, be it with a refusal."""
        return all(name in self._found for name in questions)

    def rows(self, name: str) -> list[Any]:
        """The values of an answer; Undetermined where there is none."""
        one = self._found.get(name)
        if one is None:
            raise Undetermined(self._why)
        if "value" not in one:
            raise Undetermined(str(one.get("why") or "failed"))
        value = one["value"]
        return [v for v in value if v is not None] if isinstance(value, list) else [value]

    def fact(self, name: str, read: Callable[[list[Any]], Any]) -> Fact[Any]:
        """A fact made of an answer."""
        return attempt(lambda: read(self.rows(name)))


def hardware(told: Told) -> dict[str, Any]:
    """Graphics, screens, domain, USB, UPS, printers; disks come apart (`disk_facts`)."""
    return {
        "graphics": attempt(_graphics, told),
        "screens": told.fact("video", _screens),
        "domain": told.fact("computer", _domain),
        "usb": told.fact("usb", lambda rows: int(rows[0]) > 0),
        "ups": attempt(_ups, told),
        "printers": told.fact("printers", lambda rows: tuple(_printer(row) for row in rows)[:100]),
    }


def _graphics(told: Told) -> tuple[Graphics, ...]:
    # AdapterRAM has 32 bits: 4 GB and more look like less. The driver's own number has 64.
    exact = attempt(told.rows, "video_memory").value or []
    sizes = {row.get("DriverDesc"): row.get("HardwareInformation.qwMemorySize") for row in exact}
    found = []
    for row in told.rows("video"):
        size = sizes.get(row.get("Name")) or row.get("AdapterRAM")
        memory = known(int(size) >> 20) if isinstance(size, int) and size > 0 else unknown("not_here")
        found.append(Graphics(name=str(row.get("Name") or "?")[:200], memory_mb=memory))
    if not found:
        raise Undetermined("not_here")
    return tuple(found)


def _screens(rows: list[Any]) -> tuple[Screen, ...]:
    pairs = [(row.get("CurrentHorizontalResolution"), row.get("CurrentVerticalResolution")) for row in rows]
    found = tuple(Screen(width=int(w), height=int(h)) for w, h in pairs if w and h)
    if not found:
        raise Undetermined("no_screen")
    return found


def _domain(rows: list[Any]) -> str:
    return str(rows[0].get("Domain") or "?") if rows[0].get("PartOfDomain") else ""


def _ups(told: Told) -> bool:
    """A UPS that is connected looks like a battery; a laptop's battery does too. One on the network cannot be seen."""
    machine = told.rows("computer")[0]
    if int(told.rows("battery")[0]) > 0 and machine.get("PCSystemType") != _LAPTOP:
        return True
    raise Undetermined("virtual" if virtual(told) else "not_measurable")


def virtual(told: Told) -> bool:
    """True if the computer is a virtual one by its model; Undetermined where that was not told."""
    machine = told.rows("computer")[0]
    return any(word in str(machine.get("Model", "")).lower() for word in _VIRTUAL)


def _printer(row: Any) -> Printer:
    sides = [row.get("HorizontalResolution"), row.get("VerticalResolution")]
    known_sides = [int(one) for one in sides if isinstance(one, int) and one > 0]
    dpi = known(min(known_sides)) if len(known_sides) == 2 else unknown("not_here")
    return Printer(name=str(row.get("Name") or "?")[:200], dpi=dpi)


def protection(told: Told) -> dict[str, Any]:
    """Firewall, virus scanners, updates that wait."""
    return {
        "firewall": told.fact("firewall", lambda rows: bool(rows) and all(row.get("On") for row in rows)),
        "antivirus": told.fact("antivirus", lambda rows: tuple(str(r.get("displayName")) for r in rows)),
        "updates_pending": told.fact("updates", lambda rows: int(rows[0])),
    }


def disk_facts(disk: Disk, told: Told, guarded: Told) -> dict[str, Any]:
    """Kind, health, wear and encryption of a drive with a letter."""
    letter = disk.volume[:1].upper()
    return {
        "kind": attempt(_kind, told, letter),
        "healthy": attempt(_healthy, told, letter),
        "worn": attempt(_worn, told, letter),
        "encrypted": attempt(_encrypted, guarded, letter),
    }


def _physical(told: Told, letter: str) -> Any:
    found = next((row for row in told.rows("disks") if str(row.get("Letter", "")).upper() == letter), None)
    if found is None:
        raise Undetermined("not_here")
    return found


def _kind(told: Told, letter: str) -> DiskKind:
    row = _physical(told, letter)
    kinds: dict[str, DiskKind] = {"SSD": "ssd", "SCM": "ssd", "HDD": "hdd", "4": "ssd", "3": "hdd"}
    if str(row.get("Bus", "")) in ("USB", "SD", "7", "12"):
        return "removable"
    found = kinds.get(str(row.get("Media", "")).upper())
    if found is None:  # the disk of a virtual machine is "Unspecified"
        raise Undetermined("virtual")
    return found


def _healthy(told: Told, letter: str) -> bool:
    word = str(_physical(told, letter).get("Health", ""))
    states = {"Healthy": True, "0": True, "Warning": False, "1": False, "Unhealthy": False, "2": False}
    if word not in states:
        raise Undetermined("not_here")
    return states[word]


def _worn(told: Told, letter: str) -> int:
    value = _physical(told, letter).get("Wear")
    if not isinstance(value, int):
        raise Undetermined("not_here")
    return value


def _encrypted(told: Told, letter: str) -> bool:
    rows = told.rows("bitlocker")
    found = next((row for row in rows if str(row.get("MountPoint", "")).upper().startswith(letter)), None)
    if found is None:
        raise Undetermined("not_here")
    return bool(found.get("On"))
