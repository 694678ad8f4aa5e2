"""relay: reachable from outside under a name of its own, through a hub that cannot read what it carries (SPEC § 2)."""

from typing import TYPE_CHECKING

from praxisd.kernel.console import ConsolePage, SetupStep
from praxisd.kernel.service import EventType, Permission, Retention, Service
from praxisd.services.relay import (
    access,
    checks,
    identity,
    jobs,
    operations,
    room,
    routes,
    settings,
    store,
    words,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx


def _ready(house: "House", tx: "Tx") -> bool:
    """The step of the set-up: enrolled, and in use."""
    return settings.chosen(house, tx).enabled and identity.facts(tx) is not None


SERVICE = Service(
    name="relay",
    package="praxisd.services.relay",
    needs=("accounts", "calendar", "directory"),
    settings=settings.SETTINGS,
    events=(
        EventType("relay.enrolled", Retention.AUDIT),
        EventType("relay.left", Retention.AUDIT),
        EventType("relay.rotated", Retention.AUDIT),
        EventType("relay.connected", Retention.ACTIVITY),
        EventType("relay.lost", Retention.ACTIVITY, alert=True),
        EventType("relay.foreign_key", Retention.AUDIT, alert=True),
        EventType("relay.certificate_renewed", Retention.AUDIT),
    ),
    jobs=jobs.JOBS,
    routes=routes.ROUTES,
    listings=access.LISTINGS,
    pages=(ConsolePage("relay", routes.READ, "system", 30, "globe"),),
    steps=(SetupStep("relay", 50, _ready, "relay"),),
    checks=checks.CHECKS,
    permissions=(
        Permission(routes.READ, ("owner", "partner", "desk")),
        Permission(routes.WRITE, ("owner", "partner"), shared=True),
        Permission(access.READ, ("owner", "partner")),
    ),
    tables=store.TABLES,
    problems=(*words.PROBE_CODES, *words.LINK_CODES, *routes.CODES),
    operations=operations.OPERATIONS,
    commands="praxisd.services.relay.cli:commands",
    start=room.start,
)
