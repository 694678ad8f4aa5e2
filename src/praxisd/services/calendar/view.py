"""What one practice's calendar looks like now: columns, types, almanac and occupied bits, kept while unchanged.

Two counters decide what may be kept: `config` (columns, types, absences, closings, imported slots) and
each column's `busy_rev`. In a process that alone owns the database, `revision` says without a query that
nothing changed at all; with several nodes the counters are read each time (one short query each).
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from praxisd.kernel.access import Actor
from praxisd.kernel.clock import zone
from praxisd.kernel.store import Tx
from praxisd.model.scheduling import Closing, HealthcareService, Schedule
from praxisd.services.calendar import rules, store
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

CONFIG = "config"
_BITS_KEPT = 4_000
_KNOWN_KEPT = 50
_ANSWERS_KEPT = 512
_YEARS_AHEAD = 12
"""More than the farthest `max_ahead` (3660 days); a year of holidays costs a third of a millisecond."""
_RELOAD_S = 86_400
"""The list of holidays reaches over the next years, so a day's delay in moving it on does no harm."""


class Occupied(NamedTuple):
    """One column over one span: occupied units, holds (not among them), and what `rules` worked out from them."""

    bits: int
    held: tuple[rules.Held, ...]
    worked: dict[tuple[object, ...], int]


@dataclass(frozen=True, eq=False)
class State:
    """A calendar, `busy_rev` of each of its columns, and what is known of them as long as these stay the same."""

    calendar: "Calendar"
    revisions: Mapping[str, int]
    known: dict[tuple[object, ...], rules.Known] = field(default_factory=dict)


@dataclass(frozen=True)
class Calendar:
    """One practice's columns, types and almanac at a configuration revision."""

    config: int
    schedules: Mapping[str, Schedule]
    services: Mapping[str, HealthcareService]
    almanac: rules.Almanac
    fresh_until: int

    def for_actor(self, actor: Actor) -> Mapping[str, Schedule]:
        """The columns this actor may use: for portals only active, released ones."""
        if actor.portal is None:
            return self.schedules
        return self._released

    @cached_property
    def _released(self) -> Mapping[str, Schedule]:
        return {k: s for k, s in self.schedules.items() if s.released and s.active}

    def service_for(self, actor: Actor, id_: str) -> HealthcareService | None:
        """The type, if this actor may know of it."""
        found = self.services.get(id_)
        if found is None or (actor.portal is not None and not (found.released and found.active)):
            return None
        return found


