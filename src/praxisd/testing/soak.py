"""`python -m praxisd.testing.soak`: the demo practice with simulated people, programs and faults, for as long as asked.

    --minutes M    so long (default 60; 0.5 and more)      --seed S    dice
    --rate R       requests a second, about (default 7)    --out DIR   soak.svg, soak.json, soak.md (default soak-out)
    --postgres     on PostgreSQL instead of SQLite

Memory, descriptors, threads, children, files, rows of all tables and the latency of fixed probes are sampled. Ends with 1 and
names what grew, what went wrong or who did not come to work; else with 0.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from praxisd.testing import soak_desk, soak_faults, soak_laptop, soak_report, soak_seats, soak_verdicts
from praxisd.testing.soak_actor import Actor, Cast, Tally
from praxisd.testing.soak_sample import Sampler, Samples
from praxisd.testing.soak_scene import Scene, opened

RATE = 7.0
"""What the actors ask for a second at their usual pace, measured."""
LOOK_S, COUNT_S = 5.0, 60.0


def cast(scene: Scene, seconds: float) -> list[Actor]:
    """All who act. In a short soak there is one laptop, and each fault comes once, for a moment."""
    short = seconds < 300
    return [
        soak_desk.desk(scene),
        soak_desk.client(scene),
        soak_faults.patients(scene),
        soak_faults.live(scene),
        soak_seats.seats(scene, 3.0 if short else 12.0),
        soak_desk.jobs(scene),
        soak_desk.logs(scene),
        soak_desk.medication(scene),
        soak_desk.guest(scene),
        soak_laptop.laptop(scene, 60.0 if short else 240.0),
        soak_faults.faults(scene, 4.0 if short else 45.0, 2.0 if short else 20.0, 3 if short else None),
    ]


def soak(
    work: Path,
    *,
    seconds: float,
    seed: int,
    rate: float = RATE,
    postgres: bool = False,
    filled: Path | None = None,
) -> soak_report.Result:
    """Live through it; `work` is an empty folder."""
    tally = Tally()
    load = os.getloadavg()[0]
    with opened(work, tally, postgres=postgres, filled=filled) as scene:
        actors = cast(scene, seconds)
        tally.began = time.monotonic()
        samples, sampler = Samples(tally.now), Sampler(scene)
        crew = Cast(tally, actors, seed, RATE / rate)
        began = tally.requests
        crew.start()
        try:
            _watch(sampler, samples, tally, seconds)
        finally:
            spent = tally.now()
            crew.stop()
        said = scene.server.errors
    warm = soak_verdicts.warm(spent)
    for line in said.splitlines():
        if '"level": "error"' in line or '"level":"error"' in line or "Traceback" in line:
            tally.error("server.log", RuntimeError(line[:300]))
    worked = {name.partition(".")[0] for name in tally.done}
    return soak_report.Result(
        seconds=spent,
        seed=seed,
        engine="PostgreSQL" if postgres else "SQLite",
        rate=(tally.requests - began) / spent,
        warm_s=warm,
        tally=tally,
        samples=samples,
        lines=soak_verdicts.lines(samples.series, warm),
        grown=soak_verdicts.grown(samples.series, samples.series["actions"], warm),
        idle=[one.name for one in actors if one.name not in worked],
        load=(load, os.getloadavg()[0]),
    )


def _watch(sampler: Sampler, samples: Samples, tally: Tally, seconds: float) -> None:
    """Sample until the time is over."""
    look_s, count_s = min(LOOK_S, seconds / 20), min(COUNT_S, seconds / 3)
    counted = float("-inf")
    while tally.now() < seconds:
        began = tally.now()
        samples.put({"actions": float(tally.actions), "requests": float(tally.requests)})
        try:
            sampler.look(samples)
            if began - counted >= count_s:
                counted = began
                sampler.count(samples)
        except Exception as error:
            tally.error("sampler", error)
        time.sleep(max(0.0, min(began + look_s, seconds) - tally.now()))
    sampler.count(samples)


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)))
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("soak-out"))
    asked = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="praxisd-soak-"))
    try:
        result = soak(
            work, seconds=asked.minutes * 60, seed=asked.seed, rate=asked.rate, postgres=asked.postgres
        )
    finally:
        shutil.rmtree(work, ignore_errors=True)
    soak_report.write(result, asked.out)
    print(soak_report.text(result))
    print(f"{asked.out / 'soak.svg'} {asked.out / 'soak.json'} {asked.out / 'soak.md'}")
    for name in result.leaks:
        print(f"grew: {name}", file=sys.stderr)
    for name in result.idle:
        print(f"did nothing: {name}", file=sys.stderr)
    for one in result.tally.said:
        print(one, file=sys.stderr)
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main())
