"""What lies where in HOME, the program's folder; and which words may become names of files there."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from praxisd_guard.durable import read_json

HOME_VARIABLE = "PRAXISD_HOME"
"""Set for every program the guard starts: the HOME it was started from."""

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")
_ORDER = re.compile(r"[0-9a-z]{26}")


def valid_version(text: str) -> bool:
    """True for what may be the name of a version: 1 to 64 letters, digits and `.+_-`, the first no sign."""
    return _VERSION.fullmatch(text) is not None and ".." not in text and not text.endswith(".")


def valid_order(text: str) -> bool:
    """True for an order's id: 26 small letters and digits."""
    return _ORDER.fullmatch(text) is not None


@dataclass(frozen=True)
class Places:
    """The paths of one HOME."""

    home: Path

    @property
    def settings(self) -> Path:
        """What the guard is told: data folder, address, limits."""
        return self.home / "guard.json"

    @property
    def root(self) -> Path:
        """The trusted TUF root, the first trust; may be missing: then nothing can be installed."""
        return self.home / "root.json"

    @property
    def trust(self) -> Path:
        """The guard's own TUF metadata."""
        return self.home / "trust"

    @property
    def pointer(self) -> Path:
        """Which version runs."""
        return self.home / "current.json"

    @property
    def versions(self) -> Path:
        """One folder per unpacked program."""
        return self.home / "versions"

    @property
    def layers(self) -> Path:
        """One folder per set of libraries."""
        return self.home / "layers"

    @property
    def orders(self) -> Path:
        """Where the server leaves orders."""
        return self.home / "orders"

    @property
    def incoming(self) -> Path:
        """The guard's own copy of a package, taken before it is judged."""
        return self.home / "incoming"

    @property
    def journal(self) -> Path:
        """What the guard did, line by line."""
        return self.home / "journal.jsonl"

    @property
    def reserve(self) -> Path:
        """A little space that is given up when the disk is full, so that the journal can say so."""
        return self.home / "reserve"

    @property
    def state(self) -> Path:
        """What the guard does now."""
        return self.home / "state.json"

    @property
    def start(self) -> Path:
        """Why the server was started, for the server."""
        return self.home / "start.json"

    @property
    def floor_code(self) -> Path:
        """The code of the guard's own page (0600)."""
        return self.home / "floor-code"

    @property
    def logs(self) -> Path:
        """What servers wrote."""
        return self.home / "logs"

    def version(self, name: str) -> Path:
        """The folder of one version; ValueError for a name that may not be one."""
        if not valid_version(name):
            raise ValueError(f"not a version: {name!r}")
        return self.versions / name

    def program(self, name: str) -> Path:
        """The folder with the packages of one version: what PYTHONPATH names."""
        return self.version(name) / "program"

    def order(self, order_id: str) -> Path:
        """The file of one order; ValueError for what is no id of an order."""
        if not valid_order(order_id):
            raise ValueError(f"not an order: {order_id!r}")
        return self.orders / f"{order_id}.json"

    def make(self) -> None:
        """Make the folders that are missing, readable by their owner only."""
        for folder in (
            self.home,
            self.versions,
            self.layers,
            self.orders,
            self.incoming,
            self.trust,
            self.logs,
        ):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def home_of_environment() -> Path | None:
    """The HOME this program was started from by a guard, or None."""
    found = os.environ.get(HOME_VARIABLE, "")
    return Path(found) if found else None


def standin_command(home: Path) -> list[str] | None:
    """The program that holds the relay's link while no server runs, or None where none is needed now.

    It is needed while `DIR/run/standin.json` lies there: the server writes that file while it is linked. The
    program comes from the version the pointer names (`versions.environment` is what it is run with).
    """
    from praxisd_guard import told as tellings  # these two stand on this module
    from praxisd_guard import versions

    told = tellings.read(home)
    here = versions.pointer(home)
    if told is None or here is None:
        return None
    note = told.data / "run" / "standin.json"
    python = versions.python(home, here.version)
    program = Places(home).program(here.version) / "praxisd_relay" / "standin.py"
    if python is None or read_json(note) is None or not program.is_file():
        return None
    return [python, "-P", "-m", "praxisd_relay.standin", str(note)]
