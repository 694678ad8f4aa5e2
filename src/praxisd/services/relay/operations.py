"""What `praxisd relay …` does, in the server or under the folder's lock. JSON in and out.

The relay belongs to the installation: no practice has to be named, but for the log of accesses.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor, Kind
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.console import folded
from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Operation
from praxisd.services.relay import access_store, acme_keeper, acme_words, certificates, enrolling, state
from praxisd.services.relay.access import key_names
from praxisd.services.relay.room import room_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
CLI = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)
UP_S = 10.0
PROBE_S = 12.0
RENEW_S = 45.0
MOST = 1_000


def _shown(house: "House", args: Args) -> Args:
    found: Args = msgspec.to_builtins(state.shown(house, INSTALLATION, str(args.get("lang") or "de")))
    return {**found, "atWork": room_of(house).at_work}


def _settled(house: "House", args: Args) -> Args:
    """The state once the link is up and has been looked at from outside, or after a while."""
    room = room_of(house)
    room.look()
    if room.running and room.wait_up(UP_S) and room.snapshot()[0].reachable is None:
        room.probe(PROBE_S)
    return _shown(house, args)


def status(house: "House", args: Args) -> Args:
    """How the relay stands; where nobody has looked from outside in the last seconds, that is done now."""
    room = room_of(house)
    room.read()
    room.fresh(PROBE_S)
    return _shown(house, args)


def enrol(house: "House", args: Args) -> Args:
    """Enrol with an invitation, in place of what exists only if `replace`."""
    text = args.get("invitation")
    if not isinstance(text, str):
        raise Problem("control.bad_arguments", 400)
    enrolling.enrol(house, CLI, text, bool(args.get("replace")))
    return _settled(house, args)


def rotate(house: "House", args: Args) -> Args:
    """Change the key."""
    enrolling.rotate(house, CLI)
    return _settled(house, args)


def revoke(house: "House", args: Args) -> Args:
    """Give up the name and forget the key."""
    if not enrolling.leave(house, CLI):
        raise Problem("relay.not_enrolled", 409)
    room_of(house).look()
    return _shown(house, args)


def probe(house: "House", args: Args) -> Args:
    """Look from outside now."""
    room_of(house).probe(PROBE_S)
    return _shown(house, args)


def certificate(house: "House", args: Args) -> Args:
    """The certificate guests meet, `chain` in PEM, leaf first; with `renew`, fetched anew first."""
    if args.get("renew"):
        acme_keeper.renew(house, CLI, RENEW_S)
    shown = acme_words.shown(house, str(args.get("lang") or "de"))
    return shown | {"chain": certificates.current(house).chain}


def log(house: "House", args: Args) -> Args:
    """The last accesses of the practice that came in through the relay, newest first: up to this moment."""
    room_of(house).entered()
    part = folded(args.get("key") or "")
    with house.store.read(actor(house, args)) as tx:
        names, zone = key_names(tx), zone_of(zone_name(house, tx))
        keys = [id_ for id_, name in names.items() if part in folded(name)] if part else None
        limit = max(1, min(int(args.get("limit") or 50), MOST))
        found, _ = access_store.page(tx, {"keys": keys}, sort="at", down=True, offset=0, limit=limit)
    rows = [
        {
            "at": format_rfc3339(one.at, zone),
            "key": names.get(one.key, one.key),
            "operation": f"{one.method} {one.operation}",
            "status": one.status,
            "ms": one.ms,
            "sent": one.sent,
            "address": one.address,
        }
        for one in found
    ]
    return {"accesses": rows}


OPERATIONS = (
    Operation("relay.status", status),
    Operation("relay.enrol", enrol, offline=True),
    Operation("relay.rotate", rotate, offline=True),
    Operation("relay.revoke", revoke, offline=True),
    Operation("relay.probe", probe),
    Operation("relay.certificate", certificate),
    Operation("relay.log", log, offline=True),
)
