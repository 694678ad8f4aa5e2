"""Installing: the only way from a download to something in use. A person orders it, or a standing order a person gave.

In one transaction the order is written down and its packages are marked; then a thread checks everything again and works:
data sets are switched at once, plug-ins are put in their place, and software is handed to the guard, which checks a third
time, stops this server, and keeps the new version or goes back. How that ends is read from the guard's journal (`watching`).
"""

import json
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.services.updates import carrying, downloading, guarding, rules, settling, slots, store, trusting
from praxisd.services.updates.carrying import STANDING

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx


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
    settling.uncut(tx, id_)
    events.note(tx, "update.ordered", "Order", id_, element=named.element, release=named.version)
    return id_


def _spawn(house: "House", id_: str) -> None:
    thread = threading.Thread(
        target=carrying.carry_out, args=(house, id_), name="praxisd-install", daemon=True
    )
    house.shared.setdefault("updates_carrying", []).append(thread)
    thread.start()


def wait(house: "House", within_s: float = 60.0) -> None:
    """Wait until this process has nothing left to do for the orders it took."""
    for thread in house.shared.get("updates_carrying", []):
        thread.join(within_s)


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
            carrying.handed(
                house, work, id_, guard.order("switch_back", actor.label, "person", hold_s=carrying.HOLD_S)
            )
    except Problem as problem:
        settling.finish(house, work, id_, "refused", problem.code, params=problem.params)
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
            settling.in_use(tx, row.id)

    house.store.run(actor, write)
    settling.finish(house, actor, id_, "kept", None)


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
                in_use_now = downloading.installed(house, element.element, element.kind)
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
