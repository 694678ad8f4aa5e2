"""The vault's key file that is gone: the server starts without it, says so, makes no other, and is whole once it is back."""

import io
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import checks, events, issues, vault_known
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE
from praxisd.kernel.log import Log
from praxisd.services.relay import identity
from praxisd.services.relay.runner import LinkRunner
from praxisd.testing.houses import Houses
from praxisd.testing.practice import small_practice
from praxisd.testing.programs import command
from praxisd.web.app import build
from praxisd_relay.identity import Identity

Make = Callable[..., House]
CODE = "vault.key_missing"


def file_of(house: House) -> Path:
    return house.folder / "vault.key"


def found(house: House) -> dict[str, dict[str, Any]]:
    """Code -> params of what the check of the vault says now."""
    return {one.code: one.params for one in issues.run_checks(house, ("kernel.vault",)).issues}


def noted(house: House) -> tuple[str, ...]:
    """The keys that will be missed."""
    with house.store.read(system("test")) as tx:
        return vault_known.known(tx)


def test_a_new_installation_makes_its_key_and_the_start_notes_it(make_house: Make) -> None:
    house = make_house((SERVICE,))
    assert file_of(house).is_file() and not house.vault.closed
    assert noted(house) == ()
    house.start_work()
    assert noted(house) == house.vault.key_ids
    assert found(house) == {}


def test_the_next_start_notes_a_key_that_was_added(make_house: Make, houses: Houses) -> None:
    house = make_house((SERVICE,))
    vault_known.note(house)
    generation = house.store.generation
    assert vault_known.note(house) == house.vault.key_ids
    assert house.store.generation == generation, "nothing new is nothing to write"
    added = house.vault.rotate()
    late = houses.twin(house)
    late.start_work()
    assert noted(late) == late.vault.key_ids and noted(late)[-1] == added
    assert found(late) == {}


def test_keys_that_cannot_be_noted_keep_nobody_from_starting(make_house: Make) -> None:
    house = make_house((SERVICE,))
    stream = io.BytesIO()
    house.log = Log("info", stream)
    file_of(house).write_text("nothing\n", "ascii")
    house.start_work()
    assert b"keys_not_noted" in stream.getvalue() and noted(house) == ()


def test_the_check_only_looks(make_house: Make) -> None:
    """At a key that is new, at another file in its place, at none: nothing in the folder changes, and nothing in the database."""
    house = make_house((SERVICE,))
    path = file_of(house)

    def state() -> tuple[Any, ...]:
        # SQLite keeps in -shm who reads.
        files = {
            one: one.read_bytes()
            for one in house.folder.rglob("*")
            if one.is_file() and one.suffix != ".db-shm"
        }
        return files, house.store.generation, noted(house)

    def looked() -> set[str]:
        before = state()
        codes = {one.code for one in checks.vault_file(house)}
        assert state() == before
        return codes

    assert looked() == set() and noted(house) == ()
    vault_known.note(house)
    house.vault.rotate()
    assert looked() == set() and len(noted(house)) == 1 < len(house.vault.key_ids)
    shutil.copy(file_of(make_house((SERVICE,))), path)
    assert looked() == {CODE}
    path.unlink()
    assert looked() == {CODE} and not path.exists()


def test_a_key_file_that_is_gone_is_not_made_anew(make_house: Make, houses: Houses) -> None:
    house = make_house((SERVICE,))
    vault_known.note(house)
    sealed, kept = house.vault.seal("p", "o", b"secret"), house.folder / "kept"
    file_of(house).rename(kept)
    late = houses.twin(house)
    assert late.vault.closed and not file_of(late).exists()
    assert late.vault.oldest == house.vault.oldest, "media and seats still know the installation"
    said = found(late)
    assert said == {CODE: {"key": house.vault.newest, "file": str(file_of(late))}}
    with pytest.raises(Problem, match=CODE):
        late.vault.seal("p", "o", b"other")
    assert not file_of(late).exists()
    kept.rename(file_of(late))
    assert found(late) == {} and late.vault.open("p", "o", sealed) == b"secret"


def test_it_is_missed_before_any_key_was_noted_once_something_has_happened(
    make_house: Make, houses: Houses
) -> None:
    house = make_house((SERVICE,))
    with house.store.write(system("test")) as tx:
        house.settings.put(tx, "kernel.zone", "Europe/Vienna")
        assert events.head(tx) == 0
    file_of(house).unlink()
    late = houses.twin(house)
    assert late.vault.closed and found(late)[CODE]["key"] == "–"


