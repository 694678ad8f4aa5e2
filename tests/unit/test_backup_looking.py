"""What a drive shows: mount points without a medium, a network drive that hangs, a protected medium; and taking one out."""

import os
import threading
from pathlib import Path

import pytest

from praxisd.model.backup_kept import Drive
from praxisd.services.backups.plans import looking, media
from praxisd.services.backups.source import SourceFault
from praxisd.services.backups.sources import running


def drive(path: Path | str, **more: object) -> Drive:
    return Drive("d", "RDX", "removable", str(path), **more)  # type: ignore[arg-type]


def test_an_empty_mount_point_is_no_empty_medium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert looking.look(drive(tmp_path)).empty
    assert not looking.look(drive(tmp_path, mounted=True)).present
    monkeypatch.setattr(looking, "is_mounted", lambda _path: True)
    assert looking.look(drive(tmp_path, mounted=True)).empty
    monkeypatch.setattr(looking, "is_mounted", lambda _path: False)
    monkeypatch.setattr(looking, "is_listed", lambda _path: True)
    assert not looking.look(drive(tmp_path)).present


def test_mount_points_are_known() -> None:
    assert looking.is_mounted("/") and not looking.is_listed("/")
    assert not looking.is_mounted(os.path.dirname(os.path.abspath(__file__)))
    assert looking._plain(rb"/media/my\040medium") == b"/media/my medium"


def test_what_lies_in_it(tmp_path: Path) -> None:
    assert looking.look(drive(tmp_path / "none")) == looking.ABSENT
    (tmp_path / "file").write_text("x")
    assert looking.look(drive(tmp_path / "file")) == looking.ABSENT
    place = tmp_path / "medium"
    place.mkdir()
    for name in ("lost+found", "restic", "$RECYCLE.BIN"):
        (place / name).mkdir()
        assert looking.look(drive(place)).empty
    (place / "restic" / "config").write_text("x")
    seen = looking.look(drive(place))
    assert not seen.empty and seen.writable and (seen.free or 0) > 0
    (place / "praxisd-medium.json").write_bytes(b"x" * 100_000)
    assert len(looking.look(drive(place)).identity or b"") == 64 * 1024 + 1
    assert looking.look(drive("sftp:a@b:/c")).present
    assert looking.place(drive("sftp:a@b:/c")) == "sftp:a@b:/c"
    assert looking.place(drive(place)) == str(place / "restic")


def test_one_that_hangs_shows_nothing_and_holds_nobody_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed, asked = threading.Event(), []
    real = looking._look

    def hang(one: Drive) -> object:
        asked.append(1)
        assert freed.wait(60)
        return real(one)

    monkeypatch.setattr(looking, "_look", hang)
    monkeypatch.setattr(looking, "PATIENCE_S", 0.05)
    assert looking.look(drive(tmp_path)) == looking.ABSENT
    for _ in range(3):
        assert looking.look(drive(tmp_path)) == looking.ABSENT
    assert len(asked) == 1
    freed.set()
    for thread in threading.enumerate():
        if thread.name == "praxisd-drive":
            thread.join(60)
    monkeypatch.setattr(looking, "PATIENCE_S", 60.0)
    assert looking.look(drive(tmp_path)).present


def test_a_drive_that_goes_away_while_it_is_looked_at_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, held, thrown = looking._look, threading.Event(), list[object]()

    def fail(_drive: Drive) -> object:
        assert held.wait(60)
        raise ValueError

    monkeypatch.setattr(threading, "excepthook", thrown.append)
    monkeypatch.setattr(looking, "_look", fail)
    monkeypatch.setattr(looking, "PATIENCE_S", 0.05)
    assert looking.look(drive(tmp_path)) == looking.ABSENT
    held.set()
    for thread in threading.enumerate():
        if thread.name == "praxisd-drive":
            thread.join(60)
    monkeypatch.setattr(looking, "_look", real)
    monkeypatch.setattr(looking, "PATIENCE_S", 60.0)
    assert thrown and looking.look(drive(tmp_path)).present

    def gone(_path: str, _name: str) -> bool:
        raise OSError(5, "input/output error")

    (tmp_path / "restic").mkdir()
    monkeypatch.setattr(looking, "_nothing", gone)
    assert looking.look(drive(tmp_path)) == looking.ABSENT


def test_a_protected_medium_is_named_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_more: object) -> object:
        raise OSError(30, "read-only file system")

    monkeypatch.setattr(looking.tempfile, "TemporaryFile", refuse)
    assert not looking.look(drive(tmp_path)).writable

    def full(**_more: object) -> object:
        raise OSError(28, "no space left")

    monkeypatch.setattr(looking.tempfile, "TemporaryFile", full)
    assert looking.look(drive(tmp_path)).writable


def test_it_is_taken_out_by_the_systems_own_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(args: list[str], **_more: object) -> running.Ended:
        ran.append(list(args))
        if args[0] == "eject":
            raise SourceFault("backups.source_command")
        return running.Ended(0, "")

    monkeypatch.setattr(running, "run", run)
    monkeypatch.setattr(media.shutil, "which", lambda name: f"/bin/{name}")
    assert not media.eject(drive(tmp_path)) and not ran
    assert not media.eject(drive(tmp_path, eject=True)) and not ran  # nothing is mounted there
    monkeypatch.setattr(looking, "is_mounted", lambda _path: True)
    assert media.eject(drive(tmp_path, eject=True))
    assert ran == [["eject", str(tmp_path)], ["umount", str(tmp_path)]]
    assert "ParseName('E:')" in media._windows("E:\\")[0][-1]
    assert media._windows("\\\\nas\\backup") == [] and media._windows("E';calc;':\\") == []
