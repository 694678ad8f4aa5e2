"""Sessions of people who are signed in: shown and ended. How one begins is in `signin`, which of them hold in
`session_memory`.
"""

import hashlib
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.errors import not_found
from praxisd.kernel.sessions import GUEST
from praxisd.services.accounts import rules, session_store
from praxisd.services.accounts.records import Session
from praxisd.services.accounts.session_memory import Limits, memory_of, note_end

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

MOST = 20
"""Sessions of one person at the same time; a further one ends the one unused for longest."""
OTHERS = "accounts.user.write"
"""Who has this permission sees and ends the sessions of others."""


def sessions_of(house: "House", tx: "Tx", user: str) -> list[tuple[Session, int]]:
    """A user's sessions that hold now, newest first, each with its last use as known here, and the second from which
    it no longer holds if nothing happens.
    """
    memory, limits, found = memory_of(tx.store), Limits(house, tx), []
    for one in reversed(session_store.sessions_of(tx, user)):
        seen = memory.last_seen(one)
        until = min(limits.end(one), seen + limits.idle_s)
        if until > tx.now:
            found.append((msgspec.structs.replace(one, last_seen_at=seen), until))
    return found


def end_session(tx: "Tx", id_: str) -> None:
    """End one session: one's own, or with `accounts.user.write` anyone's. 404 for all others, and if it has ended."""
    found = session_store.session(tx, id_)
    own = found is not None and tx.actor.kind is Kind.USER and found.user == tx.actor.id
    if found is None or not (own or tx.actor.may(OTHERS)) or not _drop(tx, found, "ended"):
        raise not_found("Session")


def end_sessions(tx: "Tx", user: str, reason: str, keep: str | None = None) -> int:
    """End all sessions of a user but `keep`; how many there were. The caller has checked that this is allowed."""
    return sum(_drop(tx, one, reason) for one in session_store.sessions_of(tx, user) if one.id != keep)


def end_token(tx: "Tx", token: str, reason: str) -> None:
    """End the session of a cookie's token, whatever practice it is in; nothing if there is none."""
    if not rules.could_be_token(token):
        return
    found = session_store.session_by_digest(tx, hashlib.sha256(token.encode()).hexdigest())
    if found is not None:
        here = tx.organization
        tx.organization = found.organization
        _drop(tx, found, reason)
        tx.organization = here


def make_room(tx: "Tx", user: str) -> None:
    """End the sessions of a user that were unused for longest, so that one more fits."""
    held = sorted(session_store.sessions_of(tx, user), key=lambda one: one.last_seen_at)
    for one in held[: max(0, len(held) - MOST + 1)]:
        _drop(tx, one, "too_many")


def sign_out(house: "House", token: str) -> None:
    """End the session of a cookie's token; nothing if there is none."""
    if house.guests is not None and token.startswith(GUEST):
        house.guests.sign_out(token)
    if not rules.could_be_token(token):
        return
    with house.store.read(system("accounts")) as tx:
        found = session_store.session_by_digest(tx, hashlib.sha256(token.encode()).hexdigest())
    if found is not None:
        who = Actor(Kind.USER, found.user, found.organization)
        house.store.run(who, lambda tx: _drop(tx, found, "signed_out"))


def _drop(tx: "Tx", one: Session, reason: str) -> bool:
    gone = session_store.drop_session(tx, one.id)
    if gone:
        tx.after(memory_of(tx.store).forget)
        note_end(tx, one, reason)
    return gone
