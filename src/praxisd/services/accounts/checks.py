"""What may be wrong with the access to this house."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.accounts import store
from praxisd.services.accounts.views import time_text

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NOTICE_S = 14 * 24 * 3600
"""How long before its end a key is reported."""


def keys_expiring(house: "House") -> Iterable[Finding]:
    """Keys that end within 14 days, or have ended, and were neither replaced nor revoked: somebody's link
    will stop.
    """
    with house.store.read(system("accounts.keys_expiring")) as tx:
        ending = store.ending(tx, house.clock.now() + NOTICE_S)
    for key in ending:
        yield Finding(
            "accounts.keys_expiring",
            f"ApiKey/{key.id}",
            Severity.WARNING,
            {"name": key.name, "date": str(time_text(key.expires_at))[:10]},
            key.organization,
        )


def no_owner(house: "House") -> Iterable[Finding]:
    """Practices that have users, but none left who may manage them. A practice without any user is only not
    set up.
    """
    with house.store.read(system("accounts.no_owner")) as tx:
        orphaned = store.ownerless(tx)
    for organization in orphaned:
        yield Finding(
            "accounts.no_owner", f"Organization/{organization}", Severity.ERROR, organization=organization
        )


CHECKS = (
    Check("accounts.keys_expiring", ("accounts.keys_expiring",), keys_expiring, grave=Severity.WARNING),
    Check("accounts.no_owner", ("accounts.no_owner",), no_owner, grave=Severity.ERROR),
)
