"""How often somebody without a key may ask to be registered: 10 times an hour from one address."""

import ipaddress
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem

if TYPE_CHECKING:
    from praxisd.kernel.app import House

MOST, HOUR_S = 10, 3600
_REMEMBERED = 10_000
_SHARED = "seats.limit"


class Limit:
    """Counts by address, in memory: the oldest are forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    def take(self, address: str | None, now: float) -> None:
        """Count one. Problem `seats.too_often` (429) when it is one too many. `now`: seconds of a monotonic clock."""
        key = _source(address)
        with self._lock:
            times = [one for one in self._times.pop(key, ()) if now - one < HOUR_S]
            self._times[key] = times
            if len(times) >= MOST:
                wait = int(times[0] + HOUR_S - now) + 1
                raise Problem(
                    "seats.too_often", 429, retry=True, headers={"Retry-After": str(wait)}, most=MOST
                )
            times.append(now)
            while len(self._times) > _REMEMBERED:
                self._times.popitem(last=False)


def _source(address: str | None) -> str:
    """An IPv4 address, or the /64 an IPv6 host picks its addresses from."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def limit(house: "House") -> Limit:
    """The one of this node."""
    found: Limit = house.shared.setdefault(_SHARED, Limit())
    return found
