"""Files of xDT built to break readers: each gives exactly the persons and the warnings that are expected."""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from praxisd.kernel.errors import Problem
from praxisd.model.exchange import TakenMedication, TakenPatient, TakenRisk
from praxisd.model.people import Address
from praxisd.services.exchange.format import Found, Left, ReadOptions, Warning_, nothing
from praxisd.services.exchange.formats.xdt_format import FORMAT

MEIER = (("3000", "0042"), ("3101", "Meier"), ("3102", "Rosa"), ("3103", "13051972"), ("3110", "W"))
KERN = (("3000", "77"), ("3101", "Kern"), ("3102", "Udo"), ("3103", "01021950"), ("3110", "1"))


def line(field: str, content: str | bytes, length: int | None = None, end: bytes = b"\r\n") -> bytes:
    """One line; `length` lies, `end` is another line end."""
    data = content.encode("cp1252") if isinstance(content, str) else content
    return b"%03d%s%s%s" % (len(data) + 9 if length is None else length, field.encode(), data, end)


def record(kind: str, *fields: tuple[str, str | bytes], said: int | None = None) -> bytes:
    """A whole record, all right but for what `said` makes of its length."""
    body = b"".join(line(field, content) for field, content in fields)
    return line("8000", kind) + line("8100", f"{len(body) + 13 + 14 if said is None else said:05d}") + body


def read(data: bytes, **options: Any) -> tuple[list[Any], list[tuple[int, str]], dict[str, int]]:
    """(what was found, warnings as (line, code), what was left)."""
    found: list[Any] = []
    warned: list[tuple[int, str]] = []
    left: dict[str, int] = {}
    for one in FORMAT.read(io.BytesIO(data), ReadOptions(**options), nothing):
        if isinstance(one, Found):
            found.append(one.claim)
        elif isinstance(one, Warning_):
            warned.append((one.line, one.code.removeprefix("exchange.xdt_")))
        else:
            left[one.what] = one.times
    return found, warned, left


def names(found: list[Any]) -> list[tuple[str, str]]:
    return [(one.source_id, one.family) for one in found if isinstance(one, TakenPatient)]


def test_good() -> None:
    """A file as it ought to be gives no warning."""
    found, warned, left = read(record("6100", *MEIER) + record("6301", *KERN))
    assert warned == [] and left == {}
    assert found == [
        TakenPatient(
            source_id="0042", family="Meier", given="Rosa", birth_date="1972-05-13", gender="female"
        ),
        TakenPatient(source_id="77", family="Kern", given="Udo", birth_date="1950-02-01", gender="male"),
    ]


