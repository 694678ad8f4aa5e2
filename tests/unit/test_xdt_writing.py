"""xDT written exactly: lengths, 8100, charset; write, read, write gives the same bytes; nothing is lost on the way."""

import io
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.model.exchange import Taken, TakenMedication, TakenPatient, TakenRisk
from praxisd.model.people import Address, Contact, Identifier
from praxisd.services.exchange.format import Found, Left, ReadOptions, Warning_, WriteOptions, nothing
from praxisd.services.exchange.formats import xdt_charset, xdt_writing
from praxisd.services.exchange.formats.xdt_format import FORMAT
from praxisd.services.exchange.formats.xdt_lines import lines
from praxisd.services.exchange.formats.xdt_people import INSURED, KVID
from praxisd.services.exchange.formats.xdt_records import Record, records
from praxisd.services.exchange.formats.xdt_words import CODES, Line, Notice

WHO = TakenPatient(
    source_id="0042", family="Müller", given="Änne Rosa", prefix="Dr.", birth_date="1972-05-13", gender="female",
    address=(Address(line=("Große Gasse 3",), postal_code="12345", city="Bad Köstritz", country="DE"),),
    telecom=(Contact(system="phone", value="0365 1234"), Contact(system="phone", use="mobile", value="0171 1"),
             Contact(system="email", value="a@example.org")),
    identifiers=(Identifier(system=KVID, value="A123456789"), Identifier(system=INSURED, value="4711")), language="de",
)  # fmt: skip


def write(said: list[Taken], **options: object) -> tuple[bytes, dict[str, int]]:
    stream = io.BytesIO()
    written = FORMAT.write(said, stream, WriteOptions(**options))  # type: ignore[arg-type]
    return stream.getvalue(), written.left


def read(data: bytes) -> tuple[list[Taken], list[Warning_ | Left]]:
    found = list(FORMAT.read(io.BytesIO(data), ReadOptions(), nothing))
    return [one.claim for one in found if isinstance(one, Found)], [
        one for one in found if not isinstance(one, Found)
    ]


def test_each_byte() -> None:
    """A whole file as it has to be."""
    data, left = write(
        [TakenPatient(source_id="7", family="Weiß", birth_date="1972-05")], today=date(2026, 11, 28)
    )
    assert left == {}
    assert data == (
        b"01380000020\r\n014810000054\r\n017910328112026\r\n01091063\r\n"
        b"01380000022\r\n014810000041\r\n014921302/94\r\n"
        b"01380006100\r\n014810000067\r\n01030007\r\n0133101Wei\xdf\r\n017310300051972\r\n"
        b"01380000023\r\n014810000044\r\n017920200000152\r\n"
        b"01380000021\r\n014810000027\r\n"
    )


@pytest.mark.parametrize("variant", ["bdt", "gdt"])
@pytest.mark.parametrize("charset", ["cp437", "cp1252", "iso8859-15", "utf-8", "7bit"])
def test_there_and_back(charset: str, variant: str) -> None:
    """Everything a person tells is read again, without a warning, and written again to the same bytes."""
    said: list[Taken] = [WHO, TakenPatient(source_id="7", family="Kern", gender="male")]
    if charset == "7bit":  # which has no at sign
        said = [TakenPatient(source_id="0042", family="Müller", given="Änne")]
    if variant == "bdt":
        said[1:1] = [
            TakenMedication(patient="0042", text="Muster-Gel"),
            TakenRisk(patient="0042", text="Latex"),
        ]
    data, left = write(said, encoding=charset, variant=variant, receiver="EKG01", sender="PRAXISD")
    assert left == {}
    again, odd = read(data)
    assert odd == []
    assert again == said
    assert write(again, encoding=charset, variant=variant, receiver="EKG01", sender="PRAXISD")[0] == data


def test_medication_apart_from_its_person() -> None:
    """What is about a person may come later: it goes by number."""
    said: list[Taken] = [
        WHO,
        TakenPatient(source_id="7", family="Kern"),
        TakenRisk(patient="0042", text="Latex"),
    ]
    again, odd = read(write(said)[0])
    assert again == said and odd == []


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (TakenPatient(source_id="1", family="Łukasz"), "3101"),
        (TakenPatient(source_id="1", family="A", given="x" * 991), "3102"),
        (TakenPatient(source_id="1", family="A\nB"), "3101"),
        (TakenRisk(patient="1", text="Zeile\r\nZeile"), "3656"),
        (TakenMedication(patient="1", text="α-Blocker"), "3652"),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_field(said: Taken, field: str) -> None:
    """Neither cut off nor replaced; and the refusal does not tell the content."""
    with pytest.raises(Problem) as refused:
        write([said], encoding="cp1252")
    assert (refused.value.code, refused.value.params["field"]) == ("exchange.cannot_say", field)
    assert set(refused.value.params) == {"field", "encoding"}


def test_charset_that_has_no_code_is_refused() -> None:
    """CP850 can be read, not declared: so it is not written."""
    with pytest.raises(Problem):
        write([WHO], encoding="cp850")


