"""REST shapes of online calendars: access, links, their state, and what a comparison brought. Times are RFC 3339."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.service import Cursor, Limit
from praxisd.model.portals import INTERVAL_S, AdapterName

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9\-.]+$")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
CalendarName = Annotated[str, Meta(min_length=1, max_length=200)]
Word = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
Value = Annotated[str, Meta(max_length=2000)]
Time = Annotated[str, Meta(min_length=1, max_length=40)]
Seconds = Annotated[int, Meta(ge=0, le=86_400)]
Choice = Literal["delete", "again", "keep"]


class In(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, rename="camel"):
    """What comes in: unknown fields are refused."""


class Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What goes out."""


class Nothing(In, frozen=True, kw_only=True):
    """A body without fields."""


class Fault(Out, frozen=True, kw_only=True):
    """Why something does not work, in words."""

    code: str
    title: str
    cause: str
    solution: str


class AbilitiesView(Out, frozen=True, kw_only=True):
    """What an adapter can do; see `portal.Abilities`."""

    names: bool
    hours: bool
    bookings: bool
    answers: bool
    blockers: bool
    offers: bool


class ChoiceView(Out, frozen=True, kw_only=True):
    """What may be chosen in a field, and what people call it."""

    value: str
    label: str


class FieldView(Out, frozen=True, kw_only=True):
    """A field of an adapter's form; `choices` empty: any text."""

    name: str
    label: str
    help: str
    secret: bool
    required: bool
    default: str
    choices: list[ChoiceView]


class AdapterView(Out, frozen=True, kw_only=True):
    """A kind of portal that can be chosen, and what its form asks for."""

    name: AdapterName
    title: str
    help: str
    fields: list[FieldView]
    abilities: AbilitiesView


class SpanView(Out, frozen=True, kw_only=True):
    """A time without anything else."""

    start: str
    end: str


class CalendarState(Out, frozen=True, kw_only=True):
    """How an online calendar stands. `lagS`: seconds since the oldest change that is not out yet, 0 if none.

    `uploaded`: taken times of the last upload, made at `uploadedAt`. `goodAt`: it was certainly in step then. `first` to
    `last`: the period the portal asked for. `outside`: bookable online outside the column's hours, at most 20.
    """

    dirty_since: str | None
    lag_s: int
    uploaded: int | None
    uploaded_at: str | None
    good_at: str | None
    tried_at: str | None
    next_at: str | None
    first: str | None
    last: str | None
    failures: int
    problem: Fault | None
    outside: list[SpanView]


class CalendarView(Out, frozen=True, kw_only=True):
    """An online calendar and the column it is kept in step with.

    `checked`: whether the portal was asked for the name when this was saved; null where nothing was saved.
    """

    id: str
    version: int
    portal: str
    name: str
    schedule: str
    schedule_name: str
    service: str | None
    state: CalendarState
    checked: bool | None = None


class PortalState(Out, frozen=True, kw_only=True):
    """How the contact with a portal stands. `unknown`: times there that a person has to decide about."""

    running: bool
    due_at: str | None
    contacted_at: str | None
    good_at: str | None
    fetched_at: str | None
    failures: int
    problem: Fault | None
    open_answers: int
    unknown: int


class PortalView(Out, frozen=True, kw_only=True):
    """Access to a portal, without its secrets, with its calendars."""

    id: str
    version: int
    name: str
    adapter: AdapterName
    active: bool
    fields: dict[str, str]
    secrets_set: list[str]
    interval: int
    early: bool
    at_once: bool
    tells: bool
    services: dict[str, str]
    calendars: list[CalendarView]
    state: PortalState
    abilities: AbilitiesView


class PortalsView(Out, frozen=True, kw_only=True):
    """All portals, what kinds there are, and whether the comparison in the background is on."""

    portals: list[PortalView]
    adapters: list[AdapterView]
    background: bool


class PortalIn(In, frozen=True, kw_only=True):
    """What a person says of a portal. Secrets that are not named stay; an empty one is removed."""

    name: Name
    adapter: AdapterName
    active: bool = False
    fields: Annotated[dict[Word, Value], Meta(max_length=40)] = {}
    secrets: Annotated[dict[Word, Value], Meta(max_length=20)] = {}
    interval: Seconds = INTERVAL_S
    early: bool = True
    at_once: bool = False
    tells: bool = False
    services: Annotated[dict[CalendarName, Id], Meta(max_length=200)] = {}


class TestView(Out, frozen=True, kw_only=True):
    """What a test of the access brought: the names of the portal's calendars, where it tells them."""

    ok: bool
    calendars: list[str] | None
    problem: Fault | None


class CalendarIn(In, frozen=True, kw_only=True):
    """Which calendar of the portal belongs to which column. `service`: the type of bookings that name none."""

    name: CalendarName
    schedule: Id
    service: Id | None = None


class ResultView(Out, frozen=True, kw_only=True):
    """What a comparison brought for one calendar: how many times went out, or why not."""

    calendar: str
    name: str
    portal: str
    uploaded: int | None
    code: str | None
    title: str | None
    cause: str | None
    solution: str | None


class SyncView(Out, frozen=True, kw_only=True):
    """What a comparison brought."""

    calendars: list[ResultView]
    bookings: int
    problem: Fault | None


class UploadsQuery(In, frozen=True, kw_only=True):
    """The newest first; `cursor` is the `next` of the page before."""

    cursor: Cursor | None = None
    limit: Limit = 50


class UploadView(Out, frozen=True, kw_only=True):
    """One upload, or the first of failures in a row (`code`)."""

    at: str
    count: int | None
    first: str | None
    last: str | None
    code: str | None
    title: str | None


class UploadsView(Out, frozen=True, kw_only=True):
    """A page of uploads."""

    uploads: list[UploadView]
    next: str | None = None


class UnknownView(Out, frozen=True, kw_only=True):
    """A time offered at a portal of which the practice knows nothing. `choice`: what a person said, on its way there."""

    portal: str
    portal_name: str
    remote: str
    calendar: str
    start: str
    end: str
    found_at: str
    choice: Choice | None


class UnknownsView(Out, frozen=True, kw_only=True):
    """Times that wait for a person, the earliest first."""

    unknown: list[UnknownView]


class UnknownChoice(In, frozen=True, kw_only=True):
    """What becomes of the time: deleted at the portal, deleted and ours offered anew, or kept as it is."""

    choice: Choice


class SettledView(Out, frozen=True, kw_only=True):
    """Whether the choice has reached the portal; else why not (it is tried again)."""

    settled: bool
    problem: Fault | None


class OffersIn(In, frozen=True, kw_only=True):
    """Offer the free times of a calendar's column between `start` and `end`, `minutes` each."""

    calendar: Id
    start: Time
    end: Time
    minutes: Annotated[int, Meta(ge=5, le=720)]


class RefusedOffer(Out, frozen=True, kw_only=True):
    """A time that the portal did not take."""

    start: str
    end: str
    code: str
    title: str


class OffersView(Out, frozen=True, kw_only=True):
    """How many times are offered now, and which were refused."""

    offered: int
    refused: list[RefusedOffer]
