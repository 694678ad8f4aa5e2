"""The FHIR door itself: formats, searches and their pages, refusals, answers later, on both engines."""

import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build

from .fhir_client import BASE, JSON, PATIENT, XML, Fhir, of_slots

TUE = "2026-11-24T"


@pytest.fixture
def practice(house):
    return small_practice(house)


@pytest.fixture
def client(house):
    with TestClient(build(house, main.doors(house))) as found:
        yield found


@pytest.fixture
def portal(house, practice, client) -> Fhir:
    return Fhir(client, key_for(house, practice, "portal", "portal-a"))


def free(portal: Fhir, practice: Any, number: int = 0) -> dict[str, Any]:
    found = portal.entries(
        f"Slot?schedule={practice.doctors[0]}&status=free&start=ge{TUE}09:00:00Z&_count=60"
    )
    return [s for s in found if practice.check in str(s["serviceType"])][number]


# --- formats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/fhir+xml", XML),
        ("text/xml;q=0.4, application/fhir+json;q=0.9", JSON),
        ("application/fhir+json;q=0.1, application/xml;q=0.5", XML),
        ("text/html, application/*;q=0.8", JSON),
    ],
)
def test_accept_decides(portal, practice, accept, kind):
    portal("GET", f"Schedule/{practice.doctors[0]}", 200, Accept=accept)
    assert portal.last.headers["content-type"] == f"{kind}; charset=UTF-8"


def test_format_parameter_wins_and_nothing_acceptable_is_406(portal, practice):
    portal("GET", f"Schedule/{practice.doctors[0]}?_format=xml", 200, Accept=JSON)
    assert portal.last.headers["content-type"].startswith(XML)
    assert portal.code("GET", "Schedule", 406, Accept="image/png") == "fhir.not_acceptable"
    assert portal.code("GET", "Schedule?_format=turtle", 406) == "fhir.not_acceptable"


def test_head_and_not_modified(portal, practice):
    path = f"Schedule/{practice.doctors[0]}"
    portal("GET", path)
    tag = portal.last.headers["etag"]
    assert portal("HEAD", path) is None
    assert portal("GET", path, 304, If_None_Match=tag) is None


# --- searches --------------------------------------------------------------------------------------------------------


def test_pages_lead_to_every_slot_once(portal, practice):
    address = (
        f"Slot?schedule=Schedule/{practice.doctors[0]}&start=ge{TUE}09:00:00Z&start=lt{TUE}14:00:00Z&_count=7"
    )
    everything = portal.entries(address.replace("_count=7", "_count=200"))
    seen: list[str] = []
    pages = 0
    while address:
        bundle = portal("GET", address)
        seen += [e["resource"]["id"] for e in bundle["entry"]]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        assert links["self"].startswith("http") and "/fhir/R4/Slot?" in links["self"]
        following = links.get("next", "")
        address = following.split(BASE + "/", 1)[1] if following else ""
        pages += 1
    assert seen == [s["id"] for s in everything] and len(set(seen)) == len(seen) and pages > 2
    starts = [s["start"] for s in everything]
    assert starts == sorted(starts)


def test_includes_and_reverse_includes(portal, practice):
    eva = portal("POST", "Patient", 201, PATIENT)["id"]
    booked = portal("POST", "Appointment/$book", 201, of_slots(eva, free(portal, practice)))
    found = portal.entries(
        f"Appointment?_id={booked['id']}&_include=Appointment:slot&_include=Appointment:actor", "include"
    )
    assert {r["resourceType"] for r in found} == {"Slot", "Patient", "HealthcareService"}
    found = portal.entries(
        f"Slot?_id={booked['slot'][0]['reference'][5:]}&_revinclude=Appointment:slot", "include"
    )
    assert [r["id"] for r in found] == [booked["id"]]
    found = portal.entries(
        "HealthcareService?_revinclude=Schedule:actor&_revinclude=Appointment:actor", "include"
    )
    assert {r["resourceType"] for r in found} == {"Schedule", "Appointment"}
    found = portal.entries(
        f"Schedule?_id={practice.doctors[0]}&_revinclude=Slot:schedule&_include=Schedule:actor", "include"
    )
    assert {r["resourceType"] for r in found} == {"Slot", "HealthcareService"}


