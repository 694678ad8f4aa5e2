"""What a service of the operating system is to be: names, folders, address, and the program that is started."""

import re
from dataclasses import dataclass
from pathlib import Path

NAME, USER = "praxisd", "praxisd"
HOME, DATA = Path("/opt/praxisd"), Path("/var/lib/praxisd")
NAMES = re.compile(r"[a-z][a-z0-9_-]{0,30}")
"""Of a service and of its user."""
_PRIVATE = ("/home", "/root", "/run/user")


@dataclass(frozen=True)
class Plan:
    """One service. `home` is the guard's, `data` the practice's; `python` the interpreter that has praxisd."""

    name: str
    user: str
    home: Path
    data: Path
    host: str
    port: int
    python: str
    config: Path | None = None

    @property
    def line(self) -> tuple[str, ...]:
        """What is started: the guard, which starts the server."""
        return (self.python, "-P", "-m", "praxisd_guard", "run", "--home", str(self.home))

    @property
    def low_port(self) -> bool:
        """True for a port that ordinary users may not open."""
        return 0 < self.port < 1024

    @property
    def in_private_folders(self) -> bool:
        """True if something of it lies where people keep what is theirs."""
        paths = [str(one.absolute()) for one in (self.home, self.data, Path(self.python))]
        return any(one == top or one.startswith(top + "/") for one in paths for top in _PRIVATE)
