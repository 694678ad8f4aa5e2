"""REST operations of seats: register, approve, change, revoke; locks; modes and announced maintenance."""

from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Answer, Call, Page, Route
from praxisd.services.seats import managing, register, rules, shapes, store, views
from praxisd.services.seats.declared import ANNOUNCE, MANAGE, READ, READ_LOCKS, SET_MODE, TAKE
from praxisd.services.seats.limits import limit
from praxisd.services.seats.proof import installation
from praxisd.services.seats.store import Seat

CLOCK_S = 86_400
_WHY = "a program that asks to be let in has no key yet; a person decides, by the code that it shows"
_WHY_STATE = "a seat proves itself with its key"


def register_seat(call: Call) -> Answer:
    """A program asks to be let in

    It shows the code, and waits until a person approves it on the page "Seats".
    """
    body: shapes.RegisterIn = call.body
    limit(call.house).take(call.visit.address, call.house.clock.monotonic())
    tx = call.writing
    tx.organization = _practice(call, body.organization)
    made = register.register(
        tx, name=body.name, public_key=body.public_key, program=body.program, viewer=body.viewer
    )
    told = shapes.Registered(
        id=made.id, state="waiting", code=rules.shown_code(made.code), installation=installation(call.house)
    )
    return Answer(told, 201, headers={"Cache-Control": "no-store"})


def _practice(call: Call, named: str | None) -> str:
    known: list[str] = list(call.house.shared.get("organizations", lambda _tx: [])(call.writing))
    if named is None and len(known) == 1:
        return known[0]
    if named is None:
        raise Problem("seats.practice_needed", 422)
    if named not in known:
        raise Problem("seats.invalid", 422, field="organization")
    return named


def seat_state(call: Call) -> shapes.StateOut:
    """How far is my registration?

    Whoever does not have the seat's key is told what is told for an unknown seat: nothing.
    """
    body: shapes.StateIn = call.body
    at = parse_rfc3339(body.now, "now")
    with call.read() as tx:
        found = store.program_anywhere(tx, body.id)
    words = f"praxisd.seats.state\n{body.id}\n{body.now}".encode()
    if found is None or not register.proves(found.public_key, body.signature, words):
        raise not_found("Seat")
    if abs(call.house.clock.now() - at) > CLOCK_S:
        raise Problem("seats.bad_signature_time", 422)
    return shapes.StateOut(state=found.state, name=found.name)  # type: ignore[arg-type]


def list_seats(call: Call) -> shapes.SeatsOut:
    """Seats and their sessions."""
    query: Page = call.query
    with call.read() as tx:
        found = store.page(tx, query.cursor or "", query.limit + 1)
        shown = views.seats(call.house, tx, found[: query.limit])
    return shapes.SeatsOut(seats=shown, next=shown[-1].id if len(found) > query.limit else None)


def approve_seat(call: Call) -> shapes.SeatOut:
    """Let a program in, having compared its code."""
    return _shown(call, register.approve(call.writing, call.path["id"], call.body.code))


def refuse_seat(call: Call) -> shapes.SeatOut:
    """Do not let a program in."""
    return _shown(call, register.refuse(call.writing, call.path["id"]))


def change_seat(call: Call) -> shapes.SeatOut:
    """Change a seat's name, or what it may do

    One that becomes a viewer holds no locks any more.
    """
    body: shapes.SeatPatch = call.body
    given = {"name": body.name, "viewer": body.viewer, "may_take": body.may_take}
    return _shown(call, managing.change(call.house, call.writing, call.path["id"], **given))  # type: ignore[arg-type]


def revoke_seat(call: Call) -> Answer:
    """Remove a seat

    Its sessions end at once, and their locks are free.
    """
    managing.revoke(call.house, call.writing, call.path["id"])
    return Answer(None, 204)


def list_locks(call: Call) -> shapes.LocksOut:
    """Who has locked which record, since when, and who waits."""
    with call.read() as tx:
        return shapes.LocksOut(locks=views.locks(call.house, tx))


def release_lock(call: Call) -> shapes.TakenAway:
    """Take a lock away from whoever holds it

    The seat is told; what it saves from now on is refused. Noted for good, with the reason.
    """
    body: shapes.TakeAwayIn = call.body
    granted = managing.take_away(call.house, call.writing, body.record, body.reason)
    return shapes.TakenAway(record=body.record, granted=granted)


def read_state(call: Call) -> shapes.StateOfSeats:
    """Mode, control interval, announced maintenance, and who works now."""
    with call.read() as tx:
        return views.state(call.house, tx)


