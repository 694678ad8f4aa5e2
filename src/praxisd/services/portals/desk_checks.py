"""Checks of the booking desk: sources that cannot be read, requests nobody answers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.finding import Varies
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.directory import api as directory
from praxisd.services.portals import requests_store, sources_store
from praxisd.services.portals.desk_settings import ANSWER_HOURS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

FAILING, WAITING = "portals.source_failing", "portals.requests_waiting"
FAILED_TIMES = 2
"""A source that fails once may work again in five minutes."""
_WHO = "portals.desk_checks"


def desk(house: "House") -> Iterator[Finding]:
    """What waits for a person at the booking desk, in each practice."""
    with house.store.read(system(_WHO)) as tx:
        practices = directory.organization_ids(tx)
    for practice in practices:
        with house.store.read(system(_WHO, practice)) as tx:
            hours = int(house.settings.get(tx, ANSWER_HOURS))
            number, since = requests_store.old(tx, tx.now - hours * 3600)
            states = sources_store.states(tx)
            failing = [
                (one, states[one.id])
                for one in sources_store.to_read(tx)
                if one.id in states and states[one.id].failures >= FAILED_TIMES
            ]
            now = tx.now
        if number:
            late = since is not None and now - since >= 2 * hours * 3600
            params = {"count": number, "hours": hours}
            yield Finding(WAITING, "", Severity.WARNING if late else Severity.INFO, params, practice)
        for source, row in failing:
            named = {"name": source.name, "code": row.code or ""}
            yield Finding(FAILING, f"BookingSource/{source.id}", Severity.WARNING, named, practice)


CHECKS = (
    Check(
        "portals.desk",
        (FAILING, WAITING),
        desk,
        grave={
            FAILING: Severity.WARNING,
            WAITING: Varies("portals.requests_waiting.grave", (Severity.WARNING, Severity.INFO)),
        },
    ),
)
