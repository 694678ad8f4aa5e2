"""What `praxisd backup keys …` does, in the server or under the folder's lock. JSON in and out."""

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.kernel.texts import FIRST
from praxisd.services.backups.keys import changing, sheet, view

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]


def listed(house: "House", args: Args) -> Args:
    """As `GET /backups/keys`."""
    with house.store.read(actor(house, args)) as tx:
        found: Args = msgspec.to_builtins(view.shown(house, tx, _lang(args)))
    return found


def change(house: "House", args: Args) -> Args:
    """Make `what` ("password" or "recovery") anew; `chosen` is a person's own. `{"keys", "reached"}`."""
    what, chosen = args.get("what"), args.get("chosen", "")
    if what not in ("password", "recovery") or not isinstance(chosen, str) or (chosen and what != "password"):
        raise Problem("control.bad_arguments", 400, detail="what, chosen")
    reached = changing.change(house, actor(house, args), what, chosen)
    return {"keys": listed(house, args), "reached": msgspec.to_builtins(reached)}


def opened(house: "House", args: Args) -> Args:
    """Open `medium` (its id or its label) by the `secret` a person typed; answers as `listed`."""
    medium, secret = args.get("medium"), args.get("secret")
    if not isinstance(medium, str) or not isinstance(secret, str) or not secret:
        raise Problem("control.bad_arguments", 400, detail="medium, secret")
    with house.store.read(actor(house, args)) as tx:
        media = view.shown(house, tx, _lang(args)).media
    labels = {one.label: one.id for one in media}
    loosely = {one.label.casefold().strip(): one.id for one in reversed(media)}
    id_ = labels.get(medium) or loosely.get(medium.casefold().strip(), medium)
    changing.open_by_hand(house, actor(house, args), id_, secret)
    return listed(house, args)


def printed(house: "House", args: Args) -> Args:
    """The recovery sheet: `{"pdf": base64}`."""
    made = sheet.paper(house, actor(house, args), _lang(args))
    return {"pdf": base64.b64encode(made.pdf()).decode()}


def _lang(args: Args) -> str:
    return str(args.get("lang") or FIRST)


OPERATIONS = (
    Operation("backups.keys", listed, offline=True),
    Operation("backups.keys_change", change, offline=True),
    Operation("backups.keys_open", opened, offline=True),
    Operation("backups.keys_sheet", printed, offline=True),
)
