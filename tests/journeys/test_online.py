"""A patient books on the portal's page, the desk decides, the portal follows: the sample practice and its sandboxes, as
programs, with the background at work (SPEC 3, 1.12–1.13; seed 001).
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from praxisd.demo import online
from praxisd.testing.programs import Client, command, no_quiet_hours, running

PATIENCE_S = 120.0
"""A portal is asked every 60 s; on a busy machine all the rest takes its time too."""
ZONE = ZoneInfo("Europe/Berlin")
SOMMER = online.CALENDARS["sommer"]
PATIENT = {
    "family": "Probe", "given": "Paula", "birthDate": "1991-04-23", "phone": "0171 55501234", "email": "",
}  # fmt: skip


class Place(NamedTuple):
    """The practice at work: its desk, the portal, and the SMS sandbox."""

    folder: Path
    desk: Client
    owner: Client
    portal: Client
    sms: Client


@pytest.fixture(scope="module")
def place(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("online") / "data"
    shutil.copytree(filled, folder)
    with running(folder, verb="demo") as found:
        _answers_at_any_hour(folder)
        access = json.loads((folder / "access.json").read_text())
        made = command("keys", "create", "--role", "owner", "--name", "Test", "--json", folder=folder)
        assert made.code == 0, made.err
        yield Place(
            folder,
            found.client(access["desk_key"]),
            found.client(made.json["secret"]),
            Client(access["sandbox"]["portal"]),
            Client(access["sandbox"]["sms"]),
        )


def _answers_at_any_hour(folder: Path) -> None:
    """Quiet hours that are not now, and the job that sends."""
    no_quiet_hours(folder)
    until(lambda: command("jobs", "enable", "messaging.send", folder=folder).code == 0)


def until(ready: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_S
    while not (found := ready()):
        assert time.monotonic() < end, "does not come"
        time.sleep(0.5)
    return found


def ask(client: Client, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    got, answer = client.call(method, path, body)
    assert got == status, answer
    return answer


def api(place: Place, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    return ask(place.desk, method, f"/api/v1{path}", body, status)


def free_at(place: Place, calendar: str, first: int = 3) -> str:
    """A time that the portal offers, some days ahead, with three quarters of an hour free from then on."""
    day = datetime.now(ZONE).date() + timedelta(days=first)
    for number in range(20):
        query = urlencode({"calendar": calendar, "date": (day + timedelta(days=number)).isoformat()})
        found = ask(place.portal, "GET", f"/free?{query}")
        lasts = timedelta(minutes=found["minutes"])
        times = [datetime.fromisoformat(one) for one in found["free"]]
        for at, text in list(zip(times, found["free"], strict=True))[2:]:
            long = at + timedelta(minutes=45)
            if len(times) > 4 and any(at < one <= at + lasts and one + lasts >= long for one in times):
                return str(text)
    raise AssertionError("the portal offers nothing")


def uploads(place: Place, calendar: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        one for one in ask(place.portal, "GET", "/uploads") if one["calendar"] == calendar
    ]
    return found


def busy(place: Place, calendar: str) -> set[tuple[datetime, datetime]]:
    last = uploads(place, calendar)[-1]["busy"]
    return {(datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])) for one in last}


def sync(place: Place) -> dict[str, Any]:
    done = command("sync", "--json", folder=place.folder)
    assert done.code == 0, done.out + done.err
    found: dict[str, Any] = done.json
    return found


def request_of(place: Place, booking: str) -> dict[str, Any] | None:
    """The desk's request about a booking at the portal: told by its name."""
    found = api(place, "POST", "/requests/search", {"limit": 200})["requests"]
    mine = [one for one in found if one["told"]["family"] == booking]
    return mine[0] if mine else None


def book(place: Place, calendar: str, family: str, start: str) -> dict[str, Any]:
    body = {
        "calendar": calendar,
        "start": start,
        "service": "Kontrolle",
        "patient": {**PATIENT, "family": family},
    }
    found: dict[str, Any] = ask(place.portal, "POST", "/bookings", body, 201)
    return found


