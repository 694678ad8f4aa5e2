"""updates: newer versions of praxisd, of plug-ins and data sets, fetched by itself and installed by a person (SPEC § 6)."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import Permission, Service
from praxisd.services.updates import routes, settings, store, words

SERVICE = Service(
    name="updates",
    package="praxisd.services.updates",
    settings=settings.SETTINGS,
    routes=routes.ROUTES,
    pages=(ConsolePage("updates", routes.READ, "system", 40, "download"),),
    permissions=(
        Permission(routes.READ, ("owner", "partner", "desk")),
        Permission(routes.WRITE, ("owner", "partner")),
        Permission(routes.INSTALL, ("owner", "partner")),
        Permission(routes.PUSH, ("owner", "partner")),
    ),
    tables=store.TABLES,
    problems=(*words.FAULTS, words.UNKNOWN),
)
