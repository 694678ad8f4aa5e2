"""A cluster under load: balancer, clients, followers of the feed and live pages, and the question whether all is well again."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from praxisd.testing.cluster_balancer import Balancer
from praxisd.testing.cluster_clients import Booker, Marked, PatientFollower, bookers
from praxisd.testing.cluster_relay import context, outside
from praxisd.testing.cluster_site import Site
from praxisd.testing.cluster_watch import Page, Streams
from praxisd.testing.torture_history import History
from praxisd.testing.torture_http import Http, Unanswered
from praxisd.testing.torture_wishes import Wishes, text_of

WELL_S = 90.0
"""After the end of a fault all must be well again so soon."""
PROBE_S = 10.0
_PER_DAY = 18


@dataclass
class Back:
    """How soon all was well again, in seconds from the end of the fault: until a booking through the balancer was
    acknowledged, and until each page was told of it; `slow`: seconds from its acknowledgement to the last page.
    """

    booked: float = 0.0
    pages: dict[str, float] = field(default_factory=dict)
    slow: float = 0.0


class Scene:
    """Use as an async context; everything runs inside."""

    def __init__(
        self, site: Site, seed: int, clients: int, pause_s: float, history: History, front: int = 0
    ) -> None:
        """`front`: the port of another balancer, by which clients come instead of ours."""
        self.site, self.history = site, history
        self._seed, self._clients, self._pause_s = seed, clients, pause_s
        self.balancer = Balancer(site.ports)
        self.front = front
        self.pages: list[Page] = []
        self.followers: list[tuple[int, PatientFollower]] = []
        self.faults: list[str] = []
        self.told: dict[str, dict[int, str]] = {}
        """What pages of a practice must have been told of at the end (`Site.changes`), by organization."""
        self._bookers: list[Booker] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._end = asyncio.Event()
        self._markers = 0

    async def __aenter__(self) -> "Scene":
        await self.balancer.__aenter__()
        self.front = self.front or self.balancer.port
        await self.until(
            lambda: self.balancer.ready == len(self.site.nodes), "the balancer finds all nodes ready"
        )
        scenes, relay = self.site.scenes, self.site.relay
        away = None if relay is None else ([hub.port for hub in relay.hubs], relay.host)
        practices = [(Wishes(s, self._seed + n), s.credentials) for n, s in enumerate(scenes)]
        self._bookers = bookers(practices, self.front, away, self._clients, self.history, self._pause_s)
        self.followers = [
            (number, PatientFollower(who, [self.front]))
            for number, scene in enumerate(scenes)
            for who in scene.credentials
        ]
        ways: list[tuple[str, Any]] = [
            *((f"node {node.number}", lambda port=node.port: _plain(port)) for node in self.site.nodes),
            ("balancer", lambda: _plain(self.front)),
        ]
        if away is not None:
            tls, (ports, host) = context(), away
            ways.append(("relay", lambda: outside(ports, int(time.monotonic()), host, tls)))
        self.pages = [
            Page(name, scenes[0].organization, self.site.desk(0), open_) for name, open_ in ways
        ] + [
            Page(
                "balancer, other practice",
                scenes[1].organization,
                self.site.desk(1),
                ways[len(self.site.nodes)][1],
            )
        ]
        everyone = [one.live(self._end) for one in self._bookers]
        everyone += [one.follow(self._end) for _, one in self.followers]
        self._tasks = [asyncio.create_task(one) for one in everyone]
        self._watching = [asyncio.create_task(page.follow()) for page in self.pages]
        await self.until(lambda: all(page.live for page in self.pages), "all pages have a stream")
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (*self._tasks, *self._watching):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._watching, return_exceptions=True)
        await self.balancer.__aexit__()

    async def rest(self) -> None:
        """Let the clients finish what they began, and the followers read and the pages hear what is left."""
        await self.well(time.monotonic())
        self._end.set()
        for fell in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(fell, BaseException):
                self.faults.append(f"a client fell: {fell!r}")
        for _, one in self.followers:
            await one.finish()
            self.faults += one.faults
            one.close()
        for booker in self._bookers:
            booker.close()
        await self._heard_all()

    async def _heard_all(self) -> None:
        """Wait until each page was told of the last change there is now: it may look for it only every few seconds
        (`web.live.POLL_S`), while its node does not hear the others."""
        for organization in {page.organization for page in self.pages}:
            self.told[organization] = await asyncio.to_thread(self.site.changes, organization)
        for page in self.pages:
            last = max(self.told[page.organization], default=0)
            if not await page.reaches(last, WELL_S):
                self.faults.append(f"page {page.name} was not told of the last change within {WELL_S:.0f} s")

    async def until(self, true: Callable[[], Any], what: str, within: float = WELL_S) -> bool:
        """Wait for it; a fault, and False, if it does not come."""
        end = time.monotonic() + within
        while not true():
            if time.monotonic() > end:
                self.faults.append(f"not within {within:.0f} s: {what}")
                return False
            await asyncio.sleep(0.05)
        return True

    # --- is all well? ----------------------------------------------------------------------------------------------

    async def well(self, since: float, *, but: tuple[str, ...] = ()) -> Back:
        """Book through the balancer, and wait until all pages (`but` those) were told of it; slots must be right at once on
        each node that answers. `since`: monotonic seconds of the end of the fault."""
        back = Back()
        id_, schedule, start = await self._booked(since)
        if not id_:
            self.faults.append(f"nothing could be booked within {WELL_S:.0f} s")
            return back
        acknowledged = time.monotonic()
        back.booked = acknowledged - since
        await self._slots(schedule, start)
        for page in [p for p in self.pages if p.organization == self.site.scenes[0].organization]:
            if page.name in but:
                continue
            at = await page.hears_of(f"Appointment/{id_}", WELL_S)
            if at is None:
                self.faults.append(f"page {page.name} was not told of a change within {WELL_S:.0f} s")
            else:
                back.pages[page.name] = at - since
                back.slow = max(back.slow, at - acknowledged)
        return back

    async def _booked(self, since: float) -> tuple[str, str, int]:
        """(id, column, start) of an appointment on a quiet day."""
        http, kind = Marked(self.front, self.site.desk(0)), self.site.scenes[0].services["check"].id
        try:
            while time.monotonic() < since + WELL_S:
                self._markers += 1
                day, turn = divmod(self._markers, _PER_DAY)
                start = self.site.scenes[0].opens + (day + 1) * 86_400 + turn * 1800
                body = {
                    "service": kind,
                    "start": text_of(start),
                    "patient": {"family": "Marke", "given": "Mia", "birthDate": "1980-01-01"},
                }
                try:
                    reply = await http.ask("POST", "/api/v1/appointments", msgspec.json.encode(body))
                except Unanswered:
                    await asyncio.sleep(0.1)
                    continue
                found: Any = reply.json()
                if reply.status == 201:
                    return found["id"], found["schedules"][0], start
                await asyncio.sleep(0.1 if reply.status == 503 else 0)
        finally:
            http.close()
        return "", "", 0

    async def _slots(self, schedule: str, start: int) -> None:
        """No node may offer what was just booked."""
        kind = self.site.scenes[0].services["check"].id
        query = f"service={kind}&schedule={schedule}&from={_utc(start)}&to={_utc(start + 3600)}"
        for node in self.site.nodes:
            if node.number in self.site.frozen:
                continue
            http = Http(node.port, self.site.desk(0))
            try:
                async with asyncio.timeout(PROBE_S):
                    reply = await http.ask("GET", f"/api/v1/slots?{query}")
                found: Any = reply.json()
                offered = (
                    [int(datetime.fromisoformat(s["start"]).timestamp()) for s in found["slots"]]
                    if reply.status == 200
                    else []
                )
                if any(start <= one < start + 1800 for one in offered):
                    self.faults.append(f"node {node.number} still offered what was booked")
            except (Unanswered, TimeoutError):
                continue  # it is away; the balancer gives it nothing
            finally:
                http.close()


def _utc(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _plain(port: int) -> Streams:
    return await asyncio.open_connection("127.0.0.1", port)
