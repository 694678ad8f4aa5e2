"""care: the database checked, compacted, and moved to another place while all others work (SPEC § 9.4)."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import EventType, Retention, Service
from praxisd.services.care import (
    checking,
    checks,
    compacting,
    jobs,
    moving,
    operations,
    postgres_words,
    releasing,
    routes,
    store,
    targets,
    working,
)

SERVICE = Service(
    name="care",
    package="praxisd.services.care",
    events=(
        EventType("database.checked", Retention.ACTIVITY),
        EventType("database.damaged", Retention.AUDIT, alert=True),
        EventType("database.compacted", Retention.ACTIVITY),
        EventType("database.moved", Retention.AUDIT),
        EventType("database.released", Retention.AUDIT),
    ),
    needs=("backups",),
    jobs=jobs.JOBS,
    routes=routes.ROUTES,
    pages=(ConsolePage("care", routes.READ, "system", 45, "hard-drive"),),
    checks=checks.CHECKS,
    fixes=checks.FIXES,
    permissions=routes.PERMISSIONS,
    tables=store.TABLES,
    problems=(
        *checking.CODES,
        *compacting.CODES,
        *jobs.CODES,
        *moving.CODES,
        *releasing.CODES,
        *targets.CODES,
        *postgres_words.CODES,
        *working.CODES,
    ),
    operations=operations.OPERATIONS,
    commands="praxisd.services.care.cli:commands",
    start=compacting.reopened,
)
