"""`praxisd serve`: own the folder, open the house, answer requests, say so in one line, stop without loss.

The services are imported by what serves; commands ask here for `known_config`, and those need not wait for them.
"""

import gc
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from praxisd.kernel import heaps, moved
from praxisd.kernel.config import load
from praxisd.kernel.control import Control, keep_note, owning, write_private
from praxisd.kernel.errors import Problem
from praxisd.kernel.guarded import Guarded, hold_lifeline

if TYPE_CHECKING:
    from praxisd.kernel.app import House

GUARDED_PATIENCE_S = 45.0
"""Under a guard a start waits so much longer: it would count as a failure, and a command never takes as long. Seconds."""
RESTART_PATIENCE_S = 2.0
"""So long a start waits for the one before, or for a command, to let go of the folder. Seconds."""


def serve(
    folder: Path,
    config: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8080,
    before_ready: "Callable[[House, str], None]" = lambda _house, _url: None,
    *,
    handle: int | None = None,
    safe: bool = False,
) -> int:
    """Serve `folder` until SIGTERM or SIGINT; returns the exit code.

    `before_ready(house, url)` is called once requests are answered, just before the line `ready <url>` is printed. `handle`:
    the descriptor of a socket that listens already, instead of `host` and `port`. `safe`: safe mode (SPEC 7.2).
    Problems: `control.folder_in_use` (409), `control.address_unusable` (400), `config.*`, `store.*`, those of `moved.refuse`.
    """
    guard = Guarded.here()
    if guard is not None:
        hold_lifeline()
    with owning(folder, RESTART_PATIENCE_S if guard is None else GUARDED_PATIENCE_S):
        if guard is not None:
            keep_note(folder, guard.home)
        return serve_owned(folder, config, host, port, before_ready, handle=handle, safe=safe)


def serve_owned(
    folder: Path,
    config: Path | None,
    host: str,
    port: int,
    before_ready: "Callable[[House, str], None]" = lambda _house, _url: None,
    *,
    handle: int | None = None,
    safe: bool = False,
) -> int:
    """`serve` for a caller that holds the folder's lock already."""
    from praxisd import main
    from praxisd.kernel.log import funnel

    leave_on_signal()
    heaps.few()
    moved.refuse(folder)
    remember_config(folder, config)
    guard = Guarded.here()
    on_trial = guard is not None and guard.on_trial
    known = load(config, folder)
    main.finish_moves(folder, known, begin=not (safe or on_trial))
    house = main.open_practice(folder, known, expand=on_trial, safe=safe)
    house.guard = guard
    if not safe:
        main.moves_finished(house)
    main.before_serving(house)
    funnel(house.log)  # what libraries log, and what nobody catches, may hold values of patients
    control = Control(house)
    try:
        return _answer(
            house, control, partial(_open_doors, host=host, port=port, handle=handle), before_ready
        )
    finally:
        control.stop()


def settled() -> None:
    """What the start made stays: the collector, which was off, need not look through it ever again.

    It looks once more at the little that is left. Python waits with the next look at old objects until a quarter of those
    that the last look met have come anew: of all that a start makes that would be a hundred thousand, and their waste with them.
    """
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.enable()


def prove(folder: Path) -> int:
    """Serve restored data for a moment, closed to everybody: the end of a restore proof (SPEC 8.5). The exit code.

    Safe mode and maintenance; nothing else runs, nothing is read of the restored configuration, and it ends as soon as
    nobody holds its standard input any more. `PRAXISD_PROOF_DATABASE` names a database that is not a file in `folder`.
    """
    import os
    import threading

    from praxisd import main
    from praxisd.kernel import maintenance
    from praxisd.kernel.access import system
    from praxisd.kernel.config import Config
    from praxisd.web import server

    def follow() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=follow, name="praxisd-proof", daemon=True).start()
    config = Config(database_url=os.environ.get("PRAXISD_PROOF_DATABASE"), log_level="error")
    house = main.open_practice(folder, config, safe=True)
    with house.store.write(system("proof")) as tx:
        maintenance.begin(tx, "proof", 3600, "proof")
    doors: Any = main.doors(house)
    return server.serve(house, doors, on_ready=lambda url: print(f"ready {url}", flush=True), port=0)  # noqa: T201


def leave_on_signal() -> None:
    """Until the doors are open there is nothing to drain: SIGTERM ends the program in order."""
    signal.signal(signal.SIGTERM, _leave)


def remember_config(folder: Path, config: Path | None) -> None:
    """Note which file the server was started with, for commands that work on the folder without it."""
    note = folder / "run" / "config"
    if config is None:
        note.unlink(missing_ok=True)
    else:
        write_private(note, str(config.resolve()))


def known_config(folder: Path) -> Path | None:
    """The file the last server of this folder was started with, or None for the folder's own."""
    try:
        return Path((folder / "run" / "config").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _greet(house: "House", url: str) -> None:
    """A secret for who stands at the server's own screen: never the log. A guard keeps what goes to the screen, so under
    one it goes into a file that only the server's user may read.
    """
    from praxisd import main

    words = main.greeting(house, url)
    note = house.folder / "run" / "first-start"
    if house.guard is None and words:
        print(words, file=sys.stderr, flush=True)  # noqa: T201  (see above)
    elif words:
        write_private(note, words + "\n")
    else:
        note.unlink(missing_ok=True)


def _open_doors(
    house: "House", ready: Callable[[str], None], *, host: str, port: int, handle: int | None
) -> int:
    from praxisd import main
    from praxisd.web import server

    doors: Any = main.doors(house)
    try:
        return server.serve(house, doors, host, port, on_ready=ready, handle=handle)
    except OSError as error:
        if house.shared.get("url"):
            raise
        house.stop()
        said = error.strerror or str(error)
        raise Problem("control.address_unusable", 400, detail=said, host=host, port=port) from None


def _answer(
    house: "House",
    control: Control,
    open_doors: "Callable[[House, Callable[[str], None]], int]",
    before_ready: "Callable[[House, str], None]",
) -> int:
    def ready(url: str) -> None:
        house.shared["url"] = url  # where this program's own doors are reached from this computer
        house.start_work()
        before_ready(house, url)
        control.start(url)
        if not gc.isenabled():
            settled()
        house._spawn("heaps", partial(house._every, heaps.GIVE_BACK_S, heaps.give_back))
        print(f"ready {url}", flush=True)  # noqa: T201  (the one line on standard output, SPEC 14.1)
        _greet(house, url)

    return open_doors(house, ready)
