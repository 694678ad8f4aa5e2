"""Done-when 2 of the backups: a bare computer with restic, the medium and the printed sheet, and nobody who knows praxisd.

The words are taken out of the printed PDF and typed into a shell; the shell knows restic and what every Linux has.
"""

import io
import json
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from pypdf import PdfReader

from praxisd.cli import root
from praxisd.kernel.app import House
from praxisd.kernel.vault import Vault
from praxisd.model.backup import Identity
from praxisd.services.backups.engine_checks import ENGINE
from praxisd.services.backups.keys import alphabet, instructions, keeping, keyring, sheet
from praxisd.services.backups.restoring import bare as bare_restore
from praxisd.services.backups.runs import recording, staging
from praxisd.services.backups.sources import hashing, pieces
from praxisd.services.backups.sources.own import own_sources
from praxisd.testing import debian
from praxisd.testing.engine_quick import QuickRestic
from praxisd.testing.engine_suite import never, quiet
from praxisd.testing.houses import Houses
from praxisd.testing.practice import small_practice

COREUTILS = ("bash", "ls", "tr", "find", "sort", "xargs", "cat", "mkdir", "cp")
ROW = re.compile(r"^ *((?:[0-9a-x]{4} ){2}[0-9a-x]{4}) *$", re.MULTILINE)


def printed(house: House, organization: str, lang: str) -> str:
    """All words of the sheet as somebody with the paper in hand reads them, page after page."""
    from praxisd.kernel.access import system

    made = sheet.paper(house, system("test", organization), lang).pdf()
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages)


def to_type(text: str) -> list[str]:
    """What the sheet says is to be typed in for Linux: „only the lines that begin with $, without that beginning“."""
    return [line.strip()[2:] for line in text.splitlines() if line.strip().startswith("$ ")]


def key_of(text: str) -> str:
    """The recovery key as it is printed, in one line."""
    return " ".join(ROW.findall(text))


def bare(top: Path, medium: Path, commands: list[str], key: str) -> subprocess.CompletedProcess[str]:
    """Type it in. `read` waits for the key; restic is there already, so nobody installs it; MEDIUM is what the sheet says."""
    programs = top / "bin"
    programs.mkdir(parents=True)
    for name in COREUTILS:
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    (programs / "restic").symlink_to(debian.program(["restic"], "restic"))
    lines: list[str] = []
    for command in commands:
        if "apt install" in command:
            continue
        lines.append(command.replace("MEDIUM", str(medium)))
        if command == "read -r KEY":
            lines.append(key)
    return subprocess.run(
        ["/bin/bash"], input="\n".join(lines) + "\n", env={"PATH": str(programs), "HOME": str(top)},
        cwd=top, text=True, capture_output=True, check=False,
    )  # fmt: skip


def staged(house: House, medium: str, pieces_from: int | None) -> dict[str, str]:
    """A run's data: staged as a run stages them, and onto the medium; what the manifest says of each file."""
    engine, place = house.shared[ENGINE], f"{medium}/restic"
    repo, _ = keyring.set_up(house, engine, place, "m1")
    recorder = _Quiet()
    brought = staging.bring(house, own_sources(house, pieces_from=pieces_from), recorder, never)  # type: ignore[arg-type]
    assert not brought.faults
    with house.store.read(recording.SYSTEM) as tx:
        at = tx.now
    from datetime import date

    manifest = staging.manifest(
        house, brought, run="r", at=at, day=date(2026, 11, 23), plan=None, medium="m1", no=1
    )
    engine.back_up(
        repo, [*brought.paths, manifest], tags=["test"], at=at, host="praxis", progress=quiet, stop=never
    )
    told = json.loads(manifest.read_text())
    return {path: digest for one in told["sources"] for path, digest in one["hashes"].items()}


class _Quiet:
    def progress(self, done: int, whole: int) -> None:
        """Nobody looks."""


@pytest.fixture
def house(sqlite_houses: Houses) -> House:
    made = sqlite_houses.open()
    made.shared[ENGINE] = QuickRestic(
        made.folder / "backups" / "engine", debian.program(["restic"], "restic")
    )
    return made


