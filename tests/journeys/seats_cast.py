"""Programs at seats, as the journeys lead them: real processes that are started, asked, frozen and killed."""

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from praxisd.testing import seat_program
from praxisd.testing.programs import environment
from praxisd_client import SeatKey

ANSWER_S = 30.0
T = TypeVar("T")


class Fails(Exception):
    """What a program said instead of an answer."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(json.dumps(told))
        self.kind = told["error"]
        self.code = told.get("code", "")
        self.status = told.get("status", 0)
        self.parameters = told.get("parameters", {})
        self.holder = self.parameters.get("holder") or {}


class Program:
    """One process at a seat."""

    def __init__(self, url: str, key: Path, person: str = "", *more: str) -> None:
        line = [sys.executable, seat_program.__file__, url, str(key), "--person", person, *more]
        self.process = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), text=True
        )
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._events: list[dict[str, Any]] = []
        self._fresh = threading.Condition()
        self._numbers = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            if "event" in told:
                with self._fresh:
                    self._events.append(told)
                    self._fresh.notify_all()
            else:
                self._answers[told["n"]].put(told)

    def ready(self) -> "Program":
        """Wait until the server knows it."""
        self.session = self.event("ready")["what"][0]
        return self

    def begin(self, do: str, **more: Any) -> Callable[[float], dict[str, Any]]:
        """Ask; what is given back waits for the answer, with the time it was said at as `at`."""
        self._numbers += 1
        number = self._numbers
        self._answers[number] = queue.Queue()
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"n": number, "do": do, **more}) + "\n")
        self.process.stdin.flush()

        def answer(seconds: float = ANSWER_S) -> dict[str, Any]:
            told = self._answers[number].get(timeout=seconds)
            if "error" in told:
                raise Fails(told)
            return told

        return answer

    def do(self, do: str, **more: Any) -> Any:
        """Ask and wait. Raises Fails."""
        return self.begin(do, **more)(ANSWER_S)["answer"]

    def event(
        self, name: str, seconds: float = ANSWER_S, fits: Callable[[Any], bool] = lambda what: True
    ) -> dict[str, Any]:
        """The first event of this name that fits, taken from those that have come, or waited for."""
        until = time.monotonic() + seconds
        with self._fresh:
            while True:
                for one in self._events:
                    if one["event"] == name and fits(one["what"]):
                        self._events.remove(one)
                        return one
                if not self._fresh.wait(until - time.monotonic()) and time.monotonic() >= until:
                    seen = [one["event"] for one in self._events]
                    raise AssertionError(f"no {name} within {seconds} s; there were {seen}")

    def quiet(self, name: str) -> bool:
        """True if no event of this name has come that was not asked for yet."""
        with self._fresh:
            return all(one["event"] != name for one in self._events)

    def leave(self) -> int:
        """A clean exit; its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(15)

    def kill(self) -> float:
        """SIGKILL; when."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        return time.time()

    def freeze(self) -> float:
        """SIGSTOP, as a closed lid; when."""
        self.process.send_signal(signal.SIGSTOP)
        return time.time()

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def programs(folder: Path, url: str) -> Iterator[Callable[..., Program]]:
    """`start(key, person, …)` gives a program that is starting; all are ended afterwards."""
    started: list[Program] = []

    def start(key: SeatKey, person: str = "", *more: str, url: str = url) -> Program:
        path = folder / f"{key.seat}.json"
        if not path.exists():
            key.save(path)
        started.append(Program(url, path, person, *more))
        return started[-1]

    try:
        yield start
    finally:
        for one in started:
            if one.process.poll() is None:
                one.kill()
