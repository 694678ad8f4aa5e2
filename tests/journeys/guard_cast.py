"""A sample practice under its guard as tests see it, and a portal that books all the time."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from praxisd.testing.programs import Client, Done, Running, command

PATIENCE_S = 120.0


def until(found: Callable[[], Any], what: str) -> Any:
    """Wait for a true answer; AssertionError with `what` after two minutes."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        answer = found()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited in vain for {what}")


class Booker:
    """Books again and again until the block ends, as a portal does: a 503 means later. `ids` were answered 201.

    The more it has, the longer it waits: three weeks of free times last however long the block does.
    """

    def __init__(self, practice: "Practice") -> None:
        self.ids: list[str] = []
        self._practice = practice
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "Booker":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join(60)

    def _work(self) -> None:
        while not self._ended.wait(0.3 * (1 + len(self.ids) / 20)):
            try:
                self.ids.append(self._practice.book())
            except (AssertionError, OSError, KeyError, TypeError):
                continue


@dataclass
class Practice:
    """The sample practice, its guard and its publisher."""

    folder: Path
    program: Running

    @property
    def access(self) -> dict[str, Any]:
        """What the demo wrote down."""
        found: dict[str, Any] = json.loads((self.folder / "access.json").read_text())
        return found

    @property
    def client(self) -> Client:
        """With the key of the sample portal."""
        return Client(self.program.url, self.access["api_key"])

    @property
    def desk(self) -> Client:
        """With the key of the desk."""
        return Client(self.program.url, self.access["desk_key"])

    def state(self) -> dict[str, Any]:
        """What the guard says it does."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "program" / "state.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def journal(self) -> list[dict[str, Any]]:
        """What the guard did."""
        lines = (self.folder / "program" / "journal.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def steps(self) -> list[str]:
        """The steps of the last order to install something."""
        lines = [line for line in self.journal() if line["kind"] == "install"]
        return [line["step"] for line in lines if line["order"] == lines[-1]["order"]]

    def say(self, *words: str) -> Done:
        """A command of praxisd on this folder."""
        return command(*words, folder=self.folder)

    def publish(self, what: str) -> None:
        """Have the publisher publish something, and the practice fetch it."""
        status, answer = Client(self.access["sandbox"]["updates"]).call("POST", "/publish", {"what": what})
        assert status == 200, answer
        assert self.say("updates", "check").code == 0

    def runs(self, version: str | None = None) -> bool:
        """The server is up, and is this version."""
        found = self.state()
        return found.get("state") == "running" and version in (None, found.get("version"))

    def strike(self, number: int) -> int:
        """Send the server (not the guard) a signal; its process id."""
        pid = int(self.state()["server_pid"])
        os.kill(pid, number)
        return pid

    def crash(self) -> None:
        """The server dies as by a fault of its own, and the guard has noticed and started it again."""
        pid = self.strike(signal.SIGSEGV)
        until(lambda: self.state().get("server_pid") not in (None, pid), "a new server")
        until(lambda: self.state().get("state") in ("running", "safe"), "an end of the start")

    def codes(self) -> dict[str, dict[str, Any]]:
        """Open issues by code."""
        found = self.say("doctor", "--json").json["issues"]
        return {one["code"]: one for one in found}

    def book(self) -> str:
        """Book the next free time of the first type; its id."""
        services = self.client.call("GET", "/api/v1/healthcare-services")[1]["healthcareServices"]
        now = datetime.now().astimezone().replace(microsecond=0)
        query = {"from": now.isoformat(), "to": (now + timedelta(days=21)).isoformat(), "limit": "1"}
        for one in services:
            path = f"/api/v1/slots?{urlencode(query | {'service': one['id']})}"
            found = self.client.call("GET", path)[1]["slots"]
            if found:
                body = {
                    "service": one["id"],
                    "start": found[0]["start"],
                    "patient": {"family": "Wächter", "given": "Eva", "birthDate": "1980-05-17"},
                }
                status, answer = self.client.call("POST", "/api/v1/appointments", body)
                assert status == 201, answer
                return str(answer["id"])
        raise AssertionError(f"no free time in the next 21 days for {services}")

    def lost(self, appointments: list[str]) -> list[tuple[str, int, Any]]:
        """What is answered to who asks for those bookings that are not there: nothing, when all are."""
        found = []
        for one in appointments:
            status, answer = self.client.call("GET", f"/api/v1/appointments/{one}")
            while status == 429:
                time.sleep(1)
                status, answer = self.client.call("GET", f"/api/v1/appointments/{one}")
            if status != 200:
                found.append((one, status, answer))
        return found
