"""The room's own thread: starts and ends the runner, writes the access log, notes what happened to the link.

One per node. `snapshot` is what is true for the installation: on a node that does not hold the link it is read from
what the holder wrote, and counts only while the holder's lease holds and its last word is young.
"""

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from praxisd.kernel import events, leases
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.relay import enrolling, identity, settings, standing_in, store, words
from praxisd.services.relay.access import EVERY_S, AccessLog
from praxisd.services.relay.glance import Glance
from praxisd.services.relay.linking import LEASE, Make, Runner, Snapshot
from praxisd.services.relay.settling import Settling

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PAUSE_S = 1.0
"""How often the thread looks; what is changed here is acted on at once (`look`). Seconds."""
TOLD_EVERY_S = 3.0
OLD_S = 8
"""Other nodes hear of the link this often; an older word is not believed any more, nor is an older look from outside. Seconds."""
LOST_AFTER_S = 15.0
"""A link that is back so soon was not lost: nothing is noted. Seconds."""
DRAIN_S = 5.0
LEAVE_S = 0.5
"""How long running streams may finish: when the relay is switched off, when the house stops. Seconds."""
_WHO = "relay"


class Wish(NamedTuple):
    """What decides whether and how there is a link; the runner is told when any of it changes."""

    chosen: settings.Chosen
    who: identity.Facts | None

    @property
    def on(self) -> bool:
        """There is to be a link."""
        return self.chosen.enabled and self.who is not None


