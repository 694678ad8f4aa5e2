"""Conflicts as the console shows them: who was first, what stands in the way, and what is there now; both engines."""

from .calendar_cast import (  # noqa: F401 - fixtures
    EVA,
    TUE,
    book,
    the_client,
    the_desk,
    the_owner,
    the_partner,
    the_portal,
    the_practice,
)

WED = "2026-11-25T"


def test_the_practice_reads_the_patients_name_with_the_appointment(practice, desk, portal):
    one = book(desk, practice.check, f"{TUE}09:00:00+01:00")
    assert one["patientName"] == "Eva Beispiel"
    assert desk("GET", f"/appointments/{one['id']}") == one
    body = {"patient": one["patient"]}
    assert desk("POST", "/appointments/search", body=body)["appointments"] == [one]
    assert desk("PATCH", f"/appointments/{one['id']}", body={"note": "x"})["patientName"] == "Eva Beispiel"
    assert "patientName" not in desk("GET", "/appointments")["changes"][0]
    theirs = book(portal, practice.check, f"{TUE}11:00:00+01:00")
    assert "patientName" not in theirs
    assert "patientName" not in portal("GET", f"/appointments/{theirs['id']}")


def test_two_desks_move_one_appointment(practice, desk, owner):
    one = book(desk, practice.check, f"{TUE}09:00:00+01:00", schedules=practice.doctors[:1])
    path, first = f"/appointments/{one['id']}", {"If-Match": '"1"'}
    moved = owner(
        "PATCH",
        path,
        body={"start": f"{TUE}10:00:00+01:00", "schedules": practice.doctors[1:]},
        headers=first,
    )
    late = {"start": f"{TUE}14:00:00+01:00"}
    assert desk.code("PATCH", path, 412, late, headers=first) == "resource.stale"
    now = desk("GET", path)
    assert now == moved and now["version"] == 2 and now["schedules"] == [practice.doctors[1]]
    assert desk("PATCH", path, body=late, headers={"If-Match": '"2"'})["start"] == late["start"]


def test_a_taken_time_names_what_stands_there_to_the_practice_only(practice, desk, portal):
    doctor = practice.doctors[:1]
    there = book(desk, practice.check, f"{TUE}09:00:00+01:00", schedules=doctor)
    other = book(desk, practice.check, f"{TUE}10:00:00+01:00", schedules=doctor)
    block = {
        "title": "Pause",
        "schedules": doctor,
        "start": f"{TUE}09:30:00+01:00",
        "end": f"{TUE}10:00:00+01:00",
    }
    pause = desk("POST", "/reservations", 201, block)
    portal(
        "POST",
        "/slots/hold",
        201,
        {"service": practice.check, "start": f"{TUE}11:00:00+01:00", "schedules": doctor},
    )
    path = f"/appointments/{other['id']}"
    refused = desk("PATCH", path, 409, {"start": f"{TUE}09:15:00+01:00"})
    assert refused["code"] == "calendar.slot_taken"
    assert refused["params"] == {"appointments": there["id"], "reservations": pause["id"], "count": 2}
    refused = desk(
        "PATCH", path, 409, {"end": f"{TUE}11:15:00+01:00"}
    )  # made longer, into what is being booked
    assert refused["params"] == {"held": True, "count": 1}
    refused = book(desk, practice.check, there["start"], 409, schedules=doctor)
    assert refused["params"] == {"appointments": there["id"], "count": 1}
    assert desk("GET", path) == other  # nothing of it happened
    outside = book(portal, practice.check, there["start"], 409, schedules=doctor)
    assert outside["code"] == "calendar.slot_taken" and "params" not in outside
    assert there["id"] not in portal.last.text


