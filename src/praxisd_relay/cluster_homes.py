"""Which hubs are a practice's homes: rendezvous hashing. Pure.

Each hub gives each practice a number made of both names; the hubs with the highest numbers are its homes. All hubs
that know the same names find the same homes without a word, and when a hub goes only its own practices move, each to
the hub that was its next choice (Thaler and Ravishankar 1996, "highest random weight").
"""

from collections.abc import Iterable
from hashlib import blake2b

HOMES = 2


def weight(practice: str, node: str) -> int:
    """The number this hub gives this practice: 64 bits, the same on every machine."""
    return int.from_bytes(blake2b(f"{node}\0{practice}".encode(), digest_size=8).digest(), "big")


def ranked(practice: str, nodes: Iterable[str]) -> list[str]:
    """All hubs, the practice's first choice first. Each name once; the order of `nodes` does not matter."""
    return sorted(set(nodes), key=lambda node: (-weight(practice, node), node))


def homes(practice: str, nodes: Iterable[str], count: int = HOMES) -> list[str]:
    """The practice's homes: the first `count` of `ranked`, fewer if there are fewer hubs."""
    return ranked(practice, nodes)[:count]
