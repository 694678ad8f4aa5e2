"""What must be true of online calendars, told by other means than those that made it so.

Busy times are worked out anew from the stored records, one by one; uploads are read off the recorded bytes; conflicts are
looked for by comparing every pair.
"""

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import holidays
import sqlalchemy as sa

from praxisd.kernel.access import system
from praxisd.kernel.events import EVENT, of_row
from praxisd.kernel.store import Tx, mine
from praxisd.services.calendar import conflict_store
from praxisd.services.calendar import store as calendar_store
from praxisd.services.portals import cycle_store, engine_store
from praxisd.services.portals import store as portals_store
from praxisd.testing.online_world import CANARY, Site, World

OCCUPY = ("pending", "booked", "arrived", "fulfilled")
UPLOADS = {"two_way": ("PUT", "/busy"), "drflex": ("POST", "/drflex/upload"), "webdav_ics": ("PUT", ".ics")}
LOW_S = 60
Span = tuple[int, int]


def busy_of(world: World, tx: Tx, site: Site, schedule: str, period: Span) -> set[Span]:
    """Every occupation of the column within the period, as the portal should know it."""
    found: list[Span] = []
    for one in calendar_store.APPOINTMENTS.all(tx):
        if one.status in OCCUPY and schedule in one.schedules:
            found.append((one.start - one.buffer_before * 60, one.end + one.buffer_after * 60))
    own = {
        id_
        for row in tx.all(sa.select(portals_store.BLOCKER).where(mine(portals_store.BLOCKER)))
        if row.portal == site.id and row.calendar == _link(tx, site, schedule)
        for id_ in cycle_store.reservations(row)
    }
    for reserved in calendar_store.RESERVATIONS.all(tx):
        if schedule in reserved.schedules and reserved.id not in own:
            found.append((reserved.start, reserved.end))
    zone = ZoneInfo("Europe/Berlin")
    day = datetime.fromtimestamp(period[0], zone).date()
    closed = {row.date: bool(row.closed) for row in tx.all(calendar_store.CLOSINGS)}
    berlin = holidays.country_holidays("DE", subdiv="BE")
    absent = [one for one in calendar_store.ABSENCES.all(tx) if one.schedule in (None, schedule)]
    while _midnight(day, zone) < period[1]:
        here = closed.get(day.isoformat(), day in berlin)
        if here or any(one.first <= day <= one.last for one in absent):
            found.append((_midnight(day, zone), _midnight(day + timedelta(days=1), zone)))
        day += timedelta(days=1)
    return {
        (max(start, period[0]), min(end, period[1]))
        for start, end in found
        if start < period[1] and end > period[0]
    }


