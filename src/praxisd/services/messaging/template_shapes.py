"""JSON shapes of text templates, and of what they look like when they are filled in."""

from typing import Annotated

from msgspec import Meta

from praxisd.model.communication import ChannelName, Kind, Language
from praxisd.services.messaging.shapes import Id, In, Out
from praxisd.services.messaging.template_rules import SUBJECT_MOST, TEXT_MOST

Subject = Annotated[str, Meta(max_length=SUBJECT_MOST)]
Text = Annotated[str, Meta(max_length=TEXT_MOST)]


class TemplateIn(In, frozen=True, kw_only=True):
    """A new template. `subject` is for e-mail."""

    kind: Kind
    channel: ChannelName
    language: Language
    subject: Subject = ""
    text: Text


class TemplateChange(In, frozen=True, kw_only=True):
    """What to change: only what is given."""

    subject: Subject | None = None
    text: Text | None = None


class PreviewIn(TemplateIn, frozen=True, kw_only=True):
    """A template, saved or not, to be filled in for a real appointment, a real patient, or an invented one."""

    appointment: Id | None = None
    patient: Id | None = None


class ProposalsIn(In, frozen=True, kw_only=True):
    """Which proposals to take over; without languages those of the practice's own."""

    languages: Annotated[tuple[Language, ...], Meta(max_length=4)] = ()
    kinds: Annotated[tuple[Kind, ...], Meta(max_length=6)] = ()
    channels: Annotated[tuple[ChannelName, ...], Meta(max_length=2)] = ()


class WarningOut(Out, frozen=True, kw_only=True):
    """Something unwise about a template, in the caller's language. It can be saved all the same."""

    code: str
    title: str
    cause: str
    solution: str


class MeasureOut(Out, frozen=True, kw_only=True):
    """What an SMS takes: `units` septets (GSM-7) or UTF-16 units (UCS-2), `left` in the last part.

    `foreign` are the characters that force UCS-2, in which a part holds less than half.
    """

    encoding: str
    units: int
    parts: int
    left: int
    foreign: list[str]


class TemplateOut(Out, frozen=True, kw_only=True):
    """A template; `parts` and `encoding` (of an SMS) and `warnings` with typical values."""

    id: str
    version: int
    kind: Kind
    channel: ChannelName
    language: Language
    subject: str
    text: str
    parts: int | None
    encoding: str | None
    warnings: list[WarningOut]
    changed_at: str


class PlaceholderOut(Out, frozen=True, kw_only=True):
    """A placeholder, written `{name}`: what it is called, for which kinds it is there, and an example.

    `help` says the example as a sentence.
    """

    name: str
    label: str
    help: str
    kinds: list[Kind]
    sample: str


class Templates(Out, frozen=True, kw_only=True):
    """All templates, and what may stand in one. `proposals` counts the shipped texts that could be taken over."""

    templates: list[TemplateOut]
    placeholders: list[PlaceholderOut]
    proposals: dict[str, int]


class PreviewOut(Out, frozen=True, kw_only=True):
    """A template filled in. `example`: with invented values. `cost` are credits for the whole message, null where no
    access data say what a part costs. `suggestion` is the template's text without characters that make an SMS dear.
    """

    subject: str
    text: str
    example: bool
    values: dict[str, str]
    measure: MeasureOut | None
    cost: int | None
    unit_cost: int | None
    warnings: list[WarningOut]
    suggestion: str | None


class Taken(Out, frozen=True, kw_only=True):
    """What was taken over."""

    taken: int
    templates: list[TemplateOut]
