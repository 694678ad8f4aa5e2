"""A large database as pieces: whole again by praxisd and by hand, and a missing or changed piece is never taken for whole."""

import hashlib
import os
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd.services.backups import source
from praxisd.services.backups.engine import Repo
from praxisd.services.backups.keys import keyring
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


def test_it_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    file.write_bytes(bytes(100 * pieces.SIZE))
    with pytest.raises(SourceFault, match=source.STOPPED):
        pieces.split(file, lambda: True)


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
