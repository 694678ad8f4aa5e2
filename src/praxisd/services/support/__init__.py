"""support: what the service partner gets, and only by a person's click: a message, a package, a look (SPEC 7.4, 7.11, 7.13)."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import Service
from praxisd.services.support import (
    bundle_routes,
    contact_routes,
    operations,
    partner,
    remote_declared,
    remote_room,
    store,
)

SERVICE = Service(
    name="support",
    package="praxisd.services.support",
    needs=("accounts", "diagnosis", "directory", "messaging", "relay", "serviceprovider"),
    settings=(*partner.SETTINGS, *remote_declared.SETTINGS),
    events=(*contact_routes.EVENTS, *bundle_routes.EVENTS, *remote_declared.EVENTS),
    routes=(*contact_routes.ROUTES, *bundle_routes.ROUTES, *remote_declared.ROUTES),
    listings=(*bundle_routes.LISTINGS,),
    pages=(ConsolePage("support", bundle_routes.READ, "system", 25, "phone"),),
    permissions=(*contact_routes.PERMISSIONS, *bundle_routes.PERMISSIONS, *remote_declared.PERMISSIONS),
    tables=(*store.TABLES, *remote_declared.TABLES),
    problems=(*contact_routes.PROBLEMS, *remote_declared.PROBLEMS),
    operations=(*operations.OPERATIONS, *remote_declared.OPERATIONS),
    checks=remote_declared.CHECKS,
    start=remote_room.start,
    commands="praxisd.services.support.cli:commands",
)
