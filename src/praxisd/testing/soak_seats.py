"""Programs at their seats in a soak: they lock, edit, log, release; now and then one is killed, or frozen for a while."""

import json
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from praxisd.testing import seat_program
from praxisd.testing.programs import environment
from praxisd.testing.soak_actor import Actor, Refused, Unexpected
from praxisd.testing.soak_scene import Scene
from praxisd_client import SeatKey

SEATS = 3
ANSWER_S = 60.0
RECORDS = 12
"""Patients that seats lock; few, so that they meet."""
KILLS, FREEZES = 0.06, 0.05
_LIFE = frozenset({"Locked", "LockLost", "Stale", "Unreachable", "Replaced"})


class Program:
    """One process at a seat, asked one thing at a time."""

    def __init__(self, url: str, key: Path, api_key: str) -> None:
        line = [
            sys.executable,
            seat_program.__file__,
            url,
            str(key),
            "--person",
            "Soak",
            "--api-key",
            api_key,
        ]
        self._process = subprocess.Popen(
            line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            text=True,
        )
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._number = 0
        threading.Thread(target=self._read, daemon=True).start()
        self._wait(lambda told: told.get("event") == "ready")

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._answers.put(json.loads(line))
        self._answers.put({"event": "ended"})

    def _wait(self, fits: Any) -> dict[str, Any]:
        end = time.monotonic() + ANSWER_S
        while True:
            told = self._answers.get(timeout=max(end - time.monotonic(), 0.01))
            if fits(told):
                return told
            gone = told.get("event") == "ended" and self._process.poll() is not None
            if gone or told.get("event") == "failed":
                raise Unexpected(f"a seat ended: {told}")

    def do(self, do: str, **more: Any) -> Any:
        """Ask and wait. Refused for what belongs to life, else Unexpected."""
        self._number += 1
        number = self._number
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"n": number, "do": do, **more}) + "\n")
        self._process.stdin.flush()
        told = self._wait(lambda one: one.get("n") == number)
        if "error" not in told:
            return told["answer"]
        if told["error"] in _LIFE or told.get("status") in (409, 412, 423):
            raise Refused(told["error"])
        raise Unexpected(f"{do}: {told['error']} {told.get('code', '')}")

    def signal(self, number: int) -> None:
        """As the operating system does."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def leave(self) -> None:
        """A clean exit."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()


def seats(scene: Scene, frozen_s: float) -> Actor:
    """All seats as one actor: each step is one seat's. After `frozen_s` longer than the control interval a lock is lost."""
    keys = [_registered(scene, f"Platz {n + 1}") for n in range(SEATS)]
    programs: list[Program | None] = [None] * SEATS
    turn = [0]

    def step(dice: random.Random) -> str:
        n = turn[0] % SEATS
        turn[0] += 1
        one = programs[n]
        if one is None:
            programs[n] = Program(scene.server.url, keys[n], scene.access["desk_key"])
            return "start"
        number = dice.random()
        record = f"Patient/{dice.choice(scene.patients[:RECORDS])}"
        one.do("lock", record=record)
        if number < KILLS:
            programs[n] = None
            one.kill()
            return "kill"
        if number < KILLS + FREEZES:
            return _freeze(one, record, frozen_s)
        return _work(one, record, dice)

    def close() -> None:
        for one in programs:
            if one is not None:
                one.leave()

    return Actor("seats", 2.5, step, close)


def _work(one: Program, record: str, dice: random.Random) -> str:
    path = f"/patients/{record.removeprefix('Patient/')}"
    try:
        etag = one.do("read", path=path)["etag"]
        one.do("save", record=record, path=path, body={"note": f"Platz {dice.randrange(1000)}"}, etag=etag)
        one.do("log", level="info", code="soak.saved")
    finally:
        one.do("release", record=record)
    return "save"


def _freeze(one: Program, record: str, frozen_s: float) -> str:
    one.signal(signal.SIGSTOP)
    try:
        time.sleep(frozen_s)
    finally:
        one.signal(signal.SIGCONT)
    try:
        one.do("release", record=record)
    except Refused:
        return "freeze_lost"
    return "freeze"


def _registered(scene: Scene, name: str) -> Path:
    owner, path = scene.asker("owner").ask, scene.work / f"{name.replace(' ', '-')}.json"
    key = SeatKey.make()
    told = owner("POST", "/seats/register", {"name": name, "publicKey": key.public, "program": "soak"}).body
    key.registered(told["id"], told["installation"]).save(path)
    owner("POST", f"/seats/{told['id']}/approve", {"code": told["code"]})
    return path
