"""What `praxisd activity …` does in the running server: the activity list as the door shows it, asked by a command."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import activity, clock, listings, sentences
from praxisd.kernel.console import ListingQuery
from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.job_operations import Args, call_of, moment, word
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Call, Operation
from praxisd.kernel.store import Tx

if TYPE_CHECKING:
    from praxisd.kernel.app import House

LIST_MOST = 200


def list_activity(house: "House", args: Args) -> Args:
    """The areas with their counts, and events newest first: `area`, `errors` (true: only those), `run`, `from`, `to`
    (times or dates) and `limit` (1 to 200) narrow them.
    """
    limit = args.get("limit", 50)
    if not isinstance(limit, int) or not 1 <= limit <= LIST_MOST:
        raise Problem("control.bad_arguments", 400)
    call = call_of(house, args)
    area, (since, until) = _area(house, args), _period(call, args)
    body = activity.SearchIn(
        area=area,
        run=word(args, "run", str) or "",
        from_=since,
        to=until,
        audit=False,
        error=True if word(args, "errors", bool) else None,
        limit=limit,
    )
    found = activity.search_events(_asking(call, body))
    query = activity.AreasQuery(from_=since, to=until)
    areas = activity.get_areas(Call(call.house, call.actor, {}, query, None, call.lang))
    return {**msgspec.to_builtins(areas), **msgspec.to_builtins(found)}


def clear_activity(house: "House", args: Args) -> Args:
    """Clear the list, or one `area` of it; the answer are the areas afterwards."""
    body = activity.ClearIn(area=_area(house, args))

    def work(tx: Tx) -> Args:
        answer: Args = msgspec.to_builtins(activity.clear_events(_asking(call_of(house, args, tx), body)))
        return answer

    return house.store.run(actor(house, args), work)


def export_activity(house: "House", args: Args) -> Args:
    """The list as CSV in the field `csv`, narrowed by `area`, `errors`, `from` and `to`; it is noted."""
    call = call_of(house, args)
    filters = {}
    if area := _area(house, args):
        filters["area"] = area
    if word(args, "errors", bool):
        filters["error"] = "true"
    since, until = _period(call, args)
    query = ListingQuery(filters=filters, from_=since, to=until)
    raw = listings.export(house.registry.listings["kernel.activity"], _asking(call, query))
    text = raw.data.decode()
    return {"csv": text, "rows": text.count("\r\n") - 1}


def _asking(call: Call, body: Any) -> Call:
    return Call(call.house, call.actor, {}, None, body, call.lang, call.tx)


def _area(house: "House", args: Args) -> str:
    area = word(args, "area", str) or ""
    if area and not sentences.types_of(house.registry, area):
        raise not_found("Area")
    return area


def _period(call: Call, args: Args) -> tuple[str | None, str | None]:
    """`from` and `to` as RFC 3339; a date stands for the whole of it in the practice's zone."""
    with call.read() as tx:
        zone = zone_of(zone_name(call.house, tx))
    since = moment(word(args, "from", str), "from", zone)
    until = moment(word(args, "to", str), "to", zone, whole_day=True)
    return (
        None if since is None else clock.format_rfc3339(since),
        None if until is None else clock.format_rfc3339(until),
    )


ACTIVITY_OPERATIONS = (
    Operation("kernel.activity_list", list_activity),
    Operation("kernel.activity_clear", clear_activity),
    Operation("kernel.activity_export", export_activity),
)
