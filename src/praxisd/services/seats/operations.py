"""What `praxisd seats …` does, in the running server. JSON in and out."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.kernel.store import Tx
from praxisd.services.seats import managing, register, rules, shapes, store, views
from praxisd.services.seats.store import Seat

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
A = TypeVar("A", bound=msgspec.Struct)


class _Seat(msgspec.Struct, frozen=True):
    id: str
    code: str = ""


class _Mode(msgspec.Struct, frozen=True):
    mode: Literal["operation", "setup"] | None = None
    hours: int | None = None


class _Announce(msgspec.Struct, frozen=True):
    at: str | None = None
    minutes: int = 30
    reason: shapes.Occasion = "other"
    begin: bool = False
    off: bool = False


def listed(house: "House", args: Args) -> Args:
    """All seats with their sessions."""
    with house.store.read(_actor(house, args)) as tx:
        return {"seats": msgspec.to_builtins(views.seats(house, tx, store.seats(tx)))}


def locks(house: "House", args: Args) -> Args:
    """All locks that hold."""
    with house.store.read(_actor(house, args)) as tx:
        return {"locks": msgspec.to_builtins(views.locks(house, tx))}


def release(house: "House", args: Args) -> Args:
    """Take a lock away. Problems: `seats.not_locked` (409), `seats.unknown_kind` (422), `seats.invalid` (422)."""
    given = _given(args, shapes.TakeAwayIn)
    granted = house.store.run(
        _actor(house, args), lambda tx: managing.take_away(house, tx, given.record, given.reason)
    )
    return {"record": given.record, "granted": granted}


def approve(house: "House", args: Args) -> Args:
    """Let a program in, by the code that it shows."""
    given = _given(args, _Seat)
    return _seat(house, args, lambda tx: register.approve(tx, given.id, given.code))


def refuse(house: "House", args: Args) -> Args:
    """Do not let a program in."""
    given = _given(args, _Seat)
    return _seat(house, args, lambda tx: register.refuse(tx, given.id))


def revoke(house: "House", args: Args) -> Args:
    """Remove a seat; its sessions end, its locks are free."""
    given = _given(args, _Seat)
    return _seat(house, args, lambda tx: managing.revoke(house, tx, given.id))


def mode(house: "House", args: Args) -> Args:
    """Say the mode, or switch it."""
    given, who = _given(args, _Mode), _actor(house, args)
    if given.mode is not None:
        wanted, hours = given.mode, rules.SETUP_HOURS if given.hours is None else given.hours
        house.store.run(who, lambda tx: managing.set_mode(house, tx, wanted, hours))
    return _state(house, who)


def announce(house: "House", args: Args) -> Args:
    """Say what is announced, announce maintenance, or call it off. Problems as for the page."""
    given, who = _given(args, _Announce), _actor(house, args)
    if given.off:
        house.store.run(who, lambda tx: managing.call_off(house, tx))
    elif given.at is not None:
        at, facts = parse_rfc3339(given.at, "at"), given
        house.store.run(
            who,
            lambda tx: managing.announce(
                house, tx, at=at, minutes=facts.minutes, reason=facts.reason, begin=facts.begin
            ),
        )
    return _state(house, who)


def _state(house: "House", who: Actor) -> Args:
    with house.store.read(who) as tx:
        found: Args = msgspec.to_builtins(views.state(house, tx))
    return found


def _seat(house: "House", args: Args, work: Callable[[Tx], Seat]) -> Args:
    who = _actor(house, args)
    found = house.store.run(who, work)
    with house.store.read(who) as tx:
        shown: Args = msgspec.to_builtins(views.seats(house, tx, [store.seat(tx, found.id) or found])[0])
    return shown


def _given(args: Args, kind: type[A]) -> A:
    """The command's own arguments. Problem `seats.invalid` (422) for what does not fit."""
    names = msgspec.structs.fields(kind)
    given = {one.encode_name: args[one.encode_name] for one in names if args.get(one.encode_name) is not None}
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        _, _, field = str(error).rpartition("$.")
        raise Problem("seats.invalid", 422, field=field.rstrip("`") or "args") from None


def _actor(house: "House", args: Args) -> Actor:
    """The command line in a practice; Problem `control.no_practice_yet` (409) before there is one."""
    who = actor(house, args)
    if who.organization == INSTALLATION:
        raise Problem("control.no_practice_yet", 409)
    return who


OPERATIONS = (
    Operation("seats.list", listed),
    Operation("seats.locks", locks),
    Operation("seats.release", release),
    Operation("seats.approve", approve),
    Operation("seats.refuse", refuse),
    Operation("seats.revoke", revoke),
    Operation("seats.mode", mode),
    Operation("seats.announce", announce),
)
