"""Checking FHIR R4 JSON: what passes, what is refused and where, and that nothing is lost."""

import json
from decimal import Decimal
from typing import Any

import pytest

from praxisd.model.fhir import FhirError, Slot, check, dump_json, parse_json
from praxisd.model.fhir_datatypes import Reference

SLOT = {
    "resourceType": "Slot",
    "id": "s1",
    "schedule": {"reference": "Schedule/1"},
    "status": "free",
    "start": "2026-11-23T09:00:00+01:00",
    "end": "2026-11-23T09:15:00+01:00",
}
APPOINTMENT = {
    "resourceType": "Appointment",
    "status": "proposed",
    "participant": [{"actor": {"reference": "Patient/1"}, "status": "accepted"}],
}


def body(resource: Any) -> bytes:
    return json.dumps(resource).encode()


def fault(resource: dict[str, Any], expected: str | None = None) -> tuple[str, str]:
    with pytest.raises(FhirError) as caught:
        parse_json(body(resource), expected)
    assert caught.value.http == 400
    return caught.value.code, caught.value.path


def test_accepts_and_returns_plain_dict() -> None:
    assert parse_json(body(SLOT), "Slot") == SLOT
    assert parse_json(b"\xef\xbb\xbf" + body(SLOT)) == SLOT
    assert parse_json(body(SLOT), ("Appointment", "Slot")) == SLOT


def test_struct_encodes_to_the_same_wire_shape() -> None:
    slot = Slot(
        id="s1",
        schedule=Reference(reference="Schedule/1"),
        status="free",
        start=SLOT["start"],  # type: ignore[arg-type]
        end=SLOT["end"],  # type: ignore[arg-type]
    )
    assert json.loads(dump_json(slot)) == SLOT


def test_unknown_elements_are_kept() -> None:
    odd = {
        **SLOT,
        "foo": {"bar": [1, None, {"x": "y"}]},
        "_foo": 3,
        "meta": {"tag": [{"code": "a", "weird": 1}]},
    }
    assert parse_json(body(odd)) == odd


def test_decimals_stay_exact() -> None:
    raw = (
        b'{"resourceType":"Location","position":{"longitude":1.50,"latitude":-0.000001000,"altitude":7},'
        b'"extension":[{"url":"u:x","valueDecimal":123456789012345678.90}]}'
    )
    location = parse_json(raw)
    assert str(location["position"]["longitude"]) == "1.50"
    assert location["extension"][0]["valueDecimal"] == Decimal("123456789012345678.90")
    written = dump_json(location)
    assert b"1.50" in written and b"123456789012345678.90" in written and b'"altitude":7' in written
    assert parse_json(written) == location


@pytest.mark.parametrize("number", ["1." + "1" * 60, "1e401", "true", '"1"'])
def test_numbers_of_absurd_size_or_type(number: str) -> None:
    with pytest.raises(FhirError):
        parse_json(b'{"resourceType":"Location","position":{"longitude":%s,"latitude":1}}' % number.encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{} {}",
        b"\xff{}",
        b'{"resourceType": "Slot", "x": NaN}',
        b'{"resourceType": "Slot", "x": 1e999999999999999999}',
        b'{"resourceType": "Slot", "x": "\\ud800"}',
        b"<Slot/>",
    ],
)
def test_broken_json_is_syntax(raw: bytes) -> None:
    with pytest.raises(FhirError) as caught:
        parse_json(raw)
    assert caught.value.code == "fhir.syntax"


def test_depth_is_bounded() -> None:
    with pytest.raises(FhirError) as caught:
        parse_json(b"[" * 100_000)
    assert caught.value.code == "fhir.too_deep"
    deep: dict[str, Any] = {"url": "u:x", "valueBoolean": True}
    for _ in range(70):
        deep = {"url": "u:x", "extension": [deep]}
    assert fault({**SLOT, "extension": [deep]})[0] == "fhir.too_deep"
    nested: Any = 1
    for _ in range(200):
        nested = [nested]
    assert fault({**SLOT, "unknown": nested})[0] == "fhir.too_deep"


