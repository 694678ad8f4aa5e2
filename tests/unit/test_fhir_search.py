"""FHIR search: reading queries."""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from praxisd.model.fhir import FhirError, parse_instant
from praxisd.model.fhir_parameters import PARAMETERS
from praxisd.model.fhir_search import (
    Include,
    SearchQuery,
    instant_bounds,
    parse_prefer,
    parse_search,
    reference_ids,
    window,
)
from praxisd.model.fhir_search_values import DateRange, Ref, Token
from praxisd.model.fhir_shapes import SHAPES

BERLIN = ZoneInfo("Europe/Berlin")
BASE = "https://praxis.example/fhir/R4"
NOW = int(datetime(2026, 11, 22, 12, tzinfo=BERLIN).timestamp())


def search(resource: str, query: str, **options: Any) -> SearchQuery:
    return parse_search(
        parse_qsl(query, keep_blank_values=True), resource, BERLIN, now=NOW, base=BASE, **options
    )


def values(resource: str, query: str) -> list[Any]:
    return [value for param in search(resource, query).params for value in param.values]


def epoch(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=BERLIN).timestamp())  # type: ignore[arg-type,misc]


def test_tokens() -> None:
    assert values("Slot", "status=free,busy") == [Token(None, "free"), Token(None, "busy")]
    assert values("Slot", "service-type=http://s%7C124") == [Token("http://s", "124")]
    assert values("Slot", "service-type=%7C124,http://s%7C") == [Token("", "124"), Token("http://s", None)]
    assert values("Slot", r"service-type=a\,b\|c\\d") == [Token(None, r"a,b|c\d")]
    for wrong in ("service-type=%7C", "service-type=a%7Cb%7Cc"):
        with pytest.raises(FhirError, match=r"fhir\.search_value"):
            search("Slot", wrong)


def test_references() -> None:
    def one(text: str) -> Any:
        return values("Slot", f"schedule={text}")[0]

    assert one("Schedule/x") == one("x") == one(f"{BASE}/Schedule/x") == Ref("Schedule", "x", None)
    assert one("Schedule/x/_history/3") == Ref("Schedule", "x", None)
    assert one("https://other/fhir/Schedule/x") == Ref(None, None, "https://other/fhir/Schedule/x")
    assert one("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0").id is None
    assert values("Schedule", "actor=p1") == [Ref(None, "p1", None)]
    assert values("Schedule", "actor:Practitioner=p1") == [Ref("Practitioner", "p1", None)]
    typed = search("Schedule", "actor:Practitioner=p1").params[0]
    assert typed.target == "Practitioner" and typed.modifier is None
    assert reference_ids(
        search("Slot", "schedule=a,Schedule/b,https://other/Schedule/c").params[0], "Schedule"
    ) == {
        "a",
        "b",
    }
    for wrong in ("schedule=a_b", "schedule=Schedule/"):
        with pytest.raises(FhirError, match=r"fhir\.search_value"):
            search("Slot", wrong)
    with pytest.raises(FhirError, match=r"fhir\.search_modifier"):
        search("Schedule", "actor:Device=p1")


def test_dates() -> None:
    day = (epoch(2026, 11, 23), epoch(2026, 11, 24))
    assert values("Slot", "start=2026-11-23") == [DateRange("eq", *day)]
    assert values("Slot", "start=ge2026-11") == [DateRange("ge", epoch(2026, 11, 1), epoch(2026, 12, 1))]
    moment = parse_instant("2026-11-23T09:00:00+01:00")
    for text in ("2026-11-23T09:00:00%2B01:00", "2026-11-23T09:00:00+01:00", "2026-11-23T08:00:00.5Z"):
        assert values("Slot", f"start=gt{text}") == [DateRange("gt", moment, moment + 1)]
    assert values("Slot", "start=2026-11-23T08:00Z") == [DateRange("eq", moment, moment + 60)]
    about = values("Slot", "start=ap2026-11-23")[0]
    assert about.start == day[0] - (day[1] - NOW) // 10 and about.end == day[1] + (day[1] - NOW) // 10
    for wrong in (
        "2026-11-23T09:00:00",
        "2026-11-23T09:00",
        "2026-02-30",
        "xx2026",
        "ge",
        "2026-11-23T25:00:00Z",
    ):
        with pytest.raises(FhirError, match=r"fhir\.search_value"):
            search("Slot", f"start={wrong}")


def test_windows_for_columns_of_seconds() -> None:
    def bounds(prefix: str) -> Any:
        return instant_bounds(values("Slot", f"start={prefix}2026-11-23")[0])

    low, high = epoch(2026, 11, 23), epoch(2026, 11, 24)
    assert bounds("") == (low, high) and bounds("ne") is None
    assert bounds("ge") == (low, None) and bounds("gt") == bounds("sa") == (high, None)
    assert bounds("lt") == bounds("eb") == (None, low) and bounds("le") == (None, high)
    both = search("Slot", "start=ge2026-11-23&start=lt2026-11-25&start=lt2026-12-01")
    assert window(both, "start") == (low, epoch(2026, 11, 25))
    assert window(search("Slot", "start=ge2026-11-23,lt2026-11-01&start=ne2026"), "start") == (None, None)
    assert window(search("Slot", "start=2026-11-23"), "start") == (low, high)


