"""A save while another holds the record: refused on every door that writes it, unless the valid fence comes along."""

import itertools
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.model.people import Mandator, Treatment
from praxisd.services.directory import api as directory
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

from .fhir_client import Fhir
from .seats_cast import Session, program, session_at

KINDS = {
    "Practitioner": ("/practitioners/{}", "given"),
    "Location": ("/locations/{}", "name"),
    "Mandator": ("/mandators/{}", "name"),
    "Organization": ("/organization", "name"),
    "Patient": ("/patients/{}", "given"),
    "Treatment": ("/treatments/{}", "note"),
}


class Scene:
    def __init__(self, house: House, http: TestClient[Any], practice: Practice) -> None:
        self.house, self.http, self.practice = house, http, practice
        self.numbers = itertools.count(1)
        self.secret = key_for(house, practice, "owner", "Prüfung")
        with house.store.write(system("test", practice.organization)) as tx:
            mandator = directory.create_mandator(tx, Mandator(id="", name="A"))
            told = Treatment(patient=practice.patient, mandator=mandator.id, opened=date(2026, 11, 1))
            treatment = directory.open_treatment(tx, told)
            self.ids = {
                "Mandator": mandator.id,
                "Organization": practice.organization,
                "Patient": practice.patient,
                "Treatment": treatment.id,
            }
        self.anna: Session = session_at(house, program(house, practice))
        self.anna.here()

    def make(self, kind: str, path: str, body: dict[str, Any]) -> None:
        answer = self.http.post(f"/api/v1{path}", json=body, headers=self.headers())
        assert answer.status_code == 201, answer.text
        self.ids[kind] = answer.json()["id"]

    def headers(self, fence: int | None = None) -> dict[str, str]:
        found = {"Authorization": f"Bearer {self.secret}"}
        return found if fence is None else {**found, "X-Praxisd-Fence": str(fence)}

    def patch(self, kind: str, fence: int | None = None) -> tuple[int, str]:
        path, field = KINDS[kind]
        body = {field: f"Neu {next(self.numbers)}"}  # what changes nothing is not saved
        answer = self.http.patch(
            f"/api/v1{path.format(self.ids[kind])}", json=body, headers=self.headers(fence)
        )
        return answer.status_code, answer.json().get("code", "")


@pytest.fixture
def scene(house: House) -> Iterator[Scene]:
    practice = small_practice(house)
    with TestClient(build(house, main.doors(house))) as http:  # type: ignore[arg-type]
        made = Scene(house, http, practice)
        made.make("Practitioner", "/practitioners", {"family": "Muster", "given": "A"})
        made.make("Location", "/locations", {"name": "Zimmer 1", "kind": "room"})
        yield made


@pytest.mark.parametrize("kind", KINDS)
def test_rest_refuses_what_another_holds(scene: Scene, kind: str, clock: FrozenClock) -> None:
    record = f"{kind}/{scene.ids[kind]}"
    assert scene.patch(kind)[0] == 200  # nobody holds it: no fence is needed
    fence = scene.anna.lock(record)
    assert scene.patch(kind) == (423, "seats.locked")
    assert scene.patch(kind, fence + 1) == (423, "seats.locked")
    assert scene.patch(kind, fence)[0] == 200
    scene.anna.release(record, fence)
    assert scene.patch(kind, fence) == (423, "seats.lock_lost")
    late = scene.anna.lock(record)
    clock.advance(31)  # not renewed: whoever comes back late has lost it, though nobody else took it
    assert scene.patch(kind, late) == (423, "seats.lock_lost")
    assert scene.patch(kind)[0] == 200


def test_fhir_refuses_what_another_holds(scene: Scene) -> None:
    pvs = Fhir(scene.http, scene.secret)
    path = f"EpisodeOfCare/{scene.ids['Treatment']}"
    known = pvs("GET", path) | {"status": "finished", "period": {"start": "2026-11-01", "end": "2026-11-02"}}
    fence = scene.anna.lock(f"Treatment/{scene.ids['Treatment']}")
    assert pvs.code("PUT", path, 423, known) == "seats.locked"
    assert pvs.code("PUT", path, 423, known, **{"X-Praxisd-Fence": str(fence + 1)}) == "seats.locked"
    pvs("PUT", path, 200, known, **{"X-Praxisd-Fence": str(fence)})
    assert scene.anna.lock(f"Treatment/{scene.ids['Treatment']}") == fence
