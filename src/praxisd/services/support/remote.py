"""Remote support: leave for the service partner to look at the console, given and ended by the practice (SPEC 7.13).

One grant at a time per practice, for at most eight hours, with a code that is good for one session. A session that was lost
is taken up with a new code. What is ended is over at once; what nobody ends runs out.
"""

import hashlib
import secrets
from typing import TYPE_CHECKING, NamedTuple

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id, token
from praxisd.kernel.sessions import GUEST, Visit
from praxisd.kernel.store import Tx
from praxisd.services.accounts import api as accounts
from praxisd.services.relay import api as relay
from praxisd.services.support import remote_rules as rules
from praxisd.services.support import remote_store as store
from praxisd.services.support.remote_room import actor_of, room_of
from praxisd.services.support.remote_store import Grant

if TYPE_CHECKING:
    from praxisd.kernel.app import House

READ, WRITE, ASK, END, RECORD = (
    f"support.{one}" for one in ("remote.read", "remote.write", "remote.ask", "remote.end", "record.read")
)
DESK = "support.desk_may_grant"
TIME = "time"
"""Stands for who ended a grant that ran out."""
SUBJECT = "Support"


class Made(NamedTuple):
    """A grant, and its code as it is shown this once."""

    grant: Grant
    code: str


class Entered(NamedTuple):
    """A session: its token belongs into the cookie and nowhere else."""

    token: str
    max_age_s: int


def grant(house: "House", actor: Actor, *, name: str, purpose: str, minutes: int) -> Made:
    """Let somebody in for a while. The desk may where the practice says so.

    Problems: 403 `support.remote_not_desk`, 409 `support.remote_open`, 422 `support.remote_invalid`.
    """
    name = rules.plain(name, rules.NAME_MOST, "name")
    purpose = rules.plain(purpose, rules.PURPOSE_MOST, "purpose")
    if not rules.MINUTES_LEAST <= minutes <= rules.MINUTES_MOST:
        raise Problem("support.remote_invalid", 422, field="minutes")
    id_, code = new_id(), _code()
    kept = rules.digest(code, id_)

    def work(tx: Tx) -> Grant:
        _may(house, tx)
        if not tx.try_lock(_lock(tx.organization)) or _settled(tx):
            raise Problem("support.remote_open", 409)
        one = Grant(
            organization=tx.organization,
            id=id_,
            name=name,
            purpose=purpose,
            granted_by=tx.actor.label,
            granted_at=tx.now,
            until=tx.now + minutes * 60,
            code=kept,
            session="",
            entered_at=None,
            entered_from=None,
            ended_at=None,
            ended_by=None,
        )
        store.add(tx, one)
        tx.after(room_of(house).forget)
        events.note(tx, "support.granted", SUBJECT, id_, minutes=minutes)
        return one

    made = house.store.run(actor, work)
    if house.safe:
        relay.stand_by(house)
    return Made(made, rules.shown(code))


def renew(house: "House", actor: Actor, id_: str) -> Made:
    """Another code for a grant that holds: for who mistyped, or lost the session. The one before is good no more.

    Problems: 403 `support.remote_not_desk`, 404, 409 `support.remote_over`.
    """
    code = _code()
    kept = rules.digest(code, id_)

    def work(tx: Tx) -> Grant:
        _may(house, tx)
        one = find(tx, id_)
        if one.ended_at is not None or one.until <= tx.now or not store.put_code(tx, id_, kept):
            raise Problem("support.remote_over", 409)
        events.note(tx, "support.code_renewed", SUBJECT, id_)
        tx.after(room_of(house).forget)
        return one

    return Made(house.store.run(actor, work), rules.shown(code))


