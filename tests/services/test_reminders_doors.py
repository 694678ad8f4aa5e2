"""The preview on the door and for the command line, the table of refusals, and the checks. On both engines."""

from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import jobs, schedule
from praxisd.model.people import Mandator
from praxisd.services.directory import api as directory
from praxisd.services.directory import records, store
from praxisd.services.messaging import template_store
from praxisd.services.reminders.checks import ready
from praxisd.testing.practice import key_for
from praxisd.testing.trials import worker_of
from praxisd.web.app import build

from .calendar_cast import Rest
from .reminders_cast import Cast, cast

PREVIEW = "/reminders/preview"


@pytest.fixture
def there(house: Any) -> Cast:
    return cast(house)


@pytest.fixture
def desk(there: Cast) -> Any:
    with TestClient(build(there.house, main.doors(there.house))) as client:
        yield Rest(client, key_for(there.house, there.practice, "desk", "Empfang"))


def test_the_preview_shows_who_would_get_what_and_who_not(there: Cast, desk: Rest) -> None:
    there.set(send_reminders=False)
    anna, nobody = there.patient("Anna"), there.patient("Niemand", None)
    one = there.book(anna, "2026-11-24 15:00")
    other = there.book(nobody, "2026-11-24 16:00")
    cancelled = there.book(anna, "2026-11-24 17:00", status="proposed")
    got = desk("POST", PREVIEW, body={})
    assert (got["kind"], got["day"], got["first"], got["last"]) == (
        "reminder", "2026-11-23", "2026-11-24", "2026-11-24",
    )  # fmt: skip
    assert got["switchedOn"] is False and got["sendAt"] == "2026-11-23T09:00:00+01:00" and got["next"] is None
    assert got["channels"] == [
        {"channel": "sms", "active": True, "cost": 1, "templates": ["de", "fr"]},
        {"channel": "email", "active": True, "cost": 1, "templates": ["de"]},
    ]
    counts = got["counts"]
    assert [one["code"] for one in counts["reasons"]] == [
        "reminders.no_contact",
        "reminders.status_not_booked",
    ]
    assert {key: counts[key] for key in ("looked", "will", "letters", "not", "parts", "credits")} == {
        "looked": 3, "will": 1, "letters": 1, "not": 2, "parts": 1, "credits": 1,
    }  # fmt: skip
    (will,) = got["candidates"]
    assert will | {"text": ""} == {
        "appointment": one, "patient": anna, "patientName": "Eva Anna", "start": "2026-11-24T15:00:00+01:00",
        "birthDate": None, "channel": "sms", "address": "+491713920012", "language": "de", "mandator": there.mandator,
        "mandatorName": "Praxis", "subject": "", "text": "", "parts": 1, "cost": 1,
        "sendAt": "2026-11-23T09:00:00+01:00", "renews": False,
    }  # fmt: skip
    assert will["text"].startswith("Eva Anna, Ihr Termin:")
    first, second = got["refusals"]
    assert (first["appointment"], first["patientName"], first["code"], first["letter"]) == (
        other, "Eva Niemand", "reminders.no_contact", True,
    )  # fmt: skip
    assert first["title"] and first["cause"] and first["solution"]
    assert (second["appointment"], second["patientName"], second["letter"]) == (cancelled, "Eva Anna", False)
    assert there.outbox() == [] and there.refusals() == {}


def test_the_preview_says_what_the_run_then_does(there: Cast, desk: Rest) -> None:
    for number in range(9):
        phone = f"0171 39200{number:02}" if number % 3 else None
        there.book(there.patient(f"P{number}", phone), f"2026-11-24 {8 + number:02}:00")
    there.credits(4)
    seen: dict[str, str] = {}
    cursor: str | None = None
    while True:
        page = desk("POST", PREVIEW, body={"limit": 2, **({"cursor": cursor} if cursor else {})})
        assert len(page["candidates"]) + len(page["refusals"]) <= 2
        seen |= {one["appointment"]: "" for one in page["candidates"]}
        seen |= {one["appointment"]: one["code"] for one in page["refusals"]}
        cursor = page["next"]
        if cursor is None:
            break
    there.run()
    done = {row.appointment: "" for row in there.outbox("prepared")} | there.refusals()
    assert seen == done and len(seen) == 9
    assert sorted(set(seen.values())) == ["", "reminders.no_contact", "reminders.no_credits"]


