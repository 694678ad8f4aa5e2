"""What updates know of the guard that runs this server, and of which version that is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from praxisd import __version__

if TYPE_CHECKING:
    from praxisd.kernel.app import House


@dataclass(frozen=True, slots=True)
class Known:
    """The guard's own words: its state, the version it runs, and the one before."""

    present: bool
    state: str | None = None
    version: str | None = None
    previous: str | None = None


def guard(house: "House") -> Any:
    """`House.guard`: the guard that started this server, or None."""
    return getattr(house, "guard", None)


def known(house: "House") -> Known:
    """What the guard says of itself; where its files cannot be read, only that it is there."""
    found = guard(house)
    if found is None:
        return Known(False)
    from praxisd_guard import versions

    try:
        state = found.state()
        pointer = versions.pointer(found.home)
    except (OSError, ValueError):
        return Known(True)
    named = getattr(state, "state", None) if not isinstance(state, dict) else state.get("state")
    return Known(
        True,
        None if named is None else str(named),
        None if pointer is None else str(pointer.version),
        None if pointer is None or pointer.previous is None else str(pointer.previous),
    )


def running_version(house: "House") -> str:
    """The version of praxisd that runs: the guard's name for it, else the program's own."""
    return known(house).version or __version__
