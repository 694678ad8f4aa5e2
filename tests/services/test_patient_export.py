"""The export of one patient: a table that names patients and is not in it fails here; nothing of anybody else is in it."""

import io
import json
import re
import zipfile

import pytest
from litestar.testing import TestClient
from pypdf import PdfReader

from praxisd import main
from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import METADATA, insert
from praxisd.model.people import Patient
from praxisd.services.directory import api as directory
from praxisd.services.exchange import patient_export, patient_store
from praxisd.testing.practice import key_for
from praxisd.web.app import build

from .canary_house import fill
from .laptop_cast import home_of


def unpacked(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def row_of(table, column, patient, number):
    """A row of made-up values in which a column names the patient."""
    values = {}
    for one in table.columns:
        if one.name in ("organization",):
            continue
        kind = one.type.python_type
        values[one.name] = f"x{number}" if kind is str else number if kind is int else b"x"
    values[column] = patient
    if "doc" in values:
        values["doc"] = "{}"
    return values


def test_every_table_that_names_patients_is_in_it(house):
    home = home_of(house)
    refs = house.registry.patient_refs
    assert len({table for table, _ in refs}) >= 15

    def write(tx):
        for number, (table, column) in enumerate(refs, 1000):
            one = METADATA.tables[table]
            tx.run(insert(one), **row_of(one, column, home.anna, number))

    home.do(write)
    _, rows = home.read(lambda tx: patient_store.whole(tx, refs, home.anna))
    for number, (table, column) in enumerate(refs, 1000):
        marks = [row for row in rows[table] if row[column] == home.anna and str(number) in json.dumps(row)]
        assert marks, f"{table}.{column} names patients and is not in the export"
    assert set(rows) == {table for table, _ in refs} | {"directory_patient"}
    texts = house.texts
    untold = [t for t in rows for lang in ("de", "en") if not texts.has(f"exchange.kept.{t}", lang)]
    assert not untold  # each has a name for people


def test_it_is_a_sheet_fhir_rows_and_who_looked(house):
    home = home_of(house)
    data = patient_export.export(house, home.actor, home.anna, "de")
    files = unpacked(data)
    assert files["Auskunft.pdf"].startswith(b"%PDF")
    bundle = json.loads(files["fhir.json"])
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert sorted(kinds) == ["Appointment", "EpisodeOfCare", "MedicationStatement", "Patient"]
    assert json.loads(files["data/directory_treatment.json"])[0]["doc"]["note"] == "Prothese"
    assert json.loads(files["data/messaging_consent.json"])[0]["state"] == "given"
    assert {f"data/{table}.json" for table, _ in house.registry.patient_refs} <= set(files)
    for name, content in files.items():
        assert home.ben.encode() not in content and home.stays.encode() not in content, name
        assert b"Daheim" not in content
    second = unpacked(patient_export.export(house, home.actor, home.anna, "en"))
    assert json.loads(second["log.json"])[0]["type"] == "patient.exported" and "Information.pdf" in second
    found = home.read(lambda tx: events.about(tx, "Patient", home.anna))
    assert [one.type for one in found][:2] == ["patient.exported", "patient.exported"]


def test_the_sheet_speaks_the_language_of_people(house):
    home = home_of(house)
    for lang, told, code in (("de", "gebucht", "booked"), ("en", "booked", "gebucht")):
        sheet = next(
            v
            for k, v in unpacked(patient_export.export(house, home.actor, home.anna, lang)).items()
            if k.endswith(".pdf")
        )
        words = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(sheet)).pages)
        assert told in words and code not in words
        assert (re.search(r"\d{4}-\d\d-\d\d", words) is None) == (lang == "de")


def test_who_was_merged_into_the_person_belongs_to_it(house):
    home = home_of(house)
    home.do(lambda tx: directory.merge(tx, house.registry.patient_refs, home.anna, home.ben))
    files = unpacked(patient_export.export(house, home.actor, home.anna, "de"))
    kept = json.loads(files["data/directory_patient.json"])
    assert {one["id"] for one in kept} == {home.anna, home.ben}
    assert [one["doc"]["text"] for one in json.loads(files["data/medication_risk.json"])] == ["Penicillin"]


def test_another_practice_and_the_masked_get_nothing(house):
    home, other = home_of(house), home_of(house)
    with pytest.raises(Problem) as refused:
        patient_export.export(house, other.actor, home.anna, "de")
    assert refused.value.status == 404
    everything = frozenset(house.registry.permissions)
    masked = Actor(Kind.KEY, "masked", home.practice.organization, everything, masked=True)
    with pytest.raises(Problem, match="export_masked"):
        patient_export.export(house, masked, home.anna, "de")
    found = home.read(lambda tx: events.about(tx, "Patient", home.anna))
    assert "patient.exported" not in {one.type for one in found}


def test_at_the_door_only_the_owner(house):
    home = home_of(house)
    with TestClient(build(house, main.doors(house))) as client:
        for role, status in (("owner", 200), ("desk", 403), ("partner", 403), ("portal", 403)):
            headers = {"Authorization": f"Bearer {key_for(house, home.practice, role, role)}"}
            got = client.post(f"/api/v1/exchange/patients/{home.anna}/export", headers=headers)
            assert got.status_code == status, role
            if status == 200:
                assert got.headers["content-type"] == "application/zip"
                assert got.headers["cache-control"] == "no-store"
                assert "fhir.json" in unpacked(got.content)


def test_all_that_was_ever_written_about_the_patients_is_in_their_exports(house):
    """The house of canaries: what comes in by any door about a patient comes out here."""
    with TestClient(build(house, main.doors(house)), base_url="http://praxis.test") as client:
        nest = fill(house, client)
        owner = {"Authorization": f"Bearer {nest.keys['owner']}"}
        with house.store.read(nest.practice.desk()) as tx:
            people = [one.id for one in directory.all_patients(tx, None, 200)[0]]
        texts = []
        for one in people:
            got = client.post(f"/api/v1/exchange/patients/{one}/export", headers=owner)
            assert got.status_code == 200
            texts += [
                c.decode(errors="replace") for n, c in unpacked(got.content).items() if not n.endswith(".pdf")
            ]
        caught = nest.caught("\n".join(texts))
        whose = {"told", "desk", "import", "message", "outbox", "wish", "treatment", "waiting", "appointment"}
        lost = {w for w in nest.words.values() if w.split(".")[0] in whose} - caught
        assert not lost, sorted(lost)
        assert len(caught) > 60


def test_nobody_of_that_id(house):
    home = home_of(house)
    with pytest.raises(Problem, match="not_found"):
        patient_export.export(house, home.actor, "nobody", "de")
    assert isinstance(home.patient(home.anna), Patient)
