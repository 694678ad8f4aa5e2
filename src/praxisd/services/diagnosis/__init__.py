"""diagnosis: which practice software runs here, what it needs, and whether this place gives it (SPEC 7.4-7.10).

Products are data (`products/*.toml`); machines are measured, seats measure themselves; ports are tried; the checklist of
the security directive is kept.
"""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import Service
from praxisd.services.diagnosis import (
    customer,
    directive_checks,
    directive_operations,
    directive_routes,
    machine_checks,
    machine_operations,
    machine_routes,
    machine_sampling,
    port_checks,
    port_operations,
    port_routes,
    product_checks,
    product_operations,
    product_routes,
    software_routes,
    store,
)

SERVICE = Service(
    name="diagnosis",
    package="praxisd.services.diagnosis",
    needs=("accounts", "directory", "messaging", "relay", "updates"),
    settings=(
        *machine_checks.SETTINGS,
        *customer.SETTINGS,
    ),
    events=(*directive_routes.EVENTS, *machine_routes.EVENTS, *software_routes.EVENTS, *port_routes.EVENTS),
    routes=(
        *directive_routes.ROUTES,
        *machine_routes.ROUTES,
        *product_routes.ROUTES,
        *software_routes.ROUTES,
        *port_routes.ROUTES,
    ),
    pages=(ConsolePage("diagnosis", directive_routes.READ, "system", 22, "stethoscope"),),
    checks=(*directive_checks.CHECKS, *machine_checks.CHECKS, *product_checks.CHECKS, *port_checks.CHECKS),
    permissions=(
        *directive_routes.PERMISSIONS,
        *machine_routes.PERMISSIONS,
        *product_routes.PERMISSIONS,
        *software_routes.PERMISSIONS,
        *port_routes.PERMISSIONS,
    ),
    jobs=(*machine_sampling.JOBS,),
    tables=store.TABLES,
    problems=(*machine_checks.PROBLEMS, *software_routes.PROBLEMS, *port_routes.PROBLEMS),
    operations=(
        *directive_operations.OPERATIONS,
        *machine_operations.OPERATIONS,
        *product_operations.OPERATIONS,
        *port_operations.OPERATIONS,
    ),
    commands="praxisd.services.diagnosis.cli:commands",
)
