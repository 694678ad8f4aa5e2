"""Sweep: what nobody does by a message. Locks that lapsed are freed, sessions that fell silent are over, set-up ends,
announced maintenance begins. Any number of nodes may sweep: the row decides who did it.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from praxisd.kernel import leases
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.store import Tx
from praxisd.services.seats import coming, desk_store, locks, modes, rules, store
from praxisd.services.seats.turn import INTERVAL, Turn

if TYPE_CHECKING:
    from praxisd.kernel.app import House

DAY_S = 86_400
NODE_S = 6
"""A node that has not said for so long that it lives, lives no more. Seconds."""
LETTER_S = 600
"""What a node has not fetched for so long, nobody will. Seconds."""
AHEAD_S = 5
"""What lies further ahead than it can was written before the clock was set back. Seconds."""
Say = Callable[[Turn], None]


class Sweep:
    """The sweeps of one node. `say` is called with each turn once it is committed."""

    def __init__(self, house: "House", say: Say) -> None:
        self._house = house
        self._say = say
        self._last: int | None = None
        self._doubt: tuple[int, dict[str, int], float] | None = None
        self._rest = False
        self._intervals: dict[str, int] = {}
        self.shortest = rules.SWEEPS * 10
        self.next_at: int | None = None

    @property
    def sparing(self) -> bool:
        """True until it is known whether locks could be renewed while this node did not run."""
        return self._last is None or self._doubt is not None

    def missed(self) -> None:
        """A sweep was not possible (maintenance, an outage): what lapses meanwhile is spared by the next one."""
        self._rest = True

    def run(self) -> None:
        """One round over all practices."""
        with self._house.store.read(_ACTOR) as tx:
            now, nodes = tx.lease_now(), desk_store.nodes(tx)
            practices = self._practices(tx)
            intervals = {one: self._interval(tx, one) for one in practices}
        self.shortest = min(intervals.values(), default=rules.SWEEPS * 10)
        since = self._since(now, nodes)
        busy, self.next_at = False, None
        for one in practices:
            busy = self._practice(one, now, since, intervals[one]) or busy
        self._rest = False
        if self._doubt is None:
            self._last = now
        if busy:
            self._lives(now)

    def alive(self) -> None:
        """This node lives: for the others to know."""
        with self._house.store.read(_ACTOR) as tx:
            now = tx.lease_now()
        self._lives(now)

    def end(self) -> None:
        """This node stops, by its own will."""
        if self._last is not None:
            with self._house.store.read(_ACTOR) as tx:
                now, known = tx.lease_now(), desk_store.nodes(tx)
            if any(one.node == self._house.node for one in known):
                self._lives(now, ended=True)

    def _lives(self, now: int, *, ended: bool = False) -> None:
        swept, node = self._last or 0, self._house.node

        def work(tx: Tx) -> None:
            desk_store.put_node(tx, node, swept_at=swept, moment=now, ended=ended)
            desk_store.forget_nodes(tx, node, now - DAY_S)
            desk_store.drop_letters(tx, now - LETTER_S)

        self._house.store.run(_ACTOR, work)

    def _practices(self, tx: Tx) -> list[str]:
        return list(self._house.shared.get("organizations", lambda _tx: [])(tx))

    def _interval(self, tx: Tx, organization: str) -> int:
        tx.organization = organization
        return int(self._house.settings.get(tx, INTERVAL))

    def _since(self, now: int, nodes: list[desk_store.Node]) -> int | None:
        """Since when nobody swept, where locks could not be renewed meanwhile; None where all is as it should be."""
        own = self._house.node
        others = {one.node: one.alive_at for one in nodes if one.node != own and not one.ended}
        living = (
            {n: at for n, at in others.items() if now - at <= NODE_S} if not self._house.store.alone else {}
        )
        if self._last is not None and self._doubt is None:
            rested = self._rest or rules.is_rest(self._last, now, self.shortest)
            return self._last if rested and not living else None
        swept = max((one.swept_at for one in nodes if one.node != own), default=0)
        if self._doubt is None:
            if not living:
                return swept
            self._doubt = (swept, living, self._house.clock.monotonic() + NODE_S)
        swept, before, until = self._doubt
        if any(others.get(name, 0) > at for name, at in before.items()):  # it lives, and has swept for all
            self._doubt = None
            return None
        if self._house.clock.monotonic() < until:
            return None
        self._doubt = None
        return swept

    def _practice(self, organization: str, now: int, since: int | None, interval: int) -> bool:
        """Sweep one practice; True if there is anybody in it."""
        with self._house.store.read(system("seats", organization)) as tx:
            known = desk_store.state(tx)
            people = store.living(tx)
            held = leases.unfreed(tx, rules.PREFIX)
        shorter = interval < self._intervals.get(organization, interval)
        self._intervals[organization] = interval
        ahead = any(one.beat_at > now + AHEAD_S for one in people) or any(
            one.expires_at > now + interval + AHEAD_S for one in held
        )
        late = any(one.beat_at <= now - interval for one in people) or any(
            one.expires_at <= now for one in held
        )
        if shorter or ahead:
            self._do(organization, self._retime)
        if since is not None and (people or held):
            self._do(organization, partial(self._spare, since=since))
        elif late and not (shorter or ahead) and self._doubt is None:
            self._do(organization, self._free)
        if modes.due(known, now):
            self._do(organization, modes.tend)
            with self._house.store.read(system("seats", organization)) as tx:
                known = desk_store.state(tx)
        at = modes.next_at(known)
        if at is not None:
            self.next_at = at if self.next_at is None else min(self.next_at, at)
        return bool(people or held)

    def _spare(self, turn: Turn, since: int) -> None:
        """Nobody could renew anything since then: what had not lapsed holds for another interval, and who was here still is."""
        leases.spare(turn.tx, rules.PREFIX, since, turn.interval)
        store.spare(turn.tx, since - turn.interval, turn.now)
        if self._house.store.alone:
            store.cut(turn.tx, self._house.node)

    @staticmethod
    def _retime(turn: Turn) -> None:
        """The interval is shorter, or the clock was set back: what holds does so for one interval from now on, and whoever was
        here counts as heard now, for nobody could know before.
        """
        leases.cap(turn.tx, rules.PREFIX, turn.interval)
        store.heard(turn.tx, turn.now)

    @staticmethod
    def _free(turn: Turn) -> None:
        for row in store.silent(turn.tx, turn.now - turn.interval):
            coming.end(turn, row, orderly=False)
        for lease in leases.lapsed(turn.tx, rules.PREFIX):
            locks.expire(turn, lease)

    def _do(self, organization: str, work: Callable[[Turn], None]) -> None:
        def run(tx: Tx) -> Turn:
            turn = Turn(self._house, tx)
            turn.within(organization)
            work(turn)
            return turn

        self._say(self._house.store.run(system("seats", organization), run))

    def forget(self) -> None:
        """Drop what nobody asks for any more: sessions long over, programs that nobody let in."""
        with self._house.store.read(_ACTOR) as tx:
            practices = self._practices(tx)
        for one in practices:
            self._do(one, _forget)


_ACTOR = system("seats", INSTALLATION)


def _forget(turn: Turn) -> None:
    now = turn.now
    store.forget_sessions(turn.tx, now - rules.SESSION_DAYS * DAY_S)
    store.forget_waiting_seats(turn.tx, now - rules.WAITING_DAYS * DAY_S)
    store.forget_browsers(turn.tx, now - rules.BROWSER_DAYS * DAY_S)
