"""One-time tickets on both engines: good once and for a minute, for valid keys of this practice; the key is nowhere else."""

import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.access import Kind, system
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock, parse_rfc3339
from praxisd.services.accounts import api, tickets
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build

from .accounts_cast import NORTH, SERVICES, SOUTH, make, notes, refused, revoke, whole_database

HERE = "192.0.2.7"
WRONG = "A" * 43


@pytest.fixture
def plain(make_house: Callable[..., House]) -> House:
    return make_house(SERVICES)


def test_a_ticket_gives_its_key_once(plain: House, clock: FrozenClock) -> None:
    key, secret = make(plain)
    made = tickets.make(plain, NORTH, secret, HERE)
    assert made.ends_at == clock.now() + tickets.LIFE_S == clock.now() + 60
    stored = whole_database(plain)
    assert made.ticket.encode() not in stored and secret.encode() not in stored
    assert tickets.redeem(plain, made.ticket, HERE) == secret
    assert refused("accounts.ticket_refused", lambda: tickets.redeem(plain, made.ticket, HERE)).status == 404
    told = [one for one in notes(plain) if one.type.startswith("key.ticket")]
    assert [(one.type, one.subject_id) for one in told] == [
        ("key.ticket_made", key.id),
        ("key.ticket_used", key.id),
    ]
    assert not any(text in repr(told) for text in (secret, secret[12:], made.ticket))
    assert made.ticket.encode() not in whole_database(plain)


def test_of_many_who_redeem_at_once_one_gets_it(plain: House) -> None:
    _, secret = make(plain)
    made = tickets.make(plain, NORTH, secret, HERE)

    def attempt(number: int) -> str:
        try:
            return tickets.redeem(plain, made.ticket, f"192.0.2.{number}")
        except Exception as why:
            return str(getattr(why, "code", why))

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(attempt, range(16)))
    assert sorted(got) == sorted([secret] + ["accounts.ticket_refused"] * 15)


def test_it_ends_after_a_minute_and_leaves_nothing(plain: House, clock: FrozenClock) -> None:
    _, secret = make(plain)
    late, quick = (tickets.make(plain, NORTH, secret, HERE) for _ in range(2))
    clock.advance(tickets.LIFE_S - 1)
    assert tickets.sweep(plain) == 0
    assert tickets.redeem(plain, quick.ticket, HERE) == secret
    clock.advance(1)
    refused("accounts.ticket_refused", lambda: tickets.redeem(plain, late.ticket, HERE))
    for who in (NORTH, SOUTH):
        tickets.make(plain, who, make(plain, who, name="Anderes Portal")[1], HERE)
    clock.advance(tickets.LIFE_S)
    assert tickets.sweep(plain) == 2, "of all practices"
    assert tickets.sweep(plain) == 0
    with plain.store.read(NORTH) as tx:
        assert tx.raw("SELECT count(*) FROM accounts_ticket").fetchone()[0] == 0


def test_only_valid_keys_of_the_own_practice(plain: House, clock: FrozenClock) -> None:
    key, secret = make(plain)
    other = make(plain, SOUTH, name="Süd")[1]
    short = make(plain, name="Kurz", expires_at=clock.now() + 30)[1]
    for bad in (other, secret[:-1] + ("A" if secret[-1] != "A" else "B"), secret[:12], "x", "ü" * 40):
        assert (
            refused("accounts.ticket_key", lambda bad=bad: tickets.make(plain, NORTH, bad, HERE)).status
            == 422
        )
    lapsing = tickets.make(plain, NORTH, short, HERE)
    revoked = tickets.make(plain, NORTH, secret, HERE)
    clock.advance(30)
    revoke(plain, key)
    for made in (lapsing, revoked):
        refused("accounts.ticket_refused", lambda made=made: tickets.redeem(plain, made.ticket, HERE))
    for bad in (secret, short):
        refused("accounts.ticket_key", lambda bad=bad: tickets.make(plain, NORTH, bad, HERE))


def test_a_ticket_is_compared_in_constant_time(plain: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = make(plain)
    made = tickets.make(plain, NORTH, secret, HERE)
    compared: list[tuple[int, int]] = []

    honest = hmac.compare_digest

    def watch(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return honest(one, other)

    monkeypatch.setattr("praxisd.services.accounts.tickets.hmac.compare_digest", watch)
    assert tickets.redeem(plain, made.ticket, HERE) == secret
    assert compared == [(64, 64)], "digests of what was given, never the ticket itself"


def test_guesses_are_counted_per_address(plain: House) -> None:
    plain.store.run(system("test"), lambda tx: plain.settings.put(tx, "accounts.failures_per_minute", 3))
    _, secret = make(plain)
    made = tickets.make(plain, NORTH, secret, HERE)
    for _ in range(3):
        refused("accounts.ticket_refused", lambda: tickets.redeem(plain, WRONG, HERE))
    limited = refused("accounts.rate_limited", lambda: tickets.redeem(plain, WRONG, HERE))
    assert (limited.status, limited.headers) == (429, {"Retry-After": "20"})
    refused("accounts.rate_limited", lambda: tickets.make(plain, NORTH, "x", HERE))
    refused("accounts.ticket_refused", lambda: tickets.redeem(plain, WRONG, "198.51.100.1"))
    assert tickets.redeem(plain, made.ticket, HERE) == secret, "a right one passes: nobody is locked out"


class Door:
    """The practice's real door, with a key of the owner and one of the desk."""

    def __init__(self, house: House, client: TestClient[Any]) -> None:
        self.practice: Practice = small_practice(house)
        self.owner, self.desk = (key_for(house, self.practice, role, role) for role in ("owner", "desk"))
        self.portal = key_for(house, self.practice, "portal", "Portal Nord")
        self._client = client

    def post(self, path: str, body: Any, key: str = "", **headers: str) -> httpx.Response:
        told = {"Authorization": f"Bearer {key}"} if key else {}
        return self._client.post(f"/api/v1{path}", json=body, headers=told | headers)


def test_over_the_door(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    with TestClient(build(house, main.doors(house))) as client:
        door = Door(house, client)
        assert door.post("/key-tickets", {"key": door.portal}, door.desk).status_code == 403
        assert door.post("/key-tickets", {"key": door.portal}).status_code == 401
        made = door.post("/key-tickets", {"key": door.portal}, door.owner)
        assert made.status_code == 201 and made.headers["cache-control"] == "no-store"
        told = made.json()
        assert told == {
            "ticket": told["ticket"],
            "expiresAt": told["expiresAt"],
            "path": f"/docs#ticket={told['ticket']}",
        }
        assert parse_rfc3339(told["expiresAt"], "expiresAt") == house.clock.now() + tickets.LIFE_S
        body = {"ticket": told["ticket"]}
        foreign = door.post("/key-tickets/redeem", body, **{"Sec-Fetch-Site": "cross-site"})
        assert (foreign.status_code, foreign.json()["code"]) == (403, "accounts.csrf_refused")
        got = door.post("/key-tickets/redeem", body)
        assert (got.status_code, got.json()) == (200, {"key": door.portal})
        assert got.headers["cache-control"] == "no-store"
        again = door.post("/key-tickets/redeem", body)
        assert (again.status_code, again.json()["code"]) == (404, "accounts.ticket_refused")
        assert api.authenticate(house, got.json()["key"], None).kind is Kind.KEY
    logged = capfd.readouterr()
    for secret in (told["ticket"], door.portal, door.portal[12:]):
        assert secret not in logged.err + logged.out