def test_search_by_post_and_the_parameters_of_the_guide(portal, practice):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    got = portal.client.post(f"{BASE}/Schedule/_search", headers=portal.headers | form, content="active=true")
    assert got.json()["total"] == 4
    code = practice.check
    assert len(portal.entries(f"Schedule?service-type={code}")) == 2
    assert len(portal.entries(f"HealthcareService?service-type:not={code}")) == 1
    assert [s["name"] for s in portal.entries("HealthcareService?name=kontr")] == ["Kontrolle"]
    assert (
        len(portal.entries("Schedule?specialty=http://ihe-d.de/CodeSystems/AerztlicheFachrichtungen|ALLG"))
        == 4
    )
    assert portal.entries("Schedule?actor=Practitioner/nobody") == []
    chained = portal.entries(f"Slot?schedule.actor:HealthcareService.type={code}&_count=200")
    columns = {s["schedule"]["reference"] for s in chained}
    assert columns == {f"Schedule/{d}" for d in practice.doctors}
    assert portal.entries("Slot?schedule.actor:Practitioner.name=Musterarzt&status=free") == []


def test_code_systems_of_what_can_be_booked(portal, practice):
    value = (
        "https://gematik.de/fhir/isik/CodeSystem/ContextType|ResourceUsage"
        "$http://hl7.org/fhir/resource-types|HealthcareService"
    )
    found = portal.client.get(
        f"{BASE}/CodeSystem", params={"context-type-value": value}, headers=portal.headers
    ).json()
    own = next(e["resource"] for e in found["entry"] if "appointment-type" in e["resource"]["url"])
    assert {c["display"] for c in own["concept"]} == {"Kontrolle", "Eingriff"}
    assert portal("GET", f"CodeSystem/{own['id']}") == own


def test_unknown_parameters_are_named_or_refused(portal):
    bundle = portal("GET", "Schedule?color=red&active=true")
    assert "color" not in bundle["link"][0]["url"] and "active=true" in bundle["link"][0]["url"]
    assert bundle["entry"][-1]["search"]["mode"] == "outcome"
    assert portal.code("GET", "Schedule?color=red", 400, Prefer="handling=strict") == "fhir.unknown_parameter"


def test_counting_only(portal):
    bundle = portal("GET", "Schedule?_summary=count")
    assert bundle["total"] == 4 and "entry" not in bundle
    assert portal("GET", "Schedule?_count=0")["total"] == 4


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "Nothing", 404, "http.not_found"),
        ("GET", "Schedule/unknown", 404, "http.not_found"),
        ("GET", "Slot/c-1-1-1", 404, "http.not_found"),
        ("DELETE", "Schedule/x", 405, "http.method_not_allowed"),
        ("POST", "Slot", 405, "http.method_not_allowed"),
        ("GET", "Appointment/$book", 405, "http.method_not_allowed"),
        ("GET", "Slot?start=2026-11-24T09:00:00", 400, "fhir.search_value"),
        ("GET", "Slot?start=ge2026-01-01&start=lt2036-01-01", 400, "calendar.range_too_long"),
        ("GET", "Slot?status:above=free", 400, "fhir.search_modifier"),
        ("GET", "Slot?_cursor=x", 400, "fhir.search_value"),
        ("GET", "Schedule?_count=-1", 400, "fhir.search_value"),
        ("GET", "Schedule?x=%ff", 400, "http.malformed_query"),
        ("GET", "$async/unknown", 404, "http.not_found"),
    ],
)  # fmt: skip
def test_addresses_that_lead_nowhere(portal, method, path, status, code):
    assert portal.code(method, path, status) == code


