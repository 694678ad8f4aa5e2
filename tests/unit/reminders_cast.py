"""What the tests of the reminders' rules share: a patient, an appointment and terms in which everything is in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from praxisd.services.reminders import rules
from praxisd.services.reminders.rules import Birthday, Facts, Reached, Terms

NOW = 1_795_683_600
"""Thursday, 26 November 2026, 10:00 in Berlin."""
HOUR = 3600
IN_ORDER: Mapping[str, Any] = {}
START = NOW + 24 * HOUR
MOBILE, MAIL = Reached("+491713920012"), Reached("eva@example.org")


@dataclass(frozen=True)
class Patient:
    """A patient of the rules: `sms` and `email` are what `reach` finds."""

    sms: Reached = MOBILE
    email: Reached = MAIL
    dead: bool = False
    active: bool = True
    merged_into: str | None = None
    language: str | None = "de"
    birth_date: str | None = "1980-05-17"


class Message(NamedTuple):
    """A message that holds a topic."""

    id: str = "m1"
    state: str = "accepted"
    stamp: int = START
    channel: str = "sms"
    letter: str | None = None
    patient: str = "p1"


def allowed(said: Mapping[str, str] | None, channel: str) -> str | None:
    """`said`: channel → given or withdrawn; a withdrawal counts for all that were not named after it."""
    words = said or {}
    if words.get(channel) == "given":
        return None
    if "withdrawn" in words.values():
        return "messaging.consent_withdrawn"
    return "messaging.consent_missing" if words.get("needed") else None


TERMS = Terms(
    now=NOW,
    send_at=NOW,
    language="de",
    channels=("sms", "email"),
    templates={("sms", "de"), ("email", "de"), ("sms", "fr")},
    reach={"sms": lambda person: person.sms, "email": lambda person: person.email},
    allowed=allowed,
    paying={"m-treated", "m-default"},
    default_mandator="m-default",
    grace_s=12 * HOUR,
)
FACTS = Facts(
    appointment="a1", status="booked", start=START, created=NOW - 30 * 86_400, patient="p1", person=Patient(),
    treated="m-treated",
)  # fmt: skip
BIRTHDAY = Birthday(patient="p1", until=NOW + 14 * HOUR, person=Patient(), treated="m-treated")


def verdict(
    terms: Mapping[str, Any] | None = None, person: Mapping[str, Any] | None = IN_ORDER, **facts: Any
) -> Any:
    """The verdict on the appointment with these differences."""
    facts["person"] = None if person is None else Patient(**person)
    return rules.due(FACTS._replace(**facts), TERMS._replace(**(terms or {})))


def greeting(
    terms: Mapping[str, Any] | None = None, person: Mapping[str, Any] | None = IN_ORDER, **facts: Any
) -> Any:
    """The verdict on the birthday with these differences."""
    facts["person"] = None if person is None else Patient(**person)
    return rules.greeting_due(BIRTHDAY._replace(**facts), TERMS._replace(**(terms or {})))
