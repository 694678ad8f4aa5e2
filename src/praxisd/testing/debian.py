"""Programs of Debian that tests need: found, or installed where that is possible (as root, on Debian)."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path


class ProgramMissing(Exception):
    """Not there, and it cannot be installed here; the message names the package."""


def program(names: Sequence[str], package: str) -> Path:
    """Where one of these programs lies, after installing its package where that is possible. Raises ProgramMissing."""
    found = find(names)
    if found is None:
        install(package)
        found = find(names)
    if found is None:
        raise ProgramMissing(f"{names[0]} not found; install the package '{package}'")
    return found


def find(names: Sequence[str]) -> Path | None:
    """The first of these programs that is there; servers lie where a person's PATH does not always look."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    for name in names:
        where = shutil.which(name, path=path)
        if where:
            return Path(where)
    return None


def install(package: str) -> None:
    """Install a package, its services not started. Raises ProgramMissing."""
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        raise ProgramMissing(f"install the package '{package}'")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    lock = ("-o", "DPkg::Lock::Timeout=120")  # another worker of the suite may be installing now
    for args in (["update", "-q"], ["install", *lock, "-q", "-y", "--no-install-recommends", package]):
        done = subprocess.run(["apt-get", *args], env=env, capture_output=True, text=True)
        if done.returncode:
            tail = (done.stderr or done.stdout).strip()[-500:]
            raise ProgramMissing(f"apt-get {args[0]} failed; install the package '{package}': {tail}")
