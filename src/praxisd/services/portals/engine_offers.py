"""Times offered at a portal one by one, where it takes them so: free times of the column, under the portal's lease."""

from functools import partial
from typing import TYPE_CHECKING

from praxisd.kernel import leases
from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import Busy
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import accounts, cycle_start, engine_rules, engine_store
from praxisd.services.portals.cycle import CRASHED, TTL_S, holder, key
from praxisd.services.portals.portal import CODES
from praxisd.services.portals.store import CALENDARS, PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

LONGEST_DAYS = 92


def offer(
    house: "House", actor: Actor, portal: str, link: str, start: int, end: int, minutes: int
) -> list[tuple[Busy, str | None]]:
    """Offer the column's free times in [start, end); each with the code why the portal did not take it, or None.

    Problems: 404, `portals.inactive`, `.sync_running` (409), `.cannot_offer` (422), `calendar.range_reversed`,
    `.range_too_long` (400); a failure of the portal as 502 with its code.
    """
    if end <= start:
        raise Problem("calendar.range_reversed", 400)
    if end - start > LONGEST_DAYS * 86_400:
        raise Problem("calendar.range_too_long", 400, days=LONGEST_DAYS)
    with house.store.read(actor) as tx:
        one, calendar_ = PORTALS.need(tx, portal), CALENDARS.need(tx, link)
        if calendar_.portal != portal:
            raise Problem("http.not_found", 404, kind="OnlineCalendar")
        if not one.active:
            raise Problem("portals.inactive", 409, portal=one.name)
        if not accounts.form(one.adapter).abilities.offers:
            raise Problem("portals.cannot_offer", 422, portal=one.name)
        account = accounts.account(house, tx, one)
        times = _free(house, tx, calendar_.schedule, start, end, minutes * 60)
    if not times:
        return []
    started = house.clock.now()
    taken = house.store.run(actor, partial(_take, house, portal))
    if taken is None:
        raise Problem("portals.sync_running", 409, retry=True, portal=one.name)
    lease, text = taken
    try:
        memory = accounts.Kept(text, partial(_remember, house, actor, portal, lease))
        wire = accounts.opened(house, account, one.adapter, memory)
        got = wire.offer(calendar_.name, times, started + TTL_S)
    except Problem as problem:
        code = problem.code if problem.code in CODES else CRASHED
        raise Problem(
            code, 502, retry=problem.retry, portal=one.name, calendar=calendar_.name, names="–"
        ) from None
    finally:
        house.store.run(actor, lambda tx: leases.release(tx, lease))
    return list(zip(times, got, strict=True))


def _free(house: "House", tx: Tx, schedule: str, start: int, end: int, length: int) -> list[Busy]:
    """What is open and not busy, cut into times of one length; each opening begins anew."""
    known = calendar.views(house).calendar(tx)
    column = known.schedules.get(schedule)
    if column is None:
        return []
    busy = [(one.start, one.end) for one in calendar.busy(house, tx, schedule, start, end)]
    found: list[Busy] = []
    for low, high in engine_rules.openings(
        start, end, known.almanac.zone, lambda on: known.almanac.periods(column, on)
    ):
        found += [Busy(start=a, end=b) for a, b in engine_rules.steps(low, high, length, busy)]
    return found


def _take(house: "House", portal: str, tx: Tx) -> tuple[leases.Lease, str] | None:
    """The lease, and what the adapter remembers behind it: another cycle may just have ended. None: another is at it."""
    lease = leases.acquire(tx, key(portal), holder(house), TTL_S)
    if lease is None:
        return None
    row = engine_store.cycle(tx, portal)
    if row is None:
        return lease, "{}"
    now = tx.lease_now()
    engine_store.change_cycle(tx, portal, contacted_at=now, due_at=cycle_start.later(row.due_at, now))
    return lease, row.memory


def _remember(house: "House", actor: Actor, portal: str, lease: leases.Lease, text: str) -> None:
    def work(tx: Tx) -> None:
        if leases.renew(tx, lease, TTL_S):
            engine_store.change_cycle(tx, portal, memory=text)

    house.store.run(actor, work)
