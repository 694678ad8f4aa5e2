"""This computer as far as a service needs it: who we are, systemd, users, the owner of files."""

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from praxisd.kernel.errors import Problem
from praxisd.system.unit import FOLDER


@dataclass(frozen=True)
class Machine:
    """The parts tests put in place of the real ones. `units`: where systemd looks for units."""

    units: Path = FOLDER
    alive: Path = Path("/run/systemd/system")
    """There while systemd runs this computer (sd_booted(3))."""
    windows: bool = os.name == "nt"

    def unit(self, name: str) -> Path:
        """The file of a service."""
        return self.units / f"{name}.service"

    @property
    def is_root(self) -> bool:
        """May we change the operating system?"""
        return hasattr(os, "geteuid") and os.geteuid() == 0

    @property
    def has_systemd(self) -> bool:
        """Is it systemd that runs this computer?"""
        return self.alive.is_dir() and shutil.which("systemctl") is not None

    def call(self, *line: str) -> None:
        """Run a program of the system to its end; Problem `system.failed` (500) with its own words if it fails."""
        try:
            done = subprocess.run(line, capture_output=True, text=True, timeout=120)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Problem("system.failed", 500, command=line[0], said=type(error).__name__) from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-300:]
            raise Problem("system.failed", 500, command=" ".join(line[:3]), said=said)

    def add_user(self, name: str) -> None:
        """A user of the system without a password and a home of its own, unless there is one of this name."""
        import pwd

        try:
            pwd.getpwnam(name)
        except KeyError:
            self.call(
                "useradd",
                "--system",
                "--user-group",
                "--no-create-home",
                "--shell",
                "/usr/sbin/nologin",
                name,
            )

    def give(self, folders: Sequence[Path], user: str) -> None:
        """Make a user the owner of folders and of all they hold; links are not followed."""
        import pwd

        found = pwd.getpwnam(user)
        for folder in folders:
            os.chown(folder, found.pw_uid, found.pw_gid)
            for top, names, files in os.walk(folder):
                for one in (*names, *files):
                    os.chown(Path(top) / one, found.pw_uid, found.pw_gid, follow_symlinks=False)


def address_is_free(host: str, port: int) -> bool:
    """False if somebody listens there, or the address is none of this computer."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
            sock.listen(1)
    except OSError:
        return False
    return True