def test_it_is_told_while_the_server_runs_which_writes_it_back_on_a_click(make_house: Make) -> None:
    house = make_house((SERVICE,))
    vault_known.note(house)
    before = file_of(house).read_bytes()
    file_of(house).unlink()
    subject = "" if house.store.alone else socket.gethostname()
    assert found(house)[CODE]["key"] == house.vault.newest
    done = issues.fix(house, system("test"), CODE, subject)
    assert (done.healed, done.note, done.restart) == (True, "vault.file.kept", False)
    assert file_of(house).read_bytes() == before and found(house) == {}


def test_a_new_key_is_made_only_on_a_click(make_house: Make, houses: Houses) -> None:
    house = make_house((SERVICE,))
    vault_known.note(house)
    file_of(house).unlink()
    late = houses.twin(house)
    subject = "" if late.store.alone else socket.gethostname()
    assert CODE in found(late)
    done = issues.fix(late, system("test"), CODE, subject)
    assert (done.healed, done.note, done.restart) == (True, "vault.file.fresh", True)
    assert file_of(late).is_file() and late.vault.newest != house.vault.newest
    assert noted(late) == late.vault.key_ids


def test_the_file_of_another_node_is_not_healed_here(postgres_houses: Houses) -> None:
    house = postgres_houses.open((SERVICE,))
    file_of(house).unlink()
    assert vault_known.heal(house, system("test"), "another", {}) == {
        "note": "vault.file.elsewhere",
        "host": "another",
    }
    assert not file_of(house).exists()


def test_another_file_in_its_place_is_told_by_the_key_that_it_lacks(make_house: Make, tmp_path: Path) -> None:
    house, other = make_house((SERVICE,)), make_house((SERVICE,))
    vault_known.note(house)
    mine = house.vault.newest
    file_of(house).unlink()
    shutil.copy(file_of(other), file_of(house))
    assert found(house)[CODE]["key"] == mine
    vault_known.note(house)
    assert noted(house) == (mine, other.vault.newest), "and its own key is missed from the next start on"
    assert found(house)[CODE]["key"] == mine


def test_a_damaged_file_is_told_before_the_next_start_fails(make_house: Make) -> None:
    house = make_house((SERVICE,))
    file_of(house).write_text("nothing\n", "ascii")
    assert set(found(house)) == {"vault.key_broken"}


def test_the_doctor_says_it_without_a_server_and_people_still_come_in(sqlite_houses: Houses) -> None:
    house = sqlite_houses.open()
    small_practice(house)
    vault_known.note(house)
    house.stop()
    file_of(house).unlink()
    said = command("doctor", "--json", folder=house.folder)
    issue = next(one for one in said.json["issues"] if one["code"] == CODE)
    assert said.code == 1 and issue["severity"] == "error" and not file_of(house).exists()
    assert "Sicherung" in issue["cause"] and str(file_of(house)) in issue["solution"]
    late = main.open_practice(house.folder, house.config, house.clock)
    try:
        with TestClient(build(late, main.doors(late))) as client:
            assert client.get("/health/live").status_code == 200
            assert client.get("/").status_code == 200
    finally:
        late.stop()
    assert not file_of(house).exists()


def test_the_relay_waits_for_the_key_and_adds_no_noise(sqlite_houses: Houses) -> None:
    house = sqlite_houses.open()
    small_practice(house)
    hub = (identity.Hub(host="127.0.0.1", port=9),)
    own = identity.Enrolled(
        Identity.new(), hub, "a.relay.localhost", 443, identity.ENROLLED, house.clock.now()
    )
    with house.store.write(system("test")) as tx:
        identity.save(house, tx, own)
        house.settings.put(tx, "relay.enabled", True)
    vault_known.note(house)
    file_of(house).rename(house.folder / "kept")
    late = sqlite_houses.twin(house)
    said = issues.run_checks(late, ("kernel.vault", "relay.certificate")).issues
    assert [one.code for one in said] == [CODE], "no check fails for want of the key"
    runner = LinkRunner(late)
    runner._step()
    assert runner._holds and runner._held is None
    (house.folder / "kept").rename(file_of(house))
    assert runner._key_is_back() and not late.vault.closed
