"""What is broken on purpose in a soak: connections dropped in the middle, the portal away, the hub away; and the live pages."""

import random
import signal
import socket
import struct
import time
from collections import deque
from urllib.parse import urlsplit

from praxisd.testing.soak_actor import Actor, Refused, until
from praxisd.testing.soak_scene import PEOPLE, Scene

PAGES = 4
PAGE_S = 20.0
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close says RST."""
_FAULTS = ("error", "lose", "half_closed", "bad_json", "too_often", "drop")


def _address(scene: Scene) -> tuple[str, int]:
    parts = urlsplit(scene.server.url)
    return parts.hostname or "127.0.0.1", parts.port or 80


def live(scene: Scene) -> Actor:
    """Live pages: a few are open at a time, each for a while; half of them are closed, half vanish with a reset."""
    pages: deque[tuple[float, socket.socket]] = deque()
    head = (
        f"GET /api/v1/live HTTP/1.1\r\nHost: {urlsplit(scene.server.url).netloc}\r\nAccept: text/event-stream\r\n"
        f"Authorization: Bearer {scene.access['desk_key']}\r\n\r\n"
    ).encode()

    def leave(page: socket.socket, hard: bool) -> None:
        if hard:
            page.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        page.close()

    def step(dice: random.Random) -> str:
        while pages and (len(pages) >= PAGES or time.monotonic() - pages[0][0] > PAGE_S):
            leave(pages.popleft()[1], dice.random() < 0.5)
        scene.tally.asked()
        page = socket.create_connection(_address(scene), 30)
        try:
            page.sendall(head)
            told = b""
            while b"event: hello" not in told:
                more = page.recv(65_536)
                if not more:
                    raise RuntimeError(f"a live page ended: {told[:40]!r}")
                told += more
                if not told.startswith(b"HTTP/1.1 200"[: len(told)]):
                    raise RuntimeError(f"a live page was refused: {told[:40]!r}")
        except BaseException:
            page.close()
            raise
        pages.append((time.monotonic(), page))
        for _, one in pages:  # what came meanwhile is read, so that nobody is a slow reader
            one.setblocking(False)
            try:
                while one.recv(65_536):
                    pass
            except BlockingIOError:
                pass
            one.setblocking(True)
        return "page"

    def close() -> None:
        while pages:
            leave(pages.popleft()[1], False)

    return Actor("live", 3.0, step, close)


def faults(scene: Scene, every_s: float, hold_s: float, most: int | None = None) -> Actor:
    """One fault after the other in turn, each for `hold_s`; after `most` of them there is peace."""
    sandbox = scene.sandbox("portal").ask
    desk_key = scene.access["desk_key"]
    turn = [0]

    def drop(dice: random.Random) -> str:
        """A dozen connections end in the middle of a request, or before the answer was read."""
        whole = (
            f"POST /api/v1/patients/search HTTP/1.1\r\nHost: {urlsplit(scene.server.url).netloc}\r\n"
            f"Authorization: Bearer {desk_key}\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n"
            '{"family": "Bergner"}'
        ).encode()
        for _ in range(12):
            with socket.create_connection(_address(scene), 30) as one:
                one.sendall(whole[: dice.randrange(1, len(whole) + 1)])
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        return "drop"

    def portal(dice: random.Random) -> str:
        """The portal answers wrongly, or not at all; then it is well again."""
        sandbox("POST", "/faults", {"always": dice.choice(_FAULTS)})
        try:
            time.sleep(hold_s)
        finally:
            sandbox("POST", "/faults", {"always": None})
        return "portal"

    def hub(_dice: random.Random) -> str:
        """The relay hub stands still, as a computer does that has lost its power; then it goes on."""
        program = scene.program("relay")
        program.send_signal(signal.SIGSTOP)
        try:
            time.sleep(hold_s)
        finally:
            program.send_signal(signal.SIGCONT)
        return "hub"

    ways = (portal, hub, drop)

    def step(dice: random.Random) -> str:
        if turn[0] == most:
            return "peace"
        way = ways[turn[0] % len(ways)]
        turn[0] += 1
        scene.tally.mark(way.__name__)
        return way(dice)

    def settle() -> None:
        owner = scene.asker("owner").ask
        until(lambda: bool(owner("GET", "/relay").body["connected"]), "the link to the hub")
        until(lambda: owner("GET", "/portals").body["portals"][0]["state"]["failures"] == 0, "the portal")

    return Actor("faults", every_s, step, settle=settle)


def patients(scene: Scene) -> Actor:
    """Patients at the sandbox portal: they book what is offered there, and cancel later."""
    ask = scene.sandbox("portal").ask
    gone = frozenset({404, 409, 422})
    turn = [0]
    mine: deque[str] = deque()

    def step(dice: random.Random) -> str:
        if len(mine) > 6:
            ask("POST", f"/bookings/{mine.popleft()}/cancel", {}, refusals=gone)
            return "cancel"
        calendar = dice.choice([one["name"] for one in ask("GET", "/calendars").body])
        free = ask("GET", f"/free?calendar={_quoted(calendar)}").body["free"]
        if not free:
            raise Refused("nothing_free")
        number = turn[0] % PEOPLE
        turn[0] += 1
        patient = {
            "family": f"Netz{number}", "given": "Nora", "birthDate": f"1979-06-{1 + number:02d}",
            "phone": f"0176 040690{number:02d}", "email": "",
        }  # fmt: skip
        body = {"calendar": calendar, "start": dice.choice(free[-200:]), "patient": patient}
        mine.append(ask("POST", "/bookings", body, refusals=gone).body["id"])
        return "book"

    def settle() -> None:
        for one in mine:
            try:
                ask("POST", f"/bookings/{one}/cancel", {}, refusals=gone)
            except Refused:
                continue

    return Actor("patients", 5.0, step, settle=settle)


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
