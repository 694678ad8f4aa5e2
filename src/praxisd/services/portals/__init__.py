"""portals: online calendars kept in step, the booking desk, and webhooks (SPEC 3, 1.9, 1.12–1.13)."""

from typing import TYPE_CHECKING

from praxisd.kernel.service import Permission, Service
from praxisd.services.portals import (
    deliveries_loop,
    desk_declared,
    engine_declared,
    loop,
    store,
    webhooks_declared,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def start(house: "House") -> None:
    """Start the threads of the room: online calendars, and the courier of webhooks."""
    loop.start(house)
    deliveries_loop.start(house)


SERVICE = Service(
    name="portals",
    package="praxisd.services.portals",
    needs=("accounts", "directory", "calendar", "messaging"),
    settings=(*desk_declared.SETTINGS, *webhooks_declared.SETTINGS),
    events=(
        *engine_declared.EVENTS,
        *desk_declared.EVENTS,
        *webhooks_declared.EVENTS,
    ),
    jobs=(
        *engine_declared.JOBS,
        *desk_declared.JOBS,
    ),
    handlers=(
        *engine_declared.HANDLERS,
        *desk_declared.HANDLERS,
        *webhooks_declared.HANDLERS,
    ),
    routes=(
        *engine_declared.ROUTES,
        *desk_declared.ROUTES,
        *webhooks_declared.ROUTES,
    ),
    listings=(
        *engine_declared.LISTINGS,
        *desk_declared.LISTINGS,
        *webhooks_declared.LISTINGS,
    ),
    pages=(
        *engine_declared.PAGES,
        *desk_declared.PAGES,
        *webhooks_declared.PAGES,
    ),
    checks=(
        *engine_declared.CHECKS,
        *desk_declared.CHECKS,
        *webhooks_declared.CHECKS,
    ),
    permissions=(
        Permission("portals.portal.read", ("owner", "desk", "partner")),
        Permission("portals.portal.write", ("owner", "partner")),
        Permission("portals.sync.run", ("owner", "desk", "partner")),
        Permission("portals.request.read", ("owner", "desk", "partner")),
        Permission("portals.request.write", ("owner", "desk")),
        Permission("portals.source.read", ("owner", "partner")),
        Permission("portals.source.write", ("owner", "partner")),
        Permission("portals.webhook.read", ("owner", "partner", "portal", "pvs")),
        Permission("portals.webhook.write", ("owner", "partner", "portal", "pvs")),
    ),
    tables=store.TABLES,
    patient_refs=store.REFERENCES,
    problems=(
        *engine_declared.PROBLEMS,
        *desk_declared.PROBLEMS,
        *webhooks_declared.PROBLEMS,
    ),
    operations=(*engine_declared.OPERATIONS, *webhooks_declared.OPERATIONS),
    commands="praxisd.services.portals.cli:commands",
    start=start,
)
