"""A password that a person typed, on its way to the job: sealed, in no row of a run, gone as soon as it is taken."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from praxisd.kernel import leases
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.store import Tx
from praxisd.services.backups.restoring import opening

if TYPE_CHECKING:
    from praxisd.kernel.app import House

KEPT_S = 86_400
"""A run that waits longer has to be asked for again. Seconds."""
_PURPOSE = "backups.restore"


def keep(house: "House", tx: Tx, run: str, password: str) -> None:
    """For this run. The transaction writes."""
    if password:
        sealed = house.vault.seal(_PURPOSE, INSTALLATION, password.encode())
        with _installation(tx):
            leases.acquire(tx, _key(run), _PURPOSE, KEPT_S, json.dumps({"sealed": sealed}))


def take(house: "House", run: str) -> str:
    """What was typed for this run; "" if nothing was, or it was taken already."""

    def work(tx: Tx) -> str:
        held = leases.current(tx, _key(run), INSTALLATION)
        if held is None:
            return ""
        emptied = leases.acquire(tx, _key(run), _PURPOSE, 1)
        if emptied is not None:
            leases.release(tx, emptied)
        return str(json.loads(held.detail).get("sealed", ""))

    sealed = house.store.run(opening.SYSTEM, work)
    return house.vault.open(_PURPOSE, INSTALLATION, sealed).decode() if sealed else ""


def _key(run: str) -> str:
    return f"backups.typed/{run}"


@contextmanager
def _installation(tx: Tx) -> Iterator[None]:
    before, tx.organization = tx.organization, INSTALLATION
    try:
        yield
    finally:
        tx.organization = before
