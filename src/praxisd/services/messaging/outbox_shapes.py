"""REST shapes of the outbox, of access data and credits. Times are RFC 3339 with offset; credits are whole units."""

from typing import Annotated, Literal

from msgspec import Meta, field

from praxisd.kernel.service import Cursor, Limit
from praxisd.model.communication import ChannelName, Kind, OutboxState
from praxisd.services.messaging.shapes import Id, In, Out

Word = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
Value = Annotated[str, Meta(max_length=2000)]
Time = Annotated[str, Meta(max_length=40)]
Letter = Literal["open", "done"]


class OutboxSearch(In, frozen=True, kw_only=True):
    """Which messages, the newest first; `from` and `to` bound the time of preparation."""

    state: OutboxState | None = None
    kind: Kind | None = None
    channel: ChannelName | None = None
    patient: Id | None = None
    appointment: Id | None = None
    letter: Letter | None = None
    run: Id | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class Reason(Out, frozen=True, kw_only=True):
    """Why a message is as it is, in words."""

    code: str
    title: str
    cause: str
    solution: str


class MessageView(Out, frozen=True, kw_only=True):
    """A message to a patient. `start` is the appointment it speaks of; who is masked reads nothing personal.

    `nextAt` is when it is to go out (while it waits), `sentAt` when it was handed to the gateway.
    """

    id: str
    version: int
    kind: Kind
    state: OutboxState
    channel: ChannelName | None
    reason: Reason | None
    letter: Letter | None
    reply: str | None
    patient: str | None
    patient_name: str | None
    address: str | None
    appointment: str | None
    start: str | None
    mandator: str | None
    mandator_name: str | None
    language: str
    subject: str | None
    text: str | None
    parts: int
    cost: int
    charged: int
    prepared_at: str
    next_at: str | None
    sent_at: str | None
    accepted_at: str | None
    ended_at: str | None
    useless_after: str
    attempts: int
    gateway: str | None
    detail: str | None
    run: str | None


class Messages(Out, frozen=True, kw_only=True):
    """A page of messages, the newest first."""

    messages: list[MessageView]
    next: str | None = None


class AnswerView(Out, frozen=True, kw_only=True):
    """What a patient wrote back: what it was understood as, and where it lies in the inbox."""

    at: str
    meaning: Literal["confirm", "cancel", "stop", "other"]
    communication: str | None


class MessageDetail(MessageView, frozen=True, kw_only=True):
    """A message with its answers."""

    replies: list[AnswerView]


class Resolution(In, frozen=True, kw_only=True):
    """What a person found out about an unsure message: it went out, it did not (write a letter), or send it again."""

    outcome: Literal["sent", "not_sent", "send_again"]


class LetterChange(In, frozen=True, kw_only=True):
    """Whether the letter in place of the message was written."""

    done: bool


class FieldView(Out, frozen=True, kw_only=True):
    """A field of a gateway's form; `choices` empty: any text."""

    key: str
    secret: bool
    needed: bool
    default: str
    choices: list[str]


class GatewayView(Out, frozen=True, kw_only=True):
    """What a page asks for to use a gateway. `hook`: who makes the secret of its calls (none, made by us, given)."""

    name: str
    channel: ChannelName
    title: str
    fields: list[FieldView]
    hook: Literal["none", "made", "given"]
    finds: bool
    reports: bool
    balance: bool
    final: bool
    sender_letters: int
    sender_digits: int
    site: str


class Gateways(Out, frozen=True, kw_only=True):
    """All gateways that can be chosen, by name."""

    gateways: list[GatewayView]


class AccountView(Out, frozen=True, kw_only=True):
    """Access data of a channel; of secrets only the names. `hookAddress` is what to enter at the gateway, if it calls us.

    `waiting` and `unsure` count messages of this channel.
    """

    channel: ChannelName
    version: int
    active: bool
    gateway: str
    sender: str
    cost: int
    fields: dict[str, str]
    secrets: list[str]
    hook_secret_set: bool
    hook_address: str | None
    changed_at: str
    waiting: int
    unsure: int


class Accounts(Out, frozen=True, kw_only=True):
    """The accounts that are set up."""

    accounts: list[AccountView]


class AccountIn(In, frozen=True, kw_only=True):
    """Access data. Secrets that are not named stay as they are; an empty one is removed. `cost`: credits of one part or
    mail. `hookSecret` empty: a new one is made where we make it.
    """

    gateway: Annotated[str, Meta(min_length=1, max_length=40)]
    sender: Annotated[str, Meta(max_length=200)] = ""
    active: bool = True
    cost: Annotated[int, Meta(ge=0, le=10_000)] = 1
    fields: dict[Word, Value] = field(default_factory=dict)
    secrets: dict[Word, Value] = field(default_factory=dict)
    hook_secret: Value | None = None


class TestIn(In, frozen=True, kw_only=True):
    """Where a test message goes: a mobile number with country code, or an e-mail address."""

    __test__ = False
    to: Annotated[str, Meta(min_length=3, max_length=200)]


class TestAnswer(Out, frozen=True, kw_only=True):
    """What the gateway said to the test message."""

    __test__ = False
    outcome: Literal["accepted", "refused", "lost"]
    reason: Reason | None
    detail: str | None


class CreditsView(Out, frozen=True, kw_only=True):
    """Credits of a mandator. `reserved` is for messages that wait or are under way, `spendable` what is left besides."""

    mandator: str
    name: str
    active: bool
    balance: int
    reserved: int
    spendable: int


class Credits(Out, frozen=True, kw_only=True):
    """Credits of all mandators."""

    mandators: list[CreditsView]


class Booking(In, frozen=True, kw_only=True):
    """Credits booked by hand; a negative amount takes some back."""

    mandator: Id
    amount: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
    note: Annotated[str, Meta(max_length=200)] = ""


class Entry(Out, frozen=True, kw_only=True):
    """One line of the ledger; `kind` is booked, read, charged or returned."""

    id: str
    at: str
    kind: str
    amount: int
    balance: int
    message: str | None
    actor: str
    note: str


class Ledger(Out, frozen=True, kw_only=True):
    """Lines of a mandator's ledger, the newest first."""

    entries: list[Entry]
    next: str | None = None


class StatisticsQuery(In, frozen=True, kw_only=True):
    """How many months, the current one included."""

    months: Annotated[int, Meta(ge=1, le=60)] = 12


class MonthView(Out, frozen=True, kw_only=True):
    """What became of the messages that were prepared in a month, for one mandator, kind and channel.

    `states` counts them by state, `credits` is what was charged. `channel` null: nobody could be written to.
    """

    month: str
    mandator: str | None
    mandator_name: str | None
    channel: ChannelName | None
    kind: Kind
    states: dict[str, int]
    credits: int


class Statistics(Out, frozen=True, kw_only=True):
    """Months from the oldest to the newest; months without messages have no line."""

    months: list[str]
    lines: list[MonthView]
