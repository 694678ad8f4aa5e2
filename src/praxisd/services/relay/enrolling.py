"""Enrolment, change of key, leaving: the identity in force is replaced only once a hub has said yes to the new one.

The order that makes a crash harmless: the new key is written into the slot `next`, then the hub is asked, then in one
transaction `next` becomes `current`. Whatever stays in `next` is an open question, and the hub is asked (`resume`), at a
start and then again and again (`settling`): it knows the key, then its yes was lost with us and counts; it does not, then
the key is forgotten.
"""

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from praxisd.kernel import events, leases
from praxisd.kernel.access import Actor, system
from praxisd.kernel.errors import Problem
from praxisd.services.relay import asking, identity, settings, store
from praxisd.services.relay.identity import Enrolled, Previous
from praxisd_relay.identity import Identity, IdentityError, Invitation, code_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx
    from praxisd.services.relay.linking import Snapshot

WAIT_S = 20.0
RESUME_S = 10.0
"""How long a hub is waited for: by a person, and at a start. Seconds."""
KEPT_S = 7 * 86_400
"""So long an offered key is kept while its hub cannot be asked. Seconds."""
_LEASE = "relay.enrol"
_LEASE_S = 60


@contextmanager
def _alone(house: "House", who: Actor) -> "Iterator[None]":
    """Nobody else enrols, changes the key or leaves meanwhile, on no node; else `relay.busy` (409)."""
    mine = system("relay")
    holder = f"{house.node}-{who.label}-{id(object())}"[:120]
    lease = house.store.run(mine, lambda tx: leases.acquire(tx, _LEASE, holder, _LEASE_S))
    if lease is None:
        raise Problem("relay.busy", 409, retry=True)
    try:
        yield
    finally:
        house.store.run(mine, lambda tx: leases.release(tx, lease))


def parse(text: str) -> Invitation:
    """The invitation, or Problem `relay.invitation_wrong` (422) with the part that is."""
    try:
        return Invitation.parse(text)
    except IdentityError as error:
        raise Problem("relay.invitation_wrong", 422, part=error.part) from None


def enrol(house: "House", actor: Actor, text: str, replace_: bool = False) -> None:
    """Have a hub admit a new key of ours, and use it from now on.

    Problems: `relay.invitation_wrong` (422), `relay.enrolled` (409) unless `replace_`, `relay.busy` (409), the hub's
    `relay.code_refused`, `relay.code_used` (422) and so on, `relay.hub_…`, `relay.proxy_…` (502). After any of them what
    was in force still is.
    """
    invitation = parse(text)
    with _alone(house, actor):
        offer = house.store.run(system("relay"), lambda tx: _offer(house, tx, invitation, replace_))
        welcome = _ask(house, offer, invitation.code, WAIT_S)
        house.store.run(actor, lambda tx: _adopt(house, tx, offer, welcome, "relay.enrolled"))


def _offer(house: "House", tx: "Tx", invitation: Invitation, replace_: bool) -> Enrolled:
    """The key to offer, written down before anybody hears of it. The same invitation again is the same key again."""
    here = identity.facts(tx)
    if here is not None and not replace_:
        raise Problem(
            "relay.enrolled", 409, host=here.host or "–", hub=here.hubs[0].text if here.hubs else "–"
        )
    digest = code_hash(invitation.code)
    before = identity.load(house, tx, store.NEXT)
    known = before is not None and before.code_hash == digest
    key = before.key if known and before is not None else Identity.new()
    offer = identity.offered(invitation, key, digest, tx.now)
    identity.save(house, tx, offer, store.NEXT)
    return offer


def _ask(house: "House", offer: Enrolled, code: str | None, within_s: float) -> asking.Welcomed:
    """The hub's yes, or a Problem. What the hub may have admitted stays in `next`, all else is forgotten there."""
    try:
        return asking.ask(house, offer, code, within_s)
    except asking.NoYes as no:
        if no.certain:
            house.store.run(system("relay"), lambda tx: _forget(tx, offer))
        raise no.problem from None


def _forget(tx: "Tx", offer: Enrolled) -> None:
    row = store.identity(tx, store.NEXT)
    if row is not None and row.id == offer.id:
        store.drop_identity(tx, store.NEXT)


