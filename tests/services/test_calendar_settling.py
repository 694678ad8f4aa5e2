"""Conflicts settled by people, and by themselves when one side goes away; through the door and by events; both engines."""

import pytest

from praxisd.kernel import events
from praxisd.services.calendar import api as calendar

from .calendar_cast import (  # noqa: F401 - fixtures
    TUE,
    book,
    the_client,
    the_desk,
    the_owner,
    the_partner,
    the_practice,
)
from .test_calendar_busy import at
from .test_calendar_incoming import TUESDAY, decided, taken_in

NINE = f"{TUE}09:00:00+01:00"


def settled_events(house, practice):
    with house.store.read(practice.desk()) as tx:
        rows = tx.all(events._MISSED, seq=0, upto=2**40, at_most=1000, installation="")
    return [row.type for row in rows if row.type.startswith("conflict.")]


def heard(house):
    """Let all handlers hear of what happened."""
    dispatcher = events.Dispatcher(house, house.registry.handlers)
    while dispatcher.step():
        assert not dispatcher.failing


@pytest.fixture(name="pair")
def the_pair(house, practice, desk):
    """(appointment of the desk, booking from outside at its time, their conflict)."""
    here = book(desk, practice.check, NINE, schedules=practice.doctors[:1])
    online, conflict = taken_in(house, practice, "09:15", patient=practice.patient)
    return here, online, conflict


def status(desk, id_):
    return desk("GET", f"/appointments/{id_}")["status"]


def test_both_sides_are_named_and_only_to_who_may_see_them(practice, desk, partner, pair):
    here, online, conflict = pair
    (row,) = desk("POST", "/conflicts/search", body={"state": "open"})["conflicts"]
    assert row["id"] == conflict and row["portalName"] == "Portal A" and row["title"]
    assert (row["online"]["id"], row["online"]["status"]) == (online.id, "proposed")
    assert row["online"]["patient"] == {"id": practice.patient, "name": "Erika Muster"}
    (local,) = row["local"]
    assert (local["type"], local["id"], local["start"]) == ("Appointment", here["id"], NINE)
    assert local["patient"]["name"] == "Eva Beispiel"
    assert row["ways"] == ["keep_local", "move_online", "other_column", "move_local"]
    assert desk("GET", f"/conflicts/{conflict}") == row
    masked = partner("GET", f"/conflicts/{conflict}")
    assert masked["online"]["patient"] is None and masked["local"][0]["patient"] is None
    assert "Muster" not in partner.last.text and practice.patient not in partner.last.text
    partner("POST", f"/conflicts/{conflict}/settle", 403, {"how": "keep_local"})
    assert desk("POST", "/conflicts/search", body={"state": "settled"})["conflicts"] == []


def test_keep_local_cancels_the_booking_from_outside(house, practice, desk, pair):
    here, online, conflict = pair
    path = f"/conflicts/{conflict}/settle"
    assert (
        desk.code("POST", path, 412, {"how": "keep_local"}, headers={"If-Match": '"9"'}) == "resource.stale"
    )
    done = desk("POST", path, body={"how": "keep_local"})
    assert (done["how"], done["ways"], done["version"]) == ("keep_local", [], 2) and done["settledAt"]
    assert (status(desk, online.id), status(desk, here["id"])) == ("cancelled", "booked")
    assert desk.code("POST", path, 409, {"how": "keep_local"}) == "calendar.conflict_settled"
    heard(house)
    assert settled_events(house, practice) == ["conflict.found", "conflict.settled"]


def test_the_booking_from_outside_goes_elsewhere_and_still_waits_for_the_desk(practice, desk, pair):
    _, online, conflict = pair
    path = f"/conflicts/{conflict}/settle"
    assert desk.code("POST", path, 422, {"how": "move_online"}) == "calendar.conflict_way"
    assert desk.code("POST", path, 409, {"how": "seen"}) == "calendar.conflict_stands"
    assert desk.code("POST", path, 409, {"how": "other_column", "schedules": practice.doctors[:1]}) == (
        "calendar.slot_taken"
    )
    done = desk("POST", path, body={"how": "other_column", "schedules": practice.doctors[1:], "minutes": 45})
    assert done["online"]["schedules"] == [practice.doctors[1]] and done["online"]["status"] == "pending"
    moved = desk("GET", f"/appointments/{online.id}")
    assert (moved["start"], moved["end"]) == (f"{TUE}09:15:00+01:00", f"{TUE}10:00:00+01:00")


