"""Seats and logbook in the house of canaries: an entry with a patient's name while „Diagnose" is on, and a package of it."""

from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.services.logbook import api as logbook
from praxisd.services.logbook import diagnosing, packing
from praxisd.services.logbook.entries import Field, LogEntry
from praxisd.services.logbook.shelf import Wanted

if TYPE_CHECKING:
    from .canary_house import Aviary

SOURCE = "canary-seat"


def let_in(nest: "Aviary") -> None:
    """All of it, as a seat and a person would have left it."""
    house, organization = nest.house, nest.practice.organization
    actor = system("test", organization)
    house.store.run(actor, lambda tx: diagnosing.switch(tx, 1))
    name = Field(class_="patient", value=nest.bird("logbook.patient"))
    at = format_rfc3339(house.clock.now())
    first = LogEntry(seq=1, at=at, level="error", kind="error", code="import.failed", fields={"name": name})
    second = LogEntry(seq=2, at=at, level="info", code="printer.paper_out")
    logbook.take(house, organization, SOURCE, [first, second])
    nest.note("packages", packing.make(house, actor, Wanted(organization=organization)))


def bodies(nest: "Aviary") -> dict[str, Any]:
    """What the operations of seats and of the logbook's packages are asked with on the tour."""
    soon = format_rfc3339(nest.house.clock.now() + 86_400)
    with nest.house.store.read(system("test", nest.practice.organization)) as tx:
        digest = packing.need(tx, nest.ids["packages"][0]).digest
    return {
        "seatMode.set": {"mode": "operation"},
        "seatAnnouncement.set": {"at": soon, "minutes": 5, "reason": "update"},
        "logPackage.drop": {"sha256": digest, "drop": [1]},
    }
