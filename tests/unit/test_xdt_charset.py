"""German names come out right, whatever the charset is and whatever is declared."""

import io
import random
from collections import Counter

import pytest

from praxisd.services.exchange.format import Found, ReadOptions, Warning_, nothing
from praxisd.services.exchange.formats import xdt_charset
from praxisd.services.exchange.formats.xdt_format import FORMAT
from praxisd.services.exchange.formats.xdt_writing import encoded, line

CHARSETS = ("utf-8", "cp1252", "cp437", "cp850", "iso8859-15", "din66003")
DECLARED = {None: None, "1": "din66003", "2": "cp437", "3": "cp1252", "4": "iso8859-15", "5": "utf-8"}
SETS = {
    "umlauts": ("Müller", "Jäger", "Öztürk", "Bäcker-Süß", "Köhler", "Weiß"),
    "one ü": ("Müller",), "one ß": ("Strauß",), "one Ä": ("Ärmel",), "one Ö": ("Özdemir",), "capitals": ("MÜLLER", "GRÖSSE"),
    "French": ("André", "Léa", "François"), "Hungarian": ("Balázs", "Kálmán"), "Spanish": ("Muñoz",),
    "Portuguese": ("João", "Conceição"), "Nordic": ("Bjørn", "Åse"), "Slavic": ("Tomaš", "Žižek", "Šimic"),
}  # fmt: skip


def file(names: tuple[str, ...], charset: str, declared: str | None = None) -> bytes:
    head = [line("8000", b"6100"), line("8100", b"00000")]
    if declared:
        head.append(line("9106", declared.encode()))
    people = [
        line("3000", b"%d" % number) + line("3101", xdt_charset.encode(name, charset))
        for number, name in enumerate(names)
    ]
    return b"".join(head + people)


def cases() -> list[tuple[str, str]]:
    found = []
    for name, words in SETS.items():
        for charset in CHARSETS:
            try:
                for word in words:
                    xdt_charset.encode(word, charset)
            except UnicodeEncodeError:
                continue
            found.append((name, charset))
    return found


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize(("name", "charset"), cases())
def test_names_are_right(name: str, charset: str, declared: str | None) -> None:
    """Undeclared, declared, or lied about: the names come out as they are."""
    names = SETS[name]
    belief = xdt_charset.find(io.BytesIO(file(names, charset, declared)))
    assert [xdt_charset.decode(xdt_charset.encode(one, charset), belief.charset) for one in names] == list(
        names
    )
    told = DECLARED[declared]
    assert belief.declared == (told or "")
    same = told is not None and all(
        xdt_charset.decode(xdt_charset.encode(one, charset), told) == one for one in names
    )
    assert belief.lied == (told is not None and not same)


@pytest.mark.parametrize("seed", range(12))
def test_one_strange_name_does_not_turn_a_file(seed: int) -> None:
    """Among many German names one that reads better otherwise changes nothing."""
    names = list(SETS["umlauts"]) * 20 + ["Tomaš", "Kálmán"]
    random.Random(seed).shuffle(names)
    belief = xdt_charset.find(io.BytesIO(file(tuple(names), "cp1252", "2")))
    assert belief.charset == "cp1252" and belief.lied


def read(data: bytes, encoding: str | None = None) -> tuple[list[str], list[Warning_]]:
    found = list(FORMAT.read(io.BytesIO(data), ReadOptions(encoding=encoding), nothing))
    people = [one.claim.family for one in found if isinstance(one, Found)]  # type: ignore[union-attr]
    return people, [one for one in found if isinstance(one, Warning_) and "charset" in one.code]


def test_what_is_believed_is_said_with_the_reason() -> None:
    """A lie is named with both sides; a guess with what it rests on; the truth needs no word."""
    people, warned = read(file(SETS["umlauts"], "cp437", "3"))
    assert people == list(SETS["umlauts"])
    assert warned == [
        Warning_(0, "exchange.xdt_charset_lied", {"charset": "cp437", "words": 6, "declared": "cp1252"})
    ]
    _, warned = read(file(SETS["umlauts"], "cp437"))
    assert warned == [Warning_(0, "exchange.xdt_charset_guessed", {"charset": "cp437", "words": 6})]
    assert read(file(SETS["umlauts"], "cp437", "2"))[1] == []
    assert read(file(("Meier",), "cp437"))[1] == []


def test_seven_bit_only_in_names() -> None:
    """Brackets elsewhere are brackets; in names of 7 bit they are umlauts, and an at sign stays one in an address."""
    people, warned = read(file(("Müller", "Groß", "Ärmel"), "din66003", "1"))
    assert people == ["Müller", "Groß", "Ärmel"] and warned == []
    data = line("8000", b"6100") + line("3101", b"Meier") + line("3656", b"Latex [schwer] {alt}")
    found = list(FORMAT.read(io.BytesIO(data + line("3000", b"1")), ReadOptions(), nothing))
    assert [one.claim.text for one in found if isinstance(one, Found) and one.kind == "risk"] == [  # type: ignore[union-attr]
        "Latex [schwer] {alt}"
    ]
    mail = file(("Müller",), "din66003", "1") + line("3619", b"a@example.org")
    claim = next(
        one.claim for one in FORMAT.read(io.BytesIO(mail), ReadOptions(), nothing) if isinstance(one, Found)
    )
    assert claim.telecom[0].value == "a@example.org"  # type: ignore[union-attr]


def test_one_line_in_another_charset() -> None:
    """A file put together of two: each line is read in its own, and said so."""
    data = file(SETS["umlauts"], "cp1252", "3") + line("3000", b"99") + line("3101", "Schön".encode("cp437"))
    data += line("3000", b"100") + line("3101", "Grün".encode())
    people, warned = read(data)
    assert people == [*SETS["umlauts"], "Schön", "Grün"]
    assert [(one.code, one.params["charset"]) for one in warned] == [
        ("exchange.xdt_charset_mixed", "cp437"), ("exchange.xdt_charset_mixed", "utf-8"),
    ]  # fmt: skip


def test_a_person_decides() -> None:
    """What a person says counts, whatever the file declares."""
    assert read(file(("Müller",), "cp850", "3"), "CP850") == (["Müller"], [])


def test_better_than_a_general_guess() -> None:
    """The opinion of a general library is no measure: it does not get one name in each of our charsets right."""
    right: Counter[str] = Counter()
    for name, charset in cases():
        data = file(SETS[name], charset)
        belief = xdt_charset.find(io.BytesIO(data))
        right[charset] += all(
            xdt_charset.decode(xdt_charset.encode(one, charset), belief.charset) == one for one in SETS[name]
        )
    assert sum(right.values()) == len(cases())


def test_din_66003_refuses_what_it_means_otherwise() -> None:
    """A bracket cannot be said where it is an umlaut."""
    assert encoded("3101", "Größe", "din66003") == b"Gr|~e"
    with pytest.raises(UnicodeEncodeError):
        xdt_charset.encode("[a]", "din66003")
