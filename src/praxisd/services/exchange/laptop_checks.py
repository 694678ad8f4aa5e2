"""Checks of the laptops: that this one is one, and until when; at home, what has not come back and what waits."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.directory import api as directory
from praxisd.services.exchange import laptop_store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

HERE, OVER, UNMARKED = "exchange.laptop_here", "exchange.laptop_over", "exchange.laptop_unmarked"
OVERDUE, WAITING = "exchange.loan_overdue", "exchange.loan_conflicts"
_NAME = "exchange.laptops"


def laptops(house: "House") -> Iterator[Finding]:
    """On a laptop what it is; in a practice each loan that should be back, and how many decisions wait."""
    with house.store.read(system(_NAME)) as tx:
        practices = directory.organization_ids(tx)
    for practice in practices:
        with house.store.read(system(_NAME, practice)) as tx:
            here = zone(directory.organization(tx).zone)
            if laptop_store.laptop(tx) is not None and house.lent is None:
                yield Finding(UNMARKED, "", Severity.ERROR, {}, practice)
            elif house.lent is not None:
                # The last second of the last day, not the first of the day after.
                told = {
                    "practice": house.lent.practice,
                    "date": local_date(house.lent.until - 1, here).isoformat(),
                }
                ended = house.lent.over(tx.now)
                yield Finding(
                    OVER if ended else HERE, "", Severity.WARNING if ended else Severity.INFO, told, practice
                )
            for one in laptop_store.loans(tx):
                if one.state == laptop_store.OUT and one.until <= tx.now:
                    params = {"label": one.label, "date": local_date(one.until - 1, here).isoformat()}
                    yield Finding(OVERDUE, f"Loan/{one.id}", Severity.WARNING, params, practice)
            waiting = len(laptop_store.open_conflicts(tx))
            if waiting:
                yield Finding(WAITING, "", Severity.WARNING, {"count": waiting}, practice)


CHECKS = (
    Check(
        _NAME,
        (HERE, OVER, UNMARKED, OVERDUE, WAITING),
        laptops,
        every_s=60.0,
        grave={
            HERE: Severity.INFO,
            OVER: Severity.WARNING,
            UNMARKED: Severity.ERROR,
            OVERDUE: Severity.WARNING,
            WAITING: Severity.WARNING,
        },
    ),
)
