"""Data sets of medication as a practice has them: opened, switched and switched back, confirmed, expired, broken."""

import hashlib
import sqlite3
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.medication import sets_looking, sets_reading, sets_sample
from praxisd.services.medication.sets_schema import ELEMENTS, MEDICATION
from praxisd.services.updates import api as updates
from praxisd.services.updates import slots
from praxisd.testing.medication import confirm, install_samples
from praxisd.testing.practice import small_practice


def test_an_edition_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    for element in ELEMENTS:
        found = set()
        for turn in range(2):
            out = tmp_path / f"{turn}.sqlite"
            sets_sample.build(2, date(2026, 11, 15), element, out)
            found.add(hashlib.sha256(out.read_bytes()).hexdigest())
        assert len(found) == 1
        connection, meta = sets_looking.opened(tmp_path / "0.sqlite", element)
        sets_looking.whole(connection, meta)
        assert meta["sample"] == "1"
        connection.close()


def test_a_reader_holds_one_whole_version(house: House) -> None:
    first = install_samples(house, 1, days_ago=40, elements=(MEDICATION,))
    held = sets_reading.open_set(house, MEDICATION)
    assert held.version == first
    before = held.rows("SELECT count(*) FROM interaction")
    second = install_samples(house, 2, days_ago=3, elements=(MEDICATION,))
    now = sets_reading.open_set(house, MEDICATION)
    assert now.version == second and now.mark != held.mark
    assert now.rows("SELECT count(*) FROM interaction") > before
    assert held.rows("SELECT count(*) FROM interaction") == before
    assert sets_reading.open_set(house, MEDICATION, first).version == first
    slots.back(house.folder, MEDICATION)
    assert sets_reading.open_set(house, MEDICATION).version == first
    assert sets_reading.open_set(house, MEDICATION, second).version == second
    # A third edition takes the place of the second; whoever reads in that reads on.
    install_samples(house, 2, days_ago=1, elements=(MEDICATION,))
    assert now.rows("SELECT count(*) FROM product")[0][0] > 180
    with pytest.raises(Problem) as gone:
        sets_reading.open_set(house, MEDICATION, second)
    assert gone.value.code == "medication.no_version"


def test_nothing_is_there_at_first(house: House) -> None:
    practice = small_practice(house)
    with house.store.read(practice.desk()) as tx:
        assert sets_reading.standing(house, tx, MEDICATION).state == "missing"
        with pytest.raises(Problem) as none:
            sets_reading.for_checking(house, tx)
    assert none.value.code == "medication.no_data"


def test_checks_wait_for_a_confirmation(house: House) -> None:
    practice = small_practice(house)
    install_samples(house, elements=(MEDICATION,))
    with house.store.read(practice.desk()) as tx:
        found = sets_reading.standing(house, tx, MEDICATION, "en")
        assert (found.state, found.sample, found.age_days) == ("unconfirmed", True, 10)
        assert found.title == "Medication data (sample)"
        with pytest.raises(Problem) as refused:
            sets_reading.for_checking(house, tx)
        assert refused.value.code == "medication.unconfirmed"
    confirm(house, practice.desk())
    install_samples(
        house, 2, days_ago=1, elements=(MEDICATION,)
    )  # another edition of the same source does not ask again
    with house.store.read(practice.desk()) as tx:
        assert sets_reading.standing(house, tx, MEDICATION).state == "valid"
        assert sets_reading.for_checking(house, tx).held.sample


@pytest.mark.parametrize(
    ("days", "state"), [(120, "valid"), (121, "grace"), (150, "grace"), (151, "expired")]
)
def test_a_set_grows_old(house: House, days: int, state: str) -> None:
    practice = small_practice(house)
    install_samples(house, days_ago=days, elements=(MEDICATION,))
    confirm(house, practice.desk())
    with house.store.read(practice.desk()) as tx:
        assert sets_reading.standing(house, tx, MEDICATION).state == state
        assert sets_reading.for_checking(house, tx).held.sample  # reading goes on
        if state == "expired":
            with pytest.raises(Problem) as refused:
                sets_reading.for_entry(house, tx)
            assert refused.value.code == "medication.data_expired"
        else:
            sets_reading.for_entry(house, tx)


def _broken(out: Path, how: str) -> None:
    sets_sample.build(2, date(2026, 11, 1), "medication-notices" if how == "foreign" else MEDICATION, out)
    if how == "cut":
        out.write_bytes(out.read_bytes()[: out.stat().st_size // 2])
        return
    if how == "holidays":
        out.unlink()
    connection = sqlite3.connect(out)
    if how == "schema":
        connection.execute("PRAGMA user_version=2")
    elif how == "holidays":
        connection.execute("CREATE TABLE holiday (day TEXT)")
    elif how == "column":
        connection.execute("ALTER TABLE product ADD COLUMN extra TEXT")
    elif how == "meta":
        connection.execute("DELETE FROM meta WHERE key = 'licence'")
    elif how == "altered":
        connection.execute("UPDATE interaction SET severity = 'minor'")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("foreign", "medication.set_foreign"),
        ("holidays", "medication.set_foreign"),
        ("schema", "medication.set_schema"),
        ("column", "medication.set_incomplete"),
        ("meta", "medication.set_incomplete"),
    ],
)
def test_a_broken_set_does_not_stop_anybody(house: House, how: str, code: str) -> None:
    practice = small_practice(house)
    first = install_samples(house, elements=(MEDICATION,))
    updates.put_in_use(house, MEDICATION, "2026-11-27", "2026-11-27", lambda out: _broken(out, how))
    found = sets_reading.open_set(house, MEDICATION)
    assert found.version == first
    with house.store.read(practice.desk()) as tx:
        standing = sets_reading.standing(house, tx, MEDICATION)
    assert (standing.version, standing.fault) == (first, code)


def test_a_cut_file_is_not_switched_to(house: House) -> None:
    first = install_samples(house, elements=(MEDICATION,))
    with pytest.raises(Problem) as refused:
        updates.put_in_use(house, MEDICATION, "2026-11-27", "2026-11-27", lambda out: _broken(out, "cut"))
    assert refused.value.code == "updates.unusable"
    assert sets_reading.open_set(house, MEDICATION).version == first


def test_altered_rows_are_found_by_looking_at_the_whole(house: House) -> None:
    install_samples(house, elements=(MEDICATION,))
    updates.put_in_use(house, MEDICATION, "x", "2026-11-27", lambda out: _broken(out, "altered"))
    fault = sets_reading.open_set(house, MEDICATION).look()
    assert fault is not None and fault.code == "medication.set_altered"


def test_who_looks_while_both_editions_are_replaced_looks_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_samples(house)
    there = updates.versions(house, MEDICATION)
    gone = [replace(one, path=one.path.with_name("gone")) for one in there]
    answers = [gone]
    monkeypatch.setattr(updates, "versions", lambda *_: answers.pop() if answers else there)
    assert sets_reading.look(house, MEDICATION).opened is not None
    monkeypatch.setattr(updates, "versions", lambda *_: gone)
    with pytest.raises(Problem, match=r"medication\.no_data"):
        sets_reading.look(house, MEDICATION)
