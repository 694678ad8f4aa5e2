"""What webhooks add to the declaration of portals."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import EventType, Handler, Retention, Setting
from praxisd.services.portals import deliveries, deliveries_calls, deliveries_loop, webhooks
from praxisd.services.portals import webhooks_rules as rules
from praxisd.services.portals.webhooks_checks import CHECKS
from praxisd.services.portals.webhooks_listings import LISTINGS
from praxisd.services.portals.webhooks_operations import OPERATIONS
from praxisd.services.portals.webhooks_routes import READ, ROUTES

SETTINGS = (
    Setting(webhooks.NETWORKS, str, "", low=0, high=500),
    Setting(deliveries_loop.LOG_DAYS, int, 30, low=1, high=366, unit="days"),
)
EVENTS = (
    *(EventType(f"webhook.{what}", Retention.AUDIT) for what in ("created", "changed", "deleted")),
    EventType("webhook.failed", alert=True),
    EventType("webhook.replayed"),
)
HANDLERS = (Handler("portals.webhooks", rules.TYPES, deliveries.heard),)
PAGES = (ConsolePage("webhooks", READ, "system", 60, "webhook"),)
PROBLEMS = deliveries_calls.CODES


__all__ = ("CHECKS", "LISTINGS", "OPERATIONS", "ROUTES")
