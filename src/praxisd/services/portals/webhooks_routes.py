"""REST doors of webhooks: who is called for what, a test call, the log of calls, and calls made again."""

from typing import Any

from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.ids import new_id
from praxisd.kernel.service import Answer, Call, Route
from praxisd.model.portals import Webhook
from praxisd.services.portals import (
    deliveries,
    deliveries_calls,
    deliveries_store,
    webhooks,
    webhooks_views,
)
from praxisd.services.portals import webhooks_rules as rules
from praxisd.services.portals import webhooks_shapes as shapes

_SECRET = {"Cache-Control": "no-store"}


def list_webhooks(call: Call) -> shapes.Webhooks:
    """All webhooks, and what may be subscribed to

    A booking portal's key sees its own.
    """
    with call.read() as tx:
        return shapes.Webhooks(
            webhooks=webhooks_views.every(call.house, tx, call.lang),
            events=webhooks_views.types(call.house, tx, call.lang),
        )


def list_types(call: Call) -> shapes.Types:
    """What may be subscribed to."""
    with call.read() as tx:
        return shapes.Types(events=webhooks_views.types(call.house, tx, call.lang))


def create_webhook(call: Call) -> Answer:
    """A new webhook

    Its secret is in this answer and is never shown again.
    """
    made, secret = webhooks.create(call.house, call.writing, _told(call.body))
    return _made(call, made, secret, 201)


def read_webhook(call: Call) -> Answer:
    """One webhook."""
    with call.read() as tx:
        return _view(call, tx, webhooks.need(tx, call.path["id"]))


def change_webhook(call: Call) -> Answer:
    """Change a webhook."""
    tx = call.writing
    return _view(call, tx, webhooks.change(call.house, tx, call.path["id"], _told(call.body), call.if_match))


def delete_webhook(call: Call) -> Answer:
    """Take a webhook away, with its log."""
    webhooks.remove(call.house, call.writing, call.path["id"], call.if_match)
    return Answer(status=204)


def new_secret(call: Call) -> Answer:
    """Another secret

    Calls are signed with it from now on; the old one counts no more.
    """
    saved, secret = webhooks.new_secret(call.house, call.writing, call.path["id"])
    return _made(call, saved, secret)


def test_webhook(call: Call) -> shapes.TestView:
    """Call the receiver now

    With an event of the type `webhook.test`; it is not tried again, and stands in the log.
    """
    house, id_ = call.house, call.path["id"]
    with call.read() as tx:
        one = webhooks.need(tx, id_)
        secret, entries = webhooks.secret_of(house, tx, id_), webhooks.entries(house, tx)
        marked, body = deliveries.test_payload(tx, id_)
    began = house.clock.monotonic()
    before = house.clock.now() + deliveries_calls.TIMEOUT_S
    result = deliveries_calls.call(house, one, secret, entries, marked, rules.TEST, body, before)
    took = int((house.clock.monotonic() - began) * 1000)

    def keep(tx: Any) -> None:
        deliveries_store.add(
            tx, id=new_id(), webhook=id_, seq=0, replay=deliveries_store.next_replay(tx, id_, 0), type=rules.TEST,
            subject=f"{webhooks.SUBJECT}/{id_}", payload=body.decode(), attempts=1, status=result.status,
            code=result.code, state="failed" if result.code else "delivered", done_at=tx.now,
        )  # fmt: skip

    house.store.run(call.actor, keep)
    return shapes.TestView(
        ok=result.code is None, status=result.status, ms=took,
        problem=webhooks_views.fault(house, result.code, result.status, call.lang),
    )  # fmt: skip


def list_deliveries(call: Call) -> shapes.Deliveries:
    """The log of a webhook, the newest first."""
    asked: shapes.DeliveryQuery = call.query
    with call.read() as tx:
        one = webhooks.need(tx, call.path["id"])
        return _log(call, tx, {"webhook": one.id, "state": asked.state}, asked.cursor, asked.limit)


def search_deliveries(call: Call) -> shapes.Deliveries:
    """Search the log of all webhooks, the newest first."""
    asked: shapes.DeliverySearch = call.body
    since = parse_rfc3339(asked.since, "since") if asked.since is not None else None
    with call.read() as tx:
        seen = [one.id for one in webhooks.visible(tx) if asked.webhook in (None, one.id)]
        wanted = {"webhook": seen, "state": asked.state, "type": asked.type, "since": since}
        return _log(call, tx, wanted, asked.cursor, asked.limit)


def replay_delivery(call: Call) -> Answer:
    """Send one delivery again

    With the same body and id, whatever became of it.
    """
    tx = call.writing
    made = deliveries.replay(tx, deliveries.find(tx, call.path["id"]))
    return Answer(webhooks_views.delivery(call.house, tx, made, call.lang), 201)


