"""Is there a recent backup, and was a restore proved? For the checklist of § 390 SGB V. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date

from praxisd.model.backup import Variant
from praxisd.services.backups.protocol.log_rules import DayState

MISSED = 2
"""So many backup days in a row without a whole copy, and the newest one is old."""
PROOF_S = 45 * 86_400
"""A proof is made each month; older than that, one was missed. Seconds."""


def good(
    variant: Variant,
    since: int,
    states: Mapping[date, DayState],
    made: Iterable[date],
    proven: int | None,
    now: int,
) -> bool | None:
    """True: a copy of each of the last days on which one was wanted, and a proof within six weeks; False: not so; None: it
    cannot be told.

    `states`: of the days that are over; `made`: days of which there is a good copy; `proven`: end of the last good proof;
    `since`: from when the plan holds. The copy of the plan „external“ is taken on by a program we do not see.
    """
    wanted = sorted((day for day, state in states.items() if state != "nothing"), reverse=True)[:MISSED]
    if not wanted:
        return None
    there = set(made)
    if len(wanted) == MISSED and not any(day in there for day in wanted):
        return False
    if not any(day in there for day in wanted):
        return None
    if variant == "external":
        return None
    if proven is None or now - proven > PROOF_S:
        return None if proven is None and now - since <= PROOF_S else False
    return True
