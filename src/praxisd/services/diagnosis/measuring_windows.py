"""What Windows tells of its computer: registry, services, PowerShell. Can be imported anywhere, and runs on Windows only."""

import contextlib
import ctypes
import platform
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import psutil  # type: ignore[import-untyped]

from praxisd.model.machine import Disk, ServiceFacts, ServiceState, known, unknown
from praxisd.services.diagnosis import measuring_network
from praxisd.services.diagnosis import measuring_powershell as shell
from praxisd.services.diagnosis import measuring_registry as registry
from praxisd.services.diagnosis.measuring_general import processor, volume_devices
from praxisd.services.diagnosis.measuring_probe import Probe, Undetermined, attempt

_NT = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_LANGUAGE = r"SYSTEM\CurrentControlSet\Control\Nls\Language"
_CPU = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
_DOTNET = r"SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full"
_RUNTIMES = r"SOFTWARE\dotnet\Setup\InstalledVersions\{}\sharedfx\Microsoft.NETCore.App"
_OFFICE = r"SOFTWARE\Microsoft\Office"
_SQL = r"SOFTWARE\Microsoft\Microsoft SQL Server"
_REMOTE = r"SYSTEM\CurrentControlSet\Control\Terminal Server"
_HOURS_6 = 21_600.0


class Hive:
    """Reads the registry; what is not there is empty. `wide`: the 64-bit view, else the 32-bit one."""

    def __init__(self) -> None:
        import winreg  # only Windows has it

        self._api: Any = winreg

    def values(self, path: str, wide: bool = True, root: str = "HKEY_LOCAL_MACHINE") -> dict[str, Any]:
        """All values of a key by name."""
        with self._open(path, wide, root) as key:
            count = self._api.QueryInfoKey(key)[1] if key is not None else 0
            return {name: value for name, value, _ in (self._api.EnumValue(key, i) for i in range(count))}

    def names(self, path: str, wide: bool = True, root: str = "HKEY_LOCAL_MACHINE") -> list[str]:
        """The names of a key's subkeys."""
        with self._open(path, wide, root) as key:
            count = self._api.QueryInfoKey(key)[0] if key is not None else 0
            return [self._api.EnumKey(key, i) for i in range(count)]

    @contextlib.contextmanager
    def _open(self, path: str, wide: bool, root: str) -> Iterator[Any]:
        api = self._api
        try:
            view = api.KEY_WOW64_64KEY if wide else api.KEY_WOW64_32KEY
            key = api.OpenKey(getattr(api, root), path, 0, api.KEY_READ | view)
        except FileNotFoundError:
            yield None
            return
        with key:
            yield key


def system() -> dict[str, Any]:
    """The system's name, edition and version; the processor."""
    hive = Hive()
    language = str(hive.values(_LANGUAGE).get("InstallLanguage", ""))
    chip = hive.values(_CPU)
    return {
        "os": registry.system_facts(hive.values(_NT), platform.machine(), language),
        "cpu": processor(str(chip.get("ProcessorNameString", "")).strip()),
    }


def memory() -> dict[str, Any]:
    """Memory as it is built in, by the firmware's own count."""
    kilobytes = ctypes.c_ulonglong()
    kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined]
    if not kernel.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes)):
        raise Undetermined("failed")
    return {"memory_gb": known(round(kilobytes.value / (1 << 20), 1))}


def programs() -> dict[str, Any]:
    """What is installed of that which practice software asks for."""
    hive = Hive()
    return {
        "dotnet": attempt(lambda: registry.dotnet_of(hive.values(_DOTNET).get("Release"))),
        "dotnet_runtimes": attempt(_runtimes, hive),
        "directx": attempt(
            lambda: registry.directx_of(hive.values(r"SOFTWARE\Microsoft\DirectX").get("Version", ""))
        ),
        "office": attempt(_office, hive),
        "sql": attempt(_sql, hive),
        "pdf_reader": attempt(_pdf, hive),
        "remote_access": attempt(lambda: hive.values(_REMOTE)["fDenyTSConnections"] == 0),
    }


def _runtimes(hive: Hive) -> tuple[str, ...]:
    # The installer writes below the 32-bit view whatever the program's width is.
    found = [name for width in ("x64", "x86") for name in hive.values(_RUNTIMES.format(width), wide=False)]
    return registry.runtimes_of(found)


def _office(hive: Hive) -> Any:
    configuration = hive.values(_OFFICE + r"\ClickToRun\Configuration")
    installed = {}
    for version in ("16.0", "15.0", "14.0", "12.0"):
        for wide in (True, False):
            if hive.values(rf"{_OFFICE}\{version}\Word\InstallRoot", wide).get("Path"):
                installed[version] = not wide
    return registry.office_of(configuration, installed)


