"""What updates know of the guard that runs this server, and of which version that is."""

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from praxisd import __version__
from praxisd_guard import versions

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.guarded import Guarded


@dataclass(frozen=True, slots=True)
class Known:
    """The guard's own words: its state, the version it runs, and the one before."""

    present: bool
    state: str | None = None
    version: str | None = None
    previous: str | None = None


def guard(house: "House") -> "Guarded | None":
    """The guard that started this server, or None."""
    return house.guard


def known(house: "House") -> Known:
    """What the guard says of itself; where its files cannot be read, only that it is there."""
    found = guard(house)
    if found is None:
        return Known(False)
    try:
        state, pointer = found.state().get("state"), versions.pointer(found.home)
    except (OSError, ValueError):
        return Known(True)
    return Known(
        True,
        None if state is None else str(state),
        None if pointer is None else pointer.version,
        None if pointer is None else pointer.previous,
    )


def running_version(house: "House") -> str:
    """The version of praxisd that runs: the guard's name for it, else the program's own."""
    return known(house).version or __version__


def place(house: "House") -> str:
    """Who works on an order: this computer, with the guard's folder, whose journal tells how it ends; without a guard the
    data folder. Either has one server at a time.
    """
    found = guard(house)
    return f"{socket.gethostname()}:{(house.folder if found is None else found.home).resolve()}"
