"""Signing in with login and password: the same work and the same answer whether the login exists or not."""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from praxisd.kernel import events, job_plan
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id, token
from praxisd.kernel.sessions import Live, SignedIn, Visit
from praxisd.services.accounts import factors, passwords, rules, session_store, sessions, store
from praxisd.services.accounts.gate import failure_rate, gate_of, limited
from praxisd.services.accounts.records import Session
from praxisd.services.accounts.session_memory import Limits, actor_of, csrf_of, memory_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx
    from praxisd.services.accounts.records import User


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody tried a password. `user` is who has the login (None: nobody, or not one alone), `hash` what was right."""

    name: str
    source: str
    home: str
    user: "User | None"
    hash: str
    right: bool

    def settle(self, house: "House") -> None:
        """It was a good one: it does not count as an attempt."""
        gate = gate_of(house.store)
        gate.sign_ins.give(self.name)
        gate.failures.give(self.source)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A person whose password was right, and the `hash` it was right for."""

    user: "User"
    hash: str = field(repr=False)


def verify(
    house: "House", organization: str | None, login: str, password: str, address: str | None = None
) -> Actor | None:
    """The user behind login and password, or None for every kind of mismatch (unknown, switched off, wrong
    password).

    Without `organization` the login must exist in exactly one. Attempts are counted per login and per address
    before the costly hash; good ones are given back. Too many: Problem `accounts.rate_limited` (429).
    """
    tried = attempt(house, organization, login, password, address)
    if tried.user is None or not tried.right:
        return None
    tried.settle(house)
    return actor_of(house, tried.home, tried.user)


def attempt(
    house: "House", organization: str | None, login: str, password: str, address: str | None
) -> Attempt:
    """Try a password, counted; whoever finds all else right too calls `settle`."""
    wanted = rules.login_key(login)[:64].replace("\0", "\ufffd")  # PostgreSQL takes no NUL
    organization = organization and organization.replace("\0", "\ufffd")
    name, source = f"{organization or ''}/{wanted}", rules.source(address)
    _count(house, name, source)
    with house.store.read(system("accounts", organization or INSTALLATION)) as tx:
        rows = store.sign_in_rows(tx, wanted, organization)
    home, user, stored = rows[0] if len(rows) == 1 else (INSTALLATION, None, None)
    right = passwords.matches(stored, password)
    if stored is not None and user is not None and right and passwords.outdated(stored):
        old, fresh, id_ = stored, passwords.rehash(password), user.id
        swapped = house.store.run(
            system("accounts", home), lambda tx: store.swap_password(tx, home, id_, old, fresh)
        )
        stored = fresh if swapped else stored
    return Attempt(name, source, home, user, stored or "", right)


def sign_in(
    house: "House",
    visit: Visit,
    *,
    login: str,
    password: str,
    code: str = "",
    organization: str | None = None,
) -> SignedIn:
    """Open a session with a fresh token; the one of the visit's cookie is ended. Takes a slow hash.

    Problems: `accounts.csrf_refused` (403) for another site's page; 401 `accounts.sign_in_refused` for every kind of
    mismatch; with the right password `accounts.second_factor_needed` where a code is missing and
    `accounts.second_factor_refused` where it is wrong; 429 `accounts.rate_limited`, for wrong codes too.
    """
    if visit.foreign:
        raise Problem("accounts.csrf_refused", 403)
    tried = attempt(house, organization, login, password, visit.address)
    if tried.user is None or not tried.right:
        _note_refusal(house, tried, organization, "password")
        raise Problem("accounts.sign_in_refused", 401)
    with house.store.read(system("accounts", tried.home)) as tx:
        needs_code = factors.confirmed(tx, tried.user.id)
    if needs_code and not code.strip():
        tried.settle(house)
        raise Problem("accounts.second_factor_needed", 401)
    if needs_code:
        factors.count(house, tried.user.id)
    made = _open(house, visit, tried, code)
    if made is None:
        _note_refusal(house, tried, organization, "code")
        raise factors.refused(401)
    if needs_code:
        factors.was_right(house, tried.user.id)
    tried.settle(house)
    return made


