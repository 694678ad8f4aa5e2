"""Background work of messaging: send what is due, and hear what became of it. Both are off until switched on."""

from praxisd.kernel.schedule import Daily, Repeat
from praxisd.kernel.service import JobType
from praxisd.services.messaging.sending import send
from praxisd.services.messaging.status import status

JOBS = (
    JobType(
        "messaging.send",
        send,
        Daily(Repeat(10, "10:10", "19:50")),
        follows=("reminders.prepare", "reminders.birthdays"),
    ),
    JobType("messaging.status", status, Daily(Repeat(10, "10:20", "20:00")), follows=("messaging.send",)),
)
