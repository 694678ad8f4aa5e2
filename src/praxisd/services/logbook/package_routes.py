"""The doors of packages and standing orders: make, look at each line, leave lines out, send, look again for ever."""

from collections.abc import Iterable
from typing import Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.clock import format_rfc3339, parse_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.sentences import actor_names
from praxisd.kernel.service import Answer, Call, EventType, Permission, Raw, Retention, Route
from praxisd.kernel.store import Tx
from praxisd.services.logbook import ordering, packing, rules, searching, sending, store
from praxisd.services.logbook.package_shapes import (
    DropIn,
    LineOut,
    LinesQuery,
    OrderIn,
    OrderOut,
    OrdersOut,
    PackageIn,
    PackageOut,
    PackagePage,
    PackagesOut,
    PackagesQuery,
    SendIn,
)
from praxisd.services.logbook.redact_rules import MARK
from praxisd.services.logbook.routes import _GONE, _TAGS, _TIMES, _WIDE, READ
from praxisd.services.logbook.sending import MANAGE

SEND = "logbook.package.send"
_MEDIA = "application/x-ndjson; charset=utf-8"
_HERE = (404, "http.not_found")


def make_package(call: Call) -> Answer:
    """Make a package to be looked at

    It goes nowhere by itself.
    """
    body: PackageIn = call.body
    id_ = packing.make(call.house, call.actor, searching.wanted(call.actor.organization, body))
    with call.read() as tx:
        return Answer(_page(call, tx, id_, LinesQuery()), 201)


def read_package(call: Call) -> PackagePage:
    """A package, line by line

    The lines as they would leave or have left; placeholders are marked.
    """
    with call.read() as tx:
        return _page(call, tx, call.path["id"], call.query)


def list_packages(call: Call) -> PackagesOut:
    """All packages, the newest first; those that left stay for ever."""
    query: PackagesQuery = call.query
    with call.read() as tx:
        found = store.page(tx, query.cursor, query.limit, query.order)
        shown = found[: query.limit]
        out = _told(call, tx, shown)
    return PackagesOut(packages=out, next=shown[-1].id if len(found) > query.limit else None)


def get_content(call: Call) -> Raw:
    """A package byte for byte, as a file; it is noted who saved it."""

    def work(tx: Tx) -> Any:
        row = packing.need(tx, call.path["id"])
        events.note(tx, "package.saved", "LogPackage", row.id)
        return row

    row = call.house.store.run(call.actor, work)
    headers = {"Content-Disposition": f'attachment; filename="{packing.file_name(row.id)}"'}
    return Raw(row.content.encode(), _MEDIA, headers=headers)


def drop_lines(call: Call) -> PackagePage:
    """Leave lines out of a package that has not left."""
    body: DropIn = call.body
    packing.drop(call.writing, call.path["id"], body.sha256, body.drop)
    return _page(call, call.writing, call.path["id"], LinesQuery())


def send_package(call: Call) -> PackageOut:
    """Send a package as it was shown

    By the practice's own e-mail account, by a person only. The answer says honestly what is known.
    """
    body: SendIn = call.body
    sending.by_click(call.house, call.actor, call.path["id"], body.sha256, call.lang, body.to)
    with call.read() as tx:
        return _told(call, tx, [packing.need(tx, call.path["id"])])[0]


def delete_package(call: Call) -> None:
    """Throw a package away that has not left."""
    row = packing.need(call.writing, call.path["id"])
    if not store.delete(call.writing, row.id):
        raise Problem(packing.LEFT, 409)


def list_orders(call: Call) -> OrdersOut:
    """Standing orders: those that stand, and those that ended."""
    with call.read() as tx:
        return OrdersOut(orders=_orders(call, tx, store.orders(tx)))


def give_order(call: Call) -> Answer:
    """Give a standing order

    From now on what is described is sent each hour, until the time is over or somebody withdraws it.
    """
    body: OrderIn = call.body
    until = parse_rfc3339(body.until, "until")
    no = searching.last_no(call.house)
    id_ = call.house.store.run(
        call.actor,
        lambda tx: ordering.give(
            call.house, tx, to=body.to, levels=list(body.levels), sources=body.sources, until=until, no=no
        ),
    )
    with call.read() as tx:
        return Answer(_orders(call, tx, [store.order(tx, id_)])[0], 201)


def withdraw_order(call: Call) -> None:
    """Withdraw a standing order; nothing more leaves by it."""
    ordering.withdraw(call.writing, call.path["id"])


def _page(call: Call, tx: Tx, id_: str, query: LinesQuery) -> PackagePage:
    row = packing.need(tx, id_)
    lines = row.content.splitlines()
    first = min(int(query.cursor), len(lines))
    end = first + query.limit
    facts = msgspec.structs.asdict(_told(call, tx, [row])[0])
    text = [
        LineOut(number=number, text=one, marks=[mark.span() for mark in MARK.finditer(one)])
        for number, one in enumerate(lines[first:end], first)
    ]
    return PackagePage(**facts, text=text, next=str(end) if end < len(lines) else None)


