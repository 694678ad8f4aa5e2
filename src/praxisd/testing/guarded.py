"""Homes and versions for tests of the guard: small scripts instead of whole programs (`guarded_script.py`).

script_home(home, data)                       a HOME that runs version 1.0, a good one
script_version(home, "1.1", "sick")           one more version, unpacked and complete
script_package(folder, home, "1.1", "exits")  the same as a package, not signed
"""

import json
import shutil
import sys
from pathlib import Path

from praxisd_guard import home as homes
from praxisd_guard import layers, package, versions
from praxisd_guard.durable import put_json
from praxisd_guard.orders import Order, order
from praxisd_guard.places import Places

SCRIPT = Path(__file__).with_name("guarded_script.py")
RELEASED = "2026-11-01"


def script_home(
    home: Path, data: Path, version: str = "1.0", *, port: int = 0, limits: dict[str, float] | None = None
) -> Places:
    """Found a HOME whose pointer names a good script `version`."""
    data.mkdir(parents=True, exist_ok=True)
    homes.found(home, data, port=port, limits=limits)
    script_version(home, version)
    versions.point(home, version)
    return Places(home)


DIGEST = layers.digest_of([("nothing", "0")])


def script_layer(home: Path) -> str:
    """The digest of a layer that names the interpreter below this environment: it starts sooner than ours."""
    if layers.find(home, DIGEST) is None:
        below = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}"
        python = below if below.exists() else Path(sys.executable)
        folder = Places(home).layers / DIGEST[:16]
        folder.mkdir(parents=True, exist_ok=True)
        put_json(folder / "layer.json", {"python": str(python), "digest": DIGEST})
    return DIGEST


def script_program(folder: Path, version: str, behaviour: str = "good") -> Path:
    """Write the packages of a script version into `folder`, which is made anew, and return it."""
    inner = folder / "praxisd"
    shutil.rmtree(folder, ignore_errors=True)
    inner.mkdir(parents=True)
    (inner / "__init__.py").write_text(f'__version__ = "{version}"\n')
    shutil.copyfile(SCRIPT, inner / "__main__.py")
    (inner / "script.json").write_text(json.dumps({"version": version, "behaviour": behaviour}))
    return folder


def script_version(home: Path, version: str, behaviour: str = "good") -> str:
    """Put a complete version into HOME, without packing it."""
    facts = package.Facts(version, script_layer(home), RELEASED)
    folder = Places(home).version(version)
    script_program(folder / "program", version, behaviour)
    (folder / "package.json").write_bytes(facts.encoded())
    versions.mark_complete(home, version, sha256="")
    return version


def script_package(
    folder: Path, home: Path, version: str, behaviour: str = "good", *, layer: str | None = None
) -> Path:
    """Pack a version into `folder/praxisd-<version>.zip`, for the libraries of `home` unless a digest is given."""
    facts = package.Facts(version, layer or script_layer(home), RELEASED)
    program = script_program(folder / f"program-{version}", version, behaviour)
    out = folder / f"praxisd-{version}.zip"
    package.pack(program, out, facts)
    return out


def install_order(file: Path, version: str, **more: float) -> Order:
    """The order to install a package, as the updates service gives it; `seen` is the package's folder."""
    target = f"software/praxisd/praxisd-{version}.zip"
    return order(
        "install",
        "owner",
        "person",
        version=version,
        package=str(file),
        target=target,
        seen=str(file.parent),
        **more,
    )


def anything(_home: Path, _order: Order, _file: Path) -> None:
    """In place of the guard's trust where a test is not about trust."""
