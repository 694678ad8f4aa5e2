"""`python -m praxisd.testing.torture_messages`: kill the server while it prepares, sends and asks; no message twice, none lost.

    --kills K      so many times kill -9 at a random moment (default 200)
    --stops S      so many times SIGSTOP for longer than the lease and the permission to send (with --postgres; default K/20)
    --postgres     two servers on one PostgreSQL instead of one on SQLite
    --minutes M    end earlier, with what was done by then
    --seed S       dice                  --out DIR   where folders and logs stay

The gateway is `praxisd sandbox sms` with faults: it takes messages and drops the connection, answers late, with 429, 500
or nonsense, and repeats its calls in any order. It never deduplicates. Between the rounds the waits after refusals are
cut short. At the end the faults stop, the jobs run until all is at rest, and everything stored is judged against what
the gateway got. Ends with 1 if one promise was broken.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from praxisd.testing.postgres import PostgresServer
from praxisd.testing.programs import Client
from praxisd.testing.torture_messages_check import judge, stored
from praxisd.testing.torture_messages_scene import Gateway, Scene, Wish, config, free_port, prepare
from praxisd.testing.torture_nodes import Node

JOBS = ("reminders.prepare", "messaging.send", "messaging.status")
PER_ROUND = 4
"""Appointments booked before each kill."""
FAULTS = (
    "drop",
    "lose",
    "stall",
    "delay",
    "busy",
    "error",
    "error_after",
    "refuse",
    "garbage",
    "repeat",
    "disorder",
)
RATE, DELAY_S = 0.35, 0.4
EARLIEST_S, LATEST_S = 0.0, 0.25
"""When a server is killed, counted from the moment at which it is seen at the work that the dice chose."""
SEEN_S = 5.0
"""So long is waited for that moment at most."""
MOMENTS = {
    "prepare": "SELECT count(*) FROM kernel_run WHERE job = 'reminders.prepare' AND state = 'running'",
    "send": "SELECT count(*) FROM messaging_outbox WHERE state = 'sending'",
    "status": "SELECT count(*) FROM kernel_run WHERE job = 'messaging.status' AND state = 'running'",
    "any": "SELECT 1",
}
"""What a server may be at when it is hit."""
FROZEN_S = 14.0
"""Longer than lease, permission to send, and the time after which the gateway is believed."""
REST_S = 180.0
OPEN = ("prepared", "sending", "unsure", "accepted")


@dataclass
class Result:
    """What was done, and what was found: `faults` are broken promises."""

    engine: str
    seconds: float = 0.0
    rest: float = 0.0
    moments: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    stops: int = 0
    candidates: int = 0
    handed_over: int = 0
    states: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    spent: int = 0
    faults: list[str] = field(default_factory=list)

    def report(self) -> str:
        """The figures as lines."""
        states = ", ".join(f"{n} {state}" for state, n in sorted(self.states.items()))
        attempts = ", ".join(f"{n} in {a}" for a, n in sorted(self.attempts.items()))
        moments = ", ".join(f"{n} {what}" for what, n in sorted(self.moments.items()))
        runs = ", ".join(f"{n} {what}" for what, n in sorted(self.runs.items()))
        lines = [
            f"{self.engine}: {self.kills} x kill -9, {self.stops} x SIGSTOP, {self.seconds:.1f} s, of which"
            f" {self.rest:.1f} s to come to rest",
            f"  {self.candidates} appointments, {self.handed_over} messages at the gateway; {states}",
            f"  hit at: {moments}",
            f"  attempts: {attempts}; credits spent: {self.spent}",
            f"  runs: {runs}",
            f"  violations={len(self.faults)}",
            *(f"    {one}" for one in self.faults[:20]),
        ]
        return "\n".join(lines)


class Torture:
    """The servers, the gateway, and the dice."""

    def __init__(self, stack: ExitStack, postgres: bool, rounds: int, seed: int, out: Path) -> None:
        self.dice = random.Random(seed)
        self.url: str | None = None
        if postgres:
            self.url = stack.enter_context(PostgresServer(durable=True)).new_database()
        self.gateway = Gateway(out / "gateway", out / "gateway.log")
        stack.callback(self.gateway.stop)
        self.gateway.faults(RATE, seed, FAULTS, DELAY_S)
        ports = [free_port() for _ in range(2 if postgres else 1)]
        self.nodes = [
            Node(n, out / f"node{n}", out / f"node{n}.log", wanted=port) for n, port in enumerate(ports)
        ]
        for node in self.nodes:
            config(node.folder, self.url, f"http://127.0.0.1:{ports[0]}")
            stack.callback(node.kill)
        self.scene: Scene = prepare(
            self.nodes[0].folder, self.url, self.gateway.url, (rounds + 1) * PER_ROUND
        )
        self.wishes = list(self.scene.wishes)
        self.booked: set[str] = set()
        self.moments: Counter[str] = Counter()

    def start(self) -> None:
        """Start every node that does not run, and wait until all answer."""
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.ready()

    def call(
        self, node: Node, method: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, Any]:
        """One request of the owner; (0, None) if the server was not there any more."""
        try:
            client = Client(f"http://127.0.0.1:{node.port}", self.scene.key)
            return client.call(method, f"/api/v1{path}", body, {"Idempotency-Key": key} if key else None)
        except OSError:
            return 0, None

    def book(self, node: Node, wish: Wish) -> None:
        """Book an appointment, however slow the server is; RuntimeError if it is refused.

        500: on a machine that is too busy the database takes an idle transaction away (`job_lease_s` is short here).
        """
        body = {"service": self.scene.service, "start": wish.start, "patient": {"id": wish.patient}}
        end = time.monotonic() + REST_S
        status, answer = 0, cast(Any, None)
        while status in (0, 409, 500, 503) and time.monotonic() < end:
            status, answer = self.call(node, "POST", "/appointments", body, key=wish.patient)
        if status != 201:
            raise RuntimeError(f"not booked: {status} {answer}")
        self.booked.add(answer["id"])

    def ask(self, node: Node) -> None:
        """Ask for all jobs, in any order; those that are at work already go on."""
        for name in self.dice.sample(JOBS, len(JOBS)):
            self.call(node, "POST", f"/jobs/{name}/run", {})

    def sql(self, statement: str) -> int:
        """Run a statement beside the servers; the number it finds."""
        if self.url is None:
            import sqlite3

            with closing(sqlite3.connect(self.nodes[0].folder / "praxisd.db", timeout=30)) as there:
                row = there.execute(statement).fetchone()
                there.commit()
        else:
            row = self._shared(self.url, statement)
        return int(row[0]) if row else 0

    def _shared(self, url: str, statement: str) -> Any:
        import psycopg

        while True:
            try:
                with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as there:
                    cursor = there.execute(statement)
                    return cursor.fetchone() if cursor.description else None
            except psycopg.errors.DeadlockDetected:  # the other server goes on meanwhile
                time.sleep(0.05)

    def hurry(self) -> None:
        """Cut the waits after refusals short, as if the time had passed. On SQLite only while no server runs."""
        self.sql("UPDATE messaging_outbox SET next_at = 0 WHERE state = 'prepared'")

    def await_moment(self) -> None:
        """Wait until a server is seen at the work that the dice choose, and a little longer."""
        moment = self.dice.choice(("send", "send", *MOMENTS))
        self.moments[moment] += 1
        end = time.monotonic() + SEEN_S
        while not self.sql(MOMENTS[moment]) and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(self.dice.uniform(EARLIEST_S, LATEST_S))

    def round(self, victim: Node) -> None:
        """Book, ask for the jobs, kill, start again."""
        for _ in range(PER_ROUND):
            self.book(self.dice.choice(self.nodes), self.wishes.pop())
        self.ask(self.dice.choice(self.nodes))
        self.await_moment()
        victim.kill()
        self.hurry()
        victim.start()
        victim.ready()

    def freeze(self, victim: Node) -> None:
        """Let a server stand still while the other goes on, and then wake up."""
        other = next(one for one in self.nodes if one is not victim)
        for _ in range(PER_ROUND):
            self.book(other, self.wishes.pop())
        self.ask(victim)
        self.await_moment()
        os.kill(victim.pid, signal.SIGSTOP)
        end = time.monotonic() + FROZEN_S
        while time.monotonic() < end:
            self.ask(other)
            time.sleep(1.0)
        os.kill(victim.pid, signal.SIGCONT)

    def open_messages(self, node: Node) -> int:
        """How many messages have not come to an end (200 of each state at most)."""
        found = 0
        for state in OPEN:
            status, answer = self.call(node, "POST", "/outbox/search", {"state": state, "limit": 200})
            found += len(answer["messages"]) if status == 200 else 1
        return found

    def settle(self) -> None:
        """Without faults, let the jobs run until nothing is left to do."""
        self.gateway.faults(0.0, 0, FAULTS, DELAY_S)
        node = self.nodes[0]
        end = time.monotonic() + REST_S
        quiet = 0
        while quiet < 2 and time.monotonic() < end:
            for name in JOBS:
                self.call(node, "POST", f"/jobs/{name}/run", {})
            time.sleep(0.5)
            seen = {
                row["appointment"]
                for state in ("delivered", "failed", "expired")
                for row in self._all(node, state)
            }
            quiet = quiet + 1 if not self.open_messages(node) and self.booked <= seen else 0

    def _all(self, node: Node, state: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            asked = {"state": state, "limit": 200, **({"cursor": cursor} if cursor else {})}
            status, answer = self.call(node, "POST", "/outbox/search", asked)
            if status != 200:
                return rows
            rows += answer["messages"]
            cursor = answer["next"]
            if cursor is None:
                return rows


def torture(
    kills: int, stops: int, seed: int, out: Path, *, postgres: bool, most_s: float = float("inf")
) -> Result:
    """Kill (and freeze) that often, but no longer than `most_s`; let all come to rest, judge."""
    result = Result("postgresql, two servers" if postgres else "sqlite")
    with ExitStack() as stack:
        one = Torture(stack, postgres, kills + stops, seed, out)
        began = time.monotonic()
        one.start()
        plan = ["kill"] * kills + ["freeze"] * stops
        one.dice.shuffle(plan)
        for what in plan:
            if time.monotonic() - began > most_s:
                break
            victim = one.dice.choice(one.nodes)
            if what == "kill":
                one.round(victim)
                result.kills += 1
            else:
                one.freeze(victim)
                result.stops += 1
        for node in one.nodes:
            node.stop()
        one.hurry()
        one.start()
        calm = time.monotonic()
        one.settle()
        result.rest = time.monotonic() - calm
        for name in JOBS:
            _, answer = one.call(one.nodes[0], "GET", f"/jobs/{name}/runs?limit=200")
            result.runs.update(f"{name} {run['state']}" for run in (answer or {}).get("runs", ()))
        codes = [node.stop() for node in one.nodes]
        result.faults += [f"exit codes {codes} after SIGTERM"] if any(codes) else []
        result.seconds = time.monotonic() - began
        arrived = one.gateway.messages()
        found = stored(one.nodes[0].folder, one.url, one.scene.organization, frozenset(one.booked))
        result.faults += judge(found, arrived)
    result.moments = one.moments
    result.candidates, result.handed_over = len(one.booked), len(arrived)
    result.states.update(row.state for row in found.outbox)
    result.attempts.update(row.attempts for row in found.outbox)
    result.spent = sum(row.charged for row in found.outbox)
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m praxisd.testing.torture_messages", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--stops", type=int, default=-1)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    out = asked.out or Path(tempfile.mkdtemp(prefix="praxisd-torture-messages-"))
    out.mkdir(parents=True, exist_ok=True)
    print(f"seed {asked.seed}, everything kept in {out}", flush=True)
    stops = asked.stops if asked.stops >= 0 else asked.kills // 20
    stops = stops if asked.postgres else 0
    most_s = asked.minutes * 60
    result = torture(asked.kills, stops, asked.seed, out, postgres=asked.postgres, most_s=most_s)
    print(result.report(), flush=True)
    return 1 if result.faults else 0


if __name__ == "__main__":
    sys.exit(main())
