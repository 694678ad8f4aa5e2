"""What `praxisd care …` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor, Kind
from praxisd.kernel.service import Operation
from praxisd.services.care import checking, compacting, state
from praxisd.services.care.working import working_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
CLI = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)


def read(house: "House", args: Args) -> Args:
    """How the database is."""
    return _shown(house, args)


def check(house: "House", args: Args) -> Args:
    """Check now, with `full` in full; answers when it has ended."""
    level: checking.Level = "full" if args.get("full") else "quick"
    desk = working_of(house)
    desk.run(level, lambda: checking.check(house, CLI, level, lambda: desk.stopped))
    return _shown(house, args)


def compact(house: "House", args: Args) -> Args:
    """Compact now; answers when it has ended."""
    desk = working_of(house)
    desk.run("compact", lambda: compacting.compact(house, CLI, lambda: desk.stopped))
    return _shown(house, args)


def _shown(house: "House", args: Args) -> Args:
    found: Args = msgspec.to_builtins(state.shown(house, str(args.get("lang") or "de")))
    return found


OPERATIONS = (
    Operation("care.state", read, offline=True),
    Operation("care.check", check, offline=True),
    Operation("care.compact", compact, offline=True),
)
