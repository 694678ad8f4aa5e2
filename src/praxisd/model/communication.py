"""Communication („Mitteilung“): one message about one patient, and what the practice has done with it."""

from typing import Literal

import msgspec

InboxState = Literal["unread", "read", "done"]
"""How far the practice is with a message."""


class Communication(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message as it is kept. `updated` and `received` are epoch seconds UTC.

    `patient` is the patient it is about, `portal` the booking portal it came from (None: from the practice's own
    programs and people). `resource` is the FHIR Communication as its author wrote it, as JSON text without id and
    version; its references to patients are the author's (a portal's are aliases), never rewritten.
    """

    id: str = ""
    version: int = 1
    updated: int
    received: int
    state: InboxState
    portal: str | None = None
    patient: str
    resource: str


Kind = Literal["reminder", "birthday", "confirmation", "refusal", "proposal", "offer"]
"""What a message to a patient is about: „Terminerinnerung“, „Geburtstagsgruß“, „Terminbestätigung“, „Absage“ of what was
asked for, another time proposed, „freier Termin“ for somebody who waits.
"""
BOOKING: tuple[Kind, ...] = ("confirmation", "refusal", "proposal", "offer")
"""Kinds that answer what a patient asked for."""
Purpose = Literal["reminder", "recall", "greeting", "booking"]
"""What a patient consents to."""
ChannelName = Literal["sms", "email"]
Language = Literal["de", "fr", "it", "en"]
"""Languages in which patients are written to."""
OutboxState = Literal[
    "prepared", "sending", "accepted", "delivered", "failed", "expired", "unsure", "withdrawn"
]
"""How far a message to a patient is: see `services/messaging/outbox.py`."""
PURPOSE: dict[Kind, Purpose] = {
    "reminder": "reminder",
    "birthday": "greeting",
    "confirmation": "booking",
    "refusal": "booking",
    "proposal": "booking",
    "offer": "booking",
}


class Template(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A text with named placeholders for one kind, channel and language. `subject` is for e-mail only."""

    id: str = ""
    version: int = 1
    kind: Kind
    channel: ChannelName
    language: Language
    subject: str = ""
    text: str
