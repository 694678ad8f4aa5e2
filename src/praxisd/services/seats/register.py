"""The register: which seats there are, and who let them in. A program proves itself with its key, and a person approves it
once, by the code that it shows; a browser is known by whoever signs in with it.
"""

import secrets

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.services.seats import rules, store
from praxisd.services.seats.store import Seat
from praxisd.services.seats.who import Who

HOLD = "seats.lock.hold"
LOG = "logbook.entry.write"
SUBJECT = "Seat"
BROWSER_NAME = "Browser"


def key_of(tx: Tx, seat_id: str) -> Seat:
    """The approved seat of a program, with its public key as base64url, whichever practice it belongs to.

    Problem `seats.not_approved` (403): unknown, still waiting, refused or revoked.
    """
    found = store.program_anywhere(tx, seat_id)
    if found is None or found.state != rules.APPROVED:
        raise Problem(
            "seats.not_approved", 403, retry=found is not None and found.state == rules.WAITING, seat=seat_id
        )
    return found


def proves(public_key: str, signature: str, message: bytes) -> bool:
    """True if whoever has the key signed this very message (Ed25519, RFC 8032)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    given = rules.unpacked(signature)
    if given is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(rules.raw_key(public_key)).verify(given, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def who_of(seat: Seat, session: str, person: str = "") -> Who:
    """A session of a program's seat, once it has proven itself."""
    return Who(
        seat.organization,
        session,
        seat.id,
        seat.name,
        bool(seat.viewer),
        bool(seat.may_take),
        person,
        actor_of(seat),
    )


def actor_of(seat: Seat) -> Actor:
    """The program as it stands in events."""
    return Actor(Kind.SEAT, seat.id, seat.organization, frozenset({HOLD, LOG}))


def browser(tx: Tx, who: Who) -> Seat:
    """The browser of a signed-in person, entered in the register when it is here for the first time.

    Problems: `access.forbidden` (403) without `seats.lock.hold`, `seats.not_approved` (403) where somebody revoked it.
    """
    who.actor.require(HOLD)
    found = store.seat(tx, who.seat)
    if found is not None:
        if found.state != rules.APPROVED or found.kind != "console":
            raise Problem("seats.not_approved", 403, seat=who.seat)
        return found
    if not rules.is_browser(who.seat):
        raise Problem("seats.not_approved", 403, seat=who.seat)
    name = rules.plain(who.seat_name, rules.NAME_MOST, "name") if who.seat_name.strip() else BROWSER_NAME
    made = Seat(
        organization=tx.organization,
        id=who.seat,
        name=name,
        kind="console",
        viewer=0,
        may_take=0,
        public_key="",
        state=rules.APPROVED,
        code="",
        program="",
        created_at=tx.now,
        decided_by=who.actor.label,
    )
    events.note(tx, "seat.registered", SUBJECT, made.id, kind=made.kind)
    return store.put(tx, made)


def register(tx: Tx, *, name: str, public_key: str, program: str = "", viewer: bool = False) -> Seat:
    """A program asks to be let in. It waits until a person approves it.

    Problems: `seats.invalid` (422), `seats.too_many_waiting` (429).
    """
    rules.raw_key(public_key)
    name = rules.plain(name, rules.NAME_MOST, "name")
    program = rules.plain(program, rules.PROGRAM_MOST, "program") if program.strip() else ""
    if store.waiting_seats(tx) >= rules.WAITING_MOST:
        raise Problem("seats.too_many_waiting", 429, retry=True, most=rules.WAITING_MOST)
    made = Seat(
        organization=tx.organization,
        id=new_id(),
        name=name,
        kind="program",
        viewer=int(viewer),
        may_take=0,
        public_key=public_key.rstrip("="),
        state=rules.WAITING,
        code=f"{secrets.randbelow(1_000_000):06d}",
        program=program,
        created_at=tx.now,
    )
    events.note(tx, "seat.registered", SUBJECT, made.id, kind=made.kind)
    return store.put(tx, made)


def need(tx: Tx, seat_id: str) -> Seat:
    """A seat of this practice; 404 for any other."""
    found = store.seat(tx, seat_id)
    if found is None:
        raise not_found("Seat")
    return found


def approve(tx: Tx, seat_id: str, code: str) -> Seat:
    """A person lets a program in, having compared its code. Problems: `seats.not_now` (409), `seats.wrong_code` (422)."""
    found = need(tx, seat_id)
    rules.need_state(found.state, rules.APPROVED)
    if not secrets.compare_digest(rules.typed_code(code).encode(), found.code.encode()):
        raise Problem("seats.wrong_code", 422)
    return _becomes(tx, found, rules.APPROVED, "seat.approved")


def refuse(tx: Tx, seat_id: str) -> Seat:
    """A person does not let it in. Problem `seats.not_now` (409)."""
    found = need(tx, seat_id)
    rules.need_state(found.state, rules.REFUSED)
    return _becomes(tx, found, rules.REFUSED, "seat.refused")


def revoke(tx: Tx, seat_id: str) -> Seat:
    """A seat may no longer come in; its sessions are the caller's to end. Problem `seats.not_now` (409)."""
    found = need(tx, seat_id)
    rules.need_state(found.state, rules.REVOKED)
    return _becomes(tx, found, rules.REVOKED, "seat.revoked")


def change(
    tx: Tx, seat_id: str, *, name: str | None = None, viewer: bool | None = None, may_take: bool | None = None
) -> Seat:
    """Change what is said of a seat. Problems: `seats.invalid` (422), `seats.not_now` (409) for one that is not let in."""
    found = need(tx, seat_id)
    if found.state not in (rules.WAITING, rules.APPROVED):
        raise Problem("seats.not_now", 409, state=found.state)
    new = msgspec.structs.replace(
        found,
        name=found.name if name is None else rules.plain(name, rules.NAME_MOST, "name"),
        viewer=found.viewer if viewer is None else int(viewer),
        may_take=found.may_take if may_take is None else int(may_take),
    )
    fields = [one for one in ("name", "viewer", "may_take") if getattr(new, one) != getattr(found, one)]
    if fields:
        renamed = fields == ["name"]
        events.note(tx, "seat.renamed" if renamed else "seat.changed", SUBJECT, seat_id, fields=fields)
        store.put(tx, new)
    return new


def _becomes(tx: Tx, seat: Seat, state: str, event: str) -> Seat:
    events.note(tx, event, SUBJECT, seat.id, kind=seat.kind)
    return store.put(tx, msgspec.structs.replace(seat, state=state, code="", decided_by=tx.actor.label))
