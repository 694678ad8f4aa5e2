"""How much of what: token buckets, counters per address, and who is new here. Pure: times are given, in seconds.

Addresses count as their neighbourhood: an IPv4 address by itself, IPv6 by its /64, because one customer has all of
that. All tables are bounded: what is remembered of an address is dropped when it would be as if it had never come.
"""

import ipaddress
import re
from collections.abc import Hashable


class Bucket:
    """A token bucket. `rate` per second, at most `burst`; a rate of 0 means no limit."""

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at = float("-inf")

    def _fill(self, now: float) -> float:
        if now > self._at:
            gained = (now - self._at) * self.rate
            self._tokens = min(self.burst, self._tokens + gained)
            self._at = now
        return self._tokens  # a clock that goes back gives nothing and takes nothing

    def take(self, now: float, tokens: float = 1.0) -> bool:
        """Take tokens if there are enough; False, and nothing taken, if not."""
        if self.rate <= 0:
            return True
        if self._fill(now) < tokens:
            return False
        self._tokens -= tokens
        return True

    def spend(self, now: float, tokens: float) -> float:
        """Take tokens that are gone anyway; the seconds until there is no debt any more (0: there is none)."""
        if self.rate <= 0:
            return 0.0
        self._tokens = self._fill(now) - tokens
        return max(0.0, -self._tokens / self.rate)

    def left(self, now: float) -> float:
        """Tokens there are now; less than none is a debt, and without a limit there is no end of them."""
        return self._fill(now) if self.rate > 0 else float("inf")

    def full(self, now: float) -> bool:
        """Is it as if it had never been used?"""
        return self.rate <= 0 or self._fill(now) >= self.burst


class Buckets:
    """One bucket for each key; at most `most` of them are remembered.

    Where a flood of keys fills the table, the key used longest ago is forgotten: an attacker with that many addresses
    is no longer held by a limit per address, and everybody else is still served.
    """

    def __init__(self, rate: float, burst: float, most: int = 65_536) -> None:
        self.rate, self.burst, self.most = rate, burst, most
        self._known: dict[Hashable, Bucket] = {}

    def take(self, key: Hashable, now: float, tokens: float = 1.0) -> bool:
        """Take tokens from the key's bucket if there are enough."""
        return self.rate <= 0 or self._bucket(key).take(now, tokens)

    def has(self, key: Hashable, now: float, tokens: float = 1.0) -> bool:
        """Would `take` succeed? Takes nothing."""
        found = self._known.get(key)
        return self.rate <= 0 or found is None or found.left(now) >= tokens

    def _bucket(self, key: Hashable) -> Bucket:
        found = self._known.pop(key, None)
        if found is None:
            found = Bucket(self.rate, self.burst)
            if len(self._known) >= self.most:
                del self._known[next(iter(self._known))]
        self._known[key] = found  # at the end: the order is that of the last use
        return found

    def sweep(self, now: float, steps: int = 1024) -> None:
        """Forget buckets that are full again, looking at the `steps` that were used longest ago."""
        for key in [key for key, _ in zip(self._known, range(steps), strict=False)]:
            if not self._known[key].full(now):
                break
            del self._known[key]

    def __len__(self) -> int:
        return len(self._known)


class Tally:
    """How many things each key has at the moment: at most `each` for one, `all` together. 0 means no limit."""

    def __init__(self, each: int, all: int = 0) -> None:
        self.each, self.all = each, all
        self.total = 0
        self._counts: dict[Hashable, int] = {}

    def enter(self, key: Hashable) -> bool:
        """One more; False, and not counted, if that would be too many."""
        count = self._counts.get(key, 0)
        if (self.each and count >= self.each) or (self.all and self.total >= self.all):
            return False
        self._counts[key] = count + 1
        self.total += 1
        return True

    def leave(self, key: Hashable) -> None:
        """One less; keys with nothing are forgotten."""
        count = self._counts.get(key, 0)
        if count <= 0:
            raise ValueError("left without having entered")
        self.total -= 1
        if count == 1:
            del self._counts[key]
        else:
            self._counts[key] = count - 1

    def count(self, key: Hashable) -> int:
        """How many the key has now."""
        return self._counts.get(key, 0)

    def __len__(self) -> int:
        return len(self._counts)


_V4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}\Z")


def neighbourhood(address: str) -> str:
    """What counts as one: the IPv4 address (also where it comes mapped into IPv6), else the IPv6 /64."""
    if _V4.match(address):
        return address
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))


def blurred(address: str) -> str:
    """An address as logs may have it: IPv4 to /24, IPv6 to /48, anything else as "-"."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "-"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    bits, total = (24, 32) if found.version == 4 else (48, 128)
    return str(ipaddress.ip_network((int(found) >> (total - bits) << (total - bits), bits)))
