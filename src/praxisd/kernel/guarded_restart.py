"""The planned restart: once a day, drained, and one node after another (SPEC 7.2; seed 000 „Geplanter Neustart").

The job only notes that it is wished. Each server that a guard keeps looks every few seconds: started before the wish, its
turn, nothing that must not be cut (a backup, an update) → it asks its guard, which drains it and starts it again. A wish
that nobody could grant lapses, and the next day has its own.
"""

import socket
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events, guarded_health, leases, maintenance
from praxisd.kernel.access import system
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.schedule import At, Daily
from praxisd.kernel.service import JobType, Scope

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

JOB = "kernel.restart"
WISH, TURN = "restart:wish", "restart:turn"
WISH_S = 2 * 3600
"""So long the wish waits for work that must not be cut. Seconds."""
TURN_S = 180
"""The longest time one node takes for its restart before the next one begins all the same. Seconds."""
LOOK_S = 5.0
ANNOUNCED_S = 20.0
"""People at the console are told so long before the server drains. Seconds."""


class _At(msgspec.Struct, frozen=True):
    at: int


def restart(run: RunContext) -> None:
    """Note the wish. Where no node has a guard, nobody could start it again, and nothing happens."""
    with run.write() as tx:
        leases.acquire(tx, WISH, JOB, WISH_S, msgspec.json.encode(_At(tx.lease_now())).decode())
        run.checkpoint(tx=tx)


class Turns:
    """What one guarded server does about the wish. `look()` is called by its thread every `LOOK_S`."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._began = house.clock.monotonic()
        self._started: int | None = None
        self._asked = False
        home = "" if house.guard is None else str(house.guard.home)
        self._who = f"{socket.gethostname()}:{home}"

    def look(self) -> bool:
        """Give back the turn after a restart; take it, and ask for one, if it is wished. True if it asked."""
        house = self._house
        if house.guard is None or self._asked:
            return False
        who = system("guard")
        if self._started is None:
            with house.store.write(who) as tx:
                # By the clock of leases, and not when it was first asked: a wish of the time between is meant for this one.
                self._started = tx.lease_now() - round(house.clock.monotonic() - self._began)
                self._give_back(tx)
            return False
        with house.store.read(who) as tx:
            wished = self._wished(tx)
        if not wished:
            return False
        with house.store.write(who) as tx:
            mine = self._wished(tx) and leases.acquire(tx, TURN, self._who, TURN_S) is not None
        if not mine:
            return False
        self._asked = True
        house.guard.order("restart", by=JOB, reason="planned", announce_s=ANNOUNCED_S)
        with house.store.write(who) as tx:
            events.note(tx, "restart.planned", "Server", house.node, seconds=int(ANNOUNCED_S))
        return True

    def _give_back(self, tx: "Tx") -> None:
        held = leases.current(tx, TURN)
        if held is not None and held.holder == self._who:
            leases.release(tx, held)

    def _wished(self, tx: "Tx") -> bool:
        """A restart is wished since this server started, and nothing speaks against it now, such as another order."""
        if self._house.guard is not None and self._house.guard.state().get("order"):
            return False
        wish = leases.current(tx, WISH)
        if wish is None or msgspec.json.decode(wish.detail, type=_At).at <= (self._started or 0):
            return False
        return maintenance.state(tx) is None and not guarded_health.uncut(self._house, tx)


JOBS = (JobType(JOB, restart, Daily(At("06:50")), enabled=True, missed="none", per=Scope.INSTALLATION),)
