"""Checks of take-overs: does one stand still though it should go on, does one wait for a person, has one failed?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.directory import api as directory
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeover_terms as rules

if TYPE_CHECKING:
    from praxisd.kernel.app import House

STALLED, UNDECIDED, FAILED = (
    "exchange.takeover_stalled", "exchange.takeover_undecided", "exchange.takeover_failed"
)  # fmt: skip
QUIET_S = 600
"""A work that wrote nothing for so long stands still. Seconds."""


def takeovers(house: "House") -> Iterator[Finding]:
    """One finding for each take-over of the last 100 that needs somebody. The subject is `Takeover/<id>`."""
    with house.store.read(system("exchange.takeovers")) as tx:
        practices = directory.organization_ids(tx)
    for practice in practices:
        with house.store.read(system("exchange.takeovers", practice)) as tx:
            for row in store.page(tx, None, 100):
                subject = f"Takeover/{row.id}"
                if row.state in rules.AT_WORK and row.changed_at < tx.now - QUIET_S:
                    yield Finding(STALLED, subject, Severity.WARNING, {}, practice)
                elif row.state == "undecided":
                    waiting = store.states(tx, row.id).get("changed", 0)
                    yield Finding(UNDECIDED, subject, Severity.INFO, {"count": waiting}, practice)
                elif row.state == "failed":
                    yield Finding(FAILED, subject, Severity.WARNING, {}, practice)


CHECKS = (
    Check(
        "exchange.takeovers",
        (STALLED, UNDECIDED, FAILED),
        takeovers,
        grave={STALLED: Severity.WARNING, UNDECIDED: Severity.INFO, FAILED: Severity.WARNING},
    ),
)
