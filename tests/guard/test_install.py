"""The install engine with small script versions: what is kept, what is taken back, and what the journal says of it."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd.testing import guarded
from praxisd.testing.guarded_host import ScriptHost
from praxisd_guard import install, install_migrate, journal, orders, recover, versions
from praxisd_guard.install_state import Plan, Work
from praxisd_guard.journal import Outcome
from praxisd_guard.keeper_host import Ending
from praxisd_guard.orders import Order
from praxisd_guard.places import Places

WHOLE = ["accepted", "unpacked", "stopped", "expanded", "switched", "started", "healthy", "kept"]


class Bench:
    """A HOME that runs 1.0, and hands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.data = folder / "data"
        guarded.script_home(self.home, self.data)
        self.host = ScriptHost(self.home)
        assert self.host.start("boot") is None

    def order(self, version: str, behaviour: str = "good", **more: float) -> Order:
        """Give the order to install a version that behaves so."""
        wish = guarded.install_order(
            guarded.script_package(self.folder, self.home, version, behaviour), version, **more
        )
        orders.give(self.home, wish)
        return wish

    def install(self, version: str, behaviour: str = "good", **more: float) -> Outcome:
        """Order and carry out."""
        return self.carry_out(self.order(version, behaviour, **more))

    def carry_out(self, wish: Order, **more: Any) -> Outcome:
        """As the keeper does."""
        install.run(self.home, wish, self.host, guarded.anything, **more)
        assert orders.waiting(self.home) == []
        return journal.outcome(self.home, wish.id)

    def steps(self, wish: Order) -> list[str]:
        """The steps of an order."""
        return [line.step for line in journal.of(self.home, wish.id)]

    @property
    def runs(self) -> tuple[str | None, str, str | None]:
        """(what answers at the doors, what the pointer names, what it remembers)."""
        here = versions.pointer(self.home)
        assert here is not None
        return self.host.running(), here.version, here.previous

    @property
    def there(self) -> list[str]:
        """What lies in HOME/versions and HOME/incoming."""
        places = Places(self.home)
        return sorted([*os.listdir(places.versions), *os.listdir(places.incoming)])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """One with a running server."""
    made = Bench(tmp_path)
    yield made
    made.host.end()
    made.host.doors.close()


def test_a_good_version_is_kept(bench: Bench) -> None:
    wish = bench.order("1.1")
    outcome = bench.carry_out(wish)
    assert (outcome.state, outcome.code) == ("kept", None)
    assert bench.steps(wish) == WHOLE
    assert bench.runs == ("1.1", "1.1", "1.0")
    assert bench.there == ["1.0", "1.1"]
    assert bench.host.calls == ["start boot", "busy", "stop", "start update", "healthy 1.1"]
    assert [step for order, step in bench.host.steps if order] == WHOLE[:-1]
    assert bench.host.steps[-1] == (None, "kept")
    migrated = json.loads((bench.data / "migrated.jsonl").read_text())
    assert (migrated["version"], migrated["status"]) == ("1.1", 0)
    assert list(Places(bench.home).program("1.1").rglob("*.pyc")), "its modules were not compiled beforehand"


def test_the_third_version_lets_the_first_one_go(bench: Bench) -> None:
    bench.install("1.1")
    assert bench.install("1.2").state == "kept"
    assert bench.there == ["1.1", "1.2"]
    assert bench.runs == ("1.2", "1.2", "1.1")


@pytest.mark.parametrize(
    ("behaviour", "code", "detail", "words"),
    [
        ("exits", "guard.not_started", "guard.exited status 3", "ModuleNotFoundError"),
        ("hangs", "guard.not_started", "guard.not_ready status -9", ""),
        ("sick", "guard.not_healthy", "guard.unhealthy store.damaged", ""),
        ("wrong_version", "guard.not_healthy", "guard.wrong_version 0.0.0", ""),
        ("no_console", "guard.not_healthy", "guard.unhealthy / 404", ""),
        ("migrate_fails", "guard.migrate_failed", "guard.migrate_failed status 1", "no such column"),
    ],
)
def test_a_bad_version_is_taken_back(
    bench: Bench, behaviour: str, code: str, detail: str, words: str
) -> None:
    wish = bench.order("1.1", behaviour)
    real = bench.host.start

    def start(reason: str) -> Any:
        bench.host.ready_s = 0.5 if behaviour == "hangs" and reason == "update" else 60.0
        return real(reason)

    bench.host.start = start  # type: ignore[method-assign]
    outcome = bench.carry_out(wish)
    assert (outcome.state, outcome.code, outcome.detail, outcome.healthy) == (
        "rolled_back",
        code,
        detail,
        True,
    )
    assert bench.steps(wish)[-3:] == ["failed", "back", "restored"]
    assert ("switched" in bench.steps(wish)) == (behaviour != "migrate_fails")
    assert bench.runs == ("1.0", "1.0", None)
    assert bench.there == ["1.0"]
    assert outcome.log is not None
    kept = Path(outcome.log)
    assert kept.name.startswith("failed-1.1-") and kept.parent == Places(bench.home).logs
    assert words in kept.read_text()


def test_after_a_bad_version_a_good_one_can_be_installed(bench: Bench) -> None:
    assert bench.install("1.1", "exits").state == "rolled_back"
    assert bench.install("1.2").state == "kept"
    assert bench.runs == ("1.2", "1.2", "1.0")


def test_when_the_old_one_does_not_answer_either_it_is_said_and_the_order_ends(bench: Bench) -> None:
    """Two tries of it, then the keeper has its own rules."""
    (bench.data / "behave.json").write_text(json.dumps({"1.0": "exits"}))
    wish = bench.order("1.1", "exits")
    outcome = bench.carry_out(wish)
    assert (outcome.state, outcome.code, outcome.healthy) == ("rolled_back", "guard.not_started", False)
    assert bench.host.calls.count("start rollback") == 2
    assert bench.runs == (None, "1.0", None)


