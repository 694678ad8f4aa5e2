"""accounts: who may come in. People with a password and a role, programs with a key, and how often they may
ask.
"""

from typing import TYPE_CHECKING

from praxisd.kernel.service import EventType, Permission, Retention, Scope, Service, Setting
from praxisd.services.accounts.checks import CHECKS
from praxisd.services.accounts.gate import gate_of
from praxisd.services.accounts.operations import OPERATIONS
from praxisd.services.accounts.routes import ROUTES
from praxisd.services.accounts.store import TABLES

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_FLUSH_PAUSE_S = 5.0


def start(house: "House") -> None:
    """Write in the background when keys were last used, and once more when the server stops."""
    gate = gate_of(house.store)

    def run() -> None:
        seen = house.wake.mark()
        while not house.stopping:
            try:
                gate.flush(house)
            except Exception as error:
                house.log.error("flush_failed", where="accounts", error=error)
            seen = house.wake.wait(seen, _FLUSH_PAUSE_S)
        gate.flush(house, everything=True)

    house._spawn("accounts", run)  # the house waits for it before it closes the store


SERVICE = Service(
    name="accounts",
    package="praxisd.services.accounts",
    settings=(
        Setting("accounts.rate_per_minute", int, 600, low=10, high=100_000, unit="per_minute"),
        Setting("accounts.rate_burst", int, 120, low=1, high=100_000),
        Setting(
            "accounts.failures_per_minute",
            int,
            30,
            Scope.INSTALLATION,
            low=1,
            high=10_000,
            unit="per_minute",
        ),
        Setting(
            "accounts.sign_ins_per_minute", int, 6, Scope.INSTALLATION, low=1, high=1_000, unit="per_minute"
        ),
    ),
    events=(
        EventType("key.created", Retention.AUDIT),
        EventType("key.rotated", Retention.AUDIT),
        EventType("key.revoked", Retention.AUDIT),
        EventType("user.created", Retention.AUDIT),
        EventType("user.changed", Retention.AUDIT),
    ),
    routes=ROUTES,
    checks=CHECKS,
    permissions=(
        Permission("accounts.user.read"),
        Permission("accounts.user.write"),
        Permission("accounts.key.read"),
        Permission("accounts.key.write"),
        Permission("accounts.self.read", ("owner", "desk", "partner", "portal", "pvs")),
    ),
    tables=tuple(one.name for one in TABLES),
    problems=(
        "accounts.key_missing",
        "accounts.key_invalid",
        "accounts.key_revoked",
        "accounts.key_expired",
        "accounts.network_refused",
        "accounts.rate_limited",
        "accounts.organization_needed",
    ),
    operations=OPERATIONS,
    commands="praxisd.services.accounts.cli:commands",
    start=start,
)