def enter(house: "House", visit: Visit, code: str) -> Entered:
    """Sign in with a code; a session of the same grant is ended by that. Takes a slow hash: never on the event loop.

    Problems: 401 `support.code_refused` for every kind of mismatch, 403 `accounts.csrf_refused` for another site's page,
    429 `accounts.rate_limited`.
    """
    if visit.foreign:
        raise Problem("accounts.csrf_refused", 403)
    room, wanted = room_of(house), rules.typed(code)
    room.check_rate()
    accounts.count_attempt(house, visit.address)  # before the slow hash
    found = None
    if rules.could_be_code(wanted):
        for one in room.open():
            if rules.matches(one.code, rules.digest(wanted, one.id)):
                found = one
    if found is None:
        raise _refused(house)
    one, secret = found, GUEST + token(32)
    digest = hashlib.sha256(secret.encode()).hexdigest()

    def work(tx: Tx) -> bool:
        if not store.enter(tx, one.id, one.code, digest, visit.address):
            return False
        events.note(tx, "support.entered", SUBJECT, one.id, again=one.entered_at is not None)
        tx.after(room.forget)
        return True

    if not house.store.run(actor_of(house, one), work):
        raise _refused(house)
    return Entered(secret, max(1, one.until - house.clock.now()))


def end(house: "House", actor: Actor, id_: str) -> Grant:
    """End a grant, and with it its session. One that has ended already stays as it is. 404 for an unknown one."""
    room_of(house).flush(everything=True)

    def work(tx: Tx) -> Grant:
        one = find(tx, id_)
        if store.end(tx, id_, min(tx.now, one.until), tx.actor.label):
            events.note(tx, "support.ended", SUBJECT, id_, reason="ended")
            tx.after(room_of(house).forget)
        return find(tx, id_)

    return house.store.run(actor, work)


def state(one: Grant, now: int) -> str:
    """`waiting` for the partner, `inside`, or `over`."""
    if one.ended_at is not None or one.until <= now:
        return "over"
    return "inside" if one.session else "waiting"


def current(tx: Tx) -> Grant | None:
    """The grant of this organization that holds now."""
    return next((one for one in store.not_ended(tx) if one.until > tx.now), None)


def latest(tx: Tx, limit: int = 50) -> list[Grant]:
    """The newest grants of this organization first."""
    return store.latest(tx, limit)


def find(tx: Tx, id_: str) -> Grant:
    """A grant of this organization; 404 for an unknown one."""
    found = store.get(tx, id_)
    if found is None:
        raise not_found("Support")
    return found


def _may(house: "House", tx: Tx) -> None:
    """The desk lets in only where the practice says so."""
    if not tx.actor.may(WRITE) and not house.settings.get(tx, DESK):
        raise Problem("support.remote_not_desk", 403)


def _settled(tx: Tx) -> bool:
    """True if a grant holds now; those whose time ran out are ended."""
    for one in store.not_ended(tx):
        if one.until > tx.now:
            return True
        run_out(tx, one)
    return False


def run_out(tx: Tx, one: Grant) -> None:
    """End a grant whose time is over, in its organization."""
    if store.end(tx, one.id, one.until, TIME):
        events.note(tx, "support.ended", SUBJECT, one.id, reason=TIME)


def settle(house: "House") -> int:
    """End what has run out; returns how many."""
    due = [one for one in room_of(house).kept() if one.until <= house.clock.now()]
    for one in due:
        room_of(house).flush(everything=True)
        house.store.run(system("support", one.organization), lambda tx, one=one: run_out(tx, one))  # type: ignore[misc]
        room_of(house).forget()
    return len(due)


def _refused(house: "House") -> Problem:
    """The refusal of a wrong code, noted in the audit of each practice that has let somebody in, without what was typed."""
    room = room_of(house)
    room.was_wrong()
    for home in {one.organization for one in room.open()}:
        who = Actor(Kind.ANONYMOUS, "anonymous", home)
        house.store.run(who, lambda tx: events.note(tx, "support.refused", SUBJECT, ""))
    return Problem("support.code_refused", 401)


def _code() -> str:
    return "".join(secrets.choice(rules.ALPHABET) for _ in range(rules.LENGTH))


def _lock(organization: str) -> int:
    return int.from_bytes(hashlib.sha256(f"support.remote\0{organization}".encode()).digest()[:8]) >> 1
