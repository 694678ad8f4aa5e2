"""A package of this very program, under the version that its publisher gives it."""

import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from praxisd.kernel.errors import Problem
from praxisd_guard import home, layers, package
from praxisd_guard.places import valid_version

_VERSION = re.compile(r'^__version__ = ".*"$', re.MULTILINE)


def build(
    version: str,
    out: Path,
    released: str,
    wheels: Path | None = None,
    change: Callable[[Path], None] | None = None,
) -> str:
    """Pack the program now running as `version` into `out`; its SHA-256. `change` may alter the copy before.

    `wheels`: a folder with the complete set of its libraries; without one it runs only where the libraries of this
    interpreter are installed. Problems: `updates.publish_version_invalid`, `…_no_program`, `…_no_wheels`.
    """
    if not valid_version(version):
        raise Problem("updates.publish_version_invalid", 400, version=version)
    with tempfile.TemporaryDirectory(prefix="praxisd-build-") as work:
        program = copy(Path(work) / "program")
        rename(program, version)
        if change is not None:
            change(program)
        return pack(program, version, out, released, wheels)


def copy(into: Path) -> Path:
    """The packages of the program now running, in a new folder."""
    try:
        home.copy_program(into)
    except LookupError as error:
        raise Problem("updates.publish_no_program", 500, why=str(error)) from None
    return into


def rename(program: Path, version: str) -> None:
    """Let a copy say that it is `version`."""
    file = program / "praxisd" / "__init__.py"
    text, count = _VERSION.subn(f'__version__ = "{version}"', file.read_text(encoding="utf-8"))
    if count != 1:
        raise Problem("updates.publish_no_program", 500, why="__version__")
    file.write_text(text, encoding="utf-8")


def pack(program: Path, version: str, out: Path, released: str, wheels: Path | None = None) -> str:
    """Pack a copy; written beside and renamed, so that `out` is whole or not there."""
    if wheels is None:
        digest = layers.digest_here()
    else:
        found = [one.name.split("-")[:2] for one in sorted(wheels.glob("*.whl"))]
        if not found:
            raise Problem("updates.publish_no_wheels", 400, path=str(wheels))
        digest = layers.digest_of((name, number) for name, number in found)
    beside = out.with_name(f".new-{out.name}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        found_sha = package.pack(program, beside, package.Facts(version, digest, released), wheels)
        beside.replace(out)
    except OSError as error:
        raise Problem("updates.publish_unwritable", 500, path=str(out), why=error.strerror or "-") from None
    finally:
        with suppress(OSError):
            beside.unlink()
    return found_sha
