"""Turn: one transaction of the desk, and what is said once it is committed, in the order in which it was judged."""

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import leases
from praxisd.kernel.access import Actor, system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.leases import Lease
from praxisd.kernel.store import Tx
from praxisd.services.seats import desk_store, messages, rules, store
from praxisd.services.seats.lines import lines
from praxisd.services.seats.store import Seat, SessionRow

if TYPE_CHECKING:
    from praxisd.kernel.app import House

INTERVAL = "seats.interval"


class Detail(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a record's lease says beside its holder: ids only. `why` is how it came to its present state."""

    seat: str = ""
    session: str = ""
    why: str = ""
    at: int = 0


class Known:
    """What a turn has asked and need not ask again: intervals, who might be concerned, seats; each by practice. The desk hands
    it on to its next turn where nothing of it can have changed.
    """

    __slots__ = ("crowds", "intervals", "seats")

    def __init__(self) -> None:
        self.intervals: dict[str, int] = {}
        self.crowds: dict[tuple[str, str], frozenset[str]] = {}
        self.seats: dict[tuple[str, str], Seat] = {}


class Turn:
    """`said` are calls to make after the commit. `sparing`: what lapsed while nobody served is not free yet."""

    def __init__(self, house: "House", tx: Tx, *, sparing: bool = False, known: Known | None = None) -> None:
        self.house = house
        self.tx = tx
        self.sparing = sparing
        self.said: list[Callable[[], object]] = []
        self._lines = lines(house)
        self._known = known or Known()
        self._now: int | None = None

    def finish(self) -> None:
        """In a transaction that is not the desk's own: say it all once that is committed."""
        for one in self.said:
            self.tx.after(partial(_call, one))

    def within(self, organization: str, actor: Actor | None = None) -> None:
        """What follows is done in this practice, by this actor (the seats themselves if none)."""
        self.tx.organization = organization
        self.tx.actor = actor or system("seats", organization)

    @property
    def now(self) -> int:
        """Epoch seconds by the clock of leases, the same for the whole turn."""
        if self._now is None:
            self._now = self.tx.lease_now()
        return self._now

    @property
    def interval(self) -> int:
        """The practice's control interval in seconds: how long a lock holds without a word of its holder."""
        found = self._known.intervals.get(self.tx.organization)
        if found is None:
            found = int(self.house.settings.get(self.tx, INTERVAL))
            self._known.intervals[self.tx.organization] = found
        return found

    def seat(self, id_: str) -> Seat | None:
        """A seat as it stands in the register; asked once in a turn."""
        key = self.tx.organization, id_
        found = self._known.seats.get(key) or store.seat(self.tx, id_)
        if found is not None:
            self._known.seats[key] = found
        return found

    # --- who might be concerned --------------------------------------------------------------------------------------------

    def waited_for(self, record: str) -> bool:
        """False if nobody waits for this record. Asked once for all records of a turn, where no other node can change it."""
        return not self.tx.store.alone or record in self._crowd("waiting", desk_store.waited_for)

    def looked_at(self, record: str) -> bool:
        """False if nobody looks at this record."""
        return not self.tx.store.alone or record in self._crowd("looking", store.looked_at)

    def crowd_changed(self) -> None:
        """Somebody waits, or looks at a record, who did not when the turn began."""
        self._known.crowds.clear()

    def _crowd(self, name: str, ask: Callable[[Tx], frozenset[str]]) -> frozenset[str]:
        key = name, self.tx.organization
        found = self._known.crowds.get(key)
        if found is None:
            found = self._known.crowds[key] = ask(self.tx)
        return found

    # --- what is said ----------------------------------------------------------------------------------------------------

    def push_all(self, rows: Iterable[SessionRow], message: messages.Push) -> None:
        """Tell several sessions the same; it is encoded once."""
        said = msgspec.Raw(msgspec.json.encode(message))
        for row in rows:
            self.push(row, said)

    def push(self, row: SessionRow | None, message: messages.Push | msgspec.Raw) -> None:
        """Tell a session something, wherever it is connected; one that is nowhere hears it when it is back."""
        if row is None:
            return
        if row.node == self.house.node:
            self.said.append(partial(self._lines.push, row.session, message, row.organization))
        elif row.line or (row.gone_at is not None and not row.bye and self.now - row.gone_at < self.interval):
            desk_store.post(self.tx, row.node, row.session, msgspec.json.encode(message).decode())

    def tell(self, message: messages.Push) -> None:
        """Tell all sessions of the practice."""
        self.push_all(store.living(self.tx), message)

    def close(self, row: SessionRow, code: int, reason: str) -> None:
        """Let a session go, wherever it is connected."""
        if row.node == self.house.node:
            self.said.append(partial(self._lines.close, row.session, code, reason, row.organization))
        elif row.line:
            letter = msgspec.json.encode({"type": "close", "code": code, "reason": reason}).decode()
            desk_store.post(self.tx, row.node, row.session, letter)

    # --- who holds what --------------------------------------------------------------------------------------------------

    def row_of(self, lease: Lease | None) -> SessionRow | None:
        """The session that holds a lease."""
        session = "" if lease is None else rules.session_of(lease.holder)
        return store.session(self.tx, session) if session else None

    def holder(self, lease: Lease) -> messages.Holder:
        """Who holds a lease, and since when."""
        row = self.row_of(lease)
        if row is None:
            found = detail_of(lease)
            return messages.Holder(
                seat=found.seat, seat_name=found.seat, session=found.session, since=time(lease.acquired_at)
            )
        return holder(row, lease.acquired_at)

    def held(self, record: str) -> Lease | None:
        """Who has the lock of a record now, or had it when nobody could renew it."""
        lease = leases.last(self.tx, rules.key_of(record))
        return lease if lease is not None and self.holds(lease) else None

    def holds(self, lease: Lease) -> bool:
        """True while a lock keeps others out."""
        return lease.expires_at > self.now or (self.sparing and lease.expires_at > 0)


def _call(one: Callable[[], object]) -> None:
    one()


@lru_cache(maxsize=256)
def time(at: int) -> str:
    """RFC 3339, UTC."""
    return format_rfc3339(at)


def holder(row: SessionRow, since: int | None = None) -> messages.Holder:
    """A session as its colleagues see it."""
    return messages.Holder(
        seat=row.seat,
        seat_name=row.seat_name or row.seat,
        session=row.session,
        person=row.person,
        since=None if since is None else time(since),
    )


def detail_of(lease: Lease) -> Detail:
    """What a record's lease says beside its holder."""
    return msgspec.json.decode(lease.detail, type=Detail)


def detail(seat: str, session: str, why: str = "", at: int = 0) -> str:
    """The same as it is kept."""
    return msgspec.json.encode(Detail(seat, session, why, at)).decode()


def shown(lease: Lease) -> messages.LockHeld:
    """A lock as its holder is told of it."""
    return messages.LockHeld(
        record=rules.record_of(lease.key),
        fence=lease.fence,
        since=time(lease.acquired_at),
        until=time(lease.expires_at),
    )
