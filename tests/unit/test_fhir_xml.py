"""FHIR XML: both directions, the hard cases, and everything XML must not do."""

from decimal import Decimal
from typing import Any

import pytest

from praxisd.model.fhir import FhirError, parse_json
from praxisd.model.fhir_xml import to_xml
from praxisd.model.fhir_xml_reading import parse_xml

EXTENSION = {"extension": [{"url": "http://x.org/a?b&c", "valueString": 'q"<>&\n\t\r ü'}]}
XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'
DIV = f'<div {XHTML} lang="de"><p>Grüße &amp; <br/>&quot;x&quot; &#8211;</p>\n</div>'
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p-1",
    "meta": {"versionId": "3", "lastUpdated": "2026-11-22T09:00:00.000+01:00", "tag": [{"code": "external"}]},
    "text": {"status": "generated", "div": DIV},
    "contained": [
        {"resourceType": "Organization", "id": "o", "name": "Praxis & Söhne", "alias": ["a", "b"]},
        {"resourceType": "Practitioner", "id": "d", "active": False},
    ],
    "extension": [
        {"id": "e1", "url": "u:outer", "extension": [{"url": "inner", "valueDecimal": Decimal("1.50")}]},
        {"url": "u:money", "valueMoney": {"value": Decimal("-0.10"), "currency": "EUR"}},
        {"url": "u:int", "valueInteger": -7},
        {"url": "u:empty", "_valueDate": EXTENSION},
    ],
    "identifier": [{"system": "http://fhir.de/sid/gkv/kvid-10", "value": "A123456789"}],
    "name": [
        {
            "id": "n1",
            "use": "official",
            "family": "von der Müßte",
            "_family": EXTENSION,
            "given": ["Anna", None, "  Lena  "],
            "_given": [None, EXTENSION, {"id": "g3"}],
        },
        {"_given": [EXTENSION, EXTENSION]},
    ],
    "birthDate": "1970-03",
    "_birthDate": {"id": "bd", **EXTENSION},
    "deceasedBoolean": False,
    "multipleBirthInteger": 2,
    "contact": [{"gender": "female"}],
}


def test_round_trip_of_hard_cases() -> None:
    assert parse_xml(to_xml(PATIENT), "Patient") == PATIENT


def test_written_form() -> None:
    text = to_xml(PATIENT).decode()
    assert text.startswith(
        '<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir"><id value="p-1"/>'
    )
    assert DIV in text
    assert '<extension id="e1" url="u:outer">' in text
    assert '<name id="n1"><use value="official"/><family value="von der Müßte">' in text
    assert '<given value="Anna"/><given><extension url="http://x.org/a?b&amp;c">' in text
    assert '<given id="g3" value="  Lena  "/>' in text
    assert "q&quot;&lt;&gt;&amp;&#10;&#9;&#13; ü" in text
    assert '<valueDecimal value="1.50"/>' in text and '<deceasedBoolean value="false"/>' in text
    assert "<contained><Organization><id" in text


def test_order_is_the_standards_not_the_dicts() -> None:
    slot = {
        "end": "2026-11-22T10:00:00Z",
        "start": "2026-11-22T09:00:00Z",
        "status": "free",
        "schedule": {"display": "x", "reference": "Schedule/1"},
        "id": "s",
        "resourceType": "Slot",
    }
    text = to_xml(slot).decode()
    names = ["<id", "<schedule><reference", "<display", "<status", "<start", "<end"]
    assert [text.index(name) for name in names] == sorted(text.index(name) for name in names)
    assert parse_xml(to_xml(slot)) == slot


def test_bundle_and_parameters_round_trip() -> None:
    slot = {
        "resourceType": "Slot",
        "schedule": {"reference": "Schedule/1"},
        "status": "busy",
        "start": "2026-11-22T09:00:00Z",
        "end": "2026-11-22T10:00:00Z",
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 1,
        "link": [{"relation": "self", "url": "http://x/Slot?a=b&c=d"}],
        "entry": [
            {
                "fullUrl": "http://x/Slot/1",
                "resource": slot,
                "search": {"mode": "match", "score": Decimal("1.0")},
            }
        ],
    }
    assert parse_xml(to_xml(bundle), "Bundle") == bundle
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "a", "part": [{"name": "b", "valueUri": "u:x"}, {"name": "c", "resource": slot}]},
            {"name": "when", "valueDateTime": "2026"},
        ],
    }
    assert parse_xml(to_xml(parameters)) == parameters


def test_reading_is_tolerant_where_it_may_be() -> None:
    text = """<?xml version="1.0" encoding="utf-8"?>
    <?xml-stylesheet href="x"?><!-- c -->
    <f:Slot xmlns:f="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
            xsi:schemaLocation="http://hl7.org/fhir fhir.xsd">
      <f:status value='free'></f:status> <!-- order does not matter -->
      <f:schedule><f:reference value="Schedule/1"/></f:schedule>
      <f:start value="2026-11-22T09:00:00Z"/><f:end value="2026-11-22T10:00:00Z"/>
    </f:Slot>"""
    assert parse_xml(b"\xef\xbb\xbf" + text.strip().encode())["status"] == "free"


def test_narrative_is_cut_out_byte_for_byte() -> None:
    for div in (
        DIV,
        f"<div {XHTML}/>",
        f"<div {XHTML} title='a>b'/>",
        f"<div {XHTML}>x/></div>",
        "<div xmlns='http://www.w3.org/1999/xhtml'><!-- c --><div>ä</div></div >",
    ):
        body = (
            '<?xml version="1.0"?><!-- ä --><Patient xmlns="http://hl7.org/fhir"><text>'
            f"<status value='generated'/>{div}</text><active value='true'/></Patient>"
        )
        for prefix in (b"", b"\xef\xbb\xbf"):
            assert parse_xml(prefix + body.encode())["text"]["div"] == div


