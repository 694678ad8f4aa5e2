"""What the door takes and gives: the preview of reminders and greetings. Times are RFC 3339 in the practice's zone."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.service import Limit
from praxisd.model.communication import ChannelName

Reminding = Literal["reminder", "birthday"]
"""What is prepared by itself."""

Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Offset = Annotated[str, Meta(pattern="^[0-9]{1,18}$")]


class PreviewIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to show. `day` is the day on which the job would run: absent is now, another day is taken at 10:00.

    `filter`: only those who get a message, or only those who do not. `code`: only those with this reason.
    """

    kind: Reminding = "reminder"
    day: Day | None = None
    filter: Literal["will", "not"] | None = None
    code: Annotated[str, Meta(max_length=80)] | None = None
    cursor: Offset | None = None
    limit: Limit = 50


class Reason(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A reason and how many get no message because of it, the most frequent first."""

    code: str
    title: str
    solution: str
    count: int


class Counts(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """All of the days searched, not of this page only. `letters` are among those who get no message."""

    looked: int
    will: int
    letters: int
    not_: int = msgspec.field(name="not")
    parts: int
    credits: int
    reasons: list[Reason]


class Way(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A channel: whether access data are active, the credits of one part or mail, languages that have a template."""

    channel: ChannelName
    active: bool
    cost: int
    templates: list[str]


class Will(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Somebody who would get a message, with its text. `renews`: one that was sent for another time is replaced."""

    appointment: str | None
    patient: str
    patient_name: str
    start: str | None
    birth_date: str | None
    channel: ChannelName
    address: str
    language: str
    mandator: str
    mandator_name: str
    subject: str
    text: str
    parts: int
    cost: int
    send_at: str
    renews: bool


class Not(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Somebody who would get none, and why. `letter`: somebody should write one."""

    appointment: str | None
    patient: str | None
    patient_name: str | None
    start: str | None
    birth_date: str | None
    code: str
    title: str
    cause: str
    solution: str
    letter: bool


class Preview(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Who would get what, who not, and why. `first` to `last` are the days searched, both included."""

    kind: Reminding
    day: str
    first: str
    last: str
    switched_on: bool
    send_at: str
    channels: list[Way]
    counts: Counts
    candidates: list[Will]
    refusals: list[Not]
    next: str | None
