"""Is the practice protected, and how deep is a copy read: the rules by themselves."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from praxisd.model.backup import DueRun, Figures, Job, PlannedRun, Start
from praxisd.model.backup_kept import RunKept, SnapshotKept
from praxisd.services.backups import day_rules, done_rules, plan_rules
from praxisd.services.backups.runs import protected_rules, verify_rules
from praxisd.services.backups.runs.protected_rules import Facts, Missed

DAY = date(2026, 11, 23)
NOW = 1_800_000_000


def _run(state: str, kind: str = "backup", ended: int = NOW - 3600) -> RunKept:
    return RunKept(id="r", kind=kind, day=DAY, by="plan", asked=ended, ended=ended, state=state)  # type: ignore[arg-type]


states = st.sampled_from(["good", "warning", "failed", "interrupted"])
counts = st.sampled_from([0, 0, 1, 2, 5])
every = st.builds(
    Facts,
    planned=st.sampled_from([True, True, False]),
    external=st.sampled_from([False, False, True]),
    last=st.none() | states.map(_run),
    each=st.lists(states.map(_run), max_size=3),
    good=st.none() | st.just(_run("good")),
    there=st.booleans(),
    held=st.booleans(),
    damaged=st.sampled_from([(), ("NAS",)]),
    unread=st.sampled_from([(), ("NAS",)]),
    missed=st.builds(Missed, counts, counts, counts),
    inside=st.booleans(),
    clock=st.booleans(),
    proof=st.none() | states.map(lambda one: _run(one, "prove")),
    proven=st.none() | st.integers(NOW - 90 * 86_400, NOW),
)
BEST = Facts(
    planned=True,
    last=_run("good"),
    each=[_run("good"), _run("good")],
    good=_run("good"),
    proof=_run("good", "prove"),
    proven=NOW - 86_400,
)


@given(every)
def test_green_only_if_all_of_it_is_true(facts: Facts) -> None:
    found = protected_rules.judge(facts, NOW)
    if found.state == "green":
        assert facts.planned and facts.good is not None and facts.missed == Missed() and not facts.inside
        assert facts.last is None or facts.last.state == "good"
        assert all(one.state == "good" for one in facts.each)
        assert not facts.damaged and not facts.unread and not facts.clock
        assert facts.external or (facts.there and facts.held)
        if not facts.external:
            assert facts.proof is None or facts.proof.state not in ("failed", "warning")
            assert facts.proven is not None and NOW - facts.proven <= protected_rules.PROOF_OLD_S
    if facts.planned and facts.good is None:
        assert found.state == "red"
    assert (found.since is not None) == (facts.good is not None)


RANK = {"none": 0, "green": 0, "yellow": 1, "red": 2}
WORSE: list[tuple[str, object, str]] = [
    ("held", False, "red"),
    ("there", False, "red"),
    ("last", _run("failed"), "yellow"),
    ("last", _run("warning"), "yellow"),
    ("missed", Missed(2, 2, 0), "red"),
    ("missed", Missed(2, 0, 2), "red"),
    ("missed", Missed(1, 1, 1), "yellow"),
    ("missed", Missed(1, 0, 1), "yellow"),
    ("missed", Missed(9, 0, 0), "yellow"),
    ("each", [_run("good"), _run("failed")], "yellow"),
    ("damaged", ("NAS",), "yellow"),
    ("unread", ("NAS",), "yellow"),
    ("inside", True, "yellow"),
    ("clock", True, "yellow"),
    ("planned", False, "yellow"),
    ("proof", _run("failed", "prove"), "red"),
    ("proof", _run("warning", "prove"), "yellow"),
    ("proven", None, "yellow"),
    ("proven", NOW - 50 * 86_400, "yellow"),
]


def _with(facts: Facts, name: str, value: Any) -> Facts:
    return replace(facts, **{name: value})


@given(every, st.sampled_from(WORSE))
def test_nothing_hides_what_is_wrong(facts: Facts, worse: tuple[str, object, str]) -> None:
    name, value, state = worse
    assert protected_rules.judge(BEST, NOW).state == "green"
    assert protected_rules.judge(_with(BEST, name, value), NOW).state == state
    if facts.good is not None and not facts.external:
        found = protected_rules.judge(_with(facts, name, value), NOW)
        assert RANK[found.state] >= RANK[state]


def test_a_failed_run_of_the_plan_is_red_and_one_besides_it_is_not() -> None:
    failed = replace(BEST, last=_run("failed"), onto=("„Klein“",))
    found = protected_rules.judge(failed, NOW)
    assert (found.state, found.why, found.media) == ("yellow", "failed_besides", ("„Klein“",))
    for each in ([], [_run("failed"), _run("good")]):
        assert protected_rules.judge(replace(failed, each=each), NOW).why == "failed"


PLAN = plan_rules.make("variant2")
BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = int(datetime(2026, 11, 23, 7, tzinfo=BERLIN).timestamp())
moments = st.lists(st.tuples(st.sampled_from(["evening", "night"]), st.integers(0, 20 * 86_400)), max_size=12)


@given(moments, st.integers(0, 20 * 86_400))
def test_each_run_of_the_plan_that_nothing_newer_makes_up_for_is_missed(
    made: list[tuple[Job, int]], ahead: int
) -> None:
    now = BEGIN + ahead
    today = day_rules.backup_day(now, BERLIN, PLAN.day_begins)
    due = plan_rules.due_runs(PLAN, BEGIN, now, BERLIN, frozenset())
    copies = [(job, BEGIN + at) for job, at in made]
    away: tuple[Job, ...] = ("evening",)
    found = protected_rules.missed(due, copies, away, today, now)
    over = [one for one in due if one.run.day < today]

    def lacks(one: DueRun, jobs: tuple[Job, ...]) -> bool:
        first = one.at - 6 * 3600 if one.run.job == "evening" else one.at
        return not any(job in jobs and first <= began <= now for job, began in copies)

    assert found.runs == sum(lacks(one, (one.run.job,)) for one in over)
    assert found.days == len({one.run.day for one in over if lacks(one, ("evening", "night"))})
    assert found.away == sum(lacks(one, ("evening",)) for one in over if one.run.job == "evening")
    assert found.days <= found.runs and found.away <= found.runs


def _due(job: Job, start: Start = "time") -> DueRun:
    return DueRun(PlannedRun(job, DAY, "nas", "01:30", start), NOW)


def _made(job: Job, began: int | None, by: str = "user:x", **facts: bool) -> RunKept:
    return RunKept(
        id="r",
        kind="backup",
        day=DAY,
        by=by,
        job=job,
        asked=began or 0,
        began=began,
        ended=began,
        facts=facts,
    )


def test_what_a_person_began_before_its_time_does_not_stand_for_the_planned_run() -> None:
    def stands(run: RunKept, due: DueRun) -> bool:
        return done_rules.stands_in(run, due, NOW + 4 * 3600)

    assert not stands(_made("night", NOW - 3600), _due("night"))
    assert stands(_made("night", NOW + 3600), _due("night"))
    assert stands(_made("night", NOW - 3600, "plan"), _due("night"))
    assert not stands(_made("night", NOW - 3600, "plan", byHand=True), _due("night"))
    assert not done_rules.stands_in(_made("night", None), _due("night"), NOW - 3600)
    assert done_rules.stands_in(_made("night", None), _due("night"), NOW)
    assert stands(_made("evening", NOW - 5 * 3600), _due("evening", "desk"))
    assert not stands(_made("evening", NOW - 9 * 3600), _due("evening", "desk"))
    assert not stands(_made("evening", NOW), _due("night"))
    assert not stands(_made("night", NOW + 86_400, "plan"), _due("night"))  # of a time to come


def _state(verified: str, at: int | None) -> SnapshotKept:
    return SnapshotKept(
        id="m/s",
        medium="m",
        engine_id="s",
        no=1,
        at=1,
        run="r",
        day=DAY,
        figures=Figures(1, 1, 1, 1),
        opened_by=(1,),
        good=True,
        verified=verified,  # type: ignore[arg-type]
        verified_at=at,
    )


def test_a_medium_is_read_whole_from_time_to_time() -> None:
    weeks = 7 * verify_rules.DAY_S
    assert (
        verify_rules.last_full(
            [_state("part", NOW), _state("all", NOW - weeks), _state("all", NOW - 2 * weeks)]
        )
        == NOW - weeks
    )
    assert verify_rules.last_full([_state("part", NOW)]) is None
    assert verify_rules.depth("removable", None, NOW, NOW - weeks) == "part"
    assert verify_rules.depth("removable", None, NOW, NOW - 5 * weeks) == "all"
    assert verify_rules.depth("nas", NOW - weeks, NOW, 0) == "part"
    assert verify_rules.depth("nas", NOW - 2 * weeks, NOW, 0) == "all"
    assert not verify_rules.old("removable", NOW - 5 * weeks, NOW, 0)
    assert verify_rules.old("removable", None, NOW, NOW - 11 * weeks)
    assert verify_rules.depth("removable", NOW, NOW, NOW, doubted=True) == "all"
