"""Rounds of the waiting list: one per time that became free. It is kept, and offered to one after another until one accepts.

What is costly (who fits?) is read outside of the transaction that writes; what was read is looked at again there. The
practice's own hours hold: nobody is asked at night. Times not offered by themselves are only shown, while they are free.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import check_version
from praxisd.kernel.store import Tx
from praxisd.services.calendar import fitting, freeing, offers, waiting_rules, waiting_store
from praxisd.services.calendar.fitting import Fit
from praxisd.services.calendar.view import views
from praxisd.services.calendar.waiting_store import Offer, Round
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

FROM, TO = "calendar.waiting_from", "calendar.waiting_to"
LOOK_AGAIN_S = 600
"""How soon a time that is only shown is looked at again: is it still free, does still somebody fit?"""


def step(house: "House", actor: Actor, stop: Callable[[], bool] = lambda: False) -> dict[str, int]:
    """Look at each round that is due, once; how many offers were made and rounds ended."""
    with house.store.read(actor) as tx:
        due = waiting_store.due(tx)
    counts = {"offers": 0, "ended": 0}
    for id_ in due:
        if stop():
            break
        with house.store.read(actor) as tx:
            seen = waiting_store.round_of(tx, id_)
            found = _next(house, tx, seen) if seen is not None else None
        if seen is None:
            continue
        after, made = house.store.run(actor, partial(_go_on, house, seen, found))
        counts["offers"] += made
        counts["ended"] += after.state == "ended"
    return counts


def _next(house: "House", tx: Tx, one: Round) -> Fit | None:
    if one.state == "ended" or (one.state == "running" and not one.automatic):
        return None
    return next(fitting.fits(house, tx, one), None)


def _go_on(house: "House", seen: Round, found: Fit | None, tx: Tx) -> tuple[Round, int]:
    """(the round afterwards, how many offers were made)."""
    one = waiting_store.round_of(tx, seen.id, lock=True)
    if one is None or one.version != seen.version or one.state == "ended":
        return one or seen, 0  # somebody answered meanwhile: it is due again
    if one.end <= tx.now:
        return offers.end(house, tx, one, "past"), 0
    automatic = one.automatic and bool(house.settings.get(tx, freeing.OFFERS))
    if one.state == "found":
        if found is None:
            return offers.end(house, tx, one, "empty"), 0
        if not automatic:
            return _wait(tx, one, tx.now + LOOK_AGAIN_S), 0
    live = _live(house, tx, one)
    if one.state == "running" and not live and not automatic:
        return offers.end(house, tx, one, "empty"), 0
    asked = max((o.until for o in live), default=0)
    if asked > tx.now:
        return _wait(tx, one, asked), 0
    opens = _opens(house, tx)
    if automatic and found is not None:
        if opens > tx.now:
            if live:
                offers.keep(house, tx, one, opens)
            return _wait(tx, one, opens), 0
        made = offers.make(house, tx, one, found.entry.id, found.start, found.end, found.schedules)
        if made is not None:
            running = msgspec.structs.replace(one, state="running")
            return _wait(tx, running, made.until), 1
        # The time or the patient was taken since we looked: look again.
        return _wait(tx, one, tx.now), 0
    return offers.end(house, tx, one, "empty"), 0


def _live(house: "House", tx: Tx, one: Round) -> list[Offer]:
    """Its open offers; those whose time somebody took (the hold had lapsed) or whose patient left are gone now."""
    there = [o for o in waiting_store.offers_of(tx, one.id) if o.state == "open"]
    if not there:
        return []
    until = max(tx.now, *(o.until for o in there))
    good = offers.keep(house, tx, one, until)
    for other in there:
        if other.id not in good or other.start <= tx.now:
            offers.close(tx, other, "gone")
    return [o for o in there if o.id in good and o.start > tx.now]


def _wait(tx: Tx, one: Round, until: int) -> Round:
    return waiting_store.save_round(tx, msgspec.structs.replace(one, next_at=until))


def _opens(house: "House", tx: Tx) -> int:
    """The next instant at which patients may be asked; now, if they may."""
    begin, end = house.settings.get(tx, FROM), house.settings.get(tx, TO)
    return waiting_rules.next_open(tx.now, begin, end, views(house).calendar(tx).almanac.zone)


def by_hand(
    house: "House", tx: Tx, entry_id: str, start: int, schedules: tuple[str, ...], round_id: str | None
) -> Offer:
    """The desk offers a time to somebody who waits; of a round, or one of its own. It is kept until the answer.

    Raises 404, calendar.not_waiting and calendar.offer_open (409), directory.patient_inactive (422), what a booking raises
    for hours and columns (422), and calendar.slot_taken (409).
    """
    round_ = waiting_store.round_of(tx, round_id, lock=True) if round_id else None
    if round_id and (round_ is None or round_.state == "ended"):
        raise not_found("Round")
    entry = waiting_store.entry(tx, entry_id)
    if entry is None:
        raise not_found("WaitingEntry")
    if entry.state != "waiting":
        raise Problem("calendar.not_waiting", 409)
    if waiting_store.open_offers(tx, entry.patient):
        raise Problem("calendar.offer_open", 409)
    directory.resolve(tx, entry.patient)
    if not fitting.earlier(tx, entry, start):
        raise Problem("calendar.offer_later", 422)
    chosen, end = fitting.by_hand(house, tx, entry, start, schedules, round_)
    if round_ is None:
        round_ = Round(
            id=new_id(),
            source=f"Hand/{new_id()}",
            schedules=chosen,
            start=start,
            end=end,
            automatic=False,
            found_at=tx.now,
            next_at=tx.now,
        )
        waiting_store.add_round(tx, round_)
    made = offers.make(house, tx, round_, entry_id, start, end, chosen)
    if made is None:
        raise Problem("calendar.slot_taken", 409)
    _wait(tx, msgspec.structs.replace(round_, state="running"), made.until)
    return made


def stop(house: "House", tx: Tx, id_: str, expected: int | None = None) -> Round:
    """The desk needs the time: the round ends, its offers are gone. Ending an ended one changes nothing. 404, 412."""
    one = waiting_store.round_of(tx, id_, lock=True)
    if one is None:
        raise not_found("Round")
    check_version(expected, one.version, "Round")
    return offers.end(house, tx, one, "stopped")
