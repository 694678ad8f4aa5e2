"""What `praxisd messages …` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Operation
from praxisd.kernel.store import Tx
from praxisd.services.messaging import outbox_routes, outbox_views
from praxisd.services.messaging import outbox_view_store as seen
from praxisd.services.messaging import outgoing_store as rows
from praxisd.services.messaging.outbox_shapes import OutboxSearch, Resolution

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
_FILTERS = ("state", "kind", "channel", "letter", "limit")


class _Resolve(msgspec.Struct, kw_only=True):
    id: str
    outcome: str


def _read(args: Args, type_: Any) -> Any:
    try:
        return msgspec.convert(args, type_)
    except msgspec.ValidationError as error:
        raise Problem("control.bad_arguments", 400, detail=str(error)) from None


def _list(house: "House", args: Args) -> Args:
    """Messages, the newest first."""
    asked: OutboxSearch = _read({k: args[k] for k in _FILTERS if k in args}, OutboxSearch)
    wanted = {"state": asked.state, "kind": asked.kind, "channel": asked.channel, "letter": asked.letter}
    with house.store.read(actor(house, args)) as tx:
        found = seen.newest(tx, wanted, None, asked.limit)
        shown = outbox_views.views(house, tx, found, str(args.get("lang", "de")))
    return {"messages": msgspec.to_builtins(shown)}


def _show(house: "House", args: Args) -> Args:
    """One message."""
    with house.store.read(actor(house, args)) as tx:
        return _one(house, tx, str(args.get("id", "")), args)


def _resolve(house: "House", args: Args) -> Args:
    """What a person found out about an unsure message."""
    given = _read({k: args[k] for k in ("id", "outcome") if k in args}, _Resolve)
    said = _read({"outcome": given.outcome}, Resolution).outcome

    def work(tx: Tx) -> Args:
        row = rows.get(tx, given.id)
        if row is None:
            raise not_found("Message")
        if row.state != "unsure":
            raise Problem("messaging.not_unsure", 409)
        outbox_routes.settle(house, tx, row, said)
        return _one(house, tx, given.id, args)

    return house.store.run(actor(house, args), work)


def _one(house: "House", tx: Tx, id_: str, args: Args) -> Args:
    row = rows.get(tx, id_)
    if row is None:
        raise not_found("Message")
    shown: Args = msgspec.to_builtins(outbox_views.views(house, tx, [row], str(args.get("lang", "de")))[0])
    return shown


OPERATIONS = (
    Operation("messaging.list", _list, offline=True),
    Operation("messaging.show", _show, offline=True),
    Operation("messaging.resolve", _resolve, offline=True),
)
