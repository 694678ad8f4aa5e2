"""No file of patients lies around for longer than it is needed, whatever became of its take-over."""

import os
import time
from pathlib import Path

import pytest

from praxisd import main
from praxisd.kernel.app import House
from praxisd.services.exchange import takeover_places, takeovers
from praxisd.services.exchange.takeover_room import Room
from praxisd.web import uploads
from praxisd.web.app import build

from .takeover_cast import PATIENTS, Office

DAY = 86_400


@pytest.fixture
def office(house: House, tmp_path: Path) -> Office:
    return Office(house, tmp_path)


def test_a_file_nobody_went_on_with_is_thrown_away(office: Office) -> None:
    brought, looked, done = (office.bring(PATIENTS) for _ in range(3))
    office.look(looked)
    office.look(done)
    office.apply(done)
    ids = (brought, looked, done)
    office.house.clock.advance(6 * DAY)
    Room(office.house).clean()
    assert all(takeover_places.here(office.house, one) for one in ids)
    office.house.clock.advance(2 * DAY)
    Room(office.house).clean()
    assert not any(takeover_places.here(office.house, one) for one in ids)
    assert all(office.row(one).source_gone for one in ids)


def test_a_file_that_belongs_to_no_take_over_is_thrown_away(office: Office) -> None:
    """A crash after it was kept, or another node that forgot its take-over."""
    id_ = office.bring(PATIENTS)
    stray = takeover_places.folder(office.house, "stray")
    stray.mkdir()
    (stray / "source").write_bytes(b"Anna")
    Room(office.house).clean()
    assert stray.exists()  # it may be coming in right now
    before = time.time() - 2 * DAY
    for one in (stray, takeover_places.folder(office.house, id_)):
        os.utime(one, (before, before))
    Room(office.house).clean()
    assert not stray.exists()
    assert takeover_places.here(office.house, id_)


def test_what_a_killed_server_was_being_sent_goes_when_it_starts_again(office: Office) -> None:
    left = office.house.folder / uploads.FOLDER / "half"
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"Anna")
    build(office.house, main.doors(office.house))
    assert not left.exists()


@pytest.mark.parametrize("name", ["M\x00ller.csv", os.fsdecode(b"M\xfcller.csv"), "a\r\nb.csv"])
def test_names_of_files_are_kept_as_far_as_they_can_be_shown(office: Office, name: str) -> None:
    id_ = takeovers.bring(office.house, office.actor, office.file(PATIENTS), name)
    kept = office.row(id_).name
    assert kept.isprintable() and kept.endswith(".csv")
