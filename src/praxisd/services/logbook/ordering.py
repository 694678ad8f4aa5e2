"""Standing orders: a person says what goes to whom until when, and may take it back with a click. Off until somebody does."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.services.logbook import packing, rules, searching, sending, store
from praxisd.services.logbook.sending import MANAGE
from praxisd.services.logbook.shelf import Wanted

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.jobs import RunContext

LONGEST_S = 366 * 86_400
BAD_UNTIL = "logbook.bad_until"
AGAIN_S = 3 * 86_400
"""So long a package that could not be sent is tried again. Seconds."""
ROUNDS = 5
"""Packages of one order in one run."""


def give(
    house: "House", tx: Tx, *, to: str, levels: list[str], sources: list[str], until: int, no: int
) -> str:
    """A new order; only what comes from now on is sent. Its id.

    Problems: `logbook.person_needed` (403), `logbook.bad_until`, `logbook.bad_address` (422), `support.partner_missing` (409).
    """
    sending.person(tx.actor)
    if not tx.now < until <= tx.now + LONGEST_S:
        raise Problem(BAD_UNTIL, 422)
    id_ = new_id()
    store.add_order(
        tx, id=id_, created_at=tx.now, created_by=tx.actor.label, sources=packing.encoded(sources), until=until, last_no=no,
        levels=packing.encoded(levels), target=sending.recipient(house, tx, to),
    )  # fmt: skip
    events.note(tx, "order.given", "LogOrder", id_)
    return id_


def withdraw(tx: Tx, id_: str, why: str = "withdrawn") -> None:
    """It ends now; ending it again changes nothing. 404."""
    if store.order(tx, id_) is None:
        raise not_found("LogOrder")
    if store.end_order(tx, id_, tx.actor.label, why):
        events.note(tx, "order.ended", "LogOrder", id_, why=why)


def carry_out(run: "RunContext") -> None:
    """Send what came since the last time, for each order that stands. Without one nothing is read and nothing leaves.

    Counts `sent`, `failed`, `ended`.
    """
    with run.read() as tx:
        orders = store.live_orders(tx)
    for one in orders:
        run.stop_if_asked()
        if _ended(run, one):
            run.checkpoint(ended=1)
            continue
        for state in _packages(run, one):
            good = state in ("sent", "unsure")
            run.checkpoint(sent=int(good), failed=int(not good))


def _ended(run: "RunContext", one: Any) -> bool:
    """An order whose time is over, or whose person may not give it any more, ends."""

    def work(tx: Tx) -> bool:
        why = "over" if one.until <= tx.now else ""
        if not why and not sending.permitted(run.house, tx, one.created_by, MANAGE):
            why = "person"
        if why:
            withdraw(tx, one.id, why)
        return bool(why)

    return run.house.store.run(run.actor, work)


def _packages(run: "RunContext", one: Any) -> "list[str]":
    """What did not leave before, then what came since; the state of each. The first that fails ends it for now."""
    house, actor, told = run.house, run.actor, []
    lang = _language(house, actor)
    with run.read() as tx:
        waiting = store.open_of(tx, one.id, tx.now - AGAIN_S)
    for _ in range(ROUNDS):
        if not waiting:
            made = _collected(house, actor, one)
            if made is None:
                break
            with run.read() as tx:
                waiting, one = [packing.need(tx, made)], store.order(tx, one.id)
        package = waiting.pop(0)
        try:
            told.append(sending.by_order(house, actor, one, package, lang))
        except Problem as problem:
            house.log.warning("logbook_order_failed", code=problem.code)
            told.append("failed")
        if told[-1] not in ("sent", "unsure"):
            break
    return told


def _collected(house: "House", actor: Actor, one: Any) -> str | None:
    """A package of what came since, or None where nothing did."""
    begun_anew = (
        searching.last_no(house) < one.last_no
    )  # another database, or the file was lost: all there came since
    asked = Wanted(
        organization=actor.organization,
        levels=rules.numbers(msgspec.json.decode(one.levels)),
        sources=tuple(msgspec.json.decode(one.sources)),
        after=0 if begun_anew else one.last_no,
    )
    found = list(searching.many(house, asked, packing.MOST // 4))
    while found:
        try:
            return packing.keep(house, actor, found, asked, order=one, no=found[-1].no)
        except Problem as problem:
            if problem.code != packing.LARGE or len(found) == 1:
                raise
        found = found[: len(found) // 2]  # the rest goes with the next one
    return None


def _language(house: "House", actor: Actor) -> str:
    with house.store.read(actor) as tx:
        return str(house.shared["practice"](tx)["language"]) if "practice" in house.shared else "de"
