"""Webhooks: which events may be heard, whom we call, how a call is signed, and when it is tried again. Pure.

A call is signed like this: `Praxisd-Signature: t=<epoch seconds>,v1=<hex>`, where hex is the HMAC-SHA256 of
`<t>.<body>` with the webhook's secret. `signed` is what a receiver computes too.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

APPOINTMENT = tuple(
    f"appointment.{what}"
    for what in ("booked", "requested", "confirmed", "moved", "changed", "cancelled", "imported")
)
REQUEST = tuple(
    f"request.{what}" for what in ("received", "accepted", "refused", "proposed", "withdrawn", "expired")
)
WAITING = ("waiting.entered", "waiting.left", "offer.made", "offer.accepted", "offer.declined")
TYPES = (*APPOINTMENT, *REQUEST, *WAITING)
"""All that may be subscribed to."""
INSIDE = WAITING
"""What portals do not hear of, whosever it is: the practice's own list."""
TEST = "webhook.test"
EVERYTHING = "*"
KEY_BEGINS = "whsec_"
SHOWN = 12
"""Characters of a secret by which people know it again."""
BACKOFF_S = (10, 60, 300, 1_800, 7_200, 21_600, 86_400)
"""Waits after the first, second, … call that failed; after the last one it is given up. Seconds."""
TRIES = len(BACKOFF_S) + 1
WAIT_MOST_S = 3_600
"""So long at most a receiver that asks for it (`Retry-After`) is left alone beyond our own wait. Seconds."""
URL_MOST = 500
Fault = Literal["form", "encryption", "private"]


def wants(events: Sequence[str], type_: str) -> bool:
    """True if one of the subscribed words (a type, `<group>.*`, `*`) covers this type."""
    return EVERYTHING in events or type_ in events or f"{type_.partition('.')[0]}.*" in events


def known(word: str, types: Sequence[str]) -> bool:
    """True for a word that can be subscribed to."""
    return word == EVERYTHING or word in types or word in {f"{one.partition('.')[0]}.*" for one in types}


def named(told: str) -> tuple[str, ...]:
    """The entries of the setting: addresses, networks and host names, separated by commas or spaces."""
    return tuple(
        one.strip().casefold() for one in told.replace(";", ",").replace(" ", ",").split(",") if one.strip()
    )


def in_list(host: str, entries: Sequence[str]) -> bool:
    """True if a host (name or address) is one of these, or lies in one of these networks."""
    bare = host.casefold().strip("[]")
    if bare in entries:
        return True
    address = _address(bare)
    return address is not None and any(
        network is not None and address.version == network.version and address in network
        for network in map(_network, entries)
    )


def public(host: str) -> bool:
    """True for an address of the public internet; False for private, loopback, link-local and other special ones."""
    address = _address(host.casefold().strip("[]"))
    return address is not None and _plain(address).is_global and not address.is_multicast


def fault(url: str, entries: Sequence[str], *, foreign: bool) -> Fault | None:
    """What is wrong with an address, or None. `entries`: hosts that may be called without encryption and where private
    addresses are allowed. `foreign`: somebody outside the practice asks for it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "form"
    good = parts.scheme in ("http", "https") and host and port != 0 and "@" not in parts.netloc
    if (
        not good
        or parts.fragment
        or len(url) > URL_MOST
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        return "form"
    allowed = in_list(host, entries)
    if parts.scheme == "http" and not allowed:
        return "encryption"
    special = _address(host.strip("[]")) is not None and not public(host)
    special = special or host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    return "private" if foreign and special and not allowed else None


def signed(secret: str, at: int, body: bytes) -> str:
    """The header `Praxisd-Signature` of a call at that moment (epoch seconds)."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def wait(attempts: int, told: int | None = None) -> int | None:
    """Seconds until the next call after so many that failed; None: it is given up. `told`: what the receiver asked for."""
    if attempts >= TRIES:
        return None
    return max(BACKOFF_S[max(attempts, 1) - 1], min(told or 0, WAIT_MOST_S))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _plain(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IPv4 address that is written as an IPv6 one, as itself."""
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None
