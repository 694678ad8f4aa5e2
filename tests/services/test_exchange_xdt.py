"""xDT keeps the contract of formats, as BDT and as GDT, in each charset it declares."""

from datetime import date

import pytest

from praxisd.model.exchange import Taken, TakenMedication, TakenPatient, TakenRisk
from praxisd.model.people import Address, Contact, Identifier
from praxisd.services.exchange import formats
from praxisd.services.exchange.format import WriteOptions
from praxisd.services.exchange.formats.xdt_people import INSURED, KVID
from praxisd.testing.format_suite import FormatSuite, Sample

PEOPLE: tuple[Taken, ...] = (
    TakenPatient(
        source_id="00017", family="von Müller", given="Anna Maria", prefix="Dr.", birth_date="1980-05-17", gender="female",
        telecom=(
            Contact(system="phone", use="mobile", value="+49 171 2345678"), Contact(system="phone", value="030 1234567"),
            Contact(system="email", value="anna@example.org"),
        ),
        address=(Address(line=("Große Gasse 1",), postal_code="01067", city="Köln", country="DE"),),
        identifiers=(Identifier(system=KVID, value="A123456780"), Identifier(system=INSURED, value="4711")),
        language="de",
    ),
    TakenPatient(source_id="18", family="Özdemir", given="Änne", birth_date="1990", gender="other"),
    TakenPatient(source_id="19", family="Groß", birth_date="1951-02", gender="unknown"),
)  # fmt: skip
THEIRS: tuple[Taken, ...] = (
    TakenMedication(patient="18", text="Ibuprofen Muster 400 mg, 1-0-1"),
    TakenMedication(patient="18", text="Tropfen"),
    TakenRisk(patient="18", text="Penicillin"),
)


class TestBdt(FormatSuite):
    @pytest.fixture
    def sample(self) -> Sample:
        people = (PEOPLE[0], PEOPLE[1], *THEIRS, PEOPLE[2])
        return Sample("xdt", people, write=WriteOptions(today=date(2026, 11, 28), sender="PRAXISD"))


class Short(FormatSuite):
    """How a file is written changes nothing in how much of it is held: that is measured once, above."""

    test_a_long_file_costs_no_memory = None  # type: ignore[assignment]


class TestBdtOfDos(Short):
    @pytest.fixture
    def sample(self) -> Sample:
        return Sample("xdt", PEOPLE, write=WriteOptions(encoding="cp437"))


class TestBdtInUnicode(Short):
    @pytest.fixture
    def sample(self) -> Sample:
        return Sample(
            "xdt",
            (*PEOPLE, TakenPatient(source_id="20", family="Łukasz")),
            write=WriteOptions(encoding="utf-8"),
        )


class TestGdt(Short):
    @pytest.fixture
    def sample(self) -> Sample:
        return Sample("xdt", PEOPLE, write=WriteOptions(variant="gdt", receiver="EKG1", sender="PRAXISD"))


def test_it_is_called_by_its_names() -> None:
    """What people call it."""
    assert formats.get("bdt") is formats.get("gdt") is formats.get("xdt")
