"""An order carried out, as far as this server can: everything is checked anew, data sets are switched, plug-ins are put in
their place, and software is handed to the guard.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel import migrations
from praxisd.kernel.access import Actor, system
from praxisd.kernel.errors import Problem
from praxisd.services.updates import (
    guarding,
    judging,
    places,
    plugins,
    saving,
    settling,
    slots,
    store,
    trusting,
    watching,
    words,
)
from praxisd.services.updates.settling import finish, in_use, step

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

HOLD_S = 20.0
"""The guard gives this server so long to close its doors before it stops it. Seconds."""
STANDING = system("updates.standing_order")


def carry_out(house: "House", id_: str) -> None:
    """This server's part of an order. What goes wrong ends it as refused: that package and those after it are as before."""
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
        # What waited for the end of this version's own trial is done now: the next version's steps come after it.
        migrations.finish(house.store, house.registry)
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
    try:
        slots.look(Path(package.path))  # before the version in the other slot is given up for it
        judging.judge(house, package.element, Path(package.path))
        place = slots.room(house.folder, package.element)
        Path(package.path).replace(place)
        slots.use(house.folder, package.element, package.version, package.released)
    except slots.Unusable:
        raise Problem("updates.unusable", 422, element=package.element, version=package.version) from None
    house.store.run(actor, lambda tx: in_use(tx, package.id, path=None))


def _plugin(house: "House", actor: Actor, package: Any) -> None:
    """Put a plug-in into its place; the next start loads it."""
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
        hold_s=HOLD_S,
    )
    handed(house, actor, id_, given, saved)


def handed(house: "House", actor: Actor, id_: str, given: str, saved: Path | None = None) -> None:
    """Write down that the guard has the order, and begin to watch it."""

    def write(tx: "Tx") -> None:
        row = store.order(tx, id_)
        settling.let_go(
            tx, id_
        )  # the guard waits for what must not be cut, and this is what it would wait for
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
