"""HOME: founded once, then told what the guard must know: `guard.json`; and its first version, from this program."""

import importlib.util
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from praxisd_guard import layers, versions
from praxisd_guard.durable import discard, move, put, sync_tree
from praxisd_guard.package import Facts
from praxisd_guard.places import Places
from praxisd_guard.told import Told, found, keep_port, read

__all__ = ["PACKAGES", "Told", "adopt", "copy_program", "found", "keep_port", "program_here", "read"]

PACKAGES = ("praxisd", "praxisd_guard", "praxisd_relay")
"""What a version consists of."""


def adopt(home: Path, version: str | None = None, *, anew: bool = False) -> str:
    """Make a version from the program now running (its packages as they are imported here, the console included)
    with a layer that names this interpreter, and point at it unless a pointer is there already.

    Returns the version; one that is complete already stays as it is, unless it was adopted before and `anew` is asked for
    (the code may have changed under its number). OSError; LookupError without a praxisd here.
    """
    places = Places(home)
    places.make()
    source = program_here()
    name = version or _version_of(source / "praxisd")
    layer = layers.adopt(home)
    there = versions.complete(home, name)
    if there is None or (anew and not there.sha256):
        fresh = places.versions / f".new-{name}"
        discard(fresh)
        copy_program(fresh / "program", compiled=True)
        facts = Facts(name, layer.digest, datetime.now(UTC).date().isoformat())
        put(fresh / "package.json", facts.encoded())
        sync_tree(fresh)
        discard(places.version(name))
        move(fresh, places.version(name))
        versions.mark_complete(home, name, sha256="")
    if versions.pointer(home) is None:
        versions.point(home, name)
    return name


def program_here() -> Path:
    """The folder that holds the packages of the program now running. LookupError where there is no praxisd."""
    found = importlib.util.find_spec("praxisd")
    if found is None or not found.submodule_search_locations:
        raise LookupError("no praxisd in this interpreter")
    return Path(next(iter(found.submodule_search_locations))).parent


def copy_program(into: Path, *, compiled: bool = False) -> None:
    """Copy the packages of the program now running into a new folder; with `compiled` what Python compiled as well."""
    left_out = ("*.tmp",) if compiled else ("__pycache__", "*.pyc", "*.tmp")
    into.mkdir(mode=0o700, parents=True)
    for package in PACKAGES:
        found = importlib.util.find_spec(package)
        if found is None or not found.submodule_search_locations:
            raise LookupError(f"no {package} in {sys.executable}")
        source = Path(next(iter(found.submodule_search_locations)))
        shutil.copytree(source, into / package, ignore=shutil.ignore_patterns(*left_out))


def _version_of(package: Path) -> str:
    """The `__version__` in a package's source, read and not run."""
    for line in (package / "__init__.py").read_text(encoding="utf-8").splitlines():
        if line.startswith("__version__"):
            return line.split("=", 1)[1].strip().strip("\"'")
    raise LookupError(f"no __version__ in {package}")
