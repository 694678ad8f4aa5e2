"""What was booked, or could be mended, after the run that searched its day: looked at again, nearer than the first day.

`reminders.first_day` says how early a reminder may come, not that a later one is unwanted: between now and the first day
searched, a run judges again what has no verdict that stands. That is what was booked since its own run took place, and
what was refused for a reason that time or the practice has mended (booked just now, cap of the day, credits, access data,
…). Everything else there has its message or its reason, or lay there already when reminders were switched on. Who booked
for the same day is not reminded; nobody is less than `rules.LEAD_S` before the start. The handler of bookings
(`handlers.appointment_changed`) is there first wherever it knows that no run comes in time: then nothing is left for this.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from praxisd.kernel.clock import local_date
from praxisd.kernel.store import Tx
from praxisd.services.messaging import api as messaging
from praxisd.services.reminders import gathering, judging, rules, store
from praxisd.services.reminders.conditions import Conditions
from praxisd.services.reminders.judging import Judged, Ledge
from praxisd.services.reminders.rules import Refusal

MENDED = frozenset(
    {
        rules.RECENT, rules.CAP, rules.ONE_PER_DAY, rules.NO_CREDITS, rules.NO_CHANNEL, rules.NO_TEMPLATE,
        rules.NO_MANDATOR, rules.UNLICENSED,
    }
)  # fmt: skip
"""Reasons that time mends, or the practice: no event of the patient or the appointment tells that they are gone."""
_COMING = ("booked", "pending", "proposed")


def same_day(found: Conditions, row: Any) -> bool:
    """Was the appointment entered on its own local day?"""
    return local_date(row.created, found.zone) >= local_date(row.start, found.zone)


def reminders(
    tx: Tx, found: Conditions, rows: Sequence[Any], ledge: Ledge, first: int
) -> tuple[list[Judged], Ledge]:
    """Verdicts as of `judging.reminders`; of appointments before `first` (epoch seconds) only those that are new."""
    near = [row for row in rows if row.start < first]
    if not near:
        return judging.reminders(tx, found, rows, ledge)
    codes = store.codes(tx, "reminder", [row.id for row in near])
    held = messaging.holding(tx, [gathering.topic_of(row.id) for row in near])
    kept = [
        _late(found, row)
        for row in near
        if gathering.topic_of(row.id) in held or _open(found, row, codes.get(row.id))
    ]
    judged, after = judging.reminders(tx, found, [*kept, *rows[len(near) :]], ledge)
    return [one for one in judged if not _stands(one, codes, first)], after


def _open(found: Conditions, row: Any, code: str | None) -> bool:
    """True if there is no verdict on this appointment, or none that stands."""
    if row.status not in _COMING:
        return False
    if code is not None:
        return code in MENDED
    searched = local_date(row.start, found.zone) - timedelta(days=found.first_day)
    return local_date(row.created, found.zone) >= searched


def _late(found: Conditions, row: Any) -> Any:
    """Booked for the same day: just now, however many hours that is ago."""
    return msgspec.structs.replace(row, created=found.terms.now + 1) if same_day(found, row) else row


def _stands(one: Judged, codes: dict[str, str], first: int) -> bool:
    facts, verdict = one.facts, one.verdict
    if not isinstance(facts, rules.Facts) or facts.start >= first or not isinstance(verdict, Refusal):
        return False
    return verdict.code in (rules.ALREADY, codes.get(facts.appointment))