def test_resource_type() -> None:
    assert fault({**SLOT, "resourceType": "Observation"}) == ("fhir.unknown_type", "resourceType")
    assert fault(SLOT, "Appointment") == ("fhir.wrong_type", "resourceType")
    assert fault({"status": "free"}) == ("fhir.required", "resourceType")
    with pytest.raises(FhirError, match=r"fhir\.invalid"):
        parse_json(b"[]")


CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"status": None}, "fhir.invalid", "Slot.status"),
    ({"status": "frei"}, "fhir.invalid", "Slot.status"),
    ({"start": "2026-11-23T09:00:00"}, "fhir.invalid", "Slot.start"),
    ({"start": "2026-02-29T09:00:00Z"}, "fhir.invalid", "Slot.start"),
    ({"start": "2026-11-23"}, "fhir.invalid", "Slot.start"),
    ({"id": "a_b"}, "fhir.invalid", "Slot.id"),
    ({"id": "a" * 65}, "fhir.invalid", "Slot.id"),
    ({"id": 5}, "fhir.invalid", "Slot.id"),
    ({"comment": ""}, "fhir.invalid", "Slot.comment"),
    ({"comment": "a\x00b"}, "fhir.invalid", "Slot.comment"),
    ({"overbooked": "true"}, "fhir.invalid", "Slot.overbooked"),
    ({"schedule": "Schedule/1"}, "fhir.invalid", "Slot.schedule"),
    ({"schedule": {}}, "fhir.invalid", "Slot.schedule"),
    ({"schedule": [{"reference": "Schedule/1"}]}, "fhir.invalid", "Slot.schedule"),
    ({"specialty": []}, "fhir.invalid", "Slot.specialty"),
    ({"specialty": {"text": "x"}}, "fhir.invalid", "Slot.specialty"),
    ({"specialty": [None]}, "fhir.invalid", "Slot.specialty[0]"),
    (
        {"specialty": [{"text": "x"}, {"coding": [{"code": "a  b"}]}]},
        "fhir.invalid",
        "Slot.specialty[1].coding[0].code",
    ),
    ({"meta": {"lastUpdated": "2026"}}, "fhir.invalid", "Slot.meta.lastUpdated"),
    ({"extension": [{"valueString": "x"}]}, "fhir.required", "Slot.extension[0].url"),
    (
        {"extension": [{"url": "u:x", "valueString": "x", "valueCode": "y"}]},
        "fhir.invalid",
        "Slot.extension[0].value[x]",
    ),
    ({"contained": [{"id": "x"}]}, "fhir.required", "Slot.contained[0].resourceType"),
    ({"contained": [{"resourceType": "Patient", "gender": "m"}]}, "fhir.invalid", "Slot.contained[0].gender"),
    ({"text": {"status": "generated", "div": "plain"}}, "fhir.invalid", "Slot.text.div"),
]


@pytest.mark.parametrize(("change", "code", "path"), CASES, ids=[str(i) for i in range(len(CASES))])
def test_refusals_name_code_and_place(change: dict[str, Any], code: str, path: str) -> None:
    assert fault({**SLOT, **change}) == (code, path)


@pytest.mark.parametrize("name", ["schedule", "status", "start", "end"])
def test_required_elements(name: str) -> None:
    assert fault({key: value for key, value in SLOT.items() if key != name}) == (
        "fhir.required",
        f"Slot.{name}",
    )


def test_required_primitive_may_be_only_an_extension() -> None:
    absent = {
        "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
        ]
    }
    slot = {key: value for key, value in SLOT.items() if key != "end"} | {"_end": absent}
    assert parse_json(body(slot)) == slot


def test_companions_of_primitives() -> None:
    extension = {"extension": [{"url": "u:x", "valueString": "x"}]}
    good = {
        "resourceType": "Patient",
        "birthDate": "1970-03",
        "_birthDate": {"id": "b", **extension},
        "name": [{"given": ["Anna", None], "_given": [None, extension]}, {"_given": [extension]}],
    }
    assert parse_json(body(good)) == good
    name = {"resourceType": "Patient", "name": [{"given": ["Anna", None]}]}
    assert fault(name) == ("fhir.invalid", "Patient.name[0].given[1]")
    short = {"resourceType": "Patient", "name": [{"given": ["Anna", "B"], "_given": [extension]}]}
    assert fault(short) == ("fhir.invalid", "Patient.name[0]._given")
    hollow = {"resourceType": "Patient", "name": [{"_given": [None]}]}
    assert fault(hollow) == ("fhir.invalid", "Patient.name[0]._given[0]")
    assert fault({"resourceType": "Patient", "_birthDate": {}}) == ("fhir.invalid", "Patient._birthDate")
    assert fault({"resourceType": "Patient", "_birthDate": ["x"]}) == ("fhir.invalid", "Patient._birthDate")


