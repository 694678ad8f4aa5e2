"""Each due time gives exactly one run row, whatever happens to the machine: done, missed or cancelled (SPEC 4.3).

Hypothesis plays days of a practice on a real SQLite store with a frozen clock: times when the server is on and off,
policies and ages changed, jobs switched, plans and zones changed, runs cancelled. A plain list of due times is the judge.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from praxisd.kernel import jobs, schedule
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import LATE_S
from praxisd.kernel.schedule import At, Daily, Monthly, Plan, Repeat, Weekly
from praxisd.testing.houses import Houses
from praxisd.testing.trials import done, job, run_log, settle, with_jobs, worker_of

NAME = "trial.one"
ACTOR = system("test")
HOUR = 3600
DECLARED = with_jobs(job(NAME, done, missed="all"))
PLANS: list[Plan] = [
    Daily(At("02:30")),
    Daily(Repeat(20, "08:00", "18:00")),
    Daily(Repeat(180, "00:00", "23:59")),
    Weekly(At("09:00"), days=("mon", "thu", "sun")),
    Monthly(At("23:50"), day=31),
    Daily(Repeat(45, "01:00", "04:30")),
    Daily(Repeat(7, "00:00", "23:59")),
]
ZONES = ["Europe/Berlin", "Australia/Sydney", "America/New_York"]
STARTS = [
    datetime(2027, 3, 26, 11, tzinfo=UTC),  # Berlin's spring
    datetime(2026, 10, 23, 11, tzinfo=UTC),  # Berlin's autumn
    datetime(2028, 2, 27, 11, tzinfo=UTC),  # a leap day
    datetime(2027, 4, 2, 11, tzinfo=UTC),  # Sydney's autumn
    datetime(2026, 12, 30, 11, tzinfo=UTC),
]


@dataclass
class Ledger:
    """What is owed by the plan, computed apart from the server, and what must become of it where that is certain."""

    zone: ZoneInfo
    plan: Plan
    since: int
    enabled: bool = True
    policy: str = "all"
    age: int = 24 * HOUR
    owed: dict[int, set[str]] = field(default_factory=dict)
    planned: set[int] = field(default_factory=set)
    """Rows that a change made and that may not have begun: what is made up for is judged again until they do."""

    def until(self, now: int) -> None:
        """The server looks at `now`: everything due since it last did is owed a row."""
        if self.enabled:
            due = schedule.next_due(self.plan, self.zone, self.since)
            late = []
            while due is not None and due <= now:
                late.append(due)
                due = schedule.next_due(self.plan, self.zone, due)
            if late:
                self.judge(now)
            for one in late:
                self.owed[one] = self._fates(now - one, one == late[-1])
            self.planned.update(late)
        self.since = now

    def begin(self, now: int) -> None:
        """The server starts at `now` what is planned and still wanted."""
        self.judge(now)
        self.planned.clear()

    def judge(self, now: int) -> None:
        for one in self.planned:
            if now - one > LATE_S and (self.policy == "none" or now - one > self.age):
                self.owed[one] = {"missed"}

    def _fates(self, age: int, last: bool) -> set[str]:
        if age <= LATE_S:  # on time: done, or left out because the one before still waited
            return {"success", "missed"}
        made_up = age <= self.age and (self.policy == "all" or (self.policy == "once" and last))
        return (
            {"success", "missed"}
            if made_up and self.policy != "all"
            else {"success" if made_up else "missed"}
        )


steps = st.lists(
    st.one_of(
        st.tuples(st.just("on"), st.integers(1, 40)),  # minutes, looked at each of them
        st.tuples(st.just("off"), st.integers(1, 60)),  # hours
        st.tuples(st.just("policy"), st.sampled_from(["none", "once", "all"])),
        st.tuples(st.just("age"), st.sampled_from([0, 60, HOUR, 5 * HOUR, 48 * HOUR])),
        st.tuples(st.just("switch"), st.just(0)),
        st.tuples(st.just("plan"), st.integers(0, len(PLANS) - 1)),
        st.tuples(st.just("zone"), st.integers(0, len(ZONES) - 1)),
        st.tuples(st.just("late change"), st.integers(0, len(PLANS) - 1)),
        st.tuples(st.just("late change"), st.integers(0, len(PLANS) - 1)),
        st.tuples(st.just("back"), st.integers(1, 90)),  # the clock is set back, minutes
    ),
    min_size=5,
    max_size=10,
)


@pytest.fixture(scope="module")
def open_house(tmp_path_factory: pytest.TempPathFactory) -> Callable[[FrozenClock], tuple[Houses, House]]:
    def make(clock: FrozenClock) -> tuple[Houses, House]:
        houses = Houses("sqlite", tmp_path_factory.mktemp("gaps"))
        return houses, houses.open(DECLARED, clock)

    return make


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(STARTS), st.sampled_from(PLANS), st.sampled_from(ZONES), steps)
def test_each_due_time_is_one_row(
    open_house: Callable[[FrozenClock], tuple[Houses, House]],
    start: datetime,
    plan: Plan,
    zone: str,
    story: list[tuple[str, int | str]],
) -> None:
    clock = FrozenClock(start.timestamp())
    houses, house = open_house(clock)
    try:
        _tell(house, clock, plan, zone, story)
    finally:
        houses.close()


def _change(house: House, **what: object) -> None:
    house.store.run(ACTOR, lambda tx: jobs.change(house, tx, NAME, **what))  # type: ignore[arg-type]


def _tell(
    house: House, clock: FrozenClock, plan: Plan, zone: str, story: list[tuple[str, int | str]]
) -> None:
    house.store.run(ACTOR, lambda tx: house.settings.put(tx, "kernel.zone", zone))
    settle(house)
    _change(house, plan=plan)
    ledger = Ledger(ZoneInfo(zone), plan, clock.now())

    def look() -> None:
        settle(house)
        ledger.until(max(clock.now(), ledger.since))
        ledger.begin(clock.now())

    for what, value in story:
        if what == "on":
            for _ in range(int(value)):
                clock.advance(60)
                look()
        elif what == "off":
            clock.advance(int(value) * HOUR)
            look()
        elif what == "policy":
            _change(house, missed=value)
            ledger.policy = str(value)
        elif what == "age":
            _change(house, max_age_s=value)
            ledger.age = int(value)
        elif what == "switch":
            ledger.until(max(clock.now(), ledger.since))
            ledger.enabled = not ledger.enabled
            _change(house, enabled=ledger.enabled)
            ledger.since = max(ledger.since, clock.now())
        elif what in ("plan", "late change"):
            if what == "late change":  # somebody saves before the server has looked at what is due
                clock.advance(37 * 60)
            owed = len(ledger.owed)
            ledger.until(max(clock.now(), ledger.since))
            if what == "late change":
                event(f"due before a late change: {len(ledger.owed) > owed}")
            ledger.plan = PLANS[int(value)]
            _change(house, plan=ledger.plan)
        elif what == "zone":
            ledger.until(max(clock.now(), ledger.since))
            new = ZONES[int(value)]
            house.store.run(ACTOR, lambda tx, new=new: house.settings.put(tx, "kernel.zone", new))
            ledger.zone = ZoneInfo(new)
            settle(house)
            ledger.begin(clock.now())
        else:
            clock.set(clock.now() - int(value) * 60)
            settle(house)
            ledger.begin(clock.now())
            clock.advance(int(value) * 60)
            look()
    look()
    log = run_log(house)
    assert sorted(run.due_at for run in log) == sorted(ledger.owed)
    for run in log:
        assert run.state in ledger.owed[run.due_at], (run, ledger)
        assert run.organization == INSTALLATION and run.triggered_by == "schedule"


def test_a_cancelled_due_time_is_a_row_too(sqlite_houses: Houses, clock: FrozenClock) -> None:
    house = sqlite_houses.open(DECLARED, clock)
    settle(house)
    worker = worker_of(house)
    start = clock.now()
    clock.advance(5 * HOUR)
    worker._planner.step()  # planned, and not yet begun: a person is quicker
    waiting = run_log(house, states=("waiting",))
    assert len(waiting) == 5
    for run in waiting[1:3]:
        house.store.run(ACTOR, lambda tx, run=run: jobs.cancel(house, tx, NAME, run.id))
    settle(house)
    assert [(run.due_at - start, run.state) for run in run_log(house)] == [
        (HOUR, "success"),
        (2 * HOUR, "cancelled"),
        (3 * HOUR, "cancelled"),
        (4 * HOUR, "success"),
        (5 * HOUR, "success"),
    ]


def test_a_run_by_hand_takes_no_due_time_of_the_plan(sqlite_houses: Houses, clock: FrozenClock) -> None:
    house = sqlite_houses.open(DECLARED, clock)
    settle(house)
    clock.advance(HOUR - 1)

    def by_hand() -> jobs.Run:
        return house.store.run(ACTOR, lambda tx: jobs.run_now(house, tx, NAME))

    first = by_hand()
    house.store.run(ACTOR, lambda tx: jobs.cancel(house, tx, NAME, first.id))
    second = by_hand()
    assert second.due_at == clock.now() + 2  # this second is taken, the next one is the plan's
    settle(house)
    clock.advance(1)
    with pytest.raises(
        Problem, match="already_running"
    ):  # due by the plan, though the server has not looked yet
        by_hand()
    settle(house)
    planned = [(run.due_at, run.state) for run in run_log(house) if run.triggered_by == "schedule"]
    assert planned == [(clock.now(), "success")]


def test_the_judge_itself_is_no_fool() -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = int(datetime(2026, 11, 23, 12, tzinfo=zone).timestamp())
    ledger = Ledger(zone, Daily(At("10:00")), start, policy="once", age=30 * HOUR)
    ledger.until(start + 3 * 24 * HOUR)
    days = {datetime.fromtimestamp(due, zone).date(): fates for due, fates in ledger.owed.items()}
    assert days == {
        date(2026, 11, 24): {"missed"},
        date(2026, 11, 25): {"missed"},
        date(2026, 11, 26): {"success", "missed"},
    }
