"""support: what the service partner gets, and only by a person's click: a message, a package, a look (SPEC 7.4, 7.11, 7.13)."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import Service
from praxisd.services.support import bundle_routes, contact_routes, operations, partner, store

SERVICE = Service(
    name="support",
    package="praxisd.services.support",
    needs=("accounts", "diagnosis", "directory", "messaging", "relay"),
    settings=(*partner.SETTINGS,),
    events=(*contact_routes.EVENTS, *bundle_routes.EVENTS),
    routes=(*contact_routes.ROUTES, *bundle_routes.ROUTES),
    listings=(*bundle_routes.LISTINGS,),
    pages=(ConsolePage("support", bundle_routes.READ, "system", 25, "phone"),),
    permissions=(*contact_routes.PERMISSIONS, *bundle_routes.PERMISSIONS),
    tables=(*store.TABLES,),
    problems=(*contact_routes.PROBLEMS,),
    operations=(*operations.OPERATIONS,),
    commands="praxisd.services.support.cli:commands",
)