def test_the_preview_filters(there: Cast, desk: Rest) -> None:
    for number in range(4):
        there.book(
            there.patient(f"P{number}", "0171 3920001" if number % 2 else None),
            f"2026-11-24 {8 + number:02}:00",
        )
    will = desk("POST", PREVIEW, body={"filter": "will"})
    nots = desk("POST", PREVIEW, body={"filter": "not", "limit": 1})
    assert (len(will["candidates"]), len(will["refusals"]), will["next"]) == (2, 0, None)
    assert (len(nots["candidates"]), len(nots["refusals"]), nots["next"]) == (0, 1, "1")
    coded = desk("POST", PREVIEW, body={"code": "reminders.no_contact"})
    assert len(coded["refusals"]) == 2 and coded["candidates"] == [] and coded["counts"]["looked"] == 4
    assert desk("POST", PREVIEW, body={"code": "reminders.patient_dead"})["refusals"] == []


def test_the_preview_of_another_day(there: Cast, desk: Rest) -> None:
    there.book(there.patient("Anna"), "2026-11-28 09:00", days_ago=3)
    got = desk("POST", PREVIEW, body={"day": "2026-11-27"})
    assert (got["day"], got["first"], got["sendAt"]) == (
        "2026-11-27",
        "2026-11-28",
        "2026-11-27T10:00:00+01:00",
    )
    assert len(got["candidates"]) == 1
    assert desk.code("POST", PREVIEW, 422, {"day": "2026-02-30"}) == "reminders.bad_day"
    assert desk.code("POST", PREVIEW, 422, {"day": "9999-12-31"}) == "reminders.bad_day"
    assert desk.code("POST", PREVIEW, 400, {"day": "morgen"}) == "http.invalid_body"
    assert desk.code("POST", PREVIEW, 400, {"kind": "recall"}) == "http.invalid_body"


def test_the_preview_of_birthdays(there: Cast, desk: Rest) -> None:
    there.do(lambda tx: there.house.settings.put(tx, "messaging.greeting_needs_consent", False))
    anna = there.patient("Anna", birth_date="2000-02-29")
    there.patient("Bert", None, birth_date="1950-03-01")
    got = desk("POST", PREVIEW, body={"kind": "birthday", "day": "2027-03-01"})
    assert (got["first"], got["last"]) == ("2027-03-01", "2027-03-01")
    (will,) = got["candidates"]
    assert (will["patient"], will["birthDate"], will["appointment"], will["start"]) == (
        anna,
        "2000-02-29",
        None,
        None,
    )
    (refused,) = got["refusals"]
    assert (refused["code"], refused["birthDate"], refused["letter"]) == (
        "reminders.no_contact",
        "1950-03-01",
        False,
    )


def test_who_may_see_it(there: Cast, desk: Rest) -> None:
    partner = Rest(desk.client, key_for(there.house, there.practice, "partner", "Partner"))
    portal = Rest(desk.client, key_for(there.house, there.practice, "portal", "Portal"))
    for other in (partner, portal):
        assert other.code("POST", PREVIEW, 403, {}) == "access.forbidden"
    there.book(there.patient("Geheim", None), "2026-11-24 09:00")
    there.run()
    (row,) = partner("POST", "/listings/reminders.refusals", body={})["rows"]
    assert row["cells"]["patient"] is None and row["cells"]["reason"] == "reminders.no_contact"
    assert portal.code("POST", "/listings/reminders.refusals", 403, {}) == "access.forbidden"


