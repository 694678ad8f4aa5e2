"""What the tests of the outbox share: a practice with a mandator, credits, patients, and drafts of messages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from praxisd.kernel import jobs
from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.model.people import Mandator, PatientClaim
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api, ledger
from praxisd.services.messaging.channel import (
    Abilities,
    Absent,
    Accepted,
    Found,
    Lost,
    Outgoing,
    Refused,
    Reply,
    Report,
    Unknown,
    Waiting,
)
from praxisd.testing.practice import Practice, small_practice
from praxisd.testing.trials import settle

HOUR = 3_600
DAY = 24 * HOUR


@dataclass
class Outbox:
    """The practice, its mandator, and what tests do with the outbox all the time."""

    house: House
    practice: Practice
    mandator: str
    patients: list[str] = field(default_factory=list)

    @property
    def actor(self) -> Actor:
        """The server itself in this practice."""
        return system("test", self.practice.organization)

    def run(self, work: Any) -> Any:
        """`work(tx)` in a write transaction."""
        return self.house.store.run(self.actor, work)

    def draft(self, number: int = 0, **more: Any) -> api.Draft:
        """A reminder by SMS for the patient `number`, due now."""
        now = self.house.clock.now()
        given: dict[str, Any] = {
            "kind": "reminder",
            "topic": f"reminder/a{number}",
            "stamp": now + DAY,
            "patient": self.patients[number],
            "mandator": self.mandator,
            "channel": "sms",
            "address": f"+4915100000{number:03d}",
            "text": f"Ihr Termin {number}",
            "parts": 1,
            "cost": 2,
            "next_at": now,
            "useless_after": now + DAY,
        }
        return api.Draft(**(given | more))

    def prepare(self, number: int = 0, **more: Any) -> str:
        """Prepare it; it must not exist yet."""
        made = self.run(lambda tx: api.prepare(self.house, tx, self.draft(number, **more)))
        assert made is not None
        return str(made)

    def row(self, id_: str) -> Any:
        """The message as it is stored."""
        from praxisd.services.messaging import outgoing_store

        with self.house.store.read(self.actor) as tx:
            return outgoing_store.get(tx, id_)

    def left(self) -> int:
        """The mandator's balance."""
        with self.house.store.read(self.actor) as tx:
            return ledger.left(tx, self.mandator)


def outbox_of(house: House, patients: int = 4, funds: int = 1_000) -> Outbox:
    """A small practice with a mandator that has credits, and patients with mobile phones."""
    practice = small_practice(house)

    def make(tx: Any) -> tuple[str, list[str]]:
        made = directory.create_mandator(tx, Mandator(name="Praxis", licence_number="L-1", default=True))
        ids = [
            directory.claim(
                tx,
                PatientClaim(
                    family=f"Probe{n}",
                    given="Paul",
                    birth_date="1980-01-01",
                    phone=f"+4915100000{n:03d}",
                    email=f"p{n}@post.example",
                ),
            ).patient
            for n in range(patients)
        ]
        if funds:
            ledger.book(tx, made.id, funds, "Anfang")
        return made.id, ids

    mandator, ids = house.store.run(system("test", practice.organization), make)
    return Outbox(house, practice, mandator, ids)


@dataclass
class Sent:
    """A message as the gateway got it."""

    id: str
    to: str
    text: str
    receipt: str
    before: float


@dataclass
class Gateway:
    """A gateway in memory that keeps the promises of `Channel`: it never deduplicates, and fails as it is told.

    `plan` are words for the coming sends: ok, reject, number, busy, spammed, credentials, drop (takes it, no answer), lose (takes
    nothing, no answer), late (the permission has passed), crash (the adapter raises). `on_send` runs while it is sent.
    """

    house: House
    name: str = "sms"
    plan: list[str] = field(default_factory=list)
    got: list[Sent] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)
    knows: bool = True
    final: bool = False
    finds: bool = True
    unreachable: bool = False
    on_send: Any = None
    left: int | None = 500

    @property
    def abilities(self) -> Abilities:
        return Abilities(finds=self.finds, reports=True, hooks=True, balance=True, final=self.final)

    def send(self, message: Outgoing) -> Accepted | Refused | Lost:
        word = self.plan.pop(0) if self.plan else "ok"
        if self.on_send is not None:
            self.on_send(message)
        if word == "crash":
            raise RuntimeError("adapter broke its promise")
        if word == "late" or self.house.clock.now() >= message.before:
            return Refused("messaging.too_late", permanent=False)
        refusals = {
            "reject": Refused("messaging.gateway_rejected", True, "77"),
            "number": Refused("messaging.number_rejected", True),
            "busy": Refused("messaging.gateway_busy", False, "429", wait_s=120),
            "spammed": Refused("messaging.number_busy", False, "403", wait_s=120),
            "credentials": Refused("messaging.gateway_credentials", True),
        }
        if word in refusals:
            return refusals[word]
        if word == "lose":
            return Lost()
        receipt = f"r{len(self.got)}"
        self.got.append(Sent(message.id, message.to, message.text, receipt, message.before))
        return Lost() if word == "drop" else Accepted(receipt, parts=1)

    def find(self, message: Waiting) -> Found | Absent | Unknown:
        if not self.knows:
            return Unknown()
        for one in self.got:
            if one.id == message.id:
                return Found(one.receipt, None)
        return Absent()

    def reports(self, waiting: Sequence[Waiting]) -> list[Report | Reply]:
        if self.unreachable:
            raise Problem("messaging.gateway_unreachable", 503, retry=True)
        self.asked.append([one.id for one in waiting])
        found, self.items = self.items, []
        return found

    def hook(self, headers: Any, query: Any, body: bytes) -> list[Report | Reply]:
        if headers.get("x-signature") != "right":
            raise Problem("messaging.hook_refused", 403)
        if body == b"garbage":
            raise Problem("messaging.hook_malformed", 400)
        found, self.items = self.items, []
        return found

    def balance(self) -> int | None:
        return self.left

    @property
    def ids(self) -> list[str]:
        """Our ids of what it got, in its order."""
        return [one.id for one in self.got]


def account(there: Outbox, channel: str = "sms", cost: int = 2, active: int = 1) -> str:
    """An account of this channel; its hook."""
    from praxisd.services.messaging import account_store

    hook = f"hook-{channel}-0123456789abcdef"
    there.run(
        lambda tx: account_store.add(
            tx, channel=channel, version=1, active=active, gateway=f"fake-{channel}", sender="Praxis", fields="{}",
            secrets="", hook=hook, hook_secret="", cost=cost, updated_at=tx.now,
        )
    )  # fmt: skip
    return hook


def gateways(there: Outbox, monkeypatch: Any, **more: Any) -> Gateway:
    """An SMS account whose gateway is in memory."""
    from praxisd.services.messaging import channels

    made = Gateway(there.house, **more)
    known = {f"fake-{made.name}": made}
    before = getattr(channels, "open_channel", None)

    def opened(house: House, account_: Any) -> Any:
        return known[account_.gateway] if account_.gateway in known else before(house, account_)

    monkeypatch.setattr(channels, "open_channel", opened, raising=False)
    account(there, made.name)
    return made


def work(there: Outbox, job: str = "messaging.send") -> Any:
    """Run a job of messaging to its end; the run."""
    house = there.house
    there.run(lambda tx: jobs.run_now(house, tx, job))
    settle(house)
    with house.store.read(there.actor) as tx:
        return jobs.runs(house, tx, job, limit=1)[0]
