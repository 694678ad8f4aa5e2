"""Is the practice protected, and how deep is a copy read: the rules by themselves."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from praxisd.model.backup import Figures
from praxisd.model.backup_kept import RunKept, SnapshotKept
from praxisd.services.backups.runs import protected_rules, verify_rules

DAY = date(2026, 11, 23)
NOW = 1_800_000_000


def _run(state: str, kind: str = "backup", ended: int = NOW - 3600) -> RunKept:
    return RunKept(id="r", kind=kind, day=DAY, by="plan", asked=ended, ended=ended, state=state)  # type: ignore[arg-type]


states = st.sampled_from(["good", "warning", "failed", "interrupted"])


@given(
    last=st.none() | states.map(_run),
    good=st.booleans(),
    proof=st.none() | states.map(lambda one: _run(one, "prove")),
    proven=st.none() | st.integers(NOW - 90 * 86_400, NOW),
    missed=st.lists(st.dates(DAY, DAY + timedelta(days=5)), max_size=3),
    planned=st.booleans(),
)
def test_green_only_if_all_of_it_is_true(
    last: RunKept | None,
    good: bool,
    proof: RunKept | None,
    proven: int | None,
    missed: list[date],
    planned: bool,
) -> None:
    found = protected_rules.judge(
        planned=planned,
        last=last,
        good=_run("good") if good else None,
        proof=proof,
        proven=proven,
        missed=missed,
        now=NOW,
    )
    if found.state == "green":
        assert planned and good and not missed
        assert last is None or last.state == "good"
        assert proof is None or proof.state != "failed"
        assert proven is not None and NOW - proven <= protected_rules.PROOF_OLD_S
    if planned and not good:
        assert found.state == "red"
    assert (found.since is not None) == good


@given(st.lists(st.integers(0, 30)), st.lists(st.integers(0, 30)), st.integers(0, 30))
def test_a_day_is_missed_only_after_the_last_that_has_a_copy(
    planned: list[int], kept: list[int], today: int
) -> None:
    def day(number: int) -> date:
        return DAY + timedelta(days=number)

    found = protected_rules.missed([day(one) for one in planned], [day(one) for one in kept], day(today))
    assert found == sorted(set(found))
    for one in found:
        assert one < day(today) and all(one > day(other) for other in kept)
    if not kept:
        assert found == sorted({day(one) for one in planned if one < today})


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