def test_a_masked_caller_is_not_told_whose_birthday_it_is(there: Cast, desk: Rest) -> None:
    """An id that stands elsewhere beside the day of birth would say it."""
    silent = [there.patient(name, None, birth_date="1980-11-23") for name in ("Eins", "Zwei")]
    visit = there.book(there.patient("Geheim", None), "2026-11-24 09:00")
    there.do(lambda tx: there.house.settings.put(tx, "messaging.greeting_needs_consent", False))
    there.run()
    there.run("reminders.birthdays")
    listing = "/listings/reminders.refusals"
    assert {row["id"] for row in desk("POST", listing, body={})["rows"]} == {
        *(f"birthday/{one}" for one in silent), f"reminder/{visit}",
    }  # fmt: skip
    partner = Rest(desk.client, key_for(there.house, there.practice, "partner", "Partner"))
    got = [partner("POST", listing, body={"limit": 2, "cursor": cursor}) for cursor in (None, "2")]
    assert not any(one in str(got) for one in silent)
    rows = [row for page in got for row in page["rows"]]
    assert len({row["id"] for row in rows}) == 3
    assert [row["cells"]["start"] for row in rows if row["cells"]["kind"] == "birthday"] == [None, None]
    assert [row["id"] for row in rows if row["cells"]["start"]] == [f"reminder/{visit}"]


def test_the_table_of_refusals(there: Cast, desk: Rest) -> None:
    nobody = there.patient("Niemand", None, birth_date="1980-11-23")
    one = there.book(nobody, "2026-11-24 09:00")
    there.book(None, "2026-11-24 10:00")
    there.do(lambda tx: there.house.settings.put(tx, "messaging.greeting_needs_consent", False))
    run = there.run()
    there.run("reminders.birthdays")
    listing = "/listings/reminders.refusals"
    got = desk("POST", listing, body={"sort": "start"})
    assert [row["id"] for row in got["rows"]][:2] == [f"birthday/{nobody}", f"reminder/{one}"] and got[
        "total"
    ] == 3
    second = got["rows"][1]
    assert second["cells"] == {
        "at": "2026-11-23T09:00:00+01:00", "kind": "reminder", "patient": "Eva Niemand",
        "start": "2026-11-24T09:00:00+01:00", "reason": "reminders.no_contact", "letter": True, "run": run.id,
    }  # fmt: skip
    assert second["alert"] is True
    reason = next(column for column in got["columns"] if column["key"] == "reason")
    titles = {choice["value"]: choice["label"] for choice in reason["choices"]}
    assert titles["reminders.no_contact"] == "Keine Mobilnummer und keine E-Mail-Adresse"

    def found(**filters: str) -> int:
        return int(desk("POST", listing, body={"filters": filters})["total"])

    assert [found(kind="birthday"), found(letter="true"), found(reason="reminders.no_patient")] == [1, 1, 1]
    assert found(kind="reminder", letter="false") == 1 and found(reason="reminders.patient_dead") == 0
    later = desk("POST", listing, body={"from": "2026-11-23T09:00:01+01:00"})
    assert later["total"] == 0
    csv = desk.client.post(f"/api/v1{listing}/export", headers=desk.headers, json={})
    assert "Niemand" in csv.text and csv.status_code == 200


def test_the_operation_of_the_command_line(there: Cast) -> None:
    for number in range(3):
        there.book(there.patient(f"P{number}", f"0171 39200{number:02}"), f"2026-11-24 {8 + number:02}:00")
    operation = there.house.registry.operations["reminders.preview"]
    got = operation.call(there.house, {"lang": "en"})
    assert got["counts"]["will"] == 3 == len(got["candidates"]) and got["next"] is None
    assert operation.call(there.house, {"filter": "not"})["candidates"] == []


