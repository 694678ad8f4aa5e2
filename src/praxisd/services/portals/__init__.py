"""portals: online calendars kept in step, the booking desk, and webhooks (SPEC 3, 1.9, 1.12–1.13)."""

from praxisd.kernel.service import Permission, Service
from praxisd.services.portals import store

SERVICE = Service(
    name="portals",
    package="praxisd.services.portals",
    needs=("directory", "calendar", "messaging"),
    permissions=(
        Permission("portals.portal.read", ("owner", "desk", "partner")),
        Permission("portals.portal.write", ("owner", "partner")),
        Permission("portals.sync.run", ("owner", "desk", "partner")),
        Permission("portals.request.read", ("owner", "desk", "partner")),
        Permission("portals.request.write", ("owner", "desk")),
        Permission("portals.source.read", ("owner", "partner")),
        Permission("portals.source.write", ("owner", "partner")),
        Permission("portals.webhook.read", ("owner", "partner", "portal", "pvs")),
        Permission("portals.webhook.write", ("owner", "partner", "portal", "pvs")),
    ),
    tables=store.TABLES,
    patient_refs=store.REFERENCES,
)