def broken() -> Iterator[Any]:
    """(name, file, numbers and family names, warnings)."""
    two = [("0042", "Meier"), ("77", "Kern")]
    good = record("6100", *MEIER)
    both = good + record("6100", *KERN)
    yield "lengths wrong", good.replace(b"0143101", b"0993101") + record("6100", *KERN), two, [(4, "length")]
    yield (
        "length too small",
        good.replace(b"0143101", b"0103101") + record("6100", *KERN),
        two,
        [(4, "length")],
    )
    yield "LF only", both.replace(b"\r\n", b"\n"), two, []
    yield "CR only", both.replace(b"\r\n", b"\r"), two, []
    yield "LF CR", both.replace(b"\r\n", b"\n\r"), two, []
    # Counted without line end, as some programs do: every line lies.
    short = b"".join(line(field, text, len(text) + 7) for field, text in (("8000", "6100"), *MEIER))
    yield (
        "lengths without CR LF",
        short,
        [("0042", "Meier")],
        [
            *((number, "length") for number in (1, 2, 3, 4, 5, 6)),
            (1, "record_length_missing"),
        ],
    )
    glued = good.replace(b"Meier\r\n", b"Meier")
    yield "glued: a line end was lost", glued + record("6100", *KERN), two, [(4, "glued")]
    yield "glued three times", good.replace(b"0042\r\n", b"0042").replace(b"Meier\r\n", b"Meier"), [("0042", "Meier")], [
        (3, "glued"), (3, "glued"),
    ]  # fmt: skip
    lying = glued.replace(b"0143101", b"0503101")
    yield "glued, and its length lies", lying, [("0042", "Meier")], [(4, "glued"), (4, "length")]
    yield (
        "blanks in place of line ends",
        good.replace(b"Meier\r\n", b"Meier  "),
        [("0042", "Meier")],
        [(4, "glued")],
    )
    yield "no line ends at all", both.replace(b"\r\n", b""), two, [(1, "glued")] * 13
    yield (
        "no 8100",
        good.replace(line("8100", "00094"), b""),
        [("0042", "Meier")],
        [(1, "record_length_missing")],
    )
    yield "8100 wrong", record("6100", *MEIER, said=17) + record("6100", *KERN, said=99), two, [
        (1, "record_length"), (8, "record_length"),
    ]  # fmt: skip
    yield (
        "8100 no number",
        good.replace(b"8100", b"8100").replace(b"00094", b"     "),
        [("0042", "Meier")],
        [
            (2, "record_length_unreadable"),
        ],
    )
    yield (
        "8100 of four digits",
        record("6100", *MEIER).replace(b"014810000094", b"01381000093"),
        [("0042", "Meier")],
        [],
    )
    twelve = b"".join(
        b"%012d%s%s\r\n" % (len(text) + 18, field.encode(), text.encode()) for field, text in MEIER
    )
    yield "12 digits of length", twelve, [("0042", "Meier")], [
        (1, "wide_length"), (1, "no_start"), *((number, "wide_length") for number in (2, 3, 4, 5)),
    ]  # fmt: skip
    counted = b"".join(
        b"%05d: " % (number + 1) + text for number, text in enumerate(good.splitlines(keepends=True))
    )
    yield (
        "line numbers in front",
        counted,
        [("0042", "Meier")],
        [(number, "numbered") for number in range(1, 8)],
    )
    close = b"".join(
        b"%06d" % (number + 1) + text for number, text in enumerate(good.splitlines(keepends=True))
    )
    yield (
        "line numbers without a gap",
        close,
        [("0042", "Meier")],
        [(number, "numbered") for number in range(1, 8)],
    )
    lost = good.replace(b"0143101", b"143101").replace(b"0133102", b" 133102")
    yield "zeros lost or blank", lost, [("0042", "Meier")], [(4, "short_head"), (5, "short_head")]
    yield "empty lines", good.replace(b"Meier\r\n", b"Meier\r\n\r\n  \r\n"), [("0042", "Meier")], [
        (5, "empty_line"), (6, "empty_line"),
    ]  # fmt: skip
    yield "^Z and NUL at the end", good + b"\x1a" + b"\x00" * 500, [("0042", "Meier")], [(8, "padding")]
    yield "NULs before the beginning", b"\x00\x00" + good, [("0042", "Meier")], [(1, "padding")]
    yield "BOM", b"\xef\xbb\xbf" + good, [("0042", "Meier")], [(1, "bom")]
    yield (
        "no beginning of a record",
        b"".join(line(*one) for one in MEIER),
        [("0042", "Meier")],
        [(1, "no_start")],
    )
    yield "kind unknown", record("61OO", *MEIER), [("0042", "Meier")], [(1, "record_unknown")]
    yield "a person without 8000", record("6100", *MEIER, *KERN), two, [(8, "person_again")]
    nameless = ("3101", "Kern"), ("3102", "Udo"), ("3103", "01021950")
    yield (
        "a person without 8000 and 3000",
        record("6100", *MEIER, *nameless),
        [("0042", "Meier"), (None, "Kern")],
        [
            (8, "person_again"),
        ],
    )
    yield "order of fields", record("6100", *reversed(MEIER)), [("0042", "Meier")], []
    yield "a field twice", record("6100", *MEIER, ("3102", "Ruth")), [("0042", "Meier")], [(8, "field_again")]
    yield "no name", record("6100", ("3000", "9"), ("3103", "13051972")), [], [(1, "no_name")]
    yield (
        "garbage in between",
        good + b"*** Ende der Seite ***\r\n" + record("6100", *KERN),
        two,
        [(8, "unreadable")],
    )
    yield "cut off in a line", both[:-30], two, [(12, "length"), (8, "record_length")]
    wrapped = record("6100", *MEIER, ("3656", b"Penicillin\r\nund Latex"))
    yield "a line end within a content", wrapped, [("0042", "Meier")], [(8, "broken_line")]
    # 30 says the length; the second half looks like a line of its own.
    telephone = record("6100", *MEIER, ("3656", b"siehe\r\n0123101Meier"))
    yield "a content that looks like a line", telephone, [("0042", "Meier")], [(8, "broken_line")]
    yield (
        "length in characters",
        record("6100", ("3000", "1"), ("3101", "Jäger".encode())).replace(b"0153101", b"0143101"),
        [("1", "Jäger")],
        [(0, "charset_guessed"), (4, "length_characters")],
    )


CASES = list(broken())


@pytest.mark.parametrize(
    ("data", "people", "warnings"), [one[1:] for one in CASES], ids=[one[0] for one in CASES]
)
def test_trap(data: bytes, people: list[Any], warnings: list[Any]) -> None:
    """Exactly these persons, exactly these warnings."""
    found, warned, _ = read(data)
    assert names(found) == people
    assert warned == warnings


def test_wrapped_content_stays_whole() -> None:
    """What a line end tore apart is one text again, and no second person."""
    found, _, _ = read(record("6100", *MEIER, ("3656", b"siehe\r\n0123101Meier")))
    assert [one.text for one in found if isinstance(one, TakenRisk)] == ["siehe\n0123101Meier"]
    assert len(found) == 2


