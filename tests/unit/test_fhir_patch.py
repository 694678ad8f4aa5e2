"""FHIRPath Patch and JSON Patch over plain dicts."""

import copy
import json
from typing import Any

import pytest

from praxisd.model.fhir import FhirError, check
from praxisd.model.fhir_json_patch import apply_json_patch, parse_json_patch
from praxisd.model.fhir_patch import apply_fhirpath_patch

APPOINTMENT: dict[str, Any] = {
    "resourceType": "Appointment",
    "id": "a1",
    "extension": [{"url": "u:a", "valueString": "x"}, {"url": "u:b", "valueCode": "y"}],
    "status": "booked",
    "priority": 1,
    "_priority": {"extension": [{"url": "u:p", "valueCode": "z"}]},
    "comment": "old",
    "participant": [
        {"actor": {"reference": "Patient/1"}, "status": "accepted"},
        {"actor": {"reference": "Practitioner/2"}, "status": "needs-action", "required": "optional"},
    ],
    "reasonCode": [{"text": "a"}, {"text": "b"}, {"text": "c"}],
}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "deceasedBoolean": True,
    "name": [{"use": "official", "given": ["A", "B"]}, {"use": "nickname", "text": "N"}],
}


def operation(
    kind: str, path: str, value: dict[str, Any] | None = None, **numbers: int | str
) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    for name, number in numbers.items():
        parts.append({"name": name, "valueString" if isinstance(number, str) else "valueInteger": number})
    if value is not None:
        parts.append({"name": "value", **value})
    return {"name": "operation", "part": parts}


def patch(
    *operations: dict[str, Any], on: dict[str, Any] = APPOINTMENT
) -> tuple[dict[str, Any], frozenset[str]]:
    before = copy.deepcopy(on)
    parameters = {"resourceType": "Parameters", "parameter": list(operations)}
    check(parameters, "Parameters")
    result = apply_fhirpath_patch(on, parameters)
    assert on == before
    return result


def refused(*operations: dict[str, Any], on: dict[str, Any] = APPOINTMENT) -> str:
    with pytest.raises(FhirError) as caught:
        patch(*operations, on=on)
    assert caught.value.path.startswith("Parameters.parameter")
    return caught.value.code


def test_replace_of_the_guide() -> None:
    result, touched = patch(operation("replace", "Appointment.status", {"valueCode": "cancelled"}))
    assert result == {**APPOINTMENT, "status": "cancelled"} and touched == {"status"}
    check(result)


def test_misspelt_code_reaches_the_caller() -> None:
    assert (
        patch(operation("replace", "Appointment.status", {"valueCode": "canceled"}))[0]["status"]
        == "canceled"
    )


def test_replace_inside_lists() -> None:
    result, touched = patch(
        operation("replace", "Appointment.participant[1].status", {"valueCode": "declined"}),
        operation(
            "replace", "Appointment.participant.where(status = 'accepted').status", {"valueCode": "tentative"}
        ),
        operation("replace", "Appointment.extension('u:b').value", {"valueString": "new type"}),
        operation("replace", "Appointment.reasonCode[0]", {"valueCodeableConcept": {"text": "z"}}),
    )
    assert [p["status"] for p in result["participant"]] == ["tentative", "declined"]
    assert result["extension"][1] == {"url": "u:b", "valueString": "new type"}
    assert result["reasonCode"][0] == {"text": "z"}
    assert touched == {"participant", "extension", "reasonCode"}
    where = "Appointment.participant.where(actor.reference = 'Practitioner/2').first().required"
    assert (
        patch(operation("replace", where, {"valueCode": "required"}))[0]["participant"][1]["required"]
        == "required"
    )


def test_replace_drops_extensions_of_the_old_value() -> None:
    result, touched = patch(operation("replace", "Appointment.priority", {"valueUnsignedInt": 5}))
    assert result["priority"] == 5 and "_priority" not in result and touched == {"priority"}


def test_extensions_of_a_primitive() -> None:
    only = {key: value for key, value in APPOINTMENT.items() if key != "priority"}
    path = "Appointment.priority.extension('u:p').value"
    result, touched = patch(operation("replace", path, {"valueCode": "new"}), on=only)
    assert result["_priority"] == {"extension": [{"url": "u:p", "valueCode": "new"}]} and touched == {
        "priority"
    }
    whole = {"valueUri": "u:q"}
    replaced = patch(operation("replace", "Appointment.priority.extension[0].url", whole), on=only)[0]
    assert replaced["_priority"]["extension"][0]["url"] == "u:q"
    result, touched = patch(operation("delete", "Appointment.priority"), on=only)
    assert "_priority" not in result and touched == {"priority"}
    result, touched = patch(operation("delete", "Appointment.priority.extension[0]"), on=only)
    assert "_priority" not in result and touched == {"priority"}
    check(result)


