"""What texts, consents and numbers add to the declaration of messaging: settings, events, permissions, codes, pages."""

from collections.abc import Callable
from typing import Any

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import EventType, Permission, Retention, Setting
from praxisd.services.messaging import quiet

QUIET_FROM = "messaging.quiet_from"
QUIET_TO = "messaging.quiet_to"
PATIENT_DAY_CAP = "messaging.patient_day_cap"


def _time_of_day(key: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        """Problem `settings.invalid` (422) for what is no time of day."""
        try:
            quiet.minute(value)
        except ValueError:
            raise Problem(
                "settings.invalid", 422, key=key, reason="HH:MM", low="00:00", high="23:59"
            ) from None

    return check


def _leave_an_hour(begin: str, end: str) -> None:
    if not quiet.good(begin, end):
        raise Problem("messaging.quiet_hours_invalid", 422, least=quiet.OPEN_LEAST)


def _from_agrees(value: Any, get: Callable[[str], Any]) -> None:
    _leave_an_hour(value, get(QUIET_TO))


def _to_agrees(value: Any, get: Callable[[str], Any]) -> None:
    _leave_an_hour(get(QUIET_FROM), value)


SETTINGS = (
    Setting(QUIET_FROM, str, quiet.QUIET_FROM, low=5, high=5, check=_time_of_day(QUIET_FROM), agrees=_from_agrees),
    Setting(QUIET_TO, str, quiet.QUIET_TO, low=5, high=5, check=_time_of_day(QUIET_TO), agrees=_to_agrees),
    Setting("messaging.reminder_needs_consent", bool, False),
    Setting("messaging.recall_needs_consent", bool, True),
    Setting("messaging.greeting_needs_consent", bool, True),
    Setting("messaging.booking_needs_consent", bool, False),
    Setting("messaging.send_bookings", bool, True),
    Setting(PATIENT_DAY_CAP, int, 2, low=1, high=20),
)  # fmt: skip
EVENTS = (
    EventType("consent.changed", Retention.AUDIT),
    EventType("preference.changed", Retention.AUDIT),
    EventType("template.changed"),
)
_WRITERS = ("owner", "desk")
PERMISSIONS = (
    Permission("messaging.template.read", _WRITERS),
    Permission("messaging.template.write", _WRITERS),
    Permission("messaging.consent.read", (*_WRITERS, "pvs")),
    Permission("messaging.consent.write", (*_WRITERS, "pvs")),
)
PROBLEMS = (
    "messaging.consent_missing",
    "messaging.consent_withdrawn",
    "messaging.quiet_hours_invalid",
    "messaging.template_foreign_placeholder",
    "messaging.template_long",
    "messaging.template_no_sender",
    "messaging.template_no_time",
    "messaging.template_reveals",
    "messaging.template_special_characters",
    "messaging.template_value_missing",
)
PAGES = (
    ConsolePage("templates", "messaging.template.read", "practice", 60, "text"),
    ConsolePage("consents", "messaging.consent.read", "practice", 62, "shield", "messaging.consents"),
    ConsolePage("numbers", "messaging.consent.read", "practice", 64, "phone", "messaging.numbers"),
)
