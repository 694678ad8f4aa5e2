"""Statements as MedicationStatement and back: nothing our fields say is lost or made up, whatever else came along."""

from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from praxisd.model.fhir_shapes import dump_json
from praxisd.model.fhir_validation import check
from praxisd.model.fhir_xml import to_xml
from praxisd.model.fhir_xml_reading import parse_xml
from praxisd.model.statement import FromSet, Statement
from praxisd.services.medication.fhir_shapes import UNCHECKED, Told, read, shown, slim

HERE = ZoneInfo("Europe/Berlin")
text = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=20)
day = st.none() | st.dates().map(str) | st.sampled_from(["1998", "2026-03", "2026-11-20"])
statements = st.builds(
    Statement,
    id=st.just("s1"),
    version=st.integers(1, 9),
    patient=st.sampled_from(["p1", "p2"]),
    text=text,
    product=st.none() | st.sampled_from(["s-ibuprofen", "s-warfarin"]),
    pzn=st.none() | st.just("00000017"),
    atc=st.none() | st.just("M01AE01"),
    from_set=st.none() | st.just(FromSet(element="medication", version="2026-11-01")),
    status=st.sampled_from(["active", "completed", "stopped", "on-hold", "unknown", "not-taken"]),
    dosage=st.none() | text,
    since=day,
    until=day,
    as_needed=st.booleans(),
    note=st.none() | text,
    recorded_at=st.integers(1_600_000_000, 1_900_000_000),
)
more = st.fixed_dictionaries(
    {},
    optional={
        "identifier": st.just([{"value": "M-1"}]),
        "reasonCode": st.just([{"text": "Husten"}]),
        "dateAsserted": st.sampled_from(["2026", "2026-03-04T10:00:00+01:00"]),
        "dosage": st.just([{"text": "morgens", "sequence": 1}, {"text": "abends"}]),
        "note": st.just([{"text": "eins"}, {"text": "zwei", "time": "2026"}]),
        "effectiveDateTime": st.sampled_from(["2026-03", "2026-03-04T23:30:00Z"]),
        "extension": st.just([{"url": "https://example.org/x", "valueBoolean": True}]),
    },
)


def fields(told: Told) -> dict:
    kept = {**told._asdict(), "extra": None}
    del kept["source"]
    return kept


def of(one: Statement) -> dict:
    kept = {name: getattr(one, name) for name in Told._fields}
    del kept["source"]
    return kept | {"extra": None}


@given(statements)
def test_what_the_fields_say_is_what_is_read(one):
    resource = shown(one, HERE)
    check(resource, "MedicationStatement")
    assert parse_xml(to_xml(resource)) == resource
    told = read(resource, HERE)
    wanted = of(one)
    assert fields(told) == wanted
    assert any(e["url"] == UNCHECKED for e in resource.get("extension", ())) is (one.product is None)
    again = slim(msgspec.structs.replace(one, extra=told.extra), HERE)
    assert again == one, "what we wrote and got back is nothing new"


@given(statements, more)
def test_what_else_came_goes_out_again(one, extra):
    base = shown(
        msgspec.structs.replace(one, since=None, until=None, dosage=None, as_needed=False, note=None), HERE
    )
    resource = {**base, **extra}
    if one.product is None:
        resource["extension"] = [*base["extension"], *extra.get("extension", ())]
    told = read(resource, HERE)
    kept = slim(msgspec.structs.replace(one, **told._asdict(), version=1), HERE)
    out = shown(kept, HERE)
    for name, value in extra.items():
        if name == "extension":
            assert all(e in out[name] for e in value)
        else:
            assert out[name] == value, name
    assert fields(read(out, HERE)) == fields(told)


@given(statements, more, st.text(min_size=1, max_size=5, alphabet="abc"))
def test_what_people_change_is_never_contradicted_by_what_came(one, extra, word):
    told = read({**shown(one, HERE), **extra}, HERE)
    came = msgspec.structs.replace(one, **told._asdict())
    changed = msgspec.structs.replace(came, dosage=word, note=word, since="2001", until="2002-02")
    out = read(shown(changed, HERE), HERE)
    assert (out.dosage, out.note, out.since, out.until) == (word, word, "2001", "2002-02")


def test_a_stored_extra_that_says_nothing_is_none():
    one = Statement(
        patient="p1", text="Tee", extra=dump_json({"medicationCodeableConcept": {"text": "Tee"}}).decode()
    )
    assert slim(one, HERE).extra is UNSET
