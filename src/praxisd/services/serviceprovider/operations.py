"""What `praxisd serviceprovider …` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor, Kind
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.services.serviceprovider import installing, looking, repairing, view

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
CLI = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)


def _text(args: Args, name: str) -> str:
    found = args.get(name)
    if not isinstance(found, str) or not found:
        raise Problem("control.bad_arguments", 400)
    return found


def status(house: "House", args: Args) -> Args:
    """All of them, looked at now."""
    lang = str(args.get("lang") or "de")
    found = [view.shown(house.texts, one, lang) for one in looking.look(house)]
    return {"providers": msgspec.to_builtins(found)}


def repair(house: "House", args: Args) -> Args:
    """Mend one code of one software."""
    done: Args = msgspec.to_builtins(
        repairing.repair(house, CLI, _text(args, "software"), _text(args, "code"))
    )
    return done


def install(house: "House", args: Args) -> Args:
    """Make praxisd the provider of one software."""
    software, folder = _text(args, "software"), _text(args, "dataFolder")
    done: Args = msgspec.to_builtins(
        installing.install(house, CLI, software, folder, args.get("replace") is True)
    )
    return done


OPERATIONS = (
    Operation("serviceprovider.status", status, offline=True),
    Operation("serviceprovider.repair", repair, offline=True),
    Operation("serviceprovider.install", install),
)
