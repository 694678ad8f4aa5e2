"""What `praxisd care …` does, in the server or under the folder's lock. JSON in and out."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor, Kind
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.services.care import checking, compacting, journal, moving, releasing, state
from praxisd.services.care.working import working_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
CLI = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)


def read(house: "House", args: Args) -> Args:
    """How the database is."""
    return _shown(house, args)


def check(house: "House", args: Args) -> Args:
    """Check now, with `full` in full; answers when it has ended."""
    level: checking.Level = "full" if args.get("full") else "quick"
    desk = working_of(house)
    desk.run(level, lambda: checking.check(house, CLI, level, lambda: desk.stopped))
    return _shown(house, args)


def compact(house: "House", args: Args) -> Args:
    """Compact now; answers when it has ended."""
    desk = working_of(house)
    desk.run("compact", lambda: compacting.compact(house, CLI, lambda: desk.stopped))
    return _shown(house, args)


def look(house: "House", args: Args) -> Args:
    """What a move into the folder `to` would be."""
    found: Args = msgspec.to_builtins(state.target(moving.begin(house, _text(args, "to"))))
    return found


def move(house: "House", args: Args) -> Args:
    """Begin a move into the folder `to`; without a server it is done when this answers. The move is asked about with
    `care.move_state`.
    """
    to = _text(args, "to")
    moving.begin(house, to)
    desk = working_of(house)

    def work() -> object:
        return moving.move(house, CLI, to, progress=desk.progress, stop=lambda: desk.stopped)

    return _moving(house, args, work)


def look_at_postgres(house: "House", args: Args) -> Args:
    """What a move to the PostgreSQL `url` would be."""
    from praxisd.services.care import postgres_store  # a start on SQLite need not wait for psycopg

    found: Args = msgspec.to_builtins(postgres_store.looked(house, _text(args, "url")))
    return found


def move_to_postgres(house: "House", args: Args) -> Args:
    """Begin a move to the PostgreSQL `url`, as `move`."""
    from praxisd.services.care import postgres_store

    url = _text(args, "url")
    postgres_store.looked(house, url)
    desk = working_of(house)

    def work() -> object:
        return postgres_store.move(house, CLI, url, progress=desk.progress, stop=lambda: desk.stopped)

    return _moving(house, args, work)


def _moving(house: "House", args: Args, work: Callable[[], object]) -> Args:
    """Begin the move beside a server that answers, do it here where none does."""
    desk = working_of(house)
    if "url" in house.shared:
        desk.begin("move", work)
    else:
        desk.run("move", work)
    return move_state(house, args)


def move_state(house: "House", args: Args) -> Args:
    """The move under way or the last one, and `under`: what is being done now, or was last."""
    found = state.moved(house, str(args.get("lang") or "de"))
    under = working_of(house).now
    return {"move": msgspec.to_builtins(found), "under": msgspec.to_builtins(under)}


def release(house: "House", args: Args) -> Args:
    """Delete an old database by `id`, or the only one that is kept."""
    kept = [one for one in journal.old_ones(house.folder) if one.released is None]
    id = str(args.get("id") or (kept[0].id if len(kept) == 1 else ""))
    releasing.release(house, CLI, id)
    return _shown(house, args)


def _text(args: Args, name: str) -> str:
    found = args.get(name)
    if not isinstance(found, str) or not found:
        raise Problem("control.bad_arguments", 400)
    return found


def _shown(house: "House", args: Args) -> Args:
    found: Args = msgspec.to_builtins(state.shown(house, str(args.get("lang") or "de")))
    return found


OPERATIONS = (
    Operation("care.state", read, offline=True),
    Operation("care.check", check, offline=True),
    Operation("care.compact", compact, offline=True),
    Operation("care.look", look, offline=True),
    Operation("care.move", move, offline=True),
    Operation("care.look_at_postgres", look_at_postgres, offline=True),
    Operation("care.move_to_postgres", move_to_postgres, offline=True),
    Operation("care.move_state", move_state, offline=True),
    Operation("care.release", release, offline=True),
)
