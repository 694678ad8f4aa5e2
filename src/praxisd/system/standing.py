"""How a service is: running, stopped, not installed; and what a person must be able to name on the telephone (SPEC 7.1)."""

import os
import socket
from pathlib import Path
from typing import Any

from praxisd.kernel import control, plugin_places
from praxisd.kernel.config import load
from praxisd.kernel.errors import Problem
from praxisd.kernel.installation import addresses
from praxisd.system import unit
from praxisd.system.machine import Machine
from praxisd_guard import told, versions
from praxisd_guard.keeper_lock import guard_runs
from praxisd_guard.keeper_state import read_state

NOT_INSTALLED, STOPPED, RUNNING = "not_installed", "stopped", "running"
CODES = {NOT_INSTALLED: 3, STOPPED: 3, "safe": 1, "floor": 1}
"""Exit codes (SPEC 14.3): 0 running (also while it starts or updates), 1 it needs a person, 3 stopped or not installed."""


def standing(name: str, home: Path, data: Path, machine: Machine) -> dict[str, Any]:
    """Facts of the service `name`; `home` and `data` count where its definition names none.

    `installed`: the operating system knows it. A guard that was started by hand runs all the same.
    """
    file = machine.unit(name)
    installed = False
    if file.is_file():
        found = unit.folders(file.read_text(encoding="utf-8"))
        if found is not None:
            installed, (home, data) = True, found
    says = told.read(home)
    data = data if says is None else says.data
    runs = says is not None and guard_runs(home)
    state = read_state(home) if runs else None
    here = versions.pointer(home)
    facts: dict[str, Any] = {
        "name": name,
        "installed": installed,
        "state": _state(installed, runs, None if state is None else state.state),
        "instance": _instance(data, None if says is None else says.config),
        "version": None if here is None else here.version,
        "host": socket.gethostname(),
        "addresses": addresses(),
        "port": None if says is None else says.port,
        "home": str(home),
        "data": str(data),
        "plugins": _plugins(data),
    }
    return facts | _from_server(data)


def _state(installed: bool, runs: bool, state: str | None) -> str:
    if runs:
        return state or RUNNING
    return STOPPED if installed else NOT_INSTALLED


def _instance(data: Path, config: Path | None) -> str | None:
    try:
        return load(config, data).instance
    except (Problem, OSError):
        return None  # an unreadable configuration keeps nobody from seeing the rest


def _plugins(data: Path) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "version": one.version,
            "on": one.off is None,
            "packaged": False,
            "reason": None if one.off is None else one.off.reason,
        }
        for one in plugin_places.places(data)
    ]


def _from_server(data: Path) -> dict[str, Any]:
    """What only the running server knows: the plug-ins that are loaded, the version that answers."""
    found = control.server(data) if os.access(data / "run" / "control.json", os.R_OK) else None
    if found is None:
        return {}
    try:
        said = control.ask(found, "kernel.installation", {})
    except Problem:
        return {}
    return {key: said[key] for key in ("instance", "version", "plugins") if key in said}
