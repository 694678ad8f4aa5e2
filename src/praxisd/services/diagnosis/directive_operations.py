"""What `praxisd directive …` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.kernel.texts import FIRST
from praxisd.services.diagnosis.directive_routes import DirectiveItemIn, DirectiveSizeIn
from praxisd.services.diagnosis.directive_view import Words, keep, keep_size, sheet

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]


def listed(house: "House", args: Args) -> Args:
    """The checklist of the practice in the language `lang`."""
    words = Words(house, str(args.get("lang") or FIRST))
    found: Args = msgspec.to_builtins(words.all(sheet(house, actor(house, args))))
    return found


def size(house: "House", args: Args) -> Args:
    """Keep `size` and `large_devices`; answers the list."""
    body = _body(
        {"size": args.get("size"), "largeDevices": args.get("large_devices", False)}, DirectiveSizeIn
    )
    house.store.run(actor(house, args), lambda tx: keep_size(tx, body.size, body.large_devices))
    return listed(house, args)


def put(house: "House", args: Args) -> Args:
    """Keep what is said of `item`: `state`, `person`, `note`, `due`; answers the item."""
    given: Args = {name: args[name] for name in ("state", "person", "note", "due") if name in args}
    body, id_ = _body(given, DirectiveItemIn), str(args.get("item"))
    who, due = actor(house, args), body.due
    house.store.run(who, lambda tx: keep(house, tx, id_, body.state, body.person, body.note, due))
    found = [one for one in listed(house, args)["items"] if one["id"] == id_]
    return {"items": found}


def _body(given: Args, kind: Any) -> Any:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise Problem("control.bad_arguments", 400, detail=str(error)) from None


OPERATIONS = (
    Operation("diagnosis.directive_list", listed, offline=True),
    Operation("diagnosis.directive_size", size, offline=True),
    Operation("diagnosis.directive_set", put, offline=True),
)
