"""What the tests of the directory share: a house with kernel and directory alone, one practice, and who acts in it."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.kernel.registry import freeze
from praxisd.kernel.service import Answer, Call, FhirResource, Route
from praxisd.model.people import PatientClaim
from praxisd.model.places import Organization
from praxisd.services.directory import SERVICE, api

SERVICES = (KERNEL, SERVICE)
REGISTRY = freeze(SERVICES)
ROUTES: dict[str, Route] = {route.name: route for route in SERVICE.routes}
FHIR: dict[str, FhirResource] = {one.type: one for one in SERVICE.fhir}


def actor(role: str, organization: str = "north", **given: Any) -> Actor:
    """Access data with a role; `portal` as its own name where the role is portal."""
    portal = given.pop("portal", "red" if role == "portal" else None)
    masked = role == "partner"
    return Actor(Kind.KEY, f"{role}-key", organization, REGISTRY.role(role), portal, masked)


DESK = actor("desk")
PVS = actor("pvs")
PARTNER = actor("partner")
RED = actor("portal", portal="red")
BLUE = actor("portal", portal="blue")
SOUTH = actor("desk", "south")


def found_practice(house: House, organization: str = "north", **fields: Any) -> Organization:
    practice = Organization(**{"name": f"Praxis {organization}", **fields})
    return house.store.run(system("test", organization), lambda tx: api.create_organization(tx, practice))


def ask(house: House, name: str, who: Actor, body: dict[str, Any] | None = None, **given: Any) -> Any:
    """One request through the route as declared: permission, strictly decoded body, transaction. JSON of the answer;
    `status` and `version` come along under `_status` and `_version` where the route says them."""
    route = ROUTES[name]
    who.require(str(route.permission))
    query = route.query(**given.pop("query", {})) if route.query is not None else None
    decoded = None
    if route.body is not None:
        decoded = msgspec.json.decode(msgspec.json.encode(body or {}), type=route.body)
    call = Call(
        house=house,
        actor=who,
        path={"id": given.pop("id", "")},
        query=query,
        body=decoded,
        lang="de",
        if_match=given.pop("if_match", None),
        fence=given.pop("fence", None),
    )
    assert not given
    if not route.write or not route.transaction:
        return _plain(route.call(call))
    with house.store.write(who) as tx:
        from dataclasses import replace

        return _plain(route.call(replace(call, tx=tx)))


def _plain(answer: Any) -> Any:
    if not isinstance(answer, Answer):
        return msgspec.json.decode(msgspec.json.encode(answer))
    body = msgspec.json.decode(msgspec.json.encode(answer.body))
    return {**body, "_status": answer.status, "_version": answer.version}


def call_of(house: House, who: Actor, tx: Any = None) -> Call:
    return Call(house=house, actor=who, path={}, query=None, body=None, lang="de", tx=tx)


def claim(house: House, who: Actor, **told: Any) -> api.Claimed:
    return house.store.run(who, lambda tx: api.claim(tx, PatientClaim(**told)))


def refused(code: str, work: Callable[[], object], status: int | None = None) -> Problem:
    """The Problem that `work` must raise."""
    with pytest.raises(Problem) as caught:
        work()
    assert caught.value.code == code
    assert status is None or caught.value.status == status
    return caught.value


def notes(house: House, who: Actor = DESK) -> list[events.Event]:
    with house.store.read(who) as tx:
        return events.since(tx, 0)


def whole_database(house: House) -> str:
    """Every value of every table, as one text."""
    from praxisd.kernel.store import METADATA

    found = []
    with house.store.read(system("test")) as tx:
        for one in METADATA.sorted_tables:
            if one.name in {name for service in SERVICES for name in service.tables}:
                found += [str(row) for row in tx.raw(f"SELECT * FROM {one.name}").fetchall()]
    return "\n".join(found)
