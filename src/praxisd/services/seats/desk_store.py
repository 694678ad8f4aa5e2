"""Tables of the desk: who waits for which record, what sessions on other nodes are told, which nodes live, mode and
announcement. Times are epoch seconds.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.store import METADATA, Tx, insert, mine, prepared, table, upsert
from praxisd.services.seats import rules

WAITING = table(
    "seats_waiting",
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("session", sa.Text, nullable=False),
    sa.Column("place", sa.BigInteger, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "record", "session"),
    sa.Index("seats_waiting_session", "organization", "session"),
)
MAIL = sa.Table(
    "seats_mail",
    METADATA,
    sa.Column("no", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("organization", sa.Text, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("session", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("seats_mail_node", "node", "no"),
    sqlite_autoincrement=True,
)
NODE = table(
    "seats_node",
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("alive_at", sa.BigInteger, nullable=False),
    sa.Column("swept_at", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("organization", "node"),
)
STATE = table(
    "seats_state",
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("mode_until", sa.BigInteger),
    sa.Column("at", sa.BigInteger),
    sa.Column("minutes", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("begin", sa.Integer, nullable=False),
    sa.Column("begun", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("organization"),
)
TABLES = (WAITING.name, MAIL.name, NODE.name, STATE.name)

_W, _M, _N, _S = WAITING.c, MAIL.c, NODE.c, STATE.c
_RECORD: sa.BindParameter[str] = sa.bindparam("record")
_SESSION: sa.BindParameter[str] = sa.bindparam("session")
_QUEUE = prepared(
    sa.select(WAITING).where(mine(WAITING), _W.record == _RECORD).order_by(_W.place, _W.session)
)
_WANTED = prepared(sa.select(WAITING).where(mine(WAITING), _W.session == _SESSION).order_by(_W.record))
_EVERYBODY = prepared(sa.select(WAITING).where(mine(WAITING)).order_by(_W.record, _W.place, _W.session))
_RECORDS = prepared(sa.select(_W.record).where(mine(WAITING)).distinct())
_JOIN = insert(WAITING, ignore=True)
_LEAVE = prepared(sa.delete(WAITING).where(mine(WAITING), _W.record == _RECORD, _W.session == _SESSION))
_LEAVE_ALL = prepared(sa.delete(WAITING).where(mine(WAITING), _W.session == _SESSION))

_POST = insert(MAIL, without=("no",))
_TAKE = prepared(sa.select(MAIL).where(_M.node == sa.bindparam("where")).order_by(_M.no).limit(500))
_TAKE.across = True
_DROP = prepared(sa.delete(MAIL).where(_M.no == sa.bindparam("which")))
_DROP.across = True
_DROP_OLD = prepared(sa.delete(MAIL).where(_M.at < sa.bindparam("before")))
_DROP_OLD.across = True

_PUT_NODE = upsert(NODE, ("organization", "node"))
_NODES = prepared(sa.select(NODE).where(mine(NODE)).order_by(_N.node))
_FORGET_NODES = prepared(
    sa.delete(NODE).where(mine(NODE), _N.node != sa.bindparam("own"), _N.alive_at < sa.bindparam("before"))
)

_PUT_STATE = upsert(STATE, ("organization",))
_STATE = prepared(sa.select(STATE).where(mine(STATE)))
_STATE_LOCKED = prepared(
    lambda dialect: (
        sa.select(STATE).where(mine(STATE)).with_for_update()
        if dialect == "postgresql"
        else sa.select(STATE).where(mine(STATE))
    )
)


class Waiter(msgspec.Struct, frozen=True, kw_only=True):
    """A session that waits for a record; the lowest `place` is next."""

    organization: str
    record: str
    session: str
    place: int
    since: int


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What a session of another node is told: a message of the protocol, or a close code, as JSON."""

    no: int
    organization: str
    node: str
    session: str
    message: str
    at: int


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A process that serves seats. `ended` 1: it stopped by itself."""

    organization: str
    node: str
    alive_at: int
    swept_at: int
    ended: int


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Mode and announcement of a practice. `at` None: nothing is announced; `begun`: its maintenance was begun by us."""

    organization: str
    mode: str = rules.OPERATION
    mode_until: int | None = None
    at: int | None = None
    minutes: int = 0
    reason: str = ""
    begin: int = 0
    begun: int = 0


