"""A person who opens a record through the real door is in the audit, whoever reads it there; a key is not."""

import pytest

from praxisd.testing.practice import key_for

from .session_cast import Scene, hash_quickly


@pytest.fixture
def scene(house, monkeypatch):
    hash_quickly(monkeypatch)
    return Scene(house)


def test_signed_in_people_leave_a_trace(house, scene):
    anna, service = scene.add("anna", "desk"), scene.add("service", "partner")
    patient = f"/patients/{scene.practice.patient}"
    for login, family in (("anna", "Muster"), ("service", "•••"), ("anna", "Muster")):
        with scene.browser() as browser:
            assert browser.sign_in(login).status_code == 201
            for _ in range(3):
                assert browser.get(patient).json()["family"] == family
            assert browser.get("/patients/unbekannt").status_code == 404
    with scene.browser() as program:
        key = {"Authorization": f"Bearer {key_for(house, scene.practice, 'desk', 'Empfang')}"}
        assert program.get(patient, headers=key).json()["family"] == "Muster"
    seen = [(one.actor, one.subject_id, one.codes["masked"]) for one in scene.notes("patient.seen")]
    known = scene.practice.patient
    assert seen == [(f"user:{anna.id}", known, False), (f"user:{service.id}", known, True)]
    scene.add("owner", "owner")
    with scene.browser() as browser:
        browser.sign_in("owner")
        ask = {"types": ["patient.seen"], "audit": True, "subjectType": "Patient", "subjectId": known}
        found = browser.post("/events/search", ask).json()["events"]
    assert [one["actorName"] for one in found] == ["Service", "Anna"]
