"""States on a medium: which there are by the table and by the medium itself, which may go, which were read whole."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from praxisd.model.backup import Figures, State
from praxisd.model.backup_kept import PlanKept, SnapshotKept
from praxisd.services.backups import day_rules, engine, retention_rules, store
from praxisd.services.backups.engine import EngineFault, Snapshot, Stop
from praxisd.services.backups.plans import planning
from praxisd.services.backups.runs import history, recording, targets
from praxisd.services.backups.runs.recording import Recorder
from praxisd.services.backups.runs.running import Ending
from praxisd.services.backups.runs.targets import Target

NOT_DROPPED, MISSING = "backups.run_not_dropped", "backups.run_states_missing"

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx


def put(tx: "Tx", kept: SnapshotKept) -> None:
    """Keep it."""
    store.SNAPSHOT.put(tx, kept.id, kept, at=kept.at, medium=kept.medium)


def state(one: SnapshotKept) -> State:
    """As the rules of retention see it."""
    return State(id=one.id, no=one.no, at=one.at, good=one.good, held=one.held, behind=one.behind)


def behind(at: int, before: Sequence[SnapshotKept]) -> bool:
    """Was a state of a later time written on this medium before? To be kept with the new one."""
    return retention_rules.behind(at, [state(one) for one in before if one.gone is None])


def verified(tx: "Tx", medium: str, at: int) -> int:
    """All of the medium was read and is whole: each state of it, and those that had been doubted are good again."""
    found = history.states(tx, medium)
    for one in found:
        run = store.RUN.get(tx, one.run)
        whole = one.good or (run is not None and run.facts.get("whole", False))
        put(tx, msgspec.structs.replace(one, verified="all", verified_at=at, good=whole, doubted=False))
    return len(found)


def doubted(tx: "Tx", medium: str) -> int:
    """The medium is damaged: no state of it counts as good until all was read without a fault; so none is dropped."""
    found = history.states(tx, medium)
    for one in found:
        put(tx, msgspec.structs.replace(one, good=False, verified="none", doubted=True))
    return len(found)


def doubt(house: "House", medium: str) -> None:
    """The same in a transaction of its own."""
    house.store.run(recording.SYSTEM, lambda tx: doubted(tx, medium))


def reconcile(house: "House", target: Target) -> int:
    """What the medium holds and the table does not know, and the other way round; how many states are not there any more.

    Asked of the medium each time: it may have been emptied, copied by halves or mended by a disk check meanwhile. Where the
    names of its states tell that there is none but ours, nothing has to be opened for it.
    """
    medium = target.medium.medium.id
    ids = target.engine.state_names(target.repo.place)
    with house.store.read(recording.SYSTEM) as tx:
        known = {one.engine_id for one in store.SNAPSHOT.by(tx, "medium", medium)}
    there: Sequence[Snapshot] = ()
    if ids is None or not known.issuperset(ids):
        there = target.engine.snapshots(target.repo)
        ids = tuple(one.id for one in there)
    return house.store.run(recording.SYSTEM, lambda tx: _matched(house, tx, medium, frozenset(ids), there))


def _matched(house: "House", tx: "Tx", medium: str, ids: frozenset[str], there: Sequence[Snapshot]) -> int:
    """`ids` of all that are there; `there` is what they are, if one of them is not known."""
    known = {one.engine_id: one for one in store.SNAPSHOT.by(tx, "medium", medium)}
    no = max((one.no for one in known.values()), default=0)
    missing = 0
    for one in known.values():
        if one.gone is None and one.engine_id not in ids:
            put(tx, msgspec.structs.replace(one, gone=tx.now))
            missing += 1
        elif one.gone is not None and one.engine_id in ids:
            put(tx, msgspec.structs.replace(one, gone=None))
    for each in sorted(there, key=lambda one: (_no(one), one.at)):
        if each.id in known or _tag(each, "medium") not in ("", medium):
            continue
        no = max(no + 1, _no(each))
        put(tx, _found(house, tx, medium, each, no))
    return missing


def _found(house: "House", tx: "Tx", medium: str, each: Snapshot, no: int) -> SnapshotKept:
    """One that a run had finished when it was cut off: kept, not good until all of the medium was read."""
    day = day_rules.backup_day(each.at, planning.zone(house, tx), _border(tx))
    return SnapshotKept(
        id=f"{medium}/{each.id}",
        medium=medium,
        engine_id=each.id,
        no=no,
        at=each.at,
        run=_tag(each, "run"),
        day=day,
        figures=Figures(each.bytes, each.files, each.added, 0),
        opened_by=(),
        good=False,
        behind="behind" in each.tags,
    )


def _tag(one: Snapshot, name: str) -> str:
    return next((tag.partition("=")[2] for tag in one.tags if tag.startswith(f"{name}=")), "")


def _no(one: Snapshot) -> int:
    said = _tag(one, "no")
    return int(said) if said.isdecimal() else 0


def _border(tx: "Tx") -> str:
    kept = planning.plan(tx)
    return "06:00" if kept is None else kept.plan.day_begins


def drop(
    house: "House", recorder: Recorder, target: Target, plan: PlanKept | None, ending: Ending, stop: Stop
) -> Ending:
    """Let go what retention names. What fails there makes the run yellow; the copy stands."""
    if plan is None:
        return ending
    wanted = house.store.run(recording.SYSTEM, lambda tx: _let_go(house, tx, target.medium.medium.id, plan))
    if not wanted:
        return ending
    recorder.step("drop")
    try:
        target.engine.forget(target.repo, [one.engine_id for one in wanted], stop=stop)
    except EngineFault as fault:  # those that are still there are found by the next run
        fault = targets.told(house, target.medium.medium.id, fault)
        odd = {**ending.facts, "odd": True}
        if fault.code == engine.INTERRUPTED or ending.state != "good":
            return dataclasses.replace(ending, facts=odd)
        said = f"{fault.code} {fault.detail}".strip()
        return dataclasses.replace(ending, state="warning", code=NOT_DROPPED, detail=said, facts=odd)
    return dataclasses.replace(ending, facts={**ending.facts, "dropped": len(wanted)})


def _let_go(house: "House", tx: "Tx", medium: str, plan: PlanKept) -> list[SnapshotKept]:
    """Those that may go, marked as gone before they are: whoever wants to hold one is not told that it is kept."""
    found = history.states(tx, medium)
    zone, border = planning.zone(house, tx), plan.plan.day_begins
    names = retention_rules.keep([state(one) for one in found], plan.plan.keep, zone, border).drop
    gone = [one for one in found if one.id in names]
    for one in gone:
        put(tx, msgspec.structs.replace(one, gone=tx.now))
    return gone
