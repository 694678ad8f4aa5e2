"""A run is done: taken, worked at, ended; whatever comes, it says how it ended. No transaction is open while anybody works.

What was cut off by the server's stop, or by a target that was away for a moment, is asked for once more.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem, not_found
from praxisd.model.backup import Figures
from praxisd.model.backup_kept import RunKept, RunState
from praxisd.services.backups import engine, store
from praxisd.services.backups.engine import EngineFault, Named, Stop
from praxisd.services.backups.runs import asking, holding, recording, recovering
from praxisd.services.backups.runs.recording import Lost, Recorder
from praxisd.services.backups.source import SourceFault

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx
    from praxisd.services.backups.runs.holding import Held

BUSY, CRASHED, NOT_WAITING = "backups.run_busy", "backups.run_crashed", "backups.run_not_waiting"
CODES = (
    BUSY, CRASHED, NOT_WAITING, recording.STOPPED, recording.STOPPED_RESTORE, recording.STOPPED_READING,
)  # fmt: skip
RETRY_S = 900
"""A target that was away for a moment is tried again after so long. Seconds."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the work at a run ended. `facts` are added to those of the run; `retry`: it may go better later, by itself."""

    state: RunState
    code: str = ""
    detail: str = ""
    figures: Figures | None = None
    snapshot: str = ""
    medium: str = ""
    named: tuple[Named, ...] = ()
    first_on_medium: bool = False
    retry: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


class Failed(Exception):
    """The work cannot go on; `code` is a Problem's. `retry`: it may later, by itself."""

    def __init__(
        self, code: str, detail: str = "", *, retry: bool = False, facts: dict[str, Any] | None = None
    ) -> None:
        super().__init__(code)
        self.code, self.detail, self.retry, self.facts = code, detail, retry, facts or {}


def run_now(house: "House", run_id: str, *, stop: Stop) -> RunKept:
    """Do this run here and now. Problems `http.not_found`, `backups.run_busy` (409) while another is at work,
    `backups.run_not_waiting` (409).
    """
    with holding.working(house) as held:
        if held is None:
            raise Problem(BUSY, 409, retry=True)
        recovering.recover(house)
        return perform(house, run_id, held, stop)


def perform(house: "House", run_id: str, held: "Held", stop: Stop) -> RunKept:
    """The same for who holds the lease; how the run ended."""
    run = house.store.run(recording.SYSTEM, lambda tx: _begin(house, tx, run_id, held.fence))
    recorder = Recorder(house, run, held.fence)
    stopped = held.stop_of(run.id, stop)
    try:
        ending = _work(house, recorder, stopped)
    except (EngineFault, SourceFault, Failed) as said:
        fault = _told(house, recorder.run.medium, said)
        ending = Ending(
            "failed", fault.code, fault.detail, retry=fault.retry, facts=getattr(fault, "facts", {})
        )
        if fault.code == engine.DAMAGED and recorder.run.medium:
            _doubt(house, recorder.run.medium)
        if fault.code == engine.INTERRUPTED:
            ending = Ending("interrupted", recording.STOPPED if held.asked else engine.INTERRUPTED)
    except Problem as problem:
        ending = Ending(
            "failed", problem.code, str(problem.detail or ""), facts={"params": dict(problem.params)}
        )
    except Lost:
        return recorder.run
    except Exception as error:
        house.log.error("backup_crashed", run=run.id, error=error)
        ending = Ending("failed", CRASHED, type(error).__name__)
    finally:
        recovering.empty(house)
    try:
        return house.store.run(recording.SYSTEM, lambda tx: _end(house, tx, recorder, ending, held))
    except Lost:
        return recorder.run


def _told(
    house: "House", medium: str, fault: EngineFault | SourceFault | Failed
) -> EngineFault | SourceFault | Failed:
    """Of a medium that went away in the midst of it: that it is gone, whatever the step says that met it."""
    if not medium or not isinstance(fault, EngineFault):
        return fault
    from praxisd.services.backups.runs import targets

    return targets.told(house, medium, fault)


def _doubt(house: "House", medium: str) -> None:
    """Whatever was done, damage was found on this medium."""
    from praxisd.services.backups.runs import keeping

    keeping.doubt(house, medium)


def _begin(house: "House", tx: "Tx", run_id: str, fence: int) -> RunKept:
    run = store.RUN.get(tx, run_id)
    if run is None:
        raise not_found(asking.SUBJECT)
    if run.state != "waiting":
        raise Problem(NOT_WAITING, 409)
    facts = {name: value for name, value in run.facts.items() if name not in ("waits", "params")}
    begun = msgspec.structs.replace(
        run,
        state="running",
        began=tx.now,
        heard=tx.now,
        facts={**facts, "fence": fence, "node": house.node, "wanted": run.medium},
    )
    events.note(tx, "backup.started", asking.SUBJECT, run.id, kind=run.kind, job=run.job or "")
    return recording.put(tx, begun)


def _work(house: "House", recorder: Recorder, stop: Stop) -> Ending:
    """What its kind asks for."""
    match recorder.run.kind:
        case "backup":
            from praxisd.services.backups.runs import backing

            return backing.back_up(house, recorder, stop)
        case "verify":
            from praxisd.services.backups.runs import verifying

            return verifying.verify(house, recorder, stop)
        case "prove":
            from praxisd.services.backups.runs import proving

            return proving.prove(house, recorder, stop)
        case _:
            from praxisd.services.backups.restoring import restoring

            done = restoring.restore(
                house, recorder.run, progress=recorder.progress, stop=stop, note=recorder.facts
            )
            return _of(done)


def _of(done: RunKept) -> Ending:
    """A run that another room has done, as an ending."""
    files = tuple(Named(path, code) for path, code in done.named)  # type: ignore[arg-type]
    state: RunState = "good" if done.state in ("waiting", "running") else done.state
    return Ending(
        state, done.code, done.detail, done.figures, done.snapshot, done.medium, files, facts=dict(done.facts)
    )


def _end(house: "House", tx: "Tx", recorder: Recorder, ending: Ending, held: "Held") -> RunKept:
    run = recorder.run
    named_count = max(len(ending.named), int(ending.facts.get("named", 0)))
    ended = recorder.end(
        tx,
        state=ending.state,
        code=ending.code,
        detail=ending.detail[:500],
        figures=ending.figures or run.figures,
        snapshot=ending.snapshot or run.snapshot,
        medium=ending.medium or run.medium,
        named=recording.named(ending.named) or run.named,
        named_count=named_count or run.named_count,
        first_on_medium=ending.first_on_medium,
        facts={**run.facts, **ending.facts},
    )
    if ending.state == "interrupted" and not held.asked:
        asking.again(house, tx, ended)
    elif ending.state == "failed" and ending.retry:
        asking.again(house, tx, ended, wait_s=RETRY_S)
    return ended
