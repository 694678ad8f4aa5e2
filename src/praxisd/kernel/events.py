"""Event: what happened. It is the activity log, the change feed and the audit at once.

Appended last in the transaction that caused it, read by subscribers through their own cursor. The payload
is type, version, subject reference, actor, organization, names of changed fields and non-personal codes:
never patient data, which `note()` enforces by shape.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.service import Handler, Retention
from praxisd.kernel.store import METADATA, Tx, insert, mine, prepared, table, upsert

if TYPE_CHECKING:
    from praxisd.kernel.app import House

EVENT = sa.Table(
    "kernel_event",
    METADATA,
    sa.Column(
        "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    sa.Column("organization", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("retention", sa.Text, nullable=False),
    sa.Column("subject_type", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("portal", sa.Text),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("run", sa.Text),
    sa.Index("kernel_event_feed", "organization", "subject_type", "seq"),
    sa.Index("kernel_event_subject", "organization", "subject_type", "subject_id"),
    sa.Index("kernel_event_age", "retention", "at"),
    sqlite_autoincrement=True,
)
_of_a_run = sa.Index(
    "kernel_event_run",
    EVENT.c.run,
    sqlite_where=sa.text("run IS NOT NULL"),
    postgresql_where=sa.text("run IS NOT NULL"),
)
"""What a run did is asked for by its id; most events are of no run and cost this index nothing."""
CURSOR = table(
    "kernel_cursor",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "name"),
)
_SAFE = re.compile(r"[A-Za-z0-9_.:/+-]{0,80}")
_E = EVENT.c
_APPEND = insert(EVENT, without=("seq",))
_SET_CURSOR = upsert(CURSOR, ("organization", "name"))
_SEED_CURSOR = insert(CURSOR, ignore=True)
_THIS_CURSOR = sa.select(CURSOR.c.seq).where(mine(CURSOR), CURSOR.c.name == sa.bindparam("name"))
_CURSOR = prepared(_THIS_CURSOR)
_CURSOR_LOCKED = prepared(
    lambda dialect: (
        _THIS_CURSOR.with_for_update(skip_locked=True) if dialect == "postgresql" else _THIS_CURSOR
    )
)
_HEAD = prepared(sa.select(sa.func.coalesce(sa.func.max(_E.seq), 0)))
_HEAD.across = True
_FLOORS = prepared(
    sa.select(sa.func.coalesce(sa.func.max(CURSOR.c.seq), 0)).where(
        mine(CURSOR), CURSOR.c.name.like("floor:%")
    )
)
_AFTER = prepared(
    sa.select(EVENT).where(_E.seq > sa.bindparam("seq")).order_by(_E.seq).limit(sa.bindparam("at_most"))
)
_AFTER.across = True
_MISSED = prepared(
    sa.select(EVENT)
    .where(
        _E.organization.in_([sa.bindparam("organization"), sa.bindparam("installation")]),
        _E.seq > sa.bindparam("seq"),
        _E.seq <= sa.bindparam("upto"),
    )
    .order_by(_E.seq)
    .limit(sa.bindparam("at_most"))
)
_MISSED.across = True
_HANDLER_CURSORS = prepared(
    sa.select(CURSOR.c.name, CURSOR.c.seq).where(mine(CURSOR), CURSOR.c.name.like("handler:%"))
)
BATCH = 50
QUIET = 500
"""A handler's cursor is moved past events that are not for it only this many at a time: each move is a
commit.
"""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event as subscribers see it. `at` is epoch seconds UTC; `fields` are names, `codes` non-personal
    values; `run` is the run that did it, if one did.
    """

    type: str
    subject_type: str
    subject_id: str
    version: int = 0
    fields: tuple[str, ...] = ()
    codes: dict[str, str | int | bool | None] = {}
    portal: str | None = None
    seq: int = 0
    organization: str = ""
    actor: str = ""
    at: int = 0
    run: str | None = None

    @property
    def subject(self) -> str:
        """FHIR-like reference `Appointment/<id>`."""
        return f"{self.subject_type}/{self.subject_id}"


class _Detail(msgspec.Struct, omit_defaults=True):
    fields: tuple[str, ...] = ()
    codes: dict[str, str | int | bool | None] = {}


def note(
    tx: Tx,
    type_: str,
    subject_type: str,
    subject_id: str,
    *,
    version: int = 0,
    fields: Iterable[str] = (),
    portal: str | None = None,
    **codes: str | int | bool | None,
) -> None:
    """Note an event in the open transaction. Raises ValueError for codes that could hold a person's words."""
    for name, value in codes.items():
        if isinstance(value, str) and not _SAFE.fullmatch(value):
            raise ValueError(f"event code {name!r} is free text")
    tx.emit(
        Event(
            type=type_,
            subject_type=subject_type,
            subject_id=subject_id,
            version=version,
            fields=tuple(fields),
            codes=dict(codes),
            portal=portal,
            # Now: a handler's transaction goes through several practices, one of ending runs through several jobs.
            organization=tx.organization,
            actor=tx.actor.label,
            # That a run began or ended is no deed of the run.
            run=(tx.actor.run or None) if subject_type != "Run" else None,
        )
    )


