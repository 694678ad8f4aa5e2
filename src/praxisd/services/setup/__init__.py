"""setup: the first start. A one-time code, practice and owner, then columns, hours and types step by step."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import EventType, Permission, Retention, Service
from praxisd.services.setup import checks, operations, routes, steps, store

SERVICE = Service(
    name="setup",
    package="praxisd.services.setup",
    needs=("directory", "accounts", "calendar"),
    tables=store.TABLES,
    events=(EventType("setup.completed", Retention.AUDIT), EventType("setup.changed")),
    permissions=(Permission(routes.READ), Permission(routes.WRITE)),
    checks=checks.CHECKS,
    routes=routes.ROUTES,
    pages=(ConsolePage("setup", routes.READ, "system", 5, "check"),),
    steps=steps.STEPS,
    operations=operations.OPERATIONS,
    commands="praxisd.services.setup.cli:commands",
)
