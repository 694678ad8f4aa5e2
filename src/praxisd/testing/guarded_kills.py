"""kill -9 of the guard at every point of an order: `python -m praxisd.testing.guarded_kills FOLDER SCENARIO`.

Prints one JSON line per point: {"point", "label", "killed", "versions", "running", "state", "code", …}. A point is the
moment right before or right after a journal line, a change of a file that counts, a call of the keeper's hands, or the
start of the migration. For each, a forked guard carries out the order and kills itself there; a second one recovers. It is
a program of its own, because a process that only has the guard's modules is cheap to fork, and safe to. Its servers and
migrations are forked as well (`guarded_fork`).
"""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from praxisd.testing import guarded
from praxisd.testing.guarded_fork import ForkedHost, spawn
from praxisd_guard import (
    install,
    install_migrate,
    install_prepare,
    journal,
    orders,
    package_read,
    recover,
    versions,
)
from praxisd_guard.orders import Order, order
from praxisd_guard.told import read as told_of

OLD, NEW = "1.0", "1.1"
SERVER_HIT = 9
"""Exit status of a guard that lived on while its server was killed."""


@dataclass(frozen=True)
class Scenario:
    """What is ordered, and at which point an earlier guard was killed already."""

    behaviour: str = "good"
    kind: str = "install"
    victim: str = "guard"
    """Who is killed: `guard` (its server ends with it, by the lifeline) or `server`."""
    first: str = ""
    """Label of a point: the order is killed there, and the recovery is what is cut at every point."""


SCENARIOS = {
    "install": Scenario(),
    "sick": Scenario("sick"),
    "exits": Scenario("exits"),
    "migrate": Scenario("migrate_fails"),
    "switch_back": Scenario(kind="switch_back"),
    "server": Scenario(victim="server"),
    "again": Scenario("good", first="after journal switched"),
    "again_sick": Scenario("sick", first="after journal started"),
    "going_back": Scenario("exits", first="after journal failed"),
    "interrupted": Scenario("good", first="after journal stopped"),
}


class Points:
    """Counts the points a process passes, and kills at one: itself, or what `victim` gives."""

    def __init__(self, at: int | str, labels: Path | None = None) -> None:
        self.at = at
        self.victim: Callable[[], int | None] = os.getpid
        self.hit = False
        self._count = 0
        self._pid = 0
        self._labels = labels

    def pass_by(self, label: str) -> None:
        """One point; none in what this process has forked."""
        if os.getpid() != self._pid:
            return
        if self._labels is not None:
            with self._labels.open("a") as file:
                file.write(label + "\n")
        if self.at in (self._count, label):
            pid = self.victim()
            if pid is not None:
                self.hit = True
                os.kill(pid, signal.SIGKILL)
        self._count += 1

    def around(self, module: Any, name: str, label: Callable[..., str | None]) -> None:
        """Put a point before and after each call of `module.name` for which `label(arguments)` gives a name."""
        inner = getattr(module, name)

        def outer(*args: Any, **kwargs: Any) -> Any:
            found = label(*args, **kwargs)
            if found is None:
                return inner(*args, **kwargs)
            self.pass_by(f"before {found}")
            answer = inner(*args, **kwargs)
            self.pass_by(f"after {found}")
            return answer

        setattr(module, name, outer)

    def set(self) -> None:
        """All points of the engine, in this process."""
        self._pid = os.getpid()
        self.around(journal.Journal, "write", lambda _self, _kind, step, *_a, **_k: f"journal {step}")
        self.around(os, "replace", lambda _old, new: _counts(new))
        self.around(os, "rename", lambda old, new: f"rename {_named(old)} {_named(new)}")
        self.around(shutil, "copyfile", lambda _old, new: f"copy {_named(new)}")
        self.around(orders, "taken", lambda *_: "order taken")
        self.around(package_read, "unpack", lambda *_: "unpack")
        self.around(install_migrate, "spawn", lambda *_: "migration started")
        self.around(install_migrate, "expand", lambda *_: "migration")
        for name in ("stop", "start", "healthy"):
            self.around(ForkedHost, name, lambda *_, name=name: f"host {name}")


def _counts(new: Any) -> str | None:
    name = Path(new).name
    return f"put {name}" if name in ("current.json", "complete.json") else None


def _named(path: Any) -> str:
    name = Path(path).name
    return (
        f".{name.split('-')[0].strip('.')}"
        if name.startswith(".")
        else ("zip" if name.endswith(".zip") else name)
    )


