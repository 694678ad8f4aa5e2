"""What may be wrong with the logbook: it cannot be written, or patient values are being kept."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.logbook import diagnosing
from praxisd.services.logbook.book import GONE, book_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House

DIAGNOSE_ON = "logbook.diagnose_on"


def writable(house: "House") -> Iterator[Finding]:
    """The log database, where it was needed so far."""
    fault = book_of(house).fault
    if fault is not None:
        yield Finding(GONE, "Logbook/database", Severity.ERROR, {"reason": fault})


def diagnose(house: "House") -> Iterator[Finding]:
    """The switch „Diagnose", so that nobody forgets it."""
    for organization in diagnosing.organizations(house):
        with house.store.read(system("logbook", organization)) as tx:
            until, zone = diagnosing.until(tx), zone_of(zone_name(house, tx))
        if until is not None:
            told = {"until": format_rfc3339(until, zone)[11:16]}
            yield Finding(DIAGNOSE_ON, "Logbook/diagnose", Severity.INFO, told, organization=organization)


CHECKS = (
    Check("logbook.writable", (GONE,), writable, offline=False),
    Check("logbook.diagnose", (DIAGNOSE_ON,), diagnose),
)
