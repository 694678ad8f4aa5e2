"""exchange: old data in, records out, and a laptop out and back (SPEC §§ 9.5, 11)."""

from praxisd.kernel.service import Service
from praxisd.services.exchange import (
    devices_declared,
    laptop_declared,
    takeover_declared,
    takeover_room,
    takeover_step_store,
)

SERVICE = Service(
    name="exchange",
    package="praxisd.services.exchange",
    needs=("accounts", "directory", "calendar", "messaging", "medication"),
    settings=takeover_declared.SETTINGS,
    events=(*devices_declared.EVENTS, *takeover_declared.EVENTS, *laptop_declared.EVENTS),
    jobs=devices_declared.JOBS,
    routes=(*devices_declared.ROUTES, *takeover_declared.ROUTES, *laptop_declared.ROUTES),
    listings=takeover_declared.LISTINGS,
    pages=takeover_declared.PAGES,
    steps=takeover_step_store.STEPS,
    checks=(*devices_declared.CHECKS, *takeover_declared.CHECKS, *laptop_declared.CHECKS),
    permissions=(*devices_declared.PERMISSIONS, *takeover_declared.PERMISSIONS, *laptop_declared.PERMISSIONS),
    operations=(*devices_declared.OPERATIONS, *takeover_declared.OPERATIONS, *laptop_declared.OPERATIONS),
    tables=(*devices_declared.TABLES, *takeover_declared.TABLES, *laptop_declared.TABLES),
    patient_refs=(
        *devices_declared.PATIENT_REFS,
        *takeover_declared.PATIENT_REFS,
        *laptop_declared.PATIENT_REFS,
    ),
    start=takeover_room.start,
    problems=(*devices_declared.PROBLEMS, *takeover_declared.PROBLEMS, *laptop_declared.PROBLEMS),
)
