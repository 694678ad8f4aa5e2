"""The simulated 116117 as people use it: its page, its plain JSON, and what it refuses."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from .tvs_cast import CALENDAR, DAY, NOW, Stage, stage

PERSON = {"family": "<b>Muster</b>", "given": "Eva", "birthDate": "1980-05-17"}


@pytest.fixture
def tvs(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as one:
        yield one


def call(
    tvs: Stage, method: str, path: str, body: object = None, form: dict[str, str] | None = None
) -> tuple[int, str]:
    """Status and body."""
    data = urlencode(form).encode() if form else None if body is None else json.dumps(body).encode()
    answer = tvs.http.request(method, tvs.door.url + path, body=data)
    return answer.status, answer.body.decode()


def test_a_patient_books_and_cancels_on_the_page(tvs: Stage) -> None:
    status, page = call(tvs, "GET", "/tvs")
    assert status == 200 and "Noch kein Termin" in page
    offered = {"profile": CALENDAR, "start": "2026-11-03T09:00", "end": "2026-11-03T09:30"}
    assert call(tvs, "POST", "/tvs/page/slots", form=offered)[0] == 303
    (slot,) = tvs.tvs.slots.values()
    assert (slot.start, slot.end - slot.start) == (1_793_692_800, 1_800)
    _, page = call(tvs, "GET", "/tvs")
    assert "03.11.2026 09:00–09:30" in page and CALENDAR in page
    assert call(tvs, "POST", "/tvs/page/bookings", form={"slot": slot.id, **PERSON})[0] == 303
    _, page = call(tvs, "GET", "/tvs?lang=en")
    assert "booked" in page and html.escape(PERSON["family"]) in page and PERSON["family"] not in page
    assert tvs.open().fetch(None).bookings[0].told.family == PERSON["family"]
    path = re.search(r'action="(/tvs/page/bookings/[^"]+)"', page)
    assert path and call(tvs, "POST", path[1])[0] == 303
    assert tvs.states()[slot.id] == "free"
    _, page = call(tvs, "GET", "/tvs")
    assert "/tvs/api/Appointment/_search" in page, "what was asked is shown"


@pytest.mark.parametrize(
    "form",
    [
        {"profile": CALENDAR, "start": "2026-11-03T09:00", "end": "2026-11-03T08:00"},
        {"profile": CALENDAR, "start": "gestern", "end": ""},
        {"profile": CALENDAR, "start": "2026-11-02T09:30", "end": "2026-11-02T10:00"},
    ],
)
def test_what_cannot_be_is_said(tvs: Stage, form: dict[str, str]) -> None:
    tvs.slot(24)  # Monday at nine
    answer = tvs.http.request("POST", f"{tvs.door.url}/tvs/page/slots", form=form)
    assert (answer.status, answer.headers["location"]) == (303, "/tvs?wrong=1")
    assert 'role="alert"' in call(tvs, "GET", "/tvs?wrong=1")[1] and len(tvs.states()) == 1


def test_by_plain_json(tvs: Stage) -> None:
    times = {"start": "2026-11-03T09:00:00+01:00", "end": "2026-11-03T09:30:00+01:00"}
    status, made = call(tvs, "POST", "/tvs/slots", {"calendar": "Neu", **times})
    slot = json.loads(made)
    assert (status, slot["calendar"], slot["status"], slot["version"]) == (201, "Neu", "free", 1)
    status, booked = call(tvs, "POST", "/tvs/bookings", {"slot": slot["id"], **PERSON})
    assert (status, json.loads(booked)["status"]) == (201, "booked")
    assert call(tvs, "POST", "/tvs/bookings", {"slot": slot["id"], **PERSON}) == (
        409,
        '{"code": "SLOT_TAKEN"}',
    )
    assert json.loads(call(tvs, "GET", "/tvs/slots")[1])[0]["status"] == "busy"
    id_ = json.loads(booked)["id"]
    assert call(tvs, "POST", f"/tvs/bookings/{id_}", {"do": "change", "phone": "1"})[0] == 200
    assert call(tvs, "POST", f"/tvs/bookings/{id_}", {"do": "delete"})[0] == 200
    assert call(tvs, "POST", f"/tvs/bookings/{id_}", {"do": "cancel"})[0] == 404
    assert call(tvs, "POST", f"/tvs/slots/{slot['id']}", {"status": "busy-unavailable"})[0] == 200
    for path, body in (
        ("/tvs/slots", {"start": "x"}),
        ("/tvs/bookings/x", {}),
        ("/tvs/faults", {"batch": 1}),
    ):
        assert call(tvs, "POST", path, body)[0] == 400


def test_faults_come_when_they_are_asked_for(tvs: Stage) -> None:
    call(tvs, "POST", "/tvs/faults", {"batch": {"2": 409, "4": 400}, "expire": True, "page": 2})
    one = tvs.open()
    from praxisd.model.scheduling import Busy

    times = [Busy(start=NOW + DAY + n * 3_600, end=NOW + DAY + n * 3_600 + 60) for n in range(5)]
    codes = one.offer(CALENDAR, times, tvs.before)
    assert [code is None for code in codes] == [True, False, True, False, True]
    assert len(tvs.states()) == 3 and tvs.tvs.page == 2


WRONG = [
    ("GET", "/Slot/_search", {}, 405),
    ("GET", "/Slot?_page=x", {}, 405),
    ("GET", "/Slot/abc", {}, 405),
    ("POST", "/Slot/_search", {"Content-Type": "application/fhir+json"}, 415),
    ("POST", "/Slot/batch", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ("POST", "/Slot/_search", {"Accept": "application/fhir+json"}, 406),
    ("POST", "/Slot/_search", {"Authorization": "Bearer x"}, 401),
    ("POST", "/Patient/_search", {}, 404),
    ("POST", "/Slot/_search", {"body": "<Parameters/>"}, 400),
    ("POST", "/Slot/_search", {"body": "name"}, 400),
    ("POST", "/Slot/x/$slotstatus_aktualisieren", {}, 400),
]


@pytest.mark.parametrize(("method", "path", "otherwise", "status"), WRONG)
def test_it_is_as_strict_as_the_real_one(
    tvs: Stage, method: str, path: str, otherwise: dict[str, str], status: int
) -> None:
    tvs.tvs.tokens["t"] = NOW + 60.0
    bodies = {
        "": b'<Parameters xmlns="http://hl7.org/fhir"/>',
        "<Parameters/>": b"<Parameters/>",
        "name": b'<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="nonsense"/></parameter></Parameters>',
    }
    body = bodies[otherwise.get("body", "")]
    given = {"Content-Type": "application/xml", "Accept": "application/xml", "Authorization": "Bearer t"}
    headers = given | {name: value for name, value in otherwise.items() if name != "body"}
    answer = tvs.http.request(
        method, f"{tvs.door.url}/tvs/api{path}", headers=headers, body=body if method == "POST" else None
    )
    assert answer.status == status
    assert b"OperationOutcome" in answer.body and b'<severity value="fatal"/>' in answer.body
    (kept,) = tvs.tvs.requests
    assert (kept["method"], kept["status"]) == (method, status)
