"""Installing: the only way from a download to something in use. A person orders it, or a standing order a person gave.

In one transaction the order is written down and its packages are marked; then a thread checks everything again and works:
data sets are switched at once, plug-ins are put in their place, and software is handed to the guard, which checks a third
time, stops this server, and keeps the new version or goes back. How that ends is read from the guard's journal (`watching`).
"""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel import events, leases, maintenance
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.services.updates import (
    downloading,
    guarding,
    places,
    rules,
    saving,
    slots,
    store,
    trusting,
    words,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

MAINTENANCE_S = 900
"""The doors stay closed for so long at most, should nobody open them again. Seconds."""
UNCUT, UNCUT_S = f"{leases.UNCUT}updates", 2_400
"""Held from the order until the doors are closed: a planned restart waits for its end, and so does the guard before it
stops this server. Seconds: a copy of a large PostgreSQL may take most of it.
"""
STANDING = system("updates.standing_order")
_SPOILT = (
    "updates.tampered",
    "updates.wrong_key",
    "updates.threshold",
    "updates.unusable",
    "guard.untrusted",
)
"""Reasons that lie in the file itself: it is not offered again."""


def holder(order: str) -> str:
    """Who holds the maintenance of an order."""
    return f"update:{order}"


def _busy(tx: "Tx") -> None:
    """Problem `updates.busy` (409) while an order is open; nobody else can order before this transaction ends."""
    store.put_fact(tx, "ordering", "")  # a row that all who order write: the second one waits here
    if store.open_orders(tx):
        raise Problem("updates.busy", 409, retry=True)


def order(house: "House", actor: Actor, ids: Sequence[str], without_copy: bool = False) -> str:
    """Order these packages to be installed; the id of the order, which is being carried out in a thread of its own.

    Problems: `http.not_found`, `updates.busy`, `updates.not_waiting`, `updates.no_guard`, `updates.too_many`.
    """
    id_ = house.store.run(here(actor), lambda tx: _place(house, tx, ids, without_copy))
    _spawn(house, id_)
    return id_


def here(actor: Actor) -> Actor:
    """The same person, writing the installation's rows."""
    return Actor(actor.kind, actor.id, INSTALLATION, actor.permissions, run=actor.run)


def _place(house: "House", tx: "Tx", ids: Sequence[str], without_copy: bool) -> str:
    _busy(tx)
    found: list[Any] = [store.package(tx, one) for one in dict.fromkeys(ids)]
    if any(one is None for one in found):
        raise not_found("Package")
    running = guarding.running_version(house)
    if len({one.element for one in found}) < len(found) or sum(p.kind == "software" for p in found) > 1:
        raise Problem("updates.too_many", 422)
    for one in found:
        asked = str((json.loads(one.custom).get("requires") or {}).get("praxisd") or "")
        if one.state not in rules.INSTALLABLE or not one.path or not rules.fits(asked, running):
            raise Problem("updates.not_waiting", 409, element=one.element, version=one.version)
        if one.kind == "software" and guarding.guard(house) is None:
            raise Problem("updates.no_guard", 409)
    software = next((one for one in found if one.kind == "software"), None)
    id_ = _write(house, tx, "install", [one.id for one in found], software or found[0], without_copy)
    for one in found:
        store.change_package(tx, one, state="ordered", reason=None, log=None, actor=tx.actor.label)
    return id_


def _write(
    house: "House", tx: "Tx", kind: str, ids: Sequence[str], named: Any, without_copy: bool = False
) -> str:
    id_ = new_id()
    store.put_order(
        tx, id=id_, kind=kind, packages=json.dumps(list(ids)), version=named.version, state="checking",
        step="checking", reason=None, params="{}", log=None, home=guarding.place(house), node=house.node, guard_order=None,
        saved=None, without_copy=int(without_copy), actor=tx.actor.label, at=tx.now, ended_at=None,
    )  # fmt: skip
    leases.acquire(tx, UNCUT, id_, UNCUT_S)
    events.note(tx, "update.ordered", "Order", id_, element=named.element, release=named.version)
    return id_


def _spawn(house: "House", id_: str) -> None:
    thread = threading.Thread(target=carry_out, args=(house, id_), name="praxisd-install", daemon=True)
    house.shared.setdefault("updates_carrying", []).append(thread)
    thread.start()


def wait(house: "House", within_s: float = 60.0) -> None:
    """Wait until this process has nothing left to do for the orders it took."""
    for thread in house.shared.get("updates_carrying", []):
        thread.join(within_s)


def carry_out(house: "House", id_: str) -> None:
    """This server's part of an order. What goes wrong ends it as refused, and nothing has changed then."""
    work = system("updates.install")
    try:
        _carry(house, work, id_)
    except Problem as problem:
        finish(house, work, id_, "refused", problem.code, params=problem.params)
    except Exception as error:
        house.log.error("request_failed", route="updates.install", error=error)
        finish(house, work, id_, "refused", words.UNKNOWN, params={"reason": type(error).__name__})


def _carry(house: "House", actor: Actor, id_: str) -> None:
    with house.store.read(actor) as tx:
        row: Any = store.order(tx, id_)
        packages: list[Any] = [store.package(tx, one) for one in json.loads(row.packages)]
    _check(house, packages)
    software = next((one for one in packages if one.kind == "software"), None)
    saved = None
    if software is not None and not row.without_copy:
        step(house, actor, id_, "saving", "saving")
        saved = saving.save(house, software.version)
    for one in packages:
        if one.kind == "data":
            _data(house, actor, one)
        elif one.kind == "plugin":
            _plugin(house, actor, one)
    if software is not None:
        _hand_over(house, actor, id_, software, saved)
        return
    finish(house, actor, id_, "kept", None)
    guard = guarding.guard(house)
    if guard is not None and any(one.kind == "plugin" for one in packages):
        guard.order("restart", row.actor, "plugin")


def _check(house: "House", packages: Sequence[Any]) -> None:
    """Look at the repository anew, and at each file against it."""
    with trusting.rechecking(house) as trust:
        for one in packages:
            offer = trust.check(one.target, Path(one.path))
            if (offer.element, offer.version) != (one.element, one.version):
                raise words.problem("mixed", element=one.element, version=one.version)


def _data(house: "House", actor: Actor, package: Any) -> None:
    """Switch a data set to the new version."""
    place = slots.room(house.folder, package.element)
    Path(package.path).replace(place)
    try:
        slots.use(house.folder, package.element, package.version, package.released)
    except slots.Unusable:
        place.unlink(missing_ok=True)
        house.store.run(actor, lambda tx: _changed(tx, package.id, path=None))
        raise Problem("updates.unusable", 422, element=package.element, version=package.version) from None
    house.store.run(actor, lambda tx: in_use(tx, package.id, path=None))


def _plugin(house: "House", actor: Actor, package: Any) -> None:
    """Put a plug-in into its place; the next start loads it."""
    from praxisd.services.updates import plugins

    plugins.put(house.folder, Path(package.path), package.element, package.version)
    house.store.run(actor, lambda tx: in_use(tx, package.id))


def _hand_over(house: "House", actor: Actor, id_: str, software: Any, saved: Path | None) -> None:
    """Give the guard its order. The doors are closed once it has unpacked the version (`watching`): that takes a while."""
    guard = guarding.guard(house)
    if guard is None:
        raise Problem("updates.no_guard", 409)
    with house.store.read(actor) as tx:
        row: Any = store.order(tx, id_)
    given = guard.order(
        "install",
        row.actor,
        "person" if row.actor != STANDING.label else "standing_order",
        version=software.version,
        package=str(Path(software.path).resolve()),
        target=software.target,
        seen=str(places.folder(house, trusting.SEEN).resolve()),
    )
    handed(house, actor, id_, given, saved)


def handed(house: "House", actor: Actor, id_: str, given: str, saved: Path | None = None) -> None:
    """Write down that the guard has the order, and begin to watch it."""
    from praxisd.services.updates import watching

    def write(tx: "Tx") -> None:
        row = store.order(tx, id_)
        store.change_order(
            tx,
            row,
            state="ordered",
            step="ordered",
            guard_order=given,
            saved=None if saved is None else str(saved),
        )

    house.store.run(actor, write)
    watching.watch(house)


def close(house: "House", actor: Actor, id_: str) -> None:
    """Close the doors for an order, if they are not closed for it already; the guard need not wait any more."""

    def write(tx: "Tx") -> None:
        held = maintenance.state(tx)
        if held is None or held.holder != holder(id_):
            maintenance.begin(tx, holder(id_), MAINTENANCE_S, "update")
        _may_be_cut(tx, id_)

    house.store.run(actor, write)


def _may_be_cut(tx: "Tx", id_: str) -> None:
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


def _changed(tx: "Tx", id_: str, **changes: Any) -> None:
    row = store.package(tx, id_)
    if row is not None:
        store.change_package(tx, row, **changes)


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
    from praxisd.kernel import issues

    def write(tx: "Tx") -> bool:
        row = store.order(tx, id_)
        if row is None or row.state not in store.OPEN_ORDERS:
            return False
        ended = {"kept": "kept", "rolled_back": "rolled_back"}.get(state, "refused")
        why = {"reason": reason, "params": words.encoded(params), "log": log}
        store.change_order(tx, row, state=state, step=ended, ended_at=tx.now, **why)
        _end_packages(tx, row, state, why)
        if state == "kept" and row.kind == "switch_back":
            events.note(tx, "update.switched_back", "Order", id_, release=row.version)
        elif state != "kept":
            kind = "update.rolled_back" if state == "rolled_back" else "update.refused"
            events.note(tx, kind, "Order", id_, release=row.version, reason=reason)
        _may_be_cut(tx, id_)
        maintenance.end(tx, holder(id_))
        return True

    if house.store.run(actor, write):
        house.log.info("update_ended", code=reason or state)
        issues.run_checks(house, ["updates.outcome"])


def _end_packages(tx: "Tx", row: Any, state: str, why: dict[str, Any]) -> None:
    for one in (store.package(tx, id_) for id_ in json.loads(row.packages)):
        if one is None:
            continue
        if state == "kept":
            if one.kind == "software" and one.state != "installed":
                in_use(tx, one.id)
        elif one.state == "ordered":
            if state == "rolled_back" and one.kind == "software":
                store.change_package(tx, one, state="rolled_back", **why)
            elif why["reason"] in _SPOILT:
                if one.path:
                    Path(one.path).unlink(missing_ok=True)
                store.change_package(tx, one, state="refused", path=None, **why)
            else:
                store.change_package(tx, one, state="waiting", reason=None, params="{}")


def switch_back(house: "House", actor: Actor, element: str) -> str:
    """Have the version before used again; the id of the order. Problems: `updates.nothing_before`, `updates.no_guard`,
    `updates.busy` (409), `http.not_found`.
    """

    def place(tx: "Tx") -> tuple[str, Any]:
        _busy(tx)
        row = store.element(tx, element)
        if row is None:
            raise not_found("Element")
        before = _before(house, row)
        if before is None:
            raise Problem("updates.nothing_before", 409, element=element)
        package = store.package_of(tx, element, before)
        named = package if package is not None else _Named(element, before)
        return _write(house, tx, "switch_back", [] if package is None else [package.id], named), row

    id_, row = house.store.run(here(actor), place)
    work = system("updates.install")
    try:
        if row.kind == "data":
            _data_back(house, work, element, id_)
        else:
            guard: Any = guarding.guard(house)
            handed(house, work, id_, guard.order("switch_back", actor.label, "person"))
    except Problem as problem:
        finish(house, work, id_, "refused", problem.code, params=problem.params)
        raise
    return id_


class _Named:
    """An element's version that is in no table (any more)."""

    def __init__(self, element: str, version: str) -> None:
        self.element, self.version = element, version


def _before(house: "House", element: Any) -> str | None:
    if element.kind == "data":
        held = slots.held(house.folder, element.element)
        return None if held is None else held.previous
    if element.kind == "software":
        if guarding.guard(house) is None:
            raise Problem("updates.no_guard", 409)
        return guarding.known(house).previous
    return None


def _data_back(house: "House", actor: Actor, element: str, id_: str) -> None:
    try:
        held = slots.back(house.folder, element)
    except slots.Unusable:
        raise Problem("updates.unusable", 409, element=element, version="") from None
    if held is None:
        raise Problem("updates.nothing_before", 409, element=element)

    def write(tx: "Tx") -> None:
        row = store.package_of(tx, element, held.version)
        if row is not None:
            in_use(tx, row.id)

    house.store.run(actor, write)
    finish(house, actor, id_, "kept", None)


def standing(house: "House", wish: str) -> None:
    """Carry out the standing order: the newest version of each element that waits, data sets first."""
    kinds = {"data": ("data",), "all": ("data", "plugin", "software")}.get(wish, ())
    with house.store.read(STANDING) as tx:
        there, elements = store.packages(tx), store.elements(tx)
        running = guarding.running_version(house)
        wanted = []
        for element in elements:
            if element.kind in kinds and element.subscribed:
                mine = [p for p in there if p.element == element.element]
                in_use_now = downloading.installed(house, tx, element.element, element.kind)
                newest = trusting.best(house, mine, in_use_now, running)
                if newest is not None and newest.state == "waiting":
                    wanted.append(newest)
    if guarding.guard(house) is None:
        wanted = [one for one in wanted if one.kind != "software"]
    if wanted:
        try:
            order(house, STANDING, [one.id for one in wanted])
        except Problem as problem:
            if problem.code not in ("updates.busy", "updates.not_waiting"):
                raise
