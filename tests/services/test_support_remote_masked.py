"""Whoever was let in for remote support finds no canary behind any door, also on the ways that only people go (SPEC 7.13)."""

from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.sessions import NOBODY
from praxisd.services.support import remote, remote_record, remote_room
from praxisd.testing.houses import Houses
from praxisd.web.app import build

from .canary_house import fill
from .canary_tour import NOT_ASKED, reading, tour

LEFT_OUT = {"session.close", "remote.end"}
"""They end what is looked at here."""


def test_the_partner_who_was_let_in_finds_no_canary_behind_any_door(sqlite_houses: Houses) -> None:
    house = sqlite_houses.open()
    with TestClient(build(house, main.doors(house)), base_url="http://praxis.test") as client:
        nest = fill(house, client)
        owner = Actor(Kind.CLI, "cli", nest.practice.organization, everything=True)
        made = remote.grant(house, owner, name="Frau Weber", purpose="Drucker", minutes=480)
        token = remote.enter(house, NOBODY, made.code).token
        live = remote_room.room_of(house).session(token)
        who = {"Cookie": f"praxisd={token}", "X-Praxisd-Csrf": live.csrf}
        may = live.actor.permissions
        routes = tuple(
            one
            for one in house.registry.routes
            if one.name not in LEFT_OUT and (one.permission is None or one.permission in may)
        )
        answered, found = set(), []
        for name, status, text in tour(nest, "", routes, who):
            if name.startswith("FHIR"):
                break  # that door takes keys only
            assert status != 500, (name, text)
            if status < 300:
                answered.add(name)
            found += [(name, status, where) for where in nest.caught(text)]
        assert not found, sorted(set(found))
        asks = {one.name for one in routes if reading(one) and one.permission in may} - NOT_ASKED
        assert asks & answered >= {
            "session.read",
            "patients.read",
            "treatments.list",
            "calendar.view",
            "events.list",
        }
        acts, more = remote_record.page(house, owner, made.grant.id, None, 200, "de")
        assert {one.operation for one in acts} >= {"patients.read", "treatments.list"} and not nest.caught(
            str(acts)
        )
        while more is not None:
            acts, more = remote_record.page(house, owner, made.grant.id, more, 200, "de")
            assert not nest.caught(str(acts))