def _sql(hive: Hive) -> Any:
    found: dict[str, str] = {}
    for wide in (True, False):
        for name, id_ in hive.values(_SQL + r"\Instance Names\SQL", wide).items():
            setup = hive.values(rf"{_SQL}\{id_}\Setup", wide)
            found.setdefault(name, str(setup.get("PatchLevel") or setup.get("Version") or ""))
    return registry.sql_of(found)


def _pdf(hive: Hive) -> str:
    here = hive.values(r".pdf", root="HKEY_CLASSES_ROOT")
    others = hive.values(r".pdf\OpenWithProgids", root="HKEY_CLASSES_ROOT")
    return next((str(one) for one in (here.get(""), *others) if one), "")


def services() -> dict[str, Any]:
    """All services of Windows. One that went away meanwhile, or may not be read, is left out."""
    states: dict[str, ServiceState] = {"running": "running", "stopped": "stopped"}
    found = []
    for one in psutil.win_service_iter():
        with contextlib.suppress(psutil.Error, OSError):
            display, state, command = one.display_name(), one.status(), one.binpath()
            program = registry.program_of(command or "")
            found.append(
                ServiceFacts(
                    name=one.name(), display=display, state=states.get(state, "other"), program=program
                )
            )
    return {"services": known(tuple(found))}


def disks() -> dict[str, Any]:
    """The drives; mapped ones of everybody who is signed in, for a service sees none of its own."""
    found = [disk for disk, _ in volume_devices()]
    told, guarded = _HARDWARE.told(_HOURS_6), _PROTECTION.told(_HOURS_6)
    local = [
        msgspec.structs.replace(one, **shell.disk_facts(one, told, guarded)) if not one.mapped.value else one
        for one in found
    ]
    letters = {one.volume[:1].upper() for one in found}
    return {"disks": known((*local, *(one for one in _mapped(Hive()) if one.volume[:1] not in letters)))}


def _mapped(hive: Hive) -> Iterator[Disk]:
    """What the signed-in people have mapped, as far as it may be read."""
    seen = set()
    users = attempt(hive.names, "", True, "HKEY_USERS").value or []
    for user in users:
        for letter in attempt(hive.names, rf"{user}\Network", True, "HKEY_USERS").value or []:
            values = attempt(hive.values, rf"{user}\Network\{letter}", True, "HKEY_USERS").value or {}
            target = str(values.get("RemotePath", ""))
            if letter.upper() not in seen:
                seen.add(letter.upper())
                yield Disk(
                    volume=f"{letter.upper()}:\\",
                    system=known(False),
                    kind=known("network"),
                    mapped=known(True),
                    target=known(target) if target else unknown("failed"),
                )


class _Shell:
    """What PowerShell said last. The drives are looked at each minute, PowerShell is not asked for them each time."""

    def __init__(self, questions: Mapping[str, str]) -> None:
        self._questions = questions
        self._lock = threading.Lock()
        self._said: tuple[float, shell.Told] | None = None

    def told(self, keep_s: float) -> shell.Told:
        """The answers, at most so old; if some are missing, they are asked for again soon.

        Who comes while another asks waits for those answers.
        """
        with self._lock:
            if self._said is not None:
                at, said = self._said
                keep = keep_s if said.complete(self._questions) else min(keep_s, _AGAIN_S)
                if time.monotonic() - at <= keep:
                    return said
            try:
                fresh = shell.Told(shell.ask(self._questions))
            except Undetermined as without:
                fresh = shell.Told("", without.why)
            self._said = (time.monotonic(), fresh)
            return fresh


_HARDWARE, _PROTECTION = _Shell(shell.HARDWARE), _Shell(shell.PROTECTION)
_NETWORK = _Shell(measuring_network.QUESTIONS)
_JUST_S, _AGAIN_S = 60.0, 300.0


def hardware() -> dict[str, Any]:
    """What PowerShell tells of the parts."""
    return shell.hardware(_HARDWARE.told(_JUST_S))


def network() -> dict[str, Any]:
    """What PowerShell tells of the network adapters."""
    return measuring_network.windows(_NETWORK.told(_JUST_S))


def protection() -> dict[str, Any]:
    """What PowerShell tells of firewall, scanners and updates."""
    return shell.protection(_PROTECTION.told(_JUST_S))


PROBES = (
    Probe("system", ("os", "cpu"), system, keep_s=600),
    Probe("installed", ("memory_gb",), memory, keep_s=600),
    Probe(
        "programs",
        ("dotnet", "dotnet_runtimes", "directx", "office", "sql", "pdf_reader", "remote_access"),
        programs,
        keep_s=600,
    ),
    Probe("services", ("services",), services),
    Probe("network", ("network",), network, keep_s=600, wait_s=20),
    Probe(
        "hardware",
        ("graphics", "screens", "domain", "usb", "ups", "printers"),
        hardware,
        keep_s=_HOURS_6,
        wait_s=20,
    ),
    Probe("protection", ("firewall", "antivirus", "updates_pending"), protection, keep_s=3_600, wait_s=1),
    Probe("disks", ("disks",), disks, wait_s=20),
)