def _told(call: Call, tx: Tx, rows: Iterable[Any]) -> list[PackageOut]:
    rows = list(rows)
    zone = zone_of(zone_name(call.house, tx))
    labels = {one for row in rows for one in (row.created_by, row.sent_by) if one}
    names = actor_names(call.house, tx, labels, call.lang)
    out = []
    for one in rows:
        title = None if one.code is None else call.house.texts.get(f"{one.code}.title", call.lang)
        out.append(
            PackageOut(
                id=one.id, created_at=format_rfc3339(one.created_at, zone), created_by=names.get(one.created_by, one.created_by),
                from_=rules.shown(one.first), to=rules.shown(one.last), sources=msgspec.json.decode(one.sources),
                levels=msgspec.json.decode(one.levels), lines=one.lines, dropped=one.dropped, bytes=one.bytes, sha256=one.digest,
                file=packing.file_name(one.id), order=one.order_id, state=sending.shown(one, tx.now), target=one.target,
                sent_at=None if one.sent_at is None else format_rfc3339(one.sent_at, zone),
                sent_by=names.get(one.sent_by, one.sent_by), code=one.code, title=title, detail=one.detail,
            )
        )  # fmt: skip
    return out


def _orders(call: Call, tx: Tx, rows: list[Any]) -> list[OrderOut]:
    zone = zone_of(zone_name(call.house, tx))
    labels = {one for row in rows for one in (row.created_by, row.ended_by) if one}
    names = actor_names(call.house, tx, labels, call.lang)
    return [
        OrderOut(
            id=one.id, created_at=format_rfc3339(one.created_at, zone), created_by=names.get(one.created_by, one.created_by),
            to=one.target, levels=msgspec.json.decode(one.levels), sources=msgspec.json.decode(one.sources),
            until=format_rfc3339(one.until, zone), ended_at=None if one.ended_at is None else format_rfc3339(one.ended_at, zone),
            ended_by=names.get(one.ended_by, one.ended_by), why=one.why,
        )
        for one in rows
    ]  # fmt: skip


EVENTS = (
    EventType("package.made", Retention.ACTIVITY),
    EventType("package.saved", Retention.AUDIT),
    EventType("package.sent", Retention.AUDIT),
    EventType("order.given", Retention.AUDIT),
    EventType("order.ended", Retention.AUDIT),
)
PERMISSIONS = (Permission(SEND, ("owner", "desk")), Permission(MANAGE))
_SENDS = (
    (403, sending.PERSON),
    (409, packing.CHANGED),
    (409, "messaging.account_missing"),
    (409, "support.partner_missing"),
    (422, sending.BAD_ADDRESS),
)
ROUTES = (
    Route(
        "POST", "/logbook/packages", "logPackage.make", make_package, READ, PackagePage, body=PackageIn, status=201,
        transaction=False, problems=(*_TIMES, *_WIDE, (422, packing.LARGE), (422, packing.EMPTY)), inside=True, tags=_TAGS,
    ),
    Route(
        "GET", "/logbook/packages", "logPackage.list", list_packages, READ, PackagesOut, query=PackagesQuery, inside=True,
        tags=_TAGS,
    ),
    Route(
        "GET", "/logbook/packages/{id}", "logPackage.read", read_package, READ, PackagePage, query=LinesQuery, problems=(_HERE,),
        inside=True, tags=_TAGS,
    ),
    Route(
        "GET", "/logbook/packages/{id}/content", "logPackage.save", get_content, READ, media_type=_MEDIA, problems=(_HERE,),
        inside=True, tags=_TAGS,
    ),
    Route(
        "POST", "/logbook/packages/{id}/lines", "logPackage.drop", drop_lines, READ, PackagePage, body=DropIn,
        problems=(_HERE, (409, packing.CHANGED), (409, packing.LEFT)), inside=True, tags=_TAGS,
    ),
    Route(
        "POST", "/logbook/packages/{id}/send", "logPackage.send", send_package, SEND, PackageOut, body=SendIn, transaction=False,
        problems=(_HERE, *_SENDS), inside=True, tags=_TAGS,
    ),
    Route(
        "DELETE", "/logbook/packages/{id}", "logPackage.delete", delete_package, READ, status=204,
        problems=(_HERE, (409, packing.LEFT)), inside=True, tags=_TAGS,
    ),
    Route("GET", "/logbook/orders", "logOrder.list", list_orders, READ, OrdersOut, inside=True, tags=_TAGS),
    Route(
        "POST", "/logbook/orders", "logOrder.give", give_order, MANAGE, OrderOut, body=OrderIn, status=201, transaction=False,
        problems=(*_TIMES, *_SENDS[:1], *_SENDS[3:], (422, ordering.BAD_UNTIL), _GONE), inside=True, tags=_TAGS,
    ),
    Route(
        "DELETE", "/logbook/orders/{id}", "logOrder.withdraw", withdraw_order, MANAGE, status=204, problems=(_HERE,), inside=True,
        tags=_TAGS,
    ),
)  # fmt: skip
