"""The door while no server is ready: its answers, who takes a connection, and that nobody loses one."""

import asyncio
import http.client
import json
import re
import socket
import time
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest

from praxisd_guard import door as doors
from praxisd_guard import words
from praxisd_guard.door import Door, Reply, Request
from praxisd_guard.door_answers import STYLE, unavailable
from praxisd_guard.floor import Fall, Floor
from praxisd_guard.keeper_host import Failure
from praxisd_guard.keeper_threads import beside


def _request(path: str = "/", method: str = "GET", **headers: str) -> Request:
    return Request(method, path, {name.replace("_", "-"): value for name, value in headers.items()})


def test_programs_get_the_problem_the_server_would_send() -> None:
    found = unavailable(_request("/api/v1/slots", accept_language="en-GB,de;q=0.5"), "maintenance", 5)
    document = json.loads(found.body)
    assert (found.status, found.kind) == (503, "application/problem+json")
    assert found.headers["Retry-After"] == "5" and found.headers["Content-Language"] == "en"
    assert document["code"] == "maintenance" and document["retry"] is True and document["status"] == 503
    assert document["title"] == "Planned maintenance" and document["type"].endswith("/maintenance")
    assert json.loads(unavailable(_request("/"), "guard.down", 1).body)["title"] == "Der Server startet neu"


def test_the_words_are_those_of_the_server() -> None:
    """Portals meet the one or the other and must not be able to tell."""
    for lang in words.LANGUAGES:
        file = Path(doors.__file__).parent.parent / f"praxisd/kernel/texts/{lang}.toml"
        server = tomllib.loads(file.read_text(encoding="utf-8"))["maintenance"]
        assert server == {
            part: words.say(f"maintenance.{part}", lang) for part in ("title", "cause", "solution")
        }


def test_fhir_gets_an_outcome() -> None:
    found = unavailable(_request("/fhir/R4/Slot"), "maintenance", 5)
    issue = json.loads(found.body)["issue"][0]
    assert found.kind.startswith("application/fhir+json") and issue["code"] == "transient"
    assert issue["details"]["coding"] == [{"code": "maintenance"}]
    xml = unavailable(_request("/fhir/R4/Slot", accept="application/fhir+xml"), "maintenance", 5)
    tree = ElementTree.fromstring(xml.body)
    assert xml.kind.startswith("application/fhir+xml") and tree.tag == "{http://hl7.org/fhir}OperationOutcome"


def test_people_get_a_page_that_comes_back_by_itself() -> None:
    found = unavailable(_request("/", accept="text/html,*/*"), "maintenance", 5)
    text = found.body.decode()
    assert '<meta http-equiv="refresh" content="5">' in text and "<script" not in text
    assert "Geplante Wartung" in text and "Planned maintenance" in text and text.count("<section lang=") == 2
    assert re.search(r"(src|href)\s*=", text) is None  # nothing from elsewhere
    assert STYLE in text and "'unsafe-inline'" not in found.headers["Content-Security-Policy"]


@asynccontextmanager
async def _open(
    answer: Callable[[Request], Reply] | None = None,
) -> AsyncIterator[tuple[Door, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as sock:
        sock.setblocking(False)
        made = Door(sock, answer or (lambda request: unavailable(request, "maintenance", 5)))
        await made.open()
        yield made, sock
        await made.finish()


def _ask(port: int, path: str = "/x", method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        assert response.headers["Connection"] == "close"
        return response.status, response.read()
    finally:
        connection.close()


def _raw(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as out:
        out.sendall(data)
        out.shutdown(socket.SHUT_WR)
        found = b""
        while piece := out.recv(65536):
            found += piece
        return found


def test_every_request_is_answered() -> None:
    async def main() -> None:
        async with _open() as (_, sock):
            port = sock.getsockname()[1]
            assert (await beside(_ask, port))[0] == 503
            # A body nobody reads must not cost the answer.
            assert (await beside(_ask, port, "/x", "POST", b"x" * 5_000_000))[0] == 503
            assert await beside(_ask, port, "/x", "HEAD") == (503, b"")
            for odd in (
                b"\x16\x03\x01 hello\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"y" * 60000 + b"\r\n\r\n",
            ):
                assert (await beside(_raw, port, odd)).startswith(b"HTTP/1.1 503 ")
            assert await beside(_raw, port, b"") == b""

    asyncio.run(main())


def test_who_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "HEAD_S", 0.2)

    def wait(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as out:
            out.sendall(b"GET / HT")
            return out.recv(100)

    async def main() -> None:
        async with _open() as (_, sock):
            assert await beside(wait, sock.getsockname()[1]) == b""

    asyncio.run(main())


def test_a_closed_door_leaves_the_connections_to_the_server() -> None:
    """Both listen on one socket: what the guard no longer takes waits in its queue, and is not refused."""

    async def main() -> None:
        async with _open() as (made, sock):
            port = sock.getsockname()[1]
            made.close()
            assert not made.is_open
            with socket.create_connection(("127.0.0.1", port), timeout=20) as guest:
                guest.sendall(b"hello")
                await asyncio.sleep(0.1)
                server, _ = sock.accept()
                with server:
                    server.settimeout(20)
                    assert server.recv(10) == b"hello"
            await made.open()
            assert (await beside(_ask, port))[0] == 503

    asyncio.run(main())


def test_floor_page_hides_nothing_and_escapes_all(tmp_path: Path) -> None:
    fall = Fall(
        Failure("guard.exited", "<b>status 3</b>", "/x/failed.log"), "1.0", time.time(), time.time() + 90
    )
    tried: list[int] = []
    floor = Floor(tmp_path, fall, lambda: tried.append(1))
    text = floor.answer(_request("/calendar", accept="text/html")).body.decode()
    assert re.search(r'http-equiv="refresh" content="1[12]\d"', text)  # soon after the next try
    assert "&lt;b&gt;status 3&lt;/b&gt;" in text and "<b>" not in text and "/x/failed.log" in text
    floor.leave()
    body = Request("POST", "/guard/try-again", {"accept": "text/html"}, b"code=")
    assert floor.answer(body).status == 403 and tried == []  # no code is no code


def test_floor_of_a_server_that_has_moved_says_so(tmp_path: Path) -> None:
    fall = Fall(Failure("guard.exited", "status 1 (control.moved)"), "1.0", time.time(), time.time() + 90)
    text = Floor(tmp_path, fall, lambda: None).answer(_request("/", accept="text/html")).body.decode()
    assert "Dieser Server ist umgezogen" in text and "This server has moved" in text
    assert "praxisd move undo" in text and "lässt sich nicht starten" not in text


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "de"),
        ("fr", "de"),
        ("en", "en"),
        ("de-CH,en;q=0.9", "de"),
        ("de;q=0.2,en;q=0.8", "en"),
        ("en;q=0", "de"),
        ("en;q=x", "de"),
    ],
)
def test_language_is_the_callers(header: str, lang: str) -> None:
    assert words.accepted(header) == lang
