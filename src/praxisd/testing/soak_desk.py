"""Who asks the API in a soak: the desk, a booking client, the reminders' jobs, programs that log, medication, the hub's guest."""

import http.client
import random
import socket
import ssl
from collections import deque
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from praxisd.testing.soak_actor import Actor, Refused, until
from praxisd.testing.soak_scene import JOBS, PEOPLE, Scene

MEDICINES = ("Ibu", "Paracetamol", "Amoxi", "Metformin", "Simva", "Pantoprazol", "Ramipril", "ASS", "xqz")
HELD = 4
"""Appointments that the booking client keeps before it cancels the oldest."""


def desk(scene: Scene) -> Actor:
    """Looks at the calendar, finds and edits patients, books, moves, cancels, decides what portals ask for."""
    ask = scene.asker("desk").ask

    def view(dice: random.Random) -> str:
        day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        day += timedelta(days=dice.randrange(-7, 21))
        ask("POST", "/calendar/view", {"from": day.isoformat(), "to": (day + timedelta(days=7)).isoformat()})
        return "view"

    def find(dice: random.Random) -> str:
        ask("POST", "/patients/search", {"family": dice.choice(scene.names)[:3]})
        return "search"

    def edit(dice: random.Random) -> str:
        path = f"/patients/{dice.choice(scene.patients)}"
        etag = ask("GET", path).etag
        ask("PATCH", path, {"note": f"Soak {dice.randrange(1000)}"}, headers={"If-Match": etag})
        return "edit"

    def appointment(dice: random.Random) -> str:
        free = scene.free(scene.asker("desk"), "Kontrolle", dice.randrange(2, 15))
        if len(free) < 2:
            raise Refused("nothing_free")
        first, other = dice.sample(free, 2)
        wish = {"service": first["service"], "start": first["start"], "schedules": first["schedules"]}
        made = ask("POST", "/appointments", wish | {"patient": {"id": dice.choice(scene.patients)}}).body
        path = f"/appointments/{made['id']}"
        try:
            moved = {"start": other["start"], "schedules": other["schedules"]}
            ask("PATCH", path, moved, headers={"If-Match": f'W/"{made["version"]}"'})
        finally:
            ask("POST", f"{path}/cancel", {"reason": "Soak"})
        return "appointment"

    def decide(dice: random.Random) -> str:
        waiting = ask("POST", "/requests/search", {"state": "open", "limit": 20}).body["requests"]
        for one in waiting[:5]:
            if dice.random() < 0.7:
                ask("POST", f"/requests/{one['id']}/accept", {})
            else:
                ask("POST", f"/requests/{one['id']}/refuse", {"reason": "portals.refused_call_us"})
        for one in ask("POST", "/conflicts/search", {"state": "open"}).body["conflicts"][:5]:
            ask("POST", f"/conflicts/{one['id']}/settle", {"how": "keep_local"})
        return "decide"

    ways = (view, find, edit, appointment, decide)

    def step(dice: random.Random) -> str:
        return dice.choices(ways, (4, 3, 2, 2, 2))[0](dice)

    return Actor("desk", 1.2, step)


def client(scene: Scene) -> Actor:
    """A portal with a key of its own: slots, bookings, the change feed, and each booking is cancelled in the end."""
    asker = scene.asker("portal")
    ask = asker.ask
    mine: deque[str] = deque()
    cursor, turn = [""], [0]

    def step(dice: random.Random) -> str:
        if len(mine) > HELD:
            ask("POST", f"/appointments/{mine.popleft()}/cancel", {})
            return "cancel"
        if dice.random() < 0.4:
            while True:
                told = ask("GET", f"/appointments?limit=100{cursor[0]}").body
                cursor[0] = f"&since={told['cursor']}"
                if not told["more"]:
                    return "feed"
        free = scene.free(asker, "Kontrolle", dice.randrange(1, 20))
        if not free:
            raise Refused("nothing_free")
        slot, number = dice.choice(free), turn[0] % PEOPLE
        turn[0] += 1
        patient = {
            "family": f"Dauer{number}", "given": "Lena", "birthDate": f"1985-03-{1 + number:02d}",
            "phone": f"+4917139201{number:02d}",
        }  # fmt: skip
        wish = {"service": slot["service"], "start": slot["start"], "patient": patient}
        mine.append(ask("POST", "/appointments", wish).body["id"])
        return "book"

    def settle() -> None:
        while mine:
            ask("POST", f"/appointments/{mine.popleft()}/cancel", {})

    return Actor("client", 2.0, step, settle=settle)