PREFIX = '<Patient xmlns="http://hl7.org/fhir">'
BOMB = '<!DOCTYPE P [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "fhir.syntax"),
        ("<Patient", "fhir.syntax"),
        ("{}", "fhir.syntax"),
        (BOMB + PREFIX + '<language value="&b;"/></Patient>', "fhir.syntax"),
        ('<!DOCTYPE P SYSTEM "file:///etc/passwd">' + PREFIX + "</Patient>", "fhir.syntax"),
        ("<!DOCTYPE P>" + PREFIX + "</Patient>", "fhir.syntax"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?>' + PREFIX + "</Patient>", "fhir.syntax"),
        (PREFIX + '<language value="&xxe;"/></Patient>', "fhir.syntax"),
        ("<Patient/>", "fhir.syntax"),
        ('<Patient xmlns="http://hl7.org/fhir/"/>', "fhir.syntax"),
        (PREFIX + '<x:active xmlns:x="u:x" value="true"/></Patient>', "fhir.syntax"),
        (PREFIX + "text</Patient>", "fhir.syntax"),
        (PREFIX + '<active value="true">x</active></Patient>', "fhir.syntax"),
        (PREFIX + '<foo value="true"/></Patient>', "fhir.unknown_element"),
        (PREFIX + '<active value="true" foo="x"/></Patient>', "fhir.unknown_element"),
        (PREFIX + '<active value="true"><foo/></active></Patient>', "fhir.unknown_element"),
        ('<Patient xmlns="http://hl7.org/fhir" id="x"/>', "fhir.unknown_element"),
        ('<Observation xmlns="http://hl7.org/fhir"/>', "fhir.unknown_type"),
        (PREFIX + "<contained><Device/></contained></Patient>", "fhir.unknown_type"),
        (PREFIX + "<contained/></Patient>", "fhir.invalid"),
        (PREFIX + '<active value="TRUE"/></Patient>', "fhir.invalid"),
        (PREFIX + "<active/></Patient>", "fhir.invalid"),
        (PREFIX + '<active value="true"/><active value="true"/></Patient>', "fhir.invalid"),
        (PREFIX + "<maritalStatus/></Patient>", "fhir.invalid"),
        (PREFIX + '<multipleBirthInteger value="1.0"/></Patient>', "fhir.invalid"),
        (PREFIX + '<gender value=""/></Patient>', "fhir.invalid"),
        (PREFIX + '<extension url="u:x"><valueDecimal value="0x1"/></extension></Patient>', "fhir.invalid"),
        (
            PREFIX + '<extension url="u:x"><valueDecimal value="1e999999999999"/></extension></Patient>',
            "fhir.invalid",
        ),
        (PREFIX + '<extension><url value="u:x"/></extension></Patient>', "fhir.unknown_element"),
        (PREFIX + '<text><status value="generated"/><div value="x"/></text></Patient>', "fhir.invalid"),
        (PREFIX + "<extension url='u:x'>" * 300, "fhir.too_deep"),
        (PREFIX + "<extension url='u:x'>" * 90 + "</extension>" * 90 + "</Patient>", "fhir.too_deep"),
    ],
)
def test_refusals(text: str, code: str) -> None:
    with pytest.raises(FhirError) as caught:
        parse_xml(text.encode())
    assert (caught.value.code, caught.value.http) == (code, 400)


def test_utf16_and_wrong_type_are_refused() -> None:
    with pytest.raises(FhirError, match=r"fhir\.syntax"):
        parse_xml((PREFIX + "</Patient>").encode("utf-16"))
    with pytest.raises(FhirError, match=r"fhir\.wrong_type"):
        parse_xml((PREFIX + "</Patient>").encode(), "Slot")


def test_narrative_leaning_on_outer_prefixes_is_refused() -> None:
    outer = f'<Patient xmlns="http://hl7.org/fhir" {XHTML.replace("xmlns", "xmlns:h")}><text>'
    with pytest.raises(FhirError, match=r"fhir\.syntax"):
        parse_xml((outer + "<h:div>x</h:div></text></Patient>").encode())


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"foo": 1}, "fhir.unknown_element", "Patient.foo"),
        ({"_foo": {"id": "x"}}, "fhir.unknown_element", "Patient._foo"),
        ({"name": [{"foo": "x"}]}, "fhir.unknown_element", "Patient.name.foo"),
        ({"contained": [{"resourceType": "Device"}]}, "fhir.unknown_type", "Patient.contained.resourceType"),
        ({"text": {"status": "generated", "div": "</text>"}}, "fhir.invalid", "Patient.text.div"),
        ({"language": "a\x01"}, "fhir.invalid", "Patient"),
        ({"name": {"family": "x"}}, "fhir.invalid", "Patient.name"),
        ({"extension": [{"url": "u:x", "_url": {"id": "y"}}]}, "fhir.invalid", "Patient.extension._url"),
    ],
)
def test_what_xml_cannot_hold(change: dict[str, Any], code: str, path: str) -> None:
    with pytest.raises(FhirError) as caught:
        to_xml({"resourceType": "Patient", **change})
    assert (caught.value.code, caught.value.path) == (code, path)


def test_json_and_xml_agree() -> None:
    raw = b'{"resourceType":"Location","position":{"longitude":13.40,"latitude":52.5200,"altitude":1e2}}'
    location = parse_json(raw)
    assert b'<longitude value="13.40"/><latitude value="52.5200"/>' in to_xml(location)
    assert parse_xml(to_xml(location)) == location