BAD = [
    (JSON, b"{", 400, "fhir.syntax"),
    (JSON, b"", 400, "fhir.syntax"),
    (JSON, b'{"resourceType":"Patient"}', 400, "fhir.wrong_type"),
    (JSON, b'{"resourceType":"Appointment"}', 400, "fhir.required"),
    (JSON, b"[" * 100_000, 400, "fhir.too_deep"),
    (XML, b"<Appointment xmlns='http://hl7.org/fhir'>", 400, "fhir.syntax"),
    (XML, b"<!DOCTYPE a [<!ENTITY b 'c'>]><Appointment xmlns='http://hl7.org/fhir'/>", 400, "fhir.syntax"),
    ("text/plain", b"{}", 415, "http.unsupported_media_type"),
    (f"{JSON}; charset=latin1", b"{}", 415, "http.unsupported_media_type"),
    (JSON, b" " * 12_000_000, 413, "http.body_too_large"),
]


@pytest.mark.parametrize(("media", "body", "status", "code"), BAD)
def test_bodies_that_are_none(portal, media, body, status, code):
    assert portal.code("POST", "Appointment/$book", status, body, Content_Type=media) == code
    assert portal("GET", "Appointment")["total"] == 0


def test_naive_times_and_wrong_keys(house, client, practice, portal):
    wish = of_slots("x", free(portal, practice)) | {"start": f"{TUE}09:00:00"}
    assert portal.code("POST", "Appointment/$book", 400, wish) == "fhir.invalid"
    nobody = Fhir(client, "praxisd_wrong")
    nobody("GET", "Schedule", 401)
    assert nobody.last.headers["www-authenticate"].startswith("Bearer")
    assert Fhir(client, None, XML)("GET", "Schedule", 401)["issue"][0]["code"] == "login"
    german = portal("GET", "Schedule/x", 404, Accept_Language="de")["issue"][0]["details"]["text"]
    english = portal("GET", "Schedule/x", 404, Accept_Language="en")["issue"][0]["details"]["text"]
    assert german != english


# --- writes once, answers later --------------------------------------------------------------------------------------


def test_the_same_key_gives_the_first_answer(portal, practice):
    eva = portal("POST", "Patient", 201, PATIENT)["id"]
    wish = of_slots(eva, free(portal, practice))
    first = portal("POST", "Appointment/$book", 201, wish, Idempotency_Key="k1")
    assert portal("POST", "Appointment/$book", 201, wish, Idempotency_Key="k1") == first
    assert portal.code("POST", "Appointment/$book", 422, wish, Idempotency_Key="k2") == "calendar.slot_taken"
    again = portal("POST", "Appointment/$book", 422, wish, Idempotency_Key="k2")
    assert again["resourceType"] == "OperationOutcome"


def test_prefer_return(portal):
    assert portal("POST", "Patient", 201, PATIENT, Prefer="return=minimal") is None
    again = portal("POST", "Patient", 200, PATIENT, Prefer="return=OperationOutcome")
    assert again["issue"][0]["code"] == "informational"


def wait(portal: Fhir, url: str) -> Any:
    path = urlsplit(url).path.split(BASE + "/", 1)[1]
    for _ in range(100):
        found = portal.client.get(f"{BASE}/{path}", headers=portal.headers)
        if found.status_code == 200:
            return found.json()
        assert found.status_code == 202
        time.sleep(0.05)
    raise AssertionError("the outcome never came")


def test_answers_later_and_only_to_who_asked(house, client, portal, practice):
    eva = portal("POST", "Patient", 201, PATIENT)["id"]
    wish = of_slots(eva, free(portal, practice))
    portal("POST", "Appointment/$book", 202, wish, Prefer="respond-async")
    url = portal.last.headers["content-location"]
    assert url.startswith("http")
    booked = wait(portal, url)
    assert booked["status"] == "booked" and portal("GET", f"Appointment/{booked['id']}") == booked
    portal("POST", "Appointment/$book", 202, wish, Prefer="respond-async")
    refused = wait(portal, portal.last.headers["content-location"])
    assert refused["issue"][0]["details"]["coding"][0]["code"] == "calendar.slot_taken"
    other = Fhir(client, key_for(house, practice, "portal", "portal-b"))
    assert other.code("GET", url.split(BASE + "/", 1)[1], 404) == "http.not_found"
    assert portal.code("POST", "Appointment/$book", 400, b"{", Prefer="respond-async") == "fhir.syntax"


