"""The comparison in the background: on and off, the loop and the nightly job, checks that say what is wrong, commands."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from praxisd.cli import root
from praxisd.kernel import control, events, issues, jobs
from praxisd.kernel.app import House
from praxisd.kernel.clock import SystemClock
from praxisd.kernel.errors import Problem
from praxisd.services.portals import cycle_store, engine_checks, engine_store
from praxisd.services.portals.loop import Loop
from praxisd.services.portals.portal import (
    ADDRESS_WRONG,
    ANSWER_LOST,
    ANSWER_UNREADABLE,
    CODES,
    FAILING,
    KEY_REFUSED,
    REFUSED,
    TIMEOUT,
    TLS_FAILED,
    TOO_OFTEN,
    UNKNOWN_HOST,
    UNREACHABLE,
    Unknown,
)
from praxisd.testing.houses import START, Houses
from praxisd.testing.trials import settle

from .portals_cast import DAY, Stage, in_memory, stage_of

HOUR = 3_600
TRANSIENT = {UNKNOWN_HOST, UNREACHABLE, TIMEOUT, FAILING, TOO_OFTEN, ANSWER_LOST}


@pytest.fixture
def stage(house: House) -> Iterator[Stage]:
    found = stage_of(house)
    with in_memory(found.world):
        yield found


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def step(loop: Loop) -> int:
    started = loop.step()
    assert loop.wait_idle(60)
    return started


def findings(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for check in engine_checks.CHECKS:
        for one in check.call(stage.house):
            assert one.code in check.codes and one.organization == stage.practice.organization
            found[one.code] = one
    return found


def test_off_at_first_then_on_then_off_within_an_interval(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    loop = Loop(stage.house)
    assert step(loop) == 0 and stage.world.calls == []
    stage.switch()
    assert step(loop) == 1 and stage.world.said().count("upload") == 1
    for _ in range(5):
        stage.wait(portal.interval)
        assert step(loop) == 1
    stage.switch(False)
    calls = len(stage.world.calls)
    for _ in range(5):
        stage.wait(portal.interval)
        assert step(loop) == 0
    assert len(stage.world.calls) == calls


def test_each_practice_has_its_own_switch(houses: Houses, house: House) -> None:
    one, other = stage_of(house), stage_of(house)
    other.world = one.world
    with in_memory(one.world):
        for stage in (one, other):
            stage.link(stage.portal("Gleicher Name"))
        one.switch()
        loop = Loop(house)
        assert step(loop) == 1
        other.switch()
        assert step(loop) == 1


def test_on_it_survives_a_restart_and_off_too(houses: Houses, stage: Stage) -> None:
    stage.link(stage.portal())
    stage.switch()
    again = houses.twin(stage.house)
    assert step(Loop(again)) == 1
    stage.switch(False)
    stage.wait(DAY)
    assert step(Loop(houses.twin(stage.house))) == 0


def test_the_thread_sends_a_change_by_itself_and_stops_with_the_house(houses: Houses) -> None:
    house = houses.open(clock=SystemClock())
    stage = stage_of(house)
    with in_memory(stage.world):
        portal = stage.portal(interval=60)
        link = stage.link(portal)
        stage.switch()
        house.start_work()
        wait_for(lambda: stage.contact(portal).good_at is not None)
        start = int(time.time()) // 900 * 900 + 2 * DAY
        stage.run(lambda tx: engine_store.change_cycle(tx, portal.id, contacted_at=int(time.time()) - 60))
        stage.book(start)
        wait_for(lambda: stage.world.said().count("upload") == 2)
        wait_for(lambda: stage.state(link).dirty_at is None)
        assert stage.world.taken["Sprechstunde"] == ((start, start + 1_800),)
        house.stop()
        loop = house.shared["portals.loop"]
        assert loop.wait_idle(0) and not loop.running


def test_the_nightly_run_compares_everything_and_says_how_much(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.link(portal, "Prophylaxe", 1)
    stage.book(START + HOUR)
    stage.cycle(portal)
    stage.wait(portal.interval)
    worker = settle(stage.house)
    stage.run(lambda tx: jobs.run_now(stage.house, tx, "portals.sync"))
    settle(stage.house, worker)
    (run,) = stage.read(lambda tx: jobs.runs(stage.house, tx, "portals.sync"))
    assert (run.state, run.counts) == (
        "success", {"calendars": 2, "uploaded": 1, "failed": 0, "bookings": 0},
    )  # fmt: skip
    found = stage.read(lambda tx: [e.run for e in events.since(tx, 0, types=("sync.uploaded",))])
    assert found[-2:] == [run.id, run.id]


def test_the_nightly_run_keeps_its_distance(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    worker = settle(stage.house)
    stage.cycle(portal)
    stage.wait(20)
    stage.run(lambda tx: jobs.run_now(stage.house, tx, "portals.sync"))
    settle(stage.house, worker)
    (run,) = stage.read(lambda tx: jobs.runs(stage.house, tx, "portals.sync"))
    assert (run.state, run.counts) == ("success", {"later": 1})
    stage.wait(100)
    stage.cycle(portal)
    assert stage.world.times("upload") == [START, START + 120]  # the next one in its turn does it


@pytest.mark.parametrize("code", sorted(set(CODES) - {"portals.booking_gone", "portals.calendar_unknown"}))
def test_each_failure_is_an_issue_of_its_own_with_a_remedy(stage: Stage, code: str) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.switch()
    stage.world.fails["*"] = Problem(code, 502, retry=code in TRANSIENT)
    for _ in range(3):
        stage.cycle(portal, "hand")
    assert code in findings(stage)
    stage.house.shared["checker"] = None
    for lang in ("de", "en"):
        report = issues.doctor(stage.house, lang)
        (issue,) = [one for one in report["issues"] if one["code"] == code]
        assert "Portal" in issue["cause"] and "{" not in issue["cause"] + issue["solution"] + issue["title"]
        assert len(issue["solution"]) > 30
    stage.world.fails.clear()
    stage.cycle(portal, "hand")
    assert findings(stage) == {}


def test_all_failures_have_different_words(house: House) -> None:
    for lang in ("de", "en"):
        for part in ("title", "cause", "solution"):
            words = [house.texts.get(f"{code}.{part}", lang) for code in CODES]
            assert len(words) - len(set(words)) <= (1 if part == "solution" else 0)


def test_a_passing_failure_is_no_issue_yet(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.switch()
    stage.cycle(portal)
    stage.world.fails["*"] = Problem(TIMEOUT, 504, retry=True)
    stage.cycle(portal, "hand")
    assert findings(stage) == {}
    stage.cycle(portal, "hand")
    stage.cycle(portal, "hand")
    assert set(findings(stage)) == {TIMEOUT}


def test_where_nothing_ever_worked_a_failure_is_said_at_once(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    stage.switch()
    stage.world.fails["*"] = Problem(UNKNOWN_HOST, 502, retry=True)
    stage.cycle(portal)
    assert set(findings(stage)) == {UNKNOWN_HOST}


def test_what_is_wrong_with_one_calendar_is_said_of_it(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    bad = stage.link(portal, "Prophylaxe", 1)
    stage.switch()
    for code in (ADDRESS_WRONG, KEY_REFUSED, TLS_FAILED):
        assert code in CODES
    for code in (ANSWER_UNREADABLE, REFUSED, "portals.calendar_unknown"):
        stage.world.fails = {"period:Prophylaxe": Problem(code, 502)}
        stage.cycle(portal, "hand")
        one = findings(stage)[code]
        assert (one.subject, one.params["calendar"]) == (f"OnlineCalendar/{bad.id}", "Prophylaxe")


def test_nothing_running_and_nothing_fresh_are_issues(stage: Stage) -> None:
    portal = stage.portal()
    link = stage.link(portal)
    assert set(findings(stage)) == {"portals.background_off"}
    stage.switch()
    assert findings(stage) == {}
    stage.cycle(portal)
    stage.wait(3 * portal.interval + 601)
    one = findings(stage)["portals.stale"]
    assert (one.subject, one.params["minutes"]) == (f"OnlineCalendar/{link.id}", 15)
    stage.cycle(portal)
    assert findings(stage) == {}


def test_bookable_outside_the_hours_is_an_issue_unless_it_is_busy(stage: Stage) -> None:
    from praxisd.services.calendar import api as calendar

    portal = stage.portal()
    link = stage.link(portal)
    stage.switch()
    evening = START + 9 * HOUR  # 18:00, when the column closes
    stage.world.offered["Sprechstunde"] = [(START + HOUR, evening + HOUR)]
    stage.cycle(portal)
    one = findings(stage)["portals.outside_hours"]
    assert one.params == {
        "portal": "Portal", "calendar": "Sprechstunde", "schedule": "Dr. 1", "first": "2026-11-23 18:00", "count": 1,
    }  # fmt: skip
    stage.run(
        lambda tx: calendar.add_reservation(
            stage.house, tx, title="zu", schedules=(link.schedule,), start=evening, end=evening + HOUR
        )
    )
    assert findings(stage) == {}


def test_unknown_times_and_a_column_that_is_gone_are_issues(stage: Stage) -> None:
    from praxisd.services.calendar import api as calendar

    portal = stage.portal()
    link = stage.link(portal)
    stage.switch()
    stage.world.unknown = [Unknown("s1", "Sprechstunde", START + DAY, START + DAY + 900)]
    stage.cycle(portal)
    assert findings(stage)["portals.unknown_times"].params == {"portal": "Portal", "count": 1}
    stage.run(lambda tx: cycle_store.choose(tx, portal.id, "s1", "keep"))
    assert findings(stage) == {}
    stage.run(lambda tx: calendar.edit_schedule(stage.house, tx, link.schedule, None, active=False))
    assert set(findings(stage)) == {"portals.calendar_without_column"}


def command(stage: Stage, *words: str) -> tuple[int, str, str]:
    """A command as typed, performed in this house as the server would."""

    def perform(_folder: Path, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        return json.loads(json.dumps(control.perform(stage.house, operation, args)))  # type: ignore[no-any-return]

    from unittest.mock import patch

    with patch("praxisd.cli.perform", perform):
        got = CliRunner().invoke(root, [*words, "--data", "nowhere", "--lang", "de"])
    return got.exit_code, got.stdout, got.stderr


def test_sync_prints_the_number_or_the_reason(stage: Stage) -> None:
    code, _, said = command(stage, "sync")
    assert code == 1 and "portals.none_active" in said
    portal = stage.portal()
    stage.link(portal)
    stage.link(portal, "Prophylaxe", 1)
    stage.book(START + HOUR)
    stage.book(START + 2 * HOUR, column=1)
    assert command(stage, "sync") == (0, "2 Zeiten hochgeladen\n", "")
    assert command(stage, "tmex")[:2] == (0, "2 Zeiten hochgeladen\n")
    code, out, _ = command(stage, "sync", "--json")
    answer = json.loads(out)
    assert (code, answer["uploaded"]) == (0, 2)
    assert [(one["name"], one["portal"], one["uploaded"], one["code"]) for one in answer["calendars"]] == [
        ("Sprechstunde", "Portal", 1, None), ("Prophylaxe", "Portal", 1, None),
    ]  # fmt: skip
    stage.world.fails["*"] = Problem(KEY_REFUSED, 502)
    code, out, said = command(stage, "sync")
    assert (code, out) == (1, "") and said.count(KEY_REFUSED) == 1 and "Zugangsdaten" in said
    stage.world.fails = {"upload:Prophylaxe": Problem(FAILING, 502, retry=True)}
    code, out, said = command(stage, "sync", "--full")
    assert (code, out) == (1, "1 Zeit hochgeladen\n") and "Portal, Prophylaxe" in said


def test_the_words_of_duria(stage: Stage) -> None:
    stage.link(stage.portal())
    assert "eingeschaltet" in command(stage, "tmex", "+J")[1]
    assert stage.read(lambda tx: jobs.get_job(stage.house, tx, "portals.sync").enabled) is True
    assert "ausgeschaltet" in command(stage, "tmex", "-J")[1]
    assert stage.read(lambda tx: jobs.get_job(stage.house, tx, "portals.sync").enabled) is False
    assert "eingeschaltet" in command(stage, "tmex", "+j")[1]
    assert "120" in command(stage, "tmex", "P")[1]
    assert command(stage, "tmex", "X")[0] == 2
    kinds = stage.read(
        lambda tx: [e.type for e in events.since(tx, 0, types=("sync.started", "sync.stopped"))]
    )
    assert kinds == ["sync.started", "sync.stopped", "sync.started"]


def test_start_stop_status_and_settings(stage: Stage) -> None:
    portal = stage.portal()
    stage.link(portal)
    settle(stage.house)
    assert "eingeschaltet" in command(stage, "sync", "start")[1]
    command(stage, "sync")
    status = json.loads(command(stage, "sync", "status", "--json")[1])
    assert (status["background"], status["calendars"][0]["uploaded"], status["calendars"][0]["code"]) == (
        True,
        0,
        None,
    )
    assert "Sprechstunde" in command(stage, "sync", "status")[1]
    code, _, said = command(stage, "sync", "settings", "--interval", "59")
    assert code == 1 and "portals.interval_too_short" in said and "60" in said
    assert (
        command(stage, "sync", "settings", "--interval", "300", "--not-early", "--portal", "Portal")[0] == 0
    )
    shown = json.loads(command(stage, "sync", "settings", "--json")[1])["portals"][0]
    assert (shown["interval"], shown["early"], shown["calendars"]) == (300, False, ["Sprechstunde → Dr. 1"])
    assert stage.contact(portal).due_at == START + 300
    assert (
        "portals.portal_unknown" in command(stage, "sync", "settings", "--interval", "90", "--portal", "B")[2]
    )
    assert json.loads(command(stage, "sync", "--json", "stop")[1])["background"] is False
    assert "ausgeschaltet" in command(stage, "sync", "stop")[1]
