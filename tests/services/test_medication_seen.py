"""Who opened whose list is in the audit, whichever door of medication it was; a program with a key is not.

The FHIR door takes keys only.
"""

import pytest

from praxisd.testing import medication
from praxisd.testing.practice import key_for

from .session_cast import Scene, hash_quickly


@pytest.fixture
def scene(house, monkeypatch):
    hash_quickly(monkeypatch)
    return Scene(house)


@pytest.mark.parametrize("door", ["statements", "statement", "risks", "risk", "check"])
def test_people_leave_a_trace_at_each_door(house, scene, door):
    medication.install_samples(house)
    medication.confirm(house, scene.practice.desk())
    anna = scene.add("anna", "desk")
    who = {"patient": scene.practice.patient}
    key = {"Authorization": f"Bearer {key_for(house, scene.practice, 'desk', 'Empfang')}"}
    ids = {}
    with scene.browser() as program:
        for kind in ("statements", "risks"):
            body = who | {"text": "Asthma"}
            made = program.http.post(f"/api/v1/medication/{kind}", json=body, headers=key)
            assert made.status_code == 201
            ids[kind] = made.json()["id"]
        assert program.http.post("/api/v1/medication/check", json=who, headers=key).status_code == 200
    assert scene.notes("patient.seen") == []
    with scene.browser() as browser:
        browser.sign_in("anna")
        for _ in range(2):
            answer = {
                "statements": lambda: browser.post("/medication/statements/search", who),
                "statement": lambda: browser.get(f"/medication/statements/{ids['statements']}"),
                "risks": lambda: browser.post("/medication/risks/search", who),
                "risk": lambda: browser.get(f"/medication/risks/{ids['risks']}"),
                "check": lambda: browser.post("/medication/check", who),
            }[door]()
            assert answer.status_code == 200, answer.text
    seen = [(one.actor, one.subject_id, one.codes["masked"]) for one in scene.notes("patient.seen")]
    assert seen == [(f"user:{anna.id}", scene.practice.patient, False)]