def forked(work: Callable[[], None]) -> int:
    """Do something in a forked process; its exit status, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def fresh(folder: Path, scenario: Scenario) -> tuple[Path, Order]:
    """A HOME that runs 1.0, and the order."""
    home = folder / "home"
    guarded.script_home(home, folder / "data", OLD)
    if scenario.kind == "switch_back":
        guarded.script_version(home, NEW)
        versions.point(home, NEW)
        return home, order("switch_back", "owner", "person")
    package = guarded.script_package(folder, home, NEW, scenario.behaviour)
    return home, guarded.install_order(package, NEW)


def order_until(home: Path, wish: Order, points: Points, victim: str) -> Callable[[], None]:
    """The guard's life with one order, as a function for `forked`."""

    def work() -> None:
        host = ForkedHost(home)
        host.start("boot")
        if victim == "server":
            points.victim = lambda: None if host.process is None else host.process.pid
        points.set()
        if orders.is_waiting(home, wish.id):
            install.run(home, wish, host, guarded.anything)
        host.end()
        os._exit(SERVER_HIT if points.hit else 0)

    return work


def recover_until(home: Path, points: Points) -> Callable[[], None]:
    """A guard's start after another one was killed, up to the point at which its keeper has a server."""

    def work() -> None:
        host = ForkedHost(home)
        points.set()
        if not recover.run(home, host):
            host.start("boot")
        host.end()

    return work


def settled(home: Path, wish: Order, result: Path) -> Callable[[], None]:
    """The guard's last start: it recovers, takes what waits, and writes what is true then."""

    def work() -> None:
        host = ForkedHost(home)
        began = time.monotonic()
        if not recover.run(home, host):
            host.start("boot")
        if orders.waiting(home):
            install.run(home, wish, host, guarded.anything)
        here = versions.pointer(home)
        outcome = journal.outcome(home, wish.id)
        assert here is not None
        failure = host.healthy(here.version)
        found = {
            "pointer": here.version,
            "previous": here.previous,
            "running": host.running(),
            "healthy": failure is None,
            "versions": [one.name for one in versions.installed(home)],
            "state": outcome.state,
            "code": outcome.code,
            "waiting": len(orders.waiting(home)),
            "unfinished": journal.unfinished(home),
            "left": [
                path.name for path in home.glob("*/*") if path.name.startswith(".") or path.suffix == ".zip"
            ],
            "starts": [line["version"] for line in _lines(home)].count(wish.version or OLD),
            "seconds": round(time.monotonic() - began, 3),
        }
        host.end()
        result.write_text(json.dumps(found))

    return work


def _lines(home: Path) -> list[dict[str, Any]]:
    told = told_of(home)
    assert told is not None
    return [json.loads(line) for line in (told.data / "starts.jsonl").read_text().splitlines()]


def one(folder: Path, name: str, at: int | str, labels: Path | None = None) -> dict[str, Any]:
    """Kill at one point, recover, and say what is true then. `killed` is False when there is no such point."""
    scenario = SCENARIOS[name]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    home, wish = fresh(folder, scenario)
    orders.give(home, wish)
    points = Points(scenario.first or at, None if scenario.first else labels)
    status = forked(order_until(home, wish, points, scenario.victim))
    if scenario.first:
        assert status == -signal.SIGKILL, f"{scenario.first} was never passed"
        install_migrate.wait_until_free(home)
        status = forked(recover_until(home, Points(at, labels)))
    # As the keeper does: what the killed guard left must end by its lifeline.
    install_migrate.wait_until_free(home)
    result = folder / "result.json"
    assert forked(settled(home, wish, result)) == 0
    return {"point": at, "killed": status in (-signal.SIGKILL, SERVER_HIT), **json.loads(result.read_text())}


def _quick() -> None:
    """Servers are forked, nothing is compiled; and a killed process loses nothing that was not synced: only the power would."""
    for place, name, instead in (
        (install_migrate, "spawn", spawn),
        (install_prepare, "compile_program", lambda _python, _program: None),
        (os, "fsync", lambda _handle: None),
    ):
        setattr(place, name, instead)


def main() -> None:
    """All points of one scenario, one line each; the first line is the life without a kill."""
    folder, name = Path(sys.argv[1]), sys.argv[2]
    _quick()
    labels = folder / "labels"
    print(json.dumps(one(folder / "whole", name, -1, labels) | {"label": ""}), flush=True)
    for point, label in enumerate(labels.read_text().splitlines()):
        found = one(folder / "one", name, point)
        print(json.dumps(found | {"label": label}), flush=True)


if __name__ == "__main__":
    main()
