"""Settings of the booking desk."""

from praxisd.kernel.service import Setting

PROPOSAL_DAYS = "portals.proposal_days"
ANSWER_HOURS = "portals.answer_hours"
BLOCK_MINUTES = "portals.block_minutes"
REQUEST_DAYS = "portals.request_days"
SETTINGS = (
    Setting(PROPOSAL_DAYS, int, 3, low=1, high=30, unit="days"),
    Setting(ANSWER_HOURS, int, 24, low=1, high=336, unit="hours"),
    Setting(REQUEST_DAYS, int, 365, low=30, high=3650, unit="days"),
    Setting(BLOCK_MINUTES, int, 30, low=5, high=240, unit="minutes"),
)
