"""A round of checks: side by side, no longer than its slowest, each when it is due, cancelled cleanly, the newest word counts."""

import threading
import time
from collections.abc import Callable, Iterator

from praxisd.kernel import issues
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.house import SERVICE
from praxisd.kernel.issues import FAILED, TIMEOUT, Checker, run_checks
from praxisd.kernel.issues_running import WAITING_MOST
from praxisd.kernel.registry import Registry, freeze
from praxisd.kernel.service import Check, Finding, Service, Severity

Make = Callable[..., House]
CODE = "store.disk_low"
LOW = Finding(CODE, "", Severity.WARNING, {"free": 1, "limit": 2})


def with_checks(*checks: Check) -> Registry:
    bare = {f: getattr(SERVICE, f) for f in SERVICE.__dataclass_fields__}
    return freeze((Service(**bare | {"checks": checks, "fixes": ()}),))


def the_open(house: House) -> list[tuple[str, str]]:
    with house.store.read(system("test")) as tx:
        return [(i.code, i.subject) for i in issues.list_all(tx)]


class Sleeper:
    """Sleeps in its thread and notes how long that really took."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.took = seconds, 0.0

    def __call__(self, _house: House) -> Iterator[Finding]:
        start = time.monotonic()
        time.sleep(self.seconds)
        self.took = time.monotonic() - start
        yield from ()


def test_a_full_run_lasts_no_longer_than_its_slowest_check(make_house: Make) -> None:
    sleepers = [Sleeper(1.5), *(Sleeper(0.5 + n / 20) for n in range(19))]
    declared = [Check(f"trial.{n}", (CODE,), one, 60) for n, one in enumerate(sleepers)]
    house = make_house(with_checks(*declared))
    run_checks(house, ["trial.1"])  # warm
    start = time.monotonic()
    report = run_checks(house)
    took = time.monotonic() - start
    slowest, together = max(s.took for s in sleepers), sum(s.took for s in sleepers)
    assert report.checked == tuple(one.name for one in declared) and report.issues == ()
    assert took <= 1.2 * slowest + 1.0, (took, slowest)  # a second for a computer that is busy elsewhere
    assert took < together / 3


def test_one_that_hangs_and_one_that_crashes_leave_the_others_alone(make_house: Make) -> None:
    gate = threading.Event()

    def hangs(_house: House) -> Iterator[Finding]:
        gate.wait(60)
        yield from ()

    def crashes(_house: House) -> Iterator[Finding]:
        yield LOW
        raise RuntimeError("Erika Mustermann")

    house = make_house(
        with_checks(
            Check("trial.hangs", (CODE,), hangs, 0.2),
            Check("trial.crashes", (CODE,), crashes),
            Check("trial.finds", (CODE,), lambda _house: [LOW]),
        )
    )
    wanted = [(FAILED, "trial.crashes"), (TIMEOUT, "trial.hangs"), (CODE, "")]
    for _ in range(2):
        run_checks(house)
        assert the_open(house) == wanted
    gate.set()


def test_a_slow_one_is_left_out_until_it_is_due_and_whoever_asks_gets_it(
    make_house: Make, clock: FrozenClock
) -> None:
    ran: list[str] = []

    def note(name: str) -> Callable[[House], list[Finding]]:
        return lambda _house: ran.append(name) or [LOW]  # type: ignore[func-returns-value]

    house = make_house(
        with_checks(
            Check("trial.quick", (CODE,), note("quick")),
            Check("trial.slow", (CODE,), note("slow"), every_s=600),
        )
    )
    checker = Checker(house)

    def rounds(number: int) -> dict[str, int]:
        ran.clear()
        for _ in range(number):
            checker.step()
            clock.advance(60.5)
        return {name: ran.count(name) for name in ("quick", "slow")}

    assert rounds(1) == {"quick": 1, "slow": 1}
    assert rounds(9) == {"quick": 9, "slow": 0}
    assert the_open(house) == [(CODE, "")]  # what was not looked at is not cleared
    assert rounds(1) == {"quick": 1, "slow": 1}
    ran.clear()
    issues.check_now(house)
    issues.doctor(house)
    assert sorted(ran) == ["quick", "quick", "slow", "slow"]


def test_many_who_ask_do_not_all_wait(make_house: Make) -> None:
    begun, gate, ran = threading.Event(), threading.Event(), []

    def slow(_house: House) -> list[Finding]:
        ran.append(1)
        begun.set()
        gate.wait(60)
        return [LOW]

    house = make_house(with_checks(Check("trial.slow", (CODE,), slow, 60)))
    first = threading.Thread(target=issues.check_now, args=(house,), daemon=True)
    first.start()
    assert begun.wait(60)
    others = [threading.Thread(target=issues.check_now, args=(house,), daemon=True) for _ in range(8)]
    for one in others:
        one.start()
    late = time.monotonic() + 60
    while sum(one.is_alive() for one in others) > WAITING_MOST and time.monotonic() < late:
        time.sleep(0.01)
    assert sum(one.is_alive() for one in others) <= WAITING_MOST and first.is_alive()
    gate.set()
    for one in (first, *others):
        one.join(60)
    assert ran == [1] and the_open(house) == [(CODE, "")]


def test_a_stop_cancels_the_round_and_settles_nothing(make_house: Make) -> None:
    begun, gate = threading.Event(), threading.Event()

    def waits(house: House) -> Iterator[Finding]:
        begun.set()
        while not house.stopping and not gate.wait(0.01):
            pass
        yield LOW

    quick = Check("trial.quick", (CODE,), lambda _house: [LOW])
    house = make_house(with_checks(Check("trial.waits", (CODE,), waits, 60), quick))
    settled: list[str] = []
    run = house.store.run
    house.store.run = lambda actor, work, tries=5: settled.append(str(actor)) or run(actor, work, tries)  # type: ignore[assignment, method-assign, return-value, func-returns-value]
    answer: list[issues.Report] = []
    thread = threading.Thread(target=lambda: answer.append(run_checks(house)), daemon=True)
    thread.start()
    assert begun.wait(60)
    house.stop()
    thread.join(60)
    assert not thread.is_alive() and answer == [issues.Report((), ())]
    assert settled == []


def test_what_was_asked_later_and_answered_sooner_counts(make_house: Make) -> None:
    """The first look is slow and saw the fault; meanwhile it was healed, and the second look saw that."""
    begun, gate, ill = threading.Event(), threading.Event(), [True]

    def looks(_house: House) -> list[Finding]:
        if ill == [True]:
            begun.set()
            gate.wait(60)
            return [LOW]
        return []

    house = make_house(with_checks(Check("trial.check", (CODE,), looks, 120)))
    first = threading.Thread(target=lambda: run_checks(house), daemon=True)
    first.start()
    assert begun.wait(60)
    ill[0] = False
    assert run_checks(house).issues == ()
    gate.set()
    first.join(60)
    assert not first.is_alive() and the_open(house) == []


def test_an_issue_that_stays_as_it_is_is_not_written_again(make_house: Make, clock: FrozenClock) -> None:
    house = make_house(with_checks(Check("trial.finds", (CODE,), lambda _house: [LOW])))
    run_checks(house)
    before = house.store.generation
    clock.advance(60)
    run_checks(house)
    assert house.store.generation == before
    clock.advance(issues.SEEN_EVERY_S)
    run_checks(house)
    assert house.store.generation > before
