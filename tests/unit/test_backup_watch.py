"""What a plan watches: the queue of jobs, image backups, the age of the copy for others, runs that are unlike the others."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from praxisd.model.backup import Figures, ImagePlan, Job, Waiting
from praxisd.services.backups import anomaly_rules, plan_watch_rules
from praxisd.services.backups.day_rules import instant
from praxisd.services.backups.plan_rules import make
from praxisd.services.backups.plan_watch_rules import external_old, image_due, queue

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 30)
JOBS: list[Job] = ["evening", "night", "remote", "snapshot"]


@st.composite
def lines(draw: st.DrawFn) -> list[Waiting]:
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(JOBS),
                st.integers(0, 3),
                st.integers(0, 20),
                st.booleans(),
                st.booleans(),
                st.integers(0, 20),
            ),
            max_size=8,
        )
    )
    return [
        Waiting(f"r{number}", job, MONDAY + timedelta(days=ahead), due, ready, by_hand, pause)
        for number, (job, ahead, due, ready, by_hand, pause) in enumerate(rows)
    ]


@given(lines(), st.booleans(), st.integers(0, 25), st.randoms())
def test_the_queue_loses_nothing_and_starts_one(
    line: list[Waiting], busy: bool, now: int, order: Random
) -> None:
    found = queue(line, busy, now)
    every = [*([found.start] if found.start else []), *found.wait, *found.overtaken]
    assert sorted(one.id for one in every) == sorted(one.id for one in line)
    mixed = list(line)
    order.shuffle(mixed)
    assert queue(mixed, busy, now) == found
    able = [
        one
        for one in line
        if one.ready and one.due <= now and one.not_before <= now and one not in found.overtaken
    ]
    assert (found.start is None) == (busy or not able)
    if found.start is not None:
        assert found.start in able
        assert found.start.by_hand or not any(one.by_hand for one in able)
        # Nobody who may begin has been waiting for longer.
        alike = [one for one in able if one.by_hand == found.start.by_hand]
        assert found.start.due == min(one.due for one in alike)
    for one in found.overtaken:
        later = [other for other in line if other.job == one.job and other.day > one.day and other.due <= now]
        assert later and not one.by_hand


@given(lines())
def test_a_queue_that_is_worked_off_ends(line: list[Waiting]) -> None:
    """Each run takes its turn once; at the end only what cannot begin is left."""
    started: list[str] = []
    while (found := queue(line, False, 100)).start is not None:
        started.append(found.start.id)
        line = list(found.wait)
    assert len(set(started)) == len(started)
    assert not any(one.ready for one in found.wait)


def test_a_missing_medium_holds_up_nobody() -> None:
    evening = Waiting("a", "evening", MONDAY, 10, ready=False)
    night = Waiting("b", "night", MONDAY, 20)
    assert queue([evening, night], False, 30).start == night
    assert queue([evening, night], True, 30).start is None
    next_evening = Waiting("c", "evening", MONDAY + timedelta(days=1), 40)
    found = queue([evening, next_evening], False, 50)
    assert found.start == next_evening and found.overtaken == (evening,)
    assert queue([evening, next_evening], False, 39).overtaken == ()


PLAN = make("variant2", image=ImagePlan())


def at(day: date) -> int:
    return instant(day, "12:00", BERLIN, "06:00")


def test_image_media_take_turns_and_are_locked() -> None:
    first = image_due(PLAN, {}, MONDAY, at(MONDAY), BERLIN)
    assert first is not None and (first.slot, first.day, first.late, first.locked) == (
        "image_1",
        MONDAY,
        True,
        {},
    )
    written = {"image_1": at(MONDAY)}
    then = image_due(PLAN, written, MONDAY, at(MONDAY), BERLIN)
    assert then is not None and (then.slot, then.late) == ("image_2", False)
    assert then.day == MONDAY + timedelta(days=28) and then.locked == {"image_1": MONDAY + timedelta(days=27)}
    assert image_due(make("variant2"), written, MONDAY, at(MONDAY), BERLIN) is None


@given(
    st.integers(7, 60),
    st.integers(0, 60),
    st.integers(1, 4),
    st.lists(st.integers(0, 90), min_size=1, max_size=20),
)
def test_no_image_is_overwritten_within_its_weeks(
    every: int, locked: int, media: int, waits: list[int]
) -> None:
    """Whoever writes on the day of the reminder or later never writes on a locked medium."""
    plan = make("variant1", image=ImagePlan(every, min(locked, every * media), media))
    assert plan.image is not None
    written: dict[str, int] = {}
    last: date | None = None
    day = MONDAY
    for wait in waits:
        found = image_due(plan, written, MONDAY, at(day), BERLIN)
        assert found is not None
        day = max(day, found.day) + timedelta(days=wait)
        due = image_due(plan, written, MONDAY, at(day), BERLIN)
        assert due is not None and due.late and due.slot == found.slot and due.slot not in due.locked
        if due.slot in written:
            assert at(day) - written[due.slot] >= (plan.image.locked_days * 24 - 1) * 3600
        if last is not None:
            assert due.day >= last + timedelta(days=every)
        written[due.slot], last = at(day), day


def test_a_clock_set_back_locks_no_longer() -> None:
    ahead = at(MONDAY + timedelta(days=3650))
    found = image_due(PLAN, {"image_1": ahead, "image_2": ahead}, MONDAY, at(MONDAY), BERLIN)
    assert found is not None and found.day == MONDAY + timedelta(days=28)


@given(st.integers(0, 100 * 3600), st.integers(1, 72))
def test_the_copy_for_others_is_old_after_its_hours(age: int, hours: int) -> None:
    now = 1_800_000_000
    old = external_old(now - age, now - 10**7, now, hours)
    assert (old is not None) == (age > hours * 3600)
    assert external_old(None, now - age, now, hours) == old  # none yet: counted from the plan's begin
    if old is not None:
        assert old.code == plan_watch_rules.EXTERNAL_OLD and old.params["hours"] == age // 3600
    assert external_old(now + age, now, now, hours) is None


USUAL = Figures(bytes=40_000_000_000, files=200_000, added=80_000_000, seconds=600)
figures = st.builds(
    Figures, st.integers(0, 10**12), st.integers(0, 10**7), st.integers(0, 10**12), st.integers(0, 10**5)
)


def codes(run: Figures, earlier: Sequence[Figures]) -> set[str]:
    return {one.code for one in anomaly_rules.unusual(run, earlier)}


@given(figures, st.lists(figures, max_size=anomaly_rules.FEWEST - 1))
def test_too_few_runs_say_nothing(run: Figures, earlier: list[Figures]) -> None:
    assert codes(run, earlier) == set()


@given(figures, st.integers(5, 40))
def test_the_same_again_is_usual(run: Figures, count: int) -> None:
    assert codes(run, [run] * count) == set()


@given(figures, st.lists(figures, min_size=5, max_size=30), st.randoms())
def test_the_order_of_the_runs_does_not_matter(run: Figures, earlier: list[Figures], order: Random) -> None:
    mixed = list(earlier)
    order.shuffle(mixed)
    found = anomaly_rules.unusual(run, earlier)
    assert anomaly_rules.unusual(run, mixed) == found
    for one in found:
        more = one.code not in (anomaly_rules.SIZE_LESS, anomaly_rules.FILES_LESS)
        value, usual = one.params["value"], one.params["usual"]
        assert value > usual if more else value < usual
    assert not any({left, right} <= {one.code for one in found} for left, right in OPPOSITES)


OPPOSITES = (
    (anomaly_rules.SIZE_MORE, anomaly_rules.SIZE_LESS),
    (anomaly_rules.FILES_MORE, anomaly_rules.FILES_LESS),
)


def test_what_is_far_off_is_told() -> None:
    earlier = [
        Figures(
            USUAL.bytes + number * 50_000_000,
            USUAL.files + number * 60,
            USUAL.added + (number % 5) * 10_000_000,
            600,
        )
        for number in range(20)
    ]
    assert codes(USUAL, earlier) == set()
    assert codes(Figures(20_000_000_000, 120_000, 80_000_000, 600), earlier) == {
        anomaly_rules.SIZE_LESS,
        anomaly_rules.FILES_LESS,
    }
    virus = Figures(USUAL.bytes, USUAL.files, 39_000_000_000, 3600)
    found = {one.code: one.params for one in anomaly_rules.unusual(virus, earlier)}
    assert set(found) == {anomaly_rules.ADDED_MORE, anomaly_rules.SLOWER}
    assert found[anomaly_rules.ADDED_MORE] == {"value": 39_000, "usual": 100}
    assert found[anomaly_rules.SLOWER] == {"value": 60, "usual": 10}
    assert codes(Figures(90_000_000_000, 900_000, 80_000_000, 600), earlier) == {
        anomaly_rules.SIZE_MORE,
        anomaly_rules.FILES_MORE,
    }
    # One odd run among them spoils nothing; nothing new on a holiday is usual; a small practice's trifles are none.
    assert codes(virus, [*earlier, virus]) == set(found)
    assert codes(Figures(USUAL.bytes, USUAL.files, 0, 5), earlier) == set()
    assert codes(Figures(90_000, 60, 500_000, 500), [Figures(30_000, 20, 10_000, 2)] * 9) == set()
