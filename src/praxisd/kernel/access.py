"""Who acts, and what the actor may do: deny by default."""

import enum
from dataclasses import dataclass, field, replace

from praxisd.kernel.errors import Problem

INSTALLATION = "installation"
"""The `organization` of rows that belong to the whole installation (leases, issues of the machine itself)."""


class Kind(enum.StrEnum):
    """What kind of actor stands behind a change; kept with each event."""

    USER = "user"
    KEY = "key"
    JOB = "job"
    SUPPORT = "support"
    SEAT = "seat"
    CLI = "cli"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts, bound to one organization.

    `permissions` are exact names `<service>.<noun>.<verb>`. `portal` is set for access data of a booking
    portal: such an actor sees only what is released and its own bookings. `masked` hides personal fields
    at encoding (service partner). `run` is the id of the run a job works for: what it notes is found by it.
    `withheld`: permissions it would have if its practice were alone on this installation (`kernel/sharing`).
    """

    kind: Kind
    id: str
    organization: str
    permissions: frozenset[str] = frozenset()
    portal: str | None = None
    masked: bool = False
    everything: bool = field(default=False)
    run: str = ""
    withheld: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """`kind:id`, as written into events. Never a name."""
        return f"{self.kind}:{self.id}"

    def may(self, permission: str) -> bool:
        """True if the permission was granted (or the actor is the system itself)."""
        return self.everything or permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise `access.forbidden` (403) unless the permission was granted."""
        if not self.may(permission):
            raise Problem("access.forbidden", 403, permission=permission)

    def within(self, organization: str) -> "Actor":
        """The same actor in another organization; only the system and the command line may do that."""
        if not self.everything and organization != self.organization:
            raise Problem("access.forbidden", 403, permission="organization")
        return replace(self, organization=organization)


def system(name: str, organization: str = INSTALLATION) -> Actor:
    """The server itself: jobs, handlers, checks, start-up."""
    return Actor(Kind.SYSTEM, name, organization, everything=True)


ANONYMOUS = Actor(Kind.ANONYMOUS, "anonymous", INSTALLATION)
