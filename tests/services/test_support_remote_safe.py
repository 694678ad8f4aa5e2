"""A server in safe mode is reached through the relay by who was let in, and by nobody before (SPEC 7.13)."""

import ssl
from pathlib import Path
from typing import Any

import httpx

from praxisd import main
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.app import House
from praxisd.kernel.clock import SystemClock
from praxisd.services.relay import api as relay
from praxisd.services.relay import room as relay_room
from praxisd.services.support import remote
from praxisd.testing.houses import Houses
from praxisd.testing.practice import small_practice

from .relay_cast import RunningHub, running_hub, until
from .web_sample.serving import Running, running


def _outside(house: House, hub: RunningHub, method: str, path: str, **more: Any) -> httpx.Response:
    name = relay.host(house) or ""
    trust = ssl.create_default_context(cadata=relay.certificate(house))
    headers = {"Host": name, **more.pop("headers", {})}
    with httpx.Client(verify=trust, timeout=30) as client:
        address = f"https://127.0.0.1:{hub.hub.port}{path}"
        return client.request(method, address, headers=headers, extensions={"sni_hostname": name}, **more)


def _there(house: House, hub: RunningHub) -> bool:
    try:
        return _outside(house, hub, "GET", "/support").status_code == 200
    except (OSError, httpx.HTTPError):
        return False


def _work(one: Running) -> None:
    one.house.shared["url"] = one.url
    one.house.start_work()


def test_from_safe_mode_the_partner_is_let_in_through_the_relay(
    sqlite_houses: Houses, tmp_path: Path
) -> None:
    with running_hub(tmp_path / "hub", spread_s=0.5) as hub:
        before = sqlite_houses.open(clock=SystemClock())
        owner = Actor(Kind.CLI, "cli", small_practice(before).organization, everything=True)
        with running(before, main.doors(before)) as one:
            _work(one)
            relay.enrol(before, owner, hub.invitation())
            assert relay.wait_up(before, 60)
        before.stop()
        house = sqlite_houses.twin(before)
        house.safe = True
        with running(house, main.doors(house)) as one:
            _work(one)
            assert not relay_room.room_of(house).at_work
            made = remote.grant(house, owner, name="Frau Weber", purpose="Rettung", minutes=60)
            until(lambda: _there(house, hub))
            entered = _outside(
                house,
                hub,
                "POST",
                "/support",
                content=f"code={made.code}",
                headers={"Sec-Fetch-Site": "same-origin"},
            )
            assert entered.status_code == 303
            who = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
            assert _outside(house, hub, "GET", "/api/v1/session", headers=who).json()["guest"] is True
            assert _outside(house, hub, "GET", "/api/v1/issues", headers=who).status_code == 200
            assert (
                _outside(house, hub, "GET", "/api/v1/jobs", headers=who).json()["code"] == "guard.safe_mode"
            )
            remote.end(house, owner, made.grant.id)
            assert _outside(house, hub, "GET", "/api/v1/session", headers=who).status_code == 404
