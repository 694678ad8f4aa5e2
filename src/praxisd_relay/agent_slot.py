"""One of an agent's two places for a link: dials, keeps, replaces before it lets go, tries again when it is time.

The slot runs as one task; what happens to a link reaches it by `_changed` and wakes it. Nothing in here waits without a
limit, and what the task knows survives it: the agent may end and start it anew at any moment.
"""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from praxisd_relay import agent_rules as rules
from praxisd_relay.agent_link import Link, Wanted, establish
from praxisd_relay.agent_rules import LinkState, Phase
from praxisd_relay.dial import Address, Failed
from praxisd_relay.pace import Pace

if TYPE_CHECKING:
    from praxisd_relay.agent import Agent

LOG = logging.getLogger("praxisd_relay.agent")
LOOK_S = 1.0
CALM_S = 30.0
"""A slot looks around at least so often; whatever happens to its link, or changes when it is due, wakes it."""
SETTLE_S = 300.0
"""A link to a hub that is no home of ours is held against the homes so often."""
TRY_S = 75.0
"""A try that is not over by then is given up; its steps have shorter limits of their own."""
FADE_S = 90.0
"""A link that was replaced may finish its streams for so long; its hub opens no more on it."""
_LOST: tuple[Phase, str | None] = ("waiting", "lost")
OURS_S = 30.0
"""So long after a proof of ours a hub's "replaced" may mean that proof."""