class Views:
    """All calendars of this process. Threads share it; a race costs a second computation, nothing else."""

    def __init__(self) -> None:
        self._revisions: dict[str, int] = {}
        self._calendars: dict[str, Calendar] = {}
        self._states: dict[str, tuple[int, State]] = {}
        self._occupied: OrderedDict[tuple[object, ...], tuple[int | None, Occupied]] = OrderedDict()
        self._gate = threading.Lock()
        self.answers: OrderedDict[tuple[object, ...], tuple[int, int | None, bytes, str]] = OrderedDict()

    def revision(self, organization: str) -> int:
        """How often this practice's calendar was changed here: what others change leaves its kept answers alone."""
        return self._revisions.get(organization, 0)

    def changed(self, organization: str) -> None:
        """Called after each commit that touched this practice's calendar."""
        with self._gate:
            self._revisions[organization] = self._revisions.get(organization, 0) + 1

    def keep(self, key: tuple[object, ...], answer: tuple[int, int | None, bytes, str]) -> None:
        """Remember an encoded answer: (state it was made from, valid until, bytes, ETag)."""
        with self._gate:
            self.answers[key] = answer
            self.answers.move_to_end(key)
            while len(self.answers) > _ANSWERS_KEPT:
                self.answers.popitem(last=False)

    def calendar(self, tx: Tx) -> Calendar:
        """The calendar of the transaction's organization as of this transaction."""
        config = store.counter(tx, CONFIG)
        known = self._calendars.get(tx.organization)
        if known is not None and known.config == config and known.fresh_until > tx.now:
            return known
        organization = directory.organization(tx)
        fresh = self._load(tx, config, organization.zone, organization.region)
        keep = partial(self._calendars.__setitem__, tx.organization, fresh)
        if tx.writable:
            tx.after(keep)  # what is rolled back must not be remembered under a number given out again
        else:
            keep()
        return fresh

    def state(self, tx: Tx, revision: int | None = None) -> State:
        """Calendar and revisions as of this transaction.

        `revision` is the practice's, looked at before the transaction began: where this process alone owns the
        database and nothing changed since, the answer comes from memory.
        """
        if revision is None or tx.writable or not tx.store.alone:
            return State(self.calendar(tx), store.revisions(tx))
        found = self.unchanged(tx.organization, revision, tx.now)
        if found is None:
            found = State(self.calendar(tx), store.revisions(tx))
            self._states[tx.organization] = (revision, found)
        return found

    def unchanged(self, organization: str, revision: int, now: int) -> State | None:
        """The state as it was remembered at this `revision`, without a look at the database."""
        kept = self._states.get(organization)
        if kept is None or kept[0] != revision or kept[1].calendar.fresh_until <= now:
            return None
        return kept[1]

    def known(self, tx: Tx, state: State, schedules: tuple[str, ...], over: rules.Span) -> rules.Known:
        """What is occupied in these schedules over the span, and room for what is worked out of it."""
        found = state.known.get((schedules, over))
        if found is None:
            occupied = self.occupied(tx, schedules, over, state.revisions)
            found = rules.Known(
                {name: one.bits for name, one in occupied.items()},
                tuple(row for one in occupied.values() for row in one.held),
                {name: one.worked for name, one in occupied.items()},
                {},
            )
            if len(state.known) >= _KNOWN_KEPT:
                state.known.clear()
            state.known[schedules, over] = found
        return found

    def _load(self, tx: Tx, config: int, zone_name: str, region: str | None) -> Calendar:
        almanac = almanac_of(tx, zone(zone_name), region)
        schedules = {s.id: s for s in store.SCHEDULES.all(tx)}
        services = {s.id: s for s in store.SERVICES.all(tx)}
        return Calendar(config, schedules, services, almanac, tx.now + _RELOAD_S)

    def occupied(
        self, tx: Tx, schedules: Sequence[str], over: rules.Span, revisions: Mapping[str, int]
    ) -> dict[str, Occupied]:
        """What is occupied in each schedule over the span; read only for those that changed since they were kept."""
        keys = {s: (tx.organization, s, over) for s in schedules}
        got: dict[str, Occupied] = {}
        missing: list[str] = []
        with self._gate:
            for one, key in keys.items():
                known = self._occupied.get(key)
                if known is None or known[0] != revisions.get(one):
                    missing.append(one)
                else:
                    got[one] = known[1]
                    self._occupied.move_to_end(key)
        if missing:
            got |= self._read(tx, missing, over)
            if not tx.writable:  # a rollback would leave behind what never was
                with self._gate:
                    for one in missing:  # in place of the revision before: nobody asks for that one again
                        self._occupied[keys[one]] = (revisions.get(one), got[one])
                        self._occupied.move_to_end(keys[one])
                    while len(self._occupied) > _BITS_KEPT:
                        self._occupied.popitem(last=False)
        return got

    @staticmethod
    def _read(tx: Tx, schedules: Sequence[str], over: rules.Span) -> dict[str, Occupied]:
        fixed: dict[str, list[tuple[int, int]]] = {s: [] for s in schedules}
        held: dict[str, list[rules.Held]] = {s: [] for s in schedules}
        for schedule, start, end, _owner, expires in store.busy_rows(tx, over.start, over.end, schedules):
            if expires is None:
                fixed[schedule].append((start, end))
            else:
                held[schedule].append(rules.Held(schedule, start, end, expires))
        return {s: Occupied(rules.busy_bits(fixed[s], over), tuple(held[s]), {}) for s in schedules}


def almanac_of(tx: Tx, here: ZoneInfo, region: str | None) -> rules.Almanac:
    """A fresh almanac of the practice: closed days of the years ahead, absences, imported openings."""
    year = rules.local_date(tx.now, here).year
    closings = [Closing(date=r[0], closed=bool(r[1]), name=r[2]) for r in closing_rows(tx)]
    return rules.Almanac(
        here,
        rules.closed_days(region, range(year - 1, year + _YEARS_AHEAD), closings),
        store.ABSENCES.all(tx),
        store.IMPORTED_SLOTS.all(tx, store.IMPORTED.c.status == "free"),
    )


def closing_rows(tx: Tx) -> list[tuple[date, int, str]]:
    """(date, closed, name) of the practice's own closings."""
    return [(date.fromisoformat(r.date), r.closed, r.name) for r in tx.all(store.CLOSINGS)]


def views(house: "House") -> Views:
    """The views of this process."""
    found = house.shared.get("calendar.views")
    if found is None:
        found = house.shared.setdefault("calendar.views", Views())
    return found  # type: ignore[no-any-return]


def touch(house: "House", tx: Tx, schedules: Sequence[str] | None = None) -> None:
    """Say that the calendar changes in this transaction: bump the columns, and drop kept answers once committed.

    `schedules` None: the configuration changed (all columns are bumped, so that open bookings queue behind).
    """
    if schedules is None:
        store.next_number(tx, CONFIG)
        schedules = list(store.revisions(tx))
    store.bump(tx, schedules)
    tx.after(partial(views(house).changed, tx.organization))
