"""The desk: one thread of this node that judges all that sessions ask, up to 64 requests in one write transaction.

Each request is judged by itself, in the order of arrival; they share one commit, so one write to the disk. Answers go out
after it. A transaction that fails is done again, each request alone.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import glance, leases
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.engines import Conflict
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.seats import api, coming, desk_store, locks, messages, presence, rules
from praxisd.services.seats.lines import lines
from praxisd.services.seats.sweep import Sweep
from praxisd.services.seats.turn import Known, Turn
from praxisd.services.seats.turn import time as shown_time
from praxisd.services.seats.who import Who

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SHARED = "seats.desk"
BATCH = 64
IDLE_S = 0.5
"""How often the thread looks whether the house stops. Seconds."""
GATHER_S = 0.001
"""At most so long it waits, after it has answered several at once, for half as many to ask again before it judges: a commit
for one or two of them would hold up all others. Who asks alone never waits. Seconds.
"""
LETTERS_S = 2.0
"""Where other nodes may write: how often it looks for what they left, and says that it lives. Seconds."""
FORGET_S = 3600.0
_ACTOR = system("seats", INSTALLATION)
Outcome = messages.Answer | Problem
Done = Callable[[Outcome], None]
Work = Callable[[Turn, Who, Any], messages.Answer]

_WORK: dict[type[Any], Work] = {
    messages.Beat: presence.beat,
    messages.Lock: locks.lock,
    messages.Unwait: locks.unwait,
    messages.Release: locks.release,
    messages.Switch: locks.switch,
    messages.Ask: presence.ask,
    messages.Reply: presence.reply,
    messages.Take: locks.take,
    messages.Look: presence.look,
    messages.WhoIs: presence.who_is,
    messages.Here: coming.here,
}


_LOCKS_ONLY = (messages.Lock, messages.Release)
"""They change leases, and nothing of what a turn remembers beside them (`Known`) but that somebody waits no more."""


@dataclass(slots=True, eq=False)
class _Item:
    who: Who
    request: Any
    work: Work
    done: Done

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the leases it is about, as far as it says itself."""
        found = [getattr(self.request, one, None) for one in ("record", "from_")]
        held = [one.record for one in getattr(self.request, "holds", ())]
        return tuple(rules.key_of(one) for one in (*found, *held) if isinstance(one, str))


