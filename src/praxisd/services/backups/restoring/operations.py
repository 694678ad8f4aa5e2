"""What `praxisd backup snapshots|files|restore|exchange` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.services.backups.restoring import after, exchange, listing, opening, working
from praxisd.services.backups.restoring.shapes import EntriesIn, RestoreIn

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
BY = "cli"
_MOST = 200


def snapshots(house: "House", args: Args) -> Args:
    """The newest states, of the medium with this id or label: `{"snapshots": […], "next"}`."""
    wanted = str(args.get("medium") or "")
    with house.store.read(opening.SYSTEM) as tx:
        medium = listing.medium(tx, wanted) if wanted else ""
        before = int(args["cursor"]) if str(args.get("cursor") or "").isdigit() else None
        found = listing.states(
            house,
            tx,
            medium,
            most=int(args.get("limit") or _MOST),
            before=before,
            gone=bool(args.get("gone")),
        )
    return _built(found)


def files(house: "House", args: Args) -> Args:
    """What lies in a folder of a state, all pages; without a folder what was backed up."""
    wanted = _body(args, EntriesIn)
    below = wanted.below
    found = listing.entries(house, wanted.snapshot, below, wanted.password, most=1_000_000, after=0)
    return _built(found)


def restore(house: "House", args: Args) -> Args:
    """Begin a restore: `{"run", "state", …}`. Without a server it is done when this answers."""
    wanted = _body(args, RestoreIn)
    run = working.begin(house, actor(house, {}), wanted, BY)
    if "url" not in house.shared:
        from praxisd.services.backups.runs import running

        running.run_now(house, run.id, stop=lambda: False)
    return _built(working.shown(house, run.id))


def restored(house: "House", args: Args) -> Args:
    """How a restore is, by `run`; with `undo` true its files in place are put back first."""
    id = str(args.get("run") or "")
    if args.get("undo"):
        return _built(working.put_back(house, actor(house, {}), id))
    return _built(working.shown(house, id))


def exchanged(house: "House", args: Args) -> Args:
    """The exchange of praxisd's own data; `do`: `show`, `undo`, `now`, `cancel`, `seen`."""
    who = actor(house, {})
    match args.get("do", "show"):
        case "undo":
            return _built(working.undo(house, who, BY))
        case "now":
            return {**_built(working.state(house)), "ordered": working.restart(house, who)}
        case "cancel":
            working.cancel(house, who)
        case "seen":
            if exchange.known(house.folder) is None:
                raise Problem(exchange.NOTHING, 404)
            after.seen(house)
        case "show":
            pass
        case _:
            raise Problem("control.bad_arguments", 400, detail="do")
    return _built(working.state(house))


def _body(args: Args, kind: Any) -> Any:
    """As a door would read it; `control.bad_arguments` (400)."""
    given = {name: value for name, value in args.items() if name not in ("organization", "lang")}
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise Problem("control.bad_arguments", 400, detail=str(error)) from None


def _built(answer: Any) -> Args:
    found: Args = msgspec.to_builtins(answer)
    return found


OPERATIONS = (
    Operation("backups.snapshots", snapshots, offline=True),
    Operation("backups.files", files, offline=True),
    Operation("backups.restore", restore, offline=True),
    Operation("backups.restored", restored, offline=True),
    Operation("backups.exchange", exchanged, offline=True),
)
