"""What a cycle tells a portal beside busy times: decisions on bookings, and what a person said of unknown times."""

from functools import partial
from typing import Any, cast

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.portals import cycle_store, engine_rules, engine_store
from praxisd.services.portals.cycle import STOPS, Cycle
from praxisd.services.portals.portal import Reply, Unknown

FIRST_PAUSE_S = 60


def answers(one: Cycle) -> None:
    """Tell what was decided, the oldest decision first; of several on one booking only the newest."""
    if one.wire is None or not one.wire.abilities.answers:
        return
    with one.house.store.read(one.actor) as tx:
        due = engine_store.due_answers(tx, one.portal.id, tx.now)
    for row in due:
        with one.house.store.read(one.actor) as tx:
            outdone = engine_store.outdone(tx, row)
        if outdone:
            one.write(partial(_mark, row, {"state": "superseded"}))
            continue
        reply = Reply(row.remote, row.kind, row.start, row.end, row.reason)
        try:
            one.call(lambda wire, reply=reply: wire.answer(reply, one.before))  # type: ignore[misc]
        except Problem as problem:
            one.write(partial(_not_told, row, problem))
            if problem.code in STOPS:
                raise
        else:
            one.write(partial(_told, row))


def _told(row: Any, tx: Tx) -> None:
    _mark(row, {"state": "sent", "sent_at": tx.now, "code": None, "attempts": row.attempts + 1}, tx)


def _not_told(row: Any, problem: Problem, tx: Tx) -> None:
    """Later again where that makes sense; else the desk has to know."""
    attempts = row.attempts + 1
    values: dict[str, Any] = {"attempts": attempts, "code": problem.code}
    if problem.retry or problem.code in STOPS:
        values["next_at"] = tx.now + engine_rules.wait_after(FIRST_PAUSE_S, attempts, True)
    else:
        values["state"] = "failed"
    _mark(row, values, tx)


def _mark(row: Any, values: dict[str, Any], tx: Tx) -> None:
    engine_store.change_answer(tx, row.id, **values)


def choices(one: Cycle) -> None:
    """Do with unknown times what a person chose."""
    if one.wire is None or not one.wire.abilities.offers:
        return
    with one.house.store.read(one.actor) as tx:
        chosen = cycle_store.chosen(tx, one.portal.id)
    for row in chosen:
        unknown = Unknown(row.remote, row.calendar, row.start, row.end, row.version)
        choice = cast("Any", row.choice)
        try:
            one.call(lambda wire, u=unknown, c=choice: wire.settle(u, c, one.before))  # type: ignore[misc]
        except Problem as problem:
            if problem.code in STOPS:
                raise
            one.house.log.warning("choice_refused", where=one.portal.id, code=problem.code)
        else:
            one.write(partial(_settled, one.portal.id, row.remote))


def _settled(portal: str, remote: str, tx: Tx) -> None:
    cycle_store.settle(tx, portal, remote)
