"""Many programs race for the same locks: never two holders, fences grow, nothing late is saved (issue 10, done-when 2).

The same as `make torture SEATS=1`, small and with fixed dice; the judge is put to the test on what was recorded.
"""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from praxisd.testing.seat_race import Race, race
from praxisd.testing.seat_race_check import SECOND, check, holds, stale
from praxisd.testing.seat_race_history import Record, read
from praxisd.testing.seat_race_proof import PLANTS

pytestmark = [pytest.mark.slow, pytest.mark.judge, pytest.mark.timeout(200)]


def _judged(result: Race, out: Path, wanted: int) -> None:
    assert [f"{one.kind}: {one.text}" for one in result.violations] == []
    assert result.acquires >= wanted
    seen = {(one.op, one.outcome) for one in result.records}
    assert {("lock", "granted"), ("lock", "refused"), ("release", "done"), ("write", "done")} <= seen
    found, _ = holds(result.records)
    late = stale(result.records, found)
    assert late and all(one.outcome == "refused" for one in late)
    assert read([out / "history.jsonl"]) == result.records


def test_nobody_is_second_on_sqlite(tmp_path: Path) -> None:
    result = race(tmp_path, acquires=1_200, freezes=0, keys=3, seed=20_261_128, silent=60)
    _judged(result, tmp_path, 1_200)
    for name, (plant, kind) in PLANTS.items():
        spoilt = plant(result.records)
        assert spoilt is not None, f"the history has no place for: {name}"
        assert kind in {one.kind for one in check(spoilt)}, name


def test_nobody_is_second_on_two_nodes_with_postgresql(tmp_path: Path) -> None:
    result = race(tmp_path, acquires=480, nodes=2, postgres=True, freezes=0, keys=3, seed=7)
    _judged(result, tmp_path, 480)
    assert {one.node for one in result.records if one.granted} == {0, 1}


# --- the judge itself, on histories small enough to be read ---------------------------------------------------------------


def _record(op: str, client: str, at: int, fence: int, **more: object) -> Record:
    told = {"outcome": "granted" if op in ("lock", "take") else "done", "end": at + 1, "key": "Patient/1"}
    return msgspec.convert(
        {"op": op, "client": client, "session": client, "start": at, "fence": fence} | told | more, Record
    )


GOOD = [
    _record("lock", "a", 10, 1),
    _record("release", "a", 20, 1),
    _record("lock", "b", 30, 2),
    _record("take", "c", 40, 3),
    _record("write", "c", 45, 3, version=2),
    _record("release", "c", 50, 3),
]


def _kinds(records: list[Record]) -> set[str]:
    return {one.kind for one in check(sorted(records, key=lambda one: one.start))}


def test_a_good_history_is_good() -> None:
    assert _kinds(GOOD) == set()


@pytest.mark.parametrize(
    ("records", "kind"),
    [
        ([GOOD[0], *GOOD[2:]], "two_holders"),
        ([*GOOD[:3], replace(GOOD[3], fence=2)], "two_holders"),
        ([*GOOD[:2], replace(GOOD[2], fence=5), _record("release", "b", 35, 5), _record("lock", "a", 60, 4)], "fence_order"),
        ([*GOOD, _record("write", "b", 60, 2, version=3)], "stale_write"),
        ([*GOOD, _record("write", "c", 60, 3, version=3)], "stale_write"),
        ([*GOOD, _record("write", "a", 60, 99, version=3)], "stale_write"),
        ([*GOOD[:5], _record("write", "c", 46, 3, version=2), GOOD[5]], "lost_write"),
        (
            [
                _record("lock", "a", 0, 1, seconds=10),
                _record("expired", "a", 5 * SECOND, 1),
                _record("lock", "b", 6 * SECOND, 2),
            ],
            "expired_early",
        ),
        (
            [_record("lock", "a", 0, 1), _record("expired", "a", 5, 1), _record("expired", "a", 6, 1)],
            "expired_twice",
        ),
    ],
)  # fmt: skip
def test_the_judge_sees(records: list[Record], kind: str) -> None:
    assert kind in _kinds(records)


def test_what_may_have_been_is_no_fault() -> None:
    # A release that was not answered may have been done; a write that overlaps the end of its hold may be in time.
    assert _kinds([GOOD[0], replace(GOOD[1], outcome="unknown"), *GOOD[2:]]) == set()
    late = _record("write", "a", 19, 1, version=2, end=35)
    assert _kinds([GOOD[0], late, GOOD[1], GOOD[2]]) == set()
