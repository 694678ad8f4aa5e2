"""The way to a hub: name, TCP (through a proxy where one is set), and which certificate counts.

Every step has its own time limit; what fails is told as one of `CODES`, never as a text of the outside world.
"""

import asyncio
import functools
import hmac
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from praxisd_relay import dial_names, identity
from praxisd_relay.dial_names import Unknown
from praxisd_relay.proxy import Answer, Proxy, ProxyError

ALPN = "praxis-relay/1"
NAME_S = 5.0
CONNECT_S = 10.0
PROXY_S = 10.0

CODES = frozenset(
    {
        "dns",  # nobody knows the hub's name
        "unreachable",  # nothing listens there, or no way leads there
        "timeout",  # no connection within the time
        "proxy_dns",  # nobody knows the proxy's name
        "proxy_unreachable",  # the proxy does not answer, or not in time
        "proxy_password",  # the proxy wants a name and a password, or others (407)
        "proxy_refused",  # the proxy will not open the way (any other status)
        "proxy_answer",  # what answers there is no HTTP proxy
        "tls",  # no TLS, no TLS 1.3, or not our protocol: somebody else answers there
        "certificate",  # no public authority vouches for the certificate
        "foreign",  # the certificate is not the one of the invitation
        "silent",  # connected, but the hub says nothing within the time
        "closed",  # the hub ended the connection before it had admitted us
        "protocol",  # the hub says what this version does not understand
        "same",  # another way to the hub that we have a link with already
        "internal",  # a fault of this program
    }
)


class Failed(Exception):
    """No link came about. `code`: one of CODES or of the hub's REFUSED; `retry_s`: when the hub would be asked again.

    `node`: which hub it was, where that is why.
    """

    def __init__(
        self, code: str, retry_s: float | None = None, *, refused: bool = False, node: str = ""
    ) -> None:
        super().__init__(code)
        self.node = node
        self.code = code
        self.retry_s = retry_s
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Address:
    """Where a hub takes links. `name`: what is asked for by SNI and must stand in the certificate, if not the host.

    `pin`: base64url SHA-256 of the SPKI of its certificate, where no public authority vouches for it.
    """

    host: str
    port: int = identity.DEFAULT_PORT
    pin: str | None = None
    name: str = ""

    @property
    def server_name(self) -> str:
        """For SNI and the certificate."""
        return self.name or self.host

    @property
    def text(self) -> str:
        """`host:port`, to show."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str, like: "Address | None" = None) -> "Address":
        """From `host[:port][/PIN]`; name and pin as of `like` where nothing is said. Raises ValueError."""
        place, _, pin = text.strip().partition("/")
        if place.startswith("["):
            host, _, rest = place[1:].partition("]")
            colon, port = rest[:1], rest[1:]
        else:
            host, colon, port = place.partition(":")
        host = host.lower()
        good = (identity.is_host(host) or ":" in host) and (not pin or identity.is_pin(pin))
        if not good or (colon and not (colon == ":" and port.isdecimal() and 0 < int(port) < 65536)):
            raise ValueError("not host[:port][/pin]")
        found = cls(host, int(port) if colon else identity.DEFAULT_PORT, pin or None)
        if like is None:
            return found
        return cls(found.host, found.port, found.pin or like.pin, like.server_name)

    @classmethod
    def of(cls, invitation: identity.Invitation) -> "Address":
        """Where an invitation leads."""
        return cls(invitation.host, invitation.port, invitation.pin)


async def reach(
    address: Address, proxy: Proxy | None, tell: Callable[[str], None] = lambda _phase: None
) -> socket.socket:
    """A connected, non-blocking TCP socket to the hub; TLS comes next. `tell` hears "resolving", "dialling".

    Raises Failed.
    """
    tell("resolving")
    host, port = (address.host, address.port) if proxy is None else (proxy.host, proxy.port)
    try:
        places = await dial_names.addresses(host, port, NAME_S)
    except Unknown:
        raise Failed("dns" if proxy is None else "proxy_dns") from None
    tell("dialling")
    try:
        async with asyncio.timeout(CONNECT_S):
            sock = await dial_names.connected(places)
    except TimeoutError:
        raise Failed("timeout" if proxy is None else "proxy_unreachable") from None
    except OSError:
        raise Failed("unreachable" if proxy is None else "proxy_unreachable") from None
    if proxy is None:
        return sock
    try:
        async with asyncio.timeout(PROXY_S):
            status = await _through(sock, proxy.request(address.host, address.port))
    except TimeoutError:
        code = "proxy_unreachable"
    except (OSError, RuntimeError, ProxyError) as error:
        code = "proxy_answer" if isinstance(error, ProxyError) else "proxy_unreachable"
    except BaseException:
        sock.close()
        raise
    else:
        if 200 <= status < 300:
            return sock
        code = "proxy_password" if status == 407 else "proxy_refused"
    sock.close()
    raise Failed(code)


async def _through(sock: socket.socket, request: bytes) -> int:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, request)
    answer = Answer()
    while True:
        data = await loop.sock_recv(sock, 4096)
        if not data:
            raise ProxyError("answer")
        status = answer.feed(data)
        if status is not None:
            return status


@functools.lru_cache(maxsize=8)
def context(pinned: bool, authority: str | None = None) -> ssl.SSLContext:
    """TLS 1.3 to a hub. `pinned`: its certificate is not checked here, `check_pin` must be called.

    `authority`: file of certificates (PEM) that count instead of the system's. Raises OSError, ssl.SSLError.
    """
    made = (
        ssl.create_default_context(cafile=authority)
        if not pinned
        else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    )
    if pinned:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.set_alpn_protocols([ALPN])
    return made


@functools.lru_cache(maxsize=8)
def _spki_pin(certificate: bytes) -> str:
    """The same hub shows the same one each time."""
    return identity.spki_pin(certificate)


def check_pin(pin: str, certificate: bytes | None) -> None:
    """Raises Failed("foreign") unless the certificate (DER) has the key that the invitation names."""
    try:
        found = "" if certificate is None else _spki_pin(certificate)
    except ValueError:
        found = ""
    if not hmac.compare_digest(found, pin):
        raise Failed("foreign")
