"""`python -m praxisd.testing.takeover_torture`: a whole practice taken over, killed again and again, and taken back (issue 11).

    --patients N   rows of the file (default 50000)      --kills K   kill -9 in each of the three works (default 12)
    --seed S       dice                                   --known M   patients the practice had before (default N/50)
    --postgres     on PostgreSQL, with a lease of 2 s, instead of SQLite

What must hold: each row has become exactly one record, as many patients are there as the report says, no event of a
patient is missing or told twice, what was looked at is what was done, and after the undo the state is what it was, by hash.
Ends with 1 if one promise was broken.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from praxisd import main as praxisd_main
from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.config import Config
from praxisd.model.people import PatientClaim
from praxisd.services.directory import api as directory
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeover_terms as rules
from praxisd.services.exchange import takeovers
from praxisd.services.exchange.takeover_room import room_of
from praxisd.services.exchange.takeover_routes import begin_look
from praxisd.services.exchange.takeover_shapes import LookIn
from praxisd.testing.practice import small_practice
from praxisd.testing.takeover_file import people, text
from praxisd.testing.takeover_state import created, state


class Broken(Exception):
    """A promise was not kept."""


class Torture:
    """One run. `said` are its figures."""

    def __init__(
        self, folder: Path, patients: int, kills: int, seed: int, known: int, url: str | None
    ) -> None:
        self._folder, self._patients, self._kills, self._known = folder, patients, kills, known
        self._dice, self._seed = random.Random(seed), seed
        self._config = {"job_lease_s": 2, **({"database_url": url} if url else {})}
        self.said: dict[str, Any] = {
            "patients": patients,
            "seed": seed,
            "engine": "postgresql" if url else "sqlite",
        }

    def open(self) -> House:
        """The practice, without a server."""
        return open_at(self._folder / "data", self._config)

    def run(self) -> None:
        """All of it. Raises Broken."""
        house = self.open()
        practice = small_practice(house)
        actor = system("owner", practice.organization)
        self._before(house, actor)
        was, had, noted = state(house, actor), self._count(house, actor), created(house, actor)
        file = self._folder / "alt.csv"
        file.write_bytes(text(self._patients, self._seed))
        id_ = takeovers.bring(house, actor, file)
        house.store.run(actor, lambda tx: begin_look(house, tx, id_, LookIn()))
        house.stop()
        looked = self._torment(actor, id_, "looking", min(2, self._kills))
        self._must(state_of(self.open(), actor) == was, "a look wrote something")
        self._begin(actor, lambda tx: takeovers.apply(tx, id_))
        done = self._torment(actor, id_, "running", self._kills)
        self._judge(actor, id_, looked, done, had, noted)
        self._begin(actor, lambda tx: takeovers.undo(tx, id_))
        undone = self._torment(actor, id_, "undoing", self._kills)
        self._must(
            undone["state"] == "undone", f"undo ended as {undone['state']}: {self._waiting(actor, id_)}"
        )
        self._must(state_of(self.open(), actor) == was, "the former state did not come back")
        self.said["hash"] = was["directory_patient"][:16]

    def _before(self, house: House, actor: Actor) -> None:
        """Some whom the practice knows already, a part of them as the file tells them."""
        for n, one in enumerate(people(self._known * 2, self._seed)):
            if n % 2:
                continue
            claim = PatientClaim(
                family=one.family, given=one.given, birth_date=one.born.isoformat(), phone=one.phone or None
            )
            house.store.run(actor, lambda tx, claim=claim: directory.claim(tx, claim))  # type: ignore[misc]

    def _begin(self, actor: Actor, what: Any) -> None:
        house = self.open()
        house.store.run(actor, what)
        house.stop()

    def _torment(self, actor: Actor, id_: str, phase: str, kills: int) -> dict[str, Any]:
        """Work in a process of its own that is killed `kills` times, then left alone; the row at the end."""
        begun, spent, killed = time.monotonic(), 0.0, 0
        while True:
            asked = [str(self._folder / "data"), actor.organization, id_, json.dumps(self._config)]
            worker = subprocess.Popen(
                [sys.executable, "-m", "praxisd.testing.takeover_torture", "--worker", *asked],
                stdout=subprocess.PIPE,
            )
            if worker.stdout is None:
                raise RuntimeError("no pipe")
            worker.stdout.readline()
            start = time.monotonic()
            try:
                worker.wait(
                    None if killed >= kills else self._dice.uniform(0.02, 0.02 + self._patients / 8_000)
                )
            except subprocess.TimeoutExpired:
                worker.kill()
                killed += 1
            worker.wait()
            spent += time.monotonic() - start
            if worker.returncode == 0:
                break
            self._must(worker.returncode == -9, f"{phase}: the worker ended with {worker.returncode}")
        house = self.open()
        with house.store.read(actor) as tx:
            row = takeovers.need(tx, id_)
        house.stop()
        self.said[phase] = {
            "kills": killed,
            "seconds": round(spent, 1),
            "whole": round(time.monotonic() - begun, 1),
        }
        self._must(
            row.state not in rules.AT_WORK and row.state != "failed",
            f"{phase} ended as {row.state} {row.code}",
        )
        return {"state": row.state, **json.loads(row.counts)}

    def _judge(
        self, actor: Actor, id_: str, looked: dict[str, Any], done: dict[str, Any], had: int, noted: int
    ) -> None:
        house = self.open()
        items, after = Counter[str](), 0
        made: list[str] = []
        with house.store.read(actor) as tx:
            while found := store.items(tx, id_, after, 5_000):
                after = found[-1].no
                items.update(one.action for one in found)
                made += [
                    one.target for one in found if one.version == 1 and one.before is None and one.target
                ]
        now, told = self._count(house, actor), created(house, actor)
        house.stop()
        self.said["counts"] = {
            name: done.get(name, 0) for name in ("new", "merged", "same", "doubt", "refused")
        }
        self.said["flaws"] = sum(number for name, number in done.items() if name.startswith("flaw "))
        self._must(sum(items.values()) == after, "a row has no record of its own, or two")
        self._must(
            all(done.get(name, 0) == number for name, number in items.items()), "the report counts otherwise"
        )
        self._must(len(set(made)) == len(made), "two rows became one record")
        self._must(now == had + len(made), f"{now} patients, {had} + {len(made)} expected")
        self._must(told == noted + len(made), "an event of a new patient is missing, or told twice")
        same = all(looked.get(name, 0) == done.get(name, 0) for name in items)
        self._must(same, "what was looked at is not what was done")

    def _waiting(self, actor: Actor, id_: str) -> str:
        """Why records wait for a person: how many by code and action, and the first of each."""
        house, after = self.open(), 0
        why, first = Counter[str](), dict[str, str]()
        with house.store.read(actor) as tx:
            while found := store.items(tx, id_, after, 5_000):
                after = found[-1].no
                for one in found:
                    if one.state not in ("back", "kept"):
                        name = f"{one.state} {one.code} {one.action}"
                        why[name] += 1
                        first.setdefault(name, f"no {one.no}, line {one.line}, version {one.version}")
        house.stop()
        return "; ".join(f"{number} × {name} ({first[name]})" for name, number in why.most_common(12))

    def _count(self, house: House, actor: Actor) -> int:
        with house.store.read(actor) as tx:
            return directory.count_patients(tx)

    def _must(self, good: bool, what: str) -> None:
        if not good:
            raise Broken(what)


def state_of(house: House, actor: Actor) -> dict[str, str]:
    """The state of a house, which is closed then."""
    try:
        return state(house, actor)
    finally:
        house.stop()


def open_at(folder: Path, config: dict[str, Any]) -> House:
    """The house of a folder, with no server running."""
    return praxisd_main.open_practice(folder, Config(**config))


def worker(folder: str, organization: str, id_: str, config: str) -> int:
    """The process that is killed: works until there is nothing more to do."""
    house = open_at(Path(folder), json.loads(config))
    room, actor = room_of(house), system("worker", organization)
    print("ready", flush=True)
    while True:
        with house.store.read(actor) as tx:
            state_now = takeovers.need(tx, id_).state
        if state_now not in rules.AT_WORK:
            house.stop()
            return 0
        if not room.work(organization, id_, state_now):
            time.sleep(0.2)


def main(argv: list[str] | None = None) -> int:
    """The run of the command line; prints its figures as JSON."""
    asked = argparse.ArgumentParser(description="Torment take-overs.")
    asked.add_argument("--patients", type=int, default=50_000)
    asked.add_argument("--kills", type=int, default=12)
    asked.add_argument("--seed", type=int, default=11)
    asked.add_argument("--known", type=int)
    asked.add_argument("--postgres", action="store_true")
    asked.add_argument("--worker", nargs=4)
    args = asked.parse_args(argv)
    if args.worker:
        return worker(*args.worker)
    known = args.patients // 50 if args.known is None else args.known
    with tempfile.TemporaryDirectory(prefix="praxisd-takeover-") as folder:
        if args.postgres:
            from praxisd.testing.postgres import PostgresServer

            with PostgresServer() as server:
                return _one(
                    Torture(Path(folder), args.patients, args.kills, args.seed, known, server.new_database())
                )
        return _one(Torture(Path(folder), args.patients, args.kills, args.seed, known, None))


def _one(torture: Torture) -> int:
    try:
        torture.run()
    except Broken as broken:
        print(json.dumps({**torture.said, "broken": str(broken)}, indent=2))
        return 1
    print(json.dumps({**torture.said, "broken": None}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
