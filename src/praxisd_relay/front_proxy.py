"""The PROXY protocol, for hubs behind a balancer: whose connection is it really? Pure.

A balancer of TCP (haproxy `send-proxy-v2`, nginx `proxy_protocol on`) hides the guest's address; without it, all guests
would be one address to the limits. Only addresses of the configuration (`balancers`) are believed, and those must send
the header. Source: haproxy.org, proxy-protocol.txt, versions 1 and 2.
"""

import ipaddress
from typing import NamedTuple

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
_V1_MOST = 107
_V2_MOST = 16 + 2048
_SIZES = {0x11: 12, 0x21: 36}  # TCP over IPv4, IPv6: both addresses and both ports


class ProxyError(Exception):
    """This is no header of the PROXY protocol."""


class Header(NamedTuple):
    """Who called; "" and 0 where the balancer speaks for itself (a health check). `length`: bytes of the header."""

    address: str
    port: int
    length: int


def read(data: bytes | bytearray) -> Header | None:
    """The header at the start of `data`; None while more is needed. Raises ProxyError."""
    start = bytes(data[: len(SIGNATURE)])
    if SIGNATURE.startswith(start):
        return _second(data) if len(data) >= 16 else None
    if b"PROXY ".startswith(start[:6]):
        return _first(data)
    raise ProxyError("no header")


def _first(data: bytes | bytearray) -> Header | None:
    end = data.find(b"\r\n", 0, _V1_MOST)
    if end < 0:
        if len(data) >= _V1_MOST:
            raise ProxyError("too long")
        return None
    words = bytes(data[:end]).decode("latin-1").split(" ")
    if words[1] == "UNKNOWN":
        return Header("", 0, end + 2)
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6") or not (words[4].isascii() and words[4].isdigit()):
        raise ProxyError("words")
    return Header(_address(words[2]), _port(int(words[4])), end + 2)


def _second(data: bytes | bytearray) -> Header | None:
    length = 16 + int.from_bytes(data[14:16], "big")
    if data[12] >> 4 != 2 or data[12] & 15 > 1 or length > _V2_MOST:
        raise ProxyError("version")
    if len(data) < length:
        return None
    size = _SIZES.get(data[13])
    if data[12] & 15 == 0 or size is None:  # LOCAL, or no TCP: the balancer's own
        return Header("", 0, length)
    if length < 16 + size:
        raise ProxyError("length")
    half = (size - 4) // 2
    address = str(ipaddress.ip_address(bytes(data[16 : 16 + half])))
    return Header(address, int.from_bytes(data[16 + 2 * half : 18 + 2 * half], "big"), length)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ProxyError("address") from None


def _port(number: int) -> int:
    if number > 65_535:
        raise ProxyError("port")
    return number


def believed(address: str, balancers: Networks) -> bool:
    """Is this the address of a balancer?"""
    if not balancers:
        return False
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in balancers)
