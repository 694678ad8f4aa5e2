"""One system at work on jobs, in a process of its own: `python -m bench.jobs_worker SYSTEM TARGET MEASURE`.

SYSTEM is `ours`, `huey`, `huey-results` or `procrastinate`, TARGET a folder or the url of a PostgreSQL. Prints one
JSON object. MEASURE: `rate` queues QUEUED runs durably and lets four workers do them; `delay` asks for runs one by one,
and for runs at a time of day. A run notes when it begins and does nothing else.
"""

import json
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORKERS, QUEUED, JOBS = 4, 600, 8
ASKED, TIMED = 25, 10
BEGUN: list[tuple[float, float, float, str]] = []
"""(wall clock, monotonic, processor time of this process, what was asked for), one for each run that began."""
DONE = threading.Semaphore(0)


def begin(word: str = "") -> None:
    """What every run does."""
    BEGUN.append((time.time(), time.perf_counter(), time.process_time(), word))
    DONE.release()


def rate(start: Callable[[], None]) -> dict[str, float]:
    """Runs per second, and processor seconds per run, between the first run and the last."""
    start()
    for _ in range(QUEUED):
        if not DONE.acquire(timeout=120):
            raise RuntimeError(f"only {len(BEGUN)} of {QUEUED} runs began")
    first, last = BEGUN[0], BEGUN[-1]
    return {
        "perS": (QUEUED - 1) / (last[1] - first[1]),
        "cpuS": (last[2] - first[2]) / (QUEUED - 1),
    }


def delay(ask: Callable[[str], None], at: Callable[[str, int], None]) -> dict[str, Any]:
    """Milliseconds from asking to beginning, and from a due time to beginning; medians and the worst."""
    dice = random.Random(7)
    asked = []
    for number in range(ASKED):
        time.sleep(dice.uniform(0.1, 0.5))
        began = time.perf_counter()
        ask(f"a{number}")
        if not DONE.acquire(timeout=60):
            raise RuntimeError("a run that was asked for did not begin")
        asked.append((BEGUN[-1][1] - began) * 1000)
    due = {}
    first = int(time.time()) + 3
    for number in range(TIMED):
        due[f"t{number}"] = first + number
        at(f"t{number}", first + number)
    for _ in due:
        if not DONE.acquire(timeout=60):
            raise RuntimeError("a run that was due did not begin")
    late = [(wall - due[word]) * 1000 for wall, _, _, word in BEGUN if word in due]
    if min(late) < 0:
        raise RuntimeError("a run began before it was due")
    return {
        "askedMs": statistics.median(asked),
        "askedWorstMs": max(asked),
        "dueMs": statistics.median(late),
        "dueWorstMs": max(late),
    }


def ours(target: str, measure: str) -> dict[str, Any]:
    """praxisd's own jobs: the kernel alone, with the threads it has in every server."""
    from praxisd.kernel import jobs
    from praxisd.kernel.access import system
    from praxisd.kernel.app import open_house
    from praxisd.kernel.config import Config
    from praxisd.kernel.job_plan import Planner, add_run
    from praxisd.kernel.schedule import Once
    from praxisd.testing.trials import NIGHTLY, job, with_jobs

    url = target if target.startswith("postgresql") else None
    folder = Path(f"/tmp/praxisd-bench-jobs-{time.time_ns()}") if url else Path(target)
    words = [f"t{n}" for n in range(TIMED)]
    names = [*(f"trial.j{n}" for n in range(JOBS)), *(f"trial.{word}" for word in words)]
    current = [""]
    made = [
        job(
            name,
            lambda run: begin(current[0] or run.job.partition(".")[2]),
            NIGHTLY,
            enabled=False,
            missed="all",
        )
        for name in names
    ]
    house = open_house(folder, with_jobs(*made), Config(database_url=url, job_threads=WORKERS))
    who = system("bench")
    Planner(house).step()
    if measure == "rate":
        now = int(time.time())
        with house.store.write(who) as tx:
            for number in range(QUEUED):
                add_run(tx, names[number % JOBS], now - QUEUED + number, "bench")
        found = rate(house.start_work)
    else:
        house.start_work()
        time.sleep(1)

        def ask(word: str) -> None:
            current[0] = word
            house.store.run(who, lambda tx: jobs.run_now(house, tx, names[0]))

        def at(word: str, moment: int) -> None:
            current[0] = ""
            house.store.run(
                who,
                lambda tx: jobs.change(house, tx, f"trial.{word}", plan=Once(moment), enabled=True),
            )

        found = delay(ask, at)
    house.stop()
    return found


def huey(target: str, measure: str, results: bool) -> dict[str, Any]:
    """huey on SQLite with `synchronous=FULL`; `results`: it keeps what became of a run, else it forgets."""
    from datetime import datetime

    from huey import SqliteHuey

    queue = SqliteHuey("bench", filename=f"{target}/huey.db", fsync=True, results=results, utc=False)

    @queue.task()
    def run(word: str) -> int | None:
        begin(word)
        return 1 if results else None

    consumer = queue.create_consumer(workers=WORKERS, worker_type="thread", periodic=False)
    if measure == "rate":
        for number in range(QUEUED):
            run(str(number))
        found = rate(consumer.start)
    else:
        consumer.start()
        time.sleep(1)
        found = delay(
            lambda word: run(word),
            lambda word, moment: run.schedule(args=(word,), eta=datetime.fromtimestamp(moment)),
        )
    consumer.stop(graceful=False)
    return found


def procrastinate(target: str, measure: str) -> dict[str, Any]:
    """procrastinate on PostgreSQL, woken by NOTIFY, keeping its finished jobs; runs in threads like ours."""
    import asyncio
    from datetime import UTC, datetime

    from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

    conninfo = target.replace("+psycopg", "")
    app = App(connector=PsycopgConnector(conninfo=conninfo, min_size=2, max_size=WORKERS + 4))
    front = App(connector=SyncPsycopgConnector(conninfo=conninfo))
    front.open()
    front.schema_manager.apply_schema()

    @app.task(name="run", pass_context=False)
    def run(word: str) -> None:
        begin(word)

    async def work() -> None:
        async with app.open_async():
            await app.run_worker_async(
                concurrency=WORKERS, install_signal_handlers=False, delete_jobs="never"
            )

    def start() -> None:
        threading.Thread(target=lambda: asyncio.run(work()), daemon=True).start()

    def defer(word: str) -> None:
        front.configure_task("run", allow_unknown=True).defer(word=word)

    if measure == "rate":
        for number in range(QUEUED):
            defer(str(number))
        return rate(start)
    start()
    time.sleep(1)
    return delay(
        defer,
        lambda word, moment: (
            front.configure_task(
                "run", allow_unknown=True, schedule_at=datetime.fromtimestamp(moment, UTC)
            ).defer(word=word)
            and None
        ),
    )


def main(name: str, target: str, measure: str) -> None:
    """Measure and print."""
    if name == "ours":
        found = ours(target, measure)
    elif name == "procrastinate":
        found = procrastinate(target, measure)
    else:
        found = huey(target, measure, results=name == "huey-results")
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    # Threads of others that wait for work must not hold up the end.
    import os

    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
