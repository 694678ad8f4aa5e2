"""Asking a hub once, by a link of its own that ends with the answer: to admit a key, or another one in its place.

Waits for the network: never inside a transaction.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from praxisd import __version__
from praxisd.kernel.errors import Problem
from praxisd.services.relay import probe, settings, words
from praxisd.services.relay.identity import Enrolled
from praxisd_relay.identity import Identity

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd_relay.agent_link import Link, Wanted
    from praxisd_relay.dial import Failed
    from praxisd_relay.frames import Welcome

_AGAIN = ("busy", "closed")
_AGAIN_S = 1.0
_END_S = 2.0
_MOST_AGAIN_S = 5.0


class Welcomed(NamedTuple):
    """The hub's yes: our host name there and its public port."""

    host: str
    port: int


class NoYes(Exception):
    """The hub said no, or nothing. `certain`: it has certainly not admitted the key by this."""

    def __init__(self, problem: Problem, certain: bool) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.certain = certain


def ask(house: "House", offer: Enrolled, code: str | None, within_s: float) -> Welcomed:
    """Show the hub the key, with a one-time code (ENROLL) or without (AUTH). Raises NoYes."""

    async def told(link: "Link") -> Welcomed:
        welcome = _welcome(link)
        return Welcomed(welcome.host, welcome.port)

    return _run(house, offer, offer.key, code, within_s, told)


def rotate(house: "House", present: Enrolled, offer: Enrolled, within_s: float) -> Welcomed:
    """As the present key, have the hub admit the offered one. Raises NoYes."""

    async def told(link: "Link") -> Welcomed:
        welcome = _welcome(link)
        id_ = await link.rotate(offer.key, within_s / 2)
        return Welcomed(f"{id_}.{welcome.domain}", welcome.port)

    return _run(house, present, present.key, None, within_s, told)


def _run(
    house: "House",
    where: Enrolled,
    key: Identity,
    code: str | None,
    within_s: float,
    told: "Callable[[Link], Awaitable[Welcomed]]",
) -> Welcomed:
    from praxisd_relay.agent_link import Wanted, establish
    from praxisd_relay.dial import Address, Failed
    from praxisd_relay.frames import Rst

    proxy = settings.chosen(house).proxy

    def wanted(hub: Any) -> "Wanted":
        return Wanted(
            address=Address(hub.host, hub.port, hub.pin),
            key=key,
            origin=lambda _stream: Rst.REFUSED,
            changed=lambda _link: None,
            tell=lambda _phase: None,
            proxy=probe.proxy_of(proxy, hub.host),
            code=code,
            version=__version__,
        )

    async def once(hub: Any) -> Welcomed:
        link = await establish(wanted(hub))
        try:
            return await told(link)
        finally:
            link.drop("done")

    async def work() -> Welcomed:
        end, uncertain = time.monotonic() + within_s, False
        while True:
            for hub in where.hubs:
                try:
                    async with asyncio.timeout_at(asyncio.get_running_loop().time() + end - time.monotonic()):
                        return await once(hub)
                except TimeoutError:
                    failed = Failed("silent")
                except Failed as error:
                    failed = error
                uncertain = uncertain or not _certain(failed)
            pause = min(failed.retry_s or _AGAIN_S, _MOST_AGAIN_S)
            if failed.code not in _AGAIN or time.monotonic() + pause + _END_S > end:
                raise NoYes(_problem(failed, where), not uncertain or _settles(failed))
            await asyncio.sleep(pause)

    return asyncio.run(work())


def _welcome(link: "Link") -> "Welcome":
    if link.welcome is None:
        raise RuntimeError("a link that is up was welcomed")
    return link.welcome


def _certain(failed: "Failed") -> bool:
    return failed.refused or failed.code in words.CERTAINLY_UNSAID


def _settles(failed: "Failed") -> bool:
    """A clear no tells what became of an earlier try whose answer was lost: nothing (the same key asks)."""
    return failed.refused and failed.code != "busy"


def _problem(failed: "Failed", where: Enrolled) -> Problem:
    code = words.code_of(failed.code) or "relay.internal"
    hub = where.hubs[0].text if where.hubs else "–"
    return Problem(code, 422, retry=not failed.refused or failed.code == "busy", hub=hub)