def put_mode(call: Call) -> shapes.StateOfSeats:
    """Switch between operation and set-up

    Set-up only suspends the watch over vanished seats; locks hold all the same. It ends by itself.
    """
    managing.set_mode(call.house, call.writing, call.body.mode, call.body.hours)
    return views.state(call.house, call.writing)


def put_announcement(call: Call) -> shapes.StateOfSeats:
    """Announce maintenance to all seats

    They count down. With `begin` the doors close by themselves at that time.
    """
    body: shapes.AnnouncementIn = call.body
    at = parse_rfc3339(body.at, "at")
    managing.announce(
        call.house, call.writing, at=at, minutes=body.minutes, reason=body.reason, begin=body.begin
    )
    return views.state(call.house, call.writing)


def delete_announcement(call: Call) -> Answer:
    """Call announced maintenance off, or end it if it has begun by itself."""
    if not managing.call_off(call.house, call.writing):
        raise not_found("Announcement")
    return Answer(None, 204)


def _shown(call: Call, one: Seat) -> shapes.SeatOut:
    return views.seats(call.house, call.writing, [one])[0]


_TAGS = ("seats",)
_GONE, _INVALID, _STATE = (404, "http.not_found"), (422, "seats.invalid"), (409, "seats.not_now")
_TIME = ((400, "clock.bad_time"), (400, "clock.naive_time"))
ROUTES = (
    Route(
        "POST", "/seats/register", "seats.register", register_seat, None, shapes.Registered, body=shapes.RegisterIn,
        status=201, why_open=_WHY, inside=True, tags=_TAGS,
        problems=(_INVALID, (422, "seats.practice_needed"), (429, "seats.too_often"), (429, "seats.too_many_waiting")),
    ),
    Route(
        "POST", "/seats/register/state", "seats.registerState", seat_state, None, shapes.StateOut, body=shapes.StateIn,
        why_open=_WHY_STATE, transaction=False, inside=True, tags=_TAGS,
        problems=(_GONE, (422, "seats.bad_signature_time"), *_TIME),
    ),
    Route("GET", "/seats", "seats.list", list_seats, READ, shapes.SeatsOut, query=Page, inside=True, tags=_TAGS),
    Route(
        "POST", "/seats/{id}/approve", "seats.approve", approve_seat, MANAGE, shapes.SeatOut, body=shapes.ApproveIn,
        problems=(_GONE, _STATE, (422, "seats.wrong_code")), inside=True, tags=_TAGS,
    ),
    Route(
        "POST", "/seats/{id}/refuse", "seats.refuse", refuse_seat, MANAGE, shapes.SeatOut, problems=(_GONE, _STATE),
        inside=True, tags=_TAGS,
    ),
    Route(
        "PATCH", "/seats/{id}", "seats.change", change_seat, MANAGE, shapes.SeatOut, body=shapes.SeatPatch,
        problems=(_GONE, _STATE, _INVALID), inside=True, tags=_TAGS,
    ),
    Route(
        "DELETE", "/seats/{id}", "seats.revoke", revoke_seat, MANAGE, status=204, problems=(_GONE, _STATE), inside=True,
        tags=_TAGS,
    ),
    Route("GET", "/seats/locks", "seatLocks.list", list_locks, READ_LOCKS, shapes.LocksOut, inside=True, tags=_TAGS),
    Route(
        "POST", "/seats/locks/release", "seatLocks.release", release_lock, TAKE, shapes.TakenAway, body=shapes.TakeAwayIn,
        problems=((409, "seats.not_locked"), (422, "seats.unknown_kind")), inside=True, tags=_TAGS,
    ),
    Route(
        "GET", "/seats/state", "seats.state", read_state, READ, shapes.StateOfSeats, inside=True, exempt=True, tags=_TAGS
    ),
    Route(
        "PUT", "/seats/mode", "seatMode.set", put_mode, SET_MODE, shapes.StateOfSeats, body=shapes.ModeIn,
        problems=(_INVALID,), inside=True, tags=_TAGS,
    ),
    Route(
        "PUT", "/seats/announcement", "seatAnnouncement.set", put_announcement, ANNOUNCE, shapes.StateOfSeats,
        body=shapes.AnnouncementIn, inside=True, tags=_TAGS,
        problems=(_INVALID, (409, "seats.several_practices"), (409, "seats.maintenance_begun"), *_TIME),
    ),
    Route(
        "DELETE", "/seats/announcement", "seatAnnouncement.delete", delete_announcement, ANNOUNCE, status=204,
        problems=(_GONE,), inside=True, exempt=True, tags=_TAGS,
    ),
)  # fmt: skip
