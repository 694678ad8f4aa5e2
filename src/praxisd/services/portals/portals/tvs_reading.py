"""What 116117 has: everything at first (and once a day), afterwards what its Provenances say has changed.

Nothing is deleted or taken over here: a slot that we neither offered nor were told to keep is reported as unknown. An
answer without entries is believed to be empty, but never taken as the end of bookings we know of: only a Provenance with
the activity DELETE is.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from praxisd.kernel.clock import Clock
from praxisd.services.portals.portal import Booking, Fetched, Unknown
from praxisd.services.portals.portals import tvs_rules as rules
from praxisd.services.portals.portals import tvs_shapes as shapes
from praxisd.services.portals.portals.tvs_client import Client, Pairs
from praxisd.services.portals.portals.tvs_memory import Known
from praxisd.services.portals.portals.tvs_rules import Offered
from praxisd.services.portals.portals.tvs_shapes import Resource

_AT_ONCE = 50
"""So many ids go into one search."""
_BACK_S = 86_400
"""Searches begin so much earlier: what is under way now began before, and no slot is longer."""


class Reading:
    """Searches, and what their answers mean."""

    def __init__(self, client: Client, known: Known, clock: Clock) -> None:
        self._client = client
        self._known = known
        self._clock = clock

    def schedules(self) -> dict[str, list[str]]:
        """[id, version] of each active Terminprofil by its name, asked now and kept."""
        self._all_schedules()
        return self._known.schedules

    def _all_schedules(self) -> dict[str, str]:
        """The name of each Terminprofil by its id, also of those not active; the active ones are kept."""
        roles = shapes.of_kind(self._client.search("PractitionerRole", ()), "PractitionerRole")
        found = shapes.of_kind(self._client.search("Schedule", ()), "Schedule")
        listed = [
            (id_, shapes.schedule_name(one) or id_, shapes.schedule_doctor(one, roles))
            for id_, one in found.items()
        ]
        named = rules.by_name(listed)
        active = {
            name: [id_, shapes.version(found[id_])]
            for name, id_ in named.items()
            if found[id_].get("active", True)
        }
        self._known.keep_schedules(active, self._clock.now())
        return {id_: name for name, id_ in named.items()}

    def slots(self, wanted: Pairs) -> dict[str, Offered]:
        """Slots by id, asked now."""
        read = (shapes.slot(one) for one in self._client.search("Slot", wanted) if _is(one, "Slot"))
        return {one.id: one for one in read if one is not None}

    def everything(self, now: int) -> Fetched:
        """All bookings and unknown slots that are not over. No mark."""
        names = self._all_schedules()
        slots = self.slots([("start", f"ge{shapes.instant(now - _BACK_S)}")])
        read = self._client.search("Appointment", [("date", f"ge{shapes.instant(now - _BACK_S)}")])
        appointments = shapes.of_kind(read, "Appointment")
        bookings = self._bookings(appointments.values(), shapes.of_kind(read, "Patient"), slots, names, now)
        standing = [one for one in appointments.values() if not shapes.cancelled(one)]
        booked = {slot for one in standing for slot in shapes.slots_of(one)}
        unknown = self._unknown((one for one in slots.values() if one.id not in booked), names, now)
        self._known.keep_unknown(unknown, whole=True)
        return Fetched(tuple(bookings), unknown)

    def changed(self, since: int) -> Fetched:
        """Bookings and unknown slots that changed; the mark is when the last change was recorded."""
        now = self._clock.now()
        wanted = [("recorded", f"ge{shapes.instant(since - rules.OVERLAP_S)}"), ("_sort", "recorded")]
        read = self._client.search("Provenance", wanted)
        dated = [(shapes.moment(one.get("recorded")), one) for one in read if _is(one, "Provenance")]
        told = sorted(((at, one) for at, one in dated if at is not None), key=lambda pair: pair[0])
        if not told:
            return Fetched()
        last: dict[tuple[str, str], str] = {}
        for _, one in told:
            activity = shapes.activity(one)
            for target in one.get("target", ()):
                for kind in ("Appointment", "Slot"):
                    if id_ := shapes.identity(target, kind):
                        last.pop((kind, id_), None)
                        last[kind, id_] = activity
        bookings = self._changed_bookings(
            read, [id_ for kind, id_ in last if kind == "Appointment"], last, now
        )
        slot_ids = [id_ for (kind, id_), activity in last.items() if kind == "Slot" and activity != "DELETE"]
        slots = self._by_ids(slot_ids)
        unknown = self._unknown(slots.values(), self._names(slots), now)
        self._known.keep_unknown(unknown, whole=False)
        self._known.happened("recorded", told[-1][0])
        return Fetched(bookings, unknown, shapes.instant(told[-1][0]))

    def _changed_bookings(
        self,
        told: Sequence[Resource],
        ids: Sequence[str],
        last: Mapping[tuple[str, str], str],
        now: int,
    ) -> tuple[Booking, ...]:
        """The changed Appointments, read again, in the order of their changes."""
        read: list[dict[str, Any]] = []
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            read += self._client.search("Appointment", [("_id", ",".join(part))])
        current = shapes.of_kind(told, "Appointment") | shapes.of_kind(read, "Appointment")
        people = shapes.of_kind(told, "Patient") | shapes.of_kind(read, "Patient")
        there = {id_: current[id_] for id_ in ids if id_ in current and last["Appointment", id_] != "DELETE"}
        slots = self._by_ids([slot for one in there.values() for slot in shapes.slots_of(one)])
        found = {
            one.id: one for one in self._bookings(there.values(), people, slots, self._names(slots), now)
        }
        self._known.end(id_ for id_ in ids if last["Appointment", id_] == "DELETE")
        found |= {one.id: one for one in self._known.deleted(now) if one.id not in found}
        return tuple(found[id_] for id_ in ids if id_ in found)

    def _by_ids(self, ids: Iterable[str]) -> dict[str, Offered]:
        listed = list(dict.fromkeys(ids))
        found: dict[str, Offered] = {}
        for start in range(0, len(listed), _AT_ONCE):
            found |= self.slots([("_id", ",".join(listed[start : start + _AT_ONCE]))])
        return found

    def _names(self, slots: Mapping[str, Offered]) -> dict[str, str]:
        """The names of their Terminprofile by id; asked anew only if one of them is not known."""
        names = {id_: name for name, (id_, _) in self._known.schedules.items()}
        if all(one.schedule in names for one in slots.values()):
            return names
        return self._all_schedules()

    def _bookings(
        self,
        appointments: Iterable[Resource],
        people: Mapping[str, Resource],
        slots: Mapping[str, Offered],
        names: Mapping[str, str],
        now: int,
    ) -> list[Booking]:
        """Those that are not over; remembered by their times, and their slots are no longer busy because of us."""
        found: list[Booking] = []
        kept: dict[str, list[Any]] = {}
        taken: list[str] = []
        for one in appointments:
            booking = shapes.booking(one, slots, names, people)
            if booking is None:
                continue
            if booking.start is not None:
                end = booking.end or booking.start + _BACK_S
                if end <= now:
                    continue
                kept[booking.id] = [booking.calendar, booking.start, end]
            found.append(booking)
            if not booking.cancelled:
                taken += shapes.slots_of(one)
        self._known.book(kept)
        self._known.disown(taken)
        return found

    def _unknown(self, slots: Iterable[Offered], names: Mapping[str, str], now: int) -> tuple[Unknown, ...]:
        found = (one for one in slots if one.end > now and not self._known.knows(one))
        return tuple(
            Unknown(one.id, names.get(one.schedule, ""), one.start, one.end, one.version)
            for one in sorted(found, key=lambda one: (one.start, one.id))
        )


def _is(resource: Resource, kind: str) -> bool:
    return resource.get("resourceType") == kind
