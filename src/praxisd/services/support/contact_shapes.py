"""What the contact's doors take and give."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

_Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", examples=["0f" * 32])]
Once = Annotated[str, Meta(pattern="^[0-9A-Za-z.-]{8,64}$", examples=["click-2026-11-27-0001"])]
"""An id the caller makes for one click: the same again sends nothing twice."""


class _In(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all bodies share."""


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share: camelCase names."""


class IssueRef(_In, frozen=True, kw_only=True):
    """An open issue: its code, and its subject where it has one."""

    code: Annotated[str, Meta(max_length=80)]
    subject: Annotated[str, Meta(max_length=400)] = ""


class ContactIn(_In, frozen=True, kw_only=True):
    """What a person wants to tell the service partner. `person` and `phone`: whom to call back."""

    issue: IssueRef | None = None
    text: Annotated[str, Meta(max_length=4_000)] = ""
    person: Annotated[str, Meta(max_length=120)] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""


class ContactSend(ContactIn, frozen=True, kw_only=True):
    """The same, and the `digest` of the letter that was shown: no other leaves. `once`: an id made for this click, so that
    the same request sent again sends no second mail.
    """

    digest: _Digest
    once: Once


class OnceIn(_In, frozen=True, kw_only=True):
    """`once`: an id made for this click, so that the same request sent again sends no second mail."""

    once: Once


class LetterOut(_Out, frozen=True, kw_only=True):
    """The letter, every word of it, and its SHA-256."""

    to: str
    subject: str
    text: str
    digest: str


class PartnerOut(_Out, frozen=True, kw_only=True):
    """The service partner as the practice entered him; `customer` is the practice's number there."""

    name: str
    email: str
    phone: str
    customer: str


class ContactOut(_Out, frozen=True, kw_only=True):
    """Whether a letter can be sent: the partner, and whether the practice can send e-mail at all. `person`: who asks."""

    partner: PartnerOut
    can_mail: bool
    person: str


class ReasonOut(_Out, frozen=True, kw_only=True):
    """Why, in words."""

    code: str
    title: str
    cause: str
    solution: str


class SentOut(_Out, frozen=True, kw_only=True):
    """What became of it. `unsure`: nobody can know whether the partner has it; `detail`: the mail server's number."""

    state: Literal["sent", "unsure", "failed"]
    to: str
    reason: ReasonOut | None = None
    detail: str | None = None
