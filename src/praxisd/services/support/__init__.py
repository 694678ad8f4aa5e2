"""support: what the service partner gets, and only by a person's click: a message, a package, a look (SPEC 7.4, 7.11, 7.13)."""

from praxisd.kernel.service import Service
from praxisd.services.support import store

SERVICE = Service(
    name="support",
    package="praxisd.services.support",
    needs=("accounts", "diagnosis", "directory", "messaging", "relay"),
    tables=store.TABLES,
)
