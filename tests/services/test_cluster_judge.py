"""The judge of a tortured cluster: it takes nothing for lost that is only on its way (`cluster_torture`)."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel import events
from praxisd.testing.cluster_clients import PatientFollower
from praxisd.testing.cluster_scene import Scene
from praxisd.testing.cluster_site import Site
from praxisd.testing.cluster_watch import Page
from praxisd.testing.houses import Houses
from praxisd.testing.torture_history import History
from praxisd.testing.torture_scene import Credential

from .live_cast import DOORS, SERVICES, note
from .web_sample.serving import running

PATIENCE_S = 30.0
MOMENT_S = 0.3


class Idle(Scene):
    """A scene without clients: all was well before its end."""

    async def well(self, since: float, *, but: tuple[str, ...] = ()) -> Any:
        """Nothing is booked here."""


def test_it_ends_only_once_each_page_was_told_of_the_last_change(
    postgres_houses: Houses, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The last booking came by another node, and the page's own, which does not hear that (`deaf`), has not looked yet."""
    here = postgres_houses.open(SERVICES)
    there = postgres_houses.twin(here)
    looks, real = threading.Event(), events.after

    def after(*args: Any) -> Any:
        assert looks.wait(PATIENCE_S)
        return real(*args)

    monkeypatch.setattr(events, "after", after)
    site = Site(tmp_path, 2, False)
    site.url = here.config.database_url or ""

    async def torment(port: int) -> tuple[Page, Scene]:
        scene = Idle(site, 1, 0, 0.0, History())
        page = Page("node 0", "a", "a-owner", lambda: asyncio.open_connection("127.0.0.1", port))
        scene.pages = [page]
        following = asyncio.create_task(page.follow())
        try:
            assert await scene.until(lambda: page.live, "the page has a stream")
            last = await asyncio.to_thread(note, there, kind="Appointment")
            resting = asyncio.create_task(scene.rest())
            await asyncio.sleep(MOMENT_S)
            assert not resting.done(), "the page was given up before it could be told"
            looks.set()
            await asyncio.wait_for(resting, PATIENCE_S)
            assert page.last == last
        finally:
            looks.set()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        return page, scene

    with running(here, DOORS) as server:
        page, scene = asyncio.run(torment(server.port))
    assert scene.faults == [] and page.faults(scene.told["a"], {}) == []
    assert len(page.heard) == 1
    note(there, kind="Appointment")  # a handler's, after the pages were left: nobody is to be told of it
    assert page.faults(scene.told["a"], {}) == []
    (fault,) = page.faults(site.changes("a"), {})
    assert "never told of 1 changes" in fault, "else it would judge nothing"


def test_a_page_that_is_never_told_is_said_to_be_so() -> None:
    async def nobody() -> Any:
        raise OSError

    page = Page("node 0", "a", "", nobody, since=3, last=4)
    assert asyncio.run(page.reaches(4, 0.0)) and not asyncio.run(page.reaches(5, 0.05))
    assert page.faults({2: "x", 3: "x", 4: "x"}, {}) == ["page node 0 was never told of 1 changes: [4]"]


def test_a_feed_that_cannot_be_read_now_is_read_to_its_end() -> None:
    """At the end of a torture a busy node, or a balancer that finds none ready, must not cost what is left of the feed."""
    page = b'{"changes":[{"id":"%d","deleted":true}],"cursor":"%d","more":%s}'
    answers = [(503, b""), (200, page % (1, 1, b"true")), (0, b""), (200, page % (2, 2, b"false"))]
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.split()[1])
        status, body = answers[len(asked) - 1]
        if status:
            writer.write(
                b"HTTP/1.1 %d x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
                + body
            )
        writer.close()

    async def work() -> PatientFollower:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            one = PatientFollower(Credential("desk", "desk", None, ""), [server.sockets[0].getsockname()[1]])
            await asyncio.wait_for(one.finish(), PATIENCE_S)
            one.close()
            return one

    one = asyncio.run(work())
    assert one.faults == [] and one.seen == {"1": None, "2": None}
    assert [path.rpartition("since=")[2] for path in asked[2:]] == ["1", "1"]
    assert len(asked) == len(answers)
