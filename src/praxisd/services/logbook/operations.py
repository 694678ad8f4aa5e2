"""What `praxisd logbook …` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.clock import format_rfc3339, parse_rfc3339
from praxisd.kernel.control import actor
from praxisd.kernel.service import Operation
from praxisd.services.logbook import ordering, packing, searching, sending, settings, store
from praxisd.services.logbook.book import book_of
from praxisd.services.logbook.shapes import Filter

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
_FILTER = ("from", "to", "levels", "sources", "codes", "words")
EXPORT_MOST = 50_000


def _wanted(args: Args, organization: str) -> Any:
    body = msgspec.convert({name: args[name] for name in _FILTER if name in args}, Filter)
    return searching.wanted(organization, body)


def search(house: "House", args: Args) -> Args:
    """The newest entries of a filter: `{"entries": […]}`, at most `limit`; `export` notes that they were saved."""
    who = actor(house, args)
    most = EXPORT_MOST if args.get("export") else int(args.get("limit", 50))
    found = list(searching.many(house, _wanted(args, who.organization), most))

    def work(tx: Any) -> dict[str, str]:
        if args.get("export"):
            events.note(tx, "logbook.exported", "Logbook", "entries", lines=len(found), format="ndjson")
        return searching.names(house, tx, {one.source for one in found}, args.get("lang", "de"))

    named = house.store.run(who, work)
    return {"entries": [msgspec.to_builtins(searching.shown(one, named, patients=False)) for one in found]}


def package(house: "House", args: Args) -> Args:
    """Make a package: `{"id", "sha256", "lines": […]}`, the lines as they would leave. It goes nowhere."""
    who = actor(house, args)
    id_ = packing.make(house, who, _wanted(args, who.organization))
    with house.store.read(who) as tx:
        row = packing.need(tx, id_)
    return {"id": id_, "sha256": row.digest, "lines": row.content.splitlines()}


def send(house: "House", args: Args) -> Args:
    """Send a package as it was shown: `{"id", "state", "to", "code"}`."""
    who = actor(house, args)
    sending.by_click(house, who, args["id"], args["sha256"], args.get("lang", "de"), args.get("to", ""))
    with house.store.read(who) as tx:
        row = packing.need(tx, args["id"])
        return {"id": row.id, "state": sending.shown(row, tx.now), "to": row.target, "code": row.code}


def orders(house: "House", args: Args) -> Args:
    """All standing orders; with `until` a new one is given, with `withdraw` one is ended."""
    who = actor(house, args)
    if "until" in args:
        no, until = searching.last_no(house), parse_rfc3339(args["until"], "until")
        levels, sources = args.get("levels", ["warning", "error"]), args.get("sources", [])
        house.store.run(
            who,
            lambda tx: ordering.give(
                house, tx, to=args.get("to", ""), levels=levels, sources=sources, until=until, no=no
            ),
        )
    if "withdraw" in args:
        house.store.run(who, lambda tx: ordering.withdraw(tx, args["withdraw"]))
    with house.store.read(who) as tx:
        rows = store.orders(tx)
    return {
        "orders": [
            {"id": one.id, "to": one.target, "levels": msgspec.json.decode(one.levels), "until": format_rfc3339(one.until),
             "state": one.why or "on"}
            for one in rows
        ]
    }  # fmt: skip


def statistics(house: "House", args: Args) -> Args:
    """How full the logbook is."""
    who = actor(house, args)
    figures = book_of(house).shelf.figures()
    with house.store.read(who) as tx:
        limits = settings.limits(house, tx)
    names = {10: "debug", 20: "info", 30: "warning", 40: "error"}
    counts = {name: figures.levels.get(level, 0) for level, name in names.items()}
    return {**counts, "usedBytes": figures.used, "limitBytes": limits.bytes}


OPERATIONS = (
    Operation("logbook.search", search, offline=True),
    Operation("logbook.package", package, offline=True),
    Operation("logbook.send", send, offline=True),
    Operation("logbook.orders", orders, offline=True),
    Operation("logbook.statistics", statistics, offline=True),
)
