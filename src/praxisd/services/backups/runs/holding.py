"""One works at the backups, of all nodes and threads: whoever holds the lease. A heart keeps it, and hears a person's stop."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from praxisd.kernel import leases
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.ids import new_id
from praxisd.kernel.leases import Lease
from praxisd.services.backups.engine import Stop
from praxisd.services.backups.runs import asking
from praxisd.services.backups.runs.recording import SYSTEM

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

KEY = "backups.work"
LEASE_S = 60
BEAT_S = 2.0
"""So often a person's wish to stop is looked for; the lease is renewed every seventh time."""


class Held:
    """The right to work at the backups, as long as `lost` is false."""

    def __init__(self, house: "House", lease: Lease) -> None:
        self._house = house
        self.lease = lease
        self.lost = False
        self.asked = False
        self._run = ""
        self._end = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="praxisd-backup-heart", daemon=True)

    @property
    def fence(self) -> int:
        """The number that stands in each run worked at under this lease."""
        return self.lease.fence

    def stop_of(self, run: str, outer: Stop) -> Stop:
        """Should the work at this run end: the server stops, a person wants it, or it is another's now."""
        self._run, self.asked = run, False
        return lambda: outer() or self.asked or self.lost or self._house.stopping

    def start(self) -> None:
        """Let the heart beat."""
        self._heart.start()

    def end(self) -> None:
        """Let it rest, and give the lease back."""
        self._end.set()
        self._heart.join(5.0)
        if not self.lost:
            self._house.store.run(SYSTEM, lambda tx: leases.release(tx, self.lease))

    def _beat(self) -> None:
        number = 0
        while not self._end.wait(BEAT_S):
            number += 1
            try:
                self._look(renew=number % 7 == 0)
            except Exception as error:
                self._house.log.warning("backup_heart_failed", error=error)

    def _look(self, *, renew: bool) -> None:
        if renew and not self._house.store.run(SYSTEM, lambda tx: leases.renew(tx, self.lease, LEASE_S)):
            self.lost = True
        run = self._run
        if run and not self.asked:
            with self._house.store.read(SYSTEM) as tx:
                self.asked = asking.stopped(tx, run) and self._run == run


@contextmanager
def working(house: "House") -> Iterator[Held | None]:
    """The right to work at the backups, or None while another has it."""
    holder = f"{house.node}/{new_id()}"
    lease = house.store.run(SYSTEM, lambda tx: _taken(house, tx, holder))
    if lease is None:
        yield None
        return
    held = Held(house, lease)
    held.start()
    try:
        yield held
    finally:
        held.end()


def _taken(house: "House", tx: "Tx", holder: str) -> Lease | None:
    """Where nobody else can write to this database, a lease of another process is one of a process that is gone."""
    there = leases.current(tx, KEY, INSTALLATION)
    if there is not None and house.store.alone and not there.holder.startswith(f"{house.node}/"):
        leases.release(tx, there)
    return leases.acquire(tx, KEY, holder, LEASE_S)
