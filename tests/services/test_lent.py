"""A praxisd on a laptop: it says so, sends nothing, and can only be read once the loan is over; whichever door is asked."""

import asyncio
import json

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import lent, outside
from praxisd.kernel.errors import Problem
from praxisd.kernel.http import client as http
from praxisd.kernel.issues import Checker
from praxisd.kernel.outside import NotSent
from praxisd.kernel.store import METADATA, insert
from praxisd.services.accounts import api as accounts
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.exchange import laptop_opening
from praxisd.testing.practice import key_for
from praxisd.web.app import build

from .canary_house import ACCOUNT
from .laptop_cast import MONDAY_10, UNTIL, home_of, on, opened, pack, work

DAY = 86_400
OUTWARD = ("messaging", "reminders", "portals", "relay", "support", "backups", "updates", "diagnosis")


@pytest.fixture(name="home")
def the_home(sqlite_houses):
    return home_of(sqlite_houses.open())


@pytest.fixture(name="laptop")
def the_laptop(home, sqlite_houses, clock):
    return opened(sqlite_houses, home.lend(), clock)


@pytest.fixture(name="rest")
def the_door(laptop):
    def made(tx):
        return accounts.create_key(tx, laptop.registry, role="owner", name="x")[1]

    secret = work(laptop, made)
    with TestClient(build(laptop, main.doors(laptop))) as client:
        client.headers = {"Authorization": f"Bearer {secret}"}
        yield client


def code(got):
    return got.status_code, got.json().get("code")


def test_it_says_what_it_is(home, laptop, rest):
    told = rest.get("/api/v1/exchange/laptop").json()
    assert told["laptop"] and told["practice"] == "Praxis am Test" and not told["over"]
    assert (told["label"], told["until"][:10], told["packed"]) == ("Hausbesuche", "2026-12-12", 0)
    Checker(laptop).step()
    issues = {one["code"] for one in rest.get("/api/v1/issues").json()["issues"]}
    assert "exchange.laptop_here" in issues
    with TestClient(build(home.house, main.doors(home.house))) as client:
        client.headers = {"Authorization": f"Bearer {key_for(home.house, home.practice, 'desk', 'x')}"}
        assert client.get("/api/v1/exchange/laptop").json()["laptop"] is False


def test_no_job_handler_or_start_of_what_goes_outside_is_there(home, laptop):
    mine, theirs = ({one.name: one for one in house.registry.services} for house in (laptop, home.house))
    for name in OUTWARD:
        assert not (mine[name].jobs or mine[name].handlers or mine[name].start or mine[name].sockets), name
    assert any(theirs[name].jobs for name in OUTWARD) and any(theirs[name].start for name in OUTWARD)
    assert "messaging.send" in home.house.registry.jobs and "messaging.send" not in laptop.registry.jobs
    assert set(laptop_opening.WORKS) <= set(theirs)
    assert mine["calendar"] == theirs["calendar"]


def test_what_would_be_sent_is_refused_at_the_door(laptop, rest, home):
    routes = {one.name: one for one in laptop.registry.routes}
    for name, sent in (("relay.enable", {"enabled": False}), ("account.put", ACCOUNT)):
        path = routes[name].path.replace("{channel}", "sms")
        got = rest.request(routes[name].method, f"/api/v1{path}", json=sent)
        assert code(got) == (409, "lent.not_here"), name
    writing = [
        r
        for one in laptop.registry.services
        if one.name in OUTWARD
        for r in one.routes
        if r.write and not (r.permission or "").endswith(".read")
    ]
    assert len(writing) > 40
    for route in writing:
        with pytest.raises(Problem, match="not_here"):
            route.call(None)
    for one in laptop.registry.services:
        if one.name in OUTWARD:
            for operation in one.operations:
                with pytest.raises(Problem, match="not_here"):
                    operation.call(laptop, {})
    assert rest.get("/api/v1/portals").status_code == 200  # what is there can be read


def test_no_way_leads_out_of_the_house(laptop, home):
    with pytest.raises(NotSent) as refused:
        http(laptop).request("GET", "https://example.org/", timeout_s=5)
    assert refused.value.why == "forbidden"

    async def never():
        raise AssertionError("it ran")

    with pytest.raises(NotSent):
        outside.of(laptop).run(never(), 1)
    assert outside.of(home.house).run(asyncio.sleep(0, "through"), 5) == "through"


