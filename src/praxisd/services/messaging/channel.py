"""Contract with the outside: a Channel carries one message to one person, and tells what became of it.

Promises of every adapter (`testing/channel_suite.py` holds each of them to these):

1. `send` is called once for a message. It answers `Accepted` only when the other side has taken the message over,
   `Refused` only when it certainly has not, and `Lost` whenever nobody can know (the connection broke after the request
   was written). It never sends twice by itself and never raises for what the outside world does.
2. `send` writes nothing after `message.before` (epoch seconds): it looks at the clock right before the request leaves.
   A process that was frozen for an hour and wakes up must not send what another has sent meanwhile.
3. `find` answers `Found` or `Absent` only if the other side knows for certain; else `Unknown`.
4. `reports` gives the same report as often as asked; whoever reads them must not mind. After the reports of a batch are
   saved, their `keep()` is called: only then may an adapter throw away what it read them from (a mail in a folder).
5. Neither passwords nor addresses nor texts stand in what it raises or logs.

Adapters are plain and synchronous; they hold no transaction. The sources of the rules: SPEC 5.5, 5.8, 5.9.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

ReportState = Literal["buffered", "delivered", "failed", "expired"]
"""What the other side says of a message that it took: still on its way, or one of three ends."""


@dataclass(frozen=True, slots=True)
class Account:
    """How a practice uses a channel: which gateway, under which name it writes, and the gateway's own fields.

    `values` are the fields its description declares (address, user, key, …), secrets opened. `hook_secret` is what the
    gateway signs its calls with, `hook_url` our address for them; both empty where there is none.
    """

    gateway: str
    sender: str
    values: Mapping[str, str]
    hook_secret: str = ""
    hook_url: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to be sent. `to` is an E.164 number or an e-mail address, `id` our own id of the message.

    `before` and `useless_after` are epoch seconds: when the permission to send ends, and from when on the message would
    only confuse (gateways take it as the time of validity). `subject` is for e-mail.
    """

    id: str
    to: str
    text: str
    before: float
    useless_after: int
    subject: str = ""
    language: str = "de"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side has taken the message over. `receipt` is its own id for it, by which it is asked later."""

    receipt: str
    parts: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """It was certainly not taken. `permanent`: trying again changes nothing. `code` is `messaging.<word>`.

    `detail` is the other side's own code (never a text). `wait_s`: not before, where the other side said so.
    """

    code: str
    permanent: bool
    detail: str = ""
    wait_s: int | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """Nobody knows whether it was taken: ask with `find` before anything is sent again."""

    code: str = "messaging.answer_lost"


@dataclass(frozen=True, slots=True)
class Found:
    """The other side has this message."""

    receipt: str
    state: ReportState | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """The other side certainly does not have it."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The other side cannot tell, now (`temporary`) or ever."""

    temporary: bool = True


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a message; it is named by the other side's `receipt`, by our own `id`, or by both."""

    state: ReportState
    receipt: str = ""
    id: str = ""
    code: str = ""
    detail: str = ""
    at: int | None = None
    keep: Callable[[], None] = field(default=_nothing, compare=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a patient wrote back: from which number or address, and to which of our messages where that is told."""

    sender: str
    text: str
    mark: str
    receipt: str = ""
    id: str = ""
    at: int | None = None
    keep: Callable[[], None] = field(default=_nothing, compare=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message whose end is not known yet."""

    id: str
    receipt: str
    to: str
    accepted_at: int


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an account of this channel can do beyond sending.

    `finds`: may answer `find`. `reports`: can be asked for reports. `hooks`: calls us. `balance`: tells its credits.
    `final`: acceptance is the last that will be heard unless something goes wrong (e-mail).
    """

    finds: bool = False
    reports: bool = False
    hooks: bool = False
    balance: bool = False
    final: bool = False


class Channel(Protocol):
    """One way to reach people, with one account. See the promises above."""

    @property
    def name(self) -> Literal["sms", "email"]:
        """Which kind of address it writes to."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What this account can do."""
        ...

    def send(self, message: Outgoing) -> Accepted | Refused | Lost:
        """Hand the message over, once."""
        ...

    def find(self, message: Waiting) -> Found | Absent | Unknown:
        """Does the other side have the message with our id? `message.receipt` is empty, `accepted_at` when we sent."""
        ...

    def reports(self, waiting: Sequence[Waiting]) -> Iterable[Report | Reply]:
        """What has become of messages; adapters that read a mailbox give whatever lies there, also Replies.

        Problem `messaging.gateway_unreachable` (503, retry) or `messaging.gateway_refused` (502) when it cannot be
        asked at all.
        """
        ...

    def hook(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> Iterable[Report | Reply]:
        """What a call of the gateway says; Problem `messaging.hook_refused` (403) unless its signature is right.

        `headers` have lower-case names. Problem `messaging.hook_malformed` (400) for what cannot be read.
        """
        ...

    def balance(self) -> int | None:
        """Credits left at the gateway, whole units rounded down; None where it does not tell."""
        ...


__all__ = (
    "Abilities", "Absent", "Accepted", "Account", "Channel", "Found", "Lost", "Outgoing", "Refused", "Reply", "Report",
    "ReportState", "Unknown", "Waiting",
)  # fmt: skip
