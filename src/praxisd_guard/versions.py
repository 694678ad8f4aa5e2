"""Versions side by side, and the pointer that says which one runs. The pointer is one small file replaced at once."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from praxisd_guard import layers
from praxisd_guard import package as packages
from praxisd_guard.durable import discard, put_json, read_json
from praxisd_guard.places import HOME_VARIABLE, Places, valid_version
from praxisd_guard.told import read as told_of


@dataclass(frozen=True)
class Pointer:
    """Which version runs, and which one did before."""

    version: str
    previous: str | None
    since: float
    """Epoch seconds."""


@dataclass(frozen=True)
class Version:
    """One unpacked program that is complete."""

    name: str
    sha256: str
    """Of its package; empty for one made from the running program."""
    at: float
    """Epoch seconds when it was complete."""
    layer: str
    """Digest of the libraries it runs on."""
    released: str


def pointer(home: Path) -> Pointer | None:
    """Which version runs, or None before the first one."""
    content = read_json(Places(home).pointer)
    if content is None or not isinstance(content.get("version"), str):
        return None
    previous = content.get("previous")
    return Pointer(
        content["version"], previous if isinstance(previous, str) else None, float(content.get("since", 0))
    )


def point(home: Path, version: str) -> Pointer:
    """Let the pointer name `version`; the one before is remembered. Nothing is written when it does already.

    ValueError for a version that is not complete: the pointer never names one that cannot run.
    """
    before = pointer(home)
    if before is not None and before.version == version:
        return before
    if complete(home, version) is None:
        raise ValueError(f"not complete: {version!r}")
    made = Pointer(version, None if before is None else before.version, time.time())
    put_json(Places(home).pointer, {"version": made.version, "previous": made.previous, "since": made.since})
    return made


def point_back(home: Path, version: str, previous: str | None) -> Pointer:
    """Let the pointer name `version` again as if the newer one had never been: `previous` is what it named before."""
    made = pointer(home)
    if made is None or (made.version, made.previous) != (version, previous):
        made = Pointer(version, previous, time.time())
        put_json(Places(home).pointer, {"version": version, "previous": previous, "since": made.since})
    return made


def complete(home: Path, version: str) -> Version | None:
    """What is known of one version, or None where it is not there or not complete."""
    if not valid_version(version):
        return None
    folder = Places(home).version(version)
    mark = read_json(folder / "complete.json")
    if mark is None:
        return None
    try:
        facts = packages.facts_of(folder)
    except packages.Unreadable:
        return None
    return Version(
        version, str(mark.get("sha256", "")), float(mark.get("at", 0)), facts.layer, facts.released
    )


def mark_complete(home: Path, version: str, sha256: str) -> None:
    """Say that all of a version's files are on the disk: the last thing that is written of it."""
    put_json(Places(home).version(version) / "complete.json", {"sha256": sha256, "at": time.time()})


def installed(home: Path) -> list[Version]:
    """All complete versions, in the order in which they came."""
    try:
        names = os.listdir(Places(home).versions)
    except FileNotFoundError:
        return []
    found = [complete(home, name) for name in names]
    return sorted((one for one in found if one is not None), key=lambda one: (one.at, one.name))


def prune(home: Path, also: tuple[str, ...] = ()) -> list[str]:
    """Remove all versions but the current and the previous one (and those in `also`), what was left half unpacked,
    and layers no version runs on. Returns the names of the removed versions.
    """
    here = pointer(home)
    if here is None:
        return []
    kept = {here.version, here.previous, *also}
    removed = []
    for path in sorted(Places(home).versions.iterdir()):
        if path.name not in kept:
            discard(path)
            if not path.name.startswith("."):
                removed.append(path.name)
    layers.prune(home, {one.layer for one in installed(home)})
    return removed


def python(home: Path, version: str) -> str | None:
    """The interpreter a version runs on, or None where its layer is missing."""
    found = complete(home, version)
    layer = None if found is None else layers.find(home, found.layer)
    return None if layer is None else layer.python


def environment(home: Path, version: str) -> dict[str, str]:
    """The environment a version's programs are run with: this one's, the version's code first, nothing compiled into it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "NOTIFY_SOCKET", "WATCHDOG_"))}
    return kept | {
        "PYTHONPATH": str(Places(home).program(version)),
        "PYTHONUTF8": "1",
        HOME_VARIABLE: str(home),
    }


def command(home: Path, version: str, fd: int | None, safe: bool = False) -> tuple[list[str], dict[str, str]]:
    """(arguments, environment) of a version's server. `fd`: the listening socket it inherits; None (Windows): it
    opens the address itself. LookupError where its layer or HOME's `guard.json` is missing.
    """
    told = told_of(home)
    if told is None:
        raise LookupError(f"no guard.json in {home}")
    line = [
        *_program(home, version),
        "serve",
        "--data",
        str(told.data),
        "--host",
        told.host,
        "--port",
        str(told.port),
    ]
    if fd is not None:
        line += ["--fd", str(fd)]
    if told.config is not None:
        line += ["--config", str(told.config)]
    return [*line, *(["--safe"] if safe else [])], environment(home, version)


def migrate_command(home: Path, version: str) -> tuple[list[str], dict[str, str]]:
    """(arguments, environment) of a version's `migrate --expand`. LookupError as `command`."""
    told = told_of(home)
    if told is None:
        raise LookupError(f"no guard.json in {home}")
    config = [] if told.config is None else ["--config", str(told.config)]
    line = [*_program(home, version), "migrate", "--expand", "--data", str(told.data), *config]
    return line, environment(home, version)


def _program(home: Path, version: str) -> list[str]:
    found = python(home, version)
    if found is None:
        raise LookupError(f"no libraries for {version}")
    return [found, "-P", "-m", "praxisd"]