class Desk:
    """`put`, `here` and `gone` may be called from any thread, and only queue; `done` is called from the desk's."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._queue: deque[_Item] = deque()
        self._late: list[_Item] = []
        self._condition = threading.Condition()
        self._poked = self._idle = False
        self._enough = 1
        self._glance = glance.of(house)
        self._book = leases.Book()
        self._known = Known()
        self._may_know = False
        self._sweep = Sweep(house, self._say)
        self._sweep_at = self._letters_at = self._forget_at = float("-inf")

    # --- from any thread -------------------------------------------------------------------------------------------------

    def put(self, who: Who, request: messages.ForDesk, done: Done) -> None:
        """Have a request judged; `done` gets its answer, or a Problem, after the commit."""
        self._add(_Item(who, request, _WORK[type(request)], done))

    def here(self, who: Who, request: messages.Here, done: Done) -> None:
        """A session whose door has proven it begins, or is back; `done` gets a Welcome or a Problem."""
        self._add(_Item(who, request, coming.here, done))

    def gone(self, who: Who, bye: bool, done: Done | None = None) -> None:
        """Its connection has ended: with `bye` all its locks are free at once, else it may come back.

        Not to be called for a connection that another one of this node replaced.
        """
        self._add(_Item(who, None, _bye if bye else _left, done or _nobody))

    def look(self) -> None:
        """Something was changed that the sweep should know of now."""
        with self._condition:
            self._sweep_at, self._poked = float("-inf"), True
            self._condition.notify()

    def _add(self, item: _Item) -> None:
        self._queue.append(item)
        # Else the thread looks into the queue once more before it rests.
        if self._idle and len(self._queue) >= self._enough:
            with self._condition:
                self._condition.notify()

    def _wake(self) -> None:
        with self._condition:
            self._poked = True
            self._condition.notify()

    # --- the thread ------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until the house stops; what was asked before is answered still."""
        end = _nothing if self._house.store.alone else self._house.wake.subscribe(self._wake)
        try:
            while not self._house.stopping:
                try:
                    self.step(gather=True)
                except Exception as error:
                    self._house.log.error("loop_failed", where="seats", error=error)
                    self._house._stop.wait(IDLE_S)
                with self._condition:
                    self._idle = True
                    self._condition.wait_for(lambda: self._poked or self._queue, IDLE_S)
                    self._poked = self._idle = False
            self.step()
            self._sweep.end()
        except Exception as error:
            self._house.log.error("loop_failed", where="seats", error=error)
        finally:
            end()

    def step(self, *, gather: bool = False) -> None:
        """What is due, then all that was asked; also for tests, in place of the thread.

        `gather`: one batch, then see GATHER_S: while many ask all the time, what is due comes between their batches.
        """
        closed = self._closed()
        if closed is None:
            self._rounds()
            if self._late:
                with self._condition:
                    self._queue.extendleft(reversed(self._late))
                    self._late.clear()
        else:
            self._sweep.missed()
        while batch := self._next():
            if closed is not None:
                self._refuse(batch, closed)
            else:
                self._judge(batch)
            if gather:
                self._gather(len(batch))
                return

    def _gather(self, answered: int) -> None:
        enough = min((answered + len(self._queue)) // 2, BATCH)
        if len(self._queue) < enough > 1:
            with self._condition:
                self._enough, self._idle = enough, True
                self._condition.wait_for(lambda: self._poked or len(self._queue) >= enough, GATHER_S)
                self._enough, self._idle = 1, False

    def sweep(self) -> None:
        """Sweep now."""
        began = self._house.clock.monotonic()
        try:
            self._sweep.run()
        except BaseException:
            self._sweep.missed()
            raise
        finally:
            self._sweep_at = began + self._sweep.shortest / rules.SWEEPS

    def letters(self) -> int:
        """Tell sessions of this node what other nodes left for them; how many."""
        with self._house.store.read(_ACTOR) as tx:
            if not desk_store.letters_wait(tx, self._house.node):
                return 0
        found = self._house.store.run(_ACTOR, self._fetched)
        told = lines(self._house)
        for one in found:
            message = msgspec.json.decode(one.message)
            if message.get("type") == "close":
                told.close(one.session, message["code"], message["reason"], one.organization)
            else:
                told.push(one.session, message, one.organization)
        return len(found)

    def _fetched(self, tx: Tx) -> list[desk_store.Letter]:
        """The letters for this node, without locks that were granted elsewhere and are over by now: who got one has perhaps
        heard of its end before, or waits for the record anew.
        """
        found = desk_store.take_letters(tx, self._house.node)
        return [one for one in found if not _over(tx, one)]

    def _rounds(self) -> None:
        now, at = self._house.clock.monotonic(), self._sweep.next_at
        if now >= self._sweep_at or (at is not None and self._house.clock.now() >= at):
            self.sweep()
        if now >= self._forget_at:
            self._forget_at = now + FORGET_S
            self._sweep.forget()
        if not self._house.store.alone:
            if now >= self._letters_at:
                self._letters_at = now + LETTERS_S
                if len(lines(self._house)):
                    self._sweep.alive()
                if self._sweep.sparing:
                    self.sweep()
            self.letters()

    def _next(self) -> list[_Item]:
        with self._condition:
            return [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]

    def _closed(self) -> Problem | None:
        self._glance.look()
        return self._glance.refusal()

    def _refuse(self, batch: Sequence[_Item], problem: Problem) -> None:
        """Maintenance: nothing is written. Who lives is told so, who leaves is written down afterwards."""
        for item in batch:
            if item.request is None:
                self._late.append(item)
            elif isinstance(item.request, messages.Beat):
                now = shown_time(self._house.clock.now())
                beaten = messages.Beaten(id=item.request.id, now=now, interval=self._sweep.shortest)
                self._call(partial(item.done, beaten))
            else:
                self._call(partial(item.done, problem))

    def _judge(self, batch: Sequence[_Item]) -> None:
        try:
            turn = self._house.store.run(_ACTOR, partial(self._together, batch))
        except Exception as error:
            if len(batch) > 1:
                for item in batch:
                    self._judge([item])
                return
            self._house.log.error("loop_failed", where="seats.desk", error=error)
            busy = isinstance(error, Conflict)
            code, status = ("http.conflict", 409) if busy else ("http.store_unavailable", 503)
            self._call(partial(batch[0].done, Problem(code, status, retry=True)))
            return
        self._say(turn)

    def _say(self, turn: Turn) -> None:
        for one in turn.said:
            self._call(one)

    def _call(self, one: Callable[[], object]) -> None:
        """What is told to one session must not keep another from being told."""
        try:
            one()
        except Exception as error:
            self._house.log.error("loop_failed", where="seats.said", error=error)

    def _together(self, batch: Sequence[_Item], tx: Tx) -> Turn:
        if not self._book.open(tx) or not self._may_know:
            self._known = Known()
        self._may_know = all(isinstance(item.request, _LOCKS_ONLY) for item in batch)
        turn = Turn(self._house, tx, sparing=self._sweep.sparing, known=self._known)
        if not self._house.store.alone:
            wanted: dict[str, set[str]] = defaultdict(set)
            for item in batch:
                wanted[item.who.organization].update(item.keys)
            for organization in sorted(wanted):
                turn.within(organization)
                leases.queue_for(tx, wanted[organization])
        for item in batch:
            turn.within(item.who.organization, item.who.actor)
            place, outcome = len(turn.said), _outcome(turn, item)
            turn.said.insert(
                place, partial(item.done, outcome)
            )  # its answer first, then what follows from it
        self._book.close(tx)
        return turn


def _over(tx: Tx, letter: desk_store.Letter) -> bool:
    message = msgspec.json.decode(letter.message)
    if message.get("type") != "granted":
        return False
    lease = leases.current(tx, rules.key_of(message["record"]), letter.organization)
    return lease is None or lease.fence != message["fence"] or lease.holder != rules.holder_of(letter.session)


def _outcome(turn: Turn, item: _Item) -> Outcome:
    try:
        return item.work(turn, item.who, item.request)
    except Problem as problem:
        return problem


def _bye(turn: Turn, who: Who, _request: None) -> messages.Answer:
    coming.bye(turn, who)
    return messages.Answer(id=0)


def _left(turn: Turn, who: Who, _request: None) -> messages.Answer:
    coming.left(turn, who)
    return messages.Answer(id=0)


def _nobody(_outcome: Outcome) -> None:
    """Nobody waits for it."""


def _nothing() -> None:
    """Where no other process writes, nothing was subscribed."""


def desk_of(house: "House") -> Desk:
    """The desk of this node, made when first asked for."""
    found: Desk | None = house.shared.get(SHARED)
    if found is None:
        found = house.shared.setdefault(SHARED, Desk(house))
    return found


def start(house: "House") -> None:
    """Called when the house starts its work."""
    house.shared.setdefault("logbook.names", []).append(api.seat_names)
    house._spawn("seats", desk_of(house).run)
