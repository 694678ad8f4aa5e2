"""backups: copies that prove themselves, on media with names, and the form that says so (SPEC § 8)."""

from praxisd.kernel.service import Service
from praxisd.services.backups import engine, engine_checks, snapshot, snapshot_operations, source

SERVICE = Service(
    name="backups",
    package="praxisd.services.backups",
    needs=("accounts", "diagnosis", "directory", "messaging", "updates"),
    checks=(*engine_checks.CHECKS,),
    problems=(
        *engine.CODES,
        *source.OWN_CODES,
        *snapshot.CODES,
    ),
    operations=(*snapshot_operations.OPERATIONS,),
    commands="praxisd.services.backups.cli:commands",
)
