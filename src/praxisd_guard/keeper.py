"""The keeper: one server at a time, kept alive by health from outside (SPEC 7.2).

After a failure it is started again at most twice; the third start is safe mode; if that fails too, the guard answers by
itself (`floor`). An end that nobody asked for and that is no crash is a restart from outside: noticed, named, not counted.
Everything the keeper decides it decides here; what it does to the process is in `keeper_server`.
"""

import asyncio
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from praxisd_guard import journal, orders
from praxisd_guard.child import Child, Exit
from praxisd_guard.child_proc import boot_id
from praxisd_guard.floor import Floor
from praxisd_guard.keeper_beat import Beat
from praxisd_guard.keeper_engine import Engine
from praxisd_guard.keeper_host import Ending, Failure
from praxisd_guard.keeper_rise import Rise
from praxisd_guard.keeper_server import Hands, Shown, Why
from praxisd_guard.keeper_state import State
from praxisd_guard.notify import Notifier
from praxisd_guard.orders import Order
from praxisd_guard.signals import Sender

_FAULT_S = 1.0
"""Pause after a fault of the guard's own."""
_PLANNED = "planned"


class Keeper:
    """Keeps one server until the guard is asked to end."""

    def __init__(
        self, home: Path, hands: Hands, notifier: Notifier, family: frozenset[int] = frozenset()
    ) -> None:
        """`family`: processes whose signals are no end from outside (0: a key on their terminal)."""
        self._home = home
        self._hands = hands
        self._limits = hands.limits
        self._notifier = notifier
        self._journal = hands.journal
        self._lock = asyncio.Lock()
        self._engine = Engine(hands, self._lock)
        self._failures = 0
        self._healthy_since: float | None = None
        self._outside: deque[float] = deque(maxlen=hands.limits.outside_most)
        self._family = family
        self._by: Any = None
        self._with_parent = False
        self._try_again = asyncio.Event()
        self._rise = Rise(hands.limits)
        self._fault = ""
        """The last fault of the guard's own, in words."""
        self._told_ready = False
        self._pending_at = 0.0
        self._pending: Order | None = None
        """A restart or try_again that is accepted and waits for the time that was announced."""

    def asked_to_end(self, name: str, sender: Sender | None) -> None:
        """A signal came: end in order. Who sent it stands in the journal and in state.json."""
        if not self._hands.ending.done():
            self._with_parent = (0 if sender is None else sender.pid) in self._family
            if not self._with_parent:
                self._by = None if sender is None else sender.facts()
                self._hands.note("outside", what="guard", signal=name, by=self._by)
            self._hands.ending.set_result(None)

    async def run(self, before: State | None) -> None:
        """Keep the server until `asked_to_end`; `before`: what the guard before this one left in state.json."""
        beat = Beat(self._notifier, self._hands, lambda: not self._told_ready or self._hands.ending.done())
        beat.begin()
        try:
            await self._steadily(lambda: self._begin(before))
            while not self._hands.ending.done():
                await self._steadily(self._turn)
        except Ending:
            pass
        finally:
            await self._end()
            beat.end()

    async def _steadily(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it; a fault of the guard's own costs a moment, never the practice. Raises Ending."""
        try:
            await work()
        except Ending:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            if said != self._fault:  # not a line for each second of one that stays
                self._hands.note("fault", detail=said)
                with suppress(OSError, ValueError):  # nobody reads standard error
                    traceback.print_exception(error)
            self._fault = said
            await self._pause(_FAULT_S)

    async def _turn(self) -> None:
        hands = self._hands
        if not self._engine.has_server:
            if hands.child is not None and hands.hung is None:  # a fault came in the middle of its start
                await hands.stop()
            if hands.child is None and hands.shown.floor is None:
                await self._up(Why("crash"))
        await self._wait()
        await self._look()

    async def _begin(self, before: State | None) -> None:
        await self._hands.open()
        self._hands.stand_in()
        why = self._first_why(before)
        await self._recover()
        if self._hands.child is None:
            await self._up(why)

    async def _recover(self) -> None:
        """What an earlier guard was in the middle of is settled first. Raises Ending."""
        try:
            if await self._engine.recover(self._home):
                self._failures = 0
        except Ending:
            raise
        except Exception as error:  # a fault of the engine must not take the practice down
            self._hands.note("engine", detail=f"{type(error).__name__}: {error}")
        self._note_up()

    def _first_why(self, before: State | None) -> Why:
        """Why the guard itself starts a server: the first time, after the computer's start, or asked from outside."""
        if before is None:
            return Why("first")
        if before.boot != boot_id() or before.with_parent:
            return Why("boot")
        if before.state != "stopped":  # it was killed: what it had counted still holds
            self._hands.note("outside", what="guard", by=None)
            self._failures = before.failures
        return Why("outside", by=before.by)

    async def _up(self, why: Why) -> None:
        """Start until a server is ready, in safe mode after too many failures, or fall to the floor. Raises Ending.

        Nothing happens while the install engine has the server: it leaves one, or `_settle` comes back here.
        """
        async with self._lock:
            pauses = self._limits.pauses
            while not self._engine.has_server:  # it may have come first, while we waited
                why.failures, why.last = self._failures, self._hands.last
                why.safe = self._failures > len(pauses)
                failure = await self._hands.start(why)
                if failure is None:
                    self._note_up()
                    return
                self._note_failure(failure)
                if why.safe:
                    self._fall(failure)
                    return
                self._failures += 1
                why = Why("crash", by=None)
                await self._hands.open("guard.down")
                if self._failures <= len(pauses):
                    await self._pause(pauses[self._failures - 1])

    async def _again(self, reason: str, failure: Failure) -> None:
        """A running server failed: count it, wait, start again (or, from safe mode, fall).

        Safe mode that hangs has started after all, and may start again at once.
        """
        self._note_failure(failure)
        if self._hands.safe and not (reason == "hung" and self._rise.may_hang()):
            self._fall(failure)
            return
        self._failures += not self._hands.safe
        self._hands.state.change(state="starting", failures=self._failures)
        if self._failures <= len(self._limits.pauses):
            await self._pause(self._limits.pauses[self._failures - 1])
        await self._up(Why(reason))

    async def _wait(self) -> None:
        """Until something may have happened: an end, an order, a wish."""
        hands = self._hands
        waits: set[asyncio.Future[Any]] = {hands.ending}
        if hands.child is not None and not self._engine.has_server:
            waits |= {hands.child.exited} | ({hands.hung} if hands.hung is not None else set())
        await asyncio.wait(waits, timeout=self._limits.orders_every_s, return_when=asyncio.FIRST_COMPLETED)

    async def _look(self) -> None:
        hands = self._hands
        if hands.ending.done():
            return
        if self._engine.done:
            await self._settle()
        if not self._engine.has_server:
            child = hands.child
            if child is not None and child.exited.done():
                await self._exited(child, child.exited.result())
            elif child is not None and hands.hung is not None and hands.hung.done():
                if (fault := hands.hung.exception()) is not None:  # that says nothing of the server
                    hands.watch(child)
                    raise fault
                await self._again("hung", await hands.end_hung(child))
            elif self._try_again.is_set():
                await self._normal_again("try_again", None)
            elif child is not None and hands.safe and self._may_leave_safe_mode():
                await self._leave_safe_mode()
            elif hands.shown.floor is not None and not self._engine.runs and self._rise.due:
                await self._try_to_rise(hands.shown.floor)
        self._forget_failures()
        if self._pending is not None:
            if time.monotonic() >= self._pending_at:
                await self._carry_out(self._pending)
        elif not self._engine.runs:
            self._take_order()

    def _may_leave_safe_mode(self) -> bool:
        since, idle = self._healthy_since, not self._engine.runs and self._pending is None
        return idle and since is not None and self._rise.leaves_safe_mode(since)

    async def _leave_safe_mode(self) -> None:
        """What the normal start waited for may be there by now. One try: another failure leads back to safe mode."""
        self._hands.note("passed", failures=self._failures)
        self._rise.tries += 1
        self._failures = len(self._limits.pauses)
        await self._restart("crash", None)
        if self._hands.child is not None and not self._hands.safe:
            self._failures = 0
            self._hands.state.change(failures=0)

    async def _exited(self, child: Child, found: Exit) -> None:
        """The server's process ended and nobody here asked for it."""
        hands = self._hands
        now = time.monotonic()
        most, within = self._limits.outside_most, self._limits.outside_in_s
        too_often = len(self._outside) >= most and now - self._outside[0] < within
        await hands.open("guard.down")
        starved = found.signal == "SIGKILL" and child.starved
        if found.crash or too_often or starved:
            code = "guard.out_of_memory" if starved else "guard.exited"
            await self._again("crash", hands.fail(child, code, found))
            return
        self._outside.append(now)
        hands.gone(child, found, asked=False)
        hands.note("outside", what="server", **found.facts(), by=None)
        await self._up(Why("outside"))

    def _take_order(self) -> None:
        """The oldest order that waits, if there is one."""
        with suppress(OSError):  # a full disk: the order waits
            for order in orders.waiting(self._home)[:1]:
                if order.kind in ("install", "switch_back"):
                    self._hands.state.change(order=order.id, step="")
                    self._engine.begin(self._home, order)
                    return
                self._journal.write(order.kind, "accepted", order.id, reason=order.reason, by=order.by)
                orders.taken(self._home, order.id)
                self._hands.state.change(order=order.id, step="accepted")
                if order.reason == _PLANNED:
                    self._hands.note("planned", by=order.by)
                # The clock may be set meanwhile, or was since it was given: never wait longer than was announced.
                left = min(order.at - time.time(), 0.0) + order.announce_s
                self._pending, self._pending_at = order, time.monotonic() + left

    async def _carry_out(self, order: Order) -> None:
        self._pending = None
        try:
            if order.kind == "restart":
                await self._restart("planned" if order.reason == _PLANNED else "order", order.by)
            else:
                await self._normal_again("try_again", order.by)
        except Ending:
            raise
        except Exception:
            with suppress(OSError):
                self._journal.write(order.kind, journal.REFUSED, order.id, code="guard.fault")
            self._hands.state.change(order=None, step=None)
            raise
        self._close_order(order)

    async def _restart(self, reason: str, by: Any) -> None:
        if self._hands.shown.floor is not None:
            self._failures = 0
        async with self._lock:
            await self._hands.stop()
            await self._hands.open()
        await self._up(Why(reason, by=by))

    async def _normal_again(self, reason: str, by: Any) -> None:
        """A person says that the cause is gone: as if nothing had failed."""
        self._try_again.clear()
        self._failures = 0
        self._rise.tries = 0
        self._outside.clear()
        async with self._lock:
            await self._hands.stop()
            await self._hands.open()
        await self._up(Why(reason, by=by))

    def _close_order(self, order: Order) -> None:
        with suppress(OSError):  # a full disk: the next guard's recovery closes it
            if self._hands.child is not None and not self._hands.safe:
                self._journal.write(order.kind, journal.KEPT, order.id)
            else:
                code = "guard.safe_mode" if self._hands.child is not None else "guard.floor"
                self._journal.write(order.kind, journal.REFUSED, order.id, code=code)
        self._hands.state.change(order=None, step=None)

    async def _settle(self) -> None:
        """The install engine is done."""
        touched = self._hands.updating
        error = None
        try:
            self._engine.settled()
        except Ending:
            return
        except Exception as found:  # a fault of the engine must not take the practice down
            error = found
            self._hands.note("engine", detail=f"{type(found).__name__}: {found}")
        if self._hands.child is None:
            if self._hands.shown.floor is None:
                await self._up(Why("rollback" if error is None else "crash"))
            return
        if touched:
            self._failures = 0
            self._note_up()

    def _note_up(self) -> None:
        """A server is ready, or the engine has left one."""
        hands = self._hands
        if hands.child is None or hands.child.exited.done():  # the latter is seen to in a moment
            return
        self._healthy_since = time.monotonic()
        hands.state.change(state="safe" if hands.safe else "running", failures=self._failures)
        if not self._told_ready:
            self._notifier.ready()
            self._told_ready = True

    def _note_failure(self, failure: Failure) -> None:
        self._healthy_since = None
        self._rise.failed(self._hands.last)
        self._hands.note("failure", code=failure.code, detail=failure.detail, log=failure.log)

    def _forget_failures(self) -> None:
        hands = self._hands
        since = self._healthy_since
        if hands.safe or hands.child is None or since is None or not (self._failures or self._rise.tries):
            return
        if time.monotonic() - since >= self._limits.stable_s:
            self._failures = self._rise.tries = 0
            hands.state.change(failures=0)

    def _fall(self, failure: Failure) -> None:
        """Even safe mode failed: the guard answers by itself until a person has done something."""
        hands = self._hands
        hands.shown.floor = Floor(self._home, self._rise.fall(failure, hands.version), self._try_again.set)
        hands.state.change(state="floor", failures=self._failures)
        hands.note("floor", code=failure.code, log=failure.log)
        if not self._told_ready:  # systemd must not end the one who still answers
            self._notifier.ready()
            self._told_ready = True

    async def _try_to_rise(self, floor: Floor) -> None:
        """Try by itself if the cause has passed: a normal start, then a safe one. The page stays meanwhile. Raises Ending."""
        hands = self._hands
        for safe in (False, True):
            async with self._lock:
                failure = await hands.start(Why("crash", self._failures, hands.last, safe=safe))
            if failure is None:
                floor.leave()
                hands.shown = Shown(starting=False)
                self._failures = self._failures if safe else 0
                self._note_up()
                return
            self._note_failure(failure)
            floor.fell(self._rise.fall(failure, hands.version, again=safe))
        hands.state.change(state="floor")

    async def _pause(self, seconds: float) -> None:
        await asyncio.wait({self._hands.ending}, timeout=seconds)
        if self._hands.ending.done():
            raise Ending

    async def _end(self) -> None:
        self._notifier.stopping()
        await self._engine.end(self._limits.uncut_s)
        await self._hands.stop()
        await self._hands.finish()
        self._hands.updating = False
        ended = {"state": "stopped", "by": self._by, "with_parent": self._with_parent}
        self._hands.state.change(**ended, order=None, step=None)
