"""diagnosis: which practice software runs here, what it needs, and whether this place gives it (SPEC 7.4-7.10).

Products are data (`products/*.toml`); machines are measured, seats measure themselves; ports are tried; the checklist of
the security directive is kept.
"""

from praxisd.kernel.service import EventType, Permission, Scope, Service, Setting
from praxisd.services.diagnosis import (
    product_checks,
    product_operations,
    product_routes,
    software_keeping,
    software_routes,
    store,
)

SERVICE = Service(
    name="diagnosis",
    package="praxisd.services.diagnosis",
    needs=("accounts", "directory", "updates"),
    settings=(Setting("diagnosis.customer_number", str, "", Scope.INSTALLATION, high=40),),
    events=(
        EventType("software.added"),
        EventType("software.changed"),
        EventType("software.removed"),
    ),
    routes=(*product_routes.ROUTES, *software_routes.ROUTES),
    checks=(*product_checks.CHECKS,),
    permissions=(
        Permission(product_routes.READ, ("owner", "partner", "desk")),
        Permission(software_routes.READ, ("owner", "partner", "desk")),
        Permission(software_routes.WRITE, ("owner", "partner")),
    ),
    tables=store.TABLES,
    problems=(software_keeping.UNKNOWN,),
    operations=(*product_operations.OPERATIONS,),
    commands="praxisd.services.diagnosis.cli:commands",
)