def test_control_parameters() -> None:
    query = search(
        "Slot",
        "_count=20&_total=accurate&_summary=false&_elements=status,start&_format=json&_cursor=abc&_sort=-start,status",
    )
    assert (query.count, query.total, query.summary, query.format, query.cursor) == (
        20,
        "accurate",
        "false",
        "json",
        "abc",
    )
    assert query.elements == ("status", "start") and query.sort == (("start", True), ("status", False))
    assert search("Slot", "_count=0").count == 0
    for wrong in (
        "_count=-1",
        "_count=x",
        "_count=1.5",
        "_total=yes",
        "_summary=maybe",
        "_count=99999999999",
    ):
        with pytest.raises(FhirError, match=r"fhir\.search_value"):
            search("Slot", wrong)


def test_includes() -> None:
    query = search(
        "Slot", "_include=Slot:schedule&_revinclude=Appointment:slot&_include:iterate=Schedule:actor:Location"
    )
    assert query.includes == (Include("Slot", "schedule"), Include("Schedule", "actor", "Location", True))
    assert query.revincludes == (Include("Appointment", "slot"),)
    wrong = (
        "_include=Slot:foo&_include=*&_include=Schedule:actor&_revinclude=Schedule:actor&_include=Slot:status"
    )
    unknown = search("Slot", wrong)
    assert unknown.unknown == ("_include", "_include", "_include", "_revinclude", "_include")
    assert not unknown.includes and not unknown.revincludes and not unknown.used


def test_unknown_parameters() -> None:
    query = search(
        "Slot", "foo=1&status=free&_has:x=1&_sort=foo&status=&schedule.foo=1&schedule.actor:Patient.foo=x"
    )
    assert query.unknown == ("foo", "_has:x", "_sort", "schedule.foo", "schedule.actor:Patient.foo")
    assert [param.name for param in query.params] == ["status"]
    assert query.used == (("status", "free"),)
    assert query.link(f"{BASE}/Slot") == f"{BASE}/Slot?status=free"
    with pytest.raises(FhirError) as caught:
        search("Slot", "foo=1", strict=True)
    assert (caught.value.code, caught.value.path) == ("fhir.unknown_parameter", "foo")
    limited = search("Slot", "status=free&start=2026", supported={"status"})
    assert limited.unknown == ("start",)


def test_modifiers() -> None:
    assert search("Slot", "service-type:not=124").params[0].modifier == "not"
    assert search("HealthcareService", "name:contains=x").params[0].modifier == "contains"
    assert search("Slot", "service-type:missing=true").params[0].missing is True
    for wrong in ("status:exact=x", "start:not=2026", "service-type:below=x", "schedule:identifier=x"):
        with pytest.raises(FhirError, match=r"fhir\.search_modifier"):
            search("Slot", wrong)
    with pytest.raises(FhirError, match=r"fhir\.search_value"):
        search("Slot", "status:missing=yes")


def test_links_repeat_only_what_was_understood() -> None:
    query = search(
        "Slot", "foo=1&schedule=Schedule/1&start=ge2026-11-23T09:00:00%2B01:00&_count=5&_cursor=old"
    )
    link = query.link(f"{BASE}/Slot", "next")
    assert (
        link
        == f"{BASE}/Slot?schedule=Schedule%2F1&start=ge2026-11-23T09%3A00%3A00%2B01%3A00&_count=5&_cursor=next"
    )
    assert "_cursor=old" in query.link(f"{BASE}/Slot")
    assert search("Slot", "").link(f"{BASE}/Slot") == f"{BASE}/Slot"


def test_limits() -> None:
    with pytest.raises(FhirError, match=r"fhir\.search_value"):
        parse_search([("status", "free")] * 101, "Slot", BERLIN, now=NOW)
    with pytest.raises(FhirError, match=r"fhir\.search_value"):
        search("Slot", "_id=" + ",".join(map(str, range(501))))
    with pytest.raises(FhirError, match=r"fhir\.search_value"):
        search("Slot", "service-type=" + "x" * 2001)


def test_prefer() -> None:
    assert parse_prefer(None).strict is False
    prefer = parse_prefer('respond-async, handling=strict; x=y, return="minimal"')
    assert prefer.strict and prefer.respond_async and prefer.returning == "minimal"
    assert not parse_prefer("handling=lenient").strict


def test_chains_that_are_refused() -> None:
    for wrong in ("schedule.actor.name=x", "status.name=x", "schedule.actor:Patient.link.link.name=x"):
        with pytest.raises(FhirError, match=r"fhir\.search_value"):
            search("Slot", wrong)
    with pytest.raises(FhirError, match=r"fhir\.search_modifier"):
        search("Slot", "schedule.actor:Device.name=x")
    assert search("Slot", "schedule.service-type=x").params[0].target == "Schedule"


def test_every_declared_path_exists_in_the_structs() -> None:
    for resource, table in PARAMETERS.items():
        for name, known in table.items():
            paths = [known.paths[0]] if known.kind == "composite" else known.paths
            for path in paths:
                shape = SHAPES[resource]
                for step in path.split("."):
                    assert step in shape.fields, f"{resource}?{name}: {path}"
                    shape = shape.fields[step].shape or shape
            assert set(known.targets) <= SHAPES.keys(), f"{resource}?{name}"
