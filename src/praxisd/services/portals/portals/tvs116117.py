"""116117 Terminsynchronisation (KBV/kv.digital, TVS) behind the contract `Portal`. What works live: docs/de/116117.md.

A calendar is a Terminprofil (Schedule). The service offers slots one by one; busy times reach it as the status of the
slots that they touch. Bookings come by Provenance, at most every 60 minutes however often `fetch` is called; in between
it answers empty without asking. What was not accepted is tried again once its version has changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from praxisd.kernel.clock import Clock
from praxisd.kernel.errors import Problem
from praxisd.model.scheduling import Busy
from praxisd.services.portals import portal
from praxisd.services.portals.portal import (
    Abilities,
    Account,
    Blocker,
    Fetched,
    Memory,
    Period,
    Reply,
    Unknown,
)
from praxisd.services.portals.portals import tvs_rules as rules
from praxisd.services.portals.portals import tvs_shapes as shapes
from praxisd.services.portals.portals.talking import wrong
from praxisd.services.portals.portals.tvs_client import Client
from praxisd.services.portals.portals.tvs_memory import Known
from praxisd.services.portals.portals.tvs_reading import Reading
from praxisd.services.portals.portals.tvs_rules import Offered

FRESH_S = 3_600
"""So long the list of Terminprofile and the offered times are believed without asking."""
WEEKS = 12
DAY_S = 86_400
"""No slot is longer."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the practice chose. `weeks`: how far ahead; the others are written into each new slot."""

    weeks: int = WEEKS
    kind: str = shapes.KINDS[0]
    urgency: str = ""
    bookable: str = ""


