"""What is to be done now: runs that the plan wants become runs that wait, and those that wait are done one after another.

Of several nodes one works; the others find its lease and leave. A run that the plan wants has an id that follows from its day
and job: it is made once, whoever looks first.
"""

from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from praxisd.model.backup import DueRun, Job, Waiting, Word
from praxisd.model.backup_kept import PlanKept, RunKept
from praxisd.services.backups import done_rules, plan_rules, plan_watch_rules, store
from praxisd.services.backups.engine import Stop
from praxisd.services.backups.plans import looking, planning
from praxisd.services.backups.runs import asking, holding, recording, recovering, running, targets

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx
    from praxisd.services.backups.runs.holding import Held

OVERTAKEN = "backups.run_overtaken"
CODES = (OVERTAKEN,)
LATE_S = 36 * 3600
"""What the plan wanted longer ago than this is not made up for: the next one is nearer. Seconds."""
_LOCK = 0x7072_6261
_RANK = {"restore": 0, "move": 1, "backup": 2, "verify": 3, "prove": 4}


@dataclass(slots=True)
class Done:
    """What one round has done: runs that ended, by id."""

    runs: list[RunKept] = field(default_factory=list)

    @property
    def code(self) -> str | None:
        """Of the first run that failed, why."""
        return next((one.code or running.CRASHED for one in self.runs if one.state == "failed"), None)


def work(house: "House", *, stop: Stop) -> Done | None:
    """Do all that is due and can be done; None while another works at it."""
    with holding.working(house) as held:
        if held is None:
            return None
        recovering.recover(house)
        done = Done()
        while not (stop() or held.lost or house.stopping):
            plan_due(house)
            chosen = _next(house)
            if chosen is None:
                break
            done.runs.append(_perform(house, chosen, held, stop))
        return done


def plan_due(house: "House") -> list[RunKept]:
    """Runs whose time has come, as runs that wait. Those that are begun at the desk wait for the desk's click."""
    return house.store.run(recording.SYSTEM, partial(_plan_due, house))


def _plan_due(house: "House", tx: "Tx") -> list[RunKept]:
    kept = planning.plan(tx)
    if kept is None or not tx.try_lock(_LOCK):
        return []
    _mark(tx)
    made = []
    for due in wanted(house, tx, kept, max(done_rules.in_force(kept.at, tx.now), tx.now - LATE_S), tx.now):
        one = due.run
        if one.start == "desk":
            continue
        id = _free(tx, planned_id(one.day, one.job))
        if id and not _done(tx, due):
            made.append(
                asking.ask(
                    house,
                    tx,
                    "backup",
                    job=one.job,
                    day=one.day,
                    slot=one.slot,
                    by="plan",
                    facts={"due": due.at},
                    id=id,
                )
            )
    return made


def wanted(house: "House", tx: "Tx", kept: PlanKept, after: int, until: int) -> tuple[DueRun, ...]:
    """The runs of the plan whose time lies after `after` and not after `until`."""
    closed = planning.closed_around(house, tx, until)
    return plan_rules.due_runs(kept.plan, after, until, planning.zone(house, tx), closed)


def planned_id(day: date, job: Job) -> str:
    """The id of a run that the plan wants."""
    return f"{day.isoformat()}-{job}"


def _done(tx: "Tx", due: DueRun) -> bool:
    """Is there one in its place already, whoever asked for it, that came to a copy or still may?"""
    runs = store.RUN.newest(tx, 200, before=tx.now + done_rules.SLACK_S)
    for state in ("waiting", "running"):
        runs += store.RUN.by(tx, "state", state)
    return done_rules.done(due, runs, tx.now, ("waiting", "running", "good", "warning"))


def _mark(tx: "Tx") -> None:
    """Note which runs are of a time to come, while that can be told."""
    for one in store.RUN.newest(tx, 200):
        if one.asked <= tx.now:
            return
        if done_rules.coming(one, tx.now) and not one.facts.get(done_rules.AHEAD):
            recording.put(tx, msgspec.structs.replace(one, facts={**one.facts, done_rules.AHEAD: True}))


def _free(tx: "Tx", id: str) -> str:
    """This id, "" if its run was made already; beside one that a clock which was ahead has left, the next like it."""
    free, number = id, 1
    while (there := store.RUN.get(tx, free)) is not None:
        if not done_rules.future(there, tx.now):
            return ""
        number += 1
        free = f"{id}-{number}"
    return free


def _next(house: "House") -> RunKept | None:
    """The run to begin now. Those that a newer day has overtaken are closed, and those that must wait say for what."""
    with house.store.read(recording.SYSTEM) as tx:
        waiting = store.RUN.by(tx, "state", "waiting")
    backups = {one.id: one for one in waiting if one.kind == "backup"}
    looks = looking.around(house) if backups else {}
    with house.store.read(recording.SYSTEM) as tx:
        now = tx.now
        words = {id: targets.missing(house, tx, one, looks) for id, one in backups.items()}
    queue = plan_watch_rules.queue([_waits(one, words[one.id], now) for one in backups.values()], False, now)
    others = [one for one in waiting if one.kind != "backup" and int(one.facts.get("notBefore", 0)) <= now]
    house.store.run(
        recording.SYSTEM,
        partial(_settle, {one.id for one in queue.overtaken}, words),
    )
    chosen = [*others, *([backups[queue.start.id]] if queue.start is not None else [])]
    return min(chosen, key=lambda one: (_RANK[one.kind], one.asked, one.id), default=None)


def _waits(run: RunKept, missing: Word | None, now: int) -> Waiting:
    by_hand = by_person(run)
    return Waiting(
        run.id,
        run.job or "evening",
        run.day,
        int(run.facts.get("due", run.asked)),
        ready=missing is None or by_hand,
        by_hand=by_hand,
        not_before=int(run.facts.get("notBefore", 0)),
    )


def by_person(run: RunKept) -> bool:
    """Did somebody start it? Then it does not wait for a medium but says at once that it is missing."""
    return run.by != "plan" or bool(run.facts.get("byHand"))


def _settle(overtaken: set[str], words: dict[str, Word | None], tx: "Tx") -> None:
    """Close those, and note what the others wait for."""
    for id, word in words.items():
        run = store.RUN.get(tx, id)
        if run is None or run.state != "waiting":
            continue
        facts = {name: value for name, value in run.facts.items() if name not in ("waits", "params")}
        if word is not None:
            facts |= {"waits": word.code, "params": dict(word.params)}
        if facts != run.facts:
            run = recording.put(tx, msgspec.structs.replace(run, facts=facts))
        if id in overtaken:
            recording.close(tx, run, "failed", str(facts.get("waits", OVERTAKEN)))


def _perform(house: "House", run: RunKept, held: "Held", stop: Stop) -> RunKept:
    return running.perform(house, run.id, held, stop)
