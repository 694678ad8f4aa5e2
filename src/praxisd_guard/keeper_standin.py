"""The relay's stand-in as the keeper has it: started before a server goes, released when one is back.

The hub gives guests to the link that came last. So a stand-in that is started is waited for (a moment) before the server is
stopped, and one that is released stays until the server's own link has taken its place: it ends by itself then.
"""

import asyncio
import contextlib
from pathlib import Path

from praxisd_guard import versions
from praxisd_guard.child import Child, quietly
from praxisd_guard.places import Places, standin_command

LINK_S = 5.0
"""So long a server that is to be stopped waits for the stand-in's link; without one it goes all the same."""


class StandInKeeper:
    """At most one stand-in at work, and those that are on their way out. For the loop's thread."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._now: Child | None = None
        self._released: set[Child] = set()

    def start(self, code: str) -> None:
        """Have the link held, if this practice has one and nobody does; guests are told `code`."""
        if self._now is not None and not self._now.exited.done():
            return
        self._now = None
        command = standin_command(self._home)
        here = versions.pointer(self._home)
        if command is None or here is None:
            return
        log = Places(self._home).logs / "standin.log"
        with contextlib.suppress(OSError):
            log.unlink(missing_ok=True)
        environment = versions.environment(self._home, here.version)
        self._now = quietly([*command, "--code", code], environment, log)

    async def linked(self) -> None:
        """Wait until its link is up, or it ended, or LINK_S has passed; at once where there is none."""
        if self._now is not None:
            waits: set[asyncio.Future[object]] = {self._now.ready, self._now.exited}  # type: ignore[arg-type]
            await asyncio.wait(waits, timeout=LINK_S, return_when=asyncio.FIRST_COMPLETED)

    def release(self) -> None:
        """A server is ready: the stand-in ends when that has linked itself."""
        one, self._now = self._now, None
        if one is not None and not one.exited.done():
            one.ask_end()
            self._released.add(one)
            one.exited.add_done_callback(lambda _: self._released.discard(one))

    async def finish(self) -> None:
        """The guard ends: nothing of it stays."""
        self.release()
        for one in tuple(self._released):
            await one.end(0.0)
