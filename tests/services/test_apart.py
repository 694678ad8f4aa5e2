"""Practices on one installation are strictly apart (SPEC 13.1): the second one asks every operation for all of the first.

Driven by the registry: a new operation is walked from the day it is declared. What it must not do is judged by the rows: none of
the first practice changes, none of the second names a record of the first, and no answer has a word of it.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient
from tests.services.apart_cast import ID, Asked, Second, bodies, changes, crossed, named, snapshot

from praxisd import main
from praxisd.kernel.app import House
from praxisd.kernel.control import perform
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Route
from praxisd.testing.houses import Houses
from praxisd.testing.practice import small_practice
from praxisd.web.app import build

from .canary_house import BORN, Aviary, fill
from .canary_tour import addresses, tour
from .seats_cast import program, session_at

EVERYWHERE = frozenset(
    {
        "settings.put", "jobs.read", "jobs.put", "jobs.preview", "jobs.run", "runs.list", "help.code", "account.put",
        "account.test", "closings.put", "closings.delete", "directive.note", "product.read", "product.listExclusions",
        "product.printExclusions", "medicationSets.confirm", "medicationText.read", "medicationProduct.get", "issues.ignore",
        "updates.subscribe",
    }
)  # fmt: skip
"""What their addresses name is no record of a practice: words of the program, days, products."""


ROOMS = (
    "accounts",
    "calendar",
    "exchange",
    "kernel",
    "logbook",
    "medication",
    "messaging",
    "portals",
    "reminders",
    "seats",
    "support",
    "webhooks",
)
"""Whose operations are for one practice; those of the others (database, backups, updates, …) are about the server."""
NOT_ASKED = frozenset(
    {
        "kernel.doctor", "kernel.migrate", "kernel.maintenance_begin",  # about the server, and nothing that has an id
        "exchange.work", "exchange.laptop_open",  # programs that go on until their work is done
        "support.remote_grant", "support.bundle",
    }
)  # fmt: skip
NAMES = (
    "id",
    "patient",
    "device",
    "key",
    "loan",
    "run",
    "webhook",
    "delivery",
    "source",
    "export",
    "login",
    "name",
    "job",
)
"""Arguments that may name a record."""


@pytest.fixture(name="nest", scope="module")
def the_nest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aviary]:
    """The first practice. What can be remembered of it is remembered: it has asked everything itself before."""
    houses = Houses("sqlite", tmp_path_factory.mktemp("apart"))
    house = houses.open()
    with TestClient(build(house, main.doors(house)), base_url="http://praxis.test") as client:
        nest = fill(house, client)
        reads = tuple(r for r in house.registry.routes if not r.write and "{" not in r.path)
        for name, _status, _text in tour(nest, nest.keys["owner"], reads):
            if name.startswith("FHIR"):
                break
        yield nest
    houses.close()


@pytest.fixture(name="second", scope="module")
def the_second(nest: Aviary) -> Second:
    return Second(nest.house, nest.client)


def _theirs(nest: Aviary) -> set[str]:
    found = {one for some in nest.ids.values() for one in some if ID.fullmatch(one)}
    practice = nest.practice
    return found | {
        practice.organization,
        *practice.doctors,
        *practice.chairs,
        practice.check,
        practice.surgery,
    }


def _asked(routes: tuple[Route, ...]) -> tuple[Route, ...]:
    """Operations that ask who the caller is; the others are opened by a secret of their own, whose practice they serve."""
    return tuple(one for one in routes if one.permission is not None)


def test_the_second_practice_gets_nothing_of_the_first_by_any_operation(nest: Aviary, second: Second) -> None:
    routes, before = _asked(nest.house.registry.routes), snapshot(nest.house)
    by_id = {one.name for one in routes if "{" in one.path}
    answered: set[str] = set()
    shared = {one.name for one in routes if one.permission in nest.house.registry.shared}
    for name, status, text in tour(nest, second.keys["owner"], routes):
        assert status != 500, (name, text)
        said = text.replace(f"birthdate={BORN[0]}", "")  # a search tells what was asked for
        assert not nest.caught(said), (name, status, text)
        if status < 300:
            answered.add(name)
        if name in shared:
            assert (status, "access.shared" in text) == (403, True), (name, status, text)
    assert by_id & answered <= EVERYWHERE, sorted(by_id & answered - EVERYWHERE)
    assert {
        "patients.search",
        "calendar.view",
        "events.search",
        "listing.directoryPatientsExport",
    } <= answered
    after = snapshot(nest.house)
    assert changes(before, after, nest.practice.organization) == []
    assert named(after, second.organization, _theirs(nest)) == []


def test_no_body_of_any_operation_reaches_a_record_of_the_first(nest: Aviary, second: Second) -> None:
    routes = tuple(one for one in _asked(nest.house.registry.routes) if one.write and one.body is not None)
    examples, before, tried = bodies(routes), snapshot(nest.house), set[tuple[str, str]]()
    headers = {"Authorization": f"Bearer {second.keys['owner']}"}

    def ask(route: Route, path: str, body: Any) -> tuple[int, str]:
        nest.house.clock.advance(3)  # type: ignore[attr-defined]
        got = nest.client.request(route.method, f"/api/v1{path}", headers=headers, json=body)
        return got.status_code, got.text

    mine = Aviary(nest.house, nest.client, second.practice, ids=second.ids)
    for route in routes:
        path = next(iter(addresses(mine, route)))
        own = {
            field: ask(route, path, body)[0]
            for field, body in crossed(route, examples[route.name], second.ids)
        }
        for field, body in crossed(route, examples[route.name], nest.ids):
            status, text = ask(route, path, body)
            assert status != 500 and not nest.caught(text), (route.name, field, status, text)
            if own.get(field, 500) < 300:
                tried.add((route.name, field))
    after = snapshot(nest.house)
    assert changes(before, after, nest.practice.organization) == []
    assert named(after, second.organization, _theirs(nest)) == []
    # It has teeth only where the same body with records of its own was taken.
    assert tried >= {
        ("appointments.book", "service"),
        ("treatments.change", "patient"),
        ("waiting.change", "patient"),
    }
    assert len({name for name, _field in tried}) > 15


def test_nothing_of_fhir_is_written_across(nest: Aviary, second: Second) -> None:
    """Each record of the first as it reads it itself, sent by the second: in its place, and (but for people) as a new one."""
    before = snapshot(nest.house)
    places = {"Patient": "patients", "Appointment": "appointments", "Communication": "communications",
              "EpisodeOfCare": "treatments",
              "Schedule": "schedules", "HealthcareService": "healthcare-services", "MedicationStatement": "statements",
              "Practitioner": "practitioners", "Location": "locations"}  # fmt: skip

    def ask(key: str, method: str, path: str, body: Any = None, **more: str) -> Any:
        nest.house.clock.advance(3)  # type: ignore[attr-defined]
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/fhir+json"} | more
        return nest.client.request(method, f"/fhir/R4/{path}", headers=headers, json=body)

    sent = 0
    for type_, word in places.items():
        for id_ in nest.ids[word]:
            read = ask(nest.keys["owner"], "GET", f"{type_}/{id_}")
            if read.status_code != 200:
                continue  # another kind of record has this id
            sent += 1
            tag = {"If-Match": read.headers.get("etag", 'W/"1"')}
            patch = [{"op": "replace", "path": "/status", "value": "cancelled"}]
            for role in ("owner", "portal"):
                key, there = second.keys[role], f"{type_}/{id_}"
                answers = [
                    ask(key, "GET", there),
                    ask(key, "PUT", there, read.json(), **tag),
                    ask(key, "PATCH", there, patch, **tag, **{"Content-Type": "application/json-patch+json"}),
                    ask(key, "DELETE", there, **tag),
                    ask(key, "POST", type_, read.json() if type_ != "Patient" else {}),
                ]
                for one in answers[:-1]:
                    assert 400 <= one.status_code < 500, (there, one.status_code, one.text)
                    assert not nest.caught(one.text), (there, one.text)
                assert answers[-1].status_code < 500, (type_, answers[-1].text)
    assert sent > 15
    after = snapshot(nest.house)
    assert changes(before, after, nest.practice.organization) == []
    assert named(after, second.organization, _theirs(nest)) == []


def test_an_operation_for_the_second_practice_finds_nothing_of_the_first(
    nest: Aviary, second: Second
) -> None:
    house = nest.house
    before = snapshot(house)
    ids = {word: next((one for one in some if ID.fullmatch(one)), "") for word, some in nest.ids.items()}
    asked = 0

    def ask(name: str, args: Asked) -> None:
        try:
            said = json.dumps(perform(house, name, args), ensure_ascii=False)
        except Problem as problem:
            said = repr(problem.params)
        except (KeyError, TypeError, ValueError, AttributeError):
            return  # not what its command sends
        assert not nest.caught(said), (name, dict(args), said)
        assert nest.practice.organization not in said, (name, dict(args), said)

    for name in sorted(house.registry.operations):
        if name.partition(".")[0] not in ROOMS or name in NOT_ASKED:
            continue
        first = Asked(organization=second.organization)
        ask(name, first)
        first |= dict.fromkeys(NAMES, "x")
        ask(name, first)
        for argument in first.names & set(NAMES):
            for id_ in filter(None, ids.values()):
                asked += 1
                ask(name, Asked(organization=second.organization, **{argument: id_}))
    assert asked > 300
    after = snapshot(house)
    assert changes(before, after, nest.practice.organization) == []
    assert named(after, second.organization, _theirs(nest)) == []


def test_a_lock_is_of_ones_own_practice(house: House) -> None:
    """The same id may be looked for in the other practice: who does so neither learns of the lock nor has any part in it."""
    anna = session_at(house, program(house, small_practice(house), "Anmeldung"), "Anna")
    bert = session_at(house, program(house, small_practice(house), "Zimmer", may_take=True), "Bert")
    anna.here(), bert.here()
    record = "Patient/eins"
    fence = anna.lock(record)
    told = len(anna.told)
    other = bert.lock(record)
    bert.take(record)
    bert.release(record, bert.lock(record))
    bert.bye()
    assert anna.lock(record) == fence and other == 1
    assert len(anna.told) == told
