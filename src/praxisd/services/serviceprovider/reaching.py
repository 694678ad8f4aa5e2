"""Asking a ServiceProvider of this computer as the other computers would: at the addresses they have, not at the loopback.

What listens on the loopback alone answers here and nowhere else (seed 003, "nicht erreichbar"). What a firewall drops cannot
be seen from here: only a workstation can (`praxisd ports knock`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from praxisd.services.serviceprovider.seen import Asked

LOOPBACK = "127.0.0.1"
ONLY_HERE = "loopback"
_MOST = 4
Ask = Callable[[str, str, int], Asked]


def outer(addresses: Iterable[str]) -> tuple[str, ...]:
    """Those of a computer's addresses (IPv4) under which others find it."""
    return tuple(one for one in addresses if "." in one and not one.startswith(("127.", "169.254.", "0.")))


def ask_here(ask: Ask, host: str, port: int, addresses: Sequence[str], alone: bool) -> Asked:
    """What answers on this computer. `addresses`: under which others find it (none: not known); `alone`: nobody else has to.

    `closed` for the reason `loopback` where the loopback answers and none of the addresses does.
    """
    if alone or not addresses:
        return ask(host, LOOPBACK, port)
    first: Asked | None = None
    for address in addresses[:_MOST]:
        found = ask(host, address, port)
        if found.state in ("open", "wrong"):
            return found
        first = first or found
    inside = ask(host, LOOPBACK, port)
    if inside.state == "open":
        return replace(inside, state="closed", why=ONLY_HERE)
    return first or inside
