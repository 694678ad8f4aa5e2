"""What people see of seats, sessions and locks. Masked actors see no names of people, neither patients nor colleagues."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, cast

from praxisd.kernel import leases
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.seats import desk_store, messages, modes, rules, shapes, store
from praxisd.services.seats.store import Seat, SessionRow
from praxisd.services.seats.turn import INTERVAL, Turn, holder

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SHOWN_S = 3600
"""A session that is over is shown for so long. Seconds."""
Shown = Literal["here", "quiet", "gone"]


def seats(house: "House", tx: Tx, found: Iterable[Seat]) -> list[shapes.SeatOut]:
    """Seats with their sessions."""
    now, interval = tx.lease_now(), int(house.settings.get(tx, INTERVAL))
    locks = _locks(tx)
    by_seat: dict[str, list[shapes.SessionOut]] = {}
    for row in store.recent(tx, now - SHOWN_S):
        state = rules.state_of(row.gone_at is not None, bool(row.line), row.beat_at, now, interval)
        shown = shapes.SessionOut(
            session=row.session,
            person=_person(tx, row),
            connected_at=format_rfc3339(row.connected_at),
            beat_at=format_rfc3339(row.beat_at),
            state=cast(Shown, state),
            locks=locks[row.session],
            at=row.at_record,
        )
        by_seat.setdefault(row.seat, []).append(shown)
    return [_seat(one, by_seat.get(one.id, [])) for one in found]


def _seat(one: Seat, sessions: list[shapes.SessionOut]) -> shapes.SeatOut:
    return shapes.SeatOut(
        id=one.id,
        name=one.name,
        kind="console" if one.kind == "console" else "program",
        viewer=bool(one.viewer),
        may_take=bool(one.may_take),
        state=cast(shapes.State, one.state),
        program=one.program,
        created_at=format_rfc3339(one.created_at),
        seen_at=None if one.seen_at is None else format_rfc3339(one.seen_at),
        sessions=sessions,
        code=rules.shown_code(one.code) if one.state == rules.WAITING else None,
    )


def locks(house: "House", tx: Tx) -> list[shapes.LockOut]:
    """All locks that hold, by record, and who waits for them."""
    turn = Turn(house, tx)
    held = [one for one in leases.unfreed(tx, rules.PREFIX) if turn.holds(one)]
    called = names(tx, [rules.record_of(one.key) for one in held])
    waiting: dict[str, list[messages.Holder]] = {}
    for one in desk_store.everybody(tx):
        row = store.session(tx, one.session)
        if row is not None and row.gone_at is None:
            waiting.setdefault(one.record, []).append(_masked(tx, holder(row, one.since)))
    found = []
    for lease in held:
        record = rules.record_of(lease.key)
        found.append(
            shapes.LockOut(
                record=record,
                display=called.get(record),
                holder=_masked(tx, turn.holder(lease)),
                fence=lease.fence,
                since=format_rfc3339(lease.acquired_at),
                until=format_rfc3339(lease.expires_at),
                waiting=waiting.get(record, []),
            )
        )
    return found


def state(house: "House", tx: Tx) -> shapes.StateOfSeats:
    """Mode, interval, announcement, and who works now."""
    mode, until = modes.mode(tx)
    known, held = desk_store.state(tx), _locks(tx)
    return shapes.StateOfSeats(
        mode="setup" if mode == rules.SETUP else "operation",
        mode_until=None if until is None else format_rfc3339(until),
        interval=int(house.settings.get(tx, INTERVAL)),
        announcement=modes.said(known),
        begins=bool(known.begin),
        working=[
            shapes.WorkOut(seat=row.seat_name or row.seat, person=_person(tx, row), locks=held[row.session])
            for row in store.living(tx)
        ],
    )


def names(tx: Tx, records: Iterable[str]) -> dict[str, str]:
    """What people call these records; left out where the caller may not know it, or they have no name."""
    wanted: dict[str, list[str]] = {}
    for record in records:
        kind, _, id_ = record.partition("/")
        wanted.setdefault(kind, []).append(id_)
    found: dict[str, str] = {}
    if ids := wanted.get("Patient"):
        found.update({f"Patient/{one}": name for one, name in directory.name(tx, ids).items() if name})
    few: tuple[tuple[str, Any], ...] = (
        ("Practitioner", directory.practitioners),
        ("Location", directory.locations),
        ("Mandator", directory.mandators),
    )
    for kind, read in few:
        if ids := wanted.get(kind):
            found.update({f"{kind}/{one.id}": str(one.name) for one in read(tx) if one.id in ids})
    return found


def _locks(tx: Tx) -> Counter[str]:
    now = tx.lease_now()
    held = leases.unfreed(tx, rules.PREFIX)
    return Counter(rules.session_of(one.holder) for one in held if one.expires_at > now)


def _person(tx: Tx, row: SessionRow) -> str:
    return "" if tx.actor.masked else row.person


def _masked(tx: Tx, one: messages.Holder) -> messages.Holder:
    if not tx.actor.masked:
        return one
    return messages.Holder(seat=one.seat, seat_name=one.seat_name, session=one.session, since=one.since)
