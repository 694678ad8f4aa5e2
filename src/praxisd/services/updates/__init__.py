"""updates: newer versions of praxisd, of plug-ins and data sets, fetched by itself and installed by a person (SPEC § 6)."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import EventType, Permission, Retention, Service
from praxisd.services.updates import (
    checks,
    downloading,
    listings,
    operations,
    routes,
    settings,
    store,
    watching,
    words,
)

SERVICE = Service(
    name="updates",
    package="praxisd.services.updates",
    settings=settings.SETTINGS,
    events=(
        EventType("update.downloaded", Retention.ACTIVITY),
        EventType("update.pushed", Retention.AUDIT),
        EventType("update.subscribed", Retention.AUDIT),
        EventType("update.unsubscribed", Retention.AUDIT),
        EventType("update.ordered", Retention.AUDIT),
        EventType("update.installed", Retention.AUDIT),
        EventType("update.rolled_back", Retention.AUDIT, alert=True),
        EventType("update.refused", Retention.AUDIT, alert=True),
        EventType("update.switched_back", Retention.AUDIT),
        EventType("update.clock_trusted", Retention.AUDIT, alert=True),
    ),
    jobs=downloading.JOBS,
    routes=routes.ROUTES,
    listings=listings.LISTINGS,
    pages=(ConsolePage("updates", routes.READ, "system", 40, "download"),),
    checks=checks.CHECKS,
    permissions=(
        Permission(routes.READ, ("owner", "partner", "desk")),
        Permission(routes.WRITE, ("owner", "partner"), shared=True),
        Permission(routes.INSTALL, ("owner", "partner"), shared=True),
        Permission(routes.PUSH, ("owner", "partner"), shared=True),
    ),
    tables=store.TABLES,
    problems=(*words.FAULTS, *words.CODES),
    operations=operations.OPERATIONS,
    commands="praxisd.services.updates.cli:commands",
    start=watching.start,
)
