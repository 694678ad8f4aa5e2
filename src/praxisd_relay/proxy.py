"""HTTP proxies on the way to a hub: where they stand, what is said to them (CONNECT, RFC 9110 § 9.3.6), what they answer.

No I/O here. Basic passwords only (RFC 7617). The way to the proxy itself is plain TCP, which is what such proxies offer;
the TLS of the link goes through it untouched.
"""

import base64
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

LONGEST_ANSWER = 16_384
"""Bytes a proxy may say before the blank line."""
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")


class ProxyError(ValueError):
    """Not the address of a proxy that can be used, or not an answer of one."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One HTTP proxy. The password is never part of a text of this object."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> "Proxy":
        """From `http://[user:password@]name[:port]` or `name:port`. Raises ProxyError."""
        text = url.strip()
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ProxyError("address") from None
        plain = not (parts.query or parts.fragment or parts.path.strip("/"))
        if parts.scheme != "http" or not host or port == 0 or not plain or not _clean(text):
            raise ProxyError("address")
        return cls(host, port or 8080, unquote(parts.username or ""), unquote(parts.password or ""))

    @classmethod
    def from_environment(cls, host: str, environ: Mapping[str, str] | None = None) -> "Proxy | None":
        """What HTTPS_PROXY (else ALL_PROXY) names, unless NO_PROXY excepts `host`; None too where it cannot be used."""
        values = os.environ if environ is None else environ
        url = _value(values, "https_proxy") or _value(values, "all_proxy")
        if not url or _excepted(host, _value(values, "no_proxy")):
            return None
        try:
            return cls.parse(url)
        except ProxyError:
            return None

    def request(self, host: str, port: int) -> bytes:
        """What opens a way to `host:port`."""
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", "User-Agent: praxisd-relay"]
        if self.user or self.password:
            word = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {word}")
        return "\r\n".join((*lines, "", "")).encode()


class Answer:
    """Reads a proxy's answer as it arrives."""

    def __init__(self) -> None:
        self._head = bytearray()

    def feed(self, data: bytes) -> int | None:
        """The status once the head is complete, None before.

        Raises ProxyError if it is no HTTP, too long, or if bytes follow it: the hub never speaks first.
        """
        self._head += data
        if not b"HTTP/1."[: len(self._head)] == bytes(self._head[:7]):
            raise ProxyError("answer")
        end = re.search(rb"\r?\n\r?\n", self._head)
        if end is None:
            if len(self._head) > LONGEST_ANSWER:
                raise ProxyError("answer")
            return None
        first = _STATUS.match(self._head)
        if first is None:
            raise ProxyError("answer")
        status = int(first[1])
        if 200 <= status < 300 and end.end() != len(self._head):
            raise ProxyError("answer")
        return status


def _clean(text: str) -> bool:
    return text.isprintable() and " " not in text


def _value(environ: Mapping[str, str], name: str) -> str:
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def _excepted(host: str, list_: str) -> bool:
    """Does NO_PROXY name the host: itself, a domain above it, `*`, or a network its address lies in?"""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    if address is not None and address.is_loopback:
        return True
    for one in filter(None, (part.strip().lower() for part in list_.split(","))):
        if one == "*":
            return True
        if address is not None:
            if _within(address, one):
                return True
            continue
        domain = one.lstrip("*").lstrip(".")
        if domain and (host == domain or host.endswith(f".{domain}")):
            return True
    return False


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except (ValueError, TypeError):
        return False
