"""Check of webhooks: receivers that do not take what they are sent."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.finding import Varies
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.directory import api as directory
from praxisd.services.portals import deliveries_store
from praxisd.services.portals.store import WEBHOOK, WEBHOOKS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

FAILING = "portals.webhook_failing"
WORTH = 4
"""So many calls about one event have failed (some minutes have passed): worth a warning. Given up: an error."""
_WHO = "portals.checks"


def failing(house: "House") -> Iterator[Finding]:
    """Active webhooks of which something was given up since one arrived, or is being tried for a while."""
    with house.store.read(system(_WHO)) as tx:
        practices = directory.organization_ids(tx)
    for practice in practices:
        with house.store.read(system(_WHO, practice)) as tx:
            active = WEBHOOKS.all(tx, WEBHOOK.c.active == 1)
            states = deliveries_store.states(tx) if active else {}
        for one in active:
            state = states.get(one.id)
            if state is None or state.code is None or not (state.given_up or state.tries >= WORTH):
                continue
            params = {"name": one.name, "failures": state.failures, "open": state.open}
            severity = Severity.ERROR if state.given_up else Severity.WARNING
            yield Finding(FAILING, f"Webhook/{one.id}", severity, params, practice)


CHECKS = (
    Check(
        "portals.webhooks",
        (FAILING,),
        failing,
        grave=Varies("portals.webhook_failing.grave", (Severity.ERROR, Severity.WARNING)),
    ),
)