def test_choices_and_nested_required() -> None:
    two = {"resourceType": "Patient", "deceasedBoolean": True, "deceasedDateTime": "2020"}
    assert fault(two) == ("fhir.invalid", "Patient.deceased[x]")
    message = {"resourceType": "Communication", "status": "completed", "payload": [{"id": "p"}]}
    assert fault(message) == ("fhir.required", "Communication.payload[0].content[x]")
    nobody = {"resourceType": "Appointment", "status": "booked"}
    assert fault(nobody) == ("fhir.required", "Appointment.participant")
    vague = {**APPOINTMENT, "participant": [{"actor": {"reference": "Patient/1"}}]}
    assert fault(vague) == ("fhir.required", "Appointment.participant[0].status")
    assert fault({**APPOINTMENT, "minutesDuration": 0}) == ("fhir.invalid", "Appointment.minutesDuration")
    assert fault({**APPOINTMENT, "priority": 1.5}) == ("fhir.invalid", "Appointment.priority")
    assert fault({**APPOINTMENT, "priority": True}) == ("fhir.invalid", "Appointment.priority")


def test_bundles_keep_resources_of_foreign_types_and_check_known_ones() -> None:
    foreign = {"resourceType": "Condition", "subject": 5}
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": foreign}, {"resource": SLOT}],
    }
    assert parse_json(body(bundle)) == bundle
    wrong = {**bundle, "entry": [{"resource": foreign}, {"resource": {**SLOT, "status": "x"}}]}
    assert fault(wrong) == ("fhir.invalid", "Bundle.entry[1].resource.status")
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "appt", "resource": APPOINTMENT}]}
    assert parse_json(body(parameters)) == parameters


def test_guide_misspelling_is_left_to_the_calendar() -> None:
    assert fault({**APPOINTMENT, "status": "canceled"}) == ("fhir.invalid", "Appointment.status")


def test_base64() -> None:
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": "SGFs\nbG8="}
    assert parse_json(body(binary)) == binary
    for wrong in ("SGFsbG8", "SGF$bG8=", " "):
        assert fault({**binary, "data": wrong}) == ("fhir.invalid", "Binary.data")


def test_check_works_on_dicts_made_here() -> None:
    check(SLOT, "Slot")
    with pytest.raises(FhirError):
        check({**SLOT, "status": 1})


DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "Grüß Gott &amp; mehr",
        '<p style="a">x<br/></p>',
        '<a href="https://x.org/?a:b">x</a>',
        '<a href="#top">x</a>',
    ],
)
def test_narrative_accepted(inside: str) -> None:
    slot = {**SLOT, "text": {"status": "generated", "div": DIV.format(inside)}}
    assert parse_json(body(slot)) == slot


@pytest.mark.parametrize(
    "div",
    [
        DIV.format("<script>x</script>"),
        DIV.format("<form/>"),
        DIV.format('<p onclick="x">x</p>'),
        DIV.format('<a href="javascript:alert(1)">x</a>'),
        DIV.format('<a href=" java&#10;script:alert(1)">x</a>'),
        DIV.format('<img src="data:text/html,x"/>'),
        DIV.format("&nbsp;"),
        DIV.format("<p>"),
        DIV.format("") + DIV.format(""),
        "<div>x</div>",
        '<p xmlns="http://www.w3.org/1999/xhtml">x</p>',
        '<!DOCTYPE x [<!ENTITY e "e">]>' + DIV.format("&e;"),
        DIV.format('<svg xmlns="http://www.w3.org/2000/svg"/>'),
        DIV.format("<i>" * 200 + "</i>" * 200),
    ],
)
def test_narrative_refused(div: str) -> None:
    assert fault({**SLOT, "text": {"status": "generated", "div": div}}) == ("fhir.invalid", "Slot.text.div")
