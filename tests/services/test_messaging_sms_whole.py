"""From the outbox to the telephone and back: jobs, a real gateway description, the sandbox, and our door for its calls."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.app import House
from praxisd.kernel.clock import FrozenClock
from praxisd.sandbox.sms_program import Running, Wishes
from praxisd.services.messaging import account_store, accounts, store
from praxisd.web.app import build

from .outbox_cast import Outbox, outbox_of, work
from .sms_cast import HOOK, KEY, PATHS, Listener

HOOKS = "/api/v1/messaging/hooks/"
SECRETS = {"aspsms": {"password": KEY}}


@pytest.fixture
def there(make_house: Callable[..., House]) -> Outbox:
    """The sandbox lives today, so the practice does as well; at ten o'clock, outside of its quiet hours."""
    ten = datetime.now(ZoneInfo("Europe/Berlin")).replace(hour=10, minute=0, second=0, microsecond=0)
    return outbox_of(make_house(None, FrozenClock(ten.timestamp())))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Running]:
    running = Running(
        tmp_path / "sandbox", "127.0.0.1", 0, Wishes(key=KEY, secret=HOOK, deliver_s=None, pauses_s=(0.1,))
    )
    yield running
    running.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.door.close()


def set_up(there: Outbox, sandbox: Running, listener: Listener, gateway: str) -> str:
    """An account at the gateway that the sandbox plays; where its calls come in."""
    fields = {"address": sandbox.url + PATHS[gateway]} | ({"user": "praxis"} if gateway == "aspsms" else {})
    given = accounts.Given(
        gateway=gateway, sender="Praxis", active=True, cost=2, fields=fields,
        secrets=SECRETS.get(gateway, {"key": KEY}), hook_secret=HOOK,
    )  # fmt: skip
    there.run(
        lambda tx: there.house.settings.put(tx, "messaging.public_url", listener.url.removesuffix("/hook/x"))
    )
    there.run(lambda tx: accounts.put(there.house, tx, "sms", given))
    with there.house.store.read(there.actor) as tx:
        hook = account_store.get(tx, "sms").hook
        account = accounts.way(there.house, tx, "sms").channel
    listener.door.add("POST", HOOKS + hook, listener.take)
    listener.door.add("GET", HOOKS + hook, listener.take)
    sandbox.gateway.set_hook(gateway, account.hook_address, HOOK)  # type: ignore[attr-defined]
    return HOOKS + str(hook)


@pytest.mark.parametrize("gateway", ["sandbox", "seven", "lox24", "aspsms"])
def test_a_message_goes_out_is_heard_of_and_answered(
    there: Outbox, sandbox: Running, listener: Listener, gateway: str
) -> None:
    hook = set_up(there, sandbox, listener, gateway)
    # In one run a message is taken without an answer, in the next a gateway is busy: nothing goes out twice.
    sandbox.gateway.faults.set(next_=["drop"])
    first = there.prepare(0)
    assert work(there).counts == {"unsure": 1}
    second, third = there.prepare(1), there.prepare(2)
    for _ in range(6):
        there.house.clock.advance(400)  # type: ignore[attr-defined]
        for one in sandbox.gateway.messages():
            if gateway == "aspsms" and one.state == "accepted":
                sandbox.gateway.set_state(one.id, "buffered")  # before that it does not know of it
        work(there)
    assert {there.row(one).state for one in (first, second, third)} <= {"accepted", "delivered"}
    taken = {one.reference: one for one in sandbox.gateway.messages()}
    assert sorted(taken) == sorted([first, second, third]) and len(sandbox.gateway.messages()) == 3
    assert there.left() == 1000 - 3 * 2

    sandbox.gateway.set_state(taken[first].id, "failed")
    assert work(there, "messaging.status").state == "success"
    assert (there.row(first).state, there.row(first).reason) == ("failed", "messaging.sms_failed")

    start = len(listener.calls)
    sandbox.gateway.set_state(taken[second].id, "delivered")
    sandbox.gateway.reply(taken[third], taken[third].to, "JA")
    calls = listener.wait(start + 2)
    with TestClient(build(there.house, main.doors(there.house))) as client:
        for headers, query, body in calls:
            now = int(headers.get("x-timestamp") or headers.get("x-sandbox-timestamp") or time.time())
            there.house.clock.set(now)  # type: ignore[attr-defined]
            method = "POST" if body else "GET"
            sent = {
                name: one for name, one in headers.items() if name.startswith("x-") or name == "content-type"
            }
            address = f"{hook}?{urlencode(query)}"
            for _ in range(2):  # the same call twice changes nothing more
                assert client.request(method, address, content=body, headers=sent).status_code == 200
            assert client.request(method, hook, content=body + b" ").status_code == 403
    assert there.row(second).state == "delivered"
    assert inbox(there) == ["JA"]
    assert there.left() == 1000 - 3 * 2


def inbox(there: Outbox) -> list[str]:
    """Texts of what lies in the inbox."""
    with there.house.store.read(there.actor) as tx:
        found = [json.loads(one.resource) for one in store.COMMUNICATIONS.all(tx)]
    return [part["contentString"] for one in found for part in one["payload"]]
