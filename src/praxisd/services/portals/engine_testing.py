"""Trying access data: the portal is asked once, nothing is written there, and what it says is told in words."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.portals import INTERVAL_LOW_S, OnlinePortal
from praxisd.services.portals import accounts, cycle_start, engine_store, engine_views, links, portals
from praxisd.services.portals import engine_shapes as shapes
from praxisd.services.portals.cycle import CRASHED
from praxisd.services.portals.portal import CODES, Portal
from praxisd.services.portals.store import PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def trial(
    house: "House", actor: Actor, portal: OnlinePortal, lang: str, secrets: Mapping[str, str] | None = None
) -> shapes.TestView:
    """Ask a portal for the names of its calendars, or for the period of the first one. `secrets`: of one not saved yet."""
    with house.store.read(actor) as tx:
        one = accounts.account(house, tx, portal, secrets)
        known = [link.name for link in engine_store.calendars(tx, portal.id)] if portal.id else []
    portals.check_fields(portal.adapter, one.values)
    try:
        wire = accounts.opened(house, one, portal.adapter, accounts.Kept())
        names = _asked(wire, known)
    except Problem as problem:
        code = problem.code if problem.code in CODES else CRASHED
        told = str(problem.params.get("names") or "–")
        fault = engine_views.fault(
            house, code, lang, portal=portal.name, calendar=", ".join(known), names=told
        )  # fmt: skip
        _contacted(house, actor, portal, good=False)
        return shapes.TestView(ok=False, calendars=None, problem=fault)
    _contacted(house, actor, portal, good=True)
    return shapes.TestView(ok=True, calendars=None if names is None else sorted(names), problem=None)


def _asked(wire: Portal, known: list[str]) -> tuple[str, ...] | None:
    names = wire.names()
    if names is None and known:
        wire.period(known[0])
    return names


def _contacted(house: "House", actor: Actor, portal: OnlinePortal, *, good: bool) -> None:
    """A test is a contact: the next one by itself keeps its distance, and comes soon where a failure has healed."""
    if portal.id:
        house.store.run(actor, partial(_note, portal.id, good))


def _note(portal: str, good: bool, tx: Tx) -> None:
    row = engine_store.cycle(tx, portal)
    if row is None:
        return
    now = tx.lease_now()
    if good and row.failures:
        values = {"due_at": now + INTERVAL_LOW_S, "failures": 0, "code": None, "retry": None}
        engine_store.change_cycle(tx, portal, contacted_at=now, **values)
    else:
        engine_store.change_cycle(tx, portal, contacted_at=now, due_at=cycle_start.later(row.due_at, now))


def ask_for(house: "House", actor: Actor, portal: str, name: str) -> links.Asked:
    """Ask a saved portal for a calendar's name. Problem `portals.calendar_unknown` (422)."""
    with house.store.read(actor) as tx:
        one = PORTALS.need(tx, portal)
        account = accounts.account(house, tx, one)
    try:
        portals.check_fields(one.adapter, account.values)
        wire = accounts.opened(house, account, one.adapter, accounts.Kept())
    except Problem as problem:  # not filled in yet: it cannot be asked
        return links.Asked(False, problem.code)
    return links.asked(wire, one.name, name)
