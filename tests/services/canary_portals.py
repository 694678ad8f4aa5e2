"""Online calendars and webhooks in the house of canaries: a portal where nobody answers, its calendar, a program that hears."""

from typing import Any

from praxisd.kernel.events import Dispatcher
from praxisd.services.portals.webhooks import NETWORKS

from .calendar_cast import Rest

FIELDS = {"address": "http://127.0.0.1:9/api"}
"""Nobody answers there."""
PORTAL = {"name": "Terminportal", "adapter": "two_way", "fields": FIELDS}
WEBHOOK = {"name": "Programm", "url": "http://127.0.0.1:9/hook", "events": ["*"]}
BODIES: dict[str, Any] = {
    "portal.create": PORTAL | {"name": "Zweites", "secrets": {"key": "k"}},
    "portalFields.test": PORTAL | {"secrets": {"key": "k"}},
    "portal.change": PORTAL | {"active": True},
    "webhooks.create": WEBHOOK,
    "webhooks.change": WEBHOOK,
    "webhooks.replay": {"since": "2026-11-20T00:00:00+01:00"},
}
NOTHING_THERE = frozenset(
    {
        "portal.offer",  # a portal of this kind takes no single times
        "unknownTime.settle",  # and has none of its own
    }
)


def let_in(nest: Any) -> None:
    """A portal with one calendar, and a webhook with a call that is written down."""
    owner = Rest(nest.client, nest.keys["owner"])
    given = PORTAL | {"active": True, "secrets": {"key": "k"}}
    portal = owner("POST", "/portals", 201, given)
    nest.note("portals", portal["id"])
    column = nest.practice.doctors[0]
    wanted = {"name": "Sprechstunde", "schedule": column}
    linked = owner("POST", f"/portals/{portal['id']}/calendars", 201, wanted)
    nest.note("calendars", linked["id"])
    owner("PUT", f"/settings/{NETWORKS}", 200, {"value": "127.0.0.1"})
    hook = owner("POST", "/webhooks", 201, WEBHOOK)
    nest.note("webhooks", hook["id"])
    wish = {
        "service": nest.practice.check, "start": "2026-12-11T09:00:00+01:00", "schedules": [column],
        "patient": {"id": nest.practice.patient}, "note": nest.bird("heard.note"),
    }  # fmt: skip
    owner("POST", "/appointments", 201, wish)
    handlers = [one for one in nest.house.registry.handlers if one.name == "portals.webhooks"]
    while Dispatcher(nest.house, handlers).step():
        pass
    heard = owner("GET", f"/webhooks/{hook['id']}/deliveries")["deliveries"]
    nest.note("deliveries", heard[0]["id"])


def bodies(nest: Any) -> dict[str, Any]:
    """What is asked about columns of this house."""
    first, second, *_ = nest.practice.doctors
    return {
        "onlineCalendar.link": {"name": "Zweiter", "schedule": second},
        "onlineCalendar.change": {"name": "Sprechstunde", "schedule": first},
    }