def test_choice_types() -> None:
    value = {"valueDateTime": "2020-01-02"}
    result, touched = patch(operation("replace", "Patient.deceased", value), on=PATIENT)
    assert "deceasedBoolean" not in result and result["deceasedDateTime"] == "2020-01-02"
    assert touched == {"deceasedDateTime"}
    assert (
        refused(operation("replace", "Patient.deceased", {"valueString": "x"}), on=PATIENT)
        == "fhir.patch_value"
    )
    assert refused(operation("add", "Patient", value, name="deceased"), on=PATIENT) == "fhir.patch_path"
    living = {"resourceType": "Patient"}
    assert (
        patch(operation("add", "Patient", value, name="deceased"), on=living)[0]["deceasedDateTime"]
        == "2020-01-02"
    )


def test_add() -> None:
    result, touched = patch(
        operation("add", "Appointment", {"valueString": "bring papers"}, name="patientInstruction"),
        operation("add", "Appointment", {"valueCodeableConcept": {"text": "d"}}, name="reasonCode"),
        operation("add", "Appointment.participant[0]", {"valueCode": "required"}, name="required"),
    )
    assert result["patientInstruction"] == "bring papers" and result["reasonCode"][3] == {"text": "d"}
    assert result["participant"][0]["required"] == "required"
    assert touched == {"patientInstruction", "reasonCode", "participant"}
    check(result)


def test_add_of_an_object_given_as_parts() -> None:
    value = {
        "part": [
            {"name": "actor", "valueReference": {"reference": "Location/3"}},
            {"name": "type", "valueCodeableConcept": {"text": "t"}},
            {"name": "status", "valueCode": "accepted"},
        ]
    }
    result, _ = patch(operation("add", "Appointment", value, name="participant"))
    assert result["participant"][2] == {
        "actor": {"reference": "Location/3"},
        "type": [{"text": "t"}],
        "status": "accepted",
    }
    check(result)


def test_delete() -> None:
    result, touched = patch(
        operation("delete", "Appointment.comment"),
        operation("delete", "Appointment.priority"),
        operation("delete", "Appointment.reasonCode[1]"),
        operation("delete", "Appointment.description"),
        operation("delete", "Appointment.extension[0]"),
        operation("delete", "Appointment.extension[0]"),
    )
    assert not {"comment", "priority", "_priority", "extension"} & result.keys()
    assert result["reasonCode"] == [{"text": "a"}, {"text": "c"}]
    assert touched == {"comment", "priority", "reasonCode", "description", "extension"}
    assert refused(operation("delete", "Appointment.reasonCode")) == "fhir.patch_path"


def test_insert_and_move() -> None:
    result, touched = patch(
        operation("insert", "Appointment.reasonCode", {"valueCodeableConcept": {"text": "x"}}, index=1),
        operation("move", "Appointment.reasonCode", source=3, destination=0),
    )
    assert [reason["text"] for reason in result["reasonCode"]] == ["c", "a", "x", "b"]
    assert touched == {"reasonCode"}
    names = patch(operation("insert", "Patient.name[0].given", {"valueString": "C"}, index=2), on=PATIENT)[0]
    assert names["name"][0]["given"] == ["A", "B", "C"]
    assert (
        refused(operation("insert", "Appointment.reasonCode", {"valueString": "x"}, index=4))
        == "fhir.patch_value"
    )
    assert refused(operation("move", "Appointment.reasonCode", source=0, destination=3)) == "fhir.patch_value"
    assert refused(operation("move", "Appointment.comment", source=0, destination=0)) == "fhir.patch_path"


@pytest.mark.parametrize(
    "path",
    [
        "status",
        "Patient.status",
        "Appointment..status",
        "Appointment.status or true",
        "Appointment.participant.status",
        "Appointment.participant[9].status",
        "Appointment.participant.where(status != 'x').status",
        "Appointment.participant.all(true)",
        "Appointment[0].status",
        "Appointment.resolve()",
        "Appointment.description",
        "Appointment.id",
        "Appointment.status.where(",
        "Appointment",
    ],
)
def test_paths_that_cannot_be_replaced(path: str) -> None:
    assert refused(operation("replace", path, {"valueCode": "x"})) == "fhir.patch_path"


def test_operations_that_lack_something() -> None:
    with pytest.raises(FhirError, match=r"fhir\.patch_value"):
        apply_fhirpath_patch(APPOINTMENT, {"resourceType": "Parameters"})
    assert refused({"name": "other"}) == "fhir.patch_value"
    assert refused({"name": "operation"}) == "fhir.patch_value"
    assert refused(operation("rename", "Appointment.status")) == "fhir.patch_value"
    assert refused(operation("replace", "Appointment.status")) == "fhir.patch_value"
    assert refused(operation("add", "Appointment", {"valueString": "x"})) == "fhir.patch_value"
    assert refused(operation("add", "Appointment", {"valueString": "x"}, name="foo")) == "fhir.patch_path"
    assert refused(operation("add", "Appointment", {"valueString": "x"}, name="comment")) == "fhir.patch_path"
    assert (
        refused(operation("add", "Appointment.status", {"valueString": "x"}, name="y")) == "fhir.patch_path"
    )
    assert refused(operation("add", "Appointment", {"valueId": "x"}, name="id")) == "fhir.patch_path"
    many = [operation("delete", "Appointment.comment")] * 201
    assert refused(*many) == "fhir.patch_value"


