"""INI files: what Windows reads of them, and that an edit changes nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.serviceprovider.ini import Ini, edit, read, spliced, tightened, without

INSTALLED = """[Install]
Installed=1
UniqueIdentifizier=8330F1B9-514D-409F-B4E3-80ADE4076DA0
TCPPort=23174
PVSTName=X.CONCEPT
PVSDDataPath=C:\\DCONCEPT\\DEDATA
"""
ISYNET = """[Install]
Installed=1
UniqueIdentifizier=51EC3B21-1884-424E-A9F0-A417B5160505
TCPPort=23174
PVSTName=X.ISYNET
PVSDDataPath=
Hostname=Rechnername
ConnectionString=Data Source=Rechnername\\SQLENT; Initial Catalog=WINACS; Integrated Security=True; Connect Timeout=90;
Async=True; Enlist=True;
Kundennummer=123456
"""
"""Word for word as the seed prints them."""
FORMS = {
    "utf-8": (b"", "utf-8"),
    "utf-8 with mark": (b"\xef\xbb\xbf", "utf-8"),
    "utf-16 little": (b"\xff\xfe", "utf-16-le"),
    "utf-16 big": (b"\xfe\xff", "utf-16-be"),
    "utf-16 little without mark": (b"", "utf-16-le"),
    "utf-16 big without mark": (b"", "utf-16-be"),
    "cp1252": (b"", "cp1252"),
}


def value(ini: Ini, *names: str) -> str | None:
    line = ini.find(*names)
    return None if line is None else line.value


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_seeds_file_is_read_in_every_encoding(form: str, newline: str) -> None:
    bom, encoding = FORMS[form]
    text = INSTALLED.replace("DEDATA", "Müller").replace("\n", newline)
    ini = read(bom + text.encode(encoding))
    assert (ini.bom, ini.encoding, ini.newline, ini.notes) == (bom, encoding, newline, ())
    assert value(ini, "UniqueIdentifier", "UniqueIdentifizier") == "8330F1B9-514D-409F-B4E3-80ADE4076DA0"
    assert value(ini, "PVSDDataPath") == "C:\\DCONCEPT\\Müller"
    assert value(ini, "tcpport") == "23174"
    line = ini.find("Installed")
    assert line is not None and line.number == 2


def test_the_connection_string_goes_on_in_the_next_line() -> None:
    ini = read(ISYNET.encode())
    text = value(ini, "ConnectionString")
    assert (
        text is not None
        and text.startswith("Data Source=Rechnername\\SQLENT;")
        and text.endswith("Enlist=True;")
    )
    assert (ini.find("Async"), ini.notes) == (None, ())
    assert (value(ini, "PVSDDataPath"), value(ini, "Kundennummer")) == ("", "123456")


def test_as_windows_reads() -> None:
    data = b"""lost=1
