"""Tables and statements of seats and their sessions. Times are epoch seconds; flags are 0 or 1."""

import msgspec
import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared, table, upsert
from praxisd.services.seats import rules

SEAT = table(
    "seats_seat",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("viewer", sa.Integer, nullable=False),
    sa.Column("may_take", sa.Integer, nullable=False),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("program", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("seen_at", sa.BigInteger),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("seats_seat_id", "id"),
)
SESSION = table(
    "seats_session",
    sa.Column("session", sa.Text, nullable=False),
    sa.Column("seat", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("at_record", sa.Text),
    sa.Column("at_since", sa.BigInteger, nullable=False),
    sa.Column("connected_at", sa.BigInteger, nullable=False),
    sa.Column("beat_at", sa.BigInteger, nullable=False),
    sa.Column("gone_at", sa.BigInteger),
    sa.Column("bye", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("organization", "session"),
    sa.Index("seats_session_seat", "organization", "seat"),
    sa.Index("seats_session_record", "organization", "at_record"),
)
TABLES = (SEAT.name, SESSION.name)

_S, _N = SEAT.c, SESSION.c
_ID: sa.BindParameter[str] = sa.bindparam("id")
_WHO: sa.BindParameter[str] = sa.bindparam("who")
_PUT_SEAT = upsert(SEAT, ("organization", "id"))
_SEAT = prepared(sa.select(SEAT).where(mine(SEAT), _S.id == _ID))
_ANYWHERE = prepared(sa.select(SEAT).where(_S.id == _ID, _S.kind == "program"))
_ANYWHERE.across = True
_SEATS = prepared(sa.select(SEAT).where(mine(SEAT)).order_by(_S.name, _S.id))
_PAGE = prepared(
    sa.select(SEAT)
    .where(mine(SEAT), _S.id > sa.bindparam("after"))
    .order_by(_S.id)
    .limit(sa.bindparam("at_most"))
)
_WAITERS = prepared(sa.select(sa.func.count()).select_from(SEAT).where(mine(SEAT), _S.state == rules.WAITING))
_FORGET_WAITERS = prepared(
    sa.delete(SEAT).where(mine(SEAT), _S.state == rules.WAITING, _S.created_at < sa.bindparam("before"))
)
_FORGET_BROWSERS = prepared(
    sa.delete(SEAT).where(
        mine(SEAT),
        _S.kind == "console",
        _S.state == rules.APPROVED,
        _S.viewer == 0,
        _S.seen_at < sa.bindparam("before"),
    )
)
_SEEN = prepared(sa.update(SEAT).where(mine(SEAT), _S.id == _WHO).values(seen_at=sa.bindparam("moment")))

_PUT_SESSION = upsert(SESSION, ("organization", "session"))
_JOINED = (
    sa.select(SESSION, _S.name.label("seat_name"), _S.kind.label("seat_kind"))
    .select_from(SESSION.outerjoin(SEAT, sa.and_(_S.organization == _N.organization, _S.id == _N.seat)))
    .where(mine(SESSION))
)
_SESSION = prepared(_JOINED.where(_N.session == _ID))
_OF_SEAT = prepared(_JOINED.where(_N.seat == _ID, _N.gone_at.is_(None)).order_by(_N.session))
_LIVING = prepared(_JOINED.where(_N.gone_at.is_(None)).order_by(_N.session))
_RECENT = prepared(
    _JOINED.where(sa.or_(_N.gone_at.is_(None), _N.gone_at > sa.bindparam("after"))).order_by(
        _N.connected_at, _N.session
    )
)
_AT = prepared(
    _JOINED.where(_N.at_record == sa.bindparam("record"), _N.gone_at.is_(None)).order_by(
        _N.at_since, _N.session
    )
)
_LOOKED = prepared(
    sa.select(_N.at_record).where(mine(SESSION), _N.at_record.is_not(None), _N.gone_at.is_(None)).distinct()
)
_SILENT = prepared(
    _JOINED.where(_N.gone_at.is_(None), _N.beat_at <= sa.bindparam("before")).order_by(_N.session)
)
_VANISHED = prepared(
    _JOINED.where(
        _N.gone_at.is_not(None), _N.bye == 0, _S.kind == "program", _S.state == rules.APPROVED
    ).order_by(_N.seat, _N.beat_at.desc())
)
_BEAT = prepared(
    sa.update(SESSION)
    .where(mine(SESSION), _N.session == _WHO, _N.gone_at.is_(None))
    .values(beat_at=sa.bindparam("moment"), line=1)
)
_LOOK = prepared(
    sa.update(SESSION)
    .where(mine(SESSION), _N.session == _WHO)
    .values(at_record=sa.bindparam("record"), at_since=sa.bindparam("moment"))
)
_LEFT = prepared(
    sa.update(SESSION)
    .where(mine(SESSION), _N.session == _WHO, _N.node == sa.bindparam("where"), _N.gone_at.is_(None))
    .values(line=0)
)
_GONE = prepared(
    sa.update(SESSION)
    .where(mine(SESSION), _N.session == _WHO, _N.gone_at.is_(None), _N.beat_at == sa.bindparam("heard"))
    .values(gone_at=sa.bindparam("moment"), bye=sa.bindparam("orderly"), line=0, at_record=None)
)
_SPARE = prepared(
    sa.update(SESSION)
    .where(
        mine(SESSION),
        _N.gone_at.is_(None),
        _N.beat_at > sa.bindparam("since"),
        _N.beat_at < sa.bindparam("moment"),
    )
    .values(beat_at=sa.bindparam("moment"))
)
_HEARD = prepared(
    sa.update(SESSION).where(mine(SESSION), _N.gone_at.is_(None)).values(beat_at=sa.bindparam("moment"))
)
_CUT = prepared(
    sa.update(SESSION).where(mine(SESSION), _N.node != sa.bindparam("where"), _N.line == 1).values(line=0)
)
_FORGET_SESSIONS = prepared(
    sa.delete(SESSION).where(mine(SESSION), _N.gone_at.is_not(None), _N.gone_at < sa.bindparam("before"))
)


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """One seat. `kind` is `program` or `console` (a browser); `code` is what a person compares before approving it."""

    organization: str
    id: str
    name: str
    kind: str
    viewer: int
    may_take: int
    public_key: str
    state: str
    code: str
    program: str
    created_at: int
    decided_by: str = ""
    seen_at: int | None = None


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One life of a program at a seat, or one tab. `line` 0: its connection is lost; `bye` 1: it said it would go."""

    organization: str
    session: str
    seat: str
    actor: str
    person: str
    node: str
    line: int
    at_record: str | None
    at_since: int
    connected_at: int
    beat_at: int
    gone_at: int | None = None
    bye: int = 0
    seat_name: str | None = None
    seat_kind: str | None = None


def seat(tx: Tx, id_: str) -> Seat | None:
    """A seat of this practice."""
    row = tx.first(_SEAT, id=id_)
    return None if row is None else Seat(**row._asdict())


def program_anywhere(tx: Tx, id_: str) -> Seat | None:
    """The seat of a program, whichever practice it belongs to: whoever comes with a key names none."""
    row = tx.first(_ANYWHERE, id=id_)
    return None if row is None else Seat(**row._asdict())


def seats(tx: Tx) -> list[Seat]:
    """All seats of this practice, by name."""
    return [Seat(**r._asdict()) for r in tx.all(_SEATS)]


def page(tx: Tx, after: str, limit: int) -> list[Seat]:
    """Seats after this id, in the order of ids."""
    return [Seat(**r._asdict()) for r in tx.all(_PAGE, after=after, at_most=limit)]


def put(tx: Tx, one: Seat) -> Seat:
    """Keep a seat, new or changed."""
    tx.run(_PUT_SEAT, **msgspec.structs.asdict(one))
    return one


def waiting_seats(tx: Tx) -> int:
    """How many seats of this practice wait for a person."""
    return int(tx.value(_WAITERS))


def forget_waiting_seats(tx: Tx, before: int) -> int:
    """Drop seats that nobody approved."""
    return tx.run(_FORGET_WAITERS, before=before)


def forget_browsers(tx: Tx, before: int) -> int:
    """Drop browsers nobody has come with since, of which nothing was said but a name; those removed or made viewers stay so."""
    return tx.run(_FORGET_BROWSERS, before=before)


def session(tx: Tx, id_: str) -> SessionRow | None:
    """A session of this practice, living or gone."""
    row = tx.first(_SESSION, id=id_)
    return None if row is None else SessionRow(**row._asdict())


def put_session(tx: Tx, one: SessionRow) -> None:
    """Keep a session, new or back again, and that its seat was seen."""
    row = msgspec.structs.asdict(one)
    del row["seat_name"], row["seat_kind"]
    tx.run(_PUT_SESSION, **row)
    tx.run(_SEEN, who=one.seat, moment=one.beat_at)


def _many(tx: Tx, statement: object, **values: object) -> list[SessionRow]:
    return [SessionRow(**r._asdict()) for r in tx.all(statement, **values)]


def living(tx: Tx) -> list[SessionRow]:
    """Sessions of this practice that are not gone."""
    return _many(tx, _LIVING)


def recent(tx: Tx, after: int) -> list[SessionRow]:
    """Sessions of this practice that are not gone, or went after this time."""
    return _many(tx, _RECENT, after=after)


def of_seat(tx: Tx, seat_id: str) -> list[SessionRow]:
    """Living sessions of a seat."""
    return _many(tx, _OF_SEAT, id=seat_id)


def at(tx: Tx, record: str) -> list[SessionRow]:
    """Who looks at a record, the first first."""
    return _many(tx, _AT, record=record)


def looked_at(tx: Tx) -> frozenset[str]:
    """Records of this practice that somebody looks at."""
    return frozenset(row[0] for row in tx.tuples(_LOOKED))


def silent(tx: Tx, before: int) -> list[SessionRow]:
    """Living sessions that have not been heard since `before`."""
    return _many(tx, _SILENT, before=before)


def vanished(tx: Tx) -> list[SessionRow]:
    """Sessions of approved programs that went without a word, by seat, the last one of each first."""
    return _many(tx, _VANISHED)


def beat(tx: Tx, session_id: str, now: int) -> bool:
    """The session was heard; False if it is gone."""
    return tx.run(_BEAT, who=session_id, moment=now) == 1


def look(tx: Tx, session_id: str, record: str | None) -> None:
    """It looks at this record, or at none."""
    tx.run(_LOOK, who=session_id, record=record, moment=tx.now)


def left(tx: Tx, session_id: str, node: str) -> bool:
    """Its connection to this node is lost; False where it is somewhere else by now, or gone."""
    return tx.run(_LEFT, who=session_id, where=node) == 1


def gone(tx: Tx, one: SessionRow, *, bye: bool, moment: int) -> bool:
    """The session is over; False if it was heard meanwhile, or is over already."""
    return tx.run(_GONE, who=one.session, heard=one.beat_at, orderly=int(bye), moment=moment) == 1


def spare(tx: Tx, since: int, now: int) -> int:
    """Sessions heard after `since` count as heard now: nobody could hear them meanwhile."""
    return tx.run(_SPARE, since=since, moment=now)


def heard(tx: Tx, now: int) -> int:
    """All living sessions count as heard now."""
    return tx.run(_HEARD, moment=now)


def cut(tx: Tx, node: str) -> int:
    """This node is the only one: connections to any other are lost."""
    return tx.run(_CUT, where=node)


def forget_sessions(tx: Tx, before: int) -> int:
    """Drop sessions that were over before this time."""
    return tx.run(_FORGET_SESSIONS, before=before)
