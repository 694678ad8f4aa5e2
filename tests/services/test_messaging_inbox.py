"""Messages from outside: taken in, read by whom they concern, marked by the practice. On both engines."""

import json
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.model.fhir_xml import to_xml
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api
from praxisd.web.app import build

from .fhir_client import XML, Fhir
from .messaging_cast import Cast, cast, message, patient_of, with_file

CANARY = "Kanarienvogel"


@pytest.fixture
def there(house) -> Any:
    with TestClient(build(house, main.doors(house))) as client:
        yield cast(house, client)


def test_a_message_lands_in_the_inbox_and_is_marked(there: Cast) -> None:
    alias = patient_of(there.red)
    pdf = there.upload(there.red)["id"]
    told = message(alias, there.doctor)
    told["payload"].append(with_file(pdf, title="Überweisung"))
    made = there.red("POST", "Communication", 201, told)
    assert there.red.last.headers["location"].endswith(f"/fhir/R4/Communication/{made['id']}")
    assert {k: made[k] for k in told} == told
    assert made["meta"]["versionId"] == "1" and there.red.last.headers["etag"] == 'W/"1"'

    (shown,) = there.rest(there.desk, "GET", "?state=unread")["communications"]
    assert (shown["id"], shown["state"], shown["status"]) == (made["id"], "unread", "completed")
    assert shown["portal"] == there.me(there.red)["portal"] != there.me(there.blue)["portal"]
    assert shown["text"] == "Muss ich nüchtern kommen?" and shown["sender"]["name"] == "Eva Beispiel"
    assert shown["receivedAt"].endswith("+01:00")
    assert shown["recipients"] == [{"reference": f"Practitioner/{there.doctor}", "name": "Dr. Walter Arzt"}]
    (file,) = shown["attachments"]
    assert (file["id"], file["contentType"], file["title"]) == (pdf, "application/pdf", "Überweisung")
    patient = shown["patient"]["reference"].removeprefix("Patient/")
    assert patient != alias and shown["patient"]["name"] == "Eva Beispiel"
    assert there.desk("GET", f"Patient/{patient}")["birthDate"] == "1980-05-17"

    address = f"/{made['id']}"
    read = there.rest(there.desk, "PATCH", address, 200, {"state": "read"}, If_Match='"1"')
    assert (read["state"], read["version"], there.desk.last.headers["etag"]) == ("read", 2, '"2"')
    stale = there.rest(there.desk, "PATCH", address, 412, {"state": "done"}, If_Match='"1"')
    assert stale["code"] == "resource.stale"
    assert there.rest(there.desk, "PATCH", address, 200, {"state": "read"})["version"] == 2
    assert there.rest(there.desk, "PATCH", address, 400, {"state": "lost"})["code"] == "http.invalid_body"
    assert there.rest(there.desk, "PATCH", "/nobody", 404, {"state": "done"})["code"] == "http.not_found"
    assert there.rest(there.desk, "GET", "?state=unread")["communications"] == []
    assert there.rest(there.desk, "GET", f"?patient={patient}")["communications"] == [read]
    refused = there.rest(there.red, "PATCH", address, 403, {"state": "done"})
    assert refused["params"] == {"permission": "messaging.inbox.write"}