def test_what_a_crash_left_undone_is_done_when_asked_for(house, client, portal, practice):
    """The request was kept, the process died before it was done: the next process does it once."""
    from praxisd.kernel import idempotency
    from praxisd.model.fhir_shapes import dump_json

    eva = portal("POST", "Patient", 201, PATIENT)["id"]
    wish = of_slots(eva, free(portal, practice))
    portal("POST", "Appointment/$book", 202, wish, Prefer="respond-async")
    done = wait(portal, portal.last.headers["content-location"])
    secret = portal.headers["Authorization"].split()[1]
    label = main.doors(house).authenticate(house, secret, None).label
    body = dump_json(of_slots(eva, free(portal, practice, 3)))
    kept = idempotency.Kept("x", 202, {"target": "Appointment/$book", "lang": "de"}, body)
    house.store.run(practice.desk(), lambda tx: idempotency.save(tx, label, "ASYNC", "$async", "left", kept))
    booked = wait(portal, f"http://x{BASE}/$async/left")
    assert booked["status"] == "booked" and booked["id"] != done["id"]
    assert wait(portal, f"http://x{BASE}/$async/left") == booked
    assert portal("GET", "Appointment")["total"] == 2


def test_a_revoked_key_is_refused_at_once(house, client, practice, portal):
    portal("GET", "Schedule")
    owner = {"Authorization": f"Bearer {key_for(house, practice, 'owner', 'boss')}"}
    keys = client.get("/api/v1/keys", headers=owner)
    assert keys.status_code == 200, keys.text
    own = next(k for k in keys.json()["keys"] if k["name"] == "portal-a")
    gone = client.post(f"/api/v1/keys/{own['id']}/revoke", headers=owner)
    assert gone.status_code in (200, 204), gone.text
    told = portal("GET", "Schedule", 401)
    assert told["issue"][0]["code"] == "login"
    assert told["issue"][0]["details"]["coding"][0]["code"] == "accounts.key_revoked"


def test_two_nodes_asked_for_one_outcome_book_once(postgres_houses):
    """The node that accepted is gone; two others are asked for the outcome in the same moment."""
    from concurrent.futures import ThreadPoolExecutor

    from praxisd.kernel import idempotency
    from praxisd.kernel.clock import FrozenClock
    from praxisd.model.fhir_shapes import dump_json
    from praxisd.testing.houses import START

    house = postgres_houses.open(None, FrozenClock(START))
    practice = small_practice(house)
    secret = key_for(house, practice, "portal", "portal-a")
    twin = postgres_houses.twin(house)
    label = main.doors(house).authenticate(house, secret, None).label
    with (
        TestClient(build(house, main.doors(house))) as one,
        TestClient(build(twin, main.doors(twin))) as other,
        ThreadPoolExecutor(2) as threads,
    ):
        portals = [Fhir(one, secret), Fhir(other, secret)]
        eva = portals[0]("POST", "Patient", 201, PATIENT)["id"]
        for number in range(4):
            body = dump_json(of_slots(eva, free(portals[0], practice, 2 * number)))
            kept = idempotency.Kept("x", 202, {"target": "Appointment/$book", "lang": "de"}, body)
            id_ = f"left{number}"
            house.store.run(
                practice.desk(),
                lambda tx, id_=id_, kept=kept: idempotency.save(tx, label, "ASYNC", "$async", id_, kept),
            )
            outcomes = list(threads.map(lambda p, id_=id_: wait(p, f"http://x{BASE}/$async/{id_}"), portals))
            assert outcomes[0] == outcomes[1] and outcomes[0]["status"] == "booked"
        assert portals[0]("GET", "Appointment")["total"] == 4