def test_the_appointment_here_makes_room(practice, desk, pair):
    here, online, conflict = pair
    late = f"{TUE}11:00:00+01:00"
    desk("POST", f"/conflicts/{conflict}/settle", body={"how": "move_local", "start": late})
    assert desk("GET", f"/appointments/{here['id']}")["start"] == late
    assert status(desk, online.id) == "pending"
    assert book(desk, practice.check, f"{TUE}09:15:00+01:00", 409, schedules=practice.doctors[:1])


def test_it_settles_itself_when_the_appointment_here_goes(house, practice, desk, pair):
    here, online, conflict = pair
    desk("POST", f"/appointments/{here['id']}/cancel", body={})
    heard(house)
    done = desk("GET", f"/conflicts/{conflict}")
    assert done["how"] == "gone"
    # Its time is taken now, so that nobody else gets it before the desk has decided.
    assert status(desk, online.id) == "pending"
    heard(house)
    assert settled_events(house, practice) == ["conflict.found", "conflict.settled"]


def test_it_settles_itself_when_the_booking_from_outside_goes(house, practice, desk, pair):
    here, online, conflict = pair
    desk("POST", f"/appointments/{online.id}/cancel", body={})
    heard(house)
    assert desk("GET", f"/conflicts/{conflict}")["how"] == "gone"
    assert status(desk, here["id"]) == "booked"


def test_moved_aside_but_another_comes_into_the_way(house, practice, desk, pair):
    here, online, conflict = pair
    other = book(desk, practice.check, f"{TUE}09:30:00+01:00", schedules=practice.doctors[:1])
    heard(house)
    both = desk("GET", f"/conflicts/{conflict}")
    assert [side["id"] for side in both["local"]] == [here["id"], other["id"]]
    assert "move_local" not in both["ways"]  # which of the two?
    desk("POST", f"/appointments/{here['id']}/cancel", body={})
    heard(house)
    left = desk("GET", f"/conflicts/{conflict}")
    assert [side["id"] for side in left["local"]] == [other["id"]] and left["settledAt"] is None
    assert status(desk, online.id) == "proposed"
    assert settled_events(house, practice) == ["conflict.found"] * 2  # one for each pair


def test_a_blocker_of_a_portal_and_an_appointment_here(house, practice, desk):
    here = book(desk, practice.check, NINE, schedules=practice.doctors[:1])
    fields = {"appointment": None, "others": [f"Appointment/{here['id']}"], "portal": "Portal A"}
    fields |= {"code": "calendar.conflict_blocker", "schedule": practice.doctors[0]}
    fields |= {"start": at(TUESDAY, "09:00"), "end": at(TUESDAY, "10:00")}

    def note():
        with house.store.write(practice.desk()) as tx:
            return calendar.note_conflict(tx, **fields)

    first = note()
    row = desk("GET", f"/conflicts/{first}")
    assert row["online"]["type"] == "Blocker" and row["ways"] == ["move_local", "seen"]
    desk("POST", f"/conflicts/{first}/settle", body={"how": "seen"})
    assert note() is None  # a person has seen this pair
    desk("PATCH", f"/appointments/{here['id']}", body={"start": f"{TUE}09:30:00+01:00"})
    assert note() is None
    other = book(desk, practice.check, NINE, schedules=practice.doctors[:1])
    fields["others"].append(f"Appointment/{other['id']}")
    second = note()
    assert second not in (None, first)
    desk("POST", f"/appointments/{other['id']}/cancel", body={})
    heard(house)
    assert desk("GET", f"/conflicts/{second}")["how"] == "gone"


def test_an_absence_is_arranged_or_taken_back(house, practice, desk):
    away, _ = decided(
        house, practice, calendar.add_absence, schedule=practice.doctors[0], first=TUESDAY, last=TUESDAY
    )
    online, conflict = taken_in(house, practice, "09:00")
    row = desk("GET", f"/conflicts/{conflict}")
    assert row["local"][0]["type"] == "Absence" and "seen" in row["ways"]
    desk("DELETE", f"/absences/{away.id}", 204)
    heard(house)
    assert desk("GET", f"/conflicts/{conflict}")["how"] == "gone"
    assert status(desk, online.id) == "pending"


def test_the_table(desk, pair):
    found = desk("POST", "/listings/calendar.conflicts", body={"filters": {"state": "open"}})
    (row,) = found["rows"]
    assert row["cells"]["portal"] == "Portal A" and row["cells"]["what"] == "taken" and row["alert"]
    assert desk("POST", "/listings/calendar.conflicts", body={"filters": {"state": "settled"}})["rows"] == []