def test_a_portal_sees_its_own_and_only_its_own_ids(there: Cast) -> None:
    alias, other = patient_of(there.red), patient_of(there.blue)
    mine = there.red("POST", "Communication", 201, message(alias, there.doctor))
    theirs = there.blue("POST", "Communication", 201, message(other, there.doctor))
    seen = there.red("GET", f"Communication/{mine['id']}")
    assert seen == mine and f"Patient/{alias}" in json.dumps(seen)
    for who, id_ in ((there.red, theirs["id"]), (there.blue, mine["id"])):
        assert who.code("GET", f"Communication/{id_}", 404) == "http.not_found"
        assert there.rest(who, "GET", f"/{id_}", 404)["code"] == "http.not_found"
        assert who.code("PUT", f"Communication/{id_}", 404, {**mine, "id": id_}) == "http.not_found"
    assert [c["id"] for c in there.rest(there.red, "GET", "")["communications"]] == [mine["id"]]
    assert [c["id"] for c in there.red.entries("Communication")] == [mine["id"]]

    at_desk = [there.desk("GET", f"Communication/{one['id']}") for one in (mine, theirs)]
    patient = at_desk[0]["subject"]["reference"]
    assert patient == at_desk[1]["subject"]["reference"] == at_desk[0]["sender"]["reference"]
    assert patient not in (f"Patient/{alias}", f"Patient/{other}")
    real = patient.removeprefix("Patient/")
    for id_ in (real, other, "nobody"):
        told = message(id_, there.doctor)
        assert there.red.code("POST", "Communication", 422, told) == "directory.patient_unknown"
    hidden = message(alias, there.hidden)
    assert there.red.code("POST", "Communication", 422, hidden) == "directory.practitioner_unknown"
    forged = message(alias, there.doctor, sender={"reference": f"Practitioner/{there.doctor}"})
    assert there.red.code("POST", "Communication", 422, forged) == "messaging.sender_not_allowed"
    smuggled = message(alias, there.doctor, about=[{"reference": f"Patient/{real}"}])
    assert there.red.code("POST", "Communication", 422, smuggled) == "directory.patient_unknown"
    assert len(there.rest(there.desk, "GET", "")["communications"]) == 2


def test_search_as_the_guide_asks(there: Cast) -> None:
    alias = patient_of(there.red)
    known = there.practice.patient
    first = there.red("POST", "Communication", 201, message(alias, there.doctor))["id"]
    second = there.desk("POST", "Communication", 201, message(known, there.doctor))["id"]
    answer = message(known, there.doctor, sender={"reference": f"Practitioner/{there.doctor}"})
    answer["recipient"].append({"reference": f"HealthcareService/{there.practice.talk}"})
    third = there.desk("POST", "Communication", 201, answer)
    assert third["recipient"][1]["display"] == "Gespräch"
    third = third["id"]

    def ids(who: Fhir, asked: str) -> list[str]:
        return [one["id"] for one in who.entries(f"Communication?{asked}")]

    desk = there.desk
    assert ids(desk, "") == [third, second, first]  # the newest first
    assert ids(desk, f"_id={first}") == ids(there.red, f"subject=Patient/{alias}") == [first]
    assert ids(desk, f"subject=Patient/{alias}") == ids(there.red, f"_id={second}") == []
    assert ids(desk, f"subject={known}") == [third, second]
    assert ids(desk, f"sender=Patient/{known}") == [second]
    assert ids(desk, f"sender=Practitioner/{there.doctor}") == ids(desk, f"sender={there.doctor}") == [third]
    assert ids(desk, f"recipient=Practitioner/{there.doctor},Practitioner/x") == [third, second, first]
    assert ids(desk, f"recipient=HealthcareService/{there.practice.talk}") == [third]
    assert ids(desk, f"recipient=HealthcareService/{there.doctor}") == []
    assert ids(desk, f"_id:not={first}") == [third, second]
    assert ids(desk, "sender:missing=true") == ids(desk, "sender=https://example.org/x") == []
    assert ids(desk, f"_id=urn:x|{first}") == []
    assert ids(desk, "sender:missing=false") == [third, second, first]
    assert ids(desk, f"recipient={there.practice.talk}&subject={known}&_id={third}") == [third]
    page = desk("GET", "Communication?_count=2")
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    assert page["total"] == 3 and "_cursor" in following
    rest = desk.entries(following.partition("/fhir/R4/")[2])
    assert [one["id"] for one in rest] == [first]
    assert desk("GET", "Communication?_count=0")["total"] == 3
    along = there.red.entries(
        "Communication?_include=Communication:subject&_include=Communication:sender", "include"
    )
    assert [(one["resourceType"], one["id"]) for one in along] == [("Patient", alias)]
    assert desk.code("GET", "Communication?subject:Patient.family=x", 400) == "fhir.search_value"
    assert there.rest(desk, "GET", "?limit=2")["next"] == second
    assert [c["id"] for c in there.rest(desk, "GET", f"?cursor={second}")["communications"]] == [first]
    states = {c["id"]: c["state"] for c in there.rest(desk, "GET", "")["communications"]}
    assert states == {
        first: "unread",
        second: "unread",
        third: "done",
    }  # what the practice wrote waits for nobody


