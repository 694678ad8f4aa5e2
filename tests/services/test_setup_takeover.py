"""The wizard's step „Alte Daten übernehmen“: done by a take-over that stands, not by whoever books; on both engines."""

import json
from pathlib import Path

import pytest

from praxisd.kernel import control
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.model.people import PatientClaim
from praxisd.services.directory import api as directory
from praxisd.services.exchange import takeovers
from praxisd.services.exchange.takeover_room import room_of
from praxisd.services.setup import steps
from praxisd.services.setup.steps import settle

from .takeover_cast import PATIENTS, Office

STEP = "takeover"
BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [{"resource": {"resourceType": "Patient", "id": "alt-1", "name": [{"family": "Alt"}]}}],
}


@pytest.fixture
def office(house: House, tmp_path: Path) -> Office:
    return Office(house, tmp_path)


def state(office: Office) -> str:
    with office.house.store.read(office.actor) as tx:
        return next(one.state for one in steps.listed(office.house, tx, "de").steps if one.name == STEP)


def say(office: Office, *, skipped: bool) -> None:
    office.house.store.run(office.actor, lambda tx: settle(office.house, tx, STEP, skipped))


def test_who_books_takes_no_old_data_over(office: Office) -> None:
    told = PatientClaim(family="Muster", given="Erika", birth_date="1970-01-02")
    office.house.store.run(office.actor, lambda tx: directory.claim(tx, told))
    assert state(office) == "open"
    say(office, skipped=True)
    office.house.store.run(office.actor, lambda tx: directory.claim(tx, PatientClaim(family="Beispiel")))
    assert state(office) == "skipped"


def test_a_take_over_that_stands_is_done_and_one_taken_back_is_not(office: Office) -> None:
    say(office, skipped=True)
    id_ = office.bring(PATIENTS)
    assert office.look(id_)["state"] == "looked" and state(office) == "skipped"
    assert office.apply(id_)["new"] == 3 and state(office) == "done"
    assert office.undo(id_)["state"] == "undone" and state(office) == "skipped"
    say(office, skipped=False)
    assert state(office) == "open"


def test_a_report_may_be_deleted_what_came_in_is_still_there(office: Office) -> None:
    id_, _ = office.whole(PATIENTS)
    office.house.store.run(office.actor, lambda tx: takeovers.delete(office.house, tx, id_))
    assert state(office) == "done", "while it goes, too"
    assert room_of(office.house).step() == 1 and state(office) == "done"


def test_bundles_by_command_are_a_take_over_of_that_practice_alone(office: Office, house: House) -> None:
    place = office.practice.organization
    other = str(control.perform(house, "directory.practice_create", {"name": "B", "another": True})["id"])

    def take(text: str) -> int:
        args = {"files": [text], "organization": place}
        return int(control.perform(house, "calendar.import_bundle", args)["created"])

    assert take('{"resourceType": "Bundle", "type": "collection"}') == 0 and state(office) == "open"
    assert take(json.dumps(BUNDLE)) == 1 and state(office) == "done"
    with house.store.read(system("test", other)) as tx:
        assert {one.name: one.state for one in steps.listed(house, tx, "de").steps}[STEP] == "open"
