"""Settings of updates. All concern the installation."""

from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Scope, Setting

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

ACTIVE, ADDRESS, KEEP = "updates.active", "updates.url", "updates.keep"
STANDING, PUSH_MB = "updates.standing_order", "updates.push_mb"
STANDING_WORDS = ("none", "data", "all")
_LONGEST = 400


def is_folder(address: str) -> bool:
    """Is it the path of a folder (a USB stick, a share) and no address of the web?"""
    return PurePosixPath(address).is_absolute() or PureWindowsPath(address).is_absolute()


def _address(value: str) -> None:
    """Problem `settings.invalid` unless it is http(s)://… without user and query, an absolute path, or nothing."""
    try:
        parts = urlsplit(value)
        web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        good = web and not (parts.query or parts.fragment or "@" in parts.netloc or " " in value)
    except ValueError:
        good = False
    if value and not ((good or is_folder(value)) and value.isprintable()):
        raise Problem(
            "settings.invalid", 422, key=ADDRESS, reason="https://name/path, /folder", low=0, high=_LONGEST
        )


SETTINGS = (
    Setting(ACTIVE, bool, True, Scope.INSTALLATION),
    Setting(ADDRESS, str, "", Scope.INSTALLATION, high=_LONGEST, check=_address),
    Setting(KEEP, int, 3, Scope.INSTALLATION, low=1, high=20),
    Setting(STANDING, STANDING_WORDS, "none", Scope.INSTALLATION),
    Setting(PUSH_MB, int, 500, Scope.INSTALLATION, low=1, high=5_000, unit="megabytes"),
)


class Chosen(NamedTuple):
    """The settings in force. `keep`: files of an element that stay; `push_mb`: the most one push may carry, in MB."""

    active: bool
    address: str
    keep: int
    standing: str
    push_mb: int


def chosen(house: "House", tx: "Tx | None" = None) -> Chosen:
    """The settings, read in `tx` or in a read of their own."""
    if tx is None:
        with house.store.read(system("updates")) as own:
            return chosen(house, own)
    return Chosen(*(house.settings.get(tx, one.key) for one in SETTINGS))