@pytest.mark.timeout(300)
def test_a_booking_goes_through_and_the_portal_follows(place: Place) -> None:
    # Nobody has started anything by hand: the background brings the calendars in step.
    until(lambda: all(uploads(place, one) for one in online.CALENDARS.values()))
    start = free_at(place, SOMMER)
    booking = book(place, SOMMER, "Probe", start)
    sync(place)
    request = until(lambda: request_of(place, "Probe"))
    assert (request["state"], request["origin"], request["originName"]) == ("open", "portal", online.NAME)
    assert request["appointment"]["status"] == "pending"
    assert datetime.fromisoformat(request["appointment"]["start"]) == datetime.fromisoformat(start)
    # Blocked from arrival: nobody else gets the time.
    wish = {
        "service": request["appointment"]["service"],
        "start": start,
        "schedules": request["appointment"]["schedules"],
        "patient": {"family": "Anders", "given": "Anna", "birthDate": "1970-01-01"},
    }
    assert api(place, "POST", "/appointments", wish, 409)["code"] == "calendar.slot_taken"

    accepted = api(place, "POST", f"/requests/{request['id']}/accept", {"minutes": 45})
    assert accepted["state"] == "accepted" and accepted["appointment"]["status"] == "booked"
    at = datetime.fromisoformat(start)
    assert datetime.fromisoformat(accepted["appointment"]["end"]) == at + timedelta(minutes=45)
    # The confirmation goes out, and the portal shows it taken, as long as the practice wants.
    sync(place)
    until(lambda: [one for one in ask(place.sms, "GET", "/messages") if one["to"].endswith("17155501234")])
    confirmed = until(
        lambda: (
            (found := ask(place.portal, "GET", f"/bookings/{booking['id']}"))["state"] == "confirmed"
            and found
        )
    )
    assert datetime.fromisoformat(confirmed["end"]) == at + timedelta(minutes=45)
    until(lambda: (at, at + timedelta(minutes=45)) in busy(place, SOMMER))

    # The desk drags it to another time: by itself, within the allowed interval, the portal follows.
    other = free_at(place, SOMMER, 5)
    one = api(place, "GET", f"/appointments/{accepted['appointment']['id']}")
    api(place, "PATCH", f"/appointments/{one['id']}", {"start": other})
    moved = datetime.fromisoformat(other)
    until(
        lambda: (
            datetime.fromisoformat(ask(place.portal, "GET", f"/bookings/{booking['id']}")["start"]) == moved
        )
    )
    until(lambda: any(begins == moved for begins, _ in busy(place, SOMMER)))
    assert (at, at + timedelta(minutes=45)) not in busy(place, SOMMER)
    steps = {one["step"]: one for one in api(place, "GET", f"/appointments/{one['id']}/chain")["steps"]}
    assert {name for name, step in steps.items() if step["state"] == "done"} >= {
        "requested", "in_calendar", "on_portals", "confirmed",
    }  # fmt: skip
    assert all(step["at"] for step in steps.values() if step["state"] == "done")


def test_a_reservation_over_columns_and_days_blocks_all(place: Place) -> None:
    sync(place)
    schedules = {one["name"]: one["id"] for one in api(place, "GET", "/schedules")["schedules"]}
    columns = [schedules[name] for name in ("Dr. Sommer", "Dr. Winter", "Prophylaxe (Zimmer 3)")]
    for days in range(9, 30):
        start = (datetime.now(ZONE) + timedelta(days=days)).replace(
            hour=12, minute=0, second=0, microsecond=0
        )
        end = start + timedelta(days=1, hours=2)
        body = {
            "title": "Fortbildung",
            "schedules": columns,
            "start": start.isoformat(),
            "end": end.isoformat(),
        }
        status, answer = place.desk.call("POST", "/api/v1/reservations", body)
        if status == 201:
            break
        assert answer["code"] == "calendar.reservation_overlaps", answer
    else:
        raise AssertionError("no two days without an appointment")
    sync(place)
    for calendar in online.CALENDARS.values():
        assert any(begins <= start and end <= ends for begins, ends in busy(place, calendar)), calendar


