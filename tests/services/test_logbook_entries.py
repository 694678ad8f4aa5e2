"""The logbook takes what seats send, once, and finds it again (SPEC 9.3); on both engines."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.services.backups.sources.own import own as own_source
from praxisd.services.logbook import api, own
from praxisd.services.logbook.book import FILE, book_of
from praxisd.services.logbook.entries import UNREADABLE, LogEntry

from .logbook_cast import Scene, entry, ran, scene, tech


@pytest.fixture
def there(house: Any) -> Iterator[Scene]:
    with scene(house) as one:
        yield one


def test_an_entry_is_kept_and_found_as_it_was_sent(there: Scene) -> None:
    fields = {
        "tray": tech(2),
        "model": tech("Köhler HL-2350"),
        "job": {"class": "pseudonym", "value": "p-17"},
    }
    assert there.write(entry(there.house, 1, fields=fields, text="Papierfach leer", level="warning")) == 1
    (found,) = there.search()
    assert (found["code"], found["level"], found["seq"], found["text"]) == (
        "printer.paper_out", "warning", 1, "Papierfach leer",
    )  # fmt: skip
    assert found["fields"] == {"tray": 2, "model": "Köhler HL-2350"} and found["pseudonyms"] == {
        "job": "p-17"
    }
    assert found["sourceName"] == "desk" and found["patient"] is None
    (source,) = there("GET", "/sources")["sources"]
    assert (source["name"], source["upto"], source["entries"]) == ("desk", 1, 1)


def test_what_was_sent_before_is_not_kept_twice(there: Scene) -> None:
    entries = [entry(there.house, n) for n in range(1, 6)]
    assert there.write(*entries) == 5
    assert there.write(*entries[2:], entry(there.house, 6, "seat.idle")) == 6
    assert sorted(one["seq"] for one in there.search()) == [1, 2, 3, 4, 5, 6]
    assert there("GET", "/sources")["sources"][0]["entries"] == 6


def test_a_number_used_again_for_something_else_is_refused_and_loses_nothing(there: Scene) -> None:
    there.write(entry(there.house, 1), entry(there.house, 2))
    body = {"entries": [entry(there.house, 3), entry(there.house, 2, "other.code")]}
    assert there("POST", "/entries", body, 409)["params"] == {"seq": 2}
    assert [one["seq"] for one in there.search()] == [2, 1], "all or nothing"


def test_two_sources_number_for_themselves(there: Scene) -> None:
    for seat in ("seat-a", "seat-b"):
        raw = [json.dumps(entry(there.house, 1, f"from.{seat[-1]}")).encode()]
        assert api.take(there.house, there.organization, seat, raw) == 1
    assert sorted(there.codes()) == ["from.a", "from.b"]
    assert there.codes(sources=["seat-b"]) == ["from.b"]


def test_many_write_at_the_same_time_and_all_is_there(there: Scene) -> None:
    def send(seat: str) -> None:
        for start in range(1, 101, 20):
            raw = [json.dumps(entry(there.house, n)).encode() for n in range(start, start + 20)]
            assert api.take(there.house, there.organization, seat, raw) == start + 19

    threads = [threading.Thread(target=send, args=(f"seat-{n}",)) for n in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    facts = there.shelf.sources(there.organization)
    assert {(one.source, one.upto, one.stored) for one in facts} == {
        (f"seat-{n}", 100, 100) for n in range(5)
    }
    assert sum(there.shelf.figures().levels.values()) == 500 and there.shelf.last_no() == 500


def test_an_entry_that_cannot_be_read_does_not_stop_the_others(there: Scene) -> None:
    good = json.dumps(entry(there.house, 1)).encode()
    secret = json.dumps(entry(there.house, 2, "Erika Mustermann ist da")).encode()
    assert api.take(there.house, there.organization, "seat-a", [good, secret]) == 2
    assert api.take(there.house, there.organization, "seat-a", [good, secret]) == 2, "again, quietly"
    assert sorted(there.codes()) == [UNREADABLE, "printer.paper_out"]
    assert "Mustermann" not in json.dumps(there.search())
    with pytest.raises(Problem, match=r"logbook\.bad_entry"):
        api.take(there.house, there.organization, "seat-a", [b'{"code":"a"}'])
    there("POST", "/entries", {"entries": [entry(there.house, 3, "Erika Mustermann")]}, 400)
    there("POST", "/entries", {"entries": [entry(there.house, 4, more=1)]}, 400)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"words": "papier"}, [3, 1]),
        ({"words": "PAPIER leer"}, [1]),
        ({"words": "paper_out"}, [3, 1]),
        ({"words": "koh"}, [2]),
        ({"words": "Köhler"}, [2]),
        ({"words": "nichts"}, []),
        ({"words": "p-17"}, [2]),
        ({"words": '" OR code:*'}, []),
        ({"levels": ["error"]}, [3]),
        ({"levels": ["warning", "error"]}, [3, 2]),
        ({"levels": ["info"], "words": "papier"}, [1]),
        ({"codes": ["door.open"]}, [2]),
        ({"codes": ["door.open", "printer.paper_out"], "levels": ["error", "info"]}, [3, 1]),
        ({"sources": ["nobody"]}, []),
        ({}, [3, 2, 1]),
    ],
)
def test_search(there: Scene, asked: dict[str, Any], found: list[int]) -> None:
    there.write(
        entry(there.house, 1, text="Papierfach leer", ago=30),
        entry(
            there.house, 2, "door.open", level="warning", ago=20,
            fields={"who": tech("Kohler"), "id": {"class": "pseudonym", "value": "p-17"}},
        ),
        entry(there.house, 3, level="error", kind="error", text="Papierstau", ago=10),
    )  # fmt: skip
    assert [one["seq"] for one in there.search(**asked)] == found


def test_a_page_follows_the_other_and_a_tail_misses_nothing(there: Scene) -> None:
    there.write(*(entry(there.house, n, ago=200 - n) for n in range(1, 121)))
    seen: list[int] = []
    cursor = None
    while True:
        page = there("POST", "/search", {"limit": 50, "cursor": cursor})
        seen += [one["seq"] for one in page["entries"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == list(range(120, 0, -1))
    last = page["last"]
    assert there("POST", "/search", {"after": last}) == {"entries": [], "next": None, "last": last}
    there.write(*(entry(there.house, n, "late.entry", ago=3600) for n in range(121, 126)))
    tail = there("POST", "/search", {"after": last, "limit": 3, "words": "late"})
    assert [one["seq"] for one in tail["entries"]] == [121, 122, 123], "by arrival, however old"
    tail = there("POST", "/search", {"after": tail["last"], "limit": 3, "words": "late"})
    assert [one["seq"] for one in tail["entries"]] == [124, 125]
    assert there("POST", "/search", {"after": tail["last"]})["entries"] == []


def test_a_period_is_by_the_sources_time_unless_its_clock_cannot_be_right(there: Scene) -> None:
    there.write(
        entry(there.house, 1, ago=7200),
        entry(there.house, 2, "clock.wrong", ago=40 * 365 * 86_400),
        entry(there.house, 3, "clock.ahead", ago=-86_400),
        entry(there.house, 4, ago=60),
    )
    hour = entry(there.house, 1, ago=3600)["at"]
    assert [one["seq"] for one in there.search(to=hour)] == [1]
    assert sorted(one["seq"] for one in there.search(**{"from": hour})) == [2, 3, 4]
    (wrong,) = there.search(codes=["clock.wrong"])
    assert wrong["at"].startswith("1986-"), "shown as it was told"
    there("POST", "/search", {"from": "gestern"}, 400)


def test_patient_values_are_dropped_at_the_door(there: Scene) -> None:
    fields = {"name": {"class": "patient", "value": "Erika Mustermann"}, "ms": tech(12)}
    there.write(entry(there.house, 1, fields=fields))
    (found,) = there.search()
    assert found["fields"] == {"ms": 12} and found["patient"] is None
    assert all(one.private is None for one in there.shelf.find(_all(there), 5))


def _all(there: Scene) -> Any:
    from praxisd.services.logbook.shelf import Wanted

    return Wanted(organization=there.organization, limit=1000)


def test_warnings_of_the_server_come_in_by_themselves(there: Scene) -> None:
    there.house.log.warning("slot_taken", subject="Appointment/7", service="calendar")
    own.start(there.house)
    there.house.log.bind(service="relay").error("link_lost", error=ValueError("Erika Mustermann"))
    there.house.log.info("ready", port=80)
    there.house.log.error("logbook_write_failed")
    there.write(entry(there.house, 1))
    lines = there("POST", "/search", {"limit": 200})["entries"]
    found = {one["code"]: one for one in lines if one["source"].startswith("server")}
    assert found.keys() == {"slot_taken", "link_lost"}, (
        "once each, warnings and errors only, never about itself"
    )
    assert found["slot_taken"]["pseudonyms"] == {"subject": "Appointment/7"}
    assert found["link_lost"]["fields"]["error_type"] == "ValueError"
    assert "Mustermann" not in json.dumps(lines) and found["link_lost"]["sourceName"].startswith("Server")


def test_rights(there: Scene) -> None:
    there("POST", "/entries", {"entries": [entry(there.house, 1)]}, 403, role="partner")
    there("POST", "/search", {}, role="partner")
    there("PUT", "/diagnose", {"hours": 1}, 403, role="partner")
    there("PUT", "/diagnose", {"hours": 1}, 403, role="desk")


def test_a_second_practice_sees_nothing_of_it(there: Scene) -> None:
    there.write(entry(there.house, 1))
    api.take(there.house, "elsewhere", "seat-x", [json.dumps(entry(there.house, 1, "not.ours")).encode()])
    assert there.codes() == ["printer.paper_out"] and there.codes(words="not") == []
    assert [one["name"] for one in there("GET", "/sources")["sources"]] == ["desk"]


def test_saved_as_a_file_in_both_forms(there: Scene) -> None:
    there.write(entry(there.house, 1, text="=1+1"), entry(there.house, 2, "door.open", ago=5))
    lines = there("POST", "/export", {"codes": ["printer.paper_out"]}).splitlines()
    assert [json.loads(one)["code"] for one in lines] == ["printer.paper_out"]
    table = there("POST", "/export", {"format": "csv"}).decode("utf-8-sig").splitlines()
    assert table[0].startswith("Zeit (UTC);Platz;") and len(table) == 3 and table[1].endswith(";'=1+1")
    assert [(one["lines"], one["format"]) for one in there.events("logbook.exported")] == [
        (2, "csv"),
        (1, "ndjson"),
    ]


def test_statistics(there: Scene) -> None:
    there.write(
        entry(there.house, 1),
        entry(there.house, 2, level="error", ago=86_400),
        entry(there.house, 3, level="warning"),
    )
    told = there("GET", "/statistics")
    assert (told["info"], told["warnings"], told["errors"]) == (1, 1, 1) and told["usedBytes"] > 0
    assert [(one["warnings"], one["errors"]) for one in told["lastDays"]][-3:] == [(0, 0), (0, 1), (1, 0)]
    assert (told["days"], told["warningDays"], told["limitBytes"]) == (30, 90, 500_000_000)


def test_a_broken_file_is_set_aside_and_the_practice_works_on(sqlite_houses: Any) -> None:
    house = sqlite_houses.open()
    (house.folder / FILE).write_bytes(b"no database at all" * 500)
    with scene(house) as there:
        there.write(entry(house, 1))
        assert there.codes() == ["printer.paper_out"]
    assert [one.name for one in house.folder.glob(f"{FILE}.broken-*")]


def test_room_is_given_back_and_the_file_is_private(sqlite_houses: Any) -> None:
    house = sqlite_houses.open()
    with scene(house) as there:
        there.write(entry(house, 1))
        path = house.folder / FILE
        assert path.stat().st_mode & 0o777 == 0o600
        with sqlite3.connect(path) as found:
            assert found.execute("PRAGMA auto_vacuum").fetchone() == (2,)
            assert found.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_was_given_before_the_stop_is_there_after_the_start(sqlite_houses: Any) -> None:
    house = sqlite_houses.open()
    with scene(house) as there:
        for n in range(50):
            api.note(house, "step.done", organization=there.organization, text=f"n {n}")
        house.stop()
    again = sqlite_houses.twin(house)
    assert sum(book_of(again).shelf.figures().levels.values()) >= 50


def test_a_seat_that_was_offline_for_two_hours_loses_nothing_and_doubles_nothing(there: Scene) -> None:
    """Each answer may get lost on the way: the seat sends again what it does not know to be kept."""
    spool: list[dict[str, Any]] = []
    for second in range(0, 7200, 5):
        there.house.clock.advance(5)
        spool.append(entry(there.house, second // 5 + 1, "seat.step"))
    sent = [json.dumps(one).encode() for one in spool]
    left, round_ = list(sent), 0
    while left:
        upto = api.take(there.house, there.organization, "seat-a", left[:50])
        round_ += 1
        if round_ % 3:  # every third answer does not arrive
            left = [one for one in left if json.loads(one)["seq"] > upto]
    asked = replace(_all(there), sources=("seat-a",), limit=5000)
    found = there.shelf.find(asked, 10)
    assert sorted(one.seq for one in found) == list(range(1, 1441))
    assert [one.seq for one in found] == list(range(1440, 0, -1)), "in the order in which it happened"


def test_old_entries_go_and_warnings_stay_longer(there: Scene) -> None:
    there.write(entry(there.house, 1), entry(there.house, 2, level="warning"))
    there.house.clock.advance(31 * 86_400)
    there.write(entry(there.house, 3))
    ran(there, "logbook.purge")
    assert [one["seq"] for one in there.search()] == [3, 2] and there.codes(words="paper")
    there.house.clock.advance(60 * 86_400)
    ran(there, "logbook.purge")
    assert there.search() == [] == there.search(words="paper")


def test_a_book_that_is_too_large_shrinks_and_gives_its_room_back(there: Scene) -> None:
    there.house.store.run(system("test"), lambda tx: there.house.settings.put(tx, "logbook.size_mb", 20))
    text = " ".join(f"wort{n:04d}" for n in range(150))
    for start in range(1, 12_001, 2_000):
        rows = [LogEntry(seq=n, at=entry(there.house, 1)["at"], level="error" if n <= 100 else "info", code="a.b", text=text)
                for n in range(start, start + 2_000)]  # fmt: skip
        api.take(there.house, there.organization, "seat-a", rows)
    before = there.shelf.figures()
    assert before.used > 20_000_000
    run = ran(there, "logbook.purge")
    after = there.shelf.figures()
    assert after.used <= 20_000_000 and run.counts["large"] > 0
    assert after.levels[40] == 100, "status goes before errors do, though they are older"
    assert there.house.store.engine.name == "postgresql" or after.disk < before.disk * 0.8


def test_the_logbook_is_in_the_backup(sqlite_houses: Any, tmp_path: Path) -> None:
    house = sqlite_houses.open()
    with scene(house) as there:
        there.write(entry(house, 1), entry(house, 2))
        staged = own_source(house).stage(tmp_path, progress=lambda *_: None, stop=lambda: False)
    names = {Path(one).name for one in staged.hashes}
    assert FILE in names and not {f"{FILE}-wal", f"{FILE}-shm"} & names
    with sqlite3.connect(tmp_path / "data" / FILE) as found:
        assert found.execute("SELECT count(*) FROM entry").fetchone() == (2,)
