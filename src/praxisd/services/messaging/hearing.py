"""Reports and replies are taken in the same way whether they were asked for or came by a call: idempotently, in chunks.

Only after a chunk is saved its items are told so (`keep`): then an adapter may throw away what it read them from.
"""

from collections.abc import Iterable
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from praxisd.kernel.access import Actor
from praxisd.kernel.store import Tx
from praxisd.services.messaging import outcome, replies
from praxisd.services.messaging.accounts import Way
from praxisd.services.messaging.channel import Reply, Report

if TYPE_CHECKING:
    from praxisd.kernel.app import House

CHUNK = 20
"""Items in one transaction."""
WORDS = ("reports", "unknown", "replies")


def take_in(
    house: "House", actor: Actor, way: Way, items: Iterable[Report | Reply], channel: str
) -> dict[str, int]:
    """Apply what a gateway says; how many reports changed something, named no message of ours, and how many replies
    were new. The words are WORDS.
    """
    counts = dict.fromkeys(WORDS, 0)
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK)):
        found = house.store.run(actor, partial(_apply, house, way, channel, chunk))
        for word in found:
            if word:
                counts[word] += 1
        for one in chunk:
            one.keep()
    return counts


def _apply(house: "House", way: Way, channel: str, chunk: list[Report | Reply], tx: Tx) -> list[str]:
    return [
        _reported(house, tx, way, channel, one)
        if isinstance(one, Report)
        else ("replies" if replies.take_in(house, tx, way.gateway, channel, one) else "")
        for one in chunk
    ]


def _reported(house: "House", tx: Tx, way: Way, channel: str, said: Report) -> str:
    row = outcome.named(tx, way.gateway, channel, said)
    if row is None:
        return "unknown"
    return "reports" if outcome.report(house, tx, row, way.route, said) else ""