def appender(retention: Mapping[str, Retention]) -> Callable[[Tx, list[Event]], None]:
    """The function `Store` calls before commit; refuses types nobody declared."""

    def append(tx: Tx, events: list[Event]) -> None:
        for one in events:
            kept = retention.get(one.type)
            if kept is None:
                raise RuntimeError(f"event {one.type!r} is not declared by any service")
            tx.run(
                _APPEND,
                organization=one.organization or tx.organization,
                type=one.type,
                retention=kept.value,
                subject_type=one.subject_type,
                subject_id=one.subject_id,
                version=one.version,
                portal=one.portal,
                actor=one.actor or tx.actor.label,
                at=tx.now,
                detail=msgspec.json.encode(_Detail(fields=one.fields, codes=one.codes)).decode(),
                run=one.run,
            )

    return append


def of_row(row: Any) -> Event:
    """The event in a row of the table."""
    detail = msgspec.json.decode(row.detail, type=_Detail)
    return Event(
        type=row.type,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        version=row.version,
        fields=detail.fields,
        codes=detail.codes,
        portal=row.portal,
        seq=row.seq,
        organization=row.organization,
        actor=row.actor,
        at=row.at,
        run=row.run,
    )


def since(
    tx: Tx,
    seq: int,
    *,
    subject_type: str | None = None,
    types: Sequence[str] = (),
    portal: str | None = None,
    limit: int = 200,
) -> list[Event]:
    """Events of this organization after `seq`, oldest first. With `portal`, only those about its own
    records.
    """
    query = sa.select(EVENT).where(mine(EVENT), _E.seq > seq)
    if subject_type:
        query = query.where(_E.subject_type == subject_type)
    if types:
        query = query.where(_E.type.in_(types))
    if portal is not None:
        query = query.where(_E.portal == portal)
    return [of_row(r) for r in tx.all(query.order_by(_E.seq).limit(limit))]


def about(tx: Tx, subject_type: str, subject_id: str, limit: int = 200) -> list[Event]:
    """The history of one record, newest first."""
    query = sa.select(EVENT).where(mine(EVENT), _E.subject_type == subject_type, _E.subject_id == subject_id)
    return [of_row(r) for r in tx.all(query.order_by(_E.seq.desc()).limit(limit))]


def after(tx: Tx, seq: int, limit: int) -> list[Event]:
    """The events of all organizations after `seq`, oldest first: for the live streams, which tell them apart."""
    return [of_row(r) for r in tx.all(_AFTER, seq=seq, at_most=limit)]


def missed(tx: Tx, seq: int, upto: int, limit: int) -> list[Event]:
    """Events of the transaction's organization and of the installation in (seq, upto], oldest first."""
    return [of_row(r) for r in tx.all(_MISSED, seq=seq, upto=upto, at_most=limit, installation=INSTALLATION)]


def lowest(tx: Tx) -> int:
    """The highest event number ever purged in any retention class: who knows nothing after it has missed something."""
    return int(tx.value(_FLOORS, organization=INSTALLATION))


def head(tx: Tx) -> int:
    """The number of the last event of the installation (0 when there is none)."""
    return max(int(tx.value(_HEAD)), int(tx.value(_FLOORS, organization=INSTALLATION)))


def cursor(tx: Tx, name: str, organization: str | None = None) -> int:
    """Where the named cursor stands (0 at first)."""
    return int(tx.value(_CURSOR, name=name, organization=organization or tx.organization) or 0)


def set_cursor(tx: Tx, name: str, seq: int, organization: str | None = None) -> None:
    """Move the named cursor."""
    tx.run(_SET_CURSOR, name=name, seq=seq, updated_at=tx.now, organization=organization or tx.organization)


def floor(tx: Tx, retention: Retention = Retention.CHANGE) -> int:
    """The highest event number ever purged in a retention class: a feed cursor below it has expired."""
    return cursor(tx, f"floor:{retention.value}", INSTALLATION)


def purgeable(tx: Tx, retention: Retention, before: int, keep: int) -> dict[str, int]:
    """By organization the highest number of its events of a class that may go: older than `before` (epoch seconds) and
    not among its `keep` newest.
    """
    old = sa.select(_E.organization).where(_E.retention == retention.value, _E.at < before).distinct()
    found = {}
    for row in tx.all(_across(old)):
        kind = sa.select(_E.seq).where(mine(EVENT), _E.retention == retention.value)
        nth = kind.order_by(_E.seq.desc()).limit(1).offset(keep)
        upto = tx.value(nth, organization=row.organization)
        if upto is not None:
            found[row.organization] = int(upto)
    return found