class Tvs116117:
    """One practice at the service."""

    abilities = Abilities(names=True, hours=True, bookings=True, offers=True)

    def __init__(
        self, account: Account, client: Client, memory: Memory, clock: Clock, wishes: Wishes
    ) -> None:
        self._zone = ZoneInfo(account.zone)
        self._client = client
        self._known = Known(memory)
        self._clock = clock
        self._wishes = wishes
        self._reading = Reading(client, self._known, clock)

    def names(self) -> tuple[str, ...]:
        """The names of the active Terminprofile, asked now."""
        return tuple(self._reading.schedules())

    def period(self, calendar: str) -> Period:
        """Whole days of the practice: from today, as many weeks as chosen."""
        self._schedule(calendar)
        today = datetime.fromtimestamp(self._clock.now(), self._zone).date()
        first, end = (
            int(datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp())
            for day in (today, today + timedelta(weeks=self._wishes.weeks))
        )
        return Period(first, end)

    def upload(self, calendar: str, period: Period, busy: Sequence[Busy], before: float) -> int:
        """Report what differs: slots that a busy time touches, and those that we had reported and that are free again.

        All others are tried when one is refused; then `portals.refused`, if a time stays open that must not be booked.
        """
        self._in_time(before)
        schedule, _ = self._schedule(calendar)
        slots = self._slots_of(schedule, period)
        self._known.keep_hours(schedule, rules.offered_times(slots), self._clock.now())
        self._known.disown(one.id for one in slots if one.status == "free")
        wanted = rules.changes(
            slots, busy, self._known.ours, max(period.start, self._clock.now()), period.end
        )
        self._known.own({one.slot.id: one.slot.end for one in wanted if one.status == "busy"})
        open_still: list[Problem] = []
        for change in wanted:
            problem = self._report(change.slot, change.status, before)
            if problem is not None and change.status == "busy":
                open_still.append(problem)
        if open_still:
            raise open_still[0]
        return sum(1 for one in busy if one.start < period.end and period.start < one.end)

    def _report(self, slot: Offered, status: Literal["busy", "free"], before: float) -> Problem | None:
        """Tell one slot's status; the Problem if it was not accepted and the slot is as it was."""
        what = f"status/{slot.id}/{status}"
        if self._known.refused(what, slot.version):
            self._known.disown([slot.id])
            return wrong(portal.REFUSED)
        try:
            self._client.operate(
                f"/Slot/{slot.id}/$slotstatus_aktualisieren", shapes.status_call(status), before
            )
        except Problem as problem:
            if problem.code != portal.REFUSED:
                raise
            self._known.disown([slot.id])
            now = self._reading.slots([("_id", slot.id)]).get(slot.id)
            if now is None or now.status != slot.status:
                return None  # booked, blocked or deleted in between: nothing is open there any more
            self._known.refuse(what, slot.version, slot.end)
            return problem
        self._known.accept([what])
        if status == "free":
            self._known.disown([slot.id])
        return None

    def hours(self, calendar: str, period: Period) -> tuple[Busy, ...]:
        """When slots are offered; read at most once an hour."""
        schedule, _ = self._schedule(calendar)
        now = self._clock.now()
        found = self._known.hours(schedule, now, FRESH_S)
        if found is None:
            found = rules.offered_times(self._slots_of(schedule, period))
            self._known.keep_hours(schedule, found, now)
        inside = (one for one in found if one.start < period.end and period.start < one.end)
        return tuple(Busy(start=max(one.start, period.start), end=min(one.end, period.end)) for one in inside)

    def fetch(self, mark: str | None) -> Fetched:
        """Everything (mark None, and once a day), or what changed since the mark; nothing within 60 minutes."""
        now, last = self._clock.now(), self._known.moment("polled")
        if last is not None and last > now:  # the clock was put back: begin to wait anew
            self._known.happened("polled", now)
            last = now
        if not rules.due(last, now):
            return Fetched(unknown=() if mark else self._known.unknown(now))
        self._known.happened("polled", now)
        self._client.reached = False
        try:
            return self._fetch(shapes.moment(mark), now)
        except Problem:
            if not self._client.reached:
                self._known.happened("polled", last)
            raise

    def _fetch(self, mark: int | None, now: int) -> Fetched:
        self._known.tidy(now)
        whole = self._known.moment("whole")
        since = mark if mark is not None else self._known.moment("recorded")
        if mark is not None and whole is not None and 0 <= now - whole < rules.WHOLE_S:
            return self._reading.changed(mark)
        changed = self._reading.changed(since) if since is not None else Fetched()
        found = self._reading.everything(now)
        self._known.happened("whole", now)
        begin = changed.mark or shapes.instant(since if since is not None else now - rules.OVERLAP_S)
        there = {one.id for one in found.bookings}
        more = [one for one in (*changed.bookings, *self._known.deleted(now)) if one.id not in there]
        return Fetched((*found.bookings, *{one.id: one for one in more}.values()), found.unknown, begin)

    def answer(self, reply: Reply, before: float) -> None:
        """Bookings are final there: an accepted one needs no answer, and nothing else can be answered by program."""
        if reply.kind != "accepted":
            raise wrong(portal.REFUSED)

    def blockers(self, calendar: str, period: Period) -> tuple[Blocker, ...]:
        """None: a slot that is blocked there says nothing of the practice's own time."""
        return ()

    def offer(self, calendar: str, times: Sequence[Busy], before: float) -> tuple[str | None, ...]:
        """Create a free slot for each time that has none yet; one refused does not keep the others."""
        if not times:
            return ()
        self._in_time(before)
        schedule, stamp = self._schedule(calendar, anew=True)
        span = Period(min(one.start for one in times), max(one.end for one in times))
        slots = self._slots_of(schedule, span)
        there = {(one.start, one.end): one for one in slots}
        codes: list[str | None] = [None] * len(times)
        asked: dict[int, str] = {}
        stamps: dict[int, str] = {}
        for number, time in enumerate(times):
            what = f"offer/{schedule}/{time.start}/{time.end}"
            stamps[number] = rules.stamp(stamp, slots, time)
            if (time.start, time.end) in there:
                self._known.know({there[time.start, time.end].id: time.end})
            elif self._known.refused(what, stamps[number]):
                codes[number] = portal.REFUSED
            else:
                asked[number] = what
        if asked:
            for number, code in self._create(schedule, [(n, times[n]) for n in asked], before):
                codes[number] = code
                if code is None:
                    self._known.accept([asked[number]])
                else:
                    self._known.refuse(asked[number], stamps[number], times[number].end)
        return tuple(codes)

    def _create(
        self, schedule: str, wanted: Sequence[tuple[int, Busy]], before: float
    ) -> Iterable[tuple[int, str | None]]:
        """One batch; number and code of each."""
        wish = self._wishes
        entries = [
            {
                "id": str(number + 1),
                "resource": shapes.new_slot(schedule, time, wish.kind, wish.urgency, wish.bookable),
                "request": {"method": "POST", "url": "Slot"},
            }
            for number, time in wanted
        ]
        for (number, time), part in zip(
            wanted, self._client.batch("/Slot/batch", entries, before), strict=True
        ):
            good = part.status.startswith("2")
            made = part.resource if isinstance(part.resource, dict) else {}
            id_ = shapes.identity(part.location, "Slot") or str(made.get("id", ""))
            if good:
                self._known.know({id_ or f"{schedule}/{time.start}/{time.end}": time.end})
            yield number, None if good else portal.REFUSED

    def withdraw(self, slots: Sequence[Unknown], before: float) -> tuple[str | None, ...]:
        """Delete these slots, each in the version that is known of it; for each the code why it is still there, or None."""
        codes: list[str | None] = [None] * len(slots)
        asked: list[int] = []
        for number, one in enumerate(slots):
            if self._known.refused(f"delete/{one.id}", one.version):
                codes[number] = portal.REFUSED
            else:
                asked.append(number)
        entries = [
            {
                "id": str(number + 1),
                "request": {
                    "method": "DELETE",
                    "url": f"Slot/{slots[number].id}",
                    "ifMatch": f'W/"{slots[number].version}"',
                },
            }
            for number in asked
        ]
        answers = self._client.batch("/Slot/batch", entries, before) if entries else ()
        for number, part in zip(asked, answers, strict=True):
            one = slots[number]
            if part.status.startswith("2") or part.status[:3] in ("404", "410"):
                self._known.forget(one.id, one.start, one.end)
                self._known.accept([f"delete/{one.id}"])
            else:
                codes[number] = portal.REFUSED
                self._known.refuse(f"delete/{one.id}", one.version, one.end)
        return tuple(codes)

    def settle(self, unknown: Unknown, choice: Literal["delete", "again", "keep"], before: float) -> None:
        """Keep it as ours, delete it, or delete it and offer the same time as a slot of our own."""
        if choice == "keep":
            self._known.know({unknown.id: unknown.end})
            return
        self._in_time(before)
        settled = f"settle/{unknown.id}/{choice}"
        if self._known.refused(settled, unknown.version):
            raise wrong(portal.REFUSED)
        now = self._reading.slots([("_id", unknown.id)]).get(unknown.id)
        # Only the status of a slot ever changes, and one that is taken cannot be deleted: so the version of this moment is
        # the right one, and whoever books in between is safe.
        stamp = now.version if now is not None else unknown.version
        codes = self.withdraw([replace(unknown, version=stamp)], before)
        if choice == "again" and codes == (None,):
            codes = self.offer(unknown.calendar, [Busy(start=unknown.start, end=unknown.end)], before)
        if codes != (None,):
            self._known.refuse(settled, unknown.version, unknown.end)
            raise wrong(codes[0] or portal.REFUSED)

    def _in_time(self, before: float) -> None:
        """Not even questions are asked for what may not be written any more."""
        if self._clock.now() > before:
            raise wrong(portal.TIMEOUT)

    def _slots_of(self, schedule: str, period: Period) -> list[Offered]:
        """The slots of one Terminprofil that touch a period, read now."""
        wanted = [
            ("schedule", f"Schedule/{schedule}"),
            ("start", f"ge{shapes.instant(period.start - DAY_S)}"),
            ("start", f"lt{shapes.instant(period.end)}"),
        ]
        found = self._reading.slots(wanted).values()
        return [one for one in found if one.schedule == schedule and period.start < one.end]

    def _schedule(self, calendar: str, anew: bool = False) -> tuple[str, str]:
        """Id and version of a Terminprofil; asked anew also if it is not known, or was read long ago."""
        read = self._known.moment("schedules_at")
        found = self._known.schedules
        fresh = read is not None and 0 <= self._clock.now() - read < FRESH_S
        if anew or calendar not in found or not fresh:
            found = self._reading.schedules()
        if calendar not in found:
            raise wrong(portal.CALENDAR_UNKNOWN)
        return found[calendar][0], found[calendar][1]
