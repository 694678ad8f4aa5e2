"""A person who reads of one patient in a message, in wishes or in a text filled in is in the audit. On both engines."""

from typing import Any

import pytest

from praxisd.model.people import PatientClaim
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api
from praxisd.testing.practice import key_for

from .outbox_cast import DAY, HOUR
from .session_cast import Scene, hash_quickly

TEXT = {"channel": "sms", "language": "de", "text": "{salutation}"}


@pytest.fixture
def scene(house: Any, monkeypatch: pytest.MonkeyPatch) -> Scene:
    hash_quickly(monkeypatch)
    return Scene(house)


def patient(scene: Scene, name: str) -> str:
    told = PatientClaim(family=name, given="Eva", birth_date="1980-05-17")
    return str(scene.house.store.run(scene.owner, lambda tx: directory.claim(tx, told)).patient)


def message(scene: Scene, whose: str) -> str:
    now = scene.house.clock.now()
    draft = api.Draft(
        kind="reminder", topic="reminder/a", stamp=now + DAY, patient=whose, channel="sms", text="Ihr Termin",
        address="+491713920012", next_at=now, useless_after=now + DAY,
    )  # fmt: skip
    return str(scene.house.store.run(scene.owner, lambda tx: api.prepare(scene.house, tx, draft)))


def appointment(scene: Scene, whose: str) -> str:
    start = (scene.house.clock.now() // HOUR + 25) * HOUR
    wish = calendar.Wish(service=scene.practice.talk, start=start, patient=whose)
    return str(scene.house.store.run(scene.owner, lambda tx: calendar.book(scene.house, tx, wish)).id)


def test_whoever_reads_of_one_patient_leaves_a_trace(house: Any, scene: Scene) -> None:
    told, wishing, booked, born = (patient(scene, name) for name in ("Eins", "Zwei", "Drei", "Vier"))
    one, visit = message(scene, told), appointment(scene, booked)
    reminder = TEXT | {"kind": "reminder", "appointment": visit}
    greeting = TEXT | {"kind": "birthday", "patient": born}
    anna = scene.add("anna", "desk")
    key = {"headers": {"Authorization": f"Bearer {key_for(house, scene.practice, 'desk', 'Empfang')}"}}

    def ask(browser: Any, **more: Any) -> None:
        assert browser.get(f"/outbox/{one}", **more).status_code == 200
        assert browser.get(f"/patients/{wishing}/wishes", **more).status_code == 200
        for body in (reminder, greeting, TEXT | {"kind": "reminder"}):
            assert browser.post("/templates/preview", body, **more).status_code == 200

    with scene.browser() as browser:
        ask(browser, **key)
        assert scene.notes("patient.seen") == [], "a program"
        browser.sign_in("anna")
        assert browser.post("/outbox/search", {}).json()["messages"], "a list"
        assert scene.notes("patient.seen") == []
        for _ in range(2):
            ask(browser)
    found = [(e.actor, e.subject_id, e.codes["masked"]) for e in scene.notes("patient.seen")]
    assert found == [(f"user:{anna.id}", whose, False) for whose in (told, wishing, booked, born)]
    service = scene.add("service", "partner")
    with scene.browser() as browser:
        browser.sign_in("service")
        assert browser.get(f"/outbox/{one}").json()["text"] is None
    last = scene.notes("patient.seen")[-1]
    assert (last.actor, last.subject_id, last.codes["masked"]) == (f"user:{service.id}", told, True)