def replay_failed(call: Call) -> shapes.Replayed:
    """Send again what was given up

    All of it since a moment, in its order; at most 1,000 at a time.
    """
    since = parse_rfc3339(call.body.since, "since")
    return shapes.Replayed(replayed=deliveries.replay_failed(call.writing, call.path["id"], since))


def _told(body: shapes.WebhookIn) -> Webhook:
    return Webhook(
        name=body.name.strip() or body.name, url=body.url, events=tuple(dict.fromkeys(body.events)),
        active=body.active, portal=body.portal,
    )  # fmt: skip


def _view(call: Call, tx: Any, one: Webhook) -> Answer:
    states = deliveries_store.states(tx)
    return Answer(webhooks_views.view(call.house, tx, one, states, call.lang), version=one.version)


def _made(call: Call, one: Webhook, secret: str, status: int = 200) -> Answer:
    body = webhooks_views.made(call.house, call.writing, one, secret, call.lang)
    return Answer(body, status, version=one.version, headers=_SECRET)


def _log(call: Call, tx: Any, wanted: Any, cursor: str | None, limit: int) -> shapes.Deliveries:
    found = deliveries_store.newest(tx, wanted, cursor, limit + 1)
    return shapes.Deliveries(
        deliveries=[webhooks_views.delivery(call.house, tx, row, call.lang) for row in found[:limit]],
        next=found[limit - 1].id if len(found) > limit else None,
    )


READ, WRITE = "portals.webhook.read", "portals.webhook.write"
_TAGS = ("webhooks",)
_NO_PRACTICE = (409, "directory.organization_missing")
_FIND = ((404, "http.not_found"), _NO_PRACTICE)
_SAVE = (
    (422, "portals.webhook_address"), (422, "portals.webhook_unprotected"), (422, "portals.webhook_private"),
    (422, "portals.webhook_event_unknown"), (422, "portals.portal_unknown"),
)  # fmt: skip
_STALE = (412, "resource.stale")
ROUTES = (
    Route(
        "GET", "/webhooks", "webhooks.list", list_webhooks, READ, answer=shapes.Webhooks, problems=(_NO_PRACTICE,),
        tags=_TAGS,
    ),
    Route("GET", "/webhooks/types", "webhooks.types", list_types, READ, answer=shapes.Types, tags=_TAGS),
    Route(
        "POST", "/webhooks", "webhooks.create", create_webhook, WRITE, answer=shapes.WebhookMade, body=shapes.WebhookIn,
        status=201, problems=((409, "portals.webhook_many"), _NO_PRACTICE, *_SAVE), tags=_TAGS,
    ),
    Route(
        "GET", "/webhooks/{id}", "webhooks.read", read_webhook, READ, answer=shapes.WebhookView, problems=_FIND,
        tags=_TAGS,
    ),
    Route(
        "PUT", "/webhooks/{id}", "webhooks.change", change_webhook, WRITE, answer=shapes.WebhookView,
        body=shapes.WebhookIn, problems=(*_FIND, _STALE, *_SAVE), tags=_TAGS,
    ),
    Route(
        "DELETE", "/webhooks/{id}", "webhooks.delete", delete_webhook, WRITE, status=204, problems=(*_FIND, _STALE),
        tags=_TAGS,
    ),
    Route(
        "POST", "/webhooks/{id}/secret", "webhooks.newSecret", new_secret, WRITE, answer=shapes.WebhookMade,
        body=shapes.Nothing, problems=(*_FIND, _STALE), tags=_TAGS,
    ),
    Route(
        "POST", "/webhooks/{id}/test", "webhooks.test", test_webhook, WRITE, answer=shapes.TestView,
        body=shapes.Nothing, transaction=False, problems=_FIND, tags=_TAGS,
    ),
    Route(
        "GET", "/webhooks/{id}/deliveries", "deliveries.list", list_deliveries, READ, answer=shapes.Deliveries,
        query=shapes.DeliveryQuery, problems=_FIND, tags=_TAGS,
    ),
    Route(
        "POST", "/webhooks/{id}/replay", "webhooks.replay", replay_failed, WRITE, answer=shapes.Replayed,
        body=shapes.ReplayIn, problems=((400, "clock.naive_time"), (400, "clock.bad_time"), *_FIND), tags=_TAGS,
    ),
    Route(
        "POST", "/webhooks/deliveries/search", "deliveries.search", search_deliveries, READ, answer=shapes.Deliveries,
        body=shapes.DeliverySearch, transaction=False, tags=_TAGS,
        problems=((400, "clock.naive_time"), (400, "clock.bad_time"), _NO_PRACTICE),
    ),
    Route(
        "POST", "/webhooks/deliveries/{id}/replay", "deliveries.replay", replay_delivery, WRITE,
        answer=shapes.DeliveryView, body=shapes.Nothing, status=201, problems=_FIND, tags=_TAGS,
    ),
)  # fmt: skip
