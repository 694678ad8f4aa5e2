"""The keeper's hands on the one server: start it, stop it, see it go; and the door that answers while it is not there."""

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from praxisd_guard import child_logs, keeper_files, versions, watch
from praxisd_guard.child import FD, Child, Exit
from praxisd_guard.door import MOST, Door, Reply, Request
from praxisd_guard.door_answers import unavailable
from praxisd_guard.floor import Floor
from praxisd_guard.journal import Journal
from praxisd_guard.keeper_host import Ending, Failure
from praxisd_guard.keeper_limits import Limits
from praxisd_guard.keeper_standin import StandInKeeper
from praxisd_guard.keeper_state import StateFile, write_start
from praxisd_guard.told import Told

_DOWN_RETRY_S, _STARTING_RETRY_S = 5, 1
_SHORT_S = 0.5
"""Pause before a start is tried again for which there were no descriptors."""


@dataclass
class Why:
    """Why the next server is started: what start.json says."""

    reason: str
    failures: int = 0
    last: dict[str, Any] | None = None
    by: Any = None
    safe: bool = False


@dataclass
class Shown:
    """What the door says."""

    code: str = "maintenance"
    starting: bool = True
    floor: Floor | None = None


class Hands:
    """All that touches the server's process. Only the loop's thread comes here; calls do not overlap (see Keeper)."""

    def __init__(
        self,
        home: Path,
        told: Told,
        limits: Limits,
        sock: socket.socket,
        state: StateFile,
        journal: Journal,
        most: int = MOST,
    ) -> None:
        """`most`: connections the door takes at once."""
        self.home = home
        self.told = told
        self.limits = limits
        self.state = state
        self.journal = journal
        self.port: int = sock.getsockname()[1]
        self.ending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once the guard is asked to end."""
        self.child: Child | None = None
        self.hung: asyncio.Task[None] | None = None
        """Ends when the running server must be taken for hung."""
        self.last: dict[str, Any] | None = None
        """How the server ended that nobody had asked to: {"status"|"signal", "at", "log"}."""
        self.safe = False
        self.updating = False
        """True while the install engine has the server: then state.json says `updating`, whatever happens here."""
        self.shown = Shown()
        self._sock = sock
        self._standin = StandInKeeper(home)
        self._version: str | None = None
        self.door = Door(sock, self._reply, most)

    @property
    def version(self) -> str | None:
        """What the pointer names; what it named last where it cannot be read just now."""
        found = versions.pointer(self.home)
        if found is not None:
            self._version = found.version
        return self._version

    async def open(self, code: str = "maintenance") -> None:
        """No server is ready: answer in its place, in the practice and (by the stand-in) outside."""
        if self.shown.floor is not None:
            self.shown.floor.leave()
        self.shown = Shown(code, starting=False)
        await self.door.open()
        self.state.change(door_open=True)

    async def start(self, why: Why) -> Failure | None:
        """Start the pointer's version and wait until it is ready. A failed start leaves nothing behind.

        Raises Ending when the guard is asked to end meanwhile (the new server is stopped then).
        """
        self._unless_ending()
        version = self.version or ""
        write_start(self.home, why.reason, why.failures, why.last, why.by)
        self._say("starting", version=version, failures=why.failures)
        self.note("start", version=version, safe=why.safe, reason=why.reason, failures=why.failures)
        self.shown.starting = True
        log = child_logs.new_log(self.home)
        try:
            child = await self._spawn(version, why.safe, log)
        except (LookupError, ValueError, OSError) as error:
            self.last = {"status": None, "at": time.time(), "log": None}
            return Failure("guard.cannot_start", f"{type(error).__name__}: {error}")
        self.child, self.safe = child, why.safe
        self._say("starting", server_pid=child.pid, server_started=child.ticks)
        waits: set[asyncio.Future[Any]] = {child.ready, child.exited, self.ending}
        await asyncio.wait(waits, timeout=self.limits.ready_s, return_when=asyncio.FIRST_COMPLETED)
        if self.ending.done():
            await self.stop()
            raise Ending
        if child.exited.done():
            return self.fail(child, "guard.exited", child.exited.result())
        if not child.ready.done():
            await child.end(self.limits.end_s)
            return self.fail(child, "guard.not_ready", child.exited.result(), asked=True)
        await self._ready(child)
        return None

    async def _spawn(self, version: str, safe: bool, log: Path) -> Child:
        """The server's process. A computer that is out of descriptors is waited for: that is no failure of the version.

        Raises LookupError, ValueError, OSError for one that cannot be started, Ending.
        """
        until = time.monotonic() + self.limits.ready_s
        while True:
            try:
                argv, env = versions.command(self.home, version, FD, safe)
                return Child(argv, env, log, self._sock)
            except (LookupError, ValueError, OSError) as error:
                if not (keeper_files.scarce(error) or keeper_files.short()) or time.monotonic() >= until:
                    raise
            await asyncio.wait({self.ending}, timeout=_SHORT_S)
            self._unless_ending()

    async def _ready(self, child: Child) -> None:
        self.door.close()
        self._say("safe" if self.safe else "running", door_open=False)
        self.watch(child)
        if not self.safe:  # safe mode has no room for the relay
            self._standin.release()

    def watch(self, child: Child) -> None:
        """Look at the running server from outside from now on: `hung` ends when it must be taken for hung."""
        self._unwatch()
        self.hung = asyncio.create_task(
            watch.until_hung(
                self.told.host,
                self.port,
                self.limits,
                lambda: watch.overloaded(self.told.data, child.pid, self.limits.live_limit_s),
                lambda: self.note("busy", version=self.version),
            )
        )

    async def stop(self) -> Exit | None:
        """Drain the server and wait until it is gone; None if none runs."""
        child = self.child
        if child is None:
            return None
        self._unwatch()
        if not self.ending.done():
            self._standin.start("maintenance")
            await self._standin.linked()
        await self.open()
        self._say("stopping")
        early = child.exited.done()
        found = await child.end(self.limits.end_s)
        self.gone(child, found, asked=not early)
        return found

    async def end_hung(self, child: Child) -> Failure:
        """End a server that no longer answers: SIGTERM, then SIGKILL."""
        self._unwatch()
        await self.open("guard.down")
        self._standin.start("guard.down")
        found = await child.end(self.limits.end_s)
        return self.fail(child, "guard.hung", found, asked=True)

    def fail(self, child: Child, code: str, found: Exit, asked: bool = False) -> Failure:
        """Note the end of a server that failed, and keep its log."""
        keep = child_logs.keep_failed if self.updating else child_logs.keep_crashed
        log = str(keep(self.home, self.version or "", child.log))
        word = None if asked else child_logs.last_code(child.log)
        self.gone(child, found, asked=asked, code=code)
        self.last = {**found.facts(), "at": found.at, "log": log}
        if word is not None:
            self.last["code"] = word
        return Failure(code, found.words if word is None else f"{found.words} ({word})", log)

    def gone(self, child: Child, found: Exit, *, asked: bool, **facts: Any) -> None:
        """The server's process is no more."""
        log = str(child.log)
        self._unwatch()
        self.child = None
        if not asked:
            self.last = {**found.facts(), "at": found.at, "log": log}
        self.note("exit", **found.facts(), asked=asked, log=log, **facts)
        self.state.change(server_pid=None, server_started=None)
        if not self.ending.done():
            self.stand_in()

    def note(self, kind: str, **facts: Any) -> None:
        """One line of the journal that belongs to no order. A full disk loses it, and stops nothing."""
        with contextlib.suppress(OSError):
            self.journal.write(kind, kind, **facts)

    async def healthy(self, version: str) -> Failure | None:
        """Deep health within the limit; `guard.exited` as soon as the process is gone. Raises Ending."""
        child = self.child
        if child is None:
            return Failure("guard.exited")
        look = asyncio.create_task(
            watch.healthy(self.told.host, self.port, self.told.data, child.pid, version, self.limits)
        )
        waits: set[asyncio.Future[Any]] = {look, child.exited, self.ending}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if look.done():
            return self._with_log(look.result(), version)
        look.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await look
        self._unless_ending()
        return self._with_log(Failure("guard.exited", child.exited.result().words), version)

    def _with_log(self, found: Failure | None, version: str) -> Failure | None:
        if found is None or self.child is None:
            return found
        log = child_logs.keep_failed(self.home, version, self.child.log)
        return Failure(found.code, found.detail, str(log))

    def stand_in(self) -> None:
        """Have the relay's link held while no server does it, if this practice has one."""
        if self.child is None:
            self._standin.start("guard.down" if self.shown.code == "guard.down" else "maintenance")

    async def finish(self) -> None:
        """The guard ends: nothing of it stays."""
        await self._standin.finish()
        await self.door.finish()

    def _unwatch(self) -> None:
        if self.hung is not None:
            self.hung.cancel()
            self.hung = None

    def _unless_ending(self) -> None:
        if self.ending.done():
            raise Ending

    def _say(self, state: str, **facts: Any) -> None:
        self.state.change(state="updating" if self.updating else state, **facts)

    def _reply(self, request: Request) -> Reply:
        shown = self.shown
        if shown.floor is not None:
            return shown.floor.answer(request)
        return unavailable(request, shown.code, _STARTING_RETRY_S if shown.starting else _DOWN_RETRY_S)
