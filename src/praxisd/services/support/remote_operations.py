"""What `praxisd support grant|list|record|end` do, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.clock import format_rfc3339, parse_rfc3339
from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Operation
from praxisd.services.support import remote, remote_record
from praxisd.services.support.remote_routes import address_of, view
from praxisd.services.support.remote_store import Grant

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
_RECORD_MOST = 200
_TIMES = ("At", "until", "at", "last")


class _GrantArgs(msgspec.Struct, kw_only=True):
    name: str
    purpose: str
    minutes: int


def grant(house: "House", args: Args) -> Args:
    """Let somebody in; the answer holds the code, once. `address` is empty where no server runs yet."""
    try:
        given = msgspec.convert({k: args.get(k) for k in ("name", "purpose", "minutes")}, _GrantArgs)
    except msgspec.ValidationError:
        raise Problem("support.remote_invalid", 422, field="args") from None
    who = _actor(house, args)
    made = remote.grant(house, who, name=given.name, purpose=given.purpose, minutes=given.minutes)
    base = str(house.config.public_url or house.shared.get("url") or "").rstrip("/")
    address, outside = address_of(house, base)
    shown = _one(house, who, made.grant, args)
    return {
        "grant": shown,
        "address": address if outside or base else "",
        "outside": outside,
        "code": made.code,
    }


def listed(house: "House", args: Args) -> Args:
    """Who was let in, the newest first."""
    who = _actor(house, args)
    with house.store.read(who) as tx:
        found = remote.latest(tx)
    return {"grants": [_one(house, who, one, args) for one in found]}


def ended(house: "House", args: Args) -> Args:
    """End the grant `id`, or the one that holds now. Problem `support.remote_none` (409) where there is none."""
    who, id_ = _actor(house, args), args.get("id")
    if id_ is None:
        with house.store.read(who) as tx:
            one = remote.current(tx)
        if one is None:
            raise Problem("support.remote_none", 409)
        id_ = one.id
    return _one(house, who, remote.end(house, who, str(id_)), args)


def record(house: "House", args: Args) -> Args:
    """What was done during the grant `id`, or the newest one."""
    who, id_ = _actor(house, args), args.get("id")
    with house.store.read(who) as tx:
        newest = remote.latest(tx, 1)
        one = remote.find(tx, str(id_)) if id_ is not None else next(iter(newest), None)
    if one is None:
        raise Problem("support.remote_none", 409)
    lang = str(args.get("lang") or "de")
    acts, _ = remote_record.page(house, who, one.id, None, _RECORD_MOST, lang)
    shown = [_local(house, who, msgspec.to_builtins(act)) for act in acts]
    return {"grant": _one(house, who, one, args), "acts": shown}


def _actor(house: "House", args: Args) -> Actor:
    """The command line in a practice (`kernel.control.actor`); Problem `control.no_practice_yet` (409) before there is one."""
    who = actor(house, args)
    if who.organization == INSTALLATION:
        raise Problem("control.no_practice_yet", 409)
    return who


def _one(house: "House", who: Actor, one: Grant, args: Args) -> Args:
    with house.store.read(who) as tx:
        shown = view(house, tx, one, str(args.get("lang") or "de"))
    return _local(house, who, msgspec.to_builtins(shown))


def _local(house: "House", who: Actor, row: Args) -> Args:
    """Times as the practice's clock shows them."""
    with house.store.read(who) as tx:
        zone = zone_of(zone_name(house, tx))
    return {
        key: format_rfc3339(parse_rfc3339(value, key), zone)
        if isinstance(value, str) and key.endswith(_TIMES)
        else value
        for key, value in row.items()
    }


OPERATIONS = (
    Operation("support.remote_grant", grant, offline=True),
    Operation("support.remote_list", listed, offline=True),
    Operation("support.remote_end", ended, offline=True),
    Operation("support.remote_record", record, offline=True),
)
