"""Background work of the logbook: what is too old, too much, or of a patient goes; standing orders are carried out."""

import math
from typing import TYPE_CHECKING

from praxisd.kernel.schedule import At, Daily, Repeat
from praxisd.kernel.service import JobType, Scope
from praxisd.services.logbook import diagnosing, ordering, rules, settings
from praxisd.services.logbook.book import book_of, unavailable
from praxisd.services.logbook.settings import Limits
from praxisd.services.logbook.shelf import Shelf, Unavailable

if TYPE_CHECKING:
    from praxisd.kernel.jobs import RunContext

DAY_MS = 86_400_000
ROOM = 0.9
"""A book that is too large is brought down to this part of its limit, so that it is not at the limit again tomorrow."""
ROUNDS = 3
ALL = 1_000


def purge(run: "RunContext") -> None:
    """Delete what is too old, then what is too much, in slices. Counts `old`, `large`, `patient`."""
    with run.read() as tx:
        limits = settings.limits(run.house, tx)
    now = run.house.clock.now_ms()
    try:
        shelf = book_of(run.house).shelf
        _private(run, shelf)
        _aged(run, shelf, now - limits.days * DAY_MS, rules.WARNING)
        _aged(run, shelf, now - limits.warning_days * DAY_MS, ALL)
        _shrunk(run, shelf, limits)
        while shelf.tidy():
            run.stop_if_asked()
    except Unavailable:
        raise unavailable() from None


def _private(run: "RunContext", shelf: Shelf) -> None:
    on = diagnosing.organizations(run.house)
    while done := shelf.forget_private(on):
        run.checkpoint(patient=done)


def _aged(run: "RunContext", shelf: Shelf, before: int, below: int) -> None:
    start = 0
    while True:
        done, start = shelf.purge(before, below, start)
        run.checkpoint(old=done)
        if not start:
            return


def _shrunk(run: "RunContext", shelf: Shelf, limits: Limits) -> None:
    """Status entries go before warnings and errors do."""
    for _ in range(ROUNDS):
        figures = shelf.figures()
        count = sum(figures.levels.values())
        if figures.used <= limits.bytes or not count:
            return
        left = math.ceil(count * (1 - ROOM * limits.bytes / figures.used))
        for below in (rules.WARNING, ALL):
            while left > 0 and (done := shelf.shrink(below, left)):
                left -= done
                run.checkpoint(large=done)


JOBS = (
    JobType("logbook.purge", purge, Daily(At("03:20")), enabled=True, missed="once", per=Scope.INSTALLATION),
    JobType(
        "logbook.send", ordering.carry_out, Daily(Repeat(60, "00:25", "23:25")), enabled=True, missed="once"
    ),
)
