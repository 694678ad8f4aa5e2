"""May a message go out now? Looked at once more right before it is taken to be sent, in the same transaction."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.store import Tx
from praxisd.model.communication import BOOKING, PURPOSE
from praxisd.model.people import licensed
from praxisd.services.directory import api as directory
from praxisd.services.messaging import consent_rules, ledger, outbox, outcome, reach, standing, wishes
from praxisd.services.messaging import outgoing_store as rows
from praxisd.services.messaging.outbox_declared import DAY_CAP, QUIET_FROM, QUIET_TO
from praxisd.services.messaging.quiet import next_allowed

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NO_CREDITS_WAIT_S = 1_800
"""A message without credits is looked at again after this. Seconds."""
PATIENT_GONE = "messaging.patient_gone"
UNLICENSED = "messaging.mandator_gone"
ADDRESS_GONE = "messaging.address_gone"
REASONS = (PATIENT_GONE, UNLICENSED, ADDRESS_GONE)
"""Why a message is taken back here, where no other part of messaging has a word for it."""


class Day(NamedTuple):
    """Today in the practice's time zone as [start, end), how many messages a patient may get, and when tomorrow begins
    to be a decent hour. Times are epoch seconds. `paying`: mandators that are in use and licensed today.
    """

    start: int
    end: int
    cap: int
    tomorrow: int
    paying: frozenset[str]


def day(house: "House", tx: Tx) -> Day:
    """Today."""
    here = zone(directory.organization(tx).zone)
    today = local_date(tx.now, here)
    start, end = (
        int(datetime(one.year, one.month, one.day, tzinfo=here).timestamp())
        for one in (today, today + timedelta(days=1))
    )
    paying = frozenset(one.id for one in directory.mandators(tx) if one.active and licensed(one, today))
    return Day(start, end, int(house.settings.get(tx, DAY_CAP)), _allowed(house, tx, end), paying)


def quiet(house: "House", tx: Tx) -> bool:
    """True in the quiet hours: nothing goes out (SPEC 5.7)."""
    return _allowed(house, tx, tx.now) > tx.now


def put_aside(house: "House", tx: Tx, row: Any, today: Day) -> str | None:
    """None if the message may go out now. Else it is withdrawn, put off or ended here: a word for the run log.

    Everything is asked anew, for what should have withdrawn it meanwhile may have been late or failing: does the
    appointment stand, for this patient; does the patient live, at this address, and want it; may the mandator pay. Who asked
    for an appointment is answered however many messages the day has brought: those neither wait for the cap nor fill it.
    """
    reason = (
        standing.why_not(tx, row) or _patient(tx, row) or _wishes(house, tx, row) or _mandator(row, today)
    )
    if reason is not None:
        return "withdrawn" if outbox.withdraw(house, tx, row.id, reason) else "late"
    if row.kind not in BOOKING and rows.went_out(tx, row.patient, today.start, today.end) >= today.cap:
        if today.tomorrow >= row.useless_after:
            outcome.expire(tx, row, "messaging.day_cap", ("prepared",), letter=True)
            return "expired"
        return _later(tx, row, today.tomorrow, "messaging.day_cap")
    if row.cost > 0 and row.mandator is not None and ledger.spendable(tx, row.mandator) < row.cost:
        return _later(tx, row, tx.now + NO_CREDITS_WAIT_S, "messaging.no_credits")
    return None


def _patient(tx: Tx, row: Any) -> str | None:
    """Nothing goes to the dead, nor to a record that is out of use (SPEC 5.2), nor where the patient is not any more."""
    person = directory.contacts(tx, [row.patient]).get(row.patient)
    if person is None or person.dead or not person.active:
        return PATIENT_GONE
    country = directory.organization(tx).country
    return None if row.address in reach.addresses(person, row.channel, country) else ADDRESS_GONE


def _wishes(house: "House", tx: Tx, row: Any) -> str | None:
    """Why the patient does not want it on this channel; who wishes letters wants it on none."""
    said = wishes.of(tx, row.patient)
    if said.preferred == "letter":
        return wishes.STOPPED
    return consent_rules.allowed(said, PURPOSE[row.kind], row.channel, wishes.needs(house, tx))


def _mandator(row: Any, today: Day) -> str | None:
    """Who pays needs a licence on the day on which it goes out (SPEC 5.2)."""
    return UNLICENSED if row.mandator is not None and row.mandator not in today.paying else None


def _later(tx: Tx, row: Any, at: int, reason: str) -> str:
    rows.change(tx, row.id, ("prepared",), next_at=at, reason=reason)
    return "waiting"


def _allowed(house: "House", tx: Tx, at: int) -> int:
    here = zone(directory.organization(tx).zone)
    begin, end = (str(house.settings.get(tx, key)) for key in (QUIET_FROM, QUIET_TO))
    return next_allowed(at, begin, end, here)
