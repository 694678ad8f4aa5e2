"""The waiting list: who waits for which appointment, and when they could come (SPEC 1.14).

Instants are epoch seconds UTC, local dates are `datetime.date`, wall times "HH:MM" in the practice's zone.
"""

from datetime import date
from typing import Literal

import msgspec

from praxisd.model.scheduling import Record, clock_minutes

EntryState = Literal["waiting", "booked", "left", "expired"]
"""`expired`: the last day on which the patient could have come is over. Only `waiting` ones are offered anything."""
RoundState = Literal["found", "running", "ended"]
OfferState = Literal["open", "accepted", "declined", "lapsed", "gone"]


class WaitingEntry(Record, frozen=True, kw_only=True):
    """A patient who waits for an appointment of one type („Wartelisteneintrag“).

    `schedules` empty: any column that may serve the type. `days` ISO weekdays, empty: any. `from_` to `to`: the appointment
    lies wholly between these wall times (None: open). `first`, `last`: local dates, inclusive. `notice_minutes`: how long
    before it begins the patient wants to know. `replaces`: an appointment that is given up for the earlier one.
    """

    id: str = ""
    version: int = 1
    patient: str
    service: str
    schedules: tuple[str, ...] = ()
    days: tuple[int, ...] = ()
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    first: date | None = None
    last: date | None = None
    notice_minutes: int = 120
    note: str | None = None
    state: EntryState = "waiting"
    created: int = 0
    replaces: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a wish that no time can meet."""
        if len(set(self.days)) != len(self.days) or not set(self.days) <= set(range(1, 8)):
            raise ValueError("days must name each weekday once, 1 (Monday) to 7 (Sunday)")
        low = clock_minutes(self.from_) if self.from_ is not None else 0
        high = clock_minutes(self.to) if self.to is not None else 24 * 60
        if high <= low:
            raise ValueError("to must be after from")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError("last must not be before first")
