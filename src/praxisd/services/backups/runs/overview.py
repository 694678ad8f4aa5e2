"""How it stands with the backups today, put together of all rooms: the first thing a person sees of them."""

from typing import TYPE_CHECKING

from praxisd.kernel.access import Actor
from praxisd.kernel.clock import format_rfc3339
from praxisd.model.backup import DueRun
from praxisd.model.backup_kept import PlanKept, RunState
from praxisd.services.backups import done_rules, plan_rules, store
from praxisd.services.backups.engine import EngineFault
from praxisd.services.backups.engine_checks import engine_of
from praxisd.services.backups.plans import desk, labels, media_view, plan_view, planning
from praxisd.services.backups.protocol import log_keeping
from praxisd.services.backups.runs import history, judging, view
from praxisd.services.backups.runs.shapes import (
    BackupOverview,
    CheckOut,
    EngineOut,
    NextOut,
    ProofOut,
    ProtectedOut,
    WordOut,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

_AHEAD = 14
_DONE: tuple[RunState, ...] = ("good", "warning", "running", "waiting")


def overview(house: "House", actor: Actor, lang: str) -> BackupOverview:
    """All of it; of drives what the last round of checks saw."""
    around, program = desk.outside(house, remembered=True), engine(house, lang)
    with house.store.read(actor) as tx:
        return _overview(house, tx, lang, around, program)


def _overview(
    house: "House", tx: "Tx", lang: str, around: desk.Outside, program: EngineOut
) -> BackupOverview:
    kept = planning.plan(tx)
    zone = planning.zone(house, tx)
    running, last, good = history.running(tx), history.last(tx), history.last_good(tx)
    proof = history.newest(tx, "prove")
    return BackupOverview(
        day=planning.today(house, tx, kept).isoformat(),
        plan=plan_view.shown(house, tx, lang),
        engine=program,
        words=words(house, tx, lang, around),
        next=_next(house, tx, kept, lang),
        running=None if running is None else view.single(house, tx, running, lang),
        last=None if last is None else view.single(house, tx, last, lang),
        last_good=None if good is None else view.single(house, tx, good, lang),
        protected=protected(house, tx, lang),
        check=_check(house, tx),
        proof=None
        if proof is None or proof.ended is None
        else ProofOut(at=format_rfc3339(proof.ended, zone), good=proof.state == "good"),
        media=media_view.shown(house, tx, lang),
    )


def engine(house: "House", lang: str) -> EngineOut:
    """The program that makes the copies."""
    try:
        version = engine_of(house).version()
    except EngineFault as fault:
        return EngineOut(
            ok=False, version="", problem=labels.code_words(house, fault.code, lang, fault.detail)
        )
    return EngineOut(ok=True, version=".".join(str(one) for one in version), problem=None)


def words(house: "House", tx: "Tx", lang: str, around: desk.Outside) -> tuple[WordOut, ...]:
    """What is to be done today, most pressing first."""
    found = []
    asked = log_keeping.asked(house, tx)
    for one in desk.words(house, tx, tx.now, around):
        told = labels.word(house, one, lang)
        found.append(
            WordOut(
                code=told["code"],
                title=told["title"],
                hint=told["hint"],
                subject=one.subject,
                action=desk.action(one.code),
            )
        )
    if asked.due and asked.day is not None:
        found.append(
            WordOut(
                code="backups.log_unchecked",
                title=house.texts.get("backups.overview.check_log", lang),
                hint=house.texts.get("backups.overview.check_log_hint", lang),
                subject=asked.day.isoformat(),
                action="check_log",
            )
        )
    return tuple(found)


def protected(house: "House", tx: "Tx", lang: str) -> ProtectedOut:
    """Is the practice protected, since when, and why or why not."""
    found = judging.judgement(house, tx)
    since = None if found.since is None else format_rfc3339(found.since, planning.zone(house, tx))
    why = house.texts.get(f"backups.protected.{found.why}", lang, media=", ".join(found.media))
    return ProtectedOut(state=found.state, since=since, why=why)


def _next(house: "House", tx: "Tx", kept: PlanKept | None, lang: str) -> NextOut | None:
    one = None if kept is None else upcoming(house, tx, kept)
    if one is None:
        return None
    return NextOut(
        job=one.run.job,
        slot=one.run.slot,
        label=labels.label(house, one.run.slot, lang),
        at=format_rfc3339(one.at, planning.zone(house, tx)),
        start=one.run.start,
    )


def upcoming(house: "House", tx: "Tx", kept: PlanKept) -> DueRun | None:
    """The next run that the plan wants and nobody has done: also one of today that waits for the desk's click."""
    zone, today = planning.zone(house, tx), planning.today(house, tx, kept)
    closed = planning.closed_around(house, tx, tx.now)
    runs = store.RUN.by(tx, "kind", "backup", most=60, before=tx.now + done_rules.SLACK_S)
    after = max(done_rules.in_force(kept.at, tx.now), tx.now - 86_400)
    for one in plan_rules.due_runs(kept.plan, after, tx.now + _AHEAD * 86_400, zone, closed):
        waits = one.at > tx.now or (one.run.day == today and one.run.start == "desk")
        if waits and not done_rules.done(one, runs, tx.now, _DONE):
            return one
    return None


def _check(house: "House", tx: "Tx") -> CheckOut:
    asked = log_keeping.asked(house, tx)
    return CheckOut(
        day=None if asked.day is None else asked.day.isoformat(),
        due=asked.due,
        by="" if tx.actor.masked else asked.by,
        at=None if asked.at is None else format_rfc3339(asked.at, planning.zone(house, tx)),
    )
