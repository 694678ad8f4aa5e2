"""Keys after a state of before a change was given back: the newest sheet opens all media, and no number is used twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.model.backup_kept import Drive, Secret, Wrap
from praxisd.services.backups import store
from praxisd.services.backups.keys import alphabet, changing, checks, keeping, keyring, operations, sheet
from praxisd.testing.houses import Houses
from praxisd.testing.practice import Practice, small_practice

from .backup_keys_cast import KeysOnly, Shelf, medium, shelf
from .diagnosis_cast import Door, opened

KEYS = "/backups/keys"


@pytest.fixture
def media(sqlite_houses: Houses, tmp_path: Path) -> Shelf:
    return shelf(sqlite_houses.open(), tmp_path / "media", KeysOnly())


@pytest.fixture
def practice(media: Shelf) -> Practice:
    return small_practice(media.house)


@pytest.fixture
def door(media: Shelf, practice: Practice) -> Iterator[Door]:
    with opened(media.house, practice) as ask:
        yield ask


def _as_before_the_changes(house: House, drives: dict[str, Drive]) -> str:
    """Both keys are changed twice, then the database is again what it was before; the recovery key of now."""
    with house.store.read(keeping.OWN) as tx:
        secrets = {keeping.id_of(one): one for one in store.SECRET.all(tx)}
        wraps = {f"{id_}/{_wrap_id(one)}": one for id_ in drives for one in keeping.wraps(tx, id_)}
    for what in ("password", "recovery"):
        changing.change(house, keeping.OWN, what)  # type: ignore[arg-type]
    with house.store.write(keeping.OWN) as tx:
        key = keeping.text_of(house, keeping.recovery(house, tx))
        for table in (store.SECRET, store.WRAP):
            for one in table.all(tx):
                id_ = keeping.id_of(one) if isinstance(one, Secret) else f"{one.medium}/{_wrap_id(one)}"
                table.remove(tx, id_)
        for id_, secret in secrets.items():
            store.SECRET.put(tx, id_, secret, at=secret.since)
        for id_, wrap in wraps.items():
            store.WRAP.put(tx, id_, wrap, at=wrap.since, medium=wrap.medium)
    return key


def _wrap_id(one: Wrap) -> str:
    return str(one.no) if one.kind == "password" else f"recovery/{one.no}"


def test_after_an_earlier_state_was_given_back_the_newest_sheet_opens_all_media(
    media: Shelf, door: Door
) -> None:
    drives = {name: medium(media, name) for name in ("a", "b")}
    house = media.house
    sheet.paper(house, keeping.OWN, "de")
    key = _as_before_the_changes(house, drives)
    with pytest.raises(Problem) as refused:  # as a run meets it
        keyring.rewrap(house, media.engine, media.place("a"), "a")
    assert refused.value.code == "backups.password_later"
    assert "Medium öffnen" in house.texts.get("backups.password_later.solution", "de")
    body = {"medium": "a", "confirmed": True}
    told = door("POST", f"{KEYS}/open", status=409, json={**body, "secret": "a guess"})
    assert told["code"] == "backups.password_later" and "Nr." not in told["title"]
    found = door("POST", f"{KEYS}/open", json={**body, "secret": alphabet.shown(key)})
    assert found["current"] == 11 and found["recovery"]["no"] == 11  # no second „Nr. 2“ in the safe
    assert [one.code for one in checks.sheet_there(house)] == [checks.MISSING]
    with house.store.read(keeping.OWN) as tx:
        newest = keeping.newest_recovery(tx)
    assert newest is not None and keeping.text_of(house, newest) == key
    assert keyring.rewrap(house, media.engine, media.place("b"), "b")  # needs no typing any more
    for name in drives:
        assert media.who_opens(name) == {"password 11", "recovery 11"}
    answer = operations.opened(house, {"medium": "Medium a", "secret": key, "lang": "de"})
    assert answer["current"] == 11  # nothing is made anew where one of ours opens it


def test_after_an_earlier_state_a_password_of_later_makes_both_anew(media: Shelf) -> None:
    drives = {"a": medium(media, "a")}
    house = media.house
    _as_before_the_changes(house, drives)
    repo = next(iter(media.engine.places))
    media.engine.places[repo]["ffffffff"] = "a password of later"
    changing.open_by_hand(house, keeping.OWN, "a", "a password of later")
    assert media.who_opens("a") == {"password 11", "recovery 11"}
