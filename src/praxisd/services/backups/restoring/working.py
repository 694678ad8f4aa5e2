"""Who works at a restore: the job; in safe mode, where no job runs, a thread of this server; without a server the command."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events, maintenance
from praxisd.kernel.access import Actor
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.texts import FIRST
from praxisd.model.backup_kept import RunKept
from praxisd.services.backups import store
from praxisd.services.backups.restoring import exchange, opening, placing, restoring
from praxisd.services.backups.restoring.shapes import ExchangeOut, RestoreIn, RestoreOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SUBJECT = "BackupRun"
HOLDER = "backups.exchange"
CLOSED_S = 900
"""The doors stay closed so long for the restart that a person has to make. Seconds."""
NOT_IN_PLACE = "backups.restore_not_in_place"
NOT_OVER, UNDONE, HALF = (
    "backups.restore_not_over",
    "backups.restore_undone",
    "backups.restore_half",
)
UNDOING = (NOT_IN_PLACE, NOT_OVER, UNDONE)
CODES = (*UNDOING, HALF)
_UNDOING = threading.Lock()
"""Two at once would take for undone what the other is just putting back."""


def begin(house: "House", actor: Actor, wanted: RestoreIn, by: str) -> RunKept:
    """Ask for it; in safe mode it begins at once. Problems of `restoring.ask`."""
    restoring.check(house, actor, wanted)
    run = house.store.run(actor, lambda tx: restoring.ask(house, tx, wanted, by))
    if house.safe:
        threading.Thread(target=_work, args=(house, run.id), name="praxisd-restore", daemon=True).start()
    return run


def _work(house: "House", run: str) -> None:
    from praxisd.services.backups.runs import running

    try:
        running.run_now(house, run, stop=lambda: house.stopping)
    except Problem as problem:  # another run is at work: it can be asked for again
        house.log.warning("restore_not_begun", code=problem.code)


def shown(house: "House", id: str, lang: str = FIRST) -> RestoreOut:
    """How it is. `http.not_found`."""
    from praxisd.services.backups.runs import view

    with house.store.read(opening.SYSTEM) as tx:
        run = store.RUN.get(tx, id)
    if run is None or run.kind != "restore":
        raise not_found(SUBJECT)
    target = run.facts.get("target") or {}
    before = _before(house, run)
    left = [one for one in placing.parts(before) if not placing.undone(one)] if before is not None else []
    half = bool(left) and run.state in ("interrupted", "failed")
    said = msgspec.structs.replace(run, code=HALF) if half else run
    with house.store.read(opening.SYSTEM) as tx:
        told = view.single(house, tx, said, lang)
    params = {name: str(one) for name, one in view.params(run).items() if isinstance(one, str | int)}
    return RestoreOut(
        run=run.id,
        state=run.state,
        step=run.step,
        done=run.done,
        whole=run.whole,
        code=said.code,
        detail=run.detail,
        target=str(target.get("path", "")),
        files=run.figures.files if run.figures else 0,
        bytes=run.figures.bytes if run.figures else 0,
        before=before.name if before is not None and left else None,
        exchange=bool(run.facts.get("exchange")),
        left_out=tuple(run.facts.get("leftOut", ())),
        named_count=run.named_count,
        named=run.named,
        title=told.title,
        solution=told.solution,
        params=params,
    )


def _before(house: "House", run: RunKept) -> Path | None:
    """Where a restore in place has saved what it replaced; None for any other, or if that is not there any more."""
    name = str(run.facts.get("before") or "")
    found = house.folder / "backups" / name
    return found if name and found.is_dir() else None


def put_back(house: "House", actor: Actor, id: str, lang: str = FIRST) -> RestoreOut:
    """Undo a restore of files in place, however it ended. What could not be put back is named, and can be tried again.

    Problems (409): NOT_OVER while it is at work, UNDONE if it has been undone, NOT_IN_PLACE for any other restore.
    """
    with house.store.read(opening.SYSTEM) as tx:
        run = store.RUN.get(tx, id)
    if run is None or run.kind != "restore":
        raise not_found(SUBJECT)
    if run.state in ("waiting", "running"):
        raise Problem(NOT_OVER, 409)
    saved = _before(house, run)
    parts = placing.parts(saved) if saved is not None else []
    if not parts:
        raise Problem(NOT_IN_PLACE, 409)
    with _UNDOING:
        if all(placing.undone(part) for part in parts):
            raise Problem(UNDONE, 409)
        named = [
            (one.path.encode("utf-8", "backslashreplace").decode(), str(one.code))
            for part in reversed(parts)
            for one in placing.put_back(part).named
        ]
    with house.store.write(actor) as tx:
        events.note(tx, "backup_restore.undone", SUBJECT, id, named=len(named))
    found = shown(house, id, lang)
    return RestoreOut(
        **{
            name: getattr(found, name)
            for name in found.__struct_fields__
            if name not in ("named", "named_count")
        },
        named_count=len(named),
        named=tuple(named[:1000]),
    )


def state(house: "House") -> ExchangeOut:
    """The exchange of praxisd's own data."""
    last = exchange.known(house.folder)
    undoable = exchange.undoable(house.folder) is not None
    if last is None or not last.before:
        return ExchangeOut("none", guarded=house.guard is not None)
    waits = last.phase in ("ready", *exchange.UNDERWAY)
    return ExchangeOut(
        "underway" if last.phase in exchange.UNDERWAY else last.phase,  # type: ignore[arg-type]
        last.kind,
        format_rfc3339(last.taken),
        format_rfc3339(last.at),
        None if last.ended is None else format_rfc3339(last.ended),
        last.before,
        last.code,
        last.detail,
        last.seen,
        undoable and not waits,
        house.guard is not None,
    )


def restart(house: "House", actor: Actor) -> bool:
    """Close the doors, and have praxisd restarted if it can be. `backups.exchange_nothing` (404) if nothing is ready."""
    last = exchange.known(house.folder)
    if last is None or last.phase != "ready":
        raise Problem(exchange.NOTHING, 404)
    if not house.safe:
        with house.store.write(actor) as tx:
            maintenance.begin(tx, HOLDER, CLOSED_S, "restore")
    if house.guard is None:
        return False
    house.guard.order("try_again" if house.safe else "restart", by=actor.id, reason="restore")
    return True


def cancel(house: "House", actor: Actor) -> None:
    """Take back what is ready. `backups.exchange_nothing` (404)."""
    exchange.cancel(house.folder)
    with house.store.write(actor) as tx:
        maintenance.end(tx, HOLDER)
        events.note(tx, "backup_exchange.cancelled", "BackupExchange", "last")


def undo(house: "House", actor: Actor, by: str) -> ExchangeOut:
    """Prepare the way back for the next start. `backups.exchange_nothing` (404), `backups.exchange_pending` (409)."""
    made = exchange.undo(house.folder, by, house.clock.now())
    with house.store.write(actor) as tx:
        events.note(tx, "backup_exchange.ready", "BackupExchange", made.id, kind="undo")
    return state(house)