def purge(
    tx: Tx,
    retention: Retention,
    before: int,
    live: Iterable[str] | None = None,
    limit: int = 500,
    upto: tuple[str, int] | None = None,
) -> int:
    """Delete at most `limit` events of a class older than `before` (epoch seconds); returns how many. With `upto`, only
    those of an organization, up to a number.

    Never past the slowest live handler. `live` are the names of the handlers that exist: the cursor of one
    that was removed with its plug-in holds nothing back. None takes every cursor for live.
    """
    rows = tx.all(_HANDLER_CURSORS, organization=INSTALLATION)
    names = None if live is None else {f"handler:{n}" for n in live}
    slowest = min((r.seq for r in rows if names is None or r.name in names), default=None)
    doomed = sa.and_(_E.retention == retention.value, _E.at < before)
    if upto is not None:
        doomed = sa.and_(doomed, _E.organization == upto[0], _E.seq <= upto[1])
    if slowest is not None:
        doomed = sa.and_(doomed, _E.seq <= slowest)
    oldest = sa.select(_E.seq).where(doomed).order_by(_E.seq).limit(limit)
    top = tx.value(_across(sa.select(sa.func.max(oldest.subquery().c.seq))))
    if top is None:
        return 0
    gone = tx.run(_across(sa.delete(EVENT).where(doomed, _E.seq <= top)))
    set_cursor(tx, f"floor:{retention.value}", max(int(top), floor(tx, retention)), INSTALLATION)
    return gone


def _ask(types: Sequence[str]) -> Any:
    """Is there an event of these types in (after, upto]?"""
    between = sa.and_(_E.seq > sa.bindparam("after"), _E.seq <= sa.bindparam("upto"))
    asked = prepared(sa.select(_E.seq).where(between, _E.type.in_(types)).limit(1))
    asked.across = True
    return asked


def _across(statement: Any) -> Any:
    """Mark a statement that on purpose reads over all organizations."""
    return statement.execution_options(across=True)


class Dispatcher:
    """Brings events to handlers, each at its own pace; effect and cursor commit together.

    A handler that fails is tried again later and never skipped; `failing` names it meanwhile.
    """

    def __init__(self, house: "House", handlers: Sequence[Handler]) -> None:
        self._house = house
        self._handlers = handlers
        self._asks = {h.name: _ask(h.events) for h in handlers}
        self.failing: dict[str, int] = {}

    def step(self) -> int:
        """One round over the handlers that have something to do; returns how many events were handled."""
        done = 0
        for handler in self._behind():
            try:
                done += self._house.store.run(system(handler.name), partial(self._batch, handler))
                self.failing.pop(handler.name, None)
            except Exception as error:
                self.failing[handler.name] = self.failing.get(handler.name, 0) + 1
                self._house.log.error("handler_failed", where=handler.name, error=error)
        return done

    def _behind(self) -> list[Handler]:
        """Handlers with an event to handle, found by reading: a round with nothing to do writes nothing."""
        with self._house.store.read(system("events")) as tx:
            frontier = head(tx)
            there = {r.name: r.seq for r in tx.all(_HANDLER_CURSORS, organization=INSTALLATION)}
            found = []
            for handler in self._handlers:
                seq = there.get(f"handler:{handler.name}")
                due = seq is None or frontier - seq >= QUIET
                if due or tx.value(self._asks[handler.name], after=seq, upto=frontier) is not None:
                    found.append(handler)
            return found

    def _batch(self, handler: Handler, tx: Tx) -> int:
        name = f"handler:{handler.name}"
        seq = tx.value(_CURSOR_LOCKED, name=name, organization=INSTALLATION)
        if seq is None:  # never seen, or held by another node just now: a seed never overwrites what is there
            tx.run(_SEED_CURSOR, name=name, seq=0, updated_at=tx.now, organization=INSTALLATION)
            seq = tx.value(_CURSOR_LOCKED, name=name, organization=INSTALLATION)
            if seq is None:
                return 0
        frontier = head(tx)  # read first: an event committed after this line waits for the next round
        query = sa.select(EVENT).where(_E.seq > seq, _E.seq <= frontier, _E.type.in_(handler.events))
        query = query.order_by(_E.seq).limit(BATCH)
        rows = [of_row(r) for r in tx.all(_across(query))]
        for one in rows:
            tx.organization = one.organization
            handler.call(self._house, tx, one)
        tx.organization = INSTALLATION
        top = rows[-1].seq if len(rows) == BATCH else max(frontier, int(seq))
        if top != seq:
            set_cursor(tx, name, top, INSTALLATION)
        return len(rows)
