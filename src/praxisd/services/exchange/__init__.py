"""exchange: old data in, records out, and a laptop out and back (SPEC §§ 9.5, 11)."""

from typing import TYPE_CHECKING

from praxisd.kernel.service import Service
from praxisd.services.exchange import devices_declared, laptop_declared, takeover_declared, takeover_room

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def start(house: "House") -> None:
    """With the server: the worker of take-overs."""
    takeover_room.start(house)


SERVICE = Service(
    name="exchange",
    package="praxisd.services.exchange",
    needs=("accounts", "directory", "calendar", "messaging", "medication"),
    settings=(*devices_declared.SETTINGS, *takeover_declared.SETTINGS, *laptop_declared.SETTINGS),
    events=(*devices_declared.EVENTS, *takeover_declared.EVENTS, *laptop_declared.EVENTS),
    jobs=(*devices_declared.JOBS, *takeover_declared.JOBS, *laptop_declared.JOBS),
    routes=(*devices_declared.ROUTES, *takeover_declared.ROUTES, *laptop_declared.ROUTES),
    listings=(*devices_declared.LISTINGS, *takeover_declared.LISTINGS, *laptop_declared.LISTINGS),
    pages=(*devices_declared.PAGES, *takeover_declared.PAGES, *laptop_declared.PAGES),
    fhir=(*devices_declared.FHIR, *takeover_declared.FHIR, *laptop_declared.FHIR),
    checks=(*devices_declared.CHECKS, *takeover_declared.CHECKS, *laptop_declared.CHECKS),
    fixes=(*devices_declared.FIXES, *takeover_declared.FIXES, *laptop_declared.FIXES),
    permissions=(*devices_declared.PERMISSIONS, *takeover_declared.PERMISSIONS, *laptop_declared.PERMISSIONS),
    operations=(*devices_declared.OPERATIONS, *takeover_declared.OPERATIONS, *laptop_declared.OPERATIONS),
    tables=(*devices_declared.TABLES, *takeover_declared.TABLES, *laptop_declared.TABLES),
    patient_refs=(
        *devices_declared.PATIENT_REFS,
        *takeover_declared.PATIENT_REFS,
        *laptop_declared.PATIENT_REFS,
    ),
    start=start,
    problems=(*devices_declared.PROBLEMS, *takeover_declared.PROBLEMS, *laptop_declared.PROBLEMS),
)
