"""The run log on both engines: what a run says and did, its order and filters, and warnings about the order of jobs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import events, jobs, schedule
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.event_search import Wanted, count_by_run, find
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.registry import DeclarationError, Registry, freeze
from praxisd.kernel.schedule import After, At, Daily
from praxisd.kernel.service import JobType, Scope, Service
from praxisd.kernel.work_listings import counts_in_words
from praxisd.testing.houses import Houses, default_services
from praxisd.testing.practice import small_practice
from praxisd.testing.trials import done, job, noted, run_log, settle, with_jobs
from praxisd.web.app import build

from .kernel_cast import Desk

Make = Callable[..., House]
ACTOR = system("test")
PREPARE, SEND = "/jobs/trial.prepare", "/jobs/trial.send"


# What a run says and does


def test_a_success_carries_what_the_run_said(make_house: Make, clock: FrozenClock) -> None:
    fail: list[bool] = []

    def talk(run: RunContext) -> None:
        run.say("jobs.overlap")
        run.say("jobs.missed")
        if fail:
            raise Problem("settings.unknown", 404)

    house = make_house(with_jobs(job("trial.one", talk)))
    settle(house)
    clock.advance(3600)
    settle(house)
    fail.append(True)
    clock.advance(3600)
    settle(house)
    assert [(r.state, r.code) for r in run_log(house)] == [
        ("success", "jobs.missed"),
        ("failed", "settings.unknown"),
    ]


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, None),
        ({"events": 0, "runs": 0}, "nichts zu tun"),
        ({"events": 12, "runs": 0, "odd": 3}, "Ereignisse: 12, odd: 3"),
    ],
)
def test_counts_in_words(make_house: Make, counts: dict[str, int], words: str | None) -> None:
    assert counts_in_words(make_house(with_jobs()), counts, "de") == words


def test_a_run_says_only_what_is_declared(make_house: Make, clock: FrozenClock) -> None:
    house = make_house(with_jobs(job("trial.one", lambda run: run.say("Erika Mustermann"))))
    settle(house)
    clock.advance(3600)
    settle(house)
    assert [(r.state, r.code) for r in run_log(house)] == [("failed", "jobs.crashed")]


def test_events_know_their_run(make_house: Make, clock: FrozenClock) -> None:
    def work(run: RunContext) -> None:
        with run.write() as tx:
            events.note(tx, "issue.raised", "Issue", "store.disk_low")
            events.note(tx, "issue.cleared", "Issue", "store.disk_low")
            events.note(tx, "setting.changed", "Setting", "kernel.zone")
        with run.house.store.write(run.actor.within("a")) as tx:
            events.note(tx, "issue.cleared", "Issue", "store.disk_low")

    house = make_house(with_jobs(job("trial.one", work)))
    settle(house)
    with house.store.write(ACTOR) as tx:
        events.note(tx, "issue.raised", "Issue", "by-nobody")
    clock.advance(3600)
    settle(house)
    clock.advance(3600)
    settle(house)
    ids = [run.id for run in run_log(house)]
    with house.store.read(ACTOR) as tx:
        found = find(tx, house.registry, Wanted(runs=[ids[0]]))
        # Evidence is found but not counted, and the end of a run is no deed of it; what it did for a practice is there.
        assert [e.type for e in found] == ["setting.changed", "issue.cleared", "issue.raised"]
        assert {e.run for e in found} == {ids[0]}
        assert count_by_run(tx, house.registry, [*ids, "no-such"]) == dict.fromkeys(ids, (2, 1))
        assert count_by_run(tx, house.registry, []) == {}
    with house.store.read(system("test", "a")) as tx:
        assert next(e.organization for e in find(tx, house.registry, Wanted(runs=ids[:1]))) == "a"
    assert "run.finished" in noted(house)


def test_a_plan_changed_in_the_second_it_is_due_loses_no_run(make_house: Make, clock: FrozenClock) -> None:
    house = make_house(with_jobs(job("trial.one", done), job("trial.two", done)))
    settle(house)
    clock.advance(3600)  # both are due now, and nobody has looked yet
    with house.store.write(ACTOR) as tx:
        jobs.change(house, tx, "trial.one", plan=Daily(At("23:00")))
        jobs.change(house, tx, "trial.two", enabled=False)
    settle(house)
    for name in ("trial.one", "trial.two"):
        assert [(r.due_at, r.state) for r in run_log(house, name)] == [(clock.now(), "success")], name


# Through the door


def _with_trial(calls: dict[str, Callable[[RunContext], None]]) -> list[Service]:
    def call(name: str) -> Callable[[RunContext], None]:
        return lambda run: calls.get(name, done)(run)

    trial = Service(
        name="trial",
        package="praxisd.kernel",
        jobs=(
            JobType("trial.prepare", call("prepare"), Daily(At("10:00"))),
            JobType("trial.greet", call("greet"), Daily(At("10:00"))),
            JobType("trial.send", call("send"), Daily(At("10:02")), follows=("trial.prepare", "trial.greet")),
        ),
    )
    return [*default_services(), trial]


@pytest.fixture
def calls() -> dict[str, Callable[[RunContext], None]]:
    return {}


@pytest.fixture
def desk(houses: Houses, clock: FrozenClock, calls: dict[str, Any]) -> Iterator[Desk]:
    services = _with_trial(calls)
    built_in = freeze(default_services())

    house = houses.open(Registry(tuple(services), built_in.texts), clock)
    practice = small_practice(house)
    for name in ("prepare", "greet", "send"):  # a trial has no texts of its own
        for part in ("title", "help"):
            built_in.texts._texts["de"][f"job.trial.{name}.{part}"] = name.capitalize()
    settle(house)
    with TestClient(build(house, main.doors(house))) as client:
        yield Desk(house, practice, client)


def _run(desk: Desk, name: str) -> str:
    run = desk("POST", f"/jobs/trial.{name}/run")
    settle(desk.house)
    desk.house.clock.advance(60)  # type: ignore[attr-defined]
    return str(run["id"])


def test_the_log_leads_from_a_run_to_what_it_did(desk: Desk, calls: dict[str, Any]) -> None:
    def send(run: RunContext) -> None:
        run.say("jobs.overlap")
        with run.write() as tx:
            events.note(tx, "appointment.booked", "Appointment", "t1")
            events.note(tx, "issue.raised", "Issue", "store.disk_low")
            run.checkpoint(tx=tx, items=2)

    calls["send"] = send
    _run(desk, "prepare")
    id_ = _run(desk, "send")
    one = desk("GET", f"{SEND}/runs/{id_}")
    assert one["activity"] == {"events": 2, "errors": 1} and one["counts"] == {"items": 2}
    assert (one["state"], one["code"], one["message"]) == ("success", "jobs.overlap", "Lauf ausgelassen")
    assert one["explanation"] == (
        "Ein früherer Lauf desselben Auftrags wartete noch. "
        "Vergrößern Sie den Abstand zwischen den Läufen, wenn das öfter vorkommt."
    )
    assert one["triggeredByName"] == "Zugang owner"
    assert desk("GET", f"{SEND}/runs")["runs"] == [one] and desk("GET", SEND)["lastRun"] == one
    found = desk("POST", "/events/search", run=id_)["events"]
    assert [e["type"] for e in found] == ["issue.raised", "appointment.booked"]
    assert {e["run"] for e in found} == {id_}
    desk("POST", "/events/clear")
    assert len(desk("POST", "/events/search", run=id_)["events"]) == 2  # the log's link leads on
    cells = {r["id"]: r["cells"] for r in desk("POST", "/listings/kernel.runs")["rows"]}
    assert (cells[id_]["activity"], cells[id_]["errors"], cells[id_]["message"]) == (2, 1, "Lauf ausgelassen")
    assert [(c["activity"], c["errors"]) for i, c in cells.items() if i != id_] == [(0, 0)]
    assert desk.refused("GET", f"{PREPARE}/runs/{id_}") == (404, "http.not_found")


def test_the_log_is_sorted_filtered_and_paged(desk: Desk, calls: dict[str, Any]) -> None:
    def crash(_run: RunContext) -> None:
        raise ValueError

    ids = [_run(desk, "send")]
    calls["send"] = crash
    ids.append(_run(desk, "send"))
    calls.clear()
    ids.append(_run(desk, "send"))

    def asked(query: str = "") -> list[str]:
        return [run["id"] for run in desk("GET", f"{SEND}/runs?{query}")["runs"]]

    assert asked() == asked("sort=-due") == asked("sort=-started") == asked("sort=-ended") == ids[::-1]
    assert asked("sort=due") == asked("sort=started") == asked("sort=ended") == ids
    assert asked("sort=state")[0] == ids[1] and asked("sort=-state")[-1] == ids[1]
    assert asked("state=failed") == [ids[1]] and asked("state=failed&sort=due") == [ids[1]]
    assert asked("from=2026-11-23T09:01:00%2B01:00&to=2026-11-23T09:02:00%2B01:00") == [ids[1]]
    assert asked("from=2026-11-23T09:01:00%2B01:00&sort=due") == ids[1:]
    for sort in ("due", "-due", "state"):
        pages: list[str] = []
        cursor = ""
        while cursor is not None:
            page = desk("GET", f"{SEND}/runs?sort={sort}&limit=2{cursor}")
            pages += [run["id"] for run in page["runs"]]
            cursor = None if page["next"] is None else f"&cursor={page['next']}"
        assert pages == asked(f"sort={sort}")
    assert desk.refused("GET", f"{SEND}/runs?sort=colour")[0] == 400
    assert desk.refused("GET", "/jobs/trial.none/runs?sort=due") == (404, "http.not_found")


def _warned(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(w["code"].removeprefix("schedule."), w["earlier"], w["later"]) for w in answer["warnings"]]


def _at(time: str) -> dict[str, Any]:
    return {"type": "daily", "within": {"type": "at", "time": time}}


def test_a_preview_warns_in_both_directions_and_saves_nothing(desk: Desk) -> None:
    def preview(path: str, **body: Any) -> dict[str, Any]:
        found: dict[str, Any] = desk("POST", path + "/preview", **body)
        return found

    assert desk("GET", SEND)["follows"] == ["trial.prepare", "trial.greet"]
    assert preview(SEND)["warnings"] == []  # the others are off: it would run alone
    desk.client.put(f"/api/v1{PREPARE}", headers=_headers(desk), json={"enabled": True})
    too_close = ("too_close", "trial.prepare", "trial.send")
    assert _warned(preview(SEND)) == [too_close]
    assert _warned(preview(SEND, plan=_at("10:00"))) == [("wrong_order", "trial.prepare", "trial.send")]
    assert _warned(preview(SEND, plan=_at("10:05"))) == []
    assert _warned(preview(SEND, plan={"type": "after", "job": "trial.prepare"})) == []
    assert _warned(preview(PREPARE, plan=_at("10:01"))) == []  # send is off
    desk.client.put(f"/api/v1{SEND}", headers=_headers(desk), json={"enabled": True})
    assert _warned(preview(PREPARE, plan=_at("12:00"))) == [("wrong_order", "trial.prepare", "trial.send")]
    assert _warned(desk("GET", PREPARE)) == _warned(desk("GET", SEND)) == [too_close]
    listed = {one["name"]: _warned(one) for one in desk("GET", "/jobs")["jobs"]}
    assert listed["trial.send"] == [too_close] and listed["trial.greet"] == [] == listed["kernel.purge"]
    warning = desk("GET", SEND)["warnings"][0]
    assert warning["cause"] == "Zwischen „Prepare“ und „Send“ liegen weniger als 5 Minuten."
    assert warning["title"] and "Prepare" in warning["solution"]
    assert desk("GET", SEND)["plan"]["within"] == {"type": "at", "time": "10:02"}


def test_a_job_that_waits_for_one_that_is_off_is_warned_of(desk: Desk) -> None:
    after = {"plan": {"type": "after", "job": "trial.prepare"}}
    assert _warned(desk("GET", SEND)) == [], "it is off itself"
    off = [("waits_for_off", "trial.prepare", "trial.send")]
    previewed = desk("POST", SEND + "/preview", **after)
    assert _warned(previewed) == off
    assert previewed["warnings"][0]["cause"].endswith(
        "„Prepare“ ist aber ausgeschaltet, deshalb beginnt „Send“ nie von selbst."
    )
    for path, body in ((SEND, {**after, "enabled": True}), (PREPARE, {"enabled": False})):
        desk.client.put(f"/api/v1{path}", headers=_headers(desk), json=body)
        assert _warned(desk("GET", SEND)) == _warned(desk("GET", PREPARE)) == off
    desk.client.put(f"/api/v1{PREPARE}", headers=_headers(desk), json={"enabled": True})
    assert _warned(desk("GET", SEND)) == []


def test_a_preview_tells_of_all_seven_days(desk: Desk) -> None:
    often = {"type": "daily", "within": {"type": "repeat", "minutes": 5, "start": "08:00", "end": "20:00"}}
    plan = {**often, "every": 1, "anchor": None}
    shown = desk("POST", SEND + "/preview", plan=plan)
    per_day, last = 145, "2026-11-30T09:00:00+01:00"
    assert (len(shown["upcoming"]), shown["more"], shown["until"]) == (500, 7 * per_day - 500, last)
    rare = desk("POST", SEND + "/preview", plan={**plan, "within": {"type": "at", "time": "10:00"}})
    assert (len(rare["upcoming"]), rare["more"], rare["until"]) == (7, 0, None)
    after = {"type": "after", "job": "trial.prepare"}
    assert desk("POST", SEND + "/preview", plan=after)["upcoming"] == [], "the chain never begins: it is off"
    for path, body in ((PREPARE, {"plan": plan, "enabled": True}), (SEND, {"plan": after, "enabled": True})):
        desk.client.put(f"/api/v1{path}", headers=_headers(desk), json=body)
    chained = desk("GET", SEND)
    assert chained["nextAt"] is None
    for key in ("upcoming", "more", "until"):
        assert chained[key] == shown[key], "the times of the chain's first job"


def test_a_job_of_the_practice_cannot_wait_for_one_of_the_installation(desk: Desk) -> None:
    for path, other in ((SEND, "kernel.purge"), ("/jobs/kernel.purge", "trial.send")):
        plan = {"type": "after", "job": other}
        for method, where in (("POST", path + "/preview"), ("PUT", path)):
            answer = desk.client.request(
                method, f"/api/v1{where}", headers=_headers(desk), json={"plan": plan}
            )
            assert (answer.status_code, answer.json()["code"]) == (400, "schedule.other_scope")
        assert desk("GET", path)["plan"]["type"] == "daily"


def _headers(desk: Desk) -> dict[str, str]:
    return {"Authorization": f"Bearer {desk.keys['owner']}"}


def test_a_preview_refuses_what_could_not_be_saved(desk: Desk) -> None:
    window = {"type": "daily", "within": {"type": "repeat", "minutes": 60, "start": "22:00", "end": "04:00"}}
    for body, refused in (
        ({"plan": window}, (400, "schedule.window_across_midnight")),
        ({"plan": {"type": "after", "job": "trial.send"}}, (400, "schedule.chain_loop")),
        ({"plan": {"type": "after", "job": "trial.none"}}, (400, "schedule.unknown_job")),
        ({"missed": "sometimes"}, (422, "jobs.bad_policy")),
        ({"maxAgeS": -1}, (422, "jobs.bad_policy")),
    ):
        assert desk.refused("POST", SEND + "/preview", **body) == refused
    got = desk.client.put(f"/api/v1{SEND}", headers=_headers(desk), json={"plan": window})
    assert (got.status_code, got.json()["code"]) == (400, "schedule.window_across_midnight")
    assert "23:59" in got.json()["solution"]


def test_a_preview_shows_seven_days_with_what_is_about_to_be_saved(desk: Desk) -> None:
    found = desk("POST", SEND + "/preview", plan=_at("18:00"), missed="all", maxAgeS=60)
    assert [due[:16] for due in found["upcoming"]] == [f"2026-11-{day}T18:00" for day in range(23, 30)]
    assert (found["missed"], found["maxAgeS"], found["version"]) == ("all", 60, desk("GET", SEND)["version"])


def test_a_job_that_follows_nothing_known_is_a_fault_at_start() -> None:
    from praxisd.kernel.house import SERVICE

    for follows in (("kernel.nothing",), ("kernel.purge",)):
        purge = JobType(
            "kernel.purge", done, schedule.Daily(At("03:10")), per=Scope.INSTALLATION, follows=follows
        )
        fields = {f: getattr(SERVICE, f) for f in SERVICE.__dataclass_fields__}
        with pytest.raises(DeclarationError, match="follows unknown job"):
            freeze((Service(**fields | {"jobs": (purge,)}),))


def test_beside_a_job_that_never_starts_no_time_is_warned_of(desk: Desk) -> None:
    house = desk.house
    with house.store.write(system("test", desk.practice.organization)) as tx:
        jobs.change(house, tx, "trial.send", plan=After("trial.greet"), enabled=True)
        jobs.change(house, tx, "trial.prepare", enabled=True)
        assert [one.code for one in jobs.warnings(house, tx)] == ["schedule.waits_for_off"]
