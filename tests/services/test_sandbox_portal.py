"""`praxisd sandbox portal` as practices use it: Dr.Flex, the two-way door, and what a restart keeps."""

import threading
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote

import pytest

from praxisd.sandbox.portal_api import signature
from praxisd.sandbox.portal_faults import DOORS, KINDS, Faults

from .portal_sandbox_cast import KEY, NAME, PATIENT, Portal


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    one = Portal(tmp_path)
    yield one
    one.close()


def test_dr_flex_asks_for_a_period_and_takes_all_busy_times_of_it(portal: Portal) -> None:
    status, period = portal.drflex("GET", f"/period?calendar={quote(NAME)}")
    assert (status, period) == (
        200,
        {"calendar": NAME, "start": "2026-11-30T00:00:00+01:00", "end": "2027-01-29T00:00:00+01:00"},
    )
    assert portal.drflex("GET", f"/period/{quote(NAME)}") == (200, period)
    times = [{"start": "2026-12-01T08:00:00+01:00", "end": "2026-12-01T11:30:00+01:00"}]
    assert portal.drflex("POST", "/upload", {**period, "appointments": times}) == (200, {"accepted": 1})
    assert portal.free()[:3] == ["11:30", "11:45", "14:00"]
    # The next upload is the whole truth again.
    times = [{"start": "2026-12-01T14:00:00", "end": "2026-12-01T17:00:00"}]
    assert portal.drflex("POST", "/upload", {**period, "appointments": times}) == (200, {"accepted": 1})
    assert (portal.free()[0], portal.free()[-1]) == ("08:00", "11:45")
    _, uploads = portal.ask("GET", "/uploads")
    assert [(one["way"], one["count"], one["id"]) for one in uploads] == [("drflex", 1, 1), ("drflex", 1, 2)]
    assert uploads[1]["busy"] == [{"start": "2026-12-01T14:00:00+01:00", "end": "2026-12-01T17:00:00+01:00"}]


def test_an_upload_leaves_alone_what_lies_outside_its_period(portal: Portal) -> None:
    portal.upload(("08:00", "12:00"), ("14:00", "15:00"))
    portal.upload(start="2026-12-01T09:00:00+01:00", end="2026-12-01T10:00:00+01:00")
    assert portal.free()[:5] == ["09:00", "09:15", "09:30", "09:45", "15:00"]


def test_fields_of_dr_flex_may_be_called_otherwise(portal: Portal) -> None:
    names = {"header": "Api-Schluessel", "calendar": "kalender", "start": "von", "end": "bis",
             "appointments": "termine", "from": "ab", "to": "bis", "accepted": "anzahl", "format": "local"}  # fmt: skip
    assert portal.ask("POST", "/drflex/names", names)[0] == 200
    portal.again()
    status, period = portal.ask("GET", f"/drflex/period?kalender={quote(NAME)}", Api_Schluessel=KEY)
    assert (status, period) == (
        200,
        {"kalender": NAME, "von": "2026-11-30T00:00:00", "bis": "2027-01-29T00:00:00"},
    )
    sent = {**period, "termine": [{"ab": "2026-12-01T08:00:00", "bis": "2026-12-01T12:00:00"}]}
    assert portal.ask("POST", "/drflex/upload", sent, Api_Schluessel=KEY) == (200, {"anzahl": 1})
    assert portal.free()[0] == "14:00"
    assert portal.ask("POST", "/drflex/upload", sent, X_API_Key=KEY)[0] == 401
    assert portal.ask("POST", "/drflex/names", {"format": "stardate"}) == (422, {"code": "field_unknown"})


def test_a_booking_comes_out_and_the_answer_goes_back(portal: Portal) -> None:
    status, made = portal.book(note="Zum ersten Mal")
    assert status == 201 and made["state"] == "requested"
    _, feed = portal.api("GET", "/bookings")
    assert feed == {"bookings": [made], "mark": "1", "more": False}
    assert made["patient"] == PATIENT and made["note"] == "Zum ersten Mal"
    assert (made["start"], made["end"]) == ("2026-12-01T09:00:00+01:00", "2026-12-01T09:15:00+01:00")
    assert portal.api("GET", "/bookings?since=1")[1]["bookings"] == []
    path = f"/bookings/{made['id']}/answer"
    longer = {"kind": "accepted", "end": "2026-12-01T09:45:00+01:00"}
    status, told = portal.api("POST", path, longer)
    assert (status, told["state"], told["end"]) == (200, "confirmed", "2026-12-01T09:45:00+01:00")
    assert portal.api("POST", path, longer) == (status, told)
    # Our own answers do not come back as news.
    assert portal.api("GET", "/bookings?since=1")[1]["bookings"] == []
    assert "09:30" not in portal.free() and "09:45" in portal.free()