def test_lengthening_by_the_lower_edge(practice, desk):
    one = book(desk, practice.check, f"{TUE}17:00:00+01:00", schedules=practice.doctors[:1])
    path = f"/appointments/{one['id']}"
    longer = desk("PATCH", path, body={"end": f"{TUE}18:00:00+01:00"}, headers={"If-Match": '"1"'})
    assert (longer["start"], longer["end"], longer["version"]) == (one["start"], f"{TUE}18:00:00+01:00", 2)
    late = {"end": f"{TUE}19:00:00+01:00"}
    refused = desk("PATCH", path, 422, late)
    assert (
        refused["code"] == "calendar.outside_hours" and refused["params"]["schedule"] == practice.doctors[0]
    )
    assert desk("PATCH", path, body=late | {"outsideHours": True})["end"] == late["end"]
    shorter = desk("PATCH", path, body={"end": f"{TUE}17:10:00+01:00"})
    assert shorter["end"] == f"{TUE}17:10:00+01:00"
    # To another column outside its hours, as a drag does it: column and time at once.
    there = {
        "start": f"{TUE}19:00:00+01:00",
        "end": f"{TUE}19:30:00+01:00",
        "schedules": practice.doctors[1:],
    }
    assert desk.code("PATCH", path, 422, there) == "calendar.outside_hours"
    moved = desk("PATCH", path, body=there | {"outsideHours": True})
    assert (moved["schedules"], moved["start"]) == ([practice.doctors[1]], there["start"])
    assert desk.code("PATCH", path, 400, {"end": there["start"]}) == "calendar.range_reversed"


def test_a_reservation_over_columns_and_days_names_the_appointments_in_its_way(practice, desk, portal):
    first = book(desk, practice.check, f"{TUE}15:00:00+01:00", schedules=practice.doctors[:1])
    second = book(desk, practice.surgery, f"{WED}09:00:00+01:00", patient=EVA | {"given": "Karl"})
    outside = book(desk, practice.check, f"{TUE}08:00:00+01:00", schedules=practice.doctors[1:])
    block = {"title": "Umbau", "schedules": [*practice.doctors, *practice.chairs]}
    block |= {"start": f"{TUE}13:00:00+01:00", "end": f"{WED}12:00:00+01:00"}
    refused = desk("POST", "/reservations", 409, block)
    assert refused["code"] == "calendar.reservation_overlaps"
    assert refused["params"] == {"appointments": ",".join(sorted((first["id"], second["id"]))), "count": 2}
    for one in (first, second):
        desk("POST", f"/appointments/{one['id']}/cancel", body={})
    made = desk("POST", "/reservations", 201, block)
    path = f"/reservations/{made['id']}"
    assert desk("GET", path) == made and desk.last.headers["etag"] == '"1"'
    early = desk("PATCH", path, 409, {"start": f"{TUE}07:00:00+01:00"})
    assert early["params"] == {"appointments": outside["id"], "count": 1}
    assert desk("GET", path) == made  # kept whole
    held = {"service": practice.check, "start": f"{WED}13:00:00+01:00"}
    portal("POST", "/slots/hold", 201, held)
    assert desk("PATCH", path, 409, {"end": f"{WED}13:10:00+01:00"})["params"] == {"held": True, "count": 1}
    fewer = desk("PATCH", path, body={"schedules": list(practice.chairs), "end": f"{WED}18:00:00+01:00"})
    assert fewer["version"] == 2 and fewer["schedules"] == list(practice.chairs)
    book(desk, practice.check, f"{TUE}15:00:00+01:00", schedules=practice.doctors[:1])  # free again
    assert desk.code("PATCH", path, 412, {"title": "x"}, headers={"If-Match": '"1"'}) == "resource.stale"
    desk("DELETE", path, 204, headers={"If-Match": '"2"'})
    assert desk.code("GET", path, 404) == "http.not_found"
    # Two reservations do not stand in each other's way.
    same = block | {"schedules": [practice.chairs[0]]}
    desk("POST", "/reservations", 201, same)
    desk("POST", "/reservations", 201, same)
