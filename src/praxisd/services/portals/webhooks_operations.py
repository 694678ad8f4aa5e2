"""What `praxisd webhooks …` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.kernel.store import Tx
from praxisd.model.portals import Webhook
from praxisd.services.portals import deliveries, deliveries_store, webhooks, webhooks_views
from praxisd.services.portals.webhooks_shapes import DeliverySearch, WebhookIn

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]


def _read(args: Args, type_: Any) -> Any:
    known = set(type_.__struct_encode_fields__)
    try:
        return msgspec.convert({k: v for k, v in args.items() if k in known and v is not None}, type_)
    except msgspec.ValidationError as error:
        raise Problem("control.bad_arguments", 400, detail=str(error)) from None


def _lang(args: Args) -> str:
    return str(args.get("lang", "de"))


def _list(house: "House", args: Args) -> Args:
    """All webhooks, and what may be subscribed to."""
    with house.store.read(actor(house, args)) as tx:
        found = webhooks_views.every(house, tx, _lang(args))
        offered = webhooks_views.types(house, tx, _lang(args))
    return {"webhooks": msgspec.to_builtins(found), "events": msgspec.to_builtins(offered)}


def _add(house: "House", args: Args) -> Args:
    """A new webhook, with its secret."""
    told: WebhookIn = _read(args, WebhookIn)
    record = Webhook(name=told.name, url=told.url, events=told.events, active=told.active, portal=told.portal)

    def work(tx: Tx) -> Args:
        made, secret = webhooks.create(house, tx, record)
        return msgspec.to_builtins(webhooks_views.made(house, tx, made, secret, _lang(args)))  # type: ignore[no-any-return]

    return house.store.run(actor(house, args), work)


def _remove(house: "House", args: Args) -> Args:
    """Take one away."""
    id_ = str(args.get("id", ""))
    house.store.run(actor(house, args), lambda tx: webhooks.remove(house, tx, id_, None))
    return {"id": id_}


def _log(house: "House", args: Args) -> Args:
    """Deliveries, the newest first."""
    asked: DeliverySearch = _read(args, DeliverySearch)
    with house.store.read(actor(house, args)) as tx:
        seen = [one.id for one in webhooks.visible(tx) if asked.webhook in (None, one.id)]
        found = deliveries_store.newest(tx, {"webhook": seen, "state": asked.state}, None, asked.limit)
        shown = [webhooks_views.delivery(house, tx, row, _lang(args)) for row in found]
    return {
        "deliveries": msgspec.to_builtins([msgspec.json.decode(msgspec.json.encode(one)) for one in shown])
    }


def _replay(house: "House", args: Args) -> Args:
    """Send one delivery again, or all of a webhook that were given up since a moment."""
    who = actor(house, args)
    if args.get("delivery"):
        id_ = str(args["delivery"])
        house.store.run(who, lambda tx: deliveries.replay(tx, deliveries.find(tx, id_)))
        return {"replayed": 1}
    webhook, since = str(args.get("webhook", "")), parse_rfc3339(str(args.get("since", "")), "since")
    return {"replayed": house.store.run(who, lambda tx: deliveries.replay_failed(tx, webhook, since))}


OPERATIONS = (
    Operation("webhooks.list", _list, offline=True),
    Operation("webhooks.add", _add, offline=True),
    Operation("webhooks.remove", _remove, offline=True),
    Operation("webhooks.log", _log, offline=True),
    Operation("webhooks.replay", _replay, offline=True),
)
