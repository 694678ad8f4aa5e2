"""What may be wrong with the logbook: it cannot be written, or patient values are being kept."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.logbook import diagnosing, sending, store
from praxisd.services.logbook.book import GONE, book_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House

DIAGNOSE_ON, ORDER_FAILS = "logbook.diagnose_on", "logbook.order_fails"


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


def orders(house: "House") -> Iterator[Finding]:
    """Standing orders whose last package did not leave, or of which nobody knows whether it did."""
    with house.store.read(system("logbook")) as tx:
        practices = list(house.shared.get("organizations", lambda _tx: [])(tx))
    for organization in practices:
        with house.store.read(system("logbook", organization)) as tx:
            for one in store.live_orders(tx):
                last = store.last_of(tx, one.id)
                if last is not None and sending.shown(last, tx.now) in ("failed", "unsure"):
                    told = {"reason": last.code or "logbook.package_unsure"}
                    yield Finding(
                        ORDER_FAILS, f"LogOrder/{one.id}", Severity.WARNING, told, organization=organization
                    )


CHECKS = (
    Check("logbook.writable", (GONE,), writable, offline=False, grave=Severity.ERROR),
    Check("logbook.orders", (ORDER_FAILS,), orders, grave=Severity.WARNING),
    Check("logbook.diagnose", (DIAGNOSE_ON,), diagnose, grave=Severity.INFO),
)
