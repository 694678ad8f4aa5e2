"""The guard as the console sees it: what it does, why this server was started, safe mode, and a new try."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events, guarded_checks
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.guarded import Guarded
from praxisd.kernel.service import Answer, Call, Permission, Route

if TYPE_CHECKING:
    from praxisd.kernel.app import House

READ, WRITE = "kernel.guard.read", "kernel.guard.write"
ABSENT = "guard.absent"
CODES = (ABSENT, "guard.safe_mode")
PERMISSIONS = (
    Permission(READ, ("owner", "desk", "partner")),
    Permission(WRITE, ("owner", "partner"), shared=True),
)


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share: camelCase names."""


class StartOut(_Out, frozen=True, kw_only=True):
    """Why this server was started. `reason` is a word of the guard; `end` and `log` tell of the server before."""

    reason: str
    at: str | None
    failures: int
    end: str
    log: str
    by: str


class GuardOut(_Out, frozen=True, kw_only=True):
    """`present` False: nobody guards this server. `safe`: it runs in safe mode."""

    present: bool
    safe: bool
    state: str | None = None
    version: str | None = None
    since: str | None = None
    start: StartOut | None = None


class OrderedOut(_Out, frozen=True, kw_only=True):
    """The order was given; the guard takes it within a second."""

    order: str


def get_guard(call: Call) -> GuardOut:
    """The guard, and safe mode

    What the guard says it does, and why it started this server.
    """
    house = call.house
    guard = house.guard
    if guard is None:
        return GuardOut(present=False, safe=house.safe)
    state = guard.state()
    return GuardOut(
        present=True,
        safe=house.safe,
        state=state.get("state"),
        version=state.get("version"),
        since=_when(state.get("since")),
        start=_start(guard),
    )


def try_again(call: Call) -> Answer:
    """Try again

    Ends safe mode: the server is started as usual, and failures count from nought.
    """
    return _ordered(call, "try_again")


def restart(call: Call) -> Answer:
    """Restart now

    The server drains and is started again; meanwhile every door answers 503 `maintenance`.
    """
    return _ordered(call, "restart")


def _ordered(call: Call, kind: str) -> Answer:
    house = call.house
    guard = _guard(house)
    with house.store.write(call.actor) as tx:
        events.note(tx, "restart.requested", "Server", house.node, kind=kind)
    return Answer(OrderedOut(order=guard.order(kind, by=call.actor.id, reason="person")), 202)


def _guard(house: "House") -> Guarded:
    if house.guard is None:
        raise Problem(ABSENT, 409)
    return house.guard


def _start(guard: Guarded) -> StartOut:
    last: dict[str, Any] = guard.start.get("last") or {}
    return StartOut(
        reason=guard.reason,
        at=_when(guard.start.get("at")),
        failures=guard.failures,
        end=guarded_checks.end(last),
        log=guarded_checks.name(last),
        by=guarded_checks.who(guard.start.get("by")),
    )


def _when(at: Any) -> str | None:
    return format_rfc3339(int(at)) if isinstance(at, int | float) else None


_TAGS = ("guard",)
ROUTES = (
    Route("GET", "/guard", "guard.read", get_guard, READ, GuardOut, exempt=True, safe=True, tags=_TAGS),
    Route(
        "POST", "/guard/try-again", "guard.tryAgain", try_again, WRITE, OrderedOut, status=202,
        problems=((409, ABSENT),), transaction=False, safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/guard/restart", "guard.restart", restart, WRITE, OrderedOut, status=202,
        problems=((409, ABSENT),), transaction=False, safe=True, tags=_TAGS,
    ),
)  # fmt: skip
