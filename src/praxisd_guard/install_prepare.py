"""Before anything is stopped: the package is copied, verified, looked at, unpacked and given its libraries.

What fails here is `Refused`, and nothing of it stays. The guard judges its own copy, so that the file it verified is
the file it unpacks.
"""

import errno
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from praxisd_guard import layers, package, package_read, versions
from praxisd_guard.durable import discard, move
from praxisd_guard.orders import Order
from praxisd_guard.places import Places

Verify = Callable[[Path, Order, Path], None]
"""`verify(home, order, file)`: Refused unless `file` is what `order.target` is signed as."""
MARGIN = 32 * 1024 * 1024
"""So much stays free beside what is unpacked. Bytes."""
COMPILE_S = 120
_COMPILE = "import compileall,os,sys; hasattr(os, 'nice') and os.nice(5); compileall.compile_dir(sys.argv[1], quiet=2)"
"""The server that still answers goes first, but on a busy machine too the new version is ready in seconds, not minutes."""


class Refused(Exception):
    """The order is not carried out and nothing was stopped; `code` has a text, `detail` is for a technician.

    `fault` is the trust layer's own code (`updates.frozen`) where it objected: the server decides by it whether the file is
    worthless or may be good later.
    """

    def __init__(self, code: str, detail: str = "", fault: str | None = None) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.fault = fault


def refusal(error: OSError) -> Refused:
    """What a failing disk means: full, not writable, or else."""
    detail = f"{error.strerror or error}: {error.filename or ''}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Refused("guard.no_space", detail)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return Refused("guard.read_only", detail)
    return Refused("guard.disk", detail)


def copied(home: Path, order: Order) -> Path:
    """The guard's own copy of the order's package. Refused: missing, too long, no room."""
    places = Places(home)
    places.incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = Path(order.package or "")
    try:
        size = source.stat().st_size
    except OSError as error:
        raise Refused("guard.package_unreadable", f"{source}: {error.strerror}") from None
    if size > package_read.MOST_BYTES:
        raise Refused("guard.package_unreadable", f"{size} bytes")
    enough(home, size)
    copy = places.incoming / f"{order.id}.zip"
    shutil.copyfile(source, copy)
    return copy


def judged(home: Path, order: Order, copy: Path, verify: Verify) -> package.Facts:
    """The facts of a package that is signed, in order, and has all it needs to run here; Refused."""
    verify(home, order, copy)
    try:
        facts = package_read.read(copy)
    except package.Unreadable as error:
        raise Refused("guard.package_unreadable", str(error)) from None
    if facts.version != order.version:
        raise Refused("guard.package_unreadable", f"{facts.version} in a package ordered as {order.version}")
    needed = re.fullmatch(r">=(\d+)\.(\d+)", facts.python)
    if needed is None or sys.version_info[:2] < (int(needed[1]), int(needed[2])):
        raise Refused(
            "guard.python_too_old", f"{facts.python}, here {sys.version_info[0]}.{sys.version_info[1]}"
        )
    if layers.find(home, facts.layer) is None and not package_read.has_wheels(copy):
        raise Refused("guard.layer_missing", facts.layer[:12])
    return facts


def unpacked(home: Path, order: Order, copy: Path, facts: package.Facts, sha256: str) -> None:
    """Put the version into its place, complete, with a layer to run on; Refused. Once it is there, nothing happens."""
    there = versions.complete(home, facts.version)
    if there is None or there.sha256 != sha256:
        _place(home, order, copy, facts)
        versions.mark_complete(home, facts.version, sha256)
    copy.unlink(missing_ok=True)


def _place(home: Path, order: Order, copy: Path, facts: package.Facts) -> None:
    places = Places(home)
    fresh = places.versions / f".new-{order.id}"
    discard(fresh)
    try:
        enough(home, package_read.size(copy))
        package_read.unpack(copy, fresh)
    except package.Unreadable as error:
        raise Refused("guard.package_unreadable", str(error)) from None
    layer = layers.find(home, facts.layer)
    if layer is None:
        try:
            layer = layers.make(home, facts.layer, fresh / "wheels", fresh / "requirements.txt")
        except layers.Failed as error:
            raise Refused("guard.layer_failed", str(error)) from None
    discard(fresh / "wheels")
    compile_program(layer.python, fresh / "program")
    discard(places.version(facts.version))
    move(fresh, places.version(facts.version))


def compile_program(python: str, program: Path) -> None:
    """Compile a program's modules before it is needed: its first start, with the practice waiting, takes half the time.

    A failure is none of the update: a module that cannot be compiled shows when it is started.
    """
    line = [python, "-P", "-c", _COMPILE, str(program)]
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(line, capture_output=True, timeout=COMPILE_S, stdin=subprocess.DEVNULL, check=False)  # noqa: S603


def enough(home: Path, size: int) -> None:
    """Refused `guard.no_space` where the disk of HOME has not `size` bytes and a margin left."""
    free = shutil.disk_usage(home).free
    if free < size + MARGIN:
        raise Refused("guard.no_space", f"{size + MARGIN} bytes needed, {free} free")


def clear(home: Path) -> None:
    """Remove what no order needs any more: copies, half unpacked folders, all versions but the current and the previous
    one. What cannot be removed now is removed the next time.
    """
    places = Places(home)
    with suppress(OSError):
        for path in [*places.incoming.glob("*"), *places.orders.glob("*.go")]:
            discard(path)
        versions.prune(home)
