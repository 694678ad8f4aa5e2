"""CSV and FHIR against the contract of formats, and what is theirs alone: encodings, dates, headings, entries."""

import io
import json
from datetime import date

import pytest

from praxisd.model.exchange import TakenAppointment, TakenMedication, TakenPatient, TakenRisk, TakenTreatment
from praxisd.model.people import Address, Contact, Identifier
from praxisd.services.exchange import formats
from praxisd.services.exchange.format import Found, Left, Read, ReadOptions, Warning_, WriteOptions, nothing
from praxisd.services.exchange.formats import csv_dates, csv_guess, csv_words
from praxisd.testing.format_suite import FormatSuite, Sample

TODAY = date(2026, 11, 28)
PEOPLE = (
    TakenPatient(
        source_id="00017", family="Müller", given="Anna Maria", prefix="Dr.", birth_date="1980-05-17", gender="female",
        telecom=(
            Contact(system="phone", use="mobile", value="+49 171 2345678"), Contact(system="phone", value="030 1234567"),
            Contact(system="email", value="anna@example.org"),
        ),
        address=(Address(line=("Weg 1",), postal_code="01067", city="Dresden"),),
        identifiers=(Identifier(system="http://fhir.de/sid/gkv/kvid-10", value="A123456780"),), language="de",
    ),
    TakenPatient(source_id="18", family="Özdemir; \"der Ältere\"", given="Çağla", birth_date="1990"),
    TakenPatient(source_id="19", family="Groß", birth_date="1951-02", active=False, deceased=date(2020, 1, 2)),
    TakenPatient(source_id="20", family="=SUMME(A1)", given="'-x"),
    TakenPatient(source_id="21/Ä", family="Schräg"),
)  # fmt: skip
PILLS = (
    TakenMedication(
        source_id="m1", patient="17", text="Ibuprofen Muster 400 mg", pzn="00000017", atc="M01AE01", dosage="1-0-1",
        since="2026-01", until="2026-03-04", status="completed", note="nach Bedarf",
    ),
    TakenMedication(source_id="m2", patient="17", text="Tropfen", status="unknown"),
)  # fmt: skip
ALL = (
    *PEOPLE,
    TakenTreatment(
        source_id="t1", patient="18", mandator="LIC-1", opened=date(2026, 1, 2), closed=date(2026, 2, 3)
    ),
    TakenTreatment(source_id="t2", patient="18", opened=date(2026, 1, 2)),
    *PILLS,
    TakenRisk(source_id="r1", patient="18", text="Penicillin", since="2010"),
    TakenRisk(source_id="r2", patient="21/Ä", text="Latex"),
)


class TestCsvPeople(FormatSuite):
    @pytest.fixture
    def sample(self) -> Sample:
        return Sample("csv", PEOPLE, ReadOptions(today=TODAY))


class TestCsvInAnOldEncoding(FormatSuite):
    @pytest.fixture
    def sample(self) -> Sample:
        people = tuple(one for one in PEOPLE if "ğ" not in one.given)
        return Sample("csv", people, ReadOptions(today=TODAY), WriteOptions(encoding="cp1252", delimiter=","))


class TestCsvPills(FormatSuite):
    @pytest.fixture
    def sample(self) -> Sample:
        pills = tuple(
            TakenMedication(
                patient=one.patient, text=one.text, pzn=one.pzn, dosage=one.dosage, since=one.since
            )
            for one in PILLS
        )
        return Sample("csv", pills, ReadOptions(today=TODAY, what="medication"))


class TestCsvAppointments(FormatSuite):
    @pytest.fixture
    def sample(self) -> Sample:
        some = (
            TakenAppointment(
                patient="17", start="2026-12-01T09:30", minutes=30, schedule="Dr. 1", service="Kontrolle"
            ),
            TakenAppointment(patient="18", start="2026-12-02T14:00", note="bringt Bilder mit"),
        )
        return Sample("csv", some, ReadOptions(today=TODAY, what="appointment"))


class TestBundle(FormatSuite):
    @pytest.fixture
    def sample(self) -> Sample:
        return Sample("fhir-bundle", ALL)


class TestLines(FormatSuite):
    @pytest.fixture
    def sample(self) -> Sample:
        return Sample("fhir-ndjson", ALL)


def told(text: str | bytes, name: str = "csv", **options: object) -> list[Read]:
    data = text if isinstance(text, bytes) else text.encode()
    given = ReadOptions(today=TODAY, **options)  # type: ignore[arg-type]
    return list(formats.get(name).read(io.BytesIO(data), given, nothing))


def codes(found: list[Read]) -> list[str]:
    return [one.code for one in found if isinstance(one, Warning_)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "cp850", "mac_roman"])
