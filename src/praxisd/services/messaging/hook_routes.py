"""Calls of gateways: what they report of messages and what patients write back, under an address nobody can guess.

The channel checks the signature (`messaging.hook_refused`); until then nothing of the call is believed. ASPSMS calls with
GET, the others with POST.
"""

from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call, Raw, Route
from praxisd.services.messaging import account_store, accounts, hearing

OPEN = "gateways have no key of ours: the unguessable address and the channel's signature check say who calls"
MOST_BYTES = 65_536
"""No gateway has more to say in one call."""
_LOOKING = "messaging.hook"


def hook(call: Call) -> Raw:
    """Take in what a gateway says; an empty answer tells it that all is saved."""
    house = call.house
    if len(call.body or b"") > MOST_BYTES:
        raise Problem("http.body_too_large", 413, limit=MOST_BYTES)
    with house.store.read(system(_LOOKING)) as tx:
        organization, channel = accounts.whose(tx, call.path["hook"])
    actor = system(_LOOKING, organization)
    with house.store.read(actor) as tx:
        row = account_store.get(tx, channel)
        way = accounts.opened(house, tx, row)
    items = list(way.channel.hook(call.headers, call.query or {}, call.body or b""))
    hearing.take_in(house, actor, way, items, channel)
    return Raw(b"", "text/plain; charset=utf-8", 200, {"Cache-Control": "no-store"})


_PROBLEMS = (
    (400, "messaging.hook_malformed"),
    (403, "messaging.hook_refused"),
    (404, "http.not_found"),
)
ROUTES = tuple(
    Route(
        method, "/messaging/hooks/{hook}", name, hook, None,
        why_open=OPEN, problems=_PROBLEMS, media_type="text/plain; charset=utf-8", transaction=False, raw=True,
        tags=("messages",),
    )
    for method, name in (("POST", "hook.call"), ("GET", "hook.callByAddress"))
)  # fmt: skip
