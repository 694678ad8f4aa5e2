"""What `praxisd import`, `praxisd takeover …` and `praxisd export …` do, in the server or under the folder's lock.

Long work is asked for in steps of some seconds: the command shows how far it is, and may be ended without harm.
"""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import control
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.services.exchange import exporting, takeovers
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeover_terms as rules
from praxisd.services.exchange.takeover_room import room_of
from praxisd.services.exchange.takeover_routes import begin_look, report_rows
from praxisd.services.exchange.takeover_shapes import LookIn
from praxisd.services.exchange.takeover_view import View

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
STEP_S = 5.0


def _lang(args: Args) -> str:
    return "en" if args.get("lang") == "en" else "de"


def _one(house: "House", args: Args, id_: str) -> Args:
    who = control.actor(house, args)
    with house.store.read(who) as tx:
        found: Args = msgspec.to_builtins(
            View(house, tx, _lang(args)).takeovers([takeovers.need(tx, id_)])[0]
        )
    return found


def bring(house: "House", args: Args) -> Args:
    """Keep the file at `path` of this computer: the take-over. Problem `exchange.file_unreadable` (422)."""
    path = Path(str(args.get("path", "")))
    if not path.is_absolute() or not path.is_file() or not os.access(path, os.R_OK):
        raise Problem("exchange.file_unreadable", 422)
    id_ = takeovers.bring(house, control.actor(house, args), path, path.name, args.get("format"))
    return _one(house, args, id_)


def look(house: "House", args: Args) -> Args:
    """Begin to look; `look` is the body of the REST operation."""
    try:
        body = msgspec.convert(args.get("look", {}), LookIn)
    except msgspec.ValidationError:
        raise Problem("control.bad_arguments", 400) from None
    house.store.run(control.actor(house, args), lambda tx: begin_look(house, tx, args["id"], body))
    return _one(house, args, args["id"])


def work(house: "House", args: Args) -> Args:
    """Work on a take-over for some seconds, or wait so long for who does: the take-over then."""
    end = time.monotonic() + STEP_S
    found = _one(house, args, args["id"])
    while found["state"] in rules.AT_WORK and time.monotonic() < end:
        who = control.actor(house, args)
        if not room_of(house).work(who.organization, args["id"], found["state"], STEP_S):
            time.sleep(0.2)
        found = _one(house, args, args["id"])
    return found


def apply(house: "House", args: Args) -> Args:
    """Begin to take over."""
    house.store.run(control.actor(house, args), lambda tx: takeovers.apply(tx, args["id"]))
    return _one(house, args, args["id"])


def stop(house: "House", args: Args) -> Args:
    """Stop."""
    house.store.run(control.actor(house, args), lambda tx: takeovers.stop(tx, args["id"]))
    return _one(house, args, args["id"])


def undo(house: "House", args: Args) -> Args:
    """Begin to take back; `changed` is keep or take."""
    changed = args.get("changed")
    if changed not in (None, "keep", "take"):
        raise Problem("control.bad_arguments", 400)
    house.store.run(control.actor(house, args), lambda tx: takeovers.undo(tx, args["id"], changed))
    return _one(house, args, args["id"])


def delete(house: "House", args: Args) -> Args:
    """Forget a take-over and throw its file away."""
    who = control.actor(house, args)
    house.store.run(who, lambda tx: takeovers.delete(house, tx, args["id"]))
    room_of(house).work(who.organization, args["id"], rules.DELETING)
    return {"id": args["id"]}


def list_all(house: "House", args: Args) -> Args:
    """The newest take-overs."""
    with house.store.read(control.actor(house, args)) as tx:
        found = View(house, tx, _lang(args)).takeovers(store.page(tx, None, int(args.get("limit", 50))))
    return {"takeovers": msgspec.to_builtins(found)}


def show(house: "House", args: Args) -> Args:
    """One take-over, with the lines of its report: each as cells, as in the table that the page gives."""
    found = _one(house, args, args["id"])
    with house.store.read(control.actor(house, args)) as tx:
        rows = list(report_rows(View(house, tx, _lang(args)), tx, args["id"]))
    return {**found, "report": rows}


def export(house: "House", args: Args) -> Args:
    """Write `what` into the file `path` of this computer, readable by its owner alone."""
    path = Path(str(args.get("path", "")))
    if args.get("what") not in exporting.KINDS or not path.is_absolute() or not path.parent.is_dir():
        raise Problem("control.bad_arguments", 400)
    made = path.with_name(f"{path.name}.part")
    handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            done = exporting.export(
                house, control.actor(house, args), args["what"], str(args.get("format", "csv")), file,
                encoding=args.get("encoding"), delimiter=args.get("delimiter"),
            )  # fmt: skip
        os.replace(made, path)
    finally:
        made.unlink(missing_ok=True)
    return {"file": str(path), "records": done.records, "left": done.left}


OPERATIONS = tuple(
    Operation(f"exchange.{name}", call, offline=True)
    for name, call in (
        ("bring", bring), ("look", look), ("work", work), ("apply", apply), ("stop", stop), ("undo", undo),
        ("delete", delete), ("takeovers", list_all), ("takeover", show), ("export", export),
    )
)  # fmt: skip
