"""Import of FHIR resources: the guide's own examples, long slots booked in parts, and what cannot be taken in."""

import json
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import control
from praxisd.model.fhir_shapes import load_json
from praxisd.model.fhir_xml import to_xml
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build

from .fhir_client import JSON, PATIENT, XML, Fhir, appointment

EXAMPLES = (
    "HealthcareService-ISiKMedizinischeBehandlungseinheitExample",
    "Schedule-ISiKKalenderExample",
    "Slot-ISiKTerminblockExample",
    "Appointment-ISiKTerminExample",
    "Appointment-ISiKTerminExampleExtendedICU",
)
TUE = "2026-11-24T"
CODE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/service-type", "code": "124"}]}


@pytest.fixture
def practice(house):
    return small_practice(house)


@pytest.fixture
def client(house):
    with TestClient(build(house, main.doors(house))) as found:
        yield found


@pytest.fixture
def pvs(house, practice, client) -> Fhir:
    return Fhir(client, key_for(house, practice, "pvs", "pvs"))


@pytest.fixture
def take(house, practice):
    """Import files (texts or dicts) as the command does."""

    def run(*files: Any, **more: Any) -> dict[str, Any]:
        texts = [one if isinstance(one, str) else json.dumps(one) for one in files]
        args = {"files": texts, "organization": practice.organization, **more}
        house.shared["organizations"] = lambda _tx: [practice.organization]
        return control.perform(house, "calendar.import_bundle", args)

    return run


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}


