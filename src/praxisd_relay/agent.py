"""The practice's side: keeps one link to a hub, or two to two hubs, and starts anew whatever it died of.

One Agent lives on one loop: `run` is its life, everything else is called on that loop too. `run` raises nothing but
CancelledError. Each link has a supervisor (`agent_slot`); `run` watches over the supervisors, starts one that has ended or
has not looked around for two minutes, and notices when this computer was asleep. Only steady clocks decide; the time of
day may jump as it likes.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from praxisd_relay import agent_rules as rules
from praxisd_relay.agent_link import Link
from praxisd_relay.agent_rules import LinkState, State
from praxisd_relay.agent_slot import Slot
from praxisd_relay.dial import Address, Failed
from praxisd_relay.frames import Rst
from praxisd_relay.identity import Identity
from praxisd_relay.link import Limits
from praxisd_relay.proxy import Proxy
from praxisd_relay.stream import Far, Stream

__all__ = ("Address", "Agent", "Failed", "LinkState", "Proxy", "State")

LOG = logging.getLogger("praxisd_relay.agent")
TICK_S = 1.0
SLEPT_S = 10.0
"""A look that comes so much too late means that this computer, or this program, stood still."""
STUCK_S = 120.0
"""A supervisor that has not looked around for so long is ended and started anew."""


class Agent:
    """`origin` is asked what stands behind each stream; `on_change` hears of each change of phase, on the loop.

    `enrol`: a one-time code; the first link redeems it. `authority`: a PEM file that counts instead of the system's
    certificates. `proxy`: for all hubs, or a function that says which for one.
    """

    def __init__(
        self,
        identity: Identity,
        hubs: Sequence[Address],
        origin: Callable[[Stream], Far | Rst],
        proxy: Proxy | Callable[[Address], Proxy | None] | None = None,
        on_change: Callable[[State], None] | None = None,
        enrol: str | None = None,
        *,
        label: str | None = None,
        authority: str | None = None,
        version: str = "",
        limits: Limits | None = None,
    ) -> None:
        self.identity = identity
        self.hubs = tuple(hubs)
        self.code = enrol
        self.label = label
        self.authority = authority
        self.version = version
        self.limits = limits or Limits()
        self._origin = origin
        self._proxy = proxy
        self._on_change = on_change
        self.host, self.port = "", 443
        self._homes: tuple[str, ...] = ()
        self._places = max(1, rules.places(rules.candidates(self.hubs, ())))
        self._nodes: dict[Address, tuple[str, float]] = {}
        self._believed: dict[Address, float] = {}
        self._failures: dict[Address, int] = {}
        self._slots: list[Slot] = [Slot(self)]
        self._tasks: dict[Slot, asyncio.Task[None]] = {}
        self._told: tuple[object, ...] | None = None
        self._stop = asyncio.Event()
        self._drain_s = 0.0
        self._looked = 0.0
        self._timer: asyncio.TimerHandle

    # for the owner

    @property
    def state(self) -> State:
        """What is known now."""
        shown = [slot.state for slot in self._slots if not slot.idle or slot is self._slots[0]]
        return State(tuple(shown), self.host, self.port, self._homes)

    async def run(self) -> None:
        """Until `stop`, or until cancelled; then all links are closed."""
        self._looked = awake_clock()
        self._look()
        try:
            await self._stop.wait()
            await self._leave()
        finally:
            self._timer.cancel()
            for task in self._tasks.values():
                task.cancel()
            for slot in self._slots:
                slot.close("stopped")
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            self._tasks.clear()
            self.tell()

    def stop(self, drain_s: float = 0.0) -> None:
        """Take leave: nothing new comes in, what runs may finish for `drain_s` seconds; then `run` returns."""
        self._drain_s = drain_s
        self._stop.set()

    def now(self) -> None:
        """Something got better (network, settings): try again without waiting."""
        for slot in self._slots:
            slot.now()

    async def rotate(self, fresh: Identity, within_s: float = 10.0) -> str:
        """Have the hub admit `fresh` for us too, then use it: links are made anew with it. The id the hub answered.

        Raises Failed: "closed" if no link is up, "silent" if no answer came (it may have been admitted all the same).
        """
        up = [
            slot.live
            for slot in self._slots
            if slot.live is not None and slot.live.up and not slot.live.silent
        ]
        if not up:
            raise Failed("closed")
        said = await up[0].rotate(fresh, within_s)
        if said != fresh.id:
            raise Failed("protocol")
        self.identity = fresh
        for slot in self._slots:
            slot.renew()
        return said

    # for its slots

    def take(self, stream: Stream) -> Far | Rst:
        """A guest came."""
        if self._stop.is_set():
            return Rst.BUSY
        return self._origin(stream)

    def proxy_for(self, address: Address) -> Proxy | None:
        """Which proxy leads to a hub."""
        return self._proxy(address) if callable(self._proxy) else self._proxy

    def choose(self, slot: Slot, *, homes_only: bool = False) -> Address | None:
        """Which hub `slot` shall dial."""
        found = rules.candidates(self.hubs, self._homes)
        others = [one for one in self._slots if one is not slot]
        taken = {one.aim for one in others} | {link.address for one in others for link in one.links}
        return rules.choose(
            [one for one in found if self.is_home(one)] if homes_only else found,
            taken={one for one in taken if one is not None},
            other_nodes=self.other_nodes(slot),
            nodes=self._nodes,
            failures=self._failures,
            now=time.monotonic(),
        )

    @property
    def has_homes(self) -> bool:
        """Has a hub named homes for us?"""
        return bool(self._homes)

    def is_home(self, address: Address) -> bool:
        """Is it the address of a home that the hub named?"""
        return address in rules.candidates(self.hubs, self._homes)[: len(self._homes)]

    def other_nodes(self, slot: Slot) -> set[str]:
        """The hubs that the other slots have a living link to."""
        lives = [one.live for one in self._slots if one is not slot]
        return {live.node for live in lives if live is not None and live.up and not live.silent}

    def welcomed(self, link: Link) -> None:
        """A link is up."""
        welcome = link.welcome
        if welcome is None:
            return
        self.code = None
        self.host, self.port, self._homes = welcome.host, welcome.port, tuple(welcome.homes)
        self._places = max(1, rules.places(rules.candidates(self.hubs, self._homes)))
        self._failures.pop(link.address, None)
        self._believed.pop(link.address, None)
        self._remember(link.address, link.node, rules.NODE_FIRST_S)

    def failed(self, address: Address, failed: Failed) -> None:
        """A try came to nothing."""
        if failed.code == "same":
            self._failures.pop(address, None)
            self._believed[address] = rules.believed(self._believed.get(address, 0.0))
            self._remember(address, failed.node, self._believed[address])
        else:
            self._failures[address] = min(self._failures.get(address, 0) + 1, 1_000_000)

    def tell(self) -> None:
        """Tell the owner what has changed, if anything has."""
        state = self.state
        plain = state.plain()
        if plain == self._told:
            return
        self._told = plain
        if self._on_change is not None:
            try:
                self._on_change(state)
            except Exception:
                LOG.exception("the owner of an agent failed")

    # within

    def _look(self) -> None:
        """Once a second, by a bare timer: it costs little, however many agents a program has."""
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._look)
        if self._stop.is_set():
            return
        try:
            self._mend()
            now = awake_clock()
            slept, self._looked = now - self._looked > TICK_S + SLEPT_S, now
            if slept:
                for slot in self._slots:
                    slot.check()
        except Exception:
            LOG.exception("the agent's own look failed")

    def _remember(self, address: Address, node: str, believed_s: float) -> None:
        known = set(rules.candidates(self.hubs, self._homes))
        self._nodes = {one: found for one, found in self._nodes.items() if one in known}
        self._failures = {one: count for one, count in self._failures.items() if one in known}
        self._believed = {one: found for one, found in self._believed.items() if one in known}
        self._nodes[address] = (node, time.monotonic() + believed_s)

    def _mend(self) -> None:
        """As many slots as there may be links, and a running task for each."""
        while len(self._slots) < self._places:
            self._slots.append(Slot(self))
        now = time.monotonic()
        for slot in self._slots:
            task = self._tasks.get(slot)
            if task is not None and not task.done() and now - slot.beat > STUCK_S:
                LOG.error("a link's supervisor hung and is started anew")
                task.cancel()
                slot.beat = now
            elif task is None or task.done():
                if task is not None and not task.cancelled() and task.exception() is not None:
                    LOG.error("a link's supervisor ended and is started anew", exc_info=task.exception())
                slot.beat = now
                self._tasks[slot] = asyncio.ensure_future(slot.run())

    async def _leave(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        links = [link for slot in self._slots for link in slot.links if link.lost is None]
        for link in links:
            link.carrier.goaway("drain")
        until = time.monotonic() + self._drain_s
        while any(link.lost is None and link.carrier.streams for link in links) and time.monotonic() < until:
            await asyncio.sleep(0.05)


def awake_clock() -> float:
    """Seconds of a clock that goes on while this computer sleeps, where there is one; never set by anybody."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
