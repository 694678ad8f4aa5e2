"""SMS stages for the contract suite: one of our gateway descriptions against the sandbox, in this process."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.http import Http
from praxisd.kernel.outside import Outside
from praxisd.sandbox.door import Answer, Call, Door
from praxisd.sandbox.sms_program import Running, Wishes
from praxisd.services.messaging.channel import Account, Outgoing
from praxisd.services.messaging.channels import http_sms
from praxisd.services.messaging.channels.gateway_files import built_in
from praxisd.services.messaging.channels.http_sms import HttpSms
from praxisd.testing.channel_suite import HookCall

KEY = "schluessel-4711"
HOOK = "haken-geheimnis-0815"
FAULTS = {
    "taken_unanswered": "drop",
    "taken_unreadable": "garbage",
    "taken_late": "stall",
    "untaken_unanswered": "lose",
    "refused_now": "busy",
    "refused_for_good": "refuse",
}
PATHS = {"sandbox": "", "seven": "/api", "lox24": "", "aspsms": ""}


class Listener:
    """Where the sandbox calls: keeps what came, answers what `status` says."""

    def __init__(self) -> None:
        self.calls: list[HookCall] = []
        self.status = 200
        self.door = Door("127.0.0.1", 0, [(method, "/hook/x", self.take) for method in ("GET", "POST")])
        self.url = f"{self.door.url}/hook/x"

    def take(self, call: Call) -> Answer:
        """Keep one call."""
        self.calls.append((call.headers, call.query, call.body))
        return Answer(self.status)

    def wait(self, count: int, patience_s: float = 30.0) -> Sequence[HookCall]:
        """The first `count` calls, once they have come."""
        end = time.monotonic() + patience_s
        while len(self.calls) < count and time.monotonic() < end:
            time.sleep(0.02)
        return self.calls


class SmsStage:
    """One gateway of ours and the sandbox that plays it."""

    faults = ("taken_unanswered", "taken_unreadable", "taken_late", "untaken_unanswered", "refused_now",
              "refused_for_good", "unreachable", "credentials")  # fmt: skip
    secrets = (KEY, HOOK)
    unreachable = "messaging.gateway_unreachable"

    def __init__(self, name: str, folder: Path, loop: Outside, wishes: Mapping[str, Any]) -> None:
        self.clock = FrozenClock(int(time.time()))
        self.listener = Listener()
        self.sandbox = Running(
            folder,
            "127.0.0.1",
            0,
            Wishes(key=KEY, secret=HOOK, deliver_s=None, pauses_s=(0.1, 0.2), **wishes),
        )
        self.gateway = self.sandbox.gateway
        self.name = name
        self.finds_absent = name != "aspsms"
        # ASPSMS has one word for failed and expired.
        self.ends = ("buffered", "delivered", "failed", *(() if name == "aspsms" else ("expired",)))
        self._http = Http(self.clock, loop)
        self.channel = self.open()
        self.gateway.faults.set(delay_s=1.5)
        self.gateway.set_hook(name, self.channel.hook_address, HOOK)

    def open(self, **values: str) -> HttpSms:
        """A channel of this account, some fields of it otherwise."""
        fields = {
            "address": f"{self.sandbox.url}{PATHS[self.name]}",
            "key": KEY,
            "user": "praxis",
            "password": KEY,
        }
        account = Account(self.name, "Praxis", fields | values, HOOK, self.listener.url)
        return HttpSms(account, built_in()[self.name], self._http, self.clock)

    def outgoing(self, number: int, text: str = "Ihr Termin: Montag, 9:30 Uhr.") -> Outgoing:
        """One message; numbers of the plan for films, which belong to nobody."""
        now = self.clock.now()
        id_ = f"01h{number:023d}"
        return Outgoing(id_, f"+491713920{number:02d}5", text, now + 60, now + 86_400)

    def fault(self, name: str) -> None:
        """See FAULTS; an unreachable gateway and wrong access data are made by the account."""
        if name == "unreachable":
            self.channel = self.open(address="http://127.0.0.1:9/api")
        elif name == "credentials":
            self.channel = self.open(key="falsch", password="falsch")
        else:
            self.channel = self.open()
            self.gateway.faults.set(next_=[FAULTS[name]])
            # Only where a late answer is wanted is the patience short: the machine may be busy.
            http_sms.SEND_S = 1.0 if name == "taken_late" else 20.0

    def got(self) -> Sequence[tuple[str, str]]:
        """What the sandbox took."""
        return [(one.reference, one.text) for one in self.gateway.messages()]

    def attempts(self) -> int:
        """How many requests for sending reached the sandbox."""
        return self.gateway.handed_over

    def end(self, id_: str, state: str) -> None:
        """The network has said what became of it."""
        for one in self.gateway.referred(id_):
            self.gateway.set_state(one.id, state)

    def calls(self, id_: str, state: str) -> Sequence[HookCall]:
        """Really made calls."""
        self.end(id_, state)
        return self.listener.wait(1)

    def away(self) -> None:
        """The sandbox has ended."""
        self.sandbox.close()

    def close(self) -> None:
        """End everything."""
        self._http.close()
        self.sandbox.close()
        self.listener.door.close()


@contextmanager
def sms_stage(name: str, folder: Path, **wishes: Any) -> Iterator[SmsStage]:
    """A stage for as long as the block lasts."""
    loop, patience = Outside(), http_sms.SEND_S
    stage = SmsStage(name, folder, loop, wishes)
    try:
        yield stage
    finally:
        http_sms.SEND_S = patience
        stage.close()
        loop.close()
