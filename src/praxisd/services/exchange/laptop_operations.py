"""What the commands `praxisd laptop …` do, in the server or under the folder's lock. JSON in and out; files as base64."""

import base64
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.clock import local_date
from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Operation
from praxisd.kernel.texts import FIRST
from praxisd.services.accounts import api as accounts
from praxisd.services.exchange import (
    laptop_file,
    laptop_lending,
    laptop_opening,
    laptop_returning,
    laptop_views,
)
from praxisd.services.exchange.merge_rules import MISSING

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
DAYS = 14
"""So long a loan lasts where nobody says otherwise."""


def _bytes(args: Args, name: str) -> bytes:
    try:
        return base64.b64decode(str(args.get(name) or ""), validate=True)
    except ValueError:
        raise Problem("control.bad_arguments", 400) from None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _lang(args: Args) -> str:
    return str(args.get("lang") or FIRST)


def out(house: "House", args: Args) -> Args:
    """A new loan, and its file."""
    who = actor(house, args)
    with house.store.read(who) as tx:
        today = local_date(tx.now, zone_of(zone_name(house, tx)))
    try:
        until = date.fromisoformat(args["until"]) if args.get("until") else today + timedelta(days=DAYS)
    except ValueError:
        raise Problem("control.bad_arguments", 400) from None
    made = laptop_lending.lend(
        house,
        who,
        list(args["patients"]),
        str(args.get("label") or "Laptop")[:100],
        until,
        passphrase=args.get("passphrase"),
        recipient=args.get("recipient"),
    )
    return {
        "loan": made.loan,
        "patients": made.patients,
        "until": until.isoformat(),
        "file": _text(made.file),
    }


def list_(house: "House", args: Args) -> Args:
    """All loans."""
    with house.store.read(actor(house, args)) as tx:
        return {"loans": msgspec.to_builtins(laptop_views.loans(house, tx, _lang(args)))}


def revoke(house: "House", args: Args) -> Args:
    """A laptop is lost."""
    who = actor(house, args)
    house.store.run(who, lambda tx: laptop_lending.revoke(tx, str(args["loan"])))
    return list_(house, args)


def back(house: "House", args: Args) -> Args:
    """A file from a laptop."""
    report = laptop_returning.take(house, actor(house, args), _bytes(args, "file"), args.get("passphrase"))
    found: Args = msgspec.to_builtins(report)
    return found


def conflicts(house: "House", args: Args) -> Args:
    """What waits for a decision."""
    with house.store.read(actor(house, args)) as tx:
        return {"conflicts": msgspec.to_builtins(laptop_views.conflicts(house, tx, _lang(args)))}


def decide(house: "House", args: Args) -> Args:
    """Decide one."""
    value = args.get("value", MISSING)
    house.store.run(
        actor(house, args),
        lambda tx: laptop_returning.decide(house, tx, str(args["conflict"]), str(args["choice"]), value),
    )
    return conflicts(house, args)


def open_(house: "House", args: Args) -> Args:
    """Make the practice on the laptop from the content of a file (already opened by the command)."""
    laptop_opening.need_empty(house)
    content = laptop_file.read(_bytes(args, "content"), "out")
    owner = laptop_opening.Owner(
        args["login"], args["name"], accounts.hash_password(args["password"], args["login"])
    )
    made = laptop_opening.fill(house, content, owner)
    return {
        "loan": made.loan,
        "organization": made.organization,
        "practice": made.practice,
        "patients": len(content.manifest.patients),
        "login": args["login"],
    }


def pack(house: "House", args: Args) -> Args:
    """On the laptop: what changed."""
    made = laptop_opening.pack(
        house, actor(house, args), last=bool(args.get("last")), passphrase=args.get("passphrase")
    )
    return {"number": made.number, "records": made.records, "file": _text(made.file)}


def status(house: "House", args: Args) -> Args:
    """Is this a laptop?"""
    with house.store.read(actor(house, args)) as tx:
        found: Args = msgspec.to_builtins(laptop_views.laptop(house, tx))
    return found


OPERATIONS = tuple(
    Operation(f"exchange.laptop_{name}", call, offline=True)
    for name, call in (
        ("out", out),
        ("list", list_),
        ("revoke", revoke),
        ("back", back),
        ("conflicts", conflicts),
        ("decide", decide),
        ("open", open_),
        ("pack", pack),
        ("status", status),
    )
)
