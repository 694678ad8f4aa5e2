"""A large database as pieces: whole again by praxisd and by hand, and a missing or changed piece is never taken for whole."""

import contextlib
import hashlib
import os
import random
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd.services.backups import source
from praxisd.services.backups.engine import Repo
from praxisd.services.backups.keys import keyring
from praxisd.services.backups.runs import recovering
from praxisd.services.backups.source import SourceFault
from praxisd.services.backups.sources import pieces
from praxisd.services.backups.sources.places import restored
from praxisd.services.backups.sources.sqlite import Sqlite
from praxisd.testing import debian
from praxisd.testing.engine_quick import QuickRestic
from praxisd.testing.engine_suite import never, quiet
from praxisd.testing.houses import Houses
from praxisd.testing.source_suite import give_back

from .backups_scene import Scene
from .test_backup_sources import made

ODD = (0, 1, pieces.SIZE - 1, pieces.SIZE, pieces.SIZE + 1, 300 * pieces.SIZE + 17)


@pytest.mark.parametrize("size", ODD)
def test_joined_it_is_the_file_again(tmp_path: Path, size: int) -> None:
    data = random.Random(size).randbytes(size)
    file = tmp_path / "praxisd.db"
    file.write_bytes(data)
    into = pieces.split(file, never)
    assert not file.exists() and into.name == "praxisd.db.pieces"
    found = sorted(one for one in into.rglob("*") if one.is_file())
    assert [one.stat().st_size for one in found] == [pieces.SIZE] * (size // pieces.SIZE) + (
        [size % pieces.SIZE] if size % pieces.SIZE else []
    )
    by_hand = subprocess.run(
        "find praxisd.db.pieces -type f | sort | xargs -r cat",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert by_hand.stdout == data
    if size:
        assert pieces.whole(file, never).read_bytes() == data and not into.exists()
    else:
        with pytest.raises(SourceFault, match=source.NOT_WHOLE):
            pieces.whole(file, never)  # no database is empty


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_what_is_missing_or_of_another_size_is_never_joined(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    top = tmp_path_factory.mktemp("pieces")
    file = top / "a.db"
    file.write_bytes(os.urandom(5 * pieces.SIZE + data.draw(st.integers(1, 9))))
    into = pieces.split(file, never)
    found = sorted(one for one in into.rglob("*") if one.is_file())
    one = data.draw(st.sampled_from(found[:-1]))
    match data.draw(st.sampled_from(("gone", "short", "long", "more"))):
        case "gone":
            one.unlink()
        case "short":
            one.write_bytes(one.read_bytes()[:-1])
        case "long":
            one.write_bytes(one.read_bytes() + b"x")
        case _:
            (into / "000000" / "000000099").write_bytes(b"x")
    with pytest.raises(SourceFault, match=source.NOT_WHOLE):
        pieces.whole(file, never)
    assert not file.exists()


def test_a_database_in_pieces_is_proved_and_a_changed_byte_is_named(tmp_path: Path) -> None:
    path = made(tmp_path / "praxis.db")
    one = Sqlite("practice", path, pieces_from=pieces.SIZE)
    staging = tmp_path / "staging"
    staging.mkdir()
    staged = one.stage(staging, progress=quiet, stop=never)
    assert staged.paths == (staging / "praxis.db.pieces",) and staged.facts["pieces"] == str(pieces.SIZE)
    assert one.proven(give_back(staged, tmp_path / "good"), staged) == []
    changed = give_back(staged, tmp_path / "changed")
    piece = restored(changed, staged.paths[0]) / "000000" / "000000020"
    piece.write_bytes(bytes([piece.read_bytes()[0] ^ 1]) + piece.read_bytes()[1:])
    assert one.proven(changed, staged)
    missing = give_back(staged, tmp_path / "missing")
    (restored(missing, staged.paths[0]) / "000000" / "000000007").unlink()
    assert one.proven(missing, staged)[0].endswith("pieces, 7 in a row")
    whole = Sqlite("practice", path, pieces_from=1 << 40).stage(tmp_path / "good", progress=quiet, stop=never)
    assert whole.paths[0].name == "praxis.db"


def _with_large_values(path: Path) -> Path:
    """60 letters of 400 kB, and a table that changes, as pages of 4 KiB."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE visit(id INTEGER PRIMARY KEY, word TEXT)")
        db.execute("CREATE TABLE letter(id INTEGER PRIMARY KEY, data BLOB)")
        db.executemany("INSERT INTO visit(word) VALUES(?)", [("w" * 200,)] * 20_000)
        rng = random.Random(7)
        db.executemany("INSERT INTO letter(data) VALUES(?)", [(rng.randbytes(400_000),) for _ in range(60)])
    return path


def _digests(into: Path) -> dict[str, bytes]:
    found = (one for one in into.rglob("*") if one.is_file())
    return {str(one.relative_to(into)): hashlib.sha256(one.read_bytes()).digest() for one in found}


def test_large_values_are_fewer_files_and_a_change_elsewhere_leaves_them_alone(tmp_path: Path) -> None:
    path = _with_large_values(tmp_path / "a.db")
    before = path.read_bytes()
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE visit SET word = 'x' WHERE id IN (7, 9000)")
    after = path.read_bytes()
    each = []
    for number, data in enumerate((before, after)):
        (tmp_path / str(number)).mkdir()
        file = tmp_path / str(number) / "a.db"
        file.write_bytes(data)
        into = pieces.split(file, never)
        each.append(_digests(into))
        sizes = [one.stat().st_size for one in into.rglob("*") if one.is_file()]
        assert max(sizes) == pieces.TOGETHER * pieces.SIZE and len(sizes) < len(data) / pieces.SIZE / 2
        by_hand = "find a.db.pieces -type f | sort | xargs -r cat"
        joined = subprocess.run(by_hand, shell=True, cwd=file.parent, capture_output=True, check=True).stdout
        assert joined == data
        assert pieces.whole(file, never).read_bytes() == data
    assert each[0].keys() == each[1].keys()
    changed = [name for name in each[0] if each[0][name] != each[1][name]]
    assert 0 < len(changed) <= 3, "the page of the file's head and those of two rows"


@pytest.mark.parametrize("how", ["gone", "half", "longer"])
def test_a_file_of_several_pieces_that_is_not_whole_is_never_joined(tmp_path: Path, how: str) -> None:
    file = _with_large_values(tmp_path / "a.db")
    into = pieces.split(file, never)
    large = next(one for one in sorted(into.rglob("*")) if one.is_file() and one.stat().st_size > pieces.SIZE)
    match how:
        case "gone":
            large.unlink()
        case "half":
            large.write_bytes(large.read_bytes()[: pieces.SIZE])
        case _:
            large.write_bytes(large.read_bytes() + bytes(pieces.SIZE))
    with pytest.raises(SourceFault, match=source.NOT_WHOLE):
        pieces.whole(file, never)
    assert not file.exists()


def test_it_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    file.write_bytes(bytes(100 * pieces.SIZE))
    with pytest.raises(SourceFault, match=source.STOPPED):
        pieces.split(file, lambda: True)


def _known(into: Path) -> dict[str, tuple[int, int]]:
    """By which an engine knows a file again: its number (which may be given anew), and when it was changed."""
    found = {one.name: one.stat() for one in into.rglob("*") if one.is_file()}
    return {name: (one.st_ino, one.st_ctime_ns) for name, one in found.items()}


def test_pieces_of_an_earlier_copy_stay_the_files_they_were_and_none_is_trusted(tmp_path: Path) -> None:
    rng = random.Random(3)
    before = bytearray(rng.randbytes(600 * pieces.SIZE + 5))
    file = tmp_path / "a.db"
    file.write_bytes(before)
    into = pieces.split(file, never)
    files = _known(into)
    time.sleep(0.02)  # more than a tick of the clock of files
    rotten = into / "000000" / "000000009"
    rotten.write_bytes(bytes(pieces.SIZE))
    (into / "000000" / "000000011").unlink()
    (into / "000000" / "000000011").mkdir()
    (into / "000001" / "000000260").unlink()
    (into / "000001" / "000000260").symlink_to(into / "000001" / "000000261")
    (into / "000000" / "strange").touch()
    (into / "000009").mkdir()
    after = before[: 500 * pieces.SIZE + 7]
    after[20 * pieces.SIZE] ^= 1
    file.write_bytes(after)
    assert pieces.split(file, never) == into and not file.exists()
    found = _known(into)
    new = {name for name in found if found[name] != files[name]}
    assert len(found) == 501 and not (into / "000009").exists()
    assert new == {"000000009", "000000011", "000000020", "000000260", "000000500"}
    assert pieces.whole(file, never).read_bytes() == after


def test_through_the_engine_and_a_small_change_costs_little(tmp_path: Path) -> None:
    engine, repo = (
        QuickRestic(tmp_path / "engine", debian.program(["restic"], "restic")),
        Repo(str(tmp_path / "repo"), "geheim"),
    )
    engine.init(repo)
    source_file = random.Random(1).randbytes(120 * pieces.SIZE)
    added = []
    for turn in range(2):
        staging = tmp_path / "staging"
        staging.mkdir(exist_ok=True)
        data = bytearray(source_file)
        data[50 * pieces.SIZE] ^= turn
        file = staging / "a.db"
        file.write_bytes(data)
        into = pieces.split(file, never)
        kept = engine.back_up(
            repo, [into], tags=["t"], at=1_800_000_000 + turn, host="h", progress=quiet, stop=never
        )
        added.append(kept.added)
        back = tmp_path / f"back{turn}"
        engine.restore(repo, kept.id, back, progress=quiet, stop=never)
        found = pieces.whole(restored(back, file), never)
        assert hashlib.sha256(found.read_bytes()).digest() == hashlib.sha256(data).digest()
        for one in sorted(into.rglob("*"), reverse=True):
            one.unlink() if one.is_file() else one.rmdir()
        into.rmdir()
    assert added[1] < added[0] / 20


def test_a_whole_run_and_its_proof_with_praxisds_own_database_in_pieces(
    sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "SMALLEST", 1)
    scene = Scene(sqlite_houses.open(), tmp_path)
    scene.plan()
    medium = scene.medium(scene.drive("nas"), "nas")
    assert scene.run(job="night", slot="nas").state == "good"
    [state] = scene.states(medium)
    repo = keyring.repo_of(scene.house, str(tmp_path / "nas" / "restic"), medium)
    names = [one.path for one in scene.engine.entries(repo, state.engine_id)]
    assert any(name.endswith("praxisd.db.pieces/000000/000000001") for name in names)
    assert not any(name.endswith("/praxisd.db") for name in names)
    assert scene.run("prove").state == "good"


def test_the_next_run_takes_up_the_pieces_of_the_last_where_there_is_room(
    sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "SMALLEST", 1)
    scene = Scene(sqlite_houses.open(), tmp_path)
    scene.plan()
    scene.medium(scene.drive("nas"), "nas")
    assert scene.run(job="night", slot="nas").state == "good"
    first = _known(recovering.pieces(scene.house))
    assert first and not recovering.staging(scene.house).exists()
    [kept] = recovering.pieces(scene.house).rglob("000000003")
    kept.write_bytes(bytes([kept.read_bytes()[0] ^ 1]) + kept.read_bytes()[1:])
    assert scene.run(job="night", slot="nas").state == "good"
    second = _known(recovering.pieces(scene.house))
    same = {name for name in first if first[name] == second.get(name)}
    assert len(first) / 2 < len(same) < len(first) and kept.name not in same
    assert scene.run("prove").state == "good"
    monkeypatch.setattr(recovering, "KEPT_ROOM", 1 << 62)
    assert scene.run(job="night", slot="nas").state == "good"
    assert not _known(recovering.pieces(scene.house)) and scene.run("prove").state == "good"
