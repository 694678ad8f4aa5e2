"""JSON shapes of what patients want, and of how they can be reached. Times are RFC 3339 in the practice's zone."""

from typing import Annotated, Literal

from msgspec import Meta

from praxisd.model.communication import ChannelName, Purpose
from praxisd.services.messaging.consent_rules import Preferred, State
from praxisd.services.messaging.shapes import Id, In, Out
from praxisd.services.messaging.wishes import NOTE_MOST

Note = Annotated[str, Meta(max_length=NOTE_MOST)]


class WordIn(In, frozen=True, kw_only=True):
    """What a patient said for one purpose and channel; `open` takes an earlier word back."""

    purpose: Purpose
    channel: ChannelName
    state: State


Words = Annotated[tuple[WordIn, ...], Meta(max_length=12)]


class WishesIn(In, frozen=True, kw_only=True):
    """What to change: only what is given, and of that only what differs. `note` says how we know (a form, a call)."""

    preferred: Preferred | None = None
    said: Words = ()
    note: Note = ""


class EntryIn(WishesIn, frozen=True, kw_only=True):
    """The wishes of one patient, taken over from another program."""

    patient: Id


class ImportIn(In, frozen=True, kw_only=True):
    """Wishes of many patients; those of unknown patients are passed over and named."""

    entries: Annotated[list[EntryIn], Meta(min_length=1, max_length=200)]


class ImportOut(Out, frozen=True, kw_only=True):
    """How many patients' wishes changed and how many were so already; `unknown` are ids nobody has, or closed records."""

    changed: int
    unchanged: int
    unknown: list[str]


class WordOut(Out, frozen=True, kw_only=True):
    """The last word for a channel, and whether a message may go out there now; if not, why (`reason`, `reason_title`)."""

    channel: ChannelName
    state: State
    at: str | None = None
    by: str | None = None
    source: str | None = None
    note: str | None = None
    allowed: bool
    reason: str | None = None
    reason_title: str | None = None


class PurposeOut(Out, frozen=True, kw_only=True):
    """A purpose with its channels. `needs_consent`: without a yes nothing is sent."""

    purpose: Purpose
    needs_consent: bool
    channels: list[WordOut]


class ReachOut(Out, frozen=True, kw_only=True):
    """A number or address of the patient and what it is good for; `doubt` says why somebody should be asked."""

    system: Literal["phone", "email"]
    value: str
    use: str | None = None
    verdict: Literal["mobile", "landline", "email", "doubtful"]
    doubt: str | None = None


class HistoryOut(Out, frozen=True, kw_only=True):
    """One word or preference, as it was said."""

    at: str
    by: str
    source: str
    what: Literal["consent", "preference"]
    purpose: Purpose | None = None
    channel: str
    state: State | None = None
    note: str | None = None


class WishesOut(Out, frozen=True, kw_only=True):
    """What a patient wants. `version` grows with each word; `history` is the newest first, at most 200."""

    patient: str
    version: int
    preferred: Preferred
    purposes: list[PurposeOut]
    reach: list[ReachOut]
    history: list[HistoryOut]