def test_german_names_are_read_in_every_encoding(encoding: str) -> None:
    rows = "PatNr;Nachname;Vorname\r\n1;Müller;Jörg\r\n2;Weiß;Änne\r\n3;Böhm;Überta\r\n4;Größer;Süß\r\n"
    found = [one.claim for one in told(rows.encode(encoding)) if isinstance(one, Found)]
    assert [(one.family, one.given) for one in found if isinstance(one, TakenPatient)] == [
        ("Müller", "Jörg"), ("Weiß", "Änne"), ("Böhm", "Überta"), ("Größer", "Süß")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "order", "century", "found"),
    [
        ("17.05.1980", None, None, ("1980-05-17", "")),
        ("1980-05-17", None, None, ("1980-05-17", "")),
        ("19800517", None, None, ("1980-05-17", "")),
        ("17051980", None, None, ("1980-05-17", "")),
        ("03/04/1980", None, None, (None, csv_dates.AMBIGUOUS)),
        ("03/04/1980", "mdy", None, ("1980-03-04", "")),
        ("03/03/1980", None, None, ("1980-03-03", "")),
        ("01/02/03", "ymd", 30, ("2001-02-03", "")),
        ("17.05.80", None, None, ("1980-05-17", "")),
        ("17.05.25", None, None, (None, csv_dates.SHORT)),
        ("17.05.25", None, 20, ("1925-05-17", "")),
        ("17.05.25", None, 26, ("2025-05-17", "")),
        ("31.02.1980", None, None, (None, csv_dates.INVALID)),
        ("00.05.1980", None, None, ("1980-05", "")),
        ("1980", None, None, ("1980", "")),
        ("05.1980", None, None, ("1980-05", "")),
        ("00.00.0000", None, None, (None, "")),
        ("gestern", None, None, (None, csv_dates.INVALID)),
    ],
)
def test_dates_are_read_and_never_guessed(
    text: str, order: str, century: int, found: tuple[str, str]
) -> None:
    assert csv_dates.read(text, order, century, TODAY) == found


def test_the_order_of_a_columns_dates_is_found_or_asked_for() -> None:
    assert csv_guess.dates(["03/04/1980", "17/05/1980"]) == csv_guess.Dates("dmy", False)
    assert csv_guess.dates(["03/04/1980", "05/17/1980"]) == csv_guess.Dates("mdy", False)
    assert csv_guess.dates(["03/04/1980"]) == csv_guess.Dates(None, True, False, "03/04/1980")
    assert csv_guess.dates(["17/05/1980", "05/17/1980"]) == csv_guess.Dates(None, True, True, "")
    assert csv_guess.dates(["Berlin", ""]) is None


@pytest.mark.parametrize(
    ("heading", "field"),
    [("Patienten-Nr.", "sourceId"), ("Geb.Datum", "birthDate"), ("Straße / Hausnummer", "street"), ("E-Mail-Adresse", "email"),
     ("Tel. privat", "phone"), ("PLZ", "postalCode"), ("Farbe", None)],
)  # fmt: skip
def test_headings_of_practices_are_known(heading: str, field: str | None) -> None:
    found = csv_words.guess(heading, "patient")
    assert (found.field if found else None) == field


def test_damage_by_a_spreadsheet_is_named_and_not_mended() -> None:
    found = told("PatNr;Nachname;Telefon;PLZ\n1;Adler;4,91712E+11;1067\n")
    assert codes(found) == ["exchange.csv_number_damaged", "exchange.csv_zip_short"]
    (one,) = [one.claim for one in found if isinstance(one, Found)]
    assert isinstance(one, TakenPatient)
    assert one.telecom == ()
    assert one.address[0].postal_code == "1067"


def test_a_quotation_mark_nobody_closes_costs_its_row_and_no_more_memory() -> None:
    rows = 'PatNr;Nachname\n1;Adler\n2;"Bauer\n' + "".join(f"{n};Name\n" for n in range(30_000))
    found = told(rows)
    assert "exchange.csv_quote_open" in codes(found)
    assert len([one for one in found if isinstance(one, Found)]) > 1


def test_resources_without_a_record_are_counted_by_type() -> None:
    bundle = {
        "resourceType": "Bundle", "type": "collection",
        "entry": [
            {"fullUrl": "urn:uuid:4f6a", "resource": {"resourceType": "Patient", "name": [{"family": "Adler"}]}},
            {"resource": {
                "resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
            }},
            {"resource": {
                "resourceType": "Flag", "id": "f", "status": "active", "code": {"text": "Latex"},
                "subject": {"reference": "urn:uuid:4f6a"},
            }},
            {"resource": {"resourceType": "Patient", "gender": "rot"}},
        ],
    }  # fmt: skip
    found = told(json.dumps(bundle), "fhir-bundle")
    assert [(one.claim.source_id, type(one.claim).__name__) for one in found if isinstance(one, Found)] == [
        ("4f6a", "TakenPatient"), ("f", "TakenRisk")
    ]  # fmt: skip
    assert [
        one.claim.patient for one in found if isinstance(one, Found) and isinstance(one.claim, TakenRisk)
    ] == ["4f6a"]
    assert [one.what for one in found if isinstance(one, Left)] == ["Observation"]
    assert codes(found) == ["exchange.fhir_invalid"]