class Room:
    """The relay of one node. `step` may be called by tests in place of the thread."""

    def __init__(self, house: "House", make: Make) -> None:
        self._house = house
        self._make = make
        self._lock = threading.Lock()
        self._stepping = threading.Lock()
        self._started = False
        self._runner: Runner | None = None
        self._wish: Wish | None = None
        self._written = self._told = float("-inf")
        self._last_told = b""
        self._up: bool | None = None
        self._down_at: float | None = None
        self._away_at: float | None = None
        self._foreign = False
        self._glance = Glance(house)
        self._settling = Settling(house, self.look)
        self.log = AccessLog()

    def start(self) -> None:
        """Begin; ends with the house."""
        self._started = True
        self._house.visitors.entered = self.log.entered
        self._house._spawn("relay", self._turn)  # the house waits for it before it closes the store
        self._house.closers.append(self.close)

    @property
    def runner(self) -> Runner | None:
        """The runner of this node, None while the relay is off or nobody is enrolled."""
        return self._runner

    @property
    def at_work(self) -> bool:
        """False in a command that does its work without a server: no link is made by it."""
        return self._started

    @property
    def running(self) -> bool:
        """True while this node keeps a link, or waits to."""
        return self._runner is not None

    def away_s(self) -> float:
        """Since when there is no link though there is to be one, as this node sees it. Seconds, 0 while there is."""
        at = self._away_at
        return 0.0 if at is None else self._house.clock.monotonic() - at

    def close(self) -> None:
        """Take leave of the hub."""
        with self._lock:
            runner, self._runner = self._runner, None
        if runner is not None:
            runner.close(LEAVE_S)

    def _turn(self) -> None:
        house = self._house
        try:
            enrolling.resume(house)
        except Exception as error:
            house.log.error("loop_failed", where=_WHO, error=error)
        while not house.stopping:
            for part in (self.step, self.write):
                try:
                    part()
                except Exception as error:
                    if not house.stopping:
                        house.log.error("loop_failed", where=f"{_WHO}.{part.__name__}", error=error)
            house._stop.wait(PAUSE_S)
        self.write(at_once=True)

    def write(self, at_once: bool = False) -> None:
        """Write the access log if it is due."""
        now = self._house.clock.monotonic()
        if at_once or now - self._written >= EVERY_S:
            self._written = now
            self.log.write(self._house)

    def entered(self) -> None:
        """Write what waits of the access log, for somebody who is about to read it. What the database does not take waits on."""
        try:
            self.log.write(self._house)
        except Exception as error:
            self._house.log.error("loop_failed", where=f"{_WHO}.entered", error=error)

    def step(self) -> None:
        """Look at settings and identity, act on what changed, tell of the link."""
        with self._stepping:
            self._step()

    def _step(self) -> None:
        house = self._house
        with house.store.read(system(_WHO)) as tx:
            wish = Wish(settings.chosen(house, tx), identity.facts(tx))
            offered = store.identity(tx, store.NEXT)
        house.visitors.people = wish.chosen.console
        self._follow(wish)
        runner = self._runner
        link = Snapshot() if runner is None else runner.snapshot()
        self._settling.step("" if offered is None else offered.id, link)
        if self._runner is not None:
            self._tell(self._runner.snapshot())
        else:
            self._up = self._down_at = None
        if not wish.on or self.snapshot()[0].connected:
            self._away_at = None
        elif self._away_at is None:
            self._away_at = house.clock.monotonic()

    def _follow(self, wish: Wish) -> None:
        changed, self._wish = wish != self._wish, wish
        gone: Runner | None = None
        with self._lock:
            if self._house.stopping:
                return
            if wish.on and self._runner is None:
                self._runner = self._make(self._house)
                self._runner.start()
            elif not wish.on and self._runner is not None:
                gone, self._runner = self._runner, None
            elif changed and self._runner is not None:
                self._runner.look()
        if not wish.on:
            standing_in.forget(self._house)
        if (
            gone is not None
        ):  # running streams may take their time; whoever switched it off need not wait for them
            threading.Thread(
                target=gone.close, args=(DRAIN_S,), name="praxisd-relay-end", daemon=True
            ).start()

    def look(self) -> None:
        """Something changed here and now: act on it without waiting for the next round (not in a mere command)."""
        if self._started:
            self.step()

    def wait_up(self, within_s: float) -> bool:
        """Wait until a link of the present identity is up, at most so long; True if one is. Where another node holds it,
        that node's word counts.
        """
        with self._house.store.read(system(_WHO)) as tx:
            who = identity.facts(tx)
        end = time.monotonic() + within_s
        while who and self.running and time.monotonic() < end and not self._house.stopping:
            found, _ = self.snapshot()
            if found.host == who.host and found.connected:
                return True
            if any(one.phase == "refused" for one in found.links):
                return False
            time.sleep(0.05)
        return False

    def read(self) -> None:
        """Somebody looks at the state: is it still true?"""
        runner = self._runner
        if runner is None:
            return
        if self._holds(runner):
            runner.read()
        else:
            self._glance.refresh(self.snapshot()[0])

    def fresh(self, within_s: float) -> None:
        """Somebody asks, maybe only once: if the last look from outside is old, wait for another, at most so long."""
        found, _ = self.snapshot()
        last = found.probe
        if self.running and found.connected and (last is None or self._house.clock.now() - last.at >= OLD_S):
            self.probe(within_s)

    def _holds(self, runner: Runner) -> bool:
        return self._house.store.alone or runner.snapshot().holds

    def probe(self, within_s: float) -> None:
        """Call ourselves from outside now. Problems: `relay.not_enrolled`, `relay.not_enabled` (409)."""
        runner, wish = self._runner, self._wish
        if runner is not None:
            if self._holds(runner):
                runner.probe(within_s)
            else:
                self._glance.look(within_s)
        elif wish is None or wish.who is None:
            raise Problem("relay.not_enrolled", 409)
        else:
            raise Problem("relay.not_enabled", 409)

    # --- what is told of the link ----------------------------------------------------------------------------------

    def _tell(self, now: Snapshot) -> None:
        """Events of the holder, and its state for the other nodes."""
        if not (now.holds or self._house.store.alone):
            self._up = self._down_at = None
            return
        self._note(now)
        if self._house.store.alone:
            return
        data, at = msgspec.json.encode(now), self._house.clock.monotonic()
        if data != self._last_told or at - self._told >= TOLD_EVERY_S:
            node = self._house.node
            self._house.store.run(system(_WHO), lambda tx: store.put_state(tx, node, data.decode()))
            self._last_told, self._told = data, at

    def _note(self, now: Snapshot) -> None:
        at = self._house.clock.monotonic()
        if now.connected:
            self._down_at = None
            if self._up is not True:
                self._up = True
                self._event("relay.connected")
        elif self._up:
            self._down_at = at if self._down_at is None else self._down_at
            if at - self._down_at >= LOST_AFTER_S:
                self._up = False
                self._event("relay.lost")
        foreign = now.connected and now.probe is not None and now.probe.code == words.FOREIGN
        if foreign and not self._foreign:
            self._event("relay.foreign_key")
        if foreign or now.reachable:  # an outage in between does not make it another one
            self._foreign = foreign

    def _event(self, name: str) -> None:
        def note(tx: Tx) -> None:
            who = identity.facts(tx)
            events.note(tx, name, "Relay", "installation" if who is None else who.id)

        self._house.store.run(system(_WHO), note)

    def snapshot(self) -> tuple[Snapshot, str]:
        """What is true for the installation now, and the node that holds the link ("" if none does)."""
        runner = self._runner
        own = Snapshot() if runner is None else runner.snapshot()
        if self._house.store.alone or own.holds:
            return own, self._house.node if own.holds else ""
        with self._house.store.read(system(_WHO)) as tx:
            row, lease = store.state(tx), leases.current(tx, LEASE, INSTALLATION)
            young = row is not None and tx.lease_now() - row.seen_at <= OLD_S
        if row is None or lease is None or lease.holder != row.node or not young:
            return Snapshot(host=own.host, port=own.port), ""
        told = msgspec.structs.replace(msgspec.json.decode(row.state, type=Snapshot), holds=False)
        return self._glance.newer(told), row.node


def room_of(house: "House") -> Room:
    """The room of this house; made with the first call, started with the house's work."""
    found: Room | None = house.shared.get("relay.room")
    if found is None:
        found = house.shared["relay.room"] = Room(house, _make)
    return found


def _make(house: "House") -> Runner:
    from praxisd.services.relay import runner  # a link costs memory only where there is one

    return runner.make(house)


def start(house: "House") -> None:
    """Called when the house starts its work."""
    from praxisd.services.relay import acme_keeper  # it asks the room

    room_of(house).start()
    acme_keeper.start(house)