def lacks(wanted: Any, found: Any, path: str = "") -> list[str]:
    """Where `found` does not hold all that `wanted` says; lists may have more members."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return [path]
        return [f for k, v in wanted.items() for f in lacks(v, found.get(k), f"{path}.{k}")]
    if isinstance(wanted, list):
        given = found if isinstance(found, list) else []
        return [f"{path}[{n}]" for n, v in enumerate(wanted) if all(lacks(v, one, path) for one in given)]
    return [] if wanted == found else [path]


def example(folder: Path, name: str) -> dict[str, Any]:
    found = folder / "isik-terminplanung/Resources/fsh-generated/resources" / f"{name}.json"
    return load_json(found.read_bytes())


def test_the_guides_examples_come_in_and_go_out_whole(foreign_data, pvs, take):
    resources = [example(foreign_data, name) for name in EXAMPLES]
    report = take(bundle(*reversed(resources)))
    assert (report["created"], report["errors"], report["replacedIds"]) == (5, [], [])
    assert {w["code"] for w in report["warnings"]} == {"calendar.import_unresolved"}
    assert "5 neu" in report["lines"][0]
    again = take(bundle(*resources))
    assert (again["unchanged"], again["created"], again["errors"]) == (5, 0, [])
    for one in resources:
        path = f"{one['resourceType']}/{one['id']}"
        as_json = pvs("GET", path, Accept=JSON)
        as_xml = pvs("GET", path, Accept=XML)
        assert as_json == as_xml
        assert lacks(one, as_json) == []
    found = pvs.entries("Appointment?service-type=http://terminology.hl7.org/CodeSystem/service-type|124")
    assert [a["id"] for a in found] == ["ISiKTerminExample"]
    assert len(pvs.entries("Appointment?slot=Slot/ISiKTerminblockExample")) == 2
    assert len(pvs.entries("Appointment?date=2022-12-10T09:00:00Z&actor=Patient/example")) == 2


def test_each_example_survives_json_xml_json(foreign_data, pvs, take):
    """Imported as XML, read as JSON: nothing is lost on either way."""
    resources = [example(foreign_data, name) for name in EXAMPLES]
    for one in resources:
        report = take(to_xml(one).decode())
        assert report["errors"] == [] and report["created"] == 1
    for one in resources:  # the slot lies in the past: without an appointment that names it, it would be gone
        assert lacks(one, pvs("GET", f"{one['resourceType']}/{one['id']}", Accept=JSON)) == []


def calendar(**slot: Any) -> list[dict[str, Any]]:
    """A column with a type and one long free slot, from 8 to 12."""
    return [
        {
            "resourceType": "HealthcareService",
            "id": "advice",
            "active": True,
            "type": [CODE],
            "name": "Beratung",
        },
        {"resourceType": "Practitioner", "id": "fleming", "name": [{"family": "Fleming"}]},
        {
            "resourceType": "Schedule",
            "id": "column",
            "active": True,
            "serviceType": [CODE],
            "actor": [{"reference": "Practitioner/fleming", "display": "Dr. Fleming"}],
        },
        {
            "resourceType": "Slot",
            "id": "long",
            "schedule": {"reference": "Schedule/column"},
            "status": "free",
            "start": f"{TUE}08:00:00+01:00",
            "end": f"{TUE}12:00:00+01:00",
            **slot,
        },
    ]


def test_part_of_a_long_slot_is_booked_and_the_rest_stays_free(house, client, practice, take):
    report = take(bundle(*calendar()), release=True)
    assert (report["created"], report["warnings"], report["errors"]) == (4, [], [])
    portal = Fhir(client, key_for(house, practice, "portal", "portal-a"))
    eva = portal("POST", "Patient", 201, PATIENT)["id"]

    def book(start: str, end: str, status: int = 201) -> Any:
        wish = appointment(
            eva, f"{TUE}{start}:00+01:00", f"{TUE}{end}:00+01:00", slot=[{"reference": "Slot/long"}]
        )
        return portal("POST", "Appointment/$book", status, wish)

    found = portal.entries("Slot?schedule=Schedule/column&status=free")
    assert [s["id"] for s in found] == ["long"] and found[0]["start"] == f"{TUE}08:00:00+01:00"
    first = book("08:00", "09:00")
    assert first["slot"] == [{"reference": "Slot/long"}]
    assert {"reference": "HealthcareService/advice", "display": "Beratung"} in [
        p["actor"] for p in first["participant"]
    ]
    book("10:00", "10:20")
    assert portal("GET", "Slot/long")["status"] == "free"
    taken = book("08:30", "09:30", 422)
    assert taken["issue"][0]["details"]["coding"][0]["code"] == "calendar.slot_taken"
    assert book("07:30", "08:30", 422)["issue"][0]["details"]["coding"][0]["code"] == "calendar.slot_mismatch"
    book("09:00", "10:00")
    book("10:20", "12:00")
    assert portal("GET", "Slot/long")["status"] == "busy"
    assert portal.entries("Slot?schedule=Schedule/column&status=free") == []
    assert [s["id"] for s in portal.entries("Slot?schedule=Schedule/column&status=busy")] == ["long"]


def test_a_busy_slot_is_taken_like_a_reservation_and_explained_by_its_appointment(pvs, take):
    free = calendar(end=f"{TUE}10:00:00+01:00")
    busy = {**free[3], "id": "taken", "status": "busy", "start": f"{TUE}09:00:00+01:00"}
    person = {**PATIENT, "id": "eva"}
    one = appointment(
        "eva", f"{TUE}09:00:00+01:00", f"{TUE}09:30:00+01:00", slot=[{"reference": "Slot/taken"}]
    )
    report = take(bundle(*free, busy, person, {**one, "id": "a1", "status": "booked", "serviceType": [CODE]}))
    assert report["created"] == 7 and report["warnings"] == []
    for start, end in (("09:00", "09:30"), ("09:30", "10:00")):
        wish = appointment("eva", f"{TUE}{start}:00+01:00", f"{TUE}{end}:00+01:00", serviceType=[CODE])
        assert pvs.code("POST", "Appointment/$book", 422, wish) == "calendar.slot_taken"
    wish = appointment("eva", f"{TUE}08:30:00+01:00", f"{TUE}09:00:00+01:00", serviceType=[CODE])
    pvs("POST", "Appointment/$book", 201, wish)


def test_two_in_the_same_time_are_a_conflict_for_a_person(pvs, take):
    one = appointment(
        "eva", f"{TUE}09:00:00+01:00", f"{TUE}09:30:00+01:00", slot=[{"reference": "Slot/long"}]
    )
    first, second = ({**one, "id": id_, "status": "booked"} for id_ in ("a1", "a2"))
    report = take(bundle(*calendar(), {**PATIENT, "id": "eva"}, first, second))
    assert [w["code"] for w in report["warnings"]] == ["calendar.import_conflict"]
    assert {pvs("GET", f"Appointment/{i}")["status"] for i in ("a1", "a2")} == {"booked", "proposed"}


def test_what_is_wrong_is_named_and_the_rest_goes_on(pvs, take):
    bad = {
        "resourceType": "Slot",
        "id": "bad",
        "schedule": {"reference": "Schedule/column"},
        "status": "open",
    }
    naive = {**calendar()[3], "id": "naive", "start": f"{TUE}08:00:00"}
    backwards = {**calendar()[3], "id": "backwards", "end": f"{TUE}07:00:00+01:00"}
    other = {"resourceType": "Organization", "id": "o", "name": "Labor"}
    report = take(
        bundle(bad, naive, backwards, {"resourceType": "Bundle", "type": "collection"}, other, *calendar())
    )
    assert report["created"] == 5
    codes = {(e["resource"].split()[-1], e["code"]) for e in report["errors"]}
    assert codes == {
        ("Slot/bad", "fhir.invalid"),
        ("Slot/naive", "fhir.invalid"),
        ("Slot/backwards", "calendar.range_reversed"),
        ("Bundle/?", "calendar.import_type"),
    }
    assert all(e["text"]["de"] and e["text"]["en"] for e in report["errors"])
    assert pvs.code("GET", "Slot/backwards", 404) == "http.not_found"
    assert take("{", "<Bundle", "[]")["errors"][0]["code"] == "fhir.syntax"


def test_changed_again_where_that_is_safe(pvs, take):
    take(bundle(*calendar()))
    renamed = [{**r, "active": False} if r["resourceType"] == "Schedule" else r for r in calendar()]
    report = take(bundle(*renamed))
    assert (report["updated"], report["unchanged"]) == (1, 3)
    assert pvs("GET", "Schedule/column")["active"] is False
    one = appointment(
        "eva", f"{TUE}09:00:00+01:00", f"{TUE}09:30:00+01:00", slot=[{"reference": "Slot/long"}]
    )
    take(bundle({**PATIENT, "id": "eva"}, {**one, "id": "a1", "status": "booked"}))
    report = take({**one, "id": "a1", "status": "booked", "end": f"{TUE}10:00:00+01:00"})
    assert [w["code"] for w in report["warnings"]] == ["calendar.import_differs"]
    report = take({"resourceType": "Practitioner", "id": "fleming", "name": [{"family": "Other"}]})
    assert [w["code"] for w in report["warnings"]] == ["calendar.import_differs"]
    assert pvs("GET", "Practitioner/fleming")["name"][0]["family"] == "Fleming"


def test_taken_ids_are_replaced_and_references_follow(house, client, take, pvs):
    """Another practice of the installation has these ids already."""
    other = small_practice(house)
    take(bundle(*calendar()))
    house.shared["organizations"] = lambda _tx: [other.organization]
    args = {"files": [json.dumps(bundle(*calendar()))], "organization": other.organization}
    report = control.perform(house, "calendar.import_bundle", args)
    assert report["created"] == 4 and {r["type"] for r in report["replacedIds"]} >= {"Schedule", "Slot"}
    fhir = Fhir(client, key_for(house, other, "pvs", "pvs"))
    new = {r["from"]: r["to"] for r in report["replacedIds"]}
    slot = fhir("GET", f"Slot/{new['long']}")
    assert slot["schedule"]["reference"] == f"Schedule/{new['column']}"
    assert {"system": "https://praxisd.org/fhir/sid/imported-id", "value": "long"} in slot["identifier"]
    again = control.perform(house, "calendar.import_bundle", args)
    assert (again["created"], again["unchanged"], again["errors"]) == (0, 4, [])


def test_a_slot_is_not_offered_where_it_cannot_be_booked(house, practice, pvs, take):
    """An absence and a column out of use close imported slots too."""
    from datetime import date

    from praxisd.services.calendar import api

    take(bundle(*calendar()))
    assert pvs("GET", "Slot/long")["status"] == "free"
    day = date(2026, 11, 24)
    with house.store.write(practice.desk()) as tx:
        api.add_absence(house, tx, schedule="column", first=day, last=day)
    assert pvs("GET", "Slot/long")["status"] == "busy"
    with house.store.write(practice.desk()) as tx:
        api.edit_schedule(house, tx, "column", None, active=False)
    assert pvs("GET", "Slot/long")["status"] == "busy-unavailable"
    assert pvs.entries("Slot?schedule=Schedule/column&status=free") == []


def test_one_fault_in_an_xml_bundle_spoils_only_itself(pvs, take):
    text = to_xml(bundle(*calendar())).decode()
    broken = text.replace('<status value="free"/>', '<status value="free"/><nonsense value="1"/>')
    report = take(broken)
    assert report["created"] == 3
    assert [(e["code"], e["resource"]) for e in report["errors"]] == [("fhir.unknown_element", "#3")]
    report = take(text)
    assert (report["created"], report["unchanged"], report["errors"]) == (1, 3, [])
