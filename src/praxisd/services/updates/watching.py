"""How orders end: read from the guard's journal, by the server that gave the order or by the one that came after it.

The guard never calls; whoever runs looks, at its start and while an order is open. An order that an earlier server had not
yet handed over is ended here too: nothing has changed then.
"""

import json
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel import guarded_health
from praxisd.kernel.access import system
from praxisd.services.updates import guarding, saving, settling, store, words
from praxisd_guard import journal, orders

if TYPE_CHECKING:
    from praxisd.kernel.app import House

EVERY_S = 0.5
"""How often the journal is read while an order is open. Seconds."""
DEAD_S = 1_800
"""An order of another computer that is still being prepared after so long has nobody who works on it. Seconds."""
WATCHER = system("updates.watch")
UNTRUSTED = "guard.untrusted"


def settle(house: "House") -> int:
    """Bring all open orders in line with what is known of them; how many are still open."""
    with house.store.read(WATCHER) as tx:
        found, now = store.open_orders(tx), tx.now
    return sum(_open_still(house, one, now) for one in found)


def _open_still(house: "House", row: Any, now: int) -> bool:
    if row.state in ("checking", "saving"):
        if not _left_behind(house, row, now):
            return True
        settling.finish(house, WATCHER, row.id, "refused", "updates.interrupted")
        return False
    host, _, home = str(row.home).partition(":")
    if host != socket.gethostname():
        return True
    found = journal.outcome(Path(home), row.guard_order)
    if not found.final:
        if found.state == "running":
            settling.step(house, WATCHER, row.id, "running", found.step or "accepted")
            _close(house, row, Path(home), found.step)
        return True
    params = {"detail": found.detail, "healthy": found.healthy} if found.code else {}
    code = found.code
    if code == UNTRUSTED and found.fault in words.FAULTS:
        code = found.fault  # its words say what to do; it decides what becomes of the file
    settling.finish(house, WATCHER, row.id, found.state, code, log=found.log, params=params)
    return False


def _close(house: "House", row: Any, home: Path, step: str | None) -> None:
    """Close the doors once the guard has nothing left to prepare, and tell it: it stops this server then."""
    if step == "accepted" and (row.kind == "install" or guarded_health.busy(house)):
        return
    settling.close(house, WATCHER, row.id)
    if step in ("accepted", "unpacked") and not orders.released(home, row.guard_order):
        orders.release(home, row.guard_order)


def _left_behind(house: "House", row: Any, now: int) -> bool:
    """Was this order taken by a server that is no more? Each place, and each SQLite database, has one server at a time."""
    if row.node == house.node:
        return False
    return house.store.alone or row.home == guarding.place(house) or now - row.at > DEAD_S


def tidy(house: "House") -> None:
    """At a start: downloads that were under way are none any more, and the running version is the installed one."""

    def write(tx: Any) -> None:
        running = guarding.running_version(house)
        open_ones = {id_ for row in store.open_orders(tx) for id_ in json.loads(row.packages)}
        for one in store.packages(tx):
            if one.state == "downloading":
                store.change_package(tx, one, state="available")
            elif one.id in open_ones or one.kind != "software":
                continue
            elif one.version == running and one.state not in ("installed", "available"):
                settling.in_use(tx, one.id)
            elif one.state == "installed" and one.version != running:
                store.change_package(tx, one, state="replaced")

    house.store.run(WATCHER, write)


def watch(house: "House") -> None:
    """Look at open orders until none is left, in a thread; does nothing where one looks already."""
    with _gate(house):
        if "updates_watch" not in house.shared:
            thread = threading.Thread(target=_turn, args=(house,), name="praxisd-updates", daemon=True)
            house.shared["updates_watch"] = thread
            house.closers.append(lambda: thread.join(EVERY_S * 4))  # before the store is closed
            thread.start()


def _gate(house: "House") -> threading.Lock:
    gate: threading.Lock = house.shared.setdefault("updates_watch_gate", threading.Lock())
    return gate


def _turn(house: "House") -> None:
    while not house._stop.wait(EVERY_S):
        try:
            if settle(house):
                continue
            with _gate(house):  # nobody may rely on this thread while it leaves
                if not settle(house):
                    del house.shared["updates_watch"]
                    return
        except Exception as error:
            house.log.error("loop_failed", where="updates.watch", error=error)


def start(house: "House") -> None:
    """Called when the house starts its work."""
    tidy(house)
    saving.drop_old(house)
    if settle(house):
        watch(house)
