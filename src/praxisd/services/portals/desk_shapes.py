"""REST shapes of the booking desk: what the door `/api/v1` takes and gives. Times are RFC 3339 with offset."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from praxisd.kernel.service import Cursor, Limit

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9\-.]+$")]
Time = Annotated[str, Meta(max_length=40, examples=["2026-11-23T09:00:00+01:00"])]
Minutes = Annotated[int, Meta(ge=5, le=1440)]
Columns = Annotated[tuple[Id, ...], Meta(max_length=8)]
Words = Annotated[str, Meta(max_length=500)]
Group = Literal["open", "asked", "decided"]
"""`open`: the desk decides. `asked`: the patient does. `decided`: all that is over."""
Refusal = Literal[
    "portals.refused_time_taken",
    "portals.refused_not_offered",
    "portals.refused_no_new_patients",
    "portals.refused_call_us",
    "portals.refused_other",
]
"""Why a booking is refused; the patient gets these words in the own language."""


class In(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, rename="camel"):
    """What comes in: unknown fields are refused."""


class Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What goes out."""


class RequestSearch(In, frozen=True, kw_only=True):
    """Requests of one group, the oldest first where somebody waits, the newest first among the decided; None: all."""

    state: Group | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class AcceptIn(In, frozen=True, kw_only=True):
    """Accept, with another length, type, columns, time or person than were asked for. `patient`: whose booking it is."""

    minutes: Minutes | None = None
    service: Id | None = None
    schedules: Columns | None = None
    patient: Id | None = None
    start: Time | None = None
    note: Annotated[str, Meta(max_length=2000)] | None = None


class RefuseIn(In, frozen=True, kw_only=True):
    """Refuse. `words` are added to the reason in the message to the patient."""

    reason: Refusal
    words: Words | None = None


class ProposeIn(In, frozen=True, kw_only=True):
    """Another time, which is kept for the patient `until` then (None: as long as the practice has set)."""

    start: Time
    minutes: Minutes | None = None
    schedules: Columns | None = None
    until: Time | None = None


class WithdrawIn(In, frozen=True, kw_only=True):
    """The patient does not want it any more."""


class AnswerIn(In, frozen=True, kw_only=True):
    """What the patient said to the proposed time."""

    accepted: bool


class ToldIn(In, frozen=True, kw_only=True):
    """What a person read out of the message. `birthDate` is YYYY-MM-DD; an empty text says that nothing was told."""

    family: Annotated[str, Meta(max_length=200)] = ""
    given: Annotated[str, Meta(max_length=200)] = ""
    birth_date: Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    email: Annotated[str, Meta(max_length=254)] = ""


class CompleteIn(In, frozen=True, kw_only=True):
    """What could not be read and a person fills in; fields left out stay. A time with a column or a type is blocked."""

    told: ToldIn | UnsetType = UNSET
    start: Time | UnsetType = UNSET
    service: Id | None | UnsetType = UNSET
    schedule: Id | None | UnsetType = UNSET
    minutes: Minutes | UnsetType = UNSET


class ToldOut(Out, frozen=True, kw_only=True):
    """What the booking says of the person."""

    family: str
    given: str
    birth_date: str
    phone: str
    email: str


class AppointmentPart(Out, frozen=True, kw_only=True):
    """The appointment that stands for a request."""

    id: str
    version: int
    status: str
    start: str
    end: str
    service: str | None
    schedules: tuple[str, ...]


class PersonPart(Out, frozen=True, kw_only=True):
    """The patient's record."""

    id: str
    name: str


class CandidatePart(Out, frozen=True, kw_only=True):
    """A known patient who may be meant. `match`: the decision to make (`POST /patients/matches/{match}`).

    `same`, `differs`: names of the fields of `told` that are equal and that contradict; what one of both does not say is
    in neither.
    """

    id: str
    match: str
    name: str
    birth_date: str | None
    phone: str | None
    email: str | None
    reason: str
    same: list[str]
    differs: list[str]


class MatchingPart(Out, frozen=True, kw_only=True):
    """Whose booking it is: a known patient (`certain`), perhaps one of `candidates` (a person decides), a new one, or
    nobody yet (`none`: too little was told)."""

    found: Literal["certain", "possible", "new", "none"]
    candidates: list[CandidatePart]


class StepOut(Out, frozen=True, kw_only=True):
    """One step of a booking's chain. `where`: portal and calendar, or the way the message went."""

    step: Literal["requested", "held", "in_calendar", "on_portals", "confirmed"]
    state: Literal["done", "waiting", "failed", "none"]
    at: str | None = None
    where: str | None = None
    code: str | None = None
    title: str | None = None
    solution: str | None = None


class Chain(Out, frozen=True, kw_only=True):
    """The chain of one appointment."""

    steps: list[StepOut]


class PortalAnswer(Out, frozen=True, kw_only=True):
    """How the decision reached the portal: `open`, `sent`, `failed`."""

    state: str
    at: str | None
    code: str | None
    title: str | None


class RequestOut(Out, frozen=True, kw_only=True):
    """A booking request. `missing`: fields a person has to fill in; `wished`: the time asked for before another was proposed.

    Who may not see patients gets no `told`, `patient`, candidates, `serviceWord`, `original`, `subject`, `note`. In lists
    `original` is shortened and `chain` is empty.
    """

    id: str
    version: int
    origin: str
    origin_name: str | None
    state: str
    received: str
    decided: str | None
    by_name: str | None
    appointment: AppointmentPart | None
    told: ToldOut | None
    patient: PersonPart | None
    matching: MatchingPart
    start: str | None
    end: str | None
    service: str | None
    schedule: str | None
    service_word: str
    original: str | None
    subject: str | None
    readable: bool
    missing: list[str]
    reason: str | None
    reason_title: str | None
    note: str | None
    until: str | None
    wished: str | None
    conflict: str | None
    chain: list[StepOut]
    portal_answer: PortalAnswer | None


class Counts(Out, frozen=True, kw_only=True):
    """How many wait: for the desk, for patients; of the first how many cannot be read, and how many stand in conflict."""

    open: int
    asked: int
    unreadable: int
    conflicts: int


class Requests(Out, frozen=True, kw_only=True):
    """A page of requests."""

    requests: list[RequestOut]
    next: str | None
    counts: Counts
