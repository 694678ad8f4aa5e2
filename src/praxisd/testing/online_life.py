"""What happens in a practice in a week, by dice: people at the desk, patients at the portals, portals that fail.

Every action may be refused (a time is taken, a booking was decided already); then nothing happened.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.model.scheduling import Appointment, Closing
from praxisd.sandbox.door import Bad
from praxisd.sandbox.portal_booking import Patient
from praxisd.sandbox.portal_tvs import Refused
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import columns
from praxisd.services.calendar import store as calendar_store
from praxisd.services.portals import deciding
from praxisd.services.portals import store as portals_store
from praxisd.testing.online_world import CANARY, Killed, Site, World, shorten

KINDS = ("error", "error_after", "half_closed", "drop", "lose", "bad_json", "too_often", "unauthorized")
DEATHS = 0.01
"""How often a process dies at a call, before or after it."""
REASONS = ("portals.refused_time_taken", "portals.refused_call_us")
_DAY = 86_400


def step(world: World) -> str:
    """One thing happens; what it was, with a minus where it was refused."""
    name, action = world.dice.choices(ACTIONS, WEIGHTS)[0]
    try:
        action(world)
    except (Problem, Bad, Refused) as refused:
        return f"-{name}" if not _fault(refused) else f"!{name}"
    return name


def _fault(refused: Exception) -> bool:
    return isinstance(refused, Problem) and refused.status >= 500


def wound(world: World, _what: str, _done: bool) -> None:
    """A process dies now and then, before or after a call."""
    if world.dice.random() < DEATHS:
        raise Killed


def _when(world: World, days: int = 10) -> int:
    """A time on the grid within opening hours, in the days ahead."""
    now = world.clock.now()
    day = datetime.fromtimestamp(now + world.dice.randrange(days) * _DAY, UTC).replace(
        hour=0, minute=0, second=0
    )
    at = int(day.timestamp()) + 7 * 3600 + world.dice.randrange(8 * 12) * 300
    return at if at > now else at + _DAY


def _column(world: World) -> str:
    return world.dice.choice([*world.practice.doctors, *world.practice.chairs])


def _appointment(world: World, *statuses: str) -> Appointment:
    """One that lies ahead; Problem if there is none."""
    with world.house.store.read(world.desk) as tx:
        found = [
            one for one in calendar_store.APPOINTMENTS.all(tx)
            if one.status in (statuses or ("booked",)) and one.start > world.clock.now()
        ]  # fmt: skip
    if not found:
        raise Problem("http.not_found", 404)
    return world.dice.choice(found)


def _node(world: World) -> House:
    """Whichever node the request came to."""
    return world.dice.choice(world.nodes)


def book(world: World) -> None:
    """The desk books, in any column, at any time of the day."""
    practice, dice = world.practice, world.dice
    service = dice.choice((practice.check, practice.check, practice.surgery))
    start, patient = _when(world), dice.choice(world.patients)
    wish = calendar.Wish(
        service=service, start=start, patient=patient, note=f"{CANARY} hat Schmerzen", outside_hours=True
    )
    world.write(lambda house, tx: calendar.book(house, tx, wish), _node(world))


def move(world: World) -> None:
    """The desk drags: another time, or longer."""
    one, start = _appointment(world), _when(world)
    longer = world.dice.random() < 0.5
    wish = calendar.Wish(
        service=one.service,
        start=one.start if longer else start,
        end=one.end + world.dice.choice((300, 900, 1800)) if longer else None,
        schedules=one.schedules if longer else (),
        outside_hours=True,
    )
    world.write(lambda house, tx: calendar.move(house, tx, one.id, wish), _node(world))


def cancel(world: World) -> None:
    """The desk cancels."""
    one = _appointment(world)
    world.write(lambda house, tx: calendar.cancel(house, tx, one.id, f"{CANARY} ist krank"), _node(world))


def reserve(world: World) -> None:
    """Busy time over columns and days."""
    chosen = world.dice.sample([*world.practice.doctors, *world.practice.chairs], world.dice.randint(1, 3))
    start = _when(world)
    end = start + world.dice.choice((1800, 3600, 7200, _DAY, 2 * _DAY))
    world.write(
        lambda house, tx: columns.add_reservation(
            house,
            tx,
            title=f"Fortbildung {CANARY}",
            schedules=tuple(chosen),
            start=start,
            end=end,
            note=CANARY,
        ),
        _node(world),
    )


def unreserve(world: World) -> None:
    """A reservation falls away."""
    with world.house.store.read(world.desk) as tx:
        found = [one for one in calendar_store.RESERVATIONS.all(tx) if CANARY in one.title]
    if found:
        one = world.dice.choice(found)
        world.write(lambda house, tx: columns.drop_reservation(house, tx, one.id, None), _node(world))


def absence(world: World) -> None:
    """Somebody is away, or is back."""
    with world.house.store.read(world.desk) as tx:
        found = calendar_store.ABSENCES.all(tx)
    if found and world.dice.random() < 0.6:
        one = world.dice.choice(found)
        world.write(lambda house, tx: columns.drop_absence(house, tx, one.id), _node(world))
        return
    first = _today(world) + timedelta(days=world.dice.randint(2, 9))
    fields = {
        "schedule": world.dice.choice([None, *world.practice.doctors, *world.practice.chairs]),
        "first": first,
        "last": first + timedelta(days=world.dice.randint(0, 2)),
        "reason": f"{CANARY} hat Urlaub",
    }
    world.write(lambda house, tx: columns.add_absence(house, tx, **fields), _node(world))


def closing(world: World) -> None:
    """A day is closed, or not any more."""
    day = _today(world) + timedelta(days=world.dice.randint(2, 12))
    word = Closing(date=day, closed=world.dice.random() < 0.5, name=CANARY)
    world.write(lambda house, tx: columns.put_closing(house, tx, word), _node(world))


def hours(world: World) -> None:
    """Other opening hours, which upload nothing."""
    shorten(world, _column(world), world.dice.choice(("16:00", "17:00", "18:00")))


def _today(world: World) -> date:
    return datetime.fromtimestamp(world.clock.now(), UTC).date()


def patient_books(world: World) -> None:
    """A patient books at the two-way portal, perhaps a time that is not free here any more."""
    site, dice = _two_way(world), world.dice
    name = dice.choice(list(site.calendars.values()))
    board = site.program.board
    service = board.calendar(name).service(dice.choice(("Kontrolle", "Kurz")))
    since = world.clock.now() + dice.randrange(8) * _DAY
    free = board.free(name, service, since, since + 2 * _DAY)
    if not free:
        return
    number = dice.randrange(10_000)
    patient = Patient(f"Portal{number}", "Pia", f"1980-01-{1 + number % 28:02d}", "0171 5550000", "")
    board.book(name, service.name, dice.choice(free), patient)


def patient_changes(world: World) -> None:
    """A patient cancels, or answers a proposal."""
    board, dice = _two_way(world).program.board, world.dice
    found = [one for one in board.bookings() if one.state in ("requested", "confirmed", "proposed")]
    asked = [one for one in found if one.state == "proposed"]
    if asked and dice.random() < 0.7:
        board.decide(dice.choice(asked).id, dice.random() < 0.6)
    elif found:
        board.cancel(dice.choice(found).id)


def patient_at_116117(world: World) -> None:
    """A patient takes a slot at 116117 a day ahead or more, or gives it back: what is over when the hour for asking comes is
    not told of any more.
    """
    tvs, dice = next(one for one in world.sites if one.adapter == "tvs116117").program.tvs, world.dice
    taken = [one for one in tvs.bookings.values() if one.status == "booked" and one.start > world.clock.now()]
    if taken and dice.random() < 0.3:
        tvs.end_booking(dice.choice(taken).id, deleted=dice.random() < 0.3)
        return
    since = world.clock.now() + _DAY
    free = [one for one in tvs.slots.values() if one.status == "free" and one.start > since]
    if free:
        number = dice.randrange(10_000)
        person = {"family": f"Slot{number}", "given": "Sven", "birthDate": f"1970-02-{1 + number % 28:02d}"}
        tvs.book(dice.choice(free).id, person | {"phone": "0171 5550001"}, "Rücken")


def blocker(world: World) -> None:
    """Somebody enters busy time at a portal, or takes it back."""
    site = world.dice.choice([one for one in world.sites if one.adapter in ("two_way", "webdav_ics")])
    board, dice = site.program.board, world.dice
    there = board.blockers()
    if there and dice.random() < 0.5:
        board.unblock(dice.choice(there)[0])
    else:
        start = _when(world)
        board.block(dice.choice(list(site.calendars.values())), start, start + dice.choice((900, 3600)))


def decide(world: World) -> None:
    """The desk decides on a booking request."""
    dice = world.dice
    with world.house.store.read(world.desk) as tx:
        found = [one for one in portals_store.REQUESTS.all(tx) if one.state == "open"]
    if not found:
        return
    one, way, start = dice.choice(found), dice.random(), _when(world)
    minutes = dice.choice((None, None, 20, 45, 60))
    if way < 0.6:
        world.write(lambda house, tx: deciding.accept(house, tx, deciding.need(tx, one.id), minutes=minutes))
    elif way < 0.75:
        reason = dice.choice(REASONS)
        world.write(lambda house, tx: deciding.refuse(house, tx, deciding.need(tx, one.id), reason))
    else:
        world.write(lambda house, tx: deciding.propose(house, tx, deciding.need(tx, one.id), start, minutes))


def settle_conflict(world: World) -> None:
    """A person settles a conflict."""
    with world.house.store.read(world.desk) as tx:
        found = calendar.open_conflicts(tx)
    if not found:
        return
    one, how, start = (
        world.dice.choice(found),
        world.dice.choice(("keep_local", "move_online", "seen")),
        _when(world),
    )
    world.write(
        lambda house, tx: calendar.settle_conflict(
            house, tx, one.id, how, start=start if how == "move_online" else None
        )
    )


def trouble(world: World) -> None:
    """A portal begins to fail, or recovers."""
    site = world.dice.choice(world.sites)
    bad = world.dice.random() < 0.5
    site.program.faults.set(
        rate=world.dice.choice((0.2, 0.6, 1.0)) if bad else 0.0,
        seed=world.dice.randrange(1000),
        kinds=world.dice.sample(KINDS, 3),
        delay_s=0.01,
    )


def _two_way(world: World) -> Site:
    return next(one for one in world.sites if one.adapter == "two_way")


ACTIONS: list[tuple[str, Callable[[World], None]]] = [
    ("book", book), ("move", move), ("cancel", cancel), ("reserve", reserve), ("unreserve", unreserve),
    ("absence", absence), ("closing", closing), ("hours", hours), ("patient_books", patient_books),
    ("patient_changes", patient_changes), ("blocker", blocker), ("decide", decide),
    ("settle_conflict", settle_conflict), ("trouble", trouble), ("patient_at_116117", patient_at_116117),
]  # fmt: skip
WEIGHTS = (20, 12, 8, 6, 5, 3, 2, 2, 18, 6, 4, 10, 4, 4, 6)
