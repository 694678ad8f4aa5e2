"""Keeps the link of this node: one thread looks at settings, identity, lease and certificate, and has a loop carry the rest.

Where several nodes share a database the one with the lease `relay.link` dials; it gives the lease back as soon as it
drains, so that the next one has a link before this one is gone. Nothing that fails here ends the thread; the loop and the
agent are started anew whatever they died of.
"""

import ssl
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from praxisd import __version__
from praxisd.kernel import leases, vault_known
from praxisd.kernel.access import system
from praxisd.kernel.app import State as HouseState
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.relay import (
    certificates,
    ends,
    identity,
    probe,
    runner_shown,
    settings,
    standing_in,
    store,
    words,
)
from praxisd.services.relay.certificates import Held
from praxisd.services.relay.linking import LEASE, Runner, Snapshot
from praxisd.services.relay.runner_loop import Carried, Thread
from praxisd_relay.agent import Address, Agent, Failed
from praxisd_relay.frames import Rst
from praxisd_relay.hello import Hello
from praxisd_relay.stream import Far, Stream

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd_relay.identity import Identity

TICK_S = 0.5
CERTIFICATE_S = 5.0
"""The certificate is looked at anew so often, without being told to."""
LEASE_S = 12
RENEW_S = 3.0
DRAIN_S = 8.0
"""A draining node lets guests finish as long as its doors do."""
ROTATED_S = 60.0
"""So long after a change of key the agent may be ahead of what is written down, and while that is an open question."""
_WHO = "relay"


class _Wish(NamedTuple):
    """What makes an agent another one."""

    id: str
    hubs: tuple[identity.Hub, ...]
    proxy: str


