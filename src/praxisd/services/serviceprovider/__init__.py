"""serviceprovider: the ServiceProvider of medatixx' products and its two INI files, read, compared, mended (SPEC 7.6)."""

from praxisd.kernel.service import EventType, Permission, Retention, Service
from praxisd.services.serviceprovider import checks, operations, routes, store

SERVICE = Service(
    name="serviceprovider",
    package="praxisd.services.serviceprovider",
    needs=("diagnosis",),
    tables=store.TABLES,
    events=(
        EventType("serviceprovider.repaired", Retention.AUDIT),
        EventType("serviceprovider.installed", Retention.AUDIT),
    ),
    permissions=(
        Permission(routes.READ, ("owner", "partner", "desk"), shared=True),
        Permission(routes.WRITE, ("owner", "partner"), shared=True),
    ),
    checks=checks.CHECKS,
    fixes=checks.FIXES,
    routes=routes.ROUTES,
    operations=operations.OPERATIONS,
    commands="praxisd.services.serviceprovider.cli:commands",
)
