"""portals: online calendars kept in step, the booking desk, and webhooks (SPEC 3, 1.9, 1.12–1.13)."""

from praxisd.kernel.service import Permission, Service
from praxisd.services.portals import engine_declared, store

SERVICE = Service(
    name="portals",
    package="praxisd.services.portals",
    needs=("directory", "calendar", "messaging"),
    events=(*engine_declared.EVENTS,),
    jobs=(*engine_declared.JOBS,),
    handlers=(*engine_declared.HANDLERS,),
    routes=(*engine_declared.ROUTES,),
    listings=(*engine_declared.LISTINGS,),
    pages=(*engine_declared.PAGES,),
    checks=(*engine_declared.CHECKS,),
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
    problems=(*engine_declared.PROBLEMS,),
    operations=engine_declared.OPERATIONS,
    commands=engine_declared.COMMANDS,
    start=engine_declared.START,
)
