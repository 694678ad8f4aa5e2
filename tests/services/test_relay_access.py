"""The access log: written in one go, kept over a stop and an outage, shown per key, cleaned (SPEC 2.8)."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from praxisd.kernel import jobs
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.jobs import Worker
from praxisd.kernel.visitors import Entered
from praxisd.services.relay import access, access_store, operations, settings
from praxisd.services.relay.access import AccessLog, status_range
from praxisd.services.relay.room import Room, room_of
from praxisd.testing.houses import START
from praxisd.testing.practice import Practice, key_for, small_practice

from .relay_cast import OUTSIDE, inside, outside, scripted, until


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


def one(practice: Practice, key: str = "key-a", **more: Any) -> Entered:
    found = Entered(practice.organization, key, START, "GET", "slots.list", 200, 12, 345, OUTSIDE)
    return replace(found, **more)


def rows(house: House, practice: Practice, **wanted: Any) -> list[Any]:
    with house.store.read(practice.desk()) as tx:
        return access_store.page(tx, wanted, sort="at", down=False, offset=0, limit=100)[0]


def listing(house: House, key: str, **query: Any) -> dict[str, Any]:
    answer = inside(house).ask(
        "POST", "/api/v1/listings/relay.access", json=query, headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_all_that_waits_is_written_in_one_transaction(house: House, practice: Practice) -> None:
    log = AccessLog()
    for number in range(30):
        log.entered(one(practice, status=200 + number))
    before = house.store.generation
    assert log.write(house) == 30
    assert house.store.generation == before + 1
    assert log.write(house) == 0
    assert [row.status for row in rows(house, practice)] == list(range(200, 230))


def test_what_was_just_done_is_shown_at_once(house: House, practice: Practice) -> None:
    """Nobody waits for the log to be written: neither on the page nor at the command."""
    key, room = key_for(house, practice, "owner", "Chef"), room_of(house)
    room.log.entered(one(practice, status=201))
    assert [row["cells"]["status"] for row in listing(house, key)["rows"]] == [201]
    room.log.entered(one(practice, status=202))
    shown = operations.log(house, {"organization": practice.organization})["accesses"]
    assert [row["status"] for row in shown] == [202, 201]


def test_who_reads_waits_for_what_is_being_written(
    house: House, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, real, at_it, go_on = room_of(house), house.store.run, threading.Event(), threading.Event()
    room.log.entered(one(practice))

    def slowly(*args: Any) -> Any:
        at_it.set()
        assert go_on.wait(60)
        return real(*args)

    monkeypatch.setattr(house.store, "run", slowly)
    writer = threading.Thread(target=room.log.write, args=(house,))
    writer.start()
    assert at_it.wait(60)
    threading.Timer(0.2, go_on.set).start()
    room.entered()
    assert len(rows(house, practice)) == 1
    writer.join()


def test_rows_of_several_practices_stay_apart(house: House, practice: Practice) -> None:
    other = replace(practice, organization="another")
    log = AccessLog()
    log.entered(one(practice))
    log.entered(one(other, key="key-b"))
    log.write(house)
    assert [row.key for row in rows(house, practice)] == ["key-a"]
    assert [row.key for row in rows(house, other)] == ["key-b"]


def test_what_the_database_does_not_take_waits_and_the_oldest_is_lost(
    house: House, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = AccessLog(most=3)
    for number in range(3):
        log.entered(one(practice, status=200 + number))

    def away(*_args: Any) -> None:
        log.entered(one(practice, status=300))  # one comes in meanwhile
        raise OSError

    monkeypatch.setattr(house.store, "run", away)
    with pytest.raises(OSError):
        log.write(house)
    monkeypatch.undo()
    assert (len(log), log.lost) == (3, 1)
    log.entered(one(practice, status=400))
    assert log.lost == 2
    log.write(house)
    assert [row.status for row in rows(house, practice)] == [202, 300, 400]


def test_a_row_that_no_database_takes_keeps_no_other_from_being_written(
    house: House, practice: Practice
) -> None:
    log = AccessLog()
    for number in range(7):
        log.entered(one(practice, status=200 + number, ms=2**80 if number == 4 else 12))
    assert log.write(house) == 6
    assert (len(log), log.lost) == (0, 1)
    assert [row.status for row in rows(house, practice)] == [200, 201, 202, 203, 205, 206]


def test_rows_whose_commit_was_not_heard_of_are_written_once(
    house: House, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = AccessLog()
    log.entered(one(practice))
    real = house.store.run

    def cut_off(*args: Any) -> None:
        real(*args)
        raise OSError

    monkeypatch.setattr(house.store, "run", cut_off)
    with pytest.raises(OSError):
        log.write(house)
    monkeypatch.undo()
    log.entered(one(practice, status=201))
    log.write(house)
    assert [row.status for row in rows(house, practice)] == [200, 201]


def test_requests_from_outside_are_in_the_log_after_a_stop(house: House, practice: Practice) -> None:
    key = key_for(house, practice, "portal", "Portal")
    room, _ = scripted(house)
    room.start()
    until(lambda: house.visitors.entered is not None)
    room.write(at_once=True)  # the clock stands still: nothing is due again by itself
    outside(house).get("/api/v1/schedules?limit=5", key)
    assert len(room.log) == 1
    house._stop.set()
    house.wake.stop()
    for thread in house._threads:
        thread.join(30)
    (row,) = rows(house, practice)
    assert (row.method, row.operation, row.status, row.address) == ("GET", "schedules.list", 200, OUTSIDE)


def test_the_room_writes_every_two_seconds(house: House, practice: Practice, clock: FrozenClock) -> None:
    room = Room(house, lambda _house: pytest.fail("no link was asked for"))
    room.log.entered(one(practice))
    room.write()
    assert len(room.log) == 0
    room.log.entered(one(practice))
    clock.advance(1)
    room.write()
    assert len(room.log) == 1
    clock.advance(1)
    room.write()
    assert len(room.log) == 0


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", None, None),
        ("404", 404, 405),
        ("4", 400, 500),
        ("4xx", 400, 500),
        (" 5XX ", 500, 600),
        ("44", 0, 0),
        ("viele", 0, 0),
        ("999", 0, 0),
    ],
)
def test_what_a_filter_of_the_status_means(text: str, low: int | None, high: int | None) -> None:
    assert status_range(text) == (low, high)


def test_the_listing_shows_keys_by_name_and_filters(house: House, practice: Practice) -> None:
    owner = key_for(house, practice, "owner", "Chef")
    key_for(house, practice, "portal", "Portal Süd")
    with house.store.read(practice.desk()) as tx:
        ids = {name: id_ for id_, name in access.key_names(tx).items()}
    log = AccessLog()
    log.entered(one(practice, key=ids["Portal Süd"], at=START + 10, status=401))
    log.entered(one(practice, key=ids["Chef"], at=START + 20))
    log.entered(
        one(practice, key=ids["Portal Süd"], at=START + 30, operation="appointments.create", method="POST")
    )
    log.write(house)
    found = listing(house, owner)
    assert [row["cells"]["key"] for row in found["rows"]] == ["Portal Süd", "Chef", "Portal Süd"]
    assert found["rows"][0]["cells"] == {
        "at": "2026-11-23T09:00:30+01:00", "key": "Portal Süd", "operation": "POST appointments.create",
        "status": 200, "ms": 12, "sent": 345, "address": OUTSIDE,
    }  # fmt: skip
    assert [row.get("alert", False) for row in found["rows"]] == [False, False, True]
    assert len(listing(house, owner, filters={"key": "sud"})["rows"]) == 2
    assert len(listing(house, owner, filters={"key": "niemand"})["rows"]) == 0
    assert len(listing(house, owner, filters={"status": "4xx"})["rows"]) == 1
    assert len(listing(house, owner, **{"from": "2026-11-23T09:00:20+01:00"})["rows"]) == 2
    first = listing(house, owner, limit=1, sort="at")
    assert first["next"] == "1" and first["total"] == 3
    partner = key_for(house, practice, "partner", "Techniker")
    assert {row["cells"]["address"] for row in listing(house, partner)["rows"]} == {None}
    desk = {"Authorization": f"Bearer {key_for(house, practice, 'desk', 'Empfang')}"}
    assert (
        inside(house).ask("POST", "/api/v1/listings/relay.access", json={}, headers=desk).status_code == 403
    )


def test_old_accesses_are_cleaned_by_the_job(house: House, practice: Practice, clock: FrozenClock) -> None:
    log = AccessLog()
    for day in range(5):
        log.entered(one(practice, at=START - day * 86_400, status=200 + day))
    log.write(house)
    with house.store.write(practice.desk()) as tx:
        house.settings.put(tx, settings.LOG_DAYS, 2)
        jobs.run_now(house, tx, "relay.clean")
    Worker(house).step()
    until(lambda: len(rows(house, practice)) == 3)
    assert sorted(row.status for row in rows(house, practice)) == [200, 201, 202]
    with house.store.read(system("test", practice.organization)) as tx:
        assert access_store.page(tx, {}, sort="at", down=True, offset=0, limit=1)[1] == 3
