"""The calendar's and the inbox' tables in the console, on both engines, and which pages belong to whom."""

import pytest

from .calendar_cast import (  # noqa: F401 - fixtures
    TUE,
    the_client,
    the_desk,
    the_owner,
    the_partner,
    the_portal,
    the_practice,
)
from .messaging_cast import cast, message, patient_of


def listing(who, name, **ask):
    return who("POST", f"/listings/{name}", body=ask)


def test_columns_and_types(practice, owner, desk, partner, portal):
    doctor = owner("POST", "/practitioners", 201, {"family": "Arzt", "given": "Walter", "prefix": "Dr."})[
        "id"
    ]
    room = owner("POST", "/locations", 201, {"name": "Zimmer 7", "kind": "room"})["id"]
    hidden = {"name": "Notfall", "practitioner": doctor, "location": room, "color": "#a4243b", "order": 5}
    owner("POST", "/schedules", 201, hidden)
    found = [row["cells"] for row in listing(desk, "calendar.schedules")["rows"]]
    assert [c["name"] for c in found] == ["Dr. 1", "Dr. 2", "Notfall", "Stuhl 1", "Stuhl 2"]
    assert found[2] == {
        "order": 5, "name": "Notfall", "color": "#a4243b", "practitioner": "Dr. Walter Arzt", "location": "Zimmer 7",
        "active": True, "released": False,
    }  # fmt: skip
    outside = listing(portal, "calendar.schedules")["rows"]
    assert "Notfall" not in {r["cells"]["name"] for r in outside} and len(outside) == 4
    assert len(listing(partner, "calendar.schedules", filters={"released": "true"})["rows"]) == 4
    types = listing(partner, "calendar.services")["rows"]
    assert [(r["cells"]["name"], r["cells"]["duration"]) for r in types] == [
        ("Eingriff", 60), ("Gespräch", 20), ("Kontrolle", 30),
    ]  # fmt: skip
    assert {r["id"] for r in listing(portal, "calendar.services")["rows"]} == {
        practice.check,
        practice.surgery,
    }
    by_length = listing(desk, "calendar.services", sort="-duration")["rows"]
    assert [r["cells"]["duration"] for r in by_length] == [60, 30, 20]
    assert [c["title"] for c in listing(desk, "calendar.services")["columns"]][:2] == ["Name", "Dauer"]


def test_reservations_and_absences(practice, desk, partner, portal):
    body = {"title": "Umbau", "schedules": list(practice.chairs), "note": "laut"}
    for day in ("2026-11-24", "2026-12-24"):
        desk(
            "POST",
            "/reservations",
            201,
            body | {"start": f"{day}T13:00:00+01:00", "end": f"{day}T14:00:00+01:00"},
        )
    found = listing(desk, "calendar.reservations")["rows"]
    assert [r["cells"]["start"][:10] for r in found] == ["2026-12-24", "2026-11-24"]
    assert found[0]["cells"] == {
        "start": "2026-12-24T13:00:00+01:00", "end": "2026-12-24T14:00:00+01:00", "title": "Umbau",
        "schedules": "Stuhl 1, Stuhl 2", "note": "laut",
    }  # fmt: skip
    december = {"from": "2026-12-01T00:00:00+01:00", "to": "2027-01-01T00:00:00+01:00"}
    assert len(listing(desk, "calendar.reservations", **december)["rows"]) == 1
    assert desk.code("POST", "/listings/calendar.reservations", 400, {"from": "morgen"}) == "clock.bad_time"
    desk("POST", "/absences", 201, {"first": "2026-12-01", "last": "2026-12-03", "reason": "Urlaub"})
    away = {"first": "2026-11-30", "last": "2026-11-30", "schedule": practice.doctors[0]}
    desk("POST", "/absences", 201, away)
    found = [r["cells"] for r in listing(desk, "calendar.absences")["rows"]]
    assert [(c["first"], c["schedule"], c["reason"]) for c in found] == [
        ("2026-12-01", "Ganze Praxis", "Urlaub"), ("2026-11-30", "Dr. 1", None),
    ]  # fmt: skip
    for who in (partner, portal):
        for name in ("calendar.reservations", "calendar.absences"):
            assert who.code("POST", f"/listings/{name}", 403, {}) == "access.forbidden"


def test_the_inbox(house, client):
    scene = cast(house, client)
    patient = patient_of(scene.red)
    ids = []
    for number in range(3):
        long = [{"contentString": f"{number} " + "Frage " * 60}]
        sent = scene.red("POST", "Communication", 201, message(patient, scene.doctor, payload=long))
        ids.append(sent["id"])
        house.clock.advance(60)
    scene.rest(scene.desk, "PATCH", f"/{ids[0]}", body={"state": "done"})

    def rows(**ask):
        got = client.post("/api/v1/listings/messaging.inbox", headers=scene.desk.headers, json=ask)
        assert got.status_code == 200, got.text
        return got.json()

    page = rows()
    assert [r["id"] for r in page["rows"]] == ids[::-1] and page["total"] == 3
    first = page["rows"][0]
    assert first["alert"] and len(first["cells"]["text"]) == 160 and first["cells"]["text"].endswith("…")
    assert first["cells"] | {"text": ""} == {
        "received": "2026-11-23T09:02:00+01:00", "state": "unread", "patient": "Eva Beispiel",
        "sender": "Eva Beispiel", "text": "", "attachments": 0,
    }  # fmt: skip
    assert [r["id"] for r in rows(filters={"state": "done"})["rows"]] == ids[:1]
    assert [r["id"] for r in rows(sort="received", limit=2)["rows"]] == ids[:2]
    assert [r["id"] for r in rows(sort="received", limit=2, cursor="2")["rows"]] == ids[2:]
    assert rows(filters={"state": "vielleicht"})["rows"] == []
    outside = client.post("/api/v1/listings/messaging.inbox", headers=scene.red.headers, json={})
    assert outside.status_code == 403


DAY = ("calendar", "patients", "conflicts", "waiting", "inbox")
TEXTS = ("templates", "consents", "numbers")


@pytest.mark.parametrize(
    ("role", "pages"),
    [
        ("owner", [*DAY, "messages", "services", "schedules", "absences", "practice", *TEXTS]),
        ("desk", [*DAY, "messages", "services", "schedules", "absences", "practice", *TEXTS]),
        ("partner", ["calendar", "conflicts", "messages", "services", "schedules", "practice"]),
        ("portal", ["services", "schedules", "practice"]),
    ],
)
def test_pages_by_role(house, role, pages):
    """In the order of the navigation. (A portal does not reach the console at all; what it might read is no secret.)"""
    ours = [
        p
        for one in house.registry.services
        for p in one.pages
        if one.name in ("calendar", "directory", "messaging")
    ]
    groups = ("day", "practice", "system")
    ours.sort(key=lambda page: (groups.index(page.group), page.order))
    may = house.registry.role(role)
    assert [page.name for page in ours if page.permission in may] == pages
