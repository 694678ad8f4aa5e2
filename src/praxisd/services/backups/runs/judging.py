"""What is known of whether the practice is protected, from all rooms, and what the rule says to it (`protected_rules`)."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from praxisd.model.backup import DueRun
from praxisd.model.backup_kept import MediumKept, PlanKept, RunKept
from praxisd.services.backups import engine, media_rules, plan_rules, store, whereabouts_rules
from praxisd.services.backups.plans import media, planning
from praxisd.services.backups.runs import history, protected_rules, verify_rules
from praxisd.services.backups.runs.protected_rules import Facts, Judgement, Missed

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

_DAYS_BACK = 31
_RUNS = 400
_MADE = ("good", "warning")
_NOT_READ = (*media_rules.CODES, media.AWAY, engine.UNPLUGGED, engine.UNREACHABLE)
"""Why a reading did not begin: of the medium it says nothing."""


def judgement(house: "House", tx: "Tx") -> Judgement:
    """Is the practice protected? Reads only the tables."""
    return protected_rules.judge(facts(house, tx), tx.now)


def facts(house: "House", tx: "Tx") -> Facts:
    """What the rule wants to know."""
    kept, good = planning.plan(tx), history.last_good(tx)
    runs = store.RUN.by(tx, "kind", "backup", most=_RUNS)
    used = {one.medium.id: one for one in store.MEDIUM.all(tx) if not one.medium.retired}
    standing = _standing(tx, used)
    proofs = [one for one in store.RUN.by(tx, "kind", "prove", most=60) if _tried(one)]
    external = kept is not None and kept.plan.variant == "external"
    return Facts(
        planned=kept is not None,
        external=external,
        last=history.last(tx),
        each=_each(kept, runs),
        good=good,
        there=good is not None and good.snapshot in standing,
        held=bool(standing),
        damaged=_labels(one for id, one in used.items() if verify_rules.doubted(history.states(tx, id))),
        unread=_labels(one for one in used.values() if _unread(tx, one)),
        missed=Missed() if kept is None else _missed(house, tx, kept, runs, None if external else standing),
        inside=kept is not None and _inside(house, tx, kept, used),
        proof=next(iter(proofs), None),
        proven=next((one.ended for one in proofs if one.state == "good"), None),
    )


def _tried(proof: RunKept) -> bool:
    """Did it come to an end that says something?"""
    return proof.ended is not None and proof.state != "interrupted" and proof.code not in _NOT_READ


def _standing(tx: "Tx", used: dict[str, MediumKept]) -> set[str]:
    """The good states on media in use."""
    return {one.id for id in used for one in history.states(tx, id) if one.good}


def _each(kept: PlanKept | None, runs: list[RunKept]) -> tuple[RunKept, ...]:
    """The newest backup that ended of each job of the plan, since the plan is in force."""
    if kept is None:
        return ()
    found: dict[str, RunKept] = {}
    for one in runs:
        if one.ended is not None and one.job is not None and one.asked >= kept.at:
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
    return protected_rules.missed(_due(house, tx, kept), copies, away, today, tx.now)


def _due(house: "House", tx: "Tx", kept: PlanKept) -> tuple[DueRun, ...]:
    """What the plan has wanted within a month, since it is in force."""
    zone, today = planning.zone(house, tx), planning.today(house, tx, kept)
    after = max(kept.at, tx.now - _DAYS_BACK * 86_400)
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
        whereabouts_rules.offsite(kept.plan, every, kept.at, tx.now, planning.zone(house, tx), closed)
    )


def _labels(found: Iterable[MediumKept]) -> tuple[str, ...]:
    return tuple(f"„{one.medium.label}“" for one in sorted(found, key=lambda one: one.medium.label))