class Slot:
    """At most one link that counts (`live`), and some that only finish their streams."""

    def __init__(self, agent: "Agent") -> None:
        now = time.monotonic()
        self._agent = agent
        self.live: Link | None = None
        self.trying: Address | None = None
        self.beat = now
        """When the task last looked around."""
        self._fading: dict[Link, float] = {}
        self._phase: Phase = "waiting"
        self._code: str | None = None
        self._since = now
        self._due = now
        self._then: tuple[Phase, str | None] = _LOST
        self._proved_at = float("-inf")
        self._renewing = False
        self._settling = False
        self._settle_at = now + SETTLE_S
        self._attempt: asyncio.Task[Link] | None = None
        self._wake = asyncio.Event()
        self._pace = Pace()

    # for the agent

    @property
    def links(self) -> list[Link]:
        """All that are open."""
        return [*([self.live] if self.live is not None else []), *self._fading]

    @property
    def state(self) -> LinkState:
        """What is shown of it."""
        live, phase = self.live, self._phase
        address = live.address if live is not None and live.up else self.trying
        rtt = None if live is None else live.carrier.rtt
        return LinkState(
            "" if address is None else address.text,
            phase,
            self._since,
            self._code,
            None if rtt is None else round(rtt * 1000),
            sum(link.carrier.streams for link in self.links),
            self._due if phase in ("waiting", "refused") else None,
        )

    @property
    def aim(self) -> Address | None:
        """What it dials, or waits to dial again; None while it only keeps what it has (whatever it tried before)."""
        return self.trying if self.live is None or self._attempt is not None else None

    @property
    def idle(self) -> bool:
        """Nothing to show: there is no other hub for it."""
        return self._phase == "idle"

    def now(self) -> None:
        """Do not wait any longer."""
        self._due = time.monotonic()
        self._wake.set()

    def renew(self) -> None:
        """Make another link, then let go of the present one: the key has changed."""
        if self.live is not None:
            self._renewing = True
            self.now()

    def check(self) -> None:
        """This computer slept."""
        for link in self.links:
            link.check()
        self._due = min(self._due, time.monotonic() + self._pace.uniform(0.0, 1.0))
        self._wake.set()

    def close(self, reason: str) -> None:
        """Drop all links; the task must have been cancelled."""
        for link in self.links:
            link.drop(reason)
        self.live = None
        self._fading.clear()

    # the task

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self.beat = time.monotonic()
                self._wake.clear()
                try:
                    pause = await self._step()
                except Exception:
                    LOG.exception("a link's supervisor failed")
                    self._wait(rules.after_failure(self._pace, "internal", refused=False, retry_s=None))
                    pause = LOOK_S
                if pause > 0:
                    await self._rest(pause)
        finally:
            if self._attempt is not None:
                self._attempt.cancel()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    @property
    def _wants(self) -> bool:
        """Is a new link wanted?"""
        live = self.live
        return live is None or live.silent or live.leaving or self._renewing or self._settling

    async def _step(self) -> float:
        """One look around; how long to rest then."""
        now = time.monotonic()
        for link, until in tuple(self._fading.items()):
            if link.done or now > until:
                self._fading.pop(link, None)
                link.drop("replaced")
        if not self._wants and not self._settles(now):
            return LOOK_S if self._fading else CALM_S
        if self._due > now:
            return min(LOOK_S if self._fading else CALM_S, self._due - now)
        address = self._agent.choose(self, homes_only=self._settling)
        if self._settling and address is None:
            self._settling = False  # no home is free now
            return CALM_S
        if address is None:
            if self.live is None:
                self._show("idle", None)
            return LOOK_S
        await self._try(address)
        return 0.0

    def _settles(self, now: float) -> bool:
        """Is it time to move the link to a home? Guests find their way there with the least help of others."""
        live = self.live
        if live is None or now < self._settle_at:
            return False
        self._settle_at = now + self._pace.uniform(0.8, 1.2) * SETTLE_S
        self._settling = self._agent.has_homes and not self._agent.is_home(live.address)
        self._due = now
        return self._settling

    async def _try(self, address: Address) -> None:
        self.trying = address
        self._attempt = task = asyncio.ensure_future(establish(self._wanted(address)))
        try:
            done, _ = await asyncio.wait({task}, timeout=TRY_S)
            if not done:
                raise Failed("timeout")
            if not task.cancelled():  # else the old link was heard again
                self._up(task.result())
        except Failed as failed:
            self._failed(address, failed)
        finally:
            self._attempt = None
            if task.cancel() is False and not task.cancelled() and task.exception() is None:
                made = task.result()
                if made not in self.links:
                    made.drop("stopped")

    def _wanted(self, address: Address) -> Wanted:
        agent = self._agent
        return Wanted(
            address,
            agent.identity,
            agent.take,
            self._changed,
            self._phase_of_try,
            agent.proxy_for(address),
            agent.authority,
            agent.code,
            agent.label,
            agent.version,
            agent.limits,
            agent.other_nodes(self),
        )

    def _phase_of_try(self, phase: str) -> None:
        if phase == "proving":
            self._proved_at = time.monotonic()
        if self.live is None:
            self._show(phase, self._code)  # type: ignore[arg-type]

    # what came of it

    def _up(self, link: Link) -> None:
        old, self.live = self.live, link
        if old is not None and old.lost is None:
            if old.silent:
                old.drop("replaced")
            else:
                # Its hub knows nothing of the new link where that leads to another, and guests come there meanwhile.
                old.carrier.farewell("replaced")
                self._fading[old] = time.monotonic() + FADE_S
        self._renewing, self._settling, self._then = False, False, _LOST
        self._pace.up()
        self._agent.welcomed(link)
        if link.lost is not None:  # in the same breath
            self._changed(link)
        else:
            self._show("up", None)

    def _failed(self, address: Address, failed: Failed) -> None:
        self._agent.failed(address, failed)
        self._settling = False
        wait = rules.after_failure(self._pace, failed.code, refused=failed.refused, retry_s=failed.retry_s)
        self._wait(wait)

    def _wait(self, wait: rules.Wait) -> None:
        self._due = time.monotonic() + wait.seconds
        if self.live is None:
            self._show(wait.phase, wait.code)

    def _changed(self, link: Link) -> None:
        """Something happened to a link: lost, silent, heard again, asked to leave. Called on the loop at any moment."""
        if link is not self.live:
            self._wake.set()
            return
        now = time.monotonic()
        if link.lost is not None:
            planned = (
                link.leaving or link.silent or self._renewing
            )  # a replacement is on its way or due already
            self.live = None
            self._renewing = self._settling = False
            if link.lost == "silent":
                self._due = now
            elif not planned:
                welcome = link.welcome
                spread = 0.0 if welcome is None else welcome.spread_s
                self._wait(rules.after_loss(self._pace, now - link.up_at, spread))
            if self._phase in ("up", "silent"):
                self._show(*self._then)
            self._then = _LOST
        elif link.leaving and not link.silent:
            self._asked_to_leave(link, now)
        elif link.silent:
            self._due = min(self._due, now) if self._attempt is None else self._due
            self._show("silent", "silent")
        else:
            if self._attempt is not None and not self._proving:
                self._attempt.cancel()
            self._show("up", None)
        self._wake.set()

    @property
    def _proving(self) -> bool:
        """May the hub have seen a proof in the present try? Then it is not broken off."""
        return self._attempt is not None and self._proved_at > self.beat

    def _asked_to_leave(self, link: Link, now: float) -> None:
        if link.refused is not None:
            wait = rules.after_failure(self._pace, link.refused, refused=True, retry_s=None)
        elif link.goaway is not None:
            ours = now - self._proved_at < OURS_S and self._proved_at > link.up_at
            wait = rules.after_goaway(self._pace, link.goaway, ours=ours)
        else:
            return
        self._due = now + wait.seconds
        self._then = (wait.phase, wait.code)

    def _show(self, phase: Phase, code: str | None) -> None:
        if (phase, code) != (self._phase, self._code):
            self._since = time.monotonic() if phase != self._phase else self._since
            self._phase, self._code = phase, code
        self._agent.tell()
