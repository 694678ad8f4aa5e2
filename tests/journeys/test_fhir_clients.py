"""FHIR clients written by others search, book, read and cancel at a running server: fhirpy, fhirclient, fhir-kit-client.

Each does it in its own way: a bare Appointment or Parameters, FHIRPath Patch or JSON Patch, GET searches and pages.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import fhirpy
import pytest
import requests
from fhirclient import client as smart_client
from fhirclient import server as smart_server
from fhirclient.models import appointment as smart_appointment
from fhirclient.models import fhirdate as smart_date
from fhirclient.models import fhirreference, humanname
from fhirclient.models import parameters as smart_parameters
from fhirclient.models import patient as smart_patient
from fhirclient.models import slot as smart_slot
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

from praxisd.testing.programs import running

NODE = Path(__file__).parent / "node"
NPM_S = 100
"""How long `npm ci` may take with a fresh cache; six small packages. Seconds."""


@pytest.fixture(scope="module")
def access(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """How to get into the sample practice, which is served meanwhile."""
    folder = tmp_path_factory.mktemp("clients") / "data"
    shutil.copytree(filled, folder)
    with running(folder, verb="demo"):
        yield json.loads((folder / "access.json").read_text(encoding="utf-8"))


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_fhirpy(access: dict[str, Any]) -> None:
    client = fhirpy.SyncFHIRClient(access["fhir_url"], authorization=f"Bearer {access['api_key']}")
    assert client.execute("metadata", method="get")["kind"] == "instance"
    schedule = client.resources("Schedule").search(active=True).first()
    free = client.resources("Slot").search(schedule=schedule.id, status="free", start__ge=now())
    slots = free.limit(5).fetch()
    assert len(slots) == 5 and all(
        one["schedule"]["reference"] == schedule.to_reference().reference for one in slots
    )
    slot = slots[0]
    patient = client.resource("Patient", birthDate="1984-11-30", gender="male")
    patient["name"] = [{"use": "official", "family": "Python", "given": ["Paul"]}]
    patient.save()
    assert patient.id and patient["name"][0]["family"] == "Python"

    wanted = client.resource(
        "Appointment",
        status="proposed",
        slot=[slot.to_reference()],
        start=slot["start"],
        end=slot["end"],
        participant=[{"actor": patient.to_reference(display="Paul Python"), "status": "accepted"}],
    )
    booked = client.execute("Appointment/$book", method="post", data=wanted.serialize())
    assert booked["status"] == "booked" and booked["id"]
    with pytest.raises(OperationOutcome) as refused:
        client.execute("Appointment/$book", method="post", data=wanted.serialize())
    assert refused.value.resource["issue"][0]["details"]["coding"][0]["code"] == "calendar.slot_taken"

    found = client.resources("Appointment").search(patient=f"Patient/{patient.id}").fetch_all()
    assert [one.id for one in found] == [booked["id"]]
    read = client.reference("Appointment", booked["id"]).to_resource()
    assert (read["start"], read["end"]) == (slot["start"], slot["end"])
    assert client.reference("Slot", slot.id).to_resource()["status"] == "busy"

    parts = [("type", "valueCode", "replace"), ("path", "valueString", "Appointment.status")]
    parts.append(("value", "valueCode", "cancelled"))
    operation = {"name": "operation", "part": [{"name": name, kind: value} for name, kind, value in parts]}
    patch = {"resourceType": "Parameters", "parameter": [operation]}
    assert client.execute(f"Appointment/{read.id}", method="patch", data=patch)["status"] == "cancelled"
    assert client.reference("Slot", slot.id).to_resource()["status"] == "free"
    with pytest.raises(ResourceNotFound):
        client.reference("Appointment", "nobody").to_resource()


def test_fhirclient(access: dict[str, Any]) -> None:
    smart = smart_client.FHIRClient(settings={"app_id": "test", "api_base": access["fhir_url"]})
    server = smart.server
    server.session.headers["Authorization"] = f"Bearer {access['api_key']}"
    statement = server.capabilityStatement
    assert statement.fhirVersion == "4.0.1" and statement.software.name == "praxisd"
    search = smart_slot.Slot.where({"status": "free", "start": f"ge{now()}", "_count": "5"})
    slots = list(islice(search.perform_resources_iter(server), 7))  # it turns the pages by itself
    assert len({one.id for one in slots}) == 7
    slot = slots[0]

    patient = smart_patient.Patient()
    patient.name = [humanname.HumanName({"use": "official", "family": "Smart", "given": ["Sara"]})]
    patient.birthDate = smart_date.FHIRDate("1969-01-20")
    patient.gender = "female"
    assert patient.create(server) and patient.id is None
    told = smart_patient.Patient.where({"family": "Smart", "birthdate": "1969-01-20"})
    (patient,) = told.perform_resources_iter(server)

    wanted = smart_appointment.Appointment()
    wanted.status = "proposed"
    wanted.slot = [fhirreference.FHIRReference({"reference": f"Slot/{slot.id}"})]
    wanted.start, wanted.end = slot.start, slot.end
    actor = fhirreference.FHIRReference({"reference": f"Patient/{patient.id}", "display": "Sara Smart"})
    wanted.participant = [smart_appointment.AppointmentParticipant()]
    wanted.participant[0].actor, wanted.participant[0].status = actor, "accepted"
    part = smart_parameters.ParametersParameter()
    part.name, part.resource = "appt-resource", wanted
    body = smart_parameters.Parameters()
    body.parameter = [part]
    answer = server.post_json("Appointment/$book", body.as_json())
    booked = smart_appointment.Appointment(answer.json())
    assert (answer.status_code, booked.status) == (201, "booked")
    with pytest.raises(requests.HTTPError) as refused:
        server.post_json("Appointment/$book", body.as_json())
    reason = refused.value.response.json()["issue"][0]["details"]["coding"][0]["code"]
    assert (refused.value.response.status_code, reason) == (422, "calendar.slot_taken")

    read = smart_appointment.Appointment.read(booked.id, server)
    assert read.start.isostring == slot.start.isostring
    mine = list(
        smart_appointment.Appointment.where({"patient": f"Patient/{patient.id}"}).perform_resources_iter(
            server
        )
    )
    assert [one.id for one in mine] == [booked.id]
    change = [{"op": "replace", "path": "/status", "value": "cancelled"}]
    kind = {"Content-Type": "application/json-patch+json"}
    address = f"{access['fhir_url']}/Appointment/{booked.id}"
    changed = server.session.patch(address, data=json.dumps(change), headers=kind)
    assert smart_appointment.Appointment(changed.json()).status == "cancelled"
    assert smart_slot.Slot.read(slot.id, server).status == "free"
    with pytest.raises(smart_server.FHIRNotFoundException):
        smart_appointment.Appointment.read("nobody", server)


@pytest.fixture(scope="module")
def kit() -> Path:
    """A folder with fhir-kit-client installed from its lock file; made once per lock file and user."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm is missing: install Node.js 20 or newer, so that fhir-kit-client can be tried")
    kept = hashlib.sha256(
        b"".join((NODE / name).read_bytes() for name in ("package.json", "package-lock.json"))
    )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "praxisd-tests"
    folder = cache / f"node-{kept.hexdigest()[:16]}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=cache))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(NODE / name, fresh)
        words = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(words, cwd=fresh, capture_output=True, text=True, timeout=NPM_S)
        assert done.returncode == 0, done.stderr
        try:
            fresh.rename(folder)
        except OSError:  # another run was faster
            shutil.rmtree(fresh)
    shutil.copy(NODE / "journey.mjs", folder)
    return folder


@pytest.mark.timeout(NPM_S + 60)
def test_fhir_kit_client(access: dict[str, Any], kit: Path) -> None:
    asked = {"base": access["fhir_url"], "key": access["api_key"], "now": now()}
    words = ["node", str(kit / "journey.mjs")]
    done = subprocess.run(words, input=json.dumps(asked), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["software"] == "praxisd"
    first, second = found["pages"]
    assert len(first) == len(second) == 5 and not set(first) & set(second)
    assert found["included"] == [found["schedule"]]
    assert found["booked"] == "booked" and found["same"]
    assert found["again"] == {"status": 422, "code": "calendar.slot_taken"}
    assert found["found"] == [found["id"]]
    assert found["slots"] == ["free", "busy", "free"] and found["cancelled"] == "cancelled"
    assert found["unknown"] == {"status": 404, "code": "http.not_found"}


def test_the_lock_of_the_node_client_names_no_host() -> None:
    text = (NODE / "package-lock.json").read_text(encoding="utf-8")
    assert "http" not in text and '"integrity": "sha512-' in text
