"""REST operations of the relay: its state, enrolment, calls from outside, change of key, leaving.

None runs in a transaction of the door: the hub is waited for. The relay belongs to the installation; whoever may write
here in one practice decides for all of them.
"""

from collections.abc import Callable
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Route
from praxisd.services.relay import acme_keeper, enrolling, settings, shapes, state, trying
from praxisd.services.relay.room import room_of
from praxisd.services.relay.shapes import RelayOut
from praxisd.services.relay.words import LINK_CODES

READ, WRITE = "relay.link.read", "relay.link.write"
LOOK_S = 2.0
"""Who reads the state waits so long for a look from outside, where the last one is old. Seconds."""
UP_S = 10.0
"""After an enrolment the first link is waited for so long. Seconds."""
PROBE_S = 12.0
RENEW_S = 45.0
"""A certificate asked for is waited for so long. Seconds."""
_TAGS = ("relay",)
_HUB = tuple((422, code) for code in LINK_CODES)
_VISIBLE = range(0x21, 0x7F)
CODES = ("relay.not_enrolled", *trying.CODES)
"""What answers may name beside the problems of operations."""


def _state(call: Call) -> RelayOut:
    return state.shown(call.house, call.actor.organization, call.lang)


def get_relay(call: Call) -> RelayOut:
    """How the relay stands

    Whether we are connected and reachable from outside, under which name, and what is wrong. Reading it has the
    reachability looked at anew if the last look is eight seconds old; where that takes longer than two seconds,
    `reachable` is null meanwhile.
    """
    room = room_of(call.house)
    room.fresh(LOOK_S)
    room.read()
    return _state(call)


def enrol(call: Call) -> RelayOut:
    """Enrol with an invitation of a relay's operator

    Answers once the hub has said yes or no, within 20 seconds. Where something is enrolled already, 409 says what, and
    only `replace` puts the new in its place; until the hub has said yes to it, the old one stays in force.
    """
    body: shapes.EnrolIn = call.body
    enrolling.enrol(call.house, call.actor, body.invitation, body.replace)
    room = room_of(call.house)
    room.look()
    room.wait_up(UP_S)
    return _state(call)


def probe(call: Call) -> RelayOut:
    """Look now whether we are reachable from outside

    Calls ourselves through the public name; waits for the outcome, within 12 seconds.
    """
    room_of(call.house).probe(PROBE_S)
    return _state(call)


def rotate(call: Call) -> RelayOut:
    """Change the key that proves us to the hub

    The host name changes with it; the old one leads here until the operator revokes it.
    """
    enrolling.rotate(call.house, call.actor)
    room = room_of(call.house)
    room.look()
    room.wait_up(UP_S)
    return _state(call)


def leave(call: Call) -> RelayOut:
    """Give up the name and forget the key

    Portals that use the name reach us no more; a new enrolment gives another name.
    """
    if not enrolling.leave(call.house, call.actor):
        raise Problem("relay.not_enrolled", 409)
    room_of(call.house).look()
    return _state(call)


def enable(call: Call) -> RelayOut:
    """Use the relay, or do not

    Switching it off ends the link; name and key are kept.
    """
    body: shapes.EnabledIn = call.body
    house = call.house
    house.store.run(call.actor, lambda tx: house.settings.put(tx, settings.ENABLED, body.enabled))
    room_of(house).look()
    return _state(call)


def attempt(call: Call) -> Answer:
    """Call ourselves from outside with a key

    As a portal does: through the public name and the relay. The key is kept nowhere.
    """
    body: shapes.TryIn = call.body
    if not all(ord(letter) in _VISIBLE for letter in body.key):
        raise Problem("relay.key_malformed", 422)
    return Answer(trying.attempt(call.house, body.key, call.lang), headers={"Cache-Control": "no-store"})


def renew_certificate(call: Call) -> RelayOut:
    """Fetch the certificate anew from the authority

    Waits for the outcome, within 45 seconds; `certificate.code` says why there is no new one. Where the authority has said
    when to come again, it is not asked before.
    """
    acme_keeper.renew(call.house, call.actor, RENEW_S)
    return _state(call)


def _write(method: str, path: str, name: str, call: Callable[[Call], Any], **more: Any) -> Route:
    answer = more.pop("answer", RelayOut)
    return Route(method, path, name, call, WRITE, answer=answer, transaction=False, tags=_TAGS, **more)


_BUSY, _ABSENT = (409, "relay.busy"), (409, "relay.not_enrolled")
ROUTES = (
    Route("GET", "/relay", "relay.read", get_relay, READ, answer=RelayOut, tags=_TAGS),
    _write(
        "POST", "/relay/enrol", "relay.enrol", enrol, body=shapes.EnrolIn,
        problems=((422, "relay.invitation_wrong"), (409, "relay.enrolled"), _BUSY, *_HUB),
    ),
    _write("POST", "/relay/probe", "relay.probe", probe, problems=(_ABSENT, (409, "relay.not_enabled"))),
    _write("POST", "/relay/rotate", "relay.rotate", rotate, problems=(_ABSENT, _BUSY, (409, "relay.not_linked"), *_HUB)),
    _write("POST", "/relay/leave", "relay.leave", leave, body=shapes.LeaveIn, problems=(_ABSENT, _BUSY)),
    _write("PUT", "/relay/enabled", "relay.enable", enable, body=shapes.EnabledIn),
    _write(
        "POST", "/relay/certificate/renew", "relay.renewCertificate", renew_certificate,
        problems=((409, "relay.acme_unused"), _ABSENT, (409, "relay.not_enabled"), (409, "relay.not_linked")),
    ),
    _write(
        "POST", "/relay/try", "relay.try", attempt, body=shapes.TryIn, answer=shapes.TryOut,
        problems=((422, "relay.key_malformed"),),
    ),
)  # fmt: skip