def test_objects_of_gdt_3() -> None:
    """Only the patient's object says who the patient is; broken objects are named."""
    data = record(
        "6310",
        ("8145", "Patient"), ("8002", "Obj_0045"), *MEIER, ("8147", "Person"), ("8002", "Obj_0047"), ("3100", "von"),
        ("8003", "Obj_0047"), ("8003", "Obj_0045"),
        ("8119", "Arzt"), ("8002", "Obj_0014"), ("3101", "Doktor"), ("3102", "Hans"), ("8003", "Obj_0014"),
        ("8002", "Obj_0007"), ("8003", "Obj_0007"), ("8002", "Obj_0017"), ("3564", "x"), ("8003", "Obj_0018"),
        ("8003", "Obj_0001"), ("8200", "Obj_Geraet"), ("8402", "EKG01"),
    )  # fmt: skip
    found, warned, _ = read(data)
    assert names(found) == [("0042", "von Meier")]
    assert [code for _, code in warned] == ["object_empty", "object_other", "object_end", "object_open"]


def test_lab_is_recognised() -> None:
    """A file of LDT brings nobody in, and says what it is."""
    data = (
        record("8220", ("9106", "2"))
        + record("8202", *MEIER, ("8410", "GLU"))
        + record("8221", ("9202", "1"))
    )
    found, warned, left = read(data)
    assert found == [] and warned == [(1, "ldt")]
    assert left == {"8220": 1, "8202": 1, "8221": 1}


def test_what_is_left_is_counted() -> None:
    """Findings are no master data: nothing of them is taken, all of it is named."""
    data = record(
        "6100", *MEIER, ("3652", "Muster-Salbe"), ("3654", "Raucher"), ("3656", "Latex"), ("3650", "X")
    )
    data += record(
        "6200", ("3000", "0042"), ("6200", "01022020"), ("6220", "o.B."), ("6220", "o.B."), ("6205", "Y")
    )
    data += record("0101", ("3000", "0042"), ("3101", "Meier")) + record("0190", ("3000", "0042"))
    found, warned, left = read(data)
    assert warned == []
    assert left == {"3650": 1, "6220": 2, "6205": 1, "0101": 1, "0190": 1}
    assert found[1:] == [
        TakenMedication(patient="0042", text="Muster-Salbe"),
        TakenRisk(patient="0042", text="Raucher"),
        TakenRisk(patient="0042", text="Latex"),
    ]


def test_medication_of_nobody() -> None:
    """Without a number a risk belongs to nobody: it is warned about, counted, and given to no one."""
    found, warned, left = read(record("6100", ("3101", "Meier"), ("3656", "Latex")))
    assert names(found) == [(None, "Meier")] and len(found) == 1
    assert warned == [(4, "no_number")] and left == {"3656": 1}


@pytest.mark.parametrize(
    ("text", "date", "codes"),
    [
        ("13051972", "1972-05-13", []), ("19720513", "1972-05-13", ["date_form"]), ("13.5.1972", "1972-05-13", ["date_form"]),
        ("1972-05-13", "1972-05-13", ["date_form"]), ("00001972", "1972", []), ("00051972", "1972-05", []),
        ("130572", None, ["date_short"]), ("31021972", None, ["date"]), ("00000000", None, []), ("unbek.", None, ["date"]),
        ("13001972", None, ["date"]), ("13051072", None, ["date"]),
    ],
)  # fmt: skip
def test_birth(text: str, date: str | None, codes: list[str]) -> None:
    """A date is read as it is meant, or not at all."""
    found, warned, _ = read(record("6100", ("3000", "1"), ("3101", "Meier"), ("3103", text)))
    assert found[0].birth_date == date
    assert [code for _, code in warned] == codes


def test_addresses_old_and_new() -> None:
    """PLZ and town in one field (GDT 2.1), or in fields of their own."""
    old = record("6301", *MEIER, ("3106", "D-12345 Bad Muster"), ("3107", "Weg 3"))
    new = record(
        "6100", *KERN, ("3112", "8001"), ("3113", "Zürich"), ("3107", "Gasse"), ("3109", "4"), ("3114", "CH")
    )
    found, _, _ = read(old + new)
    assert found[0].address == (
        Address(line=("Weg 3",), postal_code="12345", city="Bad Muster", country="DE"),
    )
    assert found[1].address == (Address(line=("Gasse 4",), postal_code="8001", city="Zürich", country="CH"),)


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, b"Name;Vorname\r\nMeier;Rosa\r\n"]
)
def test_other_files_are_refused(data: bytes) -> None:
    """A picture or a table is no xDT."""
    with pytest.raises(Problem) as refused:
        read(data)
    assert refused.value.code == "exchange.not_this_format"
    assert FORMAT.sniff(data) == 0


def test_empty_and_padding_only() -> None:
    """Nothing in it, nothing out of it."""
    assert read(b"") == ([], [], {})
    assert read(b"\x1a\x00\x00") == ([], [(1, "padding")], {})


def test_left_out_kinds_have_labels() -> None:
    """What is named in the report is named in words."""
    data = record("6200", ("3000", "1"), ("6220", "x"))
    left = [one for one in FORMAT.read(io.BytesIO(data), ReadOptions(), nothing) if isinstance(one, Left)]
    assert left == [Left(1, "6220", "Befund", 1)]
