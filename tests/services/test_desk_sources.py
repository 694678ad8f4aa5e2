"""Bookings that arrive as files in a watched folder. Never lost, never twice (SPEC 3.7)."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.services.desk_cast import at, desk_of
from tests.services.sources_cast import FREE, certain, names, put, read, source_of

from praxisd.kernel import watched
from praxisd.kernel.app import House
from praxisd.services.portals import (
    desk_checks,
    sources_folder,
    sources_reading,
)


def test_a_watched_folder(house: House, tmp_path: Path) -> None:
    desk, folder = desk_of(house), tmp_path / "ein"
    folder.mkdir()
    source = source_of(desk, kind="folder", fields={"folder": str(folder)})
    put(folder, "a.txt", certain())
    put(folder, "b.txt", FREE)
    put(folder, "c.json", json.dumps({"id": 7, "start": "2026-11-24T12:00:00+01:00", "calendar": "Dr. 2"}))
    put(folder, "d.txt.part", certain("24.11.2026 15:00"))
    assert read(desk, source) == {"taken": 3, "stuck": 0}
    assert names(folder) == ["d.txt.part", "done/a.txt", "done/c.json", "unreadable/b.txt"]
    got = {one.original.split("\n")[0][:8]: one for one in desk.requests()}
    first, second, third = (
        got[key] for key in ("Nachname", "Guten Ta", '{"id":7,' if '{"id":7,' in got else '{"id": 7')
    )
    assert (first.state, first.found, first.service) == ("open", "new", desk.practice.check)
    assert (desk.appointment(first).status, desk.appointment(first).start) == (
        "pending",
        at("2026-11-24 10:00"),
    )
    assert desk.appointment(first).portal is None
    assert (second.appointment, second.start, second.original) == (None, None, FREE)
    assert desk.appointment(third).schedules == (desk.practice.doctors[1],)
    assert desk.appointment(third).end - desk.appointment(third).start == 1800  # nobody said how long


def test_files_that_are_still_written_are_left(house: House, tmp_path: Path) -> None:
    desk = desk_of(house)
    source = source_of(desk, kind="folder", fields={"folder": str(tmp_path / "ein")})
    folder = tmp_path / "ein"
    folder.mkdir()
    path = put(folder, "a.txt", certain()[:40], age=0)
    put(folder, "future.txt", certain("24.11.2026 14:00"), age=-9_000)
    assert read(desk, source)["taken"] == 0 and desk.requests() == []
    put(folder, "a.txt", certain(), age=60)
    assert read(desk, source)["taken"] == 1
    assert desk.only().start == at("2026-11-24 10:00") and not path.exists()


def test_a_clock_ahead_of_ours_is_outwaited(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "x", age=-9_000)
    looks: watched.Looks = {}
    assert list(sources_folder.files(str(tmp_path), looks)) == []
    ((path, (size, changed, moment)),) = looks.items()
    looks[path] = (size, changed, moment - sources_folder.STILL_S)
    assert [one.data for one in sources_folder.files(str(tmp_path), looks)] == [b"x"]


def test_killed_between_keeping_and_filing_it_is_known(
    house: House, tmp_path: Path, monkeypatch: Any
) -> None:
    desk = desk_of(house)
    source = source_of(desk, kind="folder", fields={"folder": str(tmp_path)})
    put(tmp_path, "a.txt", certain())
    put(tmp_path, "b.txt", FREE)

    class Killed(BaseException):
        pass

    def killed(_self: object, _where: str) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(sources_reading, "file_away", killed)
        for _ in range(2):
            with pytest.raises(Killed):
                read(desk, source)
    assert len(desk.requests()) == 1 and names(tmp_path) == ["a.txt", "b.txt"]
    assert read(desk, source) == {"taken": 1, "stuck": 0}
    assert len(desk.requests()) == 2 and names(tmp_path) == ["done/a.txt", "unreadable/b.txt"]


def test_what_cannot_be_moved_is_tried_again_and_told(house: House, tmp_path: Path, monkeypatch: Any) -> None:
    desk = desk_of(house)
    source = source_of(desk, kind="folder", fields={"folder": str(tmp_path)})
    put(tmp_path, "a.txt", certain())

    def refused(_self: object, _where: str) -> None:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr(sources_reading, "file_away", refused)
        assert read(desk, source) == {"taken": 1, "stuck": 1}
        assert read(desk, source) == {"taken": 0, "stuck": 1}
    (found,) = [one for one in desk_checks.desk(house) if one.code == desk_checks.FAILING]
    assert found.params["code"] == sources_reading.STUCK and found.subject == f"BookingSource/{source.id}"
    assert read(desk, source) == {"taken": 0, "stuck": 0} and len(desk.requests()) == 1
    assert not [one for one in desk_checks.desk(house) if one.code == desk_checks.FAILING]


def test_a_file_of_the_same_name_takes_nobodys_place(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path, "a.txt", f"{number}")
        (one,) = sources_folder.files(str(tmp_path), {})
        watched.file_away(one, "done")
    assert sorted(path.read_text() for path in (tmp_path / "done").iterdir()) == ["0", "1", "2"]


def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    secret = put(tmp_path, ".hidden", "x")
    (tmp_path / "link.txt").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe.txt")
    assert list(sources_folder.files(str(tmp_path), {})) == []


def test_a_link_in_place_of_the_folder_of_what_is_done_leads_nowhere(house: House, tmp_path: Path) -> None:
    """The folder is shared: `done` that points elsewhere would have us lay a stranger's files there."""
    desk, share, elsewhere = desk_of(house), tmp_path / "share", tmp_path / "elsewhere"
    share.mkdir()
    elsewhere.mkdir()
    source = source_of(desk, kind="folder", fields={"folder": str(share)})
    for name in ("done", "unreadable"):
        (share / name).symlink_to(elsewhere, target_is_directory=True)
    put(share, "a.txt", certain())
    assert read(desk, source) == {"taken": 1, "stuck": 1} and list(elsewhere.iterdir()) == []


def test_a_folder_that_is_gone_is_an_issue_and_heals(house: House, tmp_path: Path) -> None:
    desk, folder = desk_of(house), tmp_path / "share"
    source = source_of(desk, kind="folder", fields={"folder": str(folder)})
    for _ in range(2):
        read(desk, source)
    (found,) = desk_checks.desk(house)
    assert (found.code, found.params["code"]) == ("portals.source_failing", "portals.folder_missing")
    folder.mkdir()
    read(desk, source)
    assert list(desk_checks.desk(house)) == []
