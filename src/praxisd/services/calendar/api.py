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
from praxisd.services.calendar.columns import (
    add_absence,
    add_reservation,
    add_schedule,
    add_service,
    edit_schedule,
    edit_service,
    put_closing,
)
from praxisd.services.calendar.feeds import open_feed
from praxisd.services.calendar.finding import free
from praxisd.services.calendar.reminder_store import (
    AppointmentFacts,
    ReminderRow,
    appointment_facts,
    for_reminders,
)
from praxisd.services.calendar.view import views

__all__ = [
    "AppointmentFacts",
    "ReminderRow",
    "Wish",
    "add_absence",
    "add_reservation",
    "add_schedule",
    "add_service",
    "appointment_facts",
    "book",
    "cancel",
    "change",
    "edit_schedule",
    "edit_service",
    "for_reminders",
    "free",
    "get",
    "import_appointment",
    "may_see",
    "move",
    "open_feed",
    "put_closing",
    "views",
]
