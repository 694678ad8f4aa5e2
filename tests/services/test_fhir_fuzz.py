"""Damaged requests: whatever comes, the FHIR door and the import answer with a reason, never with a fault of their own.

Seeded, so that a run means the same thing every time; FUZZ_SEED and FUZZ_ROUNDS look further.
"""

import copy
import json
import os
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import control
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build
from praxisd.web.door import Doors

from .fhir_client import BASE, JSON, PATIENT, XML, Fhir, appointment, of_slots

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "80"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
TUE = "2026-11-24T"
CODE = {"coding": [{"system": "urn:s", "code": "124"}]}
VALUES: list[Any] = [
    None, "", 0, -1, 1.5, True, [], {}, "x", "Patient/x", "Slot/c-1-1-hd7m2o", "2026-11-24T10:00:00Z", "2026", "\0",
    "ä" * 300, [{}], [None], {"reference": "x"}, {"reference": "#a"}, {"reference": 5}, {"coding": [{}]},
    {"coding": [{"code": "x"}]}, 10**30, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "../..", "cancelled",
    "canceled", "entered-in-error", "booked",
]  # fmt: skip
NAMES = [
    "id", "meta", "text", "contained", "extension", "slot", "participant", "serviceType", "specialty", "_priority",
    "start", "_start", "end", "comment", "created", "cancelationReason", "status", "identifier", "actor", "schedule",
    "resourceType", "foo",
]  # fmt: skip
TYPES = [
    "Slot", "Schedule", "Appointment", "HealthcareService", "CodeSystem", "Patient", "Practitioner", "Location",
    "Organization", "Communication",
]  # fmt: skip
PARAMETERS = [
    "_id", "schedule", "status", "start", "service-type", "specialty", "actor", "patient", "slot", "date", "name",
    "active", "_count", "_cursor", "_include", "_revinclude", "schedule.actor:Practitioner.name", "_total", "_summary",
    "schedule.actor:HealthcareService.type", "actor:Patient.name", "context-type-value", "subject", "identifier",
    "birthdate",
]  # fmt: skip
ASKED = [
    "x", "", "free", "busy", "2026-11-24", "ge2026-11-24", "ne2026-11-24", "sa2026", "Patient/x", "true", "0", "200",
    "999999", "accurate", "count", "Slot:schedule", "Appointment:slot", "a|b$c|d", "|", "$", ",,", "\\", "c-1-1-0",
    "1.x", "%00", "Slot/c-1-1-hd7m2o,Slot/x", "gt9999-12-31", "0001", "lt0001-01-01",
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything inside a JSON value."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        yield from places(one, (*path, key))


def damaged(random: Random, value: Any) -> Any:
    """The value with one to three things replaced, removed or added."""
    value = copy.deepcopy(value)
    for _ in range(random.randint(1, 3)):
        found = list(places(value))
        if not found:
            return value
        *way, last = random.choice(found)
        owner = value
        for key in way:
            owner = owner[key]
        choice = random.random()
        if choice < 0.5:
            owner[last] = copy.deepcopy(random.choice(VALUES))
        elif choice < 0.7:
            del owner[last]
        elif isinstance(owner, dict):
            owner[random.choice(NAMES)] = copy.deepcopy(random.choice(VALUES))
        else:
            owner.append(copy.deepcopy(random.choice(VALUES)))
    return value


@pytest.fixture
def practice(house):
    return small_practice(house)


@pytest.fixture
def client(house):
    unlimited = Doors(main.doors(house).authenticate, lambda _house, _actor: None)
    with TestClient(build(house, unlimited)) as found:
        yield found


@pytest.fixture
def ask(house, practice, client) -> Callable[..., Any]:
    """Calls the door; a fault of ours fails the test at once."""
    secret, random = key_for(house, practice, "portal", "portal-a"), Random(SEED)

    def run(method: str, path: str, body: bytes | None = None, media: str = JSON) -> Any:
        headers = {"Authorization": f"Bearer {secret}", "Accept": random.choice([JSON, XML])}
        if body is not None:
            headers["Content-Type"] = media
        got = client.request(method, f"{BASE}/{path}", headers=headers, content=body)
        assert got.status_code < 500, (method, path, body, got.text)
        return got

    run.fhir = Fhir(client, secret)  # type: ignore[attr-defined]
    return run


def test_damaged_bookings_and_patches(practice, ask):
    random, fhir = Random(SEED), ask.fhir
    eva = fhir("POST", "Patient", 201, PATIENT)["id"]
    free = fhir.entries(f"Slot?schedule={practice.doctors[0]}&status=free&start=ge{TUE}09:00:00Z&_count=60")
    booked, answers = None, set()
    for _ in range(ROUNDS):
        wish: Any = of_slots(
            eva, random.choice(free), comment="x", extension=[{"url": "urn:x", "valueString": "y"}]
        )
        if random.random() < 0.5:
            parts = [
                {"name": "appt-resource", "resource": wish},
                {"name": "cancelled-appt-id", "valueUri": "x"},
            ]
            wish = {"resourceType": "Parameters", "parameter": parts}
        body = wish if random.random() < 0.2 else damaged(random, wish)
        got = ask("POST", "Appointment/$book", json.dumps(body).encode())
        answers.add(got.status_code)
        if got.status_code == 201:
            booked = fhir("GET", "Appointment?_count=1")["entry"][0]["resource"]
        if booked is not None:
            path = "/" + "/".join(map(str, random.choice(list(places(booked)))))
            kind = random.choice(["add", "replace", "remove", "move", "copy", "test"])
            operation = {"op": kind, "path": path, "value": random.choice(VALUES), "from": "/status"}
            ask(
                "PATCH",
                f"Appointment/{booked['id']}",
                json.dumps([operation]).encode(),
                "application/json-patch+json",
            )
            ask("GET", f"Appointment/{booked['id']}")
    assert {201, 400, 422} <= answers


def test_odd_searches(ask):
    random = Random(SEED)
    for _ in range(ROUNDS * 4):
        modifier = random.choice(["", "", ":not", ":missing", ":exact", ":Patient"])
        rest = random.choice(["", "&start=ge2026-11-24", "&status=free", "&_count=3"])
        ask(
            "GET",
            f"{random.choice(TYPES)}?{random.choice(PARAMETERS)}{modifier}={random.choice(ASKED)}{rest}",
        )
        ask(
            "GET",
            f"{random.choice(TYPES)}/{random.choice(['c-1-1-0', 'c-1-2-zzzzzz', 'c-9-9-1', 'x', '%00', '$x'])}",
        )


def test_damaged_files(house, practice):
    random = Random(SEED)
    house.shared["organizations"] = lambda _tx: [practice.organization]
    slot = {
        "schedule": {"reference": "Schedule/column"},
        "start": f"{TUE}08:00:00Z",
        "end": f"{TUE}12:00:00Z",
    }
    actors = [{"reference": "Practitioner/fleming"}, {"reference": "HealthcareService/advice"}]
    resources: list[dict[str, Any]] = [
        {
            "resourceType": "HealthcareService",
            "id": "advice",
            "active": True,
            "type": [CODE],
            "name": "Beratung",
        },
        {"resourceType": "Schedule", "id": "column", "serviceType": [CODE], "actor": actors},
        {"resourceType": "Slot", "id": "long", "status": "busy", **slot},
        {**PATIENT, "id": "eva"},
        {"resourceType": "Practitioner", "id": "fleming", "name": [{"family": "Fleming"}]},
        {"resourceType": "Location", "id": "room", "name": "Raum"},
        appointment("eva", f"{TUE}08:00:00Z", f"{TUE}08:30:00Z", id="a1", slot=[{"reference": "Slot/long"}]),
    ]
    resources[-1]["status"] = "booked"
    entries = [{"fullUrl": f"urn:uuid:{n}", "resource": one} for n, one in enumerate(resources)]
    whole = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    created = 0
    for _ in range(ROUNDS // 2):
        args = {"files": [json.dumps(damaged(random, whole))], "organization": practice.organization}
        created += control.perform(house, "calendar.import_bundle", args)["created"]
    assert created