[INSTALL] ; after
; TCPPort=1
TCPPort = 5
tcpPORT=6
Hostname="SERVER 1"
nothing here
#TCPPort=7
[broken
[Install]
TCPPort=8
Kundennummer=9
\x00\x00\x00"""
    ini = read(data)
    assert value(ini, "TCPPort") == "5"
    assert value(ini, "Hostname") == "SERVER 1"
    assert value(ini, "Kundennummer") is None
    assert value(ini, "lost") is None
    assert [(n.kind, n.line, n.key) for n in ini.notes] == [
        ("no_section", 1, "lost"),
        ("spaces", 4, "TCPPort"),
        ("key_twice", 5, "tcpPORT"),
        ("no_equals", 7, ""),
        ("broken_section", 9, ""),
        ("section_twice", 10, ""),
        ("nul", 12, ""),
    ]
    assert ini.text_end == len(data) - 3


@pytest.mark.parametrize("form", FORMS)
def test_blanks_go_and_nothing_else(form: str) -> None:
    bom, encoding = FORMS[form]
    text = "[Install]\r\n  TCPPort =\t23174 \r\nHostname = PRÄXIS 1\r\n; a = b\r\n[Other]\r\na = 1\r\n"
    wanted = "[Install]\r\nTCPPort=23174\r\nHostname=PRÄXIS 1\r\n; a = b\r\n[Other]\r\na = 1\r\n"
    assert tightened(read(bom + text.encode(encoding))) == bom + wanted.encode(encoding)


@pytest.mark.parametrize("form", FORMS)
def test_an_edit_changes_this_value_alone(form: str) -> None:
    bom, encoding = FORMS[form]
    text = "; über\r\n[Install]\r\nInstalled = 0\nHostname=A\r\n\r\n[Two]\r\nInstalled=5\r\n"
    for key, new, wanted in (
        ("installed", "1", text.replace("= 0", "= 1")),
        ("TCPPort", "23174", text.replace("=A\r\n", "=A\r\nTCPPort=23174\r\n")),
    ):
        assert edit(read(bom + text.encode(encoding)), key, new) == bom + wanted.encode(encoding)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[Install]\r\nTCPPort=1\r\n"),
        ("[Other]\na=1", "[Other]\na=1\n[Install]\nTCPPort=1\n"),
        ("[Install]", "[Install]\r\nTCPPort=1"),
        ("[Install]\na=1", "[Install]\na=1\nTCPPort=1"),
        ("[Install]\na=1\n\0\0", "[Install]\na=1\nTCPPort=1\n\0\0"),
        ("[Install]\na=1\0\0", "[Install]\na=1\nTCPPort=1\0\0"),
        ("[Install]\nTCPPORT=7\nTCPPort=9\n", "[Install]\nTCPPORT=1\nTCPPort=9\n"),
    ],
)
def test_where_a_missing_key_goes(before: str, after: str) -> None:
    assert edit(read(before.encode()), "TCPPort", "1") == after.encode()


@pytest.mark.parametrize("bad", ["a\nb", " a", '"a"', "a\0", "日本", "\N{SNOWMAN}"])
def test_what_would_not_be_read_again_is_not_written(bad: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        edit(read(b"[Install]\r\nHostname=A\r\n"), "Hostname", bad)


def test_whole_lines_can_go() -> None:
    ini = read(INSTALLED.encode())
    gone = [line for line in ini.lines if line.key in ("TCPPort", "PVSTName")]
    assert without(ini, gone).decode() == INSTALLED.replace("TCPPort=23174\nPVSTName=X.CONCEPT\n", "")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_and_kept(data: bytes) -> None:
    ini = read(data)
    assert spliced(ini, []) == data
    ends = [len(ini.bom)] + [line.after for line in ini.lines]
    assert [line.start for line in ini.lines] == ends[:-1]  # the lines are the file, without gaps
    assert ends[-1] == ini.text_end or not ini.lines


_TEXT = st.text(st.characters(codec="cp1252", exclude_characters="\r\n\0\x1a\v\f"), max_size=20)
_LINES = st.lists(
    st.one_of(_TEXT, st.builds("{}={}".format, _TEXT, _TEXT), st.just("[Install]"), st.just("Hostname = x;"))
)


@given(_LINES, st.sampled_from(sorted(FORMS)), st.sampled_from(["\n", "\r\n"]), st.integers(0, 3))
def test_an_edit_of_anything_keeps_every_other_byte(
    lines: list[str], form: str, newline: str, nuls: int
) -> None:
    bom, encoding = FORMS[form]
    data = bom + (newline.join(lines) + "\0" * nuls).encode(encoding)
    ini = read(data)
    old = ini.find("Hostname")
    try:
        new = edit(ini, "Hostname", "PRAXISSERVER")
    except ValueError:
        assert old is not None and old.value.count(";") > 1  # a value that goes on in the next line
        return
    assert value(read(new), "Hostname") == "PRAXISSERVER"
    if old is not None:
        added = new[old.value_start : len(new) - (len(data) - old.value_end)]
        assert data[: old.value_start] + added + data[old.value_end :] == new
    else:
        at = next((i for i, (a, b) in enumerate(zip(data, new, strict=False)) if a != b), len(data))
        grown = len(new) - len(data)
        assert any(data[:cut] + new[cut : cut + grown] + data[cut:] == new for cut in range(at + 1))
    again = {(line.section, line.key, line.value) for line in read(new).lines if line.counts}
    kept = {(line.section, line.key, line.value) for line in ini.lines if line.counts and line is not old}
    assert kept <= again


@pytest.mark.foreign_data
def test_files_of_others(foreign_data: Path) -> None:
    files = sorted([*(foreign_data / "ini").rglob("*.ini"), *(foreign_data / "ini").rglob("*.golden")])
    assert len(files) > 15
    for path in files:
        data = path.read_bytes()
        ini = read(data)
        assert spliced(ini, []) == data, path
        assert all(0 < note.line <= len(ini.lines) for note in ini.notes), path
        changed = edit(ini, "TCPPort", "23174")
        assert len(changed) - len(data) < 60 and value(read(changed), "TCPPort") == "23174", path
        for line in (one for one in ini.lines if one.counts and ";" not in one.value):
            assert edit(ini, line.key, "neu", section=line.section).count("neu".encode(ini.encoding)) >= 1, (
                path
            )
    names = {path.name: read(path.read_bytes()) for path in files}
    assert names["UTF-16-LE-BOM.ini"].find("E-MAIL", section="author").value == "example@email.com"  # type: ignore[union-attr]
    assert names["duplicate_sections.ini"].find("single1", section="section1").value == "abc"  # type: ignore[union-attr]
    assert {note.kind for note in names["bad_section.ini"].notes} == {"broken_section"}