def _adopt(house: "House", tx: "Tx", offer: Enrolled, welcome: asking.Welcomed, event: str) -> None:
    """`next` is in force from now on."""
    made = offer.admitted(welcome.host, welcome.port, tx.now)
    identity.save(house, tx, made)
    store.drop_identity(tx, store.NEXT)
    if event == "relay.enrolled":
        _switch(house, tx, True)
    events.note(tx, event, "Relay", made.id)


def _switch(house: "House", tx: "Tx", on: bool) -> None:
    if bool(house.settings.get(tx, settings.ENABLED)) is not on:
        house.settings.put(tx, settings.ENABLED, on)


def admitted(id_: str, link: "Snapshot | None") -> bool:
    """Is a link up by the key of this id? The hub has named us by it then."""
    return link is not None and link.connected and link.host.partition(".")[0] == id_ != ""


def resume(house: "House", link: "Snapshot | None" = None) -> None:
    """Settle what a crash left open: at a start, and again while it is. Never raises a Problem; the hub not answering
    leaves it open. `link`: that of this node; one that is up by the offered key is an answer.
    """
    with house.store.read(system("relay")) as tx:
        if store.identity(tx, store.NEXT) is None:
            return
    try:
        with _alone(house, system("relay")):
            with house.store.read(system("relay")) as tx:  # whoever was at it may have settled it meanwhile
                offer, now = identity.load(house, tx, store.NEXT), tx.now
                there = store.identity(tx, store.CURRENT) is not None
            if offer is None:
                return
            if link is not None and admitted(offer.id, link):
                welcome = asking.Welcomed(link.host, link.port)
            elif now - offer.since > KEPT_S:
                house.store.run(system("relay"), lambda tx: _forget(tx, offer))
                return
            else:
                welcome = _ask(house, offer, None, RESUME_S)
            event = "relay.rotated" if there and offer.previous else "relay.enrolled"
            house.store.run(system("relay"), lambda tx: _adopt(house, tx, offer, welcome, event))
    except Problem as problem:
        house.log.warning("relay_unsettled", code=problem.code)


def rotate(house: "House", actor: Actor) -> None:
    """Have the hub admit a fresh key in place of the present one; the old name leads here until the operator revokes it.

    Problems: `relay.not_enrolled` (409), `relay.not_linked` (409), `relay.busy` (409), `relay.hub_…` (502).
    """
    from praxisd.services.relay.room import room_of

    with _alone(house, actor):
        offer, present = house.store.run(system("relay"), lambda tx: _offer_rotation(house, tx))
        runner = room_of(house).runner
        try:
            if runner is not None and runner.snapshot().connected:
                runner.rotate(offer.key, WAIT_S)
                welcome = asking.Welcomed(_renamed(present, offer), present.port)
            else:
                welcome = asking.rotate(house, present, offer, WAIT_S)
        except asking.NoYes as no:
            if no.certain:
                house.store.run(system("relay"), lambda tx: _forget(tx, offer))
            raise no.problem from None
        house.store.run(actor, lambda tx: _adopt(house, tx, offer, welcome, "relay.rotated"))


def _offer_rotation(house: "House", tx: "Tx") -> tuple[Enrolled, Enrolled]:
    present = identity.load(house, tx)
    if present is None:
        raise Problem("relay.not_enrolled", 409)
    earlier = (*present.previous, Previous(id=present.id, host=present.host))
    offer = replace(
        present,
        key=Identity.new(),
        host="",
        state=identity.PENDING,
        previous=earlier,
        since=tx.now,
        code_hash="",
    )
    identity.save(house, tx, offer, store.NEXT)
    return offer, present


def _renamed(present: Enrolled, offer: Enrolled) -> str:
    """The name that the hub gives the new key: its id in place of the old one."""
    return f"{offer.id}.{present.host.partition('.')[2]}"


def leave(house: "House", actor: Actor) -> bool:
    """Forget the key and end the link: the name leads nowhere from now on. False if nobody was enrolled."""
    with _alone(house, actor):
        return house.store.run(actor, lambda tx: _leave(house, tx))


def _leave(house: "House", tx: "Tx") -> bool:
    row = store.identity(tx, store.CURRENT)
    store.drop_identity(tx, store.NEXT)
    if row is None:
        return False
    store.drop_identity(tx, store.CURRENT)
    _switch(house, tx, False)
    events.note(tx, "relay.left", "Relay", row.id)
    return True
