"""Runs of backups in the house of canaries: one with a file that bears a name, one that waits; who asked typed a name."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.store import Tx
from praxisd.services.backups.runs import asking, recording

if TYPE_CHECKING:
    from .canary_house import Aviary

BODIES: dict[str, Any] = {
    "backupRun.create": {"job": "night"},
    "backupMedia.verify": {},
    "backupMedia.prove": {},
}
"""What the operations of the runs are asked with on the tour."""


def let_in(nest: "Aviary") -> None:
    """A run that ended with a file named, one that waits and can be stopped."""
    house = nest.house
    path, who = f"/praxis/{nest.bird('backups.file')}.pdf", nest.bird("backups.by")

    def work(tx: Tx) -> None:
        ended = asking.ask(house, tx, "backup", job="evening", slot="mon_away", by=who)
        done = msgspec.structs.replace(
            ended, state="warning", ended=tx.now, named=((path, "changed"),), named_count=1
        )
        recording.put(tx, done)
        later = {"notBefore": tx.now + 30 * 86_400}  # so that the jobs which run here leave it to the tour
        waits = asking.ask(house, tx, "backup", job="evening", slot="tue_away", by="cli:cli", facts=later)
        nest.note("runs", done.id, waits.id)

    house.store.run(system("test", INSTALLATION), work)
