"""`python -m praxisd.testing.torture_jobs`: kill and freeze servers at work on jobs; each due run must happen exactly once.

    --kills K      so many times kill -9 of one of the processes (default 12)
    --stops S      so many times SIGSTOP for longer than the lease (default 6)
    --seed S       dice                  --out DIR   where the processes' logs stay

Three processes share one PostgreSQL and six jobs with a lease of two seconds. Every item of a run is one transaction:
an event and the cursor. Who is hit is at work in that moment. Afterwards the rows are judged: one for each minute that
was due, all successful, each item counted once and its event there once. Ends with 1 if one promise was broken.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from praxisd.kernel import events, job_store, jobs
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House, open_house
from praxisd.kernel.config import Config
from praxisd.kernel.job_plan import Planner
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.registry import Registry
from praxisd.kernel.schedule import Daily, Repeat
from praxisd.testing.postgres import PostgresServer
from praxisd.testing.trials import job, with_jobs

PROCESSES, JOBS, ITEMS, LEASE_S = 3, 6, 12, 2
ITEM_S = 0.02
"""How long an item takes at least. Seconds."""
AHEAD = 12
"""So many runs wait at least while processes are hit, so that whoever is hit is at work."""
WINDOW = 3
"""So many more minutes of the past become due when fewer wait."""
REST_S = 120.0
NAMES = [f"trial.t{n}" for n in range(JOBS)]
ACTOR = system("torture")
_OPEN = sa.select(job_store.RUN.c.owner, job_store.RUN.c.state).where(
    job_store.RUN.c.state.in_(("waiting", "running", "interrupted"))
)
_ITEMS = sa.select(events.EVENT.c.subject_id).where(events.EVENT.c.subject_type == "Item")
_ENDS = sa.select(events.EVENT.c.subject_id).where(events.EVENT.c.type.in_(("run.finished", "run.failed")))


def items(run: RunContext) -> None:
    """Do the items that are left, each in one transaction with the cursor."""
    for item in range((run.cursor or 0) + 1, ITEMS + 1):
        with run.write() as tx:
            events.note(tx, "job.changed", "Item", f"{run.job}-{run.due_at}-{item}")
            run.checkpoint(item, tx=tx, items=1)
        time.sleep(ITEM_S)


def registry() -> Registry:
    """The kernel and six jobs, due every minute, off until the torture begins."""
    every_minute = Daily(Repeat(1, "00:00", "23:59"))
    return with_jobs(*(job(name, items, every_minute, enabled=False, missed="all") for name in NAMES))


def work(url: str, folder: str) -> None:
    """One process: a house at work until its standard input closes."""
    house = open_house(Path(folder), registry(), Config(database_url=url, job_lease_s=LEASE_S))
    house.start_work()
    sys.stdin.read()
    house.stop()


@dataclass
class Outcome:
    """What was done, and what was found: `faults` are broken promises."""

    seconds: float = 0.0
    runs: int = 0
    kills: int = 0
    stops: int = 0
    taken_over: int = 0
    attempts: Counter[int] = field(default_factory=Counter)
    late_writes: int = 0
    faults: list[str] = field(default_factory=list)

    def report(self) -> str:
        """The figures as lines."""
        attempts = ", ".join(f"{n} in {a}" for a, n in sorted(self.attempts.items()))
        lines = [
            f"{self.kills} x kill -9, {self.stops} x SIGSTOP longer than the lease of {LEASE_S} s, {PROCESSES} processes,"
            f" {self.seconds:.1f} s",
            f"  {self.runs} due runs of {JOBS} jobs, {self.runs * ITEMS} items; attempts: {attempts}",
            f"  {self.taken_over} runs taken over, {self.late_writes} times a revived process was refused",
            f"  violations={len(self.faults)}",
            *(f"    {one}" for one in self.faults[:20]),
        ]
        return "\n".join(lines)


class Torture:
    """The processes, the database they share, and the dice."""

    def __init__(self, url: str, out: Path, seed: int) -> None:
        self.url, self.out, self.dice = url, out, random.Random(seed)
        self.house: House = open_house(out / "judge", registry(), Config(database_url=url))
        self.workers: list[subprocess.Popen[bytes]] = []
        self.first = 0
        self.asked = 0.0

    def start(self, number: int) -> subprocess.Popen[bytes]:
        """Start process `number`; what it logs is appended to its file."""
        folder = self.out / f"node{number}"
        command = [sys.executable, "-m", "praxisd.testing.torture_jobs", "work", self.url, str(folder)]
        with (self.out / f"node{number}.log").open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)

    def owe(self, first: int) -> None:
        """Let all minutes from `first` on be due (again)."""
        self.first, self.asked = first, time.monotonic()
        move = sa.update(job_store.JOB).where(job_store.JOB.c.organization == sa.bindparam("organization"))

        with self.house.store.write(ACTOR) as tx:
            tx.run(move.values(next_at=first))
            tx.notify()

    def open_runs(self) -> list[tuple[str, str]]:
        """(owner, state) of all runs that are not over."""
        with self.house.store.read(ACTOR) as tx:
            return [(row.owner, row.state) for row in tx.all(_OPEN.execution_options(across=True))]

    def at_work(self, index: int) -> bool:
        """True if the process has a run at work; sees to it that there is enough to do."""
        found = self.open_runs()
        if sum(state == "waiting" for _, state in found) < AHEAD and time.monotonic() > self.asked + 2:
            self.owe(self.first - WINDOW * 60)
        mark = f"-{self.workers[index].pid}-"
        return any(state == "running" and mark in owner for owner, state in found)

    def begin(self) -> None:
        """Adopt and switch on the jobs, start the processes."""
        Planner(self.house).step()
        for name in NAMES:
            with self.house.store.write(ACTOR) as tx:
                jobs.change(self.house, tx, name, enabled=True, max_age_s=jobs.OLDEST_AGE_S)
        self.owe(int(time.time()) // 60 * 60 - WINDOW * 60)
        self.workers = [self.start(number) for number in range(PROCESSES)]

    def hit(self, how: str) -> None:
        """Wait until a process drawn by lot is at work, then kill it and start another, or freeze it for a while."""
        index = self.dice.randrange(PROCESSES)
        until = time.monotonic() + REST_S
        while not self.at_work(index):
            if time.monotonic() > until:
                raise RuntimeError(f"process {index} never came to work; see {self.out}")
            time.sleep(0.05)
        time.sleep(self.dice.uniform(0.0, 0.4))
        victim = self.workers[index]
        if how == "kill":
            victim.kill()
            victim.wait()
            self.workers[index] = self.start(index)
        else:
            os.kill(victim.pid, signal.SIGSTOP)
            time.sleep(LEASE_S + self.dice.uniform(1.2, 2.2))
            os.kill(victim.pid, signal.SIGCONT)

    def finish(self) -> int:
        """Switch the jobs off and wait until nothing is open; the time up to which runs were owed."""
        for name in NAMES:
            with self.house.store.write(ACTOR) as tx:
                jobs.change(self.house, tx, name, enabled=False)
                now = tx.now
        until = time.monotonic() + REST_S
        while self.open_runs() and time.monotonic() < until:
            time.sleep(0.1)
        return now

    def end(self) -> None:
        """Let all processes go."""
        for one in self.workers:
            if one.stdin is not None:
                one.stdin.close()
        for one in self.workers:
            try:
                one.wait(15)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()
        self.house.stop()

    def judge(self, found: Outcome, upto: int) -> None:
        """Look at every row that is there and at every one that should be."""
        with self.house.store.read(ACTOR) as tx:
            log = [run for name in NAMES for run in jobs.runs(self.house, tx, name, limit=1_000_000)]
            done = Counter(row.subject_id for row in tx.all(_ITEMS.execution_options(across=True)))
            ends = Counter(row.subject_id for row in tx.all(_ENDS.execution_options(across=True)))
        owed = {(name, due) for name in NAMES for due in range(self.first, upto + 1, 60)}
        rows = Counter((run.job, run.due_at) for run in log)
        self.compare(found, "due times without a run", owed - set(rows))
        self.compare(found, "runs nobody owed", set(rows) - owed)
        self.compare(found, "due times with several runs", [one for one, n in rows.items() if n > 1])
        bad = [(run.job, run.due_at, run.state, run.code) for run in log if run.state != "success"]
        self.compare(found, "runs that did not succeed", bad)
        miscounted = [(run.job, run.due_at, run.counts) for run in log if run.counts != {"items": ITEMS}]
        self.compare(found, "runs that counted wrongly", miscounted)
        wanted = {f"{name}-{due}-{item}" for name, due in owed for item in range(1, ITEMS + 1)}
        self.compare(found, "items never done", wanted - set(done))
        self.compare(found, "items done twice", [one for one, n in done.items() if n > 1])
        self.compare(found, "items nobody owed", set(done) - wanted)
        self.compare(found, "runs that ended twice", [one for one, n in ends.items() if n > 1])
        self.compare(found, "runs that never ended", {run.id for run in log} - set(ends))
        if {run.organization for run in log} != {INSTALLATION}:
            found.faults.append("runs of another organization")
        found.runs = len(log)
        found.attempts = Counter(run.attempt for run in log)
        found.taken_over = sum(run.attempt > 1 for run in log)
        logs = (self.out / f"node{number}.log" for number in range(PROCESSES))
        found.late_writes = sum(log.read_bytes().count(b'"run_lost"') for log in logs if log.exists())

    @staticmethod
    def compare(found: Outcome, what: str, wrong: object) -> None:
        """Note a broken promise if something is wrong."""
        listed = sorted(wrong, key=repr) if isinstance(wrong, set | list) else []
        if listed:
            found.faults.append(f"{len(listed)} {what}: {listed[:3]}")


def torture(url: str, kills: int, stops: int, seed: int, out: Path) -> Outcome:
    """Hit the processes so often, in an order drawn by lot, and judge what they left."""
    began = time.monotonic()
    one = Torture(url, out, seed)
    hits = ["kill"] * kills + ["stop"] * stops
    one.dice.shuffle(hits)
    found = Outcome(kills=kills, stops=stops)
    try:
        one.begin()
        for how in hits:
            one.hit(how)
        one.judge(found, one.finish())
        if found.taken_over == 0:
            found.faults.append("nobody was hit at work: this torture proved nothing")
    finally:
        one.end()
    found.seconds = time.monotonic() - began
    return found


def main(arguments: list[str]) -> int:
    """What the command line asks for; 1 if a promise was broken."""
    if arguments[:1] == ["work"]:
        work(*arguments[1:])
        return 0
    parser = argparse.ArgumentParser(prog="python -m praxisd.testing.torture_jobs", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--stops", type=int, default=6)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    out = asked.out or Path(tempfile.mkdtemp(prefix="praxisd-torture-jobs-"))
    out.mkdir(parents=True, exist_ok=True)
    print(f"seed {asked.seed}, logs in {out}", flush=True)
    with PostgresServer(durable=True) as server:
        found = torture(server.new_database(), asked.kills, asked.stops, asked.seed, out)
    print(found.report(), flush=True)
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