def test_deleting_a_free_time_blocks_nothing(place: Place) -> None:
    sync(place)
    winter = online.CALENDARS["winter"]
    before, offered = uploads(place, winter)[-1]["busy"], free_at(place, winter)
    found = {one["name"]: one for one in api(place, "GET", "/schedules")["schedules"]}["Dr. Winter"]
    ask(place.owner, "PATCH", f"/api/v1/schedules/{found['id']}", {"hours": []})
    result = sync(place)
    assert len(result["calendars"]) == len(online.CALENDARS)
    assert {one["code"] for one in result["calendars"]} == {None}
    assert uploads(place, winter)[-1]["busy"] == before
    assert free_at(place, winter) == offered
    # But a person is told that patients can book what the column does not offer.
    codes = {one["code"] for one in command("doctor", "--json", folder=place.folder).json["issues"]}
    assert "portals.outside_hours" in codes


def test_a_refusal_reaches_portal_and_patient(place: Place) -> None:
    calendar = online.CALENDARS["sommer"]
    booking = book(place, calendar, "Absage", free_at(place, calendar, 4))
    sync(place)
    request = until(lambda: request_of(place, "Absage"))
    body = {"reason": "portals.refused_call_us"}
    refused = api(place, "POST", f"/requests/{request['id']}/refuse", body)
    assert refused["state"] == "refused" and refused["appointment"]["status"] == "cancelled"
    again = place.desk.call("POST", f"/api/v1/requests/{request['id']}/accept", {})
    assert again[0] == 409, again
    sync(place)
    found = ask(place.portal, "GET", f"/bookings/{booking['id']}")
    assert (found["state"], found["reason"]) == ("refused", "portals.refused_call_us")


def test_two_portals_one_time_is_a_conflict_with_both_sides(place: Place) -> None:
    """While the portal does not know yet, the desk gives the time to somebody else."""
    calendar = online.CALENDARS["sommer"]
    sync(place)
    start = free_at(place, calendar, 6)
    ask(place.portal, "POST", "/faults", {"always": "error"})
    try:
        schedules = {one["name"]: one["id"] for one in api(place, "GET", "/schedules")["schedules"]}
        services = {
            one["name"]: one["id"] for one in api(place, "GET", "/healthcare-services")["healthcareServices"]
        }
        wish = {
            "service": services["Kontrolle"],
            "start": start,
            "schedules": [schedules["Dr. Sommer"]],
            "patient": {"family": "Zuerst", "given": "Zoe", "birthDate": "1980-12-12"},
        }
        local = api(place, "POST", "/appointments", wish, 201)
        failed = command("sync", "--json", folder=place.folder)
        assert failed.code == 1 and "portals.portal_failing" in failed.out
        book(place, calendar, "Zuspaet", start)
    finally:
        ask(place.portal, "POST", "/faults", {"always": None})
    sync(place)
    request = until(lambda: request_of(place, "Zuspaet"))
    assert request["conflict"] and request["appointment"]["status"] == "proposed"
    found = api(place, "GET", f"/conflicts/{request['conflict']}")
    assert found["online"]["id"] == request["appointment"]["id"]
    assert [side["id"] for side in found["local"]] == [local["id"]]
    settled = api(place, "POST", f"/conflicts/{found['id']}/settle", {"how": "keep_local"})
    assert settled["settledAt"]
    until(lambda: api(place, "GET", f"/requests/{request['id']}")["state"] == "refused")


def test_durias_words_say_the_same(place: Place) -> None:
    count = sum(len(uploads(place, one)[-1]["busy"]) for one in online.CALENDARS.values())
    done = command("tmex", folder=place.folder)
    assert done.code == 0 and any(char.isdigit() for char in done.out), done.out
    assert count > 0
    for word, on in (("-J", False), ("+J", True)):
        assert command("tmex", word, folder=place.folder).code == 0
        shown = command("jobs", "list", "--json", folder=place.folder).json["jobs"]
        assert next(one for one in shown if one["name"] == "portals.sync")["enabled"] is on
    assert SOMMER in command("tmex", "P", folder=place.folder).out
    too_often = command("sync", "settings", "--interval", "59", folder=place.folder)
    assert too_often.code != 0 and "60" in too_often.out + too_often.err