def switch(there: Cast, name: str, on: bool = True) -> None:
    """Switch a job on or off; the worker makes the rows of the jobs."""
    worker_of(there.house).step()
    there.do(lambda tx: jobs.change(there.house, tx, name, enabled=on))


def codes(there: Cast) -> dict[str, str]:
    """What the check finds: subject by code."""
    return {
        one.code: one.subject for one in ready(there.house) if one.organization == there.practice.organization
    }


def test_the_checks_name_what_is_missing(there: Cast) -> None:
    for name in ("reminders.prepare", "reminders.birthdays", "messaging.send"):
        switch(there, name)
    assert codes(there) == {}
    switch(there, "reminders.prepare", False)
    assert codes(there) == {"reminders.job_off": "Job/reminders.prepare"}
    there.set(send_reminders=False)
    assert codes(there) == {}, "what is off needs nothing"
    there.set(default_mandator="nobody")
    assert codes(there) == {"reminders.default_unknown": ""}
    old = there.do(lambda tx: directory.create_mandator(tx, Mandator(name="Alt")))
    there.set(default_mandator=old.id)
    assert codes(there) == {"reminders.default_unlicensed": f"Mandator/{old.id}"}
    there.set(default_mandator="praxis")
    assert codes(there) == {}, "its name will do"
    there.set(default_mandator=None)
    there.account("sms", active=False)
    assert codes(there) == {}
    there.account("email", active=False)
    assert codes(there) == {"reminders.channels_missing": ""}


def test_what_is_prepared_and_never_sent_is_named(there: Cast) -> None:
    send, after = "messaging.send", schedule.After("reminders.birthdays")
    there.set(send_greetings=False)
    switch(there, send, False)
    assert codes(there) == {"reminders.job_off": "Job/reminders.prepare"}, (
        "nothing is prepared: nothing waits"
    )
    switch(there, "reminders.prepare")
    (found,) = [one for one in ready(there.house) if one.organization == there.practice.organization]
    assert (found.code, found.subject) == ("reminders.send_off", f"Job/{send}")
    assert found.params == {"what": "Terminerinnerungen", "job": "Mitteilungen versenden"}
    there.do(lambda tx: jobs.change(there.house, tx, send, enabled=True, plan=after))
    assert codes(there) == {"reminders.send_off": f"Job/{send}"}, "it waits for a job that is off"
    switch(there, "reminders.birthdays")
    assert codes(there) == {}
    there.do(lambda tx: jobs.change(there.house, tx, send, plan=schedule.Daily(schedule.At("12:00"))))
    there.do(lambda tx: jobs.change(there.house, tx, "reminders.birthdays", enabled=False))
    there.do(lambda tx: jobs.change(there.house, tx, "reminders.prepare", plan=after))
    assert codes(there) == {"reminders.job_off": "Job/reminders.prepare"}, (
        "preparing waits for a job that is off"
    )


def test_a_missing_template_is_named(there: Cast) -> None:
    there.set(send_greetings=False)
    for name in ("reminders.prepare", "messaging.send"):
        switch(there, name)

    def drop(tx: Any) -> None:
        for one in template_store.TEMPLATES.all(tx):
            if (one.kind, one.channel, one.language) == ("reminder", "email", "de"):
                template_store.TEMPLATES.delete(tx, one.id, one.version)

    there.do(drop)
    assert codes(there) == {"reminders.templates_missing": "Template/reminder-email"}


def test_without_any_default_mandator(house: Any) -> None:
    there = cast(house)
    there.set(send_greetings=False)
    for name in ("reminders.prepare", "messaging.send"):
        switch(there, name)
    there.do(lambda tx: records.change(tx, store.mandators, there.mandator, {"default": False}, None, None))
    assert codes(there) == {"reminders.default_missing": ""}
    there.book(there.patient("Anna"), "2026-11-24 09:00")
    there.run()
    assert set(there.refusals().values()) == {"reminders.no_mandator"}