def covered(spans: set[Span]) -> list[Span]:
    """The same as disjoint spans: a day off may be told once or twice, taken is taken."""
    merged: list[list[int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return [(start, end) for start, end in merged]


def differences(world: World) -> list[str]:
    """Where portals and practice do not agree, now that both had time to."""
    faults: list[str] = []
    with world.house.store.read(system("oracle", world.practice.organization)) as tx:
        for site in world.sites:
            for schedule, name in site.calendars.items():
                state = engine_store.state(tx, _link(tx, site, schedule))
                if state is None or state.first is None:
                    faults.append(f"{name}: nothing was ever uploaded")
                    continue
                period = (int(state.first), int(state.last))
                if site.adapter == "tvs116117":
                    taken = covered(busy_of(world, tx, site, schedule, period))
                    faults += _slots(world, site, name, taken, period)
                    continue
                ours = covered(busy_of(world, tx, site, schedule, period))
                theirs = covered({one for one in site.program.board.busy(name) if one[1] > period[0]})
                if ours != theirs:
                    more, less = sorted(set(theirs) - set(ours)), sorted(set(ours) - set(theirs))
                    faults.append(f"{name}: portal has {more[:3]}, practice has {less[:3]}")
        faults += _bookings(world, tx) + _bookings_116117(world, tx)
    return faults


def _slots(world: World, site: Site, name: str, taken: list[Span], period: Span) -> list[str]:
    """Each slot that is still to come is busy at 116117 if, and only if, a busy time touches it or a patient has it."""
    tvs, since = site.program.tvs, max(period[0], world.clock.now())
    profile = next(one.id for one in tvs.profiles.values() if one.name == name)
    faults = []
    for slot in list(tvs.slots.values()):
        if slot.profile != profile or slot.gone or slot.start < since or slot.end > period[1]:
            continue
        touched = any(start < slot.end and slot.start < end for start, end in taken)
        if slot.booking == "" and slot.status != ("busy" if touched else "free"):
            faults.append(f"{name}: slot {slot.start} is {slot.status}, touched {touched}")
    return faults


def _bookings_116117(world: World, tx: Tx) -> list[str]:
    """Each booking at 116117 is one request here; what was cancelled there takes no time here."""
    site = next(one for one in world.sites if one.adapter == "tvs116117")
    rows = [one for one in portals_store.REQUESTS.all(tx) if one.portal == site.id]
    faults = []
    for booking in list(site.program.tvs.bookings.values()):
        found = [one for one in rows if one.remote == booking.id]
        if not found and booking.status == "cancelled":
            continue  # made and taken back between two questions
        if len(found) != 1:
            faults.append(f"116117: {len(found)} requests of one booking")
            continue
        id_ = found[0].appointment
        one = calendar_store.APPOINTMENTS.get(tx, id_) if id_ else None
        if booking.status == "cancelled" and one is not None and one.status in OCCUPY:
            faults.append(f"116117: cancelled there, {one.status} here")
    return faults


def _bookings(world: World, tx: Tx) -> list[str]:
    """Each booking at the two-way portal and its request here tell the same."""
    site = next(one for one in world.sites if one.adapter == "two_way")
    rows = {
        one.remote: one
        for one in portals_store.REQUESTS.all(tx)
        if one.portal == site.id and one.origin == "portal"
    }
    faults = []
    for booking in site.program.board.bookings():
        request = rows.pop(booking.id, None)
        if request is None:
            if booking.state == "cancelled":
                continue  # made and taken back between two contacts
            faults.append(f"booking {booking.state} is not known here")
            continue
        one = calendar_store.APPOINTMENTS.get(tx, request.appointment) if request.appointment else None
        status = None if one is None else one.status
        fits = {
            "requested": request.state in ("open",) and status in ("pending", "proposed"),
            "proposed": request.state == "asked" and status == "pending",
            "confirmed": request.state == "accepted" and status in ("booked", "arrived", "fulfilled"),
            "refused": status == "cancelled",
            "cancelled_by_practice": status == "cancelled",
            "cancelled": status in ("cancelled", None),
        }[booking.state]
        if fits and booking.state == "confirmed" and one is not None:
            fits = (booking.start, booking.end) == (one.start, one.end)
        if not fits:
            faults.append(
                f"booking {booking.state} {booking.start}-{booking.end}, request {request.state},"
                f" appointment {status} {one and (one.start, one.end)}"
            )
    return faults + [f"request {one.state} of a booking that does not exist" for one in rows.values()]


def unheard_116117(world: World) -> bool:
    """True while a booking or a cancellation there has not been fetched: that is done once an hour."""
    with world.house.store.read(system("oracle", world.practice.organization)) as tx:
        return bool(_bookings_116117(world, tx))


def conflicts(world: World) -> list[str]:
    """Pairs from outside and inside that overlap without an open conflict, or stand in two."""
    faults = []
    with world.house.store.read(system("oracle", world.practice.organization)) as tx:
        found = conflict_store.unsettled(tx)
        sides: dict[str, int] = defaultdict(int)
        named = set()
        for one in found:
            sides[f"{one.appointment or one.portal}/{one.start}/{one.schedule}"] += 1
            named |= {(one.appointment, owner) for owner in one.others}
        faults += [f"two open conflicts about {side}" for side, count in sides.items() if count > 1]
        every = calendar_store.APPOINTMENTS.all(tx)
        here = [one for one in every if one.status in OCCUPY]
        for outside in (one for one in every if one.status == "proposed"):
            for inside in here:
                if (
                    set(outside.schedules) & set(inside.schedules)
                    and outside.start < inside.end + inside.buffer_after * 60
                    and outside.end > inside.start - inside.buffer_before * 60
                    and (outside.id, f"Appointment/{inside.id}") not in named
                ):
                    faults.append(
                        f"no conflict names proposed {outside.start} and {inside.status} {inside.start}"
                    )
    return faults


def reported_once(world: World) -> list[str]:
    """Each conflict was told by one event for each thing that stood in the way, and no more."""
    with world.house.store.read(system("oracle", world.practice.organization)) as tx:
        query = sa.select(EVENT).where(mine(EVENT), EVENT.c.type == "conflict.found")
        told: dict[str, int] = defaultdict(int)
        for row in tx.all(query):
            told[str(of_row(row).codes["conflict"])] += 1
        page, _ = conflict_store.page(tx, None, None, 10_000)
        # One more version for each side that joined, each that went away, and the end.
        known = {
            one.id: len(one.others) + one.version - told[one.id] - (one.settled_at is not None)
            for one in page
        }
    faults = [f"a conflict was told {count} times for {known.get(id_)} sides" for id_, count in told.items()
              if not 1 <= count <= known.get(id_, 0)]  # fmt: skip
    return faults + ["a conflict was never told" for id_ in known if id_ not in told]


def too_close(site: Site) -> list[str]:
    """Uploads of one calendar that came sooner than allowed, by the recorder's clock; at 116117 questions for changes, as the
    service saw them.
    """
    if site.adapter == "tvs116117":
        early = site.program.tvs.early
        return [f"{site.name}: asked {early} times within the hour"] if early else []
    method, mark = UPLOADS[site.adapter]
    last: dict[str, float] = {}
    faults = []
    for at, data in site.recorder.sent():
        head = data.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(head) != 3 or head[0] != method or mark not in head[1]:
            continue
        parts = urlsplit(head[1])
        calendar = parse_qs(parts.query).get("calendar", [unquote(parts.path)])[0]
        if calendar in last and at - last[calendar] < LOW_S:
            faults.append(f"{site.name}: {at - last[calendar]:.0f} s after the one before")
        last[calendar] = at
    return faults


def leaks(world: World) -> list[str]:
    """What of the practice's people can be read in the bytes that went out."""
    with world.house.store.read(system("oracle", world.practice.organization)) as tx:
        ids = [*world.patients]
        ids += [one.id for one in calendar_store.APPOINTMENTS.all(tx)]
        ids += [one.id for one in calendar_store.RESERVATIONS.all(tx)]
        ids += [one.id for one in portals_store.REQUESTS.all(tx)]
        ids += [*world.practice.doctors, *world.practice.chairs, world.practice.organization]
    words: list[Any] = [CANARY, CANARY.lower(), CANARY.upper(), "vogelhaus", "17155501", "-17", *ids]
    found = []
    for site in world.sites:
        sent = site.recorder.everything()
        lowered = sent.lower()
        for word in words:
            if word == "-17":
                if any(
                    f"19{year}-0{month}-17".encode() in sent
                    for year in range(50, 90)
                    for month in range(1, 10)
                ):
                    found.append(f"{site.name}: a date of birth")
            elif str(word).lower().encode() in lowered:
                found.append(f"{site.name}: {word}")
    return found


def _link(tx: Tx, site: Site, schedule: str) -> str:
    return next(
        one.id
        for one in portals_store.CALENDARS.all(tx)
        if one.portal == site.id and one.schedule == schedule
    )


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())


def count_conflicts(world: World) -> int:
    """How many conflicts there have been."""
    with world.house.store.read(system("oracle", world.practice.organization)) as tx:
        return len(conflict_store.page(tx, None, None, 10_000)[0])