@pytest.mark.parametrize(("lang", "pieces_from"), [("de", None), ("en", 1)])
def test_the_printed_sheet_brings_everything_back(
    house: House, tmp_path: Path, lang: str, pieces_from: int | None
) -> None:
    practice = small_practice(house)
    medium = tmp_path / "media" / "Mo extern 1"
    medium.mkdir(parents=True)
    hashes = staged(house, str(medium), pieces_from)
    sheet_text = printed(house, practice.organization, lang)
    commands, key = to_type(sheet_text), key_of(sheet_text)
    assert key.replace(" ", "") == alphabet.typed(key) != key and len(key) == 44
    original = house.folder
    shutil.move(original, tmp_path / "burnt")  # the server is gone
    home = tmp_path / "home"
    done = bare(home, medium, commands, key.upper() if lang == "en" else key)
    assert done.returncode == 0, done.stderr
    back = home / instructions.TARGET
    assert hashes and not [
        path
        for path, digest in hashes.items()
        if _digest(back / Path(path).relative_to("/"), digest) != digest
    ]
    data = home / "praxisd-data"
    assert Vault(data / "vault.key", create=False).newest == house.vault.newest
    with sqlite3.connect(data / "praxisd.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = database.execute("SELECT count(*) FROM directory_organization").fetchone()
    assert found == (1,)
    assert bool(list(back.rglob(f"praxisd.db{pieces.END}"))) == (pieces_from is not None)
    assert key.replace(" ", "") not in done.stdout + done.stderr


@pytest.mark.parametrize("lang", ["de", "en"])
def test_the_easier_way_on_the_sheet_is_one(
    house: House, tmp_path: Path, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    medium, new = tmp_path / "medium", tmp_path / "new"
    medium.mkdir()
    practice = small_practice(house)
    staged(house, str(medium), None)
    sheet_text = printed(house, practice.organization, lang)
    command = re.search(
        r"[„“](praxisd backup restore [^“”]*)[“”]", house.texts.get("backups.steps.back", lang)
    )
    assert command is not None and command[1] in " ".join(sheet_text.split())
    words = {"MEDIUM": str(medium), "ORDNER": str(new), "FOLDER": str(new)}
    monkeypatch.setattr(bare_restore, "chosen", lambda _folder: house.shared[ENGINE])
    ran = CliRunner().invoke(
        root, [words.get(one, one) for one in command[1].split()[1:]], input=f"{key_of(sheet_text)}\n"
    )
    assert ran.exit_code == 0, ran.output
    with sqlite3.connect(new / "praxisd.db") as database:
        found = database.execute("SELECT count(*) FROM directory_organization").fetchone()
    assert found == (1,) and Vault(new / "vault.key", create=False).newest == house.vault.newest


def test_a_wrong_key_opens_nothing(house: House, tmp_path: Path) -> None:
    medium = tmp_path / "medium"
    medium.mkdir()
    staged(house, str(medium), None)
    text = printed(house, small_practice(house).organization, "de")
    key = key_of(text)
    wrong = key[:-1] + ("x" if key[-1] != "x" else "w")
    done = bare(tmp_path / "home", medium, to_type(text)[:6], wrong)
    assert done.returncode and "wrong password" in done.stderr
    assert not (tmp_path / "home" / instructions.TARGET).exists()


def test_the_text_on_the_medium_says_the_same_and_nothing_secret(house: House, tmp_path: Path) -> None:
    practice = small_practice(house)
    identity = Identity("m1", "digest", "Mo extern", "mon_away", house.clock.now())
    keyring.write_instructions(tmp_path, identity)
    with house.store.write(keeping.OWN) as tx:
        every = [
            keeping.text_of(house, one) for one in (keeping.current(house, tx), keeping.recovery(house, tx))
        ]
    for name, lang in instructions.FILES:
        raw = (tmp_path / name).read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf") and b"\r\n" in raw and raw.count(b"\n") == raw.count(b"\r\n")
        text = raw.decode("utf-8-sig")
        assert to_type(text) == to_type(printed(house, practice.organization, lang)) != []
        assert "Mo extern" in text and "{" not in text.replace("foreach ($p in $all) { $b", "")
        assert not [one for one in every if one in text]
        prose = [line for line in text.splitlines() if "$ " not in line and "PS> " not in line]
        assert max(map(len, prose)) <= 78


def _digest(path: Path, like: str) -> str:
    """Of a file, or of one that lies there as pieces."""
    found = hashing.begin(like)
    parts = [path] if path.is_file() else sorted(pieces.folder_of(path).rglob("*"))
    for one in parts:
        if one.is_file():
            found.update(memoryview(one.read_bytes()))
    return hashing.told(found)
