"""No double booking over HTTP: both doors, several clients, one server on SQLite and two on PostgreSQL (issue 2).

The same as `make torture`, small and with fixed dice; the judge is put to the test on what was recorded.
"""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from praxisd.testing.torture import main
from praxisd.testing.torture_check import check_history, check_state, kinds
from praxisd.testing.torture_history import Record, Shown, read
from praxisd.testing.torture_proof import PLANTS, unproven
from praxisd.testing.torture_run import Result, torture
from praxisd.testing.torture_state import Busy, Kept, Noted, State

pytestmark = [pytest.mark.slow, pytest.mark.judge, pytest.mark.timeout(180)]
ATTEMPTS = 600


def _judged(result: Result) -> None:
    assert [f"{v.kind}: {v.text}" for v in result.violations] == []
    assert result.attempts >= ATTEMPTS and result.fhir
    outcomes = {(r.door, r.op, r.outcome) for r in result.records}
    assert {("rest", "book", "done"), ("rest", "book", "refused"), ("rest", "move", "done")} <= outcomes
    assert {("fhir", "book", "done"), ("fhir", "book", "refused"), ("rest", "cancel", "done")} <= outcomes


def test_nothing_is_booked_twice_on_sqlite(tmp_path: Path) -> None:
    result = torture("sqlite", ATTEMPTS, 20_261_122, tmp_path)
    _judged(result)
    assert read(tmp_path / "history-sqlite.jsonl") == result.records


def test_nothing_is_booked_twice_by_two_servers_on_postgresql(tmp_path: Path) -> None:
    result = torture("postgresql", ATTEMPTS, 20_261_123, tmp_path)
    _judged(result)
    assert {r.node for r in result.records} == {0, 1}


# --- the judge itself, on a history small enough to be read ----------------------------------------------------------


def _kept(id_: str, start: int = 0, **more: object) -> Kept:
    one = Kept(
        id=id_,
        version=1,
        status="booked",
        start=start,
        end=start + 1800,
        schedules=("dr", "chair"),
        before=10,
        after=5,
        service="surgery",
        portal="a",
        replaces=None,
        tags=frozenset({f"tag-1-{id_}"}),
    )
    return replace(one, **more)  # type: ignore[arg-type]


def _state(*kept: Kept) -> State:
    rows = tuple(
        Busy(s, k.start - k.before * 60, k.end + k.after * 60, "appointment", True, f"Appointment/{k.id}")
        for k in kept
        for s in k.schedules
    )
    events = tuple(
        Noted(n, f"appointment.{'moved' if v > 1 else 'booked'}", k.id, v, k.status)
        for n, k in enumerate(kept)
        for v in range(1, k.version + 1)
    )
    groups = {"surgery": (frozenset({"dr", "dr2"}), frozenset({"chair"}))}
    return State({k.id: k for k in kept}, rows, events, frozenset(), {}, groups)


def _told(n: int, one: Kept, **more: object) -> Record:
    shown = Shown(
        id=one.id,
        version=one.version,
        status=one.status,
        start=one.start,
        end=one.end,
        schedules=one.schedules,
        before=one.before,
        after=one.after,
    )
    told = Record(
        n=n,
        op="book",
        door="rest",
        node=0,
        client="0",
        credential="a",
        key=None,
        tag=next(iter(one.tags)),
        request={},
        start=n * 10,
        end=n * 10 + 5,
        outcome="done",
        status=201,
        code=None,
        appointment=shown,
    )
    return msgspec.structs.replace(told, **more)


def _story() -> tuple[list[Record], State]:
    """Two bookings, one of them moved; one refused; one with a key."""
    first, second = _kept("1"), _kept("2", 7200)
    moved = replace(first, start=3600, end=5400, version=2)
    records = [
        _told(1, first),
        _told(2, second, key="k"),
        _told(3, moved, op="move", tag=None, request={"appointment": "1"}),
        _told(4, _kept("3"), outcome="refused", status=409, code="calendar.slot_taken", appointment=None),
        # Booked last and untouched: what the planted faults are made of.
        _told(5, _kept("5", 20_000)),
    ]
    return records, _state(moved, second, _kept("5", 20_000))


def test_the_judge_finds_nothing_in_a_clean_story_and_every_planted_fault() -> None:
    records, state = _story()
    assert check_state(state) == check_history(records, state) == []
    assert unproven(records, state) == []
    assert sum(map(len, PLANTS.values())) >= 14


def test_a_judge_that_sees_nothing_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    records, state = _story()
    monkeypatch.setattr("praxisd.testing.torture_proof.check_history", lambda *_: [])
    blind = unproven(records, state)
    assert any("lost_booking" in one for one in blind) and any("second_promise" in one for one in blind)


def test_a_booking_without_an_answer_may_be_there_once_or_not_at_all() -> None:
    records, state = _story()
    unsure = _told(6, _kept("4"), outcome="unanswered", status=0, appointment=None)
    late = _kept("4", 40_000)
    assert check_history([*records, unsure], state) == []
    there = _state(*state.appointments.values(), late)
    assert check_history([*records, unsure], there) == []
    twice = _state(*state.appointments.values(), late, replace(late, id="4b", start=50_000, end=51_800))
    assert kinds(check_history([*records, unsure], twice))["two_effects"] == 1


def test_an_unasked_booking_and_a_wrong_group_are_found() -> None:
    records, state = _story()
    stranger = _state(*state.appointments.values(), _kept("9", 60_000))
    assert kinds(check_history(records, stranger)) == {"unasked": 1}
    wrong = _state(*state.appointments.values(), _kept("9", 60_000, schedules=("dr", "dr2")))
    assert kinds(check_state(wrong)) == {"groups": 1}
    half = _state(*state.appointments.values(), _kept("9", 60_000, schedules=("chair",)))
    assert kinds(check_state(half)) == {"groups": 1}


def test_a_moved_appointment_gives_its_old_time_free_in_the_history_too() -> None:
    first = _kept("1")
    moved = replace(first, start=90_000, end=91_800, version=2)
    follower = _kept("2")  # takes the time that the first one left
    records = [_told(1, first), _told(2, moved, op="move", tag=None), _told(3, follower)]
    state = _state(moved, follower)
    assert check_history(records, state) == []
    early = msgspec.structs.replace(
        records[2], start=11, end=17
    )  # acknowledged before the move was asked for
    assert kinds(check_history([records[0], early, records[1]], state)) == {"double_promise": 2}


def test_the_command_line_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--attempts", "60", "--engine", "sqlite", "--seed", "5", "--out", str(tmp_path)]
    code = main(asked)
    said = capsys.readouterr().out
    # So short a run may be too poor to plant every fault into; then the judge counts as blind, and it says so.
    assert "violations=" in said and "seed 5" in said
    assert (code == 0) == ("violations=0" in said)
