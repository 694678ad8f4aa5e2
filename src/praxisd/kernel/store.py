"""Store: short transactions bound to one actor and one organization, on SQLite and PostgreSQL alike.

Statements are written once with SQLAlchemy Core, compiled once per engine and then run on the driver's
own cursor (docs/adr/0002): Core's portability at nearly the driver's price. Only text, integers and
bytes are stored, so no value needs converting.
"""

import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from praxisd.kernel.access import Actor
from praxisd.kernel.engines import Conflict, Engine, Violation

if TYPE_CHECKING:
    from praxisd.kernel.clock import Clock

T = TypeVar("T")
METADATA = sa.MetaData()
WATCHERS: list[Callable[[Any, "Tx"], None]] = []
"""Called with each statement before it is compiled; the tests hang the tenancy check in here."""


def table(name: str, *columns: Any, tenant: bool = True) -> sa.Table:
    """A table of the house. Every table but installation-wide ones has `organization` NOT NULL first."""
    own = [sa.Column("organization", sa.Text, nullable=False)] if tenant else []
    return sa.Table(name, METADATA, *own, *columns)


def mine(one: sa.Table) -> sa.ColumnElement[bool]:
    """The condition that keeps a query inside the transaction's organization; bound by the Tx itself."""
    return one.c.organization == sa.bindparam("organization")


class Prepared:
    """A statement (or a function of the dialect's name that makes one), compiled once per engine."""

    def __init__(self, make: Any) -> None:
        self._make = make
        self._done: dict[str, tuple[str, dict[str, Any]]] = {}
        self.across = False
        """True for the few statements that on purpose read over all organizations."""

    def statement(self, dialect: str) -> Any:
        """The Core statement for the named dialect."""
        return self._make(dialect) if callable(self._make) else self._make

    def compiled(self, engine: Engine, tx: "Tx") -> tuple[str, dict[str, Any]]:
        """SQL text and its constant parameters."""
        done = self._done.get(engine.name)
        if done is None:
            statement = self.statement(engine.name)
            for watch in () if self.across else WATCHERS:
                watch(statement, tx)
            done = self._done[engine.name] = _compile(statement, engine)
        return done


def prepared(make: Any) -> Prepared:
    """Mark a module-level statement as used again and again."""
    return Prepared(make)


def upsert(one: sa.Table, key: Sequence[str]) -> Prepared:
    """Insert a row of all columns, or update the others where `key` exists already."""

    def make(dialect: str) -> Any:
        from sqlalchemy.dialects import postgresql, sqlite

        insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
        names = [c.name for c in one.columns]
        statement = insert(one).values({n: sa.bindparam(n) for n in names})
        rest = {n: statement.excluded[n] for n in names if n not in key}
        return statement.on_conflict_do_update(index_elements=list(key), set_=rest)

    return Prepared(make)


def insert(one: sa.Table, *, ignore: bool = False, without: Sequence[str] = ()) -> Prepared:
    """Insert a row of all columns but `without`; with `ignore` an existing key wins silently."""

    def make(dialect: str) -> Any:
        from sqlalchemy.dialects import postgresql, sqlite

        kind: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
        statement = kind(one).values(
            {c.name: sa.bindparam(c.name) for c in one.columns if c.name not in without}
        )
        return statement.on_conflict_do_nothing() if ignore else statement

    return Prepared(make)


def _compile(statement: Any, engine: Engine) -> tuple[str, dict[str, Any]]:
    """SQL text and constants; lists of `in_` become single parameters, and bound ones stay to be filled."""
    compiled = statement.compile(dialect=engine.dialect)
    asked = {name for name, bind in compiled.binds.items() if bind.required}
    expanded = compiled.construct_expanded_state(dict.fromkeys(asked))
    return expanded.statement, {k: v for k, v in expanded.parameters.items() if k not in asked}


@lru_cache(maxsize=2048)
def _row_type(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)  # type: ignore[misc]


