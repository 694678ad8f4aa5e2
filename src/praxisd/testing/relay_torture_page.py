"""What the page of a practice says while its way from outside is cut, its hub dies or its computer sleeps: true within 10 s.

A whole `praxisd serve`, enrolled at the yard's hub over the bad line; an observer reads `GET /relay` as the page does and calls
the practice from outside through the hub, several times a second.
"""

import asyncio
import contextlib
import signal
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from praxisd.testing.programs import Running, command, running
from praxisd.testing.relay_hub import Hub
from praxisd.testing.relay_line import Line
from praxisd.testing.relay_yard import Observer
from praxisd_relay.identity import Invitation
from praxisd_relay.registry import Registry

DOMAIN = "relay.localhost"
BACK_S = 70.0
"""Back-off of an agent (60 s at most), and a probe."""
_DWELL_S = 2.0
"""How long it is watched after each change."""
_GET = "GET /health/live HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n"


class Page:
    """One practice with its page."""

    def __init__(self, server: Running, key: str, hub: Hub, line: Line, host: str) -> None:
        self.server, self.hub, self.line, self.host = server, hub, line, host
        self._client = server.client(key)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE
        self.asleep = False
        self.observer = Observer(self.shown, self.truth)

    async def shown(self) -> bool | None:
        """What the page says: reachable or not; None where it says that it does not know, or cannot be opened."""
        if self.asleep:
            return None
        try:
            async with asyncio.timeout(3):
                status, answer = await asyncio.to_thread(self._client.call, "GET", "/api/v1/relay")
        except (OSError, TimeoutError):
            return None
        found = answer.get("reachable") if status == 200 else None
        return found if isinstance(found, bool) else None

    async def truth(self) -> bool:
        """Does a call from outside arrive?"""
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self.hub.port, ssl=self._context, server_hostname=self.host
                )
                try:
                    writer.write(_GET.format(self.host).encode())
                    return (await reader.readline()).startswith(b"HTTP/1.1 200")
                finally:
                    writer.transport.abort()
        except (OSError, EOFError, TimeoutError, ssl.SSLError):
            return False

    async def becomes(self, wanted: bool, within: float) -> float | None:
        """Seconds until the page says so; None if it does not in time."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < within:
            if await self.shown() is wanted:
                return loop.time() - began
            await asyncio.sleep(0.1)
        return None


@contextlib.asynccontextmanager
async def practice(folder: Path) -> AsyncIterator[Page]:
    """A hub, a line, and a practice that is enrolled and reachable."""
    hub = Hub(folder / "hub", [], domain=DOMAIN, link_name=f"link.{DOMAIN}", drain_s=1.0)
    with hub:
        line = Line(hub.port)
        await line.start()
        try:
            registry = Registry(folder / "hub" / "data" / "hub.sqlite")
            code = registry.invite("Praxis")
            registry.close()
            invited = Invitation(f"link.{DOMAIN}", line.port, code, hub.pin).text()
            home = folder / "praxis"
            done = await asyncio.to_thread(
                command, "practice", "create", "Praxis", "--region", "DE-BY", folder=home
            )
            assert done.code == 0, done
            key = (
                await asyncio.to_thread(command, "keys", "create", "--role", "owner", "--json", folder=home)
            ).json
            with running(home) as server:
                # A thread: what is dialled meanwhile comes through the line, which lives on this loop.
                enrolled = await asyncio.to_thread(command, "relay", "enrol", invited, folder=home)
                assert enrolled.code == 0, enrolled
                _, state = await asyncio.to_thread(server.client(key["secret"]).call, "GET", "/api/v1/relay")
                page = Page(server, key["secret"], hub, line, state["host"])
                assert await page.becomes(True, BACK_S) is not None, state
                page.observer.start()
                try:
                    yield page
                finally:
                    await page.observer.stop()
        finally:
            await line.stop()


async def torment(folder: Path, cut_s: float, sleep_s: float) -> tuple[list[str], list[str]]:
    """(notes, broken promises)."""
    notes: list[str] = []
    faults: list[str] = []

    async def expect(page: Page, wanted: bool, within: float, what: str) -> None:
        took = await page.becomes(wanted, within)
        word = "reachable" if wanted else "not reachable"
        if took is None:
            faults.append(f"page: {what}: did not say {word!r} within {within:.0f} s")
        else:
            notes.append(f"page: {what}: says {word!r} after {took:.1f} s")
        await asyncio.sleep(_DWELL_S)

    async with practice(folder) as page:
        with page.line.muted():
            await expect(page, False, 12.0, "line cut without FIN")
            await asyncio.sleep(cut_s)
        await expect(page, True, BACK_S, "line whole again")
        page.hub.kill()
        await expect(page, False, 10.0, "hub killed")
        page.hub.start()
        await expect(page, True, BACK_S, "hub started again")
        if sleep_s:
            page.asleep = True
            page.server.process.send_signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(sleep_s)
            finally:
                page.server.process.send_signal(signal.SIGCONT)
            page.asleep = False
            await expect(page, True, 20.0, f"awake after {sleep_s:.0f} s of sleep (SIGSTOP)")
        await page.observer.stop()
        watched = page.observer
    notes.append(
        f"page: {watched.looks} looks, {len(watched.spans)} spans of untruth, the longest {watched.longest:.1f} s"
    )
    if watched.longest > 10.0:
        worst = max(watched.spans, key=lambda one: one.seconds)
        faults.append(f"the page was untrue for {worst.seconds:.1f} s (it said {worst.shown})")
    if not {(True, True), (False, False)} <= watched.both:
        faults.append(f"the page's observer saw only {watched.both}: it proved nothing")
    return notes, faults