def queue(tx: Tx, record: str) -> list[Waiter]:
    """Who waits for a record, the next one first."""
    return [Waiter(**r._asdict()) for r in tx.all(_QUEUE, record=record)]


def wanted(tx: Tx, session: str) -> list[Waiter]:
    """What a session waits for."""
    return [Waiter(**r._asdict()) for r in tx.all(_WANTED, session=session)]


def waited_for(tx: Tx) -> frozenset[str]:
    """Records of this practice that somebody waits for."""
    return frozenset(row[0] for row in tx.tuples(_RECORDS))


def everybody(tx: Tx) -> list[Waiter]:
    """All who wait in this practice, by record and place."""
    return [Waiter(**r._asdict()) for r in tx.all(_EVERYBODY)]


def join(tx: Tx, record: str, session: str) -> int:
    """Wait for a record, behind all who do already; how many are in front of, and with, this one. The caller has the lease's
    row, so that places are given one by one.
    """
    there = queue(tx, record)
    for number, one in enumerate(there, 1):
        if one.session == session:
            return number
    place = there[-1].place + 1 if there else 1
    tx.run(_JOIN, record=record, session=session, place=place, since=tx.now)
    return len(there) + 1


def leave(tx: Tx, record: str, session: str) -> bool:
    """Wait no longer; False if it did not wait, or was granted the lock meanwhile."""
    return tx.run(_LEAVE, record=record, session=session) == 1


def leave_all(tx: Tx, session: str) -> int:
    """The session waits for nothing any more."""
    return tx.run(_LEAVE_ALL, session=session)


def post(tx: Tx, node: str, session: str, message: str) -> None:
    """Have another node tell one of its sessions something, once this is committed."""
    tx.run(_POST, node=node, session=session, message=message, at=tx.now)
    tx.notify()


def take_letters(tx: Tx, node: str) -> list[Letter]:
    """What others want sessions of this node to be told, in order; it is here once only."""
    found = [Letter(**r._asdict()) for r in tx.all(_TAKE, where=node)]
    tx.many(_DROP, [{"which": one.no} for one in found])  # one with a lower number may be committed later
    return found


def drop_letters(tx: Tx, before: int) -> int:
    """Drop what a node did not fetch: it is not there any more."""
    return tx.run(_DROP_OLD, before=before)


def letters_wait(tx: Tx, node: str) -> bool:
    """True if something waits for this node."""
    return tx.first(_TAKE, where=node) is not None


def put_node(tx: Tx, node: str, *, swept_at: int, moment: int, ended: bool = False) -> None:
    """This node lives, or has ended."""
    values: dict[str, Any] = {"node": node, "alive_at": moment, "swept_at": swept_at, "ended": int(ended)}
    tx.run(_PUT_NODE, organization=INSTALLATION, **values)


def nodes(tx: Tx) -> list[Node]:
    """All nodes there were of late."""
    return [Node(**r._asdict()) for r in tx.all(_NODES, organization=INSTALLATION)]


def forget_nodes(tx: Tx, own: str, before: int) -> int:
    """Drop nodes that have not lived since."""
    return tx.run(_FORGET_NODES, own=own, before=before, organization=INSTALLATION)


def state(tx: Tx, *, lock: bool = False) -> State:
    """Mode and announcement of this practice; `lock` keeps others from changing them meanwhile."""
    row = tx.first(_STATE_LOCKED if lock else _STATE)
    return State(organization=tx.organization) if row is None else State(**row._asdict())


def put_state(tx: Tx, one: State) -> State:
    """Keep mode and announcement."""
    tx.run(_PUT_STATE, **msgspec.structs.asdict(one))
    return one
