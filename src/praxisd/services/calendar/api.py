"""The only door of the calendar for other services. Functions that write take the caller's open transaction."""

from praxisd.services.calendar.booking import (
    Wish,
    book,
    cancel,
    change,
    get,
    import_appointment,
    may_see,
    move,
)
from praxisd.services.calendar.busy import busy, standing
from praxisd.services.calendar.closed import closed as closed_days
from praxisd.services.calendar.columns import (
    add_absence,
    add_reservation,
    add_schedule,
    add_service,
    drop_reservation,
    edit_reservation,
    edit_schedule,
    edit_service,
    put_closing,
)
from praxisd.services.calendar.conflicts import conflict, conflict_of, note_conflict, open_conflicts
from praxisd.services.calendar.feeds import open_feed
from praxisd.services.calendar.finding import free
from praxisd.services.calendar.importing import imported_before
from praxisd.services.calendar.incoming import accept, request, reschedule
from praxisd.services.calendar.lending_store import appointments_of, columns, one_appointment, types
from praxisd.services.calendar.offers import accept_offer, decline_offer, offer, offer_path
from praxisd.services.calendar.reminder_store import (
    AppointmentFacts,
    ReminderRow,
    appointment_facts,
    for_reminders,
)
from praxisd.services.calendar.settling import settle_conflict
from praxisd.services.calendar.view import views

__all__ = [
    "AppointmentFacts",
    "ReminderRow",
    "Wish",
    "accept",
    "accept_offer",
    "add_absence",
    "add_reservation",
    "add_schedule",
    "add_service",
    "appointment_facts",
    "appointments_of",
    "book",
    "busy",
    "cancel",
    "change",
    "closed_days",
    "columns",
    "conflict",
    "conflict_of",
    "decline_offer",
    "drop_reservation",
    "edit_reservation",
    "edit_schedule",
    "edit_service",
    "for_reminders",
    "free",
    "get",
    "import_appointment",
    "imported_before",
    "may_see",
    "move",
    "note_conflict",
    "offer",
    "offer_path",
    "one_appointment",
    "open_conflicts",
    "open_feed",
    "put_closing",
    "request",
    "reschedule",
    "settle_conflict",
    "standing",
    "types",
    "views",
]