def test_what_xdt_has_no_field_for_is_counted() -> None:
    """Left out is named."""
    who = TakenPatient(
        source_id="1", family="A", note="x", active=False, deceased=date(2020, 1, 1), language="fa",
        telecom=(Contact(system="fax", value="1"), Contact(system="phone", value="2", use="work")),
        address=(Address(line=("A", "B"), use="home"), Address(city="C")),
        identifiers=(Identifier(system="urn:x", value="1"),),
    )  # fmt: skip
    _, left = write([who, TakenMedication(patient="1", text="M", pzn="1", status="active")])
    assert left == dict.fromkeys((
        "patient.note", "patient.active", "patient.deceased", "patient.language", "patient.telecom", "patient.telecom.use",
        "patient.address.line", "patient.address.use", "patient.address", "patient.identifiers", "medication.pzn",
        "medication.status",
    ), 1)  # fmt: skip


def test_long_records_say_their_length() -> None:
    """Where five digits do not do, 8100 gets more, and counts them."""
    body = xdt_writing.line("6220", b"x" * 990) * 101
    data = xdt_writing.framed("6200", body)
    assert data[13:28] == b"0158100%06d\r\n" % len(data)


TEXT = st.text(st.characters(codec="cp1252", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=60)
NAMES = (
    "Müller",
    "Jäger",
    "Groß",
    "Meier",
    "von",
    "Öztürk",
    "Süß",
    "Ärmel",
    "André",
    "O'Neil",
    "Weg 3",
    "(a)",
    "ÜBEL",
    "x",
)
"""Words as they occur: what looks like no language may be taken for another charset."""
WORD = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(" ".join)
FIELD = (
    st.integers(1, 9999)
    .map(lambda number: f"{number:04d}")
    .filter(lambda field: field not in ("8000", "8100", "8002", "8003", "8200", "8201"))
)
KINDS = st.sampled_from(["6100", "6200", "6310", "0020"])
RECORDS = st.lists(st.tuples(KINDS, st.lists(st.tuples(FIELD, TEXT), max_size=8)), min_size=1, max_size=5)


@settings(max_examples=300, deadline=None)
@given(said=RECORDS, charset=st.sampled_from([name for name in CODES if name != "din66003"]))
def test_lines_go_round(said: list[tuple[str, list[tuple[str, str]]]], charset: str) -> None:
    """Whatever stands in the fields: read again it is the same, without any notice, and written again the same bytes."""
    try:
        data = b"".join(xdt_writing.record(kind, fields, charset) for kind, fields in said)
    except Problem as problem:
        assert problem.code == "exchange.cannot_say"
        return
    found = list(records(lines(io.BytesIO(data))))
    assert [one for one in found if isinstance(one, Notice)] == []
    again = [one for one in found if isinstance(one, Record)]
    assert [
        (one.kind, [(line.field, xdt_charset.decode(line.content, charset)) for line in one.lines])
        for one in again
    ] == said
    out = io.BytesIO()
    xdt_writing.rewrite(again, out)
    assert out.getvalue() == data


@settings(max_examples=300, deadline=None)
@given(data=st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([
    b"01380006100\r\n", b"0133000", b"3101", b"\r\n", b"\n", b"014", b"\x00", b"0998100", b"8000", b"0098002\r\n",
]))).map(b"".join))  # fmt: skip
def test_nothing_breaks_the_reader(data: bytes) -> None:
    """Any bytes: no exception, and no byte of a content is made up or lost without a word."""
    found = list(lines(io.BytesIO(data)))
    contents = [one.content for one in found if isinstance(one, Line)]
    assert all(part in data for content in contents for part in content.split(b"\n"))
    list(records(iter(found)))


WHOLE = st.builds(
    TakenPatient,
    source_id=st.integers(1, 10**9).map(str), family=WORD, given=WORD, prefix=st.none() | WORD,
    birth_date=st.none() | st.dates(date(1900, 1, 1), date(2026, 1, 1)).map(str) | st.just("1980") | st.just("1980-05"),
    gender=st.sampled_from([None, "male", "female", "other", "unknown"]),
    telecom=st.lists(WORD.map(lambda text: Contact(system="phone", value=text)), max_size=2).map(tuple),
    address=st.just(()) | st.builds(
        lambda line, city: (Address(line=(line,), postal_code="12345", city=city),), WORD, WORD),
    language=st.sampled_from([None, "de", "fr"]),
)  # fmt: skip
THEIRS = st.lists(st.tuples(st.sampled_from([TakenMedication, TakenRisk]), WORD), max_size=3)


@settings(max_examples=200, deadline=None)
@given(people=st.lists(st.tuples(WHOLE, THEIRS), max_size=4, unique_by=lambda one: one[0].source_id))
def test_persons_go_round(people: list[tuple[TakenPatient, list[tuple[type, str]]]]) -> None:
    """Persons, their medication and risks: written, read and written again, nothing changes and nothing is odd."""
    said: list[Taken] = []
    for who, theirs in people:
        said += [who, *(kind(patient=who.source_id, text=text) for kind, text in theirs)]
    data, left = write(said)
    assert left == {}
    again, odd = read(data)
    assert odd == []
    assert again == said
    assert write(again)[0] == data
