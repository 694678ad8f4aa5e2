"""What the outbox adds to the declaration of messaging: settings, events, permissions, codes."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import EventType, Permission, Retention, Setting

DAY_CAP = "messaging.patient_day_cap"
QUIET_FROM = "messaging.quiet_from"
QUIET_TO = "messaging.quiet_to"
RUN_CAP = "messaging.run_cap"
CHECK_CREDITS = "messaging.check_credits"
MINIMUM_CREDITS = "messaging.minimum_credits"
FALLBACK = "messaging.fallback"
REPLY_CONFIRM = "messaging.reply_confirm"
REPLY_CANCEL = "messaging.reply_cancel"
REPLY_STOP = "messaging.reply_stop"
PUBLIC_URL = "messaging.public_url"
PATIENCE = "messaging.gateway_patience"
PATIENCE_LOW_S = 60
"""With less a gateway that is merely slow would count as one that has nothing, and patients be written to twice. Seconds."""

SETTINGS = (
    Setting(RUN_CAP, int, 200, low=1, high=5_000),
    Setting(PATIENCE, int, 60, low=PATIENCE_LOW_S, high=600, unit="seconds"),
    Setting(CHECK_CREDITS, bool, True),
    Setting(MINIMUM_CREDITS, int, 50, low=0, high=1_000_000),
    Setting(FALLBACK, bool, False),
    Setting(REPLY_CONFIRM, bool, True),
    Setting(REPLY_CANCEL, ("ask", "do"), "ask"),
    Setting(REPLY_STOP, bool, True),
    Setting(PUBLIC_URL, str, "", low=0, high=200),
)
EVENTS = (
    EventType("communication.prepared"),
    EventType("communication.sent"),
    EventType("communication.delivered"),
    EventType("communication.failed", alert=True),
    EventType("communication.expired"),
    EventType("communication.unsure", alert=True),
    EventType("communication.settled", Retention.AUDIT),
    EventType("communication.withdrawn"),
    EventType("communication.confirmed"),
    EventType("communication.replied"),
    EventType("communication.lettered"),
    EventType("account.changed", Retention.AUDIT),
    EventType("account.tested", Retention.AUDIT),
    EventType("credits.booked", Retention.AUDIT),
)
PERMISSIONS = (
    Permission("messaging.outbox.read", ("owner", "desk", "partner")),
    Permission("messaging.outbox.write", ("owner", "desk")),
    Permission("messaging.account.read", ("owner", "partner")),
    Permission("messaging.account.write", ("owner", "partner")),
    Permission("messaging.credits.read"),
    Permission("messaging.credits.write"),
)
PAGES = (ConsolePage("messages", "messaging.outbox.read", "day", 45, "send"),)
REASONS = (
    "messaging.appointment_gone",
    "messaging.appointment_moved",
    "messaging.consent_stopped",
    "messaging.day_cap",
    "messaging.no_credits",
    "messaging.settled_by_hand",
    "messaging.withdrawn_by_hand",
)
"""Why a message is as it is; shown with its title, cause and solution."""
PROBLEMS = (
    *REASONS,
    "messaging.account_field_unknown",
    "messaging.account_missing",
    "messaging.balance_untold",
    "messaging.credits_below_zero",
    "messaging.credits_under_way",
    "messaging.no_letter",
    "messaging.not_unsure",
    "messaging.quiet_now",
    "messaging.owner_switches_on",
    "messaging.secrets_again",
    "messaging.test_address",
    "messaging.under_way",
)