class Tx:
    """One open transaction. `now` is epoch seconds at its start; `organization` is bound into statements."""

    __slots__ = (
        "_after", "_begin", "_events", "_open", "actor", "kept", "now", "organization", "store", "writable"
    )  # fmt: skip

    def __init__(self, store: "Store", actor: Actor, begin: Callable[[], Any], writable: bool) -> None:
        self.store = store
        self.actor = actor
        self.organization = actor.organization
        self.now = store.clock.now()
        self.writable = writable
        self.kept: Any = None
        """What a thread that writes again and again keeps in memory from one transaction to the next (`kernel.leases.Book`)."""
        self._begin = begin
        self._open: Any = None
        self._events: list[Any] = []
        self._after: list[Callable[[], None]] = []

    @property
    def _cursor(self) -> Any:
        """The driver's cursor. The first use begins the transaction: who finds all in memory pays for none."""
        if self._open is None:
            self._open = self._begin()
        return self._open

    def _execute(self, statement: Any, params: Mapping[str, Any]) -> Any:
        engine = self.store.engine
        if self.store.sealed is not None:
            plain = statement.statement(engine.name) if isinstance(statement, Prepared) else statement
            self.store.sealed(plain)
        if isinstance(statement, Prepared):
            sql, constants = statement.compiled(engine, self)
        else:
            for watch in WATCHERS:
                watch(statement, self)
            sql, constants = _compile(statement, engine)
        values = {**constants, "organization": self.organization, **params}
        cursor = self._open or self._cursor
        try:
            cursor.execute(sql, values)
        except engine.integrity as error:
            raise Violation(engine.violated(error)) from None
        except engine.failure as error:
            if engine.is_conflict(error):
                raise Conflict(type(error).__name__) from None
            raise
        return cursor

    def all(self, statement: Any, **params: Any) -> list[Any]:
        """All rows as named tuples."""
        cursor = self._execute(statement, params)
        row = _row_type(tuple(d[0] for d in cursor.description))
        return list(map(row._make, cursor.fetchall()))

    def tuples(self, statement: Any, **params: Any) -> list[tuple[Any, ...]]:
        """All rows as plain tuples, for hot paths."""
        found: list[tuple[Any, ...]] = self._execute(statement, params).fetchall()
        return found

    def first(self, statement: Any, **params: Any) -> Any | None:
        """The first row, or None."""
        cursor = self._execute(statement, params)
        got = cursor.fetchone()
        if got is None:
            return None
        return _row_type(tuple(d[0] for d in cursor.description))._make(got)

    def value(self, statement: Any, **params: Any) -> Any:
        """The first column of the first row, or None."""
        got = self._execute(statement, params).fetchone()
        return None if got is None else got[0]

    def run(self, statement: Any, **params: Any) -> int:
        """Execute a change and return the number of rows touched."""
        return int(self._execute(statement, params).rowcount)

    def many(self, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute a change for each of `rows`."""
        for row in rows:
            self._execute(statement, row)

    def raw(self, sql: str, values: Any = ()) -> Any:
        """Run engine-specific SQL text (migrations, care of the database, guards)."""
        self._cursor.execute(sql, values)
        return self._cursor

    def emit(self, event: Any) -> None:
        """Note an event; it is written last, inside this transaction."""
        self._events.append(event)

    def after(self, call: Callable[[], None]) -> None:
        """Run `call` once the transaction is committed (never if it is rolled back)."""
        self._after.append(call)

    def notify(self) -> None:
        """Wake the other processes once this is committed, as an event would (for what is worth no event)."""
        self.store.engine.notify(self._cursor)

    def tell(self, topic: str, words: str) -> None:
        """Tell the other processes what need not last (`kernel.wake`) once this is committed; `engines.TOLD_MOST` bytes."""
        self.store.engine.tell(self._cursor, topic, words)

    def lease_now(self) -> int:
        """Epoch seconds by the clock that decides about leases: the database's where several nodes share
        it.
        """
        if self.store.clock.frozen:
            return self.store.clock.now()
        seconds = self.store.engine.lease_now(self._cursor)
        return self.store.clock.now() if seconds is None else seconds

    def writing(self) -> tuple[int, int] | None:
        """Two numbers by which one's own transactions in a row are known: where the first is one more than it was and the
        second the same, nothing was written between them. None where other processes write too.
        """
        return self.store.engine.writing(self._cursor)

    def try_lock(self, key: int) -> bool:
        """True if no other open transaction of another process holds `key`."""
        return self.store.engine.try_lock(self._cursor, key)


class Store:
    """Opens transactions. `generation` grows with every commit of this process (used to keep answers), `doubts` with those that
    changed what `kernel.glance` knows.

    `sealed` looks at each statement first, and refuses some (`lent`); None everywhere but on a laptop.
    """

    def __init__(self, engine: Engine, clock: "Clock") -> None:
        self.engine = engine
        self.clock = clock
        self.generation = self.doubts = 0
        self.append: Callable[[Tx, list[Any]], None] | None = None
        self.on_commit: list[Callable[[], None]] = []
        self.sealed: Callable[[Any], None] | None = None
        self._gate = threading.Lock()

    @property
    def alone(self) -> bool:
        """True if no other process can write to this database (SQLite with the folder's lock)."""
        return self.engine.name == "sqlite"

    @contextmanager
    def read(self, actor: Actor) -> Iterator[Tx]:
        """A consistent read-only view as `actor`, as of its first statement."""
        with ExitStack() as stack:
            yield Tx(self, actor, lambda: stack.enter_context(self.engine.read()), writable=False)

    @contextmanager
    def write(self, actor: Actor) -> Iterator[Tx]:
        """One short write transaction as `actor`: events last, then commit, then the wake-up."""
        with self.engine.write() as cursor:
            tx = Tx(self, actor, lambda: cursor, writable=True)
            yield tx
            events = tx._events
            if events:
                if self.append is None:
                    raise RuntimeError("events need the registry: Store.append is not set")
                self.engine.lock_events(cursor)
                self.append(tx, events)
                self.engine.notify(cursor)
        with self._gate:
            self.generation += 1
        for call in tx._after:
            call()
        if events:
            for call in self.on_commit:
                call()

    def doubt(self) -> None:
        """Have `kernel.glance` ask anew before the next request; for `Tx.after`. Other processes do within a second."""
        with self._gate:
            self.doubts += 1

    def run(self, actor: Actor, work: Callable[[Tx], T], tries: int = 5) -> T:
        """`work` in a write transaction, again from the start when two transactions met (PostgreSQL)."""
        for attempt in range(tries):
            try:
                with self.write(actor) as tx:
                    return work(tx)
            except Conflict:
                if attempt == tries - 1:
                    raise
                time.sleep(0.005 * 2**attempt)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close all connections."""
        self.engine.close()