def test_update_by_the_author_alone(there: Cast) -> None:
    alias = patient_of(there.red)
    made = there.red("POST", "Communication", 201, message(alias, there.doctor))
    there.rest(there.desk, "PATCH", f"/{made['id']}", 200, {"state": "done"})
    at_desk = there.desk("GET", f"Communication/{made['id']}")
    assert there.desk.code("PUT", f"Communication/{made['id']}", 403, at_desk) == "messaging.not_author"

    again = {**made, "payload": [{"contentString": "Hat sich erledigt."}]}
    assert (
        there.red.code("PUT", f"Communication/{made['id']}", 412, again, If_Match='W/"1"') == "resource.stale"
    )
    changed = there.red("PUT", f"Communication/{made['id']}", 200, again, If_Match='W/"2"')
    assert changed["meta"]["versionId"] == "3" and changed["payload"] == again["payload"]
    shown = there.rest(there.desk, "GET", f"/{made['id']}")
    assert (shown["state"], shown["text"]) == ("unread", "Hat sich erledigt.")
    same = there.red("PUT", f"Communication/{made['id']}", 200, changed)
    assert same["meta"]["versionId"] == "3"
    assert there.red.code("PUT", f"Communication/{made['id']}", 400, {**again, "id": "x"}) == "fhir.invalid"
    assert there.red.code("PUT", "Communication/nobody", 404, {**again, "id": "nobody"}) == "http.not_found"


def test_what_the_profile_demands(there: Cast) -> None:
    alias = patient_of(there.red)
    good = message(alias, there.doctor)

    def code(**changed: Any) -> str:
        body = {k: v for k, v in {**good, **changed}.items() if v is not None}
        return there.red.code("POST", "Communication", 422, body)

    for element in ("subject", "sender", "recipient", "payload"):
        assert code(**{element: None}) == "fhir.required"
    assert there.red.last.json()["issue"][0]["expression"] == ["Communication.payload"]
    assert code(sender={"display": "Eva"}) == "fhir.required"
    assert code(recipient=[{"display": "Praxis"}]) == "fhir.required"
    assert code(subject={"reference": f"Group/{alias}"}) == "fhir.invalid"
    assert code(recipient=[{"reference": "HealthcareService/nobody"}]) == "calendar.service_unknown"
    hidden = [{"reference": f"HealthcareService/{there.practice.talk}"}]
    assert code(recipient=hidden) == "calendar.service_unknown"
    assert code(payload=[{"contentString": "x" * 20_001}]) == "messaging.text_too_long"
    assert code(payload=[{"contentString": "x"}] * 51) == "fhir.required"
    assert there.red.code("POST", "Communication", 400, {**good, "status": "lost"}) == "fhir.invalid"
    assert there.red("GET", "Communication")["total"] == 0


def test_absolute_references_to_ourselves_are_ours(there: Cast) -> None:
    alias = patient_of(there.red)
    there.red("GET", "Communication")
    base = there.red.last.json()["link"][0]["url"].partition("/Communication")[0]
    pdf = there.upload(there.red)["id"]
    told = message(alias, there.doctor, subject={"reference": f"{base}/Patient/{alias}"})
    told["payload"] = [with_file(f"{pdf}")]
    told["payload"][0]["contentAttachment"]["url"] = f"{base}/Binary/{pdf}"
    made = there.red("POST", "Communication", 201, told)
    assert made["subject"]["reference"] == f"Patient/{alias}"
    assert made["payload"][0]["contentAttachment"]["url"] == f"Binary/{pdf}"


def test_events_tell_no_content(there: Cast) -> None:
    alias = patient_of(there.red)
    told = message(alias, there.doctor, payload=[{"contentString": CANARY}], topic={"text": CANARY})
    made = there.red("POST", "Communication", 201, told)
    there.rest(there.desk, "PATCH", f"/{made['id']}", 200, {"state": "read"})
    there.red("PUT", f"Communication/{made['id']}", 200, {**made, "topic": {"text": f"{CANARY} 2"}})
    red = there.me(there.red)["portal"]
    with there.house.store.read(system("test", there.practice.organization)) as tx:
        found = events.since(tx, 0, subject_type="Communication")
        assert api.unread(tx) == 1
    assert [(e.type, e.version, e.fields, e.portal) for e in found] == [
        ("communication.received", 1, (), red),
        ("communication.changed", 2, ("state",), red),
        ("communication.changed", 3, ("resource", "state"), red),
    ]
    assert CANARY not in str(found)


