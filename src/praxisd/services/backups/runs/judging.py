"""What is known of whether the practice is protected, from all rooms, and what the rule says to it (`protected_rules`)."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from praxisd.model.backup import DueRun
from praxisd.model.backup_kept import MediumKept, PlanKept, RunKept
from praxisd.services.backups import done_rules, engine, media_rules, plan_rules, store, whereabouts_rules
from praxisd.services.backups.plans import labels, media, planning
from praxisd.services.backups.runs import history, protected_rules, verify_rules
from praxisd.services.backups.runs.protected_rules import Facts, Judgement, Missed

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

_DAYS_BACK = 31
_RUNS = 400
_MADE = ("good", "warning")
_NOT_READ = (
    *media_rules.CODES,
    media.AWAY,
    media.NEEDED,
    media.TARGET_HELD,
    engine.UNPLUGGED,
    engine.UNREACHABLE,
)
"""Why a reading did not begin: of the medium it says nothing."""


def judgement(house: "House", tx: "Tx") -> Judgement:
    """Is the practice protected? Reads only the tables."""
    return protected_rules.judge(facts(house, tx), tx.now)


def facts(house: "House", tx: "Tx") -> Facts:
    """What the rule wants to know."""
    kept = planning.plan(tx)
    every = store.RUN.by(tx, "kind", "backup", most=_RUNS)
    runs = store.RUN.by(tx, "kind", "backup", most=_RUNS, before=tx.now + done_rules.SLACK_S)
    runs = [one for one in runs if not done_rules.future(one, tx.now)]
    good = next((one for one in runs if one.state == "good"), None) or history.last_good(tx)
    last = next((one for one in runs if one.ended is not None), None)
    used = {one.medium.id: one for one in store.MEDIUM.all(tx) if not one.medium.retired}
    standing = _standing(tx, used)
    proofs = [one for one in store.RUN.by(tx, "kind", "prove", most=60) if _tried(one, tx.now)]
    external = kept is not None and kept.plan.variant == "external"
    return Facts(
        planned=kept is not None,
        external=external,
        last=last,
        onto=() if last is None else (_onto(house, last, used),),
        each=_each(kept, runs, tx.now),
        good=good,
        there=good is not None and good.snapshot in standing,
        held=bool(standing),
        damaged=_labels(one for id, one in used.items() if verify_rules.doubted(history.states(tx, id))),
        unread=_labels(one for one in used.values() if _unread(tx, one)),
        missed=Missed() if kept is None else _missed(house, tx, kept, runs, None if external else standing),
        clock=any(done_rules.coming(one, tx.now) for one in every) and not _after_all(tx, good),
        inside=kept is not None and _inside(house, tx, kept, used),
        proof=next(iter(proofs), None),
        proven=next((one.ended for one in proofs if one.state == "good"), None),
    )


def _after_all(tx: "Tx", good: RunKept | None) -> bool:
    """Was this copy written after those of a time to come? Its state says so (`SnapshotKept.behind`)."""
    state = None if good is None else store.SNAPSHOT.get(tx, good.snapshot)
    return state is not None and state.behind


def _tried(proof: RunKept, now: int) -> bool:
    """Did it come to an end that says something?"""
    return (
        proof.ended is not None
        and not done_rules.future(proof, now)
        and proof.state != "interrupted"
        and proof.code not in _NOT_READ
    )


def _onto(house: "House", last: RunKept, used: dict[str, MediumKept]) -> str:
    medium = used.get(last.medium)
    return f"„{labels.label(house, last.slot) if medium is None else medium.medium.label}“"


def _standing(tx: "Tx", used: dict[str, MediumKept]) -> set[str]:
    """The good states on media in use."""
    return {one.id for id in used for one in history.states(tx, id) if one.good}


def _each(kept: PlanKept | None, runs: list[RunKept], now: int) -> tuple[RunKept, ...]:
    """The newest backup that ended of each job of the plan, since the plan is in force."""
    if kept is None:
        return ()
    found: dict[str, RunKept] = {}
    slots = {one.id for one in plan_rules.slots(kept.plan)}
    for one in runs:
        if one.slot not in slots:
            continue  # onto a spare medium: nothing of the plan
        if one.ended is not None and one.job is not None and one.asked >= done_rules.in_force(kept.at, now):
            found.setdefault(one.job, one)
    return tuple(found[one.name] for one in kept.plan.jobs if one.name in found)


def _missed(
    house: "House", tx: "Tx", kept: PlanKept, runs: list[RunKept], standing: set[str] | None
) -> Missed:
    today = planning.today(house, tx, kept)
    copies = [
        (one.job, one.began)
        for one in runs
        if one.state in _MADE and one.job is not None and one.began is not None
        if standing is None or one.snapshot in standing
    ]
    away = {one.name for one in kept.plan.jobs if one.use in ("away", "remote")}
    return protected_rules.missed(_due(house, tx, kept, runs), copies, away, today, tx.now)


def _due(house: "House", tx: "Tx", kept: PlanKept, runs: list[RunKept]) -> tuple[DueRun, ...]:
    """What the plan has wanted within a month, since it is in force; of a plan of a time to come, since its first run."""
    since = done_rules.in_force(kept.at, tx.now) or min((one.asked for one in runs), default=tx.now)
    zone, today = planning.zone(house, tx), planning.today(house, tx, kept)
    after = max(since, tx.now - _DAYS_BACK * 86_400)
    closed = planning.closed(house, tx, today - timedelta(days=_DAYS_BACK + 1), today)
    return plan_rules.due_runs(kept.plan, after, tx.now, zone, closed)


def _unread(tx: "Tx", one: MediumKept) -> bool:
    """Did the last reading of it fail for what is on it, and has nothing good been written there since?"""
    read = history.newest(tx, "verify", one.medium.id)
    if read is None or read.state != "failed" or read.code in _NOT_READ:
        return False
    good = history.last_good(tx, one.medium.id)
    return good is None or (good.ended or 0) < (read.ended or 0)


def _inside(house: "House", tx: "Tx", kept: PlanKept, used: dict[str, MediumKept]) -> bool:
    """Has a copy that should be outside of the practice not left it, for all that is known?"""
    closed = planning.closed_around(house, tx, tx.now)
    every = [one.medium for one in used.values()]
    return bool(
        whereabouts_rules.offsite(
            kept.plan, every, min(kept.at, tx.now), tx.now, planning.zone(house, tx), closed
        )
    )


def _labels(found: Iterable[MediumKept]) -> tuple[str, ...]:
    return tuple(f"„{one.medium.label}“" for one in sorted(found, key=lambda one: one.medium.label))