def test_work_goes_on_until_the_end_and_then_only_reading(laptop, rest, home):
    path = f"/api/v1/patients/{home.anna}"
    assert rest.patch(path, json={"note": "unterwegs"}).status_code == 200
    laptop.clock.set(laptop.lent.until)
    assert code(rest.patch(path, json={"note": "zu spät"})) == (409, "lent.over")
    assert code(
        rest.post("/api/v1/patients", json={"family": "Neu", "given": "N", "birthDate": "1990-01-01"})
    ) == (
        409,
        "lent.over",
    )
    begin = "2026-12-14T10:00:00+01:00"
    booking = {"healthcareService": home.practice.check, "start": begin, "patient": {"id": home.anna}}
    got = rest.post("/api/v1/appointments", json=booking)
    assert got.status_code in (400, 409) and "booked" not in got.text
    fhir = {"resourceType": "Patient", "name": [{"family": "Neu", "given": ["N"]}], "birthDate": "1990-01-01"}
    assert rest.post("/fhir/R4/Patient", json=fhir).status_code == 409
    assert rest.get(path).json()["note"] == "unterwegs"
    assert rest.get("/api/v1/exchange/laptop").json()["over"]
    packed = rest.post("/api/v1/exchange/laptop/pack", json={"last": True})
    assert packed.status_code == 200 and packed.content.startswith(b"age-encryption.org/v1")
    report = home.house  # what was done in time comes home after the end
    from praxisd.services.exchange.laptop_returning import take

    assert take(report, home.actor, packed.content).changed == 1
    assert home.patient(home.anna).note == "unterwegs"


def test_no_statement_changes_a_table_of_patients_at_the_end(laptop, home):
    laptop.clock.set(laptop.lent.until)
    refs = {table for table, _ in laptop.registry.patient_refs if not table.startswith("exchange_")}
    assert len(refs) > 8
    for table in sorted(refs | {"directory_patient", "calendar_busy", "calendar_schedule"}):
        one = METADATA.tables[table]
        for statement in (insert(one), one.delete().where(one.c.organization == "x")):
            with pytest.raises(Problem, match="over"):
                work(laptop, lambda tx, statement=statement: tx.run(statement))
    with pytest.raises(Problem, match="over"):
        work(laptop, lambda tx: calendar.cancel(laptop, tx, home.appointment))
    with laptop.store.read(on(laptop)) as tx:
        assert directory.patient(tx, home.anna).family == "Adler"
        assert calendar.get(tx, home.appointment).start == MONDAY_10


def test_packed_for_the_last_time_it_ends_at_once_and_stays_so(laptop, sqlite_houses, home):
    pack(laptop, last=True)
    for house in (laptop, sqlite_houses.twin(laptop)):
        with pytest.raises(Problem, match="over"):
            work(house, lambda tx: directory.amend_patient(tx, home.anna, {"note": "x"}, 1))
    assert lent.lent(laptop.folder).closed
    pack(laptop)  # once more, if the file was lost


def test_a_mark_that_cannot_be_read_counts_as_ended_and_lets_nothing_run(laptop, sqlite_houses, home):
    (laptop.folder / lent.MARK).write_bytes(b"{")
    again = sqlite_houses.twin(laptop)
    assert not again.registry.jobs and not again.registry.handlers
    with pytest.raises(Problem, match="over"):
        again.store.run(on(laptop), lambda tx: directory.amend_patient(tx, home.anna, {"note": "x"}, 1))


def test_a_laptop_without_its_mark_is_an_error(laptop, sqlite_houses, clock):
    (laptop.folder / lent.MARK).unlink()
    again = sqlite_houses.twin(laptop)
    assert again.lent is None
    found = [
        one
        for check in again.registry.checks
        if check.name == "exchange.laptops"
        for one in check.call(again)
    ]
    assert [one.code for one in found] == ["exchange.laptop_unmarked"]


def test_at_home_what_is_late_and_what_waits_is_an_issue(home, sqlite_houses, clock):
    def found():
        checks = [one for one in home.house.registry.checks if one.name == "exchange.laptops"]
        return [(one.code, one.params) for one in checks[0].call(home.house)]

    assert found() == []
    given = home.lend()
    laptop = opened(sqlite_houses, given, clock)
    home.do(lambda tx: directory.amend_patient(tx, home.anna, {"note": "a"}, 1))
    work(laptop, lambda tx: directory.amend_patient(tx, home.anna, {"note": "b"}, 1))
    from praxisd.services.exchange.laptop_returning import take

    take(home.house, home.actor, pack(laptop))
    assert found() == [("exchange.loan_conflicts", {"count": 1})]
    home.house.clock.set(given.until + DAY)
    assert ("exchange.loan_overdue", {"label": "Hausbesuche", "date": UNTIL.isoformat()}) in found()
    assert json.loads((laptop.folder / lent.MARK).read_bytes())["loan"] == given.loan