@pytest.mark.parametrize(
    ("fields", "state", "free"),
    [
        ({"kind": "refused", "reason": "portals.refused_call_us"}, "refused", True),
        ({"kind": "cancelled"}, "cancelled_by_practice", True),
        ({"kind": "moved", "start": "2026-12-02T10:00:00+01:00"}, "confirmed", True),
        ({"kind": "proposed", "start": "2026-12-02T10:00:00+01:00"}, "proposed", False),
        ({"kind": "accepted"}, "confirmed", False),
    ],
)
def test_each_answer_has_its_state(portal: Portal, fields: dict[str, str], state: str, free: bool) -> None:
    _, made = portal.book()
    status, told = portal.api("POST", f"/bookings/{made['id']}/answer", fields)
    assert (status, told["state"], "09:00" in portal.free()) == (200, state, free)
    if "start" in fields:
        assert "10:00" not in portal.free("2026-12-02")


@pytest.mark.parametrize("yes", [True, False])
def test_the_patient_answers_a_proposal(portal: Portal, yes: bool) -> None:
    _, made = portal.book()
    start = "2026-12-02T10:00:00+01:00"
    portal.api("POST", f"/bookings/{made['id']}/answer", {"kind": "proposed", "start": start})
    assert portal.ask("POST", f"/bookings/{made['id']}/{'yes' if yes else 'no'}")[0] == 200
    (news,) = portal.api("GET", "/bookings?since=1")[1]["bookings"]
    assert news["proposed"] is None
    if yes:
        assert (news["start"], news["state"], news["answer"]) == (start, "confirmed", "yes")
    else:
        assert (news["cancelled"], news["state"], news["answer"]) == (True, "cancelled", "no")
    assert portal.ask("POST", f"/bookings/{made['id']}/yes") == (409, {"code": "too_late"})


def test_who_cancelled_gets_no_appointment(portal: Portal) -> None:
    _, made = portal.book()
    assert portal.ask("POST", f"/bookings/{made['id']}/cancel")[1]["state"] == "cancelled"
    (news,) = portal.api("GET", "/bookings?since=1")[1]["bookings"]
    assert news["cancelled"] is True and "09:00" in portal.free()
    path = f"/bookings/{made['id']}/answer"
    assert portal.api("POST", path, {"kind": "accepted"}) == (410, {"code": "booking_cancelled"})
    assert portal.api("POST", path, {"kind": "cancelled"})[0] == 200
    assert portal.api("POST", "/bookings/b0/answer", {"kind": "accepted"})[0] == 404
    assert portal.api("POST", path, {"kind": "eaten"}) == (422, {"code": "kind_invalid"})


def test_the_feed_goes_by_pages_and_forgets_what_is_over_only_at_first(portal: Portal) -> None:
    ids = [portal.book(f"2026-12-01T{hour}:00:00+01:00")[1]["id"] for hour in ("09", "10", "11")]
    seen, mark, more = [], "0", True
    while more:
        _, page = portal.api("GET", f"/bookings?since={mark}&limit=2")
        seen += [one["id"] for one in page["bookings"]]
        mark, more = page["mark"], page["more"]
    assert (seen, mark) == (ids, "3")
    portal.clock.at += 10 * 86_400
    assert portal.api("GET", "/bookings")[1] == {"bookings": [], "mark": "3", "more": False}
    assert len(portal.api("GET", "/bookings?since=1")[1]["bookings"]) == 2


