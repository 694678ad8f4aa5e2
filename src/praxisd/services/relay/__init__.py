"""relay: reachable from outside under a name of its own, through a hub that cannot read what it carries (SPEC § 2)."""

from praxisd.kernel.service import Service
from praxisd.services.relay import settings, store

SERVICE = Service(
    name="relay",
    package="praxisd.services.relay",
    needs=("accounts", "calendar", "directory"),
    settings=settings.SETTINGS,
    tables=store.TABLES,
)