def _open(house: "House", visit: Visit, tried: Attempt, code: str) -> SignedIn | None:
    """The session of somebody whose password is right; None if their code is not."""
    assert tried.user is not None  # noqa: S101 - the caller looked
    id_, secret = tried.user.id, token(32)

    def work(tx: "Tx") -> SignedIn | None:
        held = session_store.hold_user(tx, id_)
        if (
            held is None or not held[0].active or held[1] != tried.hash
        ):  # changed since the password was tried
            raise Problem("accounts.sign_in_refused", 401)
        has_factor = factors.confirmed(tx, id_)
        if has_factor and not factors.spend(house, tx, id_, code):
            return None
        limits = Limits(house, tx)
        session = Session(
            organization=tx.organization,
            id=new_id(),
            user=id_,
            device=rules.device_name(visit.device),
            address=visit.address,
            created_at=tx.now,
            ends_at=tx.now + limits.longest_s,
            last_seen_at=tx.now,
        )
        sessions.end_token(tx, visit.token, "replaced")
        sessions.make_room(tx, id_)
        session_store.add_session(tx, session, hashlib.sha256(secret.encode()).hexdigest())
        events.note(
            tx, "session.opened", "Session", session.id, address=tried.source, second_factor=has_factor
        )
        must = limits.must(held[0].role) and not has_factor
        actor = actor_of(house, tx.organization, held[0], limited=must)
        tx.after(lambda: memory_of(house.store).opened(session))
        until = min(session.ends_at, tx.now + limits.idle_s)
        live = Live(session.id, actor, csrf_of(secret), until, must)
        return SignedIn(secret, live, session.ends_at - tx.now)

    return house.store.run(actor_of(house, tried.home, tried.user), work)


def confirm_password(house: "House", actor: Actor, password: str, address: str | None) -> Confirmed:
    """The signed-in person, who typed the password once more; counted like signing in.

    Hashing takes its time, outside of any transaction: the one that acts on the answer asks `hold` first.
    Problems: 403 `accounts.password_wrong`, 429 `accounts.rate_limited`.
    """
    with house.store.read(actor) as tx:
        user = store.USERS.need(tx, actor.id)
    tried = attempt(house, actor.organization, user.login, password, address)
    if tried.user is None or tried.user.id != user.id or not tried.right:
        raise Problem("accounts.password_wrong", 403)
    tried.settle(house)
    return Confirmed(user, tried.hash)


def hold(tx: "Tx", confirmed: Confirmed, session: str) -> None:
    """Hold the person until the end of the transaction: nothing comes between the confirmed password and its effect.

    Problems: 403 `accounts.password_wrong` if the password has changed since, 401 `accounts.session_ended` if the
    person was signed out or switched off: an owner who shuts somebody out has the last word.
    """
    held = session_store.hold_user(tx, confirmed.user.id)
    if held is None or held[1] != confirmed.hash:
        raise Problem("accounts.password_wrong", 403)
    if not held[0].active or session_store.session(tx, session) is None:
        raise Problem("accounts.session_ended", 401)


def _note_refusal(house: "House", tried: Attempt, organization: str | None, reason: str) -> None:
    """Into the audit, without the login: what was typed there may be a password."""
    with house.store.read(system("accounts")) as tx:
        known = job_plan.organizations(house, tx)
    here = known[0] if len(known) == 1 else INSTALLATION
    home = tried.home if tried.user is not None else organization if organization in known else here

    def note(tx: "Tx") -> None:
        about = ("Session", "") if tried.user is None else ("User", tried.user.id)
        events.note(tx, "session.refused", *about, reason=reason, address=tried.source)

    house.store.run(system("accounts", home or here), note)


def _count(house: "House", login: str, source: str) -> None:
    gate = gate_of(house.store)
    now = house.clock.monotonic()
    per_login = gate.limit(house, "accounts.sign_ins_per_minute", INSTALLATION)
    wait = gate.sign_ins.take(login, per_login / 60, per_login, now)
    if wait:
        raise limited(wait)
    rate = failure_rate(house, gate)
    wait = gate.failures.take(source, rate / 60, rate, now)
    if wait:
        gate.sign_ins.give(login)
        raise limited(wait)
