"""What `praxisd updates …` does, in the server or under the folder's lock. JSON in and out.

Updates belong to the installation: no practice has to be named.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, Actor, Kind
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Operation
from praxisd.services.updates import (
    clocking,
    downloading,
    ordering,
    places,
    pushing,
    rules,
    settings,
    store,
    view,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

Args = dict[str, Any]
CLI = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)
HISTORY_MOST = 1_000


def _lang(args: Args) -> str:
    return str(args.get("lang") or "de")


def _shown(house: "House", args: Args) -> Args:
    found: Args = msgspec.to_builtins(view.shown(house, CLI, _lang(args)))
    return found


def show(house: "House", args: Args) -> Args:
    """How updates stand."""
    return _shown(house, args)


def look(house: "House", args: Args) -> Args:
    """Look and download now, and wait for it; what was refused is fetched anew."""
    chosen = settings.chosen(house)
    for missing, code in (
        (not chosen.active, "updates.switched_off"),
        (not chosen.address, "updates.no_address"),
        (places.root(house) is None, "updates.no_root"),
    ):
        if missing:
            raise Problem(code, 409)
    house.store.run(CLI, downloading.anew)
    done = downloading.download(house, CLI)
    if done.fault is not None:
        raise done.fault
    return {**_shown(house, args), "fetched": len(done.fetched)}


def trust_clock(house: "House", args: Args) -> Args:
    """Forget that a clock once ran ahead: `now`, and `seen` if there was such a time."""
    now, seen = clocking.trust_now(house, CLI)
    return {"now": now, "seen": seen}


def _chosen(tx: "Tx", wanted: str) -> str:
    """The package that `element`, `element version` or an id means: of an element, the newest that waits."""
    name, _, version = wanted.strip().partition(" ")
    there = store.packages(tx)
    found = [p for p in there if p.id == wanted or (p.element == name and version in ("", p.version))]
    waiting = [p for p in found if p.state in rules.INSTALLABLE] or found
    if not waiting:
        raise Problem("control.unknown_name", 404, name=wanted)
    return str(max(waiting, key=lambda p: rules.rank(p.version)).id)


def install(house: "House", args: Args) -> Args:
    """Order what is named in `packages`; with `wait`, wait for this server's part of it."""
    names = args.get("packages")
    if not isinstance(names, list) or not names:
        raise Problem("control.bad_arguments", 400)
    with house.store.read(CLI) as tx:
        ids = [_chosen(tx, str(one)) for one in names]
    id_ = ordering.order(house, CLI, ids, bool(args.get("without_copy")))
    ordering.wait(house)
    return order(house, {**args, "id": id_})


def order(house: "House", args: Args) -> Args:
    """One order."""
    with house.store.read(CLI) as tx:
        row = store.order(tx, str(args.get("id")))
        if row is None:
            raise not_found("Order")
        found: Args = msgspec.to_builtins(view.View(house, tx, CLI, _lang(args)).order(row))
    return found


def subscribe(house: "House", args: Args) -> Args:
    """Subscribe to `name`, or end that (`subscribed` false)."""
    name, wanted = str(args.get("name")), bool(args.get("subscribed", True))

    def write(tx: "Tx") -> None:
        row = store.element(tx, name)
        if row is None:
            raise not_found("Element")
        if bool(row.subscribed) != wanted:
            store.put_element(
                tx,
                **{
                    **row._asdict(),
                    "subscribed": int(wanted),
                    "subscribed_by": CLI.label,
                    "subscribed_at": tx.now,
                },
            )
            events.note(
                tx, "update.subscribed" if wanted else "update.unsubscribed", "Element", name, element=name
            )

    house.store.run(CLI, write)
    return _shown(house, args)


def history(house: "House", args: Args) -> Args:
    """All versions seen, the latest change first."""
    limit = max(1, min(int(args.get("limit") or 50), HISTORY_MOST))
    with house.store.read(CLI) as tx:
        found, _ = view.View(house, tx, CLI, _lang(args)).history(args.get("element"), 0, limit)
    return {"packages": msgspec.to_builtins(list(found))}


def push(house: "House", args: Args) -> Args:
    """Take in a file on this computer: a pushed ZIP."""
    file = Path(str(args.get("file")))
    if not file.is_file():
        raise Problem("control.unknown_name", 404, name=str(file))
    ids = pushing.take(house, CLI, file)
    with house.store.read(CLI) as tx:
        return {"packages": msgspec.to_builtins(view.View(house, tx, CLI, _lang(args)).named(ids))}


def switch_back(house: "House", args: Args) -> Args:
    """Go back to the version of `name` before."""
    id_ = ordering.switch_back(house, CLI, str(args.get("name")))
    return order(house, {**args, "id": id_})


OPERATIONS = (
    Operation("updates.list", show, offline=True),
    Operation("updates.look", look, offline=True),
    Operation("updates.trust_clock", trust_clock),
    Operation("updates.install", install),
    Operation("updates.order", order, offline=True),
    Operation("updates.subscribe", subscribe, offline=True),
    Operation("updates.history", history, offline=True),
    Operation("updates.push", push, offline=True),
    Operation("updates.switch_back", switch_back),
)
