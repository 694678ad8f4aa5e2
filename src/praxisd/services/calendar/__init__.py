"""calendar: opening hours, free slots, booking, holds, reservations, absences, feeds."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.schedule import Daily, Repeat
from praxisd.kernel.service import EventType, Handler, JobType, Permission, Retention, Service, Setting
from praxisd.services.calendar import (
    conflict_store,
    conflicts_declared,
    fhir,
    handlers,
    importing,
    jobs,
    listings,
    routes,
    routes_columns,
    routes_feeds,
    routes_view,
    store,
    waiting_declared,
    waiting_store,
)
from praxisd.services.calendar.fhir_shapes import SPECIALTY

_PROGRAMS = ("portal", "pvs")
_PEOPLE = ("owner", "desk")
_ALL = (*_PEOPLE, *_PROGRAMS)

SERVICE = Service(
    name="calendar",
    package="praxisd.services.calendar",
    needs=("directory",),
    settings=(
        Setting("calendar.hold_seconds", int, 300, low=30, high=3600, unit="seconds"),
        Setting("calendar.holds_per_key", int, 20, low=1, high=1000),
        Setting(SPECIALTY, str, "ALLG", low=1, high=64),
        *waiting_declared.SETTINGS,
    ),
    events=(
        *(
            EventType(f"appointment.{what}", Retention.CHANGE)
            for what in ("booked", "requested", "confirmed", "moved", "changed", "cancelled", "imported")
        ),
        *(EventType(f"slot.{what}", Retention.ACTIVITY) for what in ("held", "released", "imported")),
        *(EventType(f"schedule.{what}", Retention.AUDIT) for what in ("created", "changed")),
        *(EventType(f"service.{what}", Retention.AUDIT) for what in ("created", "changed")),
        *(EventType(f"reservation.{what}") for what in ("created", "changed", "deleted")),
        *(EventType(f"absence.{what}") for what in ("created", "deleted")),
        EventType("closing.changed"),
        EventType("data.imported", Retention.AUDIT),
        *conflicts_declared.EVENTS,
        *waiting_declared.EVENTS,
        *(EventType(f"feed.{what}", Retention.AUDIT) for what in ("created", "revoked")),
    ),
    handlers=(
        Handler("calendar.organization", ("organization.changed",), handlers.organization_changed),
        Handler("calendar.patients", ("patient.merged", "patient.unmerged"), handlers.patient_moved),
        *conflicts_declared.HANDLERS,
        *waiting_declared.HANDLERS,
    ),
    jobs=(
        JobType(
            "calendar.sweep",
            jobs.sweep,
            Daily(within=Repeat(minutes=15, start="00:00", end="23:45")),
            enabled=True,
            missed="none",
        ),
        *waiting_declared.JOBS,
    ),
    routes=(
        *routes.ROUTES,
        *routes_columns.ROUTES,
        *routes_feeds.ROUTES,
        *routes_view.ROUTES,
        *conflicts_declared.ROUTES,
        *waiting_declared.ROUTES,
    ),
    listings=(*listings.LISTINGS, *conflicts_declared.LISTINGS, *waiting_declared.LISTINGS),
    pages=(
        ConsolePage("calendar", "calendar.view.read", "day", 20, "calendar"),
        ConsolePage("services", "calendar.schedule.read", "practice", 10, "tag"),
        ConsolePage("schedules", "calendar.schedule.read", "practice", 20, "columns"),
        *conflicts_declared.PAGES,
        *waiting_declared.PAGES,
        ConsolePage("absences", "calendar.reservation.write", "practice", 30, "calendar-off"),
    ),
    fhir=fhir.FHIR,
    operations=importing.OPERATIONS,
    permissions=(
        Permission("calendar.slot.read", _ALL),
        Permission("calendar.appointment.read", _ALL),
        Permission("calendar.appointment.book", _ALL),
        Permission("calendar.appointment.change", _ALL),
        Permission("calendar.schedule.read", (*_ALL, "partner")),
        Permission("calendar.schedule.write", ("owner", "pvs")),
        Permission("calendar.view.read", (*_PEOPLE, "partner")),
        Permission("calendar.reservation.write", (*_PEOPLE, "pvs")),
        Permission("calendar.feed.write", ("owner",)),
        Permission("calendar.hours.ignore", (*_PEOPLE, "pvs")),
        *conflicts_declared.PERMISSIONS,
        *waiting_declared.PERMISSIONS,
    ),
    tables=(*store.TABLES, *conflict_store.TABLES, *waiting_store.TABLES),
    patient_refs=(("calendar_appointment", "patient"), ("calendar_waiting", "patient")),
    problems=("calendar.unknown_region", *fhir.PROBLEMS, *importing.PROBLEMS, *conflicts_declared.PROBLEMS),
    triggers=store.guards,
    guards=store.GUARDS,
)
