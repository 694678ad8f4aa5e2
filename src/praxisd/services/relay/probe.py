"""Calls to ourselves through the public name, as a portal makes them: DNS, the hub, TLS, is it our key, an answer.

Nothing is sent before the key on the other side is known to be ours (the present one or the prepared next): a call with
access data tells nobody else. Behind an HTTP proxy the call goes through it too.
"""

import asyncio
import hmac
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from praxisd.kernel import outside
from praxisd.kernel.access import system
from praxisd.services.relay import certificates, identity, settings
from praxisd_relay import dial, rooms
from praxisd_relay.dial import Address, Failed
from praxisd_relay.identity import spki_pin
from praxisd_relay.proxy import Proxy, ProxyError

if TYPE_CHECKING:
    from praxisd.kernel.app import House

DNS, UNREACHABLE, OFFLINE = "relay.probe_dns", "relay.probe_unreachable", "relay.probe_offline"
TIMEOUT, FOREIGN, ANSWER = "relay.probe_timeout", "relay.probe_foreign_key", "relay.probe_answer"
ALIVE = "/health/live"
_HEAD_BYTES = 16_384
_OFFLINE = ("UNRECOGNIZED_NAME", "INTERNAL_ERROR")
"""Alerts of a hub (RFC 8446 § 6.2): it does not know the name; nobody is linked under it now."""


class Fetched(NamedTuple):
    """What came of a call: `code` if it did not reach us, else the status of our answer; `ms` how long it took."""

    code: str | None
    status: int | None
    ms: int


def proxy_of(house_proxy: str, host: str) -> Proxy | None:
    """The proxy of the setting, else of the environment; None where neither can be used."""
    if house_proxy:
        try:
            return Proxy.parse(house_proxy)
        except ProxyError:
            return None
    return Proxy.from_environment(host)


def fetch(house: "House", path: str, headers: Mapping[str, str], within_s: float) -> Fetched:
    """GET `path` through the public name, for threads that may wait; any status is an answer.

    Problems: those of `certificates.current`. The caller knows that we are enrolled; if not, the code is `probe_dns`.
    """
    chosen, who = settings.chosen(house), _facts(house)
    if who is None or not who.host:
        return Fetched(DNS, None, 0)
    pins = certificates.current(house).pins
    proxy = proxy_of(chosen.proxy, who.host)
    work = call(who.host, who.port, pins, path, headers, proxy, within_s)
    return outside.of(house).run(work, within_s + 5.0)


def _facts(house: "House") -> identity.Facts | None:
    with house.store.read(system("relay")) as tx:
        return identity.facts(tx)


async def call(
    host: str,
    port: int,
    pins: Sequence[str],
    path: str,
    headers: Mapping[str, str],
    proxy: Proxy | None,
    within_s: float,
) -> Fetched:
    """GET `https://host:port` + `path`, at most `within_s` seconds. Raises nothing."""
    began = time.monotonic()
    code: str | None = None
    status: int | None = None
    try:
        async with asyncio.timeout(within_s):
            status = await _call(host, port, pins, path, headers, proxy)
    except TimeoutError:
        code = TIMEOUT
    except Failed as failed:
        code = failed.code if failed.code.startswith("relay.") else _reached(failed.code)
    except ssl.SSLError as error:
        code = OFFLINE if any(one in str(error.reason) for one in _OFFLINE) else ANSWER
    except (OSError, EOFError):  # ended without a word: the hub, or whoever stands between
        code = OFFLINE
    return Fetched(code, status, round((time.monotonic() - began) * 1000))


def _reached(code: str) -> str:
    if code in ("dns", "proxy_dns"):
        return DNS
    return TIMEOUT if code == "timeout" else UNREACHABLE


async def _call(
    host: str, port: int, pins: Sequence[str], path: str, headers: Mapping[str, str], proxy: Proxy | None
) -> int:
    sock = await dial.reach(Address(host, port), proxy)
    try:
        reader, writer = await asyncio.open_connection(sock=sock, ssl=_any(), server_hostname=host)
    except BaseException:
        rooms.handed(sock, failed=True)
        raise
    rooms.handed(sock)
    try:
        shown = spki_pin(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
        if not any(hmac.compare_digest(shown, pin) for pin in pins):
            raise Failed(FOREIGN)
        place = host if port == 443 else f"{host}:{port}"
        said = {"Host": place, "User-Agent": "praxisd", "Accept": "application/json", "Connection": "close"}
        lines = [
            f"GET {path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in (said | dict(headers)).items()),
        ]
        writer.write("\r\n".join((*lines, "", "")).encode("latin-1"))
        line = (await reader.readuntil(b"\r\n"))[:_HEAD_BYTES]
        version, _, rest = line.partition(b" ")
        if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            raise Failed(ANSWER)
        return int(rest[:3])
    except (asyncio.LimitOverrunError, ValueError):
        raise Failed(ANSWER) from None
    finally:
        writer.transport.abort()


def _any() -> ssl.SSLContext:
    """TLS to whoever answers: the pins decide, not the authorities."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
