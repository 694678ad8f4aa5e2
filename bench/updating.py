"""Updates: how long no normal answer comes while a version goes over, beside a plain restart by the same guard in the same run.

The sample practice runs under its guard; one client asks every 10 ms over new connections, another through the relay. In each
round: a restart, the good version, a restart, the broken one (rolled back). What counts is the time from the last normal
answer before to the first one after; in between every answer must be 503 with Retry-After (SPEC 1.11).
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import report
from praxisd.testing.hammer import Hammer, Seen
from praxisd.testing.programs import Client, command, running

_PATIENCE_S = 180.0


class _Practice:
    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url

    def _journal(self) -> list[dict[str, Any]]:
        lines = (self._folder / "program" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def watched(self, order: Callable[[], None], last: tuple[str, str]) -> tuple[Seen, Seen]:
        """What was seen here and through the relay, from the order until the journal's line (kind, step) and a normal answer."""
        before = len(self._journal())
        outside = Hammer(self._url, "/fhir/R4/metadata", self._access()["relay"], pause_s=0.02)
        with Hammer(self._url, "/health/ready", pause_s=0.01) as seen, outside as far:
            order()
            self._until(lambda: any((x["kind"], x["step"]) == last for x in self._journal()[before:]))
            self._until(lambda: Client(self._url).call("GET", "/health/ready")[0] == 200)
            time.sleep(1.0)
        if seen.wrong:
            raise RuntimeError(f"{len(seen.wrong)} answers that should not be: {sorted(set(seen.wrong))[:5]}")
        return seen, far

    def _access(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self._folder / "access.json").read_text(encoding="utf-8"))
        return found

    def linked(self) -> None:
        """Wait until the practice has been linked for some seconds, ever: what the stand-in needs is written down then."""
        self._until((self._folder / "run" / "standin.json").exists)

    def restart(self) -> tuple[Seen, Seen]:
        """A plain restart by the guard."""
        home = str(self._folder / "program")

        def order() -> None:
            from praxisd_guard import orders

            orders.give(Path(home), orders.order("restart", "bench", "person"))

        return self.watched(order, ("restart", "kept"))

    def install(self, last: str) -> tuple[Seen, Seen]:
        """The version that waits."""
        if command("updates", "check", folder=self._folder).code != 0:
            raise RuntimeError("nothing could be fetched")

        def order() -> None:
            done = command("updates", "install", "praxisd", folder=self._folder)
            if done.code != 0:
                raise RuntimeError(done.err)

        return self.watched(order, ("install", last))

    def publish(self, what: str) -> None:
        """Have the sandbox publish a version."""
        Client(self._access()["sandbox"]["updates"]).call("POST", "/publish", {"what": what})

    @staticmethod
    def _until(found: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not found():
            if time.monotonic() > end:
                raise RuntimeError("an order did not come to its end")
            time.sleep(0.1)


def measure(rounds: int, say: Callable[[str], None], notes: list[str]) -> list[report.Row]:
    """Each round is a practice of its own, because a version is installed only once."""
    plain: list[float] = []
    good: list[float] = []
    broken: list[float] = []
    here, far, lost = [0.0], [0.0], 0
    for number in range(rounds):
        say(f"updates: round {number + 1} of {rounds}")
        with tempfile.TemporaryDirectory(prefix="praxisd-bench-") as name:
            folder = Path(name) / "data"
            with running(folder, verb="demo", guarded=True) as server:
                practice = _Practice(folder, server.url)
                practice.linked()
                seen = [practice.restart(), practice.install("kept"), practice.restart()]
                practice.publish("broken")
                seen.append(practice.install("restored"))
        plain.append((seen[0][0].gap_s + seen[2][0].gap_s) / 2)
        good.append(seen[1][0].gap_s)
        broken.append(seen[3][0].gap_s)
        here += [one.silent_s for one, _ in seen]
        far += [one.silent_s for _, one in seen]
        lost += sum(len(one.wrong) for _, one in seen)
    notes.append(
        f"updates: longest time without any answer at all {max(here):.2f} s here and {max(far):.2f} s through the relay, "
        f"where {lost} connections in all were cut; every other answer was normal or 503 with Retry-After; rolled back was a "
        "version that ends at its start"
    )
    return [
        report.row("updates", "good update over plain restart, time without a normal answer", good, plain),
        report.row("updates", "roll-back over plain restart, time without a normal answer", broken, plain),
        report.row(
            "updates", "silence here over the second allowed", [max(here)], [1.0], demanded=1.0, most=True
        ),
        report.row(
            "updates",
            "silence through the relay over the second allowed",
            [max(far)],
            [1.0],
            demanded=1.0,
            most=True,
        ),
    ]
