"""Rates hold for all nodes together: each tells the others twice a second what was taken from its buckets.

In between a node knows only its own: whoever asks all of them at once has a burst at each, and owes it afterwards.
Nothing is written down, and nothing is told where one process has the database for itself.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.access import system
from praxisd.kernel.engines import TOLD_MOST
from praxisd.services.accounts.buckets import Buckets
from praxisd.services.accounts.gate import Gate, gate_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House

TOPIC = "rates"
EVERY_S = 0.5
_Told = tuple[str, str, int, float, float]
"""(kind of bucket, name, tokens, per second, burst)"""


def start(house: "House") -> None:
    """Hear the other nodes, and tell them, until the house stops."""
    if house.store.alone:
        return
    gate = gate_of(house.store)
    kinds = _kinds(gate)
    for one in kinds.values():
        one.share()

    def hear(words: str) -> None:
        now = house.clock.monotonic()
        for kind, name, tokens, per_s, burst in msgspec.json.decode(words, type=list[_Told]):
            kinds[kind].spend(name, tokens, per_s, burst, now)

    house.wake.hear(TOPIC, hear)
    house._spawn("rates", lambda: house._every(EVERY_S, lambda: tell(house)))


def tell(house: "House") -> int:
    """Tell what was taken here since the last time; how many notices that took."""
    parts = list(_parts(_kinds(gate_of(house.store))))
    if parts:
        with house.store.write(system("accounts")) as tx:
            for words in parts:
                tx.tell(TOPIC, words)
    return len(parts)


def _kinds(gate: Gate) -> dict[str, Buckets]:
    return {"r": gate.requests, "f": gate.failures, "s": gate.sign_ins, "c": gate.codes}


def _parts(kinds: dict[str, Buckets]) -> Iterator[str]:
    """All of it, in pieces that a notice can carry."""
    piece: list[bytes] = []
    size = 2
    for kind, buckets in kinds.items():
        for name, (tokens, per_s, burst) in buckets.spent().items():
            if not tokens:
                continue
            one = msgspec.json.encode((kind, name, tokens, round(per_s, 6), burst))
            if len(one) > TOLD_MOST // 2:
                continue
            if size + len(one) + 1 > TOLD_MOST:
                yield f"[{b','.join(piece).decode()}]"
                piece, size = [], 2
            piece.append(one)
            size += len(one) + 1
    if piece:
        yield f"[{b','.join(piece).decode()}]"
