"""Out of the old computer: all that is praxisd's is copied while nobody writes, and then the old server is closed for good.

The order decides that never two serve and nothing is lost (`kernel.moved`):

1. The doors close, the database takes no more writes; the copy is made and read through once more.
2. The data folder is marked LEAVING (on PostgreSQL the database is fenced too).
3. The copy gets its ticket. From here on the new computer may begin.
4. The mark becomes LEFT, and the program ends.

Killed before 3, the old server goes on at its next start; after it, it refuses.
"""

import _thread
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel import events, guarded_health, maintenance, moved
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.model.backup_kept import MoveKept
from praxisd.services.backups import snapshot
from praxisd.services.backups.engine import Repo
from praxisd.services.backups.moving import carrying, fence_store, standing, tickets
from praxisd.services.backups.source import SourceFault
from praxisd.services.diagnosis import api as diagnosis

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

BUSY, ALREADY, PLACE = "backups.move_busy", "backups.move_left", "backups.move_place"
RUNNING = fence_store.RUNNING
LONGEST_S = 12 * 3600
"""So long the doors stay closed at most, should the program be killed while it copies and never start again. Seconds."""
WAY, END = "backups.move", "backups.move_end"
"""In `house.shared`: the move that is under way; a function of the house that ends the program, for tests."""
_starting = threading.Lock()


@dataclass
class Way:
    """How far a move out is. `state`: running, left, failed, unsure; `code` and `detail` say why it failed."""

    to: str
    began: int
    id: str = ""
    state: str = "running"
    step: str = "copy"
    done: int = 0
    whole: int = 0
    copy: str = ""
    code: str = ""
    detail: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)


def way(house: "House") -> Way | None:
    """The move out of this process, under way or ended; None if there was none."""
    found: Way | None = house.shared.get(WAY)
    return found


def begin(house: "House", to: Path, actor: Actor) -> Way:
    """In a running server: begin in the background; whoever asks `way` sees how far it is. Problems: those of `check`."""
    with _starting:
        check(house, to)
        made = house.shared[WAY] = Way(str(to), house.clock.now())

    def work() -> None:
        try:
            leave(house, to, actor, made, ended=_end)
        except Exception as error:  # told by `way`; the log knows of what kind it was
            house.log.error("move_failed", where=made.step, error=error)

    threading.Thread(target=work, name="praxisd-move", daemon=True).start()
    return made


def check(house: "House", to: Path) -> None:
    """Problems (409): ALREADY, RUNNING, BUSY while something runs that must not be cut; PLACE (400) for no absolute path."""
    if not to.is_absolute():
        raise Problem(PLACE, 400, folder=str(to))
    found = moved.mark(house.folder)
    if found is not None and found["state"] == moved.LEFT:
        raise Problem(ALREADY, 409, copy=str(found.get("to", "-")))
    now = way(house)
    if now is not None and now.state == "running":
        raise Problem(RUNNING, 409)
    with house.store.read(system(standing.HOLDER, INSTALLATION)) as tx:
        uncut = guarded_health.uncut(house, tx)
    order = house.guard is not None and house.guard.state().get("order")
    if uncut or order:
        raise Problem(BUSY, 409, retry=True, what=", ".join(uncut) or "update")


def leave(
    house: "House",
    to: Path,
    actor: Actor,
    on: Way,
    *,
    ended: "Callable[[House], None]" = lambda _house: None,
) -> Way:
    """All of it; `ended` is called once the old server must not do anything any more.

    Raises what failed: SourceFault's codes as Problems, those of `snapshot.take`. The server goes on then, unless the copy
    vanished in the last step (`unsure`): whether it got its ticket cannot be seen.
    """
    closed = False
    try:
        standing.settle(house)
        on.told = {"copyFolder": snapshot.last(house) is not None, "node": diagnosis.own_host()}
        repo = carrying.repository(house, to)
        closed = True
        house.store.run(actor, _close)
        with fence_store.still(house.store) as tx:
            _copied(house, to, repo, on)
            if house.store.alone:
                _hand_over(house, on)
                ended(house)
            else:
                fence_store.fence(tx, MoveKept(on.id, "left", house.clock.now(), _host(), {"to": on.copy}))
        if not house.store.alone:
            _hand_over(house, on)
            ended(house)
    except Exception as error:
        problem = _problem(error)
        on.code, on.detail, on.params = problem.code, problem.detail or "", problem.params
        found = moved.mark(house.folder)
        over = None if found is None else moved.handed_over(found)
        if found is not None and over is not False:
            on.state = "unsure"
            ended(house)
        else:
            if closed:  # else nothing was begun: what stands in the database may be another node's
                with suppress(Exception):  # a program that is ending: its next start does it
                    standing.come_back(house)
                    moved.unmark(house.folder)
            on.state = "failed"
        raise problem from error
    return on


def _close(tx: "Tx") -> None:
    maintenance.begin(tx, standing.HOLDER, LONGEST_S, standing.REASON)
    events.note(tx, "move.begun", "Installation", INSTALLATION)


def _copied(house: "House", to: Path, repo: Repo | None, on: Way) -> None:
    """The copy is made, read through once more, and known to the mark."""

    def progress(done: int, whole: int) -> None:
        on.done, on.whole = done, whole

    if repo is not None:
        carried, on.told[carrying.STATE] = carrying.carry(house, to, repo, progress)
        on.copy, on.id = str(carried), new_id()
    else:
        taken = snapshot.take(house, to, progress=progress, stop=lambda: house.stopping)
        on.step, on.copy, on.id = "check", str(taken.folder), new_id()
        wrong = snapshot.proven(taken.folder)
        if wrong:
            raise Problem(tickets.DAMAGED, 409, what=wrong[0], more=len(wrong) - 1)
    on.step = "hand_over"
    _mark(house, moved.LEAVING, on)


def _mark(house: "House", state: str, on: Way) -> None:
    manifest = moved.digest(Path(on.copy) / snapshot.MANIFEST)
    moved.put_mark(house.folder, state, id=on.id, at=house.clock.now(), to=on.copy, manifest=manifest)


def _hand_over(house: "House", on: Way) -> None:
    tickets.write(Path(on.copy), on.id, house.clock.now(), house.config.instance, _host(), on.told)
    _mark(house, moved.LEFT, on)
    on.step, on.state = "end", "left"


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, SourceFault):
        return snapshot.problem(error)
    return Problem(snapshot.TARGET, 409, detail=type(error).__name__, folder="")


def _host() -> str:
    return socket.gethostname()


def _end(house: "House") -> None:
    """End this program in order. On SQLite the caller holds the writer, and keeps it until then: nothing is written."""
    ender = house.shared.get(END)
    if ender is not None:
        ender(house)
        return
    _thread.interrupt_main(signal.SIGTERM)
    while True:  # whoever returned would let others write
        time.sleep(1.0)