class LinkRunner:
    """See `linking.Runner`."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._loop = Thread(house)
        self._carried: Carried | None = None
        self._wish: _Wish | None = None
        self._held: Held | None = None
        self._names: frozenset[str] = frozenset()
        self._doors: tuple[str, ends.Doors] | None = None
        self._lease: leases.Lease | None = None
        self._renewed = self._certified = float("-inf")
        self._rotated: tuple[str, float] = ("", float("-inf"))
        self._offered = ""
        self._told_state: tuple[str, str] = ("", "")
        self._epochs: dict[float, int] = {}
        self._look = threading.Event()
        self._closing = False
        self._drain_s = 0.0
        self._thread: threading.Thread | None = None

    # --- for the room ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread = threading.Thread(target=self._turn, name="praxisd-relay-link", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Something may have changed. From any thread."""
        self._certified = float("-inf")
        self._look.set()

    def snapshot(self) -> Snapshot:
        """What is known now. From any thread."""
        carried = self._carried
        if carried is None:
            return Snapshot(holds=self._holds)
        return runner_shown.snapshot(carried.agent.state, carried.probe, self._epoch)

    def probe(self, within_s: float) -> Snapshot:
        """Call ourselves through the public name now; without a link the hub is dialled at once first."""
        carried, end = self._carried, time.monotonic() + within_s
        if carried is not None:
            if not carried.agent.state.connected:
                self._dial(carried, end)
            carried.ask(max(0.1, end - time.monotonic()))
        return self.snapshot()

    def _dial(self, carried: Carried, end: float) -> None:
        """Until a link is up, or the try that begins now has failed, or `end`."""
        began = time.monotonic()
        self._loop.post(carried.agent.now)
        while time.monotonic() < end:
            links = carried.agent.state.links
            if any(one.phase == "up" for one in links):
                return
            if all(one.phase in ("waiting", "refused", "idle") and one.since > began for one in links):
                return
            time.sleep(0.02)

    def read(self) -> None:
        """Somebody looks at the state."""
        carried = self._carried
        if carried is not None:
            carried.read()

    def rotate(self, fresh: "Identity", within_s: float) -> str:
        """Have the hub admit `fresh` over the running link; the id it answered. Problems as in `linking.Runner`."""
        carried = self._carried
        if carried is None:
            raise Problem("relay.not_linked", 409)
        self._rotated = (fresh.id, time.monotonic())
        try:
            return self._loop.run(carried.agent.rotate(fresh, within_s), within_s + 1.0)
        except TimeoutError:
            raise Problem("relay.hub_silent", 504, retry=True) from None
        except Failed as failed:
            raise _problem(failed) from None

    def close(self, drain_s: float) -> None:
        """Take leave, end the thread."""
        self._drain_s = drain_s
        self._closing = True
        self._look.set()
        if self._thread is not None:
            self._thread.join(drain_s + 4.0)

    # --- the thread ------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        house = self._house
        while not self._closing and not house.stopping:
            try:
                self._step()
            except Exception as error:
                if not house.stopping:
                    house.log.error("loop_failed", where="relay.runner", error=error)
            self._look.wait(TICK_S)
            self._look.clear()
        try:
            self._leave(self._drain_s, wait=True)
        except Exception as error:  # the database is gone: the lease ends by itself
            house.log.error("loop_failed", where="relay.runner", error=error)
        self._loop.stop()

    def _step(self) -> None:
        house = self._house
        if house.state in (HouseState.DRAINING, HouseState.STOPPING):
            self._leave(DRAIN_S)
            return
        now = time.monotonic()
        self._keep_lease(now)
        with house.store.read(system(_WHO)) as tx:
            chosen, facts = settings.chosen(house, tx), identity.facts(tx)
            offered = store.identity(tx, store.NEXT)
        self._offered = "" if offered is None else offered.id
        if facts is None or not chosen.enabled or not self._holds:
            self._drop(DRAIN_S)
            return
        if house.vault.closed and not self._key_is_back():
            self._drop(DRAIN_S)
            return
        self._names = frozenset(
            filter(None, (facts.host, *(one.host for one in facts.previous), chosen.own_name))
        )
        if self._held is None or now - self._certified >= CERTIFICATE_S:
            self._held, self._certified = certificates.current(house), now
        self._follow(_Wish(facts.id, facts.hubs, chosen.proxy), now)
        carried = self._carried
        if carried is not None:
            carried.proxy = chosen.proxy
            carried.clock.every_s = chosen.probe_minutes * 60.0
            carried.look()
            self._write_down(carried, facts)
            if carried.agent.state.connected:
                standing_in.keep(house, carried.agent, self._held, self._names, chosen.proxy)

    def _key_is_back(self) -> bool:
        """Without its key file nothing of ours can be opened; the kernel's check says so, and nobody else needs to."""
        with suppress(Problem):
            return bool(vault_known.note(self._house))
        return False

    def _follow(self, wish: _Wish, now: float) -> None:
        """An agent for exactly this; the running one stays if it already is that, or is ahead by a change of key."""
        carried = self._carried
        if carried is not None and (carried.ended or not self._loop.alive):
            self._carried = carried = None
        if carried is not None:
            own, (fresh, at) = carried.agent.identity.id, self._rotated
            ahead = own == fresh and (now - at < ROTATED_S or own == self._offered)
            known = self._wish is not None and self._wish[1:] == wish[1:]
            if known and (own == wish.id or ahead):
                self._wish = wish if own == wish.id else self._wish
                return
            self._drop(DRAIN_S)
        self._begin(wish)

    def _begin(self, wish: _Wish) -> None:
        house = self._house
        with house.store.read(system(_WHO)) as tx:
            who = identity.load(house, tx)
        if who is None or who.id != wish.id:
            return
        self._loop.start()
        hubs = [Address(one.host, one.port, one.pin) for one in who.hubs]
        agent = Agent(
            who.key,
            hubs,
            self._take,
            lambda address: probe.proxy_of(wish.proxy, address.host),
            lambda state: carried.changed(state),
            version=__version__,
        )
        carried = Carried(house, self._loop, agent, self._pins)
        carried.proxy = wish.proxy
        self._carried, self._wish = carried, wish
        carried.start()

    def _drop(self, drain_s: float) -> None:
        """No link from now on; what runs on it may finish meanwhile."""
        carried, self._carried, self._wish = self._carried, None, None
        if carried is not None:
            carried.stop(drain_s)

    def _leave(self, drain_s: float, wait: bool = False) -> None:
        """GOAWAY first, then the lease: the next node dials when nothing new comes here any more."""
        carried = self._carried
        self._drop(drain_s)
        lease, self._lease = self._lease, None
        if lease is not None:
            self._house.store.run(system(_WHO), lambda tx: leases.release(tx, lease))
        if wait and carried is not None:
            carried.wait(drain_s + 1.0)

    def _write_down(self, carried: Carried, facts: identity.Facts) -> None:
        """What the hub says of us, for all nodes and for the time after a start."""
        state = carried.agent.state
        codes = {one.code for one in state.links if one.phase == "refused"}
        says = facts.state
        if state.connected:
            says = identity.ENROLLED
        elif codes & {"revoked"}:
            says = identity.REVOKED
        elif codes & {"unknown"}:
            says = identity.REFUSED
        if carried.agent.identity.id != facts.id:
            return
        moved = state.connected and state.host and (state.host, state.port) != (facts.host, facts.port)
        if says == facts.state and not moved:
            return

        def write(tx: Tx) -> None:
            if says != facts.state:
                store.set_identity_state(tx, facts.id, says)
            if moved:
                store.set_identity_host(tx, facts.id, state.host, state.port)

        self._house.store.run(system(_WHO), write)

    # --- the lease -------------------------------------------------------------------------------------------------

    @property
    def _holds(self) -> bool:
        return self._house.store.alone or self._lease is not None

    def _keep_lease(self, now: float) -> None:
        """Take or renew it. While the database does not answer, who held it last keeps its link."""
        house = self._house
        if house.store.alone or now - self._renewed < RENEW_S:
            return
        self._lease = house.store.run(system(_WHO), lambda tx: leases.acquire(tx, LEASE, house.node, LEASE_S))
        self._renewed = now

    # --- on the loop -----------------------------------------------------------------------------------------------

    def _take(self, stream: Stream) -> Far | Rst:
        """A guest came."""
        url = self._house.shared.get("url")
        if url is None or self._held is None:
            return Rst.REFUSED
        known = self._doors
        if known is None or known[0] != url:
            place = urlsplit(str(url))
            host, port = place.hostname or "127.0.0.1", place.port or 80
            shared = ends.Doors(self._house.visitors, host, port, self._contexts, self._public_port)
            known = self._doors = (str(url), shared)
        return known[1].take(stream)

    def _public_port(self) -> int:
        carried = self._carried
        return 443 if carried is None else carried.agent.port

    def _contexts(self, hello: Hello) -> ssl.SSLContext | None:
        """The TLS for a hello; None where the name is not ours."""
        carried, held = self._carried, self._held
        ours = hello.name in self._names or (carried is not None and hello.name == carried.agent.host)
        if not ours or held is None:
            return None
        if ends.ACME_ALPN in hello.alpn:
            answer = self._house.shared.get("relay.acme_context")
            found: ssl.SSLContext | None = None if answer is None else answer(hello)
            return found
        return held.context

    def _pins(self) -> tuple[str, ...]:
        return () if self._held is None else self._held.pins

    def _epoch(self, steady: float) -> int:
        """A steady time as epoch seconds, the same each time it is asked for."""
        found = self._epochs.get(steady)
        if found is None:
            if len(self._epochs) > 64:
                self._epochs.clear()
            found = self._epochs[steady] = round(self._house.clock.now() + steady - time.monotonic())
        return found


def _problem(failed: Failed) -> Problem:
    if failed.code == "closed":
        return Problem("relay.not_linked", 409)
    if failed.code == "silent":
        return Problem("relay.hub_silent", 504, retry=True)
    return Problem(words.code_of(failed.code) or "relay.internal", 422 if failed.refused else 502)


def make(house: "House") -> Runner:
    """A Runner that has not started."""
    return LinkRunner(house)


__all__ = ("LinkRunner", "make")