def test_back_to_the_version_before_and_forth_again(bench: Bench) -> None:
    bench.install("1.1")
    back = orders.order("switch_back", "owner", "person")
    orders.give(bench.home, back)
    assert bench.carry_out(back).state == "kept"
    assert bench.steps(back) == ["accepted", "stopped", "switched", "started", "healthy", "kept"]
    assert bench.runs == ("1.0", "1.0", "1.1")
    forth = bench.order("1.1")
    bench.carry_out(forth)
    assert bench.runs == ("1.1", "1.1", "1.0")


def test_back_to_one_that_does_not_start_any_more_stays(bench: Bench) -> None:
    bench.install("1.1")
    (bench.data / "behave.json").write_text(json.dumps({"1.0": "exits"}))
    outcome = bench.carry_out(orders.order("switch_back", "owner", "person"))
    assert (outcome.state, outcome.code) == ("rolled_back", "guard.not_started")
    assert bench.runs == ("1.1", "1.1", "1.0")
    assert bench.there == ["1.0", "1.1"]


def test_it_works_where_no_server_runs(bench: Bench) -> None:
    """From safe mode's floor: the way out of a broken version is a good one."""
    bench.host.end()
    assert bench.install("1.1").state == "kept"
    assert bench.runs == ("1.1", "1.1", "1.0")


def test_it_waits_for_what_must_not_be_cut_and_for_the_announced_time(bench: Bench) -> None:
    bench.host.names = [["backups.run"], ["backups.run"]]
    wish = bench.order("1.1", announce_s=0.5)
    began = wish.at
    install._LOOK_S, before = 0.05, install._LOOK_S
    try:
        assert bench.carry_out(wish).state == "kept"
    finally:
        install._LOOK_S = before
    assert bench.host.calls[1:7] == ["pause", "busy", "pause", "busy", "pause", "busy"]
    said = {line.step: line.at for line in journal.of(bench.home, wish.id)}
    assert said["unpacked"] - began >= 0.5  # whoever closes doors at `unpacked` does not close them too early


@pytest.mark.parametrize("kind", ["install", "switch_back"])
@pytest.mark.parametrize("says", [True, False])
def test_the_server_gets_time_to_close_its_doors(bench: Bench, kind: str, says: bool) -> None:
    """It is stopped once it says so, or when the time is over."""
    if kind == "switch_back":
        bench.install("1.1")
        bench.host.calls.clear()
        wish = orders.order("switch_back", "owner", "person", hold_s=30.0 if says else 0.3)
        orders.give(bench.home, wish)
    else:
        wish = bench.order("1.1", hold_s=30.0 if says else 0.3)
    assert orders.waiting(bench.home) == [wish]
    real = bench.host.pause

    def pause(seconds: float) -> None:
        assert journal.of(bench.home, wish.id)[-1].step == ("unpacked" if kind == "install" else "accepted")
        real(seconds)
        if says:
            orders.release(bench.home, wish.id)

    bench.host.pause = pause  # type: ignore[method-assign]
    began = time.monotonic()
    assert bench.carry_out(wish).state == "kept"
    assert bench.host.calls.count("pause") == 1 if says else bench.host.calls.count("pause") > 2
    assert time.monotonic() - began > (0 if says else 0.3)
    assert list(Places(bench.home).orders.iterdir()) == []


@pytest.mark.parametrize("call", ["busy", "stop", "start update", "healthy"])
def test_a_guard_that_is_asked_to_end_leaves_the_order_to_the_next_one(bench: Bench, call: str) -> None:
    wish = bench.order("1.1")
    bench.host.ending_at = call
    with pytest.raises(Ending):
        install.run(bench.home, wish, bench.host, guarded.anything)
    assert journal.unfinished(bench.home) == wish.id
    bench.host.end()
    bench.host.ending_at = ""
    assert recover.run(bench.home, bench.host)
    state = "kept" if call in ("start update", "healthy") else "rolled_back"
    assert journal.outcome(bench.home, wish.id).state == state
    assert bench.host.running() == ("1.1" if state == "kept" else "1.0")


def test_a_migration_is_only_run_where_there_is_a_new_step(bench: Bench) -> None:
    """A start of the new program is spared when both have the same steps; a changed or a new one is run."""
    texts = {"1.0": {"1.py": "one"}, "1.1": {"1.py": "one"}, "1.2": {"1.py": "one", "2.py": "two"},
             "1.3": {"1.py": "one", "2.py": "changed"}}  # fmt: skip
    program = Places(bench.home).program
    for version, steps in texts.items():
        if version != "1.0":
            guarded.script_version(bench.home, version)
        folder = program(version) / "praxisd" / "services" / "calendar" / "migrations"
        folder.mkdir(parents=True)
        for name, text in steps.items():
            (folder / name).write_text(text)
    assert not install_migrate.needed(program("1.0"), program("1.1"))
    assert install_migrate.needed(program("1.1"), program("1.2"))
    assert install_migrate.needed(program("1.2"), program("1.3"))
    assert not install_migrate.needed(program("1.2"), program("1.1"))
    plan = Plan("0" * 26, "install", "1.1", "1.0", None)
    assert install.carry_out(Work(bench.home, plan, bench.host))
    assert bench.runs == ("1.1", "1.1", "1.0")
    assert not (bench.data / "migrated.jsonl").exists()
    assert [line.step for line in journal.lines(bench.home)][:3] == ["stopped", "expanded", "switched"]
