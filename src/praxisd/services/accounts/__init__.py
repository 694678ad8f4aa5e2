"""accounts: who may come in. People with a password, a role and a session, programs with a key, and how often
they may ask.
"""

from typing import TYPE_CHECKING

from praxisd.kernel.service import EventType, Permission, Retention, Scope, Service, Setting
from praxisd.services.accounts import (
    listings,
    session_memory,
    session_routes,
    session_store,
    sharing,
    ticket_routes,
    ticket_store,
    tickets,
)
from praxisd.services.accounts.checks import CHECKS
from praxisd.services.accounts.gate import gate_of
from praxisd.services.accounts.operations import OPERATIONS
from praxisd.services.accounts.routes import ROUTES
from praxisd.services.accounts.store import TABLES

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_FLUSH_PAUSE_S = 5.0
_SWEEP_PAUSE_S = 60.0


def start(house: "House") -> None:
    """Write in the background when keys and sessions were last used, and once more when the server stops; remove
    sessions and tickets that have ended.
    """
    gate, memory = gate_of(house.store), session_memory.memory_of(house.store)

    def flush(everything: bool = False) -> None:
        gate.flush(house, everything=everything)
        memory.flush(house, everything=everything)

    def run() -> None:
        seen, swept = house.wake.mark(), float("-inf")
        while not house.stopping:
            try:
                flush()
                if house.clock.monotonic() - swept >= _SWEEP_PAUSE_S:
                    swept = house.clock.monotonic()
                    session_memory.sweep(house)
                    tickets.sweep(house)
            except Exception as error:
                house.log.error("flush_failed", where="accounts", error=error)
            seen = house.wake.wait(seen, _FLUSH_PAUSE_S)
        flush(everything=True)

    house._spawn("accounts", run)  # the house waits for it before it closes the store
    sharing.start(house)


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
        Setting(session_memory.IDLE, int, 60, low=5, high=1_440, unit="minutes"),
        Setting(session_memory.LONGEST, int, 14, low=1, high=168, unit="hours"),
        Setting(session_memory.FACTOR_ROLES, ("nobody", "owner", "everyone"), "nobody"),
    ),
    events=(
        EventType("key.created", Retention.AUDIT),
        EventType("key.rotated", Retention.AUDIT),
        EventType("key.revoked", Retention.AUDIT),
        EventType("key.ticket_made", Retention.AUDIT),
        EventType("key.ticket_used", Retention.AUDIT),
        EventType("user.created", Retention.AUDIT),
        EventType("user.changed", Retention.AUDIT),
        EventType("user.second_factor_changed", Retention.AUDIT),
        EventType("session.opened", Retention.AUDIT),
        EventType("session.ended", Retention.AUDIT),
        EventType("session.refused", Retention.AUDIT),
    ),
    routes=(*ROUTES, *session_routes.ROUTES, *ticket_routes.ROUTES),
    listings=listings.LISTINGS,
    pages=listings.PAGES,
    checks=CHECKS,
    permissions=(
        Permission("accounts.user.read"),
        Permission("accounts.user.write"),
        Permission("accounts.key.read"),
        Permission("accounts.key.write"),
        Permission("accounts.self.read", ("owner", "desk", "partner", "portal", "pvs")),
        Permission("accounts.self.write", ("owner", "desk", "partner")),
    ),
    tables=tuple(one.name for one in (*TABLES, *session_store.TABLES, *ticket_store.TABLES)),
    problems=(
        "accounts.key_missing",
        "accounts.key_invalid",
        "accounts.key_revoked",
        "accounts.key_expired",
        "accounts.network_refused",
        "accounts.rate_limited",
        "accounts.organization_needed",
        "accounts.session_missing",
        "accounts.session_ended",
        "accounts.csrf_refused",
        "accounts.second_factor_must",
    ),
    operations=OPERATIONS,
    commands="praxisd.services.accounts.cli:commands",
    start=start,
)
