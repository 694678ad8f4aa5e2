"""What the doors of the first start take and give."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.model.scheduling import OpeningRule

Code = Annotated[str, Meta(min_length=1, max_length=40)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S", examples=["Dr. Muster"])]
Part = Annotated[str, Meta(max_length=200)]


class In(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, rename="camel"):
    """What comes in: unknown fields are refused."""


class StateOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`needed`: nobody can sign in yet, the one-time code is waited for. `practice`: there is one already."""

    needed: bool
    practice: bool


class CodeIn(In, frozen=True, kw_only=True):
    """The one-time code; spaces, hyphens and small letters do not matter."""

    code: Code


class PracticeIn(In, frozen=True, kw_only=True):
    """The practice: IANA time zone, region of its public holidays (`DE-BY`), language of what it writes."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    zone: Annotated[str, Meta(min_length=1, max_length=64)] = "Europe/Berlin"
    region: Annotated[str, Meta(min_length=2, max_length=6)] = "DE-BE"
    language: Literal["de", "en"] = "de"


class OwnerIn(In, frozen=True, kw_only=True):
    """Who owns it: the first person who can sign in."""

    login: Annotated[str, Meta(min_length=2, max_length=64)]
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    password: Annotated[str, Meta(min_length=1, max_length=256)]


class BeginIn(In, frozen=True, kw_only=True):
    """The code, the owner, and the practice where there is none yet."""

    code: Code
    practice: PracticeIn | None = None
    owner: OwnerIn


class BegunOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The practice's id and the owner's login; sign in with it."""

    organization: str
    login: str


class StepIn(In, frozen=True, kw_only=True):
    """Leave a step out, or open it again."""

    step: Annotated[str, Meta(min_length=1, max_length=40)]
    state: Literal["skipped", "open"]


class PersonIn(In, frozen=True, kw_only=True):
    """Someone who treats. The same name again is the same person."""

    family: Name
    given: Part = ""
    prefix: Part = ""


class ColumnIn(In, frozen=True, kw_only=True):
    """A column to make. `released`: booking portals see it (and its practitioner)."""

    name: Name
    practitioner: PersonIn | None = None
    released: bool = False


class HoursIn(In, frozen=True, kw_only=True):
    """Open on these ISO weekdays (1 = Monday) from `start` to `end`, wall time HH:MM."""

    days: Annotated[tuple[Annotated[int, Meta(ge=1, le=7)], ...], Meta(min_length=1, max_length=7)]
    start: Annotated[str, Meta(pattern="^[0-2][0-9]:[0-5][0-9]$", examples=["08:00"])]
    end: Annotated[str, Meta(pattern="^[0-2][0-9]:[0-5][0-9]$", examples=["12:00"])]

    def __post_init__(self) -> None:
        """Raises ValueError for hours that could never mean anything."""
        self.rule()

    def rule(self) -> OpeningRule:
        """The same as the calendar keeps it."""
        return OpeningRule(days=self.days, start=self.start, end=self.end)


class TypeIn(In, frozen=True, kw_only=True):
    """An appointment type that any one column may serve; `duration` in minutes, a multiple of 5."""

    name: Name
    duration: Annotated[int, Meta(ge=5, le=1440, multiple_of=5)]
    released: bool = False


class QuickIn(In, frozen=True, kw_only=True):
    """Columns with the same hours, and types in all active columns. Each part may be left out."""

    columns: Annotated[tuple[ColumnIn, ...], Meta(max_length=50)] = ()
    hours: Annotated[tuple[HoursIn, ...], Meta(max_length=50)] = ()
    types: Annotated[tuple[TypeIn, ...], Meta(max_length=50)] = ()


class QuickOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Ids of what was made, in the order of the question; practitioners without those that were there."""

    practitioners: list[str]
    schedules: list[str]
    healthcare_services: list[str]