def test_all_or_nothing_and_check_afterwards() -> None:
    ok, bad = (
        operation("delete", "Appointment.comment"),
        operation("replace", "Appointment.x", {"valueCode": "x"}),
    )
    assert refused(ok, bad) == "fhir.patch_path"
    result, _ = patch(operation("replace", "Appointment.status", {"valueInteger": 5}))
    with pytest.raises(FhirError, match=r"Appointment\.status"):
        check(result)


def json_patch(*operations: dict[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    before = copy.deepcopy(APPOINTMENT)
    result = apply_json_patch(APPOINTMENT, parse_json_patch(json.dumps(operations).encode()))
    assert before == APPOINTMENT
    return result


def test_json_patch_operations() -> None:
    result, touched = json_patch(
        {"op": "test", "path": "/status", "value": "booked"},
        {"op": "replace", "path": "/status", "value": "cancelled"},
        {"op": "add", "path": "/reasonCode/-", "value": {"text": "d"}},
        {"op": "add", "path": "/reasonCode/0", "value": {"text": "first"}},
        {"op": "remove", "path": "/_priority"},
        {"op": "copy", "from": "/comment", "path": "/description"},
        {"op": "move", "from": "/comment", "path": "/patientInstruction"},
        {"op": "remove", "path": "/extension/0"},
        {"op": "remove", "path": "/extension/0"},
    )
    assert result["status"] == "cancelled"
    assert [reason["text"] for reason in result["reasonCode"]] == ["first", "a", "b", "c", "d"]
    assert result["description"] == result["patientInstruction"] == "old" and "comment" not in result
    assert not {"_priority", "extension"} & result.keys()
    assert touched == {
        "status",
        "reasonCode",
        "priority",
        "description",
        "comment",
        "patientInstruction",
        "extension",
    }
    check(result)


def test_json_patch_pointers_and_equality() -> None:
    result, _ = json_patch({"op": "add", "path": "/a~1b~0c", "value": 1})
    assert result["a/b~c"] == 1
    json_patch({"op": "test", "path": "/reasonCode/1", "value": {"text": "b"}})
    json_patch({"op": "test", "path": "/priority", "value": 1.0})
    for value in (True, "1", 2, None, [1]):
        with pytest.raises(FhirError) as caught:
            json_patch({"op": "test", "path": "/priority", "value": value})
        assert (caught.value.code, caught.value.http) == ("fhir.patch_test", 422)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"op": "replace", "path": "", "value": {}}, "fhir.patch_path"),
        ({"op": "replace", "path": "/id", "value": "x"}, "fhir.patch_path"),
        ({"op": "remove", "path": "/resourceType"}, "fhir.patch_path"),
        ({"op": "remove", "path": "/foo"}, "fhir.patch_path"),
        ({"op": "replace", "path": "/foo", "value": 1}, "fhir.patch_path"),
        ({"op": "add", "path": "/foo/bar", "value": 1}, "fhir.patch_path"),
        ({"op": "add", "path": "/reasonCode/4", "value": 1}, "fhir.patch_path"),
        ({"op": "add", "path": "/reasonCode/01", "value": 1}, "fhir.patch_path"),
        ({"op": "add", "path": "/status/x", "value": 1}, "fhir.patch_path"),
        ({"op": "add", "path": "status", "value": 1}, "fhir.patch_path"),
        ({"op": "add", "path": "/a~2", "value": 1}, "fhir.patch_path"),
        ({"op": "add", "path": 5, "value": 1}, "fhir.patch_path"),
        ({"op": "move", "from": "/participant", "path": "/participant/0/x"}, "fhir.patch_path"),
        ({"op": "move", "from": "/reasonCode/0", "path": "/reasonCode/0/text"}, "fhir.patch_path"),
        ({"op": "move", "path": "/x"}, "fhir.patch_path"),
        ({"op": "add", "path": "/x"}, "fhir.patch_value"),
        ({"op": "merge", "path": "/x"}, "fhir.patch_value"),
        ({"path": "/x"}, "fhir.patch_value"),
        (["x"], "fhir.patch_value"),
    ],
)
def test_json_patch_refusals(wrong: Any, code: str) -> None:
    with pytest.raises(FhirError) as caught:
        json_patch({"op": "remove", "path": "/comment"}, wrong)
    assert caught.value.code == code and caught.value.path.startswith("[1]")


@pytest.mark.parametrize("raw", [b"{}", b"[]", b"[", b"5", b"[" * 100_000])
def test_json_patch_documents(raw: bytes) -> None:
    with pytest.raises(FhirError):
        parse_json_patch(raw)
