"""Install praxisd as a service, and take it away again. All that may refuse comes before anything is changed.

Each step may be done twice: an install that broke off is simply called again.
"""

from pathlib import Path

from praxisd.kernel.control import owning, server
from praxisd.kernel.errors import Problem
from praxisd.system import unit
from praxisd.system.machine import Machine, address_is_free
from praxisd.system.plan import NAMES, Plan
from praxisd_guard import home as homes
from praxisd_guard import told
from praxisd_guard.keeper_lock import guard_runs

_OF_A_DATA_FOLDER = ("praxisd.db", "run", "vault.key", "praxisd.toml")
_NEVER = frozenset(map(Path, ("/", "/etc", "/home", "/opt", "/root", "/srv", "/usr", "/var", "/var/lib")))
"""Folders that no service may own."""


def check(plan: Plan, machine: Machine) -> None:
    """Problems: `system.not_root` (403), `system.no_systemd`, `system.bad_name`, `system.home_not_empty`,
    `system.data_not_ours`, `system.foreign_unit`, `system.running`, `system.python_private`, `system.address_taken`,
    `control.folder_in_use` (409).
    """
    if not machine.is_root:
        raise Problem("system.not_root", 403)
    if not machine.has_systemd:
        raise Problem("system.no_systemd", 409)
    if not NAMES.fullmatch(plan.name) or not NAMES.fullmatch(plan.user) or plan.user == "root":
        raise Problem("system.bad_name", 409, name=plan.name, user=plan.user)
    if plan.python.startswith("/root/"):
        raise Problem("system.python_private", 409, python=plan.python)
    file = machine.unit(plan.name)
    if file.exists() and unit.folders(file.read_text(encoding="utf-8")) is None:
        raise Problem("system.foreign_unit", 409, file=str(file))
    if _holds(plan.home) and (told.read(plan.home) is None or plan.home in _NEVER):
        raise Problem("system.home_not_empty", 409, folder=str(plan.home))
    ours = not _holds(plan.data) or any((plan.data / one).exists() for one in _OF_A_DATA_FOLDER)
    if not ours or plan.data in _NEVER:
        raise Problem("system.data_not_ours", 409, folder=str(plan.data))
    if told.read(plan.home) is not None and guard_runs(plan.home):
        raise Problem("system.running", 409, name=plan.name)
    if server(plan.data) is not None:
        raise Problem("control.folder_in_use", 409, folder=str(plan.data))
    if plan.port and not address_is_free(plan.host, plan.port):
        raise Problem("system.address_taken", 409, host=plan.host, port=plan.port)


def _holds(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def prepare(plan: Plan, root: bytes | None) -> str:
    """HOME with this program as its first version; returns the version."""
    with owning(plan.data):
        homes.found(plan.home, plan.data, host=plan.host, port=plan.port, config=plan.config, root=root)
        return homes.adopt(plan.home, anew=True)


def install(plan: Plan, machine: Machine, root: bytes | None = None) -> str:
    """Check, prepare HOME, write the unit and start it; returns the version. Problems: those of `check`, `system.failed`."""
    check(plan, machine)
    machine.add_user(plan.user)
    version = prepare(plan, root)
    machine.give([plan.home, plan.data], plan.user)
    file = machine.unit(plan.name)
    file.write_text(unit.unit(plan), encoding="utf-8")
    file.chmod(0o644)
    machine.call("systemctl", "daemon-reload")
    machine.call("systemctl", "enable", "--now", f"{plan.name}.service")
    return version


def uninstall(name: str, machine: Machine) -> tuple[Path, Path]:
    """Stop the service and remove its definition; returns (home, data), which both stay.

    Problems: `system.not_root`, `system.no_systemd`, `system.not_installed` (404), `system.foreign_unit`, `system.failed`.
    """
    if not machine.is_root:
        raise Problem("system.not_root", 403)
    if not machine.has_systemd:
        raise Problem("system.no_systemd", 409)
    file = machine.unit(name)
    if not file.exists():
        raise Problem("system.not_installed", 404, name=name)
    found = unit.folders(file.read_text(encoding="utf-8"))
    if found is None:
        raise Problem("system.foreign_unit", 409, file=str(file))
    machine.call("systemctl", "disable", "--now", f"{name}.service")
    file.unlink()
    machine.call("systemctl", "daemon-reload")
    return found
