"""What messaging does when something happens: answers to patients go out at once, offers are written to who waits."""

from typing import TYPE_CHECKING

from praxisd.kernel import job_plan, jobs
from praxisd.kernel.errors import Problem
from praxisd.kernel.events import Event
from praxisd.kernel.service import Handler
from praxisd.kernel.store import Tx
from praxisd.model.communication import BOOKING
from praxisd.services.messaging import answering, last_look, telling_store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SEND = "messaging.send"


def answer_prepared(house: "House", tx: Tx, event: Event) -> None:
    """Who asked for an appointment waits for the answer: it does not wait for the next planned run.

    Only where the practice has switched sending on, and not in the quiet hours: what waits then goes with the next run.
    """
    if event.codes.get("kind") not in BOOKING or not telling_store.waiting(tx) or last_look.quiet(house, tx):
        return
    try:
        enabled = jobs.get_job(house, tx, SEND).enabled
    except Problem:
        return  # this practice has no jobs yet
    if enabled:
        job_plan.soon(tx, SEND)


HANDLERS = (
    Handler("messaging.answers", ("communication.prepared",), answer_prepared),
    Handler("messaging.offers", ("offer.made",), answering.offered),
    Handler("messaging.offers_taken", ("offer.accepted",), answering.taken),
)