def test_merging_patients_takes_their_messages_along(there: Cast) -> None:
    known = there.practice.patient
    twin = patient_of(there.desk)
    of_twin = there.desk("POST", "Communication", 201, message(twin, there.doctor))["id"]
    alias = patient_of(there.red)
    from_portal = there.red("POST", "Communication", 201, message(alias, there.doctor))["id"]
    refs = there.house.registry.patient_refs
    actor = system("test", there.practice.organization)
    merge = there.house.store.run(actor, lambda tx: directory.merge(tx, refs, known, twin))
    for id_ in (of_twin, from_portal):
        shown = there.desk("GET", f"Communication/{id_}")
        assert shown["subject"]["reference"] == shown["sender"]["reference"] == f"Patient/{known}"
    assert {c["id"] for c in there.desk.entries(f"Communication?subject=Patient/{known}")} == {
        of_twin,
        from_portal,
    }
    assert there.red("GET", f"Communication/{from_portal}")["subject"]["reference"] == f"Patient/{alias}"
    there.house.store.run(actor, lambda tx: directory.undo(tx, refs, merge))
    assert there.desk("GET", f"Communication/{of_twin}")["subject"]["reference"] == f"Patient/{twin}"


def test_the_messages_of_a_patient_are_asked_for_in_the_body(there: Cast) -> None:
    alias = patient_of(there.red)
    made = there.red("POST", "Communication", 201, message(alias, there.doctor))["id"]
    patient = there.rest(there.desk, "GET", f"/{made}")["patient"]["reference"].removeprefix("Patient/")
    asked = {"patient": patient, "state": "unread", "limit": 1}
    found = there.rest(there.desk, "POST", "/search", 200, asked)
    assert [one["id"] for one in found["communications"]] == [made] and found["next"] is None
    assert there.rest(there.desk, "POST", "/search", 200, asked | {"state": "done"})["communications"] == []
    assert there.rest(there.desk, "POST", "/search", 200, {"patient": "nobody"})["communications"] == []
    assert there.rest(there.blue, "POST", "/search", 200, {})["communications"] == []


def test_a_repeated_message_is_one_message(there: Cast) -> None:
    alias = patient_of(there.red)
    told = message(alias, there.doctor)
    made = [there.red("POST", "Communication", 201, told, Idempotency_Key="once") for _ in range(2)]
    assert made[0] == made[1] and there.red("GET", "Communication")["total"] == 1


def test_the_service_partner_sees_no_messages(there: Cast) -> None:
    from praxisd.testing.practice import key_for

    partner = Fhir(there.client, key_for(there.house, there.practice, "partner", "Partner"))
    for path in ("Communication", "Binary/x"):
        assert partner.code("GET", path, 403) == "access.forbidden"
    assert there.rest(partner, "GET", "", 403)["code"] == "access.forbidden"


@pytest.mark.foreign_data
def test_the_example_of_the_guide_goes_around_in_json_and_xml(there: Cast, foreign_data: Path) -> None:
    place = foreign_data / "isik-terminplanung/Resources/fsh-generated/resources"
    example = json.loads((place / "Communication-ISiKNachrichtExample.json").read_text(encoding="utf-8"))
    person = {"name": [{"family": "Muster", "given": ["Eva"]}], "birthDate": "1957-08-12"}
    patient = {"resourceType": "Patient", "id": "ISiKPatientExample", **person}
    doctor = {
        "resourceType": "Practitioner",
        "id": "ISiKPractitionerExample",
        "name": [{"family": "Musterfrau"}],
    }

    def bring(tx: Any) -> None:
        directory.import_patient(tx, patient)
        directory.import_practitioner(tx, doctor)

    there.house.store.run(system("import", there.practice.organization), bring)
    xml = Fhir(there.client, there.desk.headers["Authorization"].removeprefix("Bearer "), XML)
    made = xml("POST", "Communication", 201, to_xml(example))
    for who in (there.desk, xml):
        found = who("GET", f"Communication/{made['id']}")
        assert found.pop("id") == made["id"] and found["meta"].pop("versionId") == "1"
        del found["meta"]["lastUpdated"]
        assert found == {k: v for k, v in example.items() if k != "id"}
