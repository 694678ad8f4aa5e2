"""Treatments through their declared doors, and who pays for messages to thousands of patients; on both engines."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.console import ListingQuery
from praxisd.kernel.ids import new_id
from praxisd.model.people import Contact, Mandator, Patient, Treatment
from praxisd.services.directory import api
from praxisd.services.directory.store import REFERENCES
from praxisd.services.directory.treatment_listing import TREATMENTS

from .directory_cast import (
    DESK,
    PARTNER,
    PVS,
    RED,
    ROUTES,
    SERVICES,
    SOUTH,
    actor,
    ask,
    call_of,
    found_practice,
    notes,
    refused,
)

TODAY = date(2026, 11, 23)
NORTH = system("test", "north")


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    house = make_house(SERVICES)
    found_practice(house, zone="Europe/Berlin")
    found_practice(house, "south")
    return house


def patient(house: House, who: Any = NORTH, **fields: Any) -> str:
    record = Patient(**{"family": "Muster", **fields})
    return house.store.run(who, lambda tx: api.put_patient(tx, record))


def mandator(house: House, name: str, **fields: Any) -> str:
    return ask(house, "mandators.create", DESK, {"name": name, **fields})["id"]


def last(house: House, day: date, *patients: str) -> dict[str, str]:
    with house.store.read(DESK) as tx:
        return api.last_mandators(tx, patients, day)


def test_a_treatment_from_its_opening_to_its_end(house: House) -> None:
    house.clock.set(1_795_388_400)  # 2026-11-23 00:00 in Berlin, the 22nd in UTC
    who, unit = patient(house), mandator(house, "Praxis", default=True)
    made = ask(house, "treatments.create", PVS, {"patient": who})
    assert made["_status"] == 201
    assert (made["mandator"], made["mandatorName"], made["opened"]) == (unit, "Praxis", TODAY.isoformat())
    assert (made["status"], made["closed"], made["note"]) == ("active", None, None)
    for closed, status in (("2026-11-23", "finished"), ("2026-11-24", "active"), (None, "active")):
        made = ask(house, "treatments.change", DESK, {"closed": closed}, id=made["id"])
        assert (made["closed"], made["status"]) == (closed, status)
    later = ask(house, "treatments.change", DESK, {"opened": "2026-11-24"}, id=made["id"], if_match=4)
    assert (later["status"], later["_version"]) == ("planned", 5)
    same = ask(house, "treatments.change", DESK, {"opened": "2026-11-24"}, id=made["id"])
    assert same["_version"] == 5
    refused("resource.stale", lambda: ask(house, "treatments.delete", DESK, id=made["id"], if_match=4), 412)
    with house.store.write(DESK) as tx:
        from dataclasses import replace

        call = replace(call_of(house, DESK, tx), path={"id": made["id"]}, if_match=5)
        assert ROUTES["treatments.delete"].call(call).status == 204
    refused("http.not_found", lambda: ask(house, "treatments.read", DESK, id=made["id"]), 404)
    seen = [(e.type, e.version, e.fields) for e in notes(house) if e.type.startswith("treatment.")]
    assert seen == [
        ("treatment.opened", 1, ()),
        ("treatment.changed", 2, ("closed",)),
        ("treatment.changed", 3, ("closed",)),
        ("treatment.changed", 4, ("closed",)),
        ("treatment.changed", 5, ("opened",)),
        ("treatment.deleted", 5, ()),
    ]


def test_what_is_refused(house: House) -> None:
    who = patient(house)
    create = "treatments.create"
    refused("directory.mandator_missing", lambda: ask(house, create, DESK, {"patient": who}), 422)
    unit = mandator(house, "Praxis", default=True)
    for body, code in (
        ({"patient": "nobody"}, "directory.patient_unknown"),
        ({"patient": who, "mandator": "nobody"}, "directory.mandator_unknown"),
        ({"patient": who, "opened": "0202-11-23"}, "directory.treatment_date"),
        ({"patient": who, "opened": "2026-11-23", "closed": "2026-11-22"}, "directory.treatment_reversed"),
        ({"patient": who, "note": "a\x00b"}, "directory.text_invalid"),
    ):
        refused(code, lambda body=body: ask(house, create, DESK, body), 422)
    made = ask(house, create, DESK, {"patient": who, "mandator": unit, "opened": "2026-11-23"})
    change = "treatments.change"
    refused(
        "directory.treatment_reversed",
        lambda: ask(house, change, DESK, {"closed": "2026-11-22"}, id=made["id"]),
        422,
    )
    with pytest.raises(msgspec.ValidationError):
        ask(house, change, DESK, {"opened": None}, id=made["id"])
    refused("http.not_found", lambda: ask(house, "treatments.read", SOUTH, id=made["id"]), 404)
    assert ask(house, "treatments.list", SOUTH)["treatments"] == []
    for name in ("list", "create", "read", "change", "delete", "search"):
        assert ROUTES[f"treatments.{name}"].permission in (
            "directory.treatment.read",
            "directory.treatment.write",
        )
    refused("access.forbidden", lambda: ask(house, "treatments.list", RED), 403)
    refused("access.forbidden", lambda: ask(house, create, PARTNER, {"patient": who}), 403)


def test_lists_are_newest_first_page_by_page_and_masked(house: House) -> None:
    one, two = patient(house), patient(house)
    unit = mandator(house, "Praxis", default=True)
    days = ["2026-01-05", "2026-03-01", "2026-03-01", "2025-12-31", "2026-02-01"]
    made = [
        ask(house, "treatments.create", DESK, {"patient": one, "opened": day, "note": "N"})["id"]
        for day in days
    ]
    of_two = ask(house, "treatments.create", DESK, {"patient": two, "opened": "2026-02-15"})["id"]
    wanted = [made[2], made[1], made[4], made[0], made[3]]
    found, cursor = [], None
    while True:
        page = ask(
            house,
            "treatments.search",
            DESK,
            {"patient": one, "limit": 2} | ({"cursor": cursor} if cursor else {}),
        )
        found += [x["id"] for x in page["treatments"]]
        assert len(page["treatments"]) <= 2
        cursor = page["next"]
        if cursor is None:
            break
    assert found == wanted
    listed = ask(house, "treatments.list", DESK, query={"patient": one})
    assert [x["id"] for x in listed["treatments"]] == wanted
    everyone = ask(house, "treatments.list", PARTNER)["treatments"]
    assert [x["id"] for x in everyone] == [*wanted[:2], of_two, *wanted[2:]]
    assert {(x["patient"], x["note"], x["mandator"]) for x in everyone} == {(None, None, unit)}
    refused(
        "directory.search_masked", lambda: ask(house, "treatments.search", PARTNER, {"patient": one}), 403
    )
    refused(
        "directory.patient_unknown", lambda: ask(house, "treatments.search", DESK, {"patient": "no"}), 422
    )


def test_the_mandator_of_the_treatment_opened_last(house: House) -> None:
    a, b, c = (mandator(house, name) for name in ("A", "B", "C"))
    ids = {name: patient(house) for name in ("one", "tie", "future", "none", "closed")}
    for name, day, unit in (
        ("one", "2026-05-01", b),
        ("one", "2026-03-01", a),  # entered later, opened earlier
        ("tie", "2026-05-01", b),
        ("tie", "2026-05-01", c),
        ("future", "2026-11-24", c),
        ("future", "2020-01-01", a),
        ("closed", "2026-01-01", a),
        ("closed", "2025-01-01", b),
    ):
        body = {"patient": ids[name], "mandator": unit, "opened": day}
        if name == "closed" and unit == a:
            body["closed"] = "2026-01-02"  # it was the last to be opened all the same
        ask(house, "treatments.create", DESK, body)
    found = last(house, TODAY, *ids.values(), "nobody")
    assert found == {ids["one"]: b, ids["tie"]: c, ids["future"]: a, ids["closed"]: a}
    assert last(house, date(2026, 11, 24), ids["future"]) == {ids["future"]: c}
    assert last(house, date(2026, 4, 30), ids["one"], ids["tie"]) == {ids["one"]: a}
    assert last(house, TODAY) == {}
    with house.store.read(SOUTH) as tx:
        assert api.last_mandators(tx, list(ids.values()), TODAY) == {}


def test_thousands_at_once_are_each_answered(house: House) -> None:
    units = [mandator(house, name) for name in ("A", "B")]
    with house.store.write(NORTH) as tx:
        people = [api.put_patient(tx, Patient(family=f"P{n}")) for n in range(700)]
        for n, who in enumerate(people):
            for step in range(n % 3):
                one = Treatment(patient=who, mandator=units[(n + step) % 2], opened=date(2020 + step, 1, 1))
                api.open_treatment(tx, one)
    # Asked in any order, twice over, and across the sizes of the statements.
    found = last(house, TODAY, *reversed(people), *people[:3])
    assert found == {who: units[(n + n % 3 - 1) % 2] for n, who in enumerate(people) if n % 3}


def test_treatments_follow_a_merge_and_come_back(house: House) -> None:
    assert ("directory_treatment", "patient") in REFERENCES
    a, b = mandator(house, "A"), mandator(house, "B")
    keep, drop = patient(house, family="Eins"), patient(house, family="Zwei")
    ask(house, "treatments.create", DESK, {"patient": keep, "mandator": a, "opened": "2026-01-01"})
    moved = ask(house, "treatments.create", DESK, {"patient": drop, "mandator": b, "opened": "2026-02-01"})
    refs = house.registry.patient_refs
    merge = house.store.run(NORTH, lambda tx: api.merge(tx, refs, keep, drop))
    assert last(house, TODAY, keep, drop) == {keep: b}
    shown = ask(house, "treatments.read", DESK, id=moved["id"])
    assert (shown["patient"], shown["_version"]) == (keep, 2)
    # Whoever still knows the old record meets the one that goes on.
    new = ask(house, "treatments.create", DESK, {"patient": drop, "mandator": a, "opened": "2026-03-01"})
    assert new["patient"] == keep
    assert len(ask(house, "treatments.search", DESK, {"patient": drop})["treatments"]) == 3
    house.store.run(NORTH, lambda tx: api.undo(tx, refs, merge))
    assert last(house, TODAY, keep, drop) == {keep: a, drop: b}


def test_the_table_of_treatments(house: House) -> None:
    house.clock.set(1_795_430_000)
    a, b = mandator(house, "Praxis Süd"), mandator(house, "Prophylaxe")
    who = patient(house, family="Muster", given="Erika")
    for day, closed, unit in (
        ("2026-11-24", None, a),
        ("2026-11-23", None, b),
        ("2026-01-01", "2026-11-23", a),
        ("2025-01-01", "2025-02-01", b),
    ):
        body = {"patient": who, "mandator": unit, "opened": day, "closed": closed}
        ask(house, "treatments.create", DESK, body)

    def rows(who: Any = DESK, **query: Any) -> list[dict[str, Any]]:
        page = TREATMENTS.rows(call_of(house, who), ListingQuery(**query))
        assert page.total is not None and page.total >= len(page.rows)
        return [one.cells for one in page.rows]

    assert [(x["opened"], x["status"], x["mandator"]) for x in rows()] == [
        ("2026-11-24", "planned", "Praxis Süd"),
        ("2026-11-23", "active", "Prophylaxe"),
        ("2026-01-01", "finished", "Praxis Süd"),
        ("2025-01-01", "finished", "Prophylaxe"),
    ]
    assert {x["patient"] for x in rows()} == {"Erika Muster"} and {x["patient"] for x in rows(PARTNER)} == {
        None
    }
    assert [x["opened"] for x in rows(sort="opened", limit=1)] == ["2025-01-01"]
    for status, count in (("planned", 1), ("active", 1), ("finished", 2), ("other", 0)):
        assert [x["status"] for x in rows(filters={"status": status})] == [status] * count
    assert len(rows(filters={"mandator": "süd"})) == 2 and rows(filters={"mandator": "nord"}) == []
    period = {"from_": "2026-01-01T00:00:00+01:00", "to": "2026-11-24T00:00:00+01:00"}
    assert [x["opened"] for x in rows(**period)] == ["2026-11-23", "2026-01-01"]


def test_facts_for_letters_and_messages(house: House) -> None:
    told = (
        Contact(system="phone", value="030 1", use="home"),
        Contact(system="phone", value="0170 9", use="old"),
        Contact(system="email", value="old@example.org", use="old"),
        Contact(system="sms", value="0171 2"),
        Contact(system="phone", value="0172 3", use="mobile"),
        Contact(system="fax", value="030 9"),
        Contact(system="email", value="a@example.org"),
        Contact(system="email", value="b@example.org", use="work"),
    )
    full = patient(
        house, family="Müller", given="Anna Lena", prefix="Dr.", gender="female", birth_date="1980-05-17",
        language="fr", telecom=told, note="x",
    )  # fmt: skip
    dead = patient(house, family="Tot", deceased=date(2026, 1, 2), active=False)
    gone = patient(house, family="Fort", deceased_undated=True, birth_date="1950")
    with house.store.read(DESK) as tx:
        found = api.contacts(tx, [full, dead, gone, "nobody"])
        assert api.contacts(tx, []) == {}
    assert set(found) == {full, dead, gone}
    one = found[full]
    assert (one.id, one.version, one.display, one.gender) == (full, 1, "Dr. Anna Lena Müller", "female")
    assert (one.birth_date, one.language, one.dead, one.active) == ("1980-05-17", "fr", False, True)
    assert [(n.system, n.value, n.use) for n in one.numbers] == [
        ("phone", "0172 3", "mobile"),
        ("phone", "030 1", "home"),
        ("sms", "0171 2", None),
    ]
    assert one.emails == ("a@example.org", "b@example.org")
    assert (found[dead].dead, found[dead].deceased, found[dead].active) == (True, "2026-01-02", False)
    assert (found[gone].dead, found[gone].birth_date, found[gone].numbers) == (True, "1950", ())


def test_birthdays_by_day_of_the_year(house: House) -> None:
    born = {
        day: patient(house, family="Kind", given=day, birth_date=day)
        for day in ("1980-05-17", "2001-05-17", "1980-05-18", "2000-02-29", "1980-05", "1980", "1917-05-17")
    }
    patient(house, actor("desk", "south"), birth_date="1980-05-17")
    merged = patient(house, family="Kind", given="Doppelt", birth_date="1980-05-17")
    refs = house.registry.patient_refs
    house.store.run(NORTH, lambda tx: api.merge(tx, refs, born["1980-05-17"], merged))
    dead = patient(house, family="Tot", birth_date="1950-02-28", deceased=date(2020, 1, 1))
    with house.store.read(DESK) as tx:
        assert api.birthdays(tx, ["05-17"]) == sorted(
            born[day] for day in ("1980-05-17", "2001-05-17", "1917-05-17")
        )
        assert api.birthdays(tx, ["02-28", "02-29", "02-29"]) == sorted([dead, born["2000-02-29"]])
        assert api.birthdays(tx, ["05-19"]) == api.birthdays(tx, []) == []


def test_birthdays_are_found_by_their_index(house: House) -> None:
    with house.store.write(NORTH) as tx:
        for n in range(2000):
            born = f"{1930 + n % 70}-{1 + n % 12:02d}-{1 + n % 28:02d}"
            api.put_patient(tx, Patient(id=new_id(), family="X", birth_date=born))
        if tx.store.engine.name != "sqlite":
            tx.raw("ANALYZE directory_patient")
    with house.store.read(DESK) as tx:
        sql = "SELECT id FROM directory_patient WHERE organization = 'north' AND substr(birth_date, 6, 5) = '05-17'"
        how = "EXPLAIN QUERY PLAN " if tx.store.engine.name == "sqlite" else "EXPLAIN "
        plan = str(tx.raw(how + sql).fetchall())
    assert "directory_patient_birthday" in plan


def test_a_mandator_that_was_kept_with_credits_still_opens(house: House) -> None:
    unit = mandator(house, "Alt")
    with house.store.write(NORTH) as tx:
        doc = f'{{"id":"{unit}","version":1,"name":"Alt","credits":500,"default":true,"active":true}}'
        tx.raw(
            "UPDATE directory_mandator SET doc = " + ("?" if tx.store.engine.name == "sqlite" else "%s"),
            (doc,),
        )
    with house.store.read(DESK) as tx:
        assert api.mandators(tx) == [Mandator(id=unit, name="Alt", default=True)]
    assert ask(house, "mandators.change", DESK, {"name": "Neu"}, id=unit)["_version"] == 2