def test_of_many_who_want_the_same_time_one_gets_it(portal: Portal) -> None:
    begin, found = threading.Barrier(16), []

    def want() -> None:
        begin.wait()
        found.append(portal.book()[0])

    threads = [threading.Thread(target=want) for _ in range(16)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(found) == [201] + [409] * 15
    assert len(portal.ask("GET", "/bookings")[1]) == 1


def test_a_time_that_overlaps_is_taken_and_one_outside_the_hours_not_offered(portal: Portal) -> None:
    portal.upload(("10:00", "10:20"))
    assert portal.book("2026-12-01T10:15:00+01:00") == (409, {"code": "time_taken"})
    assert portal.book("2026-12-01T09:45:00+01:00", service="Vorsorge") == (409, {"code": "time_taken"})
    for at in ("2026-12-01T13:00:00", "2026-12-01T09:05:00", "2026-11-27T09:00:00", "2027-11-29T09:00:00"):
        assert portal.book(f"{at}+01:00") == (422, {"code": "time_not_offered"})
    assert portal.book(service="Herztransplantation") == (422, {"code": "service_unknown"})


def test_blockers_entered_there_take_time(portal: Portal) -> None:
    span = {"start": "2026-12-01T08:00:00+01:00", "end": "2026-12-01T12:00:00+01:00"}
    status, made = portal.ask("POST", "/blockers", {"calendar": NAME, **span})
    assert status == 201 and portal.free()[0] == "14:00"
    path = f"/calendars/{quote(NAME)}/blockers"
    assert portal.api("GET", path)[1] == {"blockers": [{"id": made["id"], **span}]}
    later = f"?start={quote('2026-12-02T00:00:00+01:00')}"
    assert portal.api("GET", path + later)[1] == {"blockers": []}
    portal.again()
    assert portal.free()[0] == "14:00"
    assert portal.ask("DELETE", f"/blockers/{made['id']}")[0] == 204
    assert portal.free()[0] == "08:00"


def test_hours_and_calendars_are_told(portal: Portal) -> None:
    given = {"name": "A/B & Söhne", "hours": {"2": [["07:00", "07:30"], ["22:00", "24:00"]]}, "step": 10,
             "days": 3, "notice": 0, "confirm": False, "services": [{"name": "Kurz", "minutes": 10}]}  # fmt: skip
    assert portal.ask("POST", "/calendars", given) == (200, given)
    portal.again()
    known = portal.api("GET", "/calendars")[1]["calendars"]
    assert [one["name"] for one in known] == [NAME, "A/B & Söhne"]
    assert portal.api("GET", f"/calendars/{quote(NAME)}") == (200, known[0])
    assert known[0]["period"] == {"start": known[0]["start"], "end": known[0]["end"]}
    assert known[1]["services"] == given["services"] and known[1]["end"] == "2026-12-03T00:00:00+01:00"
    _, hours = portal.api("GET", f"/calendars/{quote('A/B & Söhne', safe='')}/hours")
    assert [(one["start"][:16], one["end"][:16]) for one in hours["hours"]] == [
        ("2026-12-01T07:00", "2026-12-01T07:30"),
        ("2026-12-01T22:00", "2026-12-02T00:00"),
    ]
    status, made = portal.book("2026-12-01T23:50:00+01:00", calendar="A/B & Söhne")
    assert (status, made["state"], made["end"]) == (201, "confirmed", "2026-12-02T00:00:00+01:00")
    assert portal.ask("DELETE", f"/calendars/{quote('A/B & Söhne', safe='')}")[0] == 204
    assert portal.api("GET", "/calendars/weg/busy") == (
        404,
        {"code": "calendar_unknown", "calendars": [NAME]},
    )


def test_a_restart_keeps_all(portal: Portal) -> None:
    portal.upload(("10:00", "11:00"))
    _, one = portal.book()
    _, two = portal.book("2026-12-01T15:00:00+01:00")
    portal.api("POST", f"/bookings/{one['id']}/answer", {"kind": "proposed", "start": "2026-12-02T09:00:00+01:00"})  # fmt: skip
    portal.ask("POST", f"/bookings/{two['id']}/cancel")
    before = [portal.ask("GET", path) for path in ("/bookings", "/uploads", "/calendars")]
    free = portal.free()
    portal.again()
    assert [portal.ask("GET", path) for path in ("/bookings", "/uploads", "/calendars")] == before
    assert portal.free() == free
    assert portal.api("GET", "/bookings?since=2")[1]["mark"] == "3"


def test_the_clock_change_keeps_the_hours(portal: Portal) -> None:
    portal.ask("POST", "/calendars", {"name": NAME, "days": 366})
    assert portal.free("2027-03-26")[0] == portal.free("2027-03-29")[0] == "08:00"
    _, made = portal.book("2027-03-29T08:00:00+02:00")
    assert made["start"] == "2027-03-29T08:00:00+02:00"


@pytest.mark.parametrize("door", ["api", "drflex", "dav"])
def test_without_the_key_nothing_is_told(portal: Portal, door: str) -> None:
    path = {"api": "/api/calendars", "drflex": f"/drflex/period/{quote(NAME)}", "dav": "/dav/x.ics"}[door]
    for headers in (
        {},
        {"Authorization": "Bearer falsch"},
        {"X_API_Key": "schlüssel".encode().decode("latin-1")},
    ):
        assert portal.ask("GET", path, **headers) == (401, {"code": "unauthorized"})


def test_a_portal_may_want_what_is_written_signed(tmp_path: Path) -> None:
    portal = Portal(tmp_path, secret="geheim")
    try:
        _, made = portal.book()
        path = f"/bookings/{made['id']}/answer"
        for wrong in ({}, {"X_Signature": "x"}, {"X_Signature": signature("geheim", b"{}")}):
            assert portal.api("POST", path, {"kind": "refused"}, **wrong) == (
                401,
                {"code": "signature_invalid"},
            )
        signed = signature("geheim", b'{"kind": "refused"}')
        assert portal.api("POST", path, {"kind": "refused"}, X_Signature=signed)[0] == 200
        assert portal.api("GET", "/bookings")[0] == 200
    finally:
        portal.close()


TOLD = {
    "unauthorized": (401, True), "error": (500, True), "error_after": (500, False), "bad_json": (200, True),
    "too_often": (429, True), "calendar_unknown": (404, True), "half_closed": (None, False), "drop": (None, False),
    "lose": (None, True), "slow": (200, False),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_faults_on_demand(portal: Portal, kind: str) -> None:
    status, undone = TOLD[kind]
    assert portal.ask("POST", "/faults", {"next": ["", kind], "delay": 0.1})[0] == 200
    assert portal.upload()[0] == 200
    if status is None:
        with pytest.raises((HTTPException, OSError)):
            portal.upload(("08:00", "12:00"))
    else:
        assert portal.upload(("08:00", "12:00"))[0] == status
    assert (portal.free()[0] == "08:00") is undone
    assert portal.upload()[0] == 200
    traffic = portal.ask("GET", "/traffic")[1]
    assert [one["fault"] for one in traffic] == ["", kind, ""]
    assert all(one["door"] == "api" and one["received"] > 0 for one in traffic)


def test_a_fault_may_stay_and_may_meet_one_door_only(portal: Portal) -> None:
    portal.ask("POST", "/faults", {"always": "error", "doors": ["api"]})
    assert [portal.api("GET", "/calendars")[0] for _ in range(3)] == [500] * 3
    assert portal.drflex("GET", f"/period/{quote(NAME)}")[0] == 200
    assert portal.page("/")[0] == 200
    portal.ask("POST", "/faults", {"always": None})
    assert portal.api("GET", "/calendars")[0] == 200
    for bad in (
        {"always": "eaten"},
        {"rate": 2},
        {"rate": "x"},
        {"doors": ["front"]},
        {"next": "error"},
        {"x": 1},
    ):
        assert portal.ask("POST", "/faults", bad)[0] == 422


def test_116117_lives_behind_the_same_door(portal: Portal) -> None:
    assert portal.ask("GET", "/tvs/requests")[0] == 200
    headers = {"Content_Type": "application/fhir+xml", "Accept": "application/fhir+xml"}
    assert portal.raw("POST", "/tvs/api/Slot/_search", b"", **headers)[0] == 401
    portal.ask("POST", "/faults", {"always": "too_often", "doors": ["tvs"]})
    assert portal.raw("POST", "/tvs/api/Slot/_search", b"", **headers)[0] == 429


def test_faults_by_chance_are_the_same_for_the_same_seed() -> None:
    drawn = []
    for _ in range(2):
        faults = Faults()
        faults.set(rate=0.5, seed=7)
        drawn.append([faults.draw(DOORS[n % 4]) for n in range(200)])
    assert drawn[0] == drawn[1] and 60 < sum(map(bool, drawn[0])) < 140
