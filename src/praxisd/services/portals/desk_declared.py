"""What the booking desk adds to the declaration of portals."""

from praxisd.kernel.console import ConsolePage
from praxisd.kernel.service import EventType, Retention
from praxisd.services.portals import (
    deciding,
    deciding_follow,
    desk_checks,
    desk_job,
    desk_listing,
    desk_refusals,
    desk_routes,
    desk_settings,
    proposals,
    requests_again,
    sources_reading,
    sources_routes,
)

SETTINGS = desk_settings.SETTINGS
EVENTS = (
    EventType("request.received"),
    EventType("request.changed"),
    EventType("request.accepted"),
    EventType("request.refused"),
    EventType("request.proposed"),
    EventType("request.withdrawn"),
    EventType("request.expired"),
    EventType("request.emptied", Retention.AUDIT),
    EventType("source.created", Retention.AUDIT),
    EventType("source.changed", Retention.AUDIT),
    EventType("source.deleted", Retention.AUDIT),
)
JOBS = desk_job.JOBS
HANDLERS = deciding_follow.HANDLERS
ROUTES = (*desk_routes.ROUTES, *sources_routes.ROUTES, *proposals.ROUTES)
LISTINGS = desk_listing.LISTINGS
PAGES = (ConsolePage("requests", "portals.request.read", "day", 30, "calendar-check"),)
CHECKS = desk_checks.CHECKS
PROBLEMS = (
    *desk_refusals.REASONS,
    deciding.DECLINED,
    deciding.EXPIRED,
    "portals.patient_withdrew",
    "portals.cancelled_by_practice",
    *deciding.ASKS,
    requests_again.CANCELS_UNKNOWN,
    requests_again.NUMBER_TAKEN,
    requests_again.CHANGE_LATE,
    requests_again.PERSON_CHANGED,
    sources_reading.STUCK,
    "portals.chain_cancelled",
    "portals.chain_incomplete",
    "portals.chain_taken",
)
