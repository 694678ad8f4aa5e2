"""The words a support package may hold: what the program itself declares, and nothing a person can make up."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, get_args
from zoneinfo import available_timezones

from praxisd.kernel.finding import Severity
from praxisd.kernel.jobs import STATES
from praxisd.kernel.store import METADATA
from praxisd.model.machine import DiskKind, ServiceState
from praxisd.model.requirement import ROLES
from praxisd.services.diagnosis import api as diagnosis

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.registry import Registry
    from praxisd.kernel.store import Tx

_FIXED = frozenset(
    {
        "stored",
        "file",
        "default",
        "sqlite",
        "postgresql",
        "de",
        "en",
        "built_in",
        "update",
        "own",
        "pvs",
        "install",
    }
)
_LOG = frozenset(
    {"debug", "info", "warning", "error", "critical", "GET", "POST", "PUT", "PATCH", "DELETE", "sms", "email"}
)
_MACHINE = frozenset({*get_args(DiskKind), *get_args(ServiceState), "Linux", "Windows", "Darwin", "x86_64"})


@dataclass(frozen=True)
class Look:
    """What collectors look at: the house, a read transaction of the practice that asks, and the words that may be told."""

    house: "House"
    tx: "Tx"
    known: frozenset[str] = field(repr=False)

    @cached_property
    def zones(self) -> frozenset[str]:
        """Names of time zones."""
        return frozenset(available_timezones())


def known_words(house: "House") -> frozenset[str]:
    """All of them."""
    registry = house.registry
    return frozenset(
        {
            *_declared(registry),
            *(registry.problems | {code for one in registry.services for code in one.problems}),
            *_FIXED,
            *_LOG,
            *_MACHINE,
            *(one.value for one in Severity),
            *STATES,
            *ROLES,
            *METADATA.tables,
            *(product.id for product in diagnosis.products(house).values() if product.origin != "own"),
        }
    )


def _declared(registry: "Registry") -> set[str]:
    found = {one.name for one in registry.services} | {one.name for one in registry.routes}
    found |= {one.name for one in registry.checks} | {one.name for one in registry.handlers}
    found |= registry.settings.keys() | registry.events.keys() | registry.jobs.keys()
    return found | registry.permissions.keys() | registry.operations.keys()
