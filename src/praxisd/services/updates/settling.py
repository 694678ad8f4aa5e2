"""Where an order stands, and how it ends: its steps, its packages, the doors, the event and the Issue."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel import events, issues, leases, maintenance
from praxisd.kernel.access import Actor
from praxisd.services.updates import judging, store, words

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

MAINTENANCE_S = 900
"""The doors stay closed for so long at most, should nobody open them again. Seconds."""
UNCUT, UNCUT_S = f"{leases.UNCUT}updates", 2_400
"""Held while this server works on an order: a planned restart waits for it. Seconds: a copy of a large PostgreSQL may take
most of it.
"""
_SPOILT = ("updates.tampered", "updates.wrong_key", "updates.threshold", "updates.unusable")
"""Reasons that lie in the file itself: it is not offered again, until a person looks for updates and it is fetched anew.
A file that is here is never `endless`: that is a source's metadata, and says nothing of it.
"""
_TOLD = (*words.FAULTS, "guard.untrusted")
"""Reasons that are shown beside a package that waits on: what is to be done about them helps it too."""


def holder(order: str) -> str:
    """Who holds the maintenance of an order."""
    return f"update:{order}"


def uncut(tx: "Tx", order: str) -> None:
    """From now on, until `let_go`, this server should not be stopped."""
    leases.acquire(tx, UNCUT, order, UNCUT_S)


def close(house: "House", actor: Actor, id_: str) -> None:
    """Close the doors for an order, if they are not closed for it already."""

    def write(tx: "Tx") -> None:
        held = maintenance.state(tx)
        if held is None or held.holder != holder(id_):
            maintenance.begin(tx, holder(id_), MAINTENANCE_S, "update")

    house.store.run(actor, write)


def let_go(tx: "Tx", id_: str) -> None:
    """It may be stopped again."""
    lease = leases.current(tx, UNCUT)
    if lease is not None and lease.holder == id_:
        leases.release(tx, lease)


def step(house: "House", actor: Actor, id_: str, state: str, now: str) -> None:
    """Write down how far an order is."""

    def write(tx: "Tx") -> None:
        row = store.order(tx, id_)
        if row is not None and (row.state, row.step) != (state, now):
            store.change_order(tx, row, state=state, step=now)
            tx.notify()

    house.store.run(actor, write)


def in_use(tx: "Tx", id_: str, **changes: Any) -> None:
    """A package is the one in use from now on; the one before is replaced."""
    row = store.package(tx, id_)
    if row is None:
        return
    for other in store.packages(tx):
        if other.element == row.element and other.state == "installed" and other.id != id_:
            store.change_package(tx, other, state="replaced")
    store.change_package(tx, row, state="installed", reason=None, installed_at=tx.now, **changes)
    events.note(tx, "update.installed", "Package", id_, element=row.element, release=row.version)


def finish(
    house: "House",
    actor: Actor,
    id_: str,
    state: str,
    reason: str | None,
    *,
    log: str | None = None,
    params: Any = None,
) -> None:
    """End an order: its packages, the event, the doors, and the Issue. A second call for the same order changes nothing."""

    def write(tx: "Tx") -> bool:
        row = store.order(tx, id_)
        if row is None or row.state not in store.OPEN_ORDERS:
            return False
        ended = {"kept": "kept", "rolled_back": "rolled_back"}.get(state, "refused")
        why = {"reason": reason, "params": words.encoded(params), "log": log}
        store.change_order(tx, row, state=state, step=ended, ended_at=tx.now, **why)
        _end_packages(house, tx, row, state, why)
        if state == "kept" and row.kind == "switch_back":
            events.note(tx, "update.switched_back", "Order", id_, release=row.version)
        elif state != "kept":
            kind = "update.rolled_back" if state == "rolled_back" else "update.refused"
            events.note(tx, kind, "Order", id_, release=row.version, reason=reason)
        let_go(tx, id_)
        maintenance.end(tx, holder(id_))
        return True

    if house.store.run(actor, write):
        house.log.info("update_ended", code=reason or state)
        issues.run_checks(house, ["updates.outcome"])


def _end_packages(house: "House", tx: "Tx", row: Any, state: str, why: dict[str, Any]) -> None:
    for one in (store.package(tx, id_) for id_ in json.loads(row.packages)):
        if one is None:
            continue
        if state == "kept":
            if one.kind == "software" and one.state != "installed":
                in_use(tx, one.id)
        elif one.state == "ordered":
            if state == "rolled_back" and one.kind == "software":
                store.change_package(tx, one, state="rolled_back", **why)
            elif why["reason"] in _SPOILT or judging.spoils(house, why["reason"]):
                if one.path:
                    Path(one.path).unlink(missing_ok=True)
                store.change_package(tx, one, state="refused", path=None, **why)
            elif one.path and Path(one.path).is_file():
                told = why if why["reason"] in _TOLD else {"reason": None, "params": "{}"}
                store.change_package(tx, one, state="waiting", **told)
            else:  # cut off while it was being moved to its place: it is fetched again
                store.change_package(tx, one, state="available", reason=None, params="{}", path=None)
