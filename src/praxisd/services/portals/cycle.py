"""One contact with one portal, start to end: under a lease, with a fence, and nothing of it twice (SPEC 3.3–3.6).

1. Take the lease `portals.cycle/<id>` (one per practice and portal, however many nodes), note the contact before it is made.
2. Each calendar in turn: ask its period, read what is busy, upload if that is not what the portal was told last.
3. Tell decisions, fetch bookings, read busy times and hours entered there.
4. Note the end, say when the next contact is due, and give the lease back.

Whoever finds that the lease is no longer his writes nothing more than „my upload may have been an outdated one": the next
cycle puts that right. What was under way when a process died is noted before it is begun (`STATE.force`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from praxisd.kernel import leases
from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.portals import OnlineCalendar, OnlinePortal
from praxisd.services.portals import engine_store
from praxisd.services.portals.portal import (
    ADDRESS_WRONG,
    CODES,
    KEY_REFUSED,
    TIMEOUT,
    TLS_FAILED,
    TOO_OFTEN,
    UNKNOWN_HOST,
    UNREACHABLE,
    Period,
    Portal,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House

T = TypeVar("T")
Why = Literal["due", "plan", "hand"]
"""`due`: the loop, at its time. `plan`: the nightly job. `hand`: a person, at once and whatever failed before."""
TTL_S = 60
"""How long the lease holds without a sign of life. Seconds."""
CALL_S = 45
"""A call to the portal begins with at least this much of the lease before it. Seconds."""
CRASHED = "portals.crashed"
STOPS = frozenset({UNKNOWN_HOST, UNREACHABLE, TIMEOUT, TLS_FAILED, KEY_REFUSED, ADDRESS_WRONG, TOO_OFTEN})
"""What is wrong with the portal as a whole: its other calendars need not be tried."""


class Lost(Exception):
    """The lease is another's, or has run out: nothing more may be written."""


class Stopped(Exception):
    """The server is stopping, or the run was cancelled."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one calendar. `uploaded` None: nothing had to go out, or `code` says why it could not."""

    calendar: str
    name: str
    uploaded: int | None = None
    code: str | None = None


@dataclass(slots=True)
class Report:
    """What a cycle did. `state`: `done`, `failed` (`code` says why), `quiet` (nothing to tell, not asked), `busy` (another
    is at it), `early` (not due yet), `gone`, `lost`, `stopped`.
    """

    portal: str
    name: str = ""
    state: str = "done"
    code: str | None = None
    results: list[Result] = field(default_factory=list)
    bookings: int = 0


@dataclass(slots=True)
class Cycle:
    """A cycle at work. `before`: until when (epoch seconds, our clock) the lease certainly holds.

    `begun`: calendars whose upload is under way. `unchanged`: those that need none, with the number of the last event that
    was looked at. `mark`, `fetched_at`: what was fetched; `trouble`: why bookings could not be. `look`: only if there is
    something to tell may the portal be asked.
    """

    house: "House"
    actor: Actor
    portal: OnlinePortal
    why: Why
    full: bool
    lease: leases.Lease
    before: int
    row: Any
    report: Report
    stop: Callable[[], bool]
    calendars: list[OnlineCalendar] = field(default_factory=list)
    states: dict[str, Any] = field(default_factory=dict)
    zone: str = "UTC"
    periods: dict[str, Period] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    unchanged: dict[str, int] = field(default_factory=dict)
    trouble: Problem | None = None
    mark: str | None = None
    fetched_at: int | None = None
    look: bool = False
    wire: Portal | None = None

    def write(self, work: Callable[[Tx], T], actor: Actor | None = None) -> T:
        """`work` in a transaction that proves the lease and prolongs it; Lost otherwise."""
        started = self.house.clock.now()

        def whole(tx: Tx) -> T:
            if not leases.renew(tx, self.lease, TTL_S):
                raise Lost
            return work(tx)

        got = self.house.store.run(actor or self.actor, whole)
        self.before = started + TTL_S
        return got

    def call(self, ask: Callable[[Portal], T]) -> T:
        """One call to the portal, with enough of the lease before it. Problem with a code of `CODES` or `portals.crashed`."""
        if self.stop():
            raise Stopped
        if self.before - self.house.clock.now() < CALL_S:
            self.write(lambda _tx: None)
        if self.wire is None:
            raise RuntimeError("the portal is not open")
        try:
            return ask(self.wire)
        except Problem as problem:
            if problem.code in CODES:
                raise
            raise Problem(CRASHED, 502, retry=True) from None
        except (Lost, Stopped):
            raise
        except Exception as error:  # an adapter that breaks its promise must not end the loop
            self.house.log.error("portal_failed", where=self.portal.adapter, error=error)
            raise Problem(CRASHED, 502, retry=True) from None

    def remember(self, text: str) -> None:
        """What the adapter remembers, kept at once."""
        self.write(partial(_remember, self.portal.id, text))

    @property
    def by_hand(self) -> bool:
        """True if a person waits for it."""
        return self.why == "hand"


def key(portal: str) -> str:
    """The lease under which a portal is spoken to."""
    return f"portals.cycle/{portal}"


def _remember(portal: str, text: str, tx: Tx) -> None:
    engine_store.change_cycle(tx, portal, memory=text)


def holder(house: "House") -> str:
    """Who holds the lease: this cycle, not this node, so that two cycles of one node exclude each other too."""
    return f"{house.node}/{new_id()}"
