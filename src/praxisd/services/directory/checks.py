"""Checks of the directory: is there a practice, does every mandator have a licence, and for how long still?"""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.model.people import licensed
from praxisd.services.directory import store
from praxisd.services.directory.claims import organization

if TYPE_CHECKING:
    from praxisd.kernel.app import House

INVALID = "directory.licence_invalid"
EXPIRING = "directory.licence_expiring"
WARN_DAYS = "directory.licence_warn_days"
NO_PRACTICE = "directory.no_practice"


def no_practice(house: "House") -> Iterator[Finding]:
    """An installation without any practice: nothing can be booked there, and no access made."""
    with house.store.read(system("directory.practice")) as tx:
        known = store.tenants(tx)
    if not known:
        yield Finding(NO_PRACTICE, "", Severity.WARNING)


def licences(house: "House") -> Iterator[Finding]:
    """An error for each active mandator without a valid licence today, a warning where it ends soon.

    The subject is `Mandator/<id>`; its name is no patient data, and people know a mandator by it.
    """
    with house.store.read(system("directory.mandator_licence")) as tx:
        practices = store.tenants(tx)
    for practice in practices:
        with house.store.read(system("directory.mandator_licence", practice)) as tx:
            today = local_date(tx.now, zone(organization(tx).zone))
            days = int(house.settings.get(tx, WARN_DAYS))
            for one in store.mandators.all(tx):
                if not one.active:
                    continue
                subject, name = f"Mandator/{one.id}", {"mandator": one.name}
                if not licensed(one, today):
                    yield Finding(INVALID, subject, Severity.ERROR, name, practice)
                elif one.licence_to is not None and one.licence_to < today + timedelta(days=days):
                    params = {**name, "date": one.licence_to.isoformat()}
                    yield Finding(EXPIRING, subject, Severity.WARNING, params, practice)


CHECKS = (
    Check("directory.practice", (NO_PRACTICE,), no_practice, grave=Severity.WARNING),
    Check(
        "directory.mandator_licence",
        (INVALID, EXPIRING),
        licences,
        grave={INVALID: Severity.ERROR, EXPIRING: Severity.WARNING},
    ),
)