def jobs(scene: Scene) -> Actor:
    """Reminders are prepared, sent and asked about, as often as a person would press the button."""
    ask = scene.asker("owner").ask

    def step(dice: random.Random) -> str:
        job = dice.choice([one for one in JOBS if one != "portals.sync"])
        ask("POST", f"/jobs/{job}/run", {})
        ask("GET", f"/jobs/{job}/runs")
        ask("POST", "/outbox/search", {"limit": 20})
        return "run"

    return Actor("jobs", 8.0, step)


def logs(scene: Scene) -> Actor:
    """A program writes to the central log, a person reads it and the activities."""
    ask = scene.asker("owner").ask
    began = int(datetime.now(UTC).timestamp())
    number = [began * 1000]

    def step(dice: random.Random) -> str:
        now, entries = datetime.now(UTC).isoformat(timespec="seconds"), []
        for _ in range(dice.randrange(1, 6)):
            number[0] += 1
            level = dice.choice(("debug", "info", "info", "warning"))
            entries.append({"seq": number[0], "at": now, "level": level, "code": "soak.step"})
        ask("POST", "/logbook/entries", {"entries": entries})
        ask("POST", "/logbook/search", {"limit": 50})
        ask("POST", "/events/search", {})
        return "entries"

    return Actor("logs", 5.0, step)


def medication(scene: Scene) -> Actor:
    """Products are found by what is typed, and held against each other."""
    ask = scene.asker("desk").ask
    known: deque[str] = deque(maxlen=8)

    def step(dice: random.Random) -> str:
        found = ask("POST", "/medication/search", {"text": dice.choice(MEDICINES)}).body
        known.extend(one["id"] for one in found["results"][:2])
        if len(known) < 2 or dice.random() < 0.5:
            return "search"
        ask(
            "POST",
            "/medication/check",
            {"products": dice.sample(sorted(set(known)), min(3, len(set(known))))},
        )
        return "check"

    return Actor("medication", 3.0, step)


def guest(scene: Scene) -> Actor:
    """Somebody outside, through the hub. While the hub is away that is refused; at the end it must work."""
    relay = scene.access["relay"]
    where = urlsplit(relay["url"])
    host, port = relay["connect"].split(":")
    trust = ssl.create_default_context(cafile=relay["certificate"])

    def call() -> int:
        scene.tally.asked()
        with socket.create_connection((host, int(port)), 10) as plain:
            link = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
            link.sock = trust.wrap_socket(plain, server_hostname=where.hostname)
            try:
                link.request(
                    "GET", "/api/v1/schedules", headers={"Authorization": f"Bearer {scene.access['api_key']}"}
                )
                answer = link.getresponse()
                answer.read()
                return answer.status
            finally:
                link.close()

    def step(_dice: random.Random) -> str:
        try:
            status = call()
        except (OSError, http.client.HTTPException) as error:
            raise Refused(f"hub_away_{type(error).__name__}") from None
        if status != 200:
            raise Refused(f"hub_{status}")
        return "call"

    def settle() -> None:
        def works() -> bool:
            try:
                return call() == 200
            except (OSError, http.client.HTTPException):
                return False

        until(works, "the practice under its relay name")

    return Actor("guest", 4.0, step, settle=settle)
