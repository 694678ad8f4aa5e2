"""Orders: files from the server to the guard, taken once."""

import json
import os
from pathlib import Path

import pytest

from praxisd_guard import journal, orders
from praxisd_guard.places import Places


def _install(**more: object) -> orders.Order:
    given = {
        "version": "1.1",
        "package": "/p/a.zip",
        "target": "software/praxisd/praxisd-1.1.zip",
        "seen": "/p/seen",
    }
    return orders.order("install", "owner", "person", **(given | more))


def test_an_order_comes_back_as_it_was_given_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    wish = _install(announce_s=30.0)
    assert orders.give(tmp_path, wish) == wish.id
    assert orders.waiting(tmp_path) == [wish]
    assert orders.is_waiting(tmp_path, wish.id)
    file = Places(tmp_path).order(wish.id)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    orders.taken(tmp_path, wish.id)
    assert orders.waiting(tmp_path) == []
    orders.taken(tmp_path, wish.id)  # again: nothing happens


def test_ids_are_26_characters_and_sort_as_they_were_given() -> None:
    ids = [orders.new_id() for _ in range(200)]
    assert len(set(ids)) == 200
    assert {len(one) for one in ids} == {26}
    times = [one[:10] for one in ids]
    assert times == sorted(times)


def test_the_oldest_comes_first(tmp_path: Path) -> None:
    wishes = [orders.Order(id=f"{n:026d}", kind="restart", by="x", reason="planned", at=n) for n in (3, 1, 2)]
    for wish in wishes:
        orders.give(tmp_path, wish)
    assert [wish.at for wish in orders.waiting(tmp_path)] == [1, 2, 3]


@pytest.mark.parametrize(
    "more",
    [
        {"version": None},
        {"version": "../../etc"},
        {"version": ".hidden"},
        {"version": "1..2"},
        {"package": None},
        {"package": "relative.zip"},
        {"target": ""},
        {"seen": "relative"},
    ],
)
def test_an_order_that_cannot_be_carried_out_is_not_given(more: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        _install(**more)


def test_an_unknown_kind_is_not_given() -> None:
    with pytest.raises(ValueError):
        orders.order("format_disk", "owner", "person")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"id": "other", "kind": "restart"}',
        '{"id": "ID", "kind": "install", "by": "x", "reason": "y", "at": 1}',
        '{"id": "ID", "kind": ["restart"], "by": "x", "reason": "y", "at": 1}',
        '{"id": "ID", "kind": "restart", "by": "x", "reason": "y", "at": "soon"}',
        '{"id": "ID", "kind": "restart", "by": "x", "reason": "y", "at": null}',
        '{"id": "ID", "kind": "install", "version": "../x", "package": "/a", "target": "t", "seen": "/s", "at": 1}',
    ],
)
def test_an_order_that_cannot_be_read_is_refused_and_removed(tmp_path: Path, content: str) -> None:
    order_id = orders.new_id()
    file = Places(tmp_path).order(order_id)
    file.parent.mkdir(parents=True)
    file.write_text(content.replace('"ID"', json.dumps(order_id)))
    assert orders.waiting(tmp_path) == []
    assert not file.exists()
    outcome = journal.outcome(tmp_path, order_id)
    assert (outcome.state, outcome.code, outcome.final) == ("refused", "guard.order_unreadable", True)


def test_what_is_no_order_by_its_name_is_left_alone(tmp_path: Path) -> None:
    folder = Places(tmp_path).orders
    folder.mkdir(parents=True)
    for name in (".0.json.1.new", "readme.txt", "short.json"):
        (folder / name).write_text("{}")
    assert orders.waiting(tmp_path) == []
    assert len(os.listdir(folder)) == 3
    assert not Places(tmp_path).journal.exists()


def test_one_the_journal_knows_is_not_carried_out_again(tmp_path: Path) -> None:
    wish = orders.order("restart", "cli", "planned")
    orders.give(tmp_path, wish)
    journal.Journal(tmp_path).write("restart", "accepted", order=wish.id)
    assert orders.waiting(tmp_path) == []
    assert not orders.is_waiting(tmp_path, wish.id)
