"""What `praxisd move …` does, in the server or under the folder's lock. JSON in and out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor, Kind
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.kernel.texts import FIRST
from praxisd.services.backups.moving import arrival, leaving, returning, sheet, steps, view

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
_WHO = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)


def out(house: "House", args: Args) -> Args:
    """Move out to `to`. A running server begins and answers at once; without one it is done when this answers."""
    to = Path(str(args.get("to")))
    if "worker" in house.shared:
        leaving.begin(house, to, _WHO)
    else:
        leaving.check(house, to)
        leaving.leave(house, to, _WHO, leaving.Way(str(to), house.clock.now()))
    return status(house, args)


def undo(house: "House", args: Args) -> Args:
    """Come back; `sure`: a person says that the new server has never worked and never will."""
    returning.undo(house, _WHO, sure=args.get("sure") is True)
    return status(house, args)


def arrive(house: "House", args: Args) -> Args:
    """Note that this folder was filled from a copy; `told`: what its ticket says."""
    told = args.get("told")
    arrival.arrive(house, _WHO, told if isinstance(told, dict) else {})
    return status(house, args)


def status(house: "House", args: Args) -> Args:
    """How a move stands, in the language `lang`."""
    found: Args = msgspec.to_builtins(view.out(house, str(args.get("lang") or FIRST)))
    return found


def tick(house: "House", args: Args) -> Args:
    """Tick `step`, or with `done` false open it again."""
    steps.tick(house, _WHO, str(args.get("step")), done=args.get("done") is not False, by="cli")
    return status(house, args)


def paper(house: "House", args: Args) -> Args:
    """The list as PDF in the file `file`. Problem `backups.move_none` (409) where nothing has moved in."""
    made = sheet.paper(house, _WHO, str(args.get("lang") or FIRST))
    if made is None:
        raise Problem(returning.NOT_MOVED, 409)
    path = Path(str(args.get("file")))
    if not path.is_absolute():
        raise Problem("control.bad_arguments", 400, detail="file")
    path.write_bytes(made.pdf())
    return {"file": str(path)}


OPERATIONS = (
    Operation("backups.move_out", out, offline=True),
    Operation("backups.move_undo", undo, offline=True),
    Operation("backups.move_arrive", arrive, offline=True),
    Operation("backups.move_status", status, offline=True),
    Operation("backups.move_tick", tick, offline=True),
    Operation("backups.move_paper", paper, offline=True),
)
