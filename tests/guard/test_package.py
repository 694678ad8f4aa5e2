"""The package: the same program gives the same bytes, and what comes out is what went in."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from praxisd.testing import guarded
from praxisd_guard import package, package_read
from praxisd_guard.package import Facts, Unreadable

FACTS = Facts("1.1", "ab" * 32, "2026-11-01")


def _program(folder: Path) -> Path:
    program = guarded.script_program(folder, "1.1")
    (program / "praxisd" / "console").mkdir()
    (program / "praxisd" / "console" / "Über uns.html").write_bytes(b"<p>\xc3\xa4</p>")
    (program / "praxisd" / "__pycache__").mkdir()
    (program / "praxisd" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"compiled")
    return program


def test_the_same_program_gives_the_same_bytes_whatever_its_times_and_modes(tmp_path: Path) -> None:
    one, two = _program(tmp_path / "one"), _program(tmp_path / "two")
    for path in two.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700)
    digests = {package.pack(program, tmp_path / f"{program.name}.zip", FACTS) for program in (one, two)}
    assert digests == {package.sha256(tmp_path / "one.zip")}


def test_what_comes_out_is_what_went_in_without_what_python_compiled(tmp_path: Path) -> None:
    program = _program(tmp_path / "program")
    package.pack(program, tmp_path / "a.zip", FACTS)
    assert package_read.read(tmp_path / "a.zip") == FACTS
    assert package_read.unpack(tmp_path / "a.zip", tmp_path / "out") == FACTS
    found = {
        p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
    whole = {
        Path("program") / p.relative_to(program): p.read_bytes() for p in program.rglob("*.*") if p.is_file()
    }
    expected = {name: data for name, data in whole.items() if "__pycache__" not in name.parts}
    assert found == expected | {Path("package.json"): FACTS.encoded()}
    assert package_read.size(tmp_path / "a.zip") == sum(map(len, found.values()))
    assert not package_read.has_wheels(tmp_path / "a.zip")


def test_wheels_come_with_their_list(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "tooth_fairy-2.0-py3-none-any.whl").write_bytes(b"w")
    (tmp_path / "wheels" / "a-1-py3-none-any.whl").write_bytes(b"w")
    package.pack(_program(tmp_path / "program"), tmp_path / "a.zip", FACTS, tmp_path / "wheels")
    assert package_read.has_wheels(tmp_path / "a.zip")
    package_read.unpack(tmp_path / "a.zip", tmp_path / "out")
    assert (tmp_path / "out" / "requirements.txt").read_text() == "a==1\ntooth_fairy==2.0\n"
    assert len(list((tmp_path / "out" / "wheels").iterdir())) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"name": "other"},
        {"version": "../1"},
        {"version": None},
        {"layer": "x"},
        {"python": "~=3.11"},
        {"python": 3},
    ],
)
def test_facts_of_another_kind_are_refused(change: dict[str, object]) -> None:
    content = json.loads(FACTS.encoded())
    assert package.decoded(json.dumps(content).encode()) == FACTS
    with pytest.raises(Unreadable):
        package.decoded(json.dumps(content | change).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"{"])
def test_facts_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        package.decoded(data)


def _zip(file: Path, entries: dict[str, bytes], **attributes: int) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in {
            "package.json": FACTS.encoded(),
            "program/praxisd/__main__.py": b"1",
            **entries,
        }.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = attributes.get("mode", 0o100644) << 16
            archive.writestr(entry, data)
    return file


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "program/../../evil",
        "program/./a",
        "program//a",
        "program\\..\\evil",
        "C:/evil",
        "program/a:stream",
        "program/CON",
        "program/nul.txt",
        "program/ends.",
        "program/ends ",
        "program/a\nb",
        "elsewhere/a",
        "complete.json",
        "program/",
        "program/" + "a" * 201,
        "program/" + "a/" * 200 + "a",
        "PACKAGE.json",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    file = _zip(tmp_path / "a.zip", {name: b"evil"})
    with pytest.raises(Unreadable):
        package_read.read(file)
    with pytest.raises(Unreadable):
        package_read.unpack(file, tmp_path / "in" / "out")
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize("mode", [0o120777, 0o040755, 0o020644, 0o010644])
def test_links_devices_and_pipes_are_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(Unreadable):
        package_read.read(_zip(tmp_path / "a.zip", {"program/x": b"/etc"}, mode=mode))


def test_names_that_one_system_takes_for_the_same_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="twice"):
        package_read.read(_zip(tmp_path / "a.zip", {"program/A": b"", "program/a": b""}))


def test_more_than_the_limits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _zip(tmp_path / "a.zip", {f"program/{n}": b"12345" for n in range(20)})
    package_read.read(file)
    monkeypatch.setattr(package_read, "MOST_ENTRIES", 21)
    with pytest.raises(Unreadable, match="entries"):
        package_read.read(file)
    monkeypatch.setattr(package_read, "MOST_ENTRIES", 22)
    monkeypatch.setattr(package_read, "MOST_BYTES", 100)
    with pytest.raises(Unreadable, match="bytes"):
        package_read.read(file)


def test_an_entry_longer_than_it_says_is_refused(tmp_path: Path) -> None:
    """A bomb: the list says 10 bytes, the content has 20,000."""
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package.json", FACTS.encoded())
        archive.writestr("program/praxisd/__main__.py", b"a" * 20_000)
    data = file.read_bytes()
    assert data.count((20_000).to_bytes(4, "little")) == 2
    file.write_bytes(data.replace((20_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(Unreadable):
        package_read.unpack(file, tmp_path / "out")
    assert (tmp_path / "out" / "program" / "praxisd" / "__main__.py").stat().st_size <= 10


@pytest.mark.parametrize("cut", [0, 10, 200, -30])
def test_what_is_no_whole_zip_is_refused(tmp_path: Path, cut: int) -> None:
    data = _zip(tmp_path / "a.zip", {}).read_bytes()
    (tmp_path / "b.zip").write_bytes(data[:cut])
    with pytest.raises(Unreadable):
        package_read.read(tmp_path / "b.zip")


def test_a_changed_byte_of_the_content_is_refused(tmp_path: Path) -> None:
    file = _zip(tmp_path / "a.zip", {"program/x": b"the old words"})
    file.write_bytes(file.read_bytes().replace(b"the old words", b"the new words"))
    with pytest.raises(Unreadable):
        package_read.unpack(file, tmp_path / "out")


def test_a_package_needs_a_program(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("package.json", FACTS.encoded())
    with pytest.raises(Unreadable, match="no program"):
        package_read.read(tmp_path / "a.zip")
