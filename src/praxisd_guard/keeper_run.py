"""One whole life of the guard: lock, signals, socket, what an earlier guard left, the keeper."""

import asyncio
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

from praxisd_guard import keeper_files, notify, signals, told, versions
from praxisd_guard.child_proc import Stranger
from praxisd_guard.door import MOST
from praxisd_guard.journal import Journal
from praxisd_guard.keeper import Keeper
from praxisd_guard.keeper_limits import Limits, limits_of
from praxisd_guard.keeper_lock import Lock
from praxisd_guard.keeper_server import Hands
from praxisd_guard.keeper_socket import listening
from praxisd_guard.keeper_state import StateFile, left_over, read_state
from praxisd_guard.places import Places
from praxisd_guard.told import Told

LOCK_PATIENCE_S = 1.0
ADDRESS_PATIENCE_S = 3.0
"""So long the address may still be held by what an earlier guard had begun and not yet written down."""
_LOOK_S = 0.05
DOOR_SHARE = 3
"""The door may take one in so many of the descriptors."""


class NotUsable(Exception):
    """The guard cannot begin: a key below `say.` in the texts, and its parameters."""

    def __init__(self, key: str, **params: object) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


def run(home: Path, *, with_parent: bool = False) -> int:
    """Keep the server of this home until SIGTERM; returns the exit code. Raises NotUsable, keeper_lock.Taken.

    `with_parent`: the end of standard input is a SIGTERM too, for whoever started the guard as a part of itself.
    """
    says = told.read(home)
    if says is None:
        raise NotUsable("no_home", home=home)
    if versions.pointer(home) is None:
        raise NotUsable("no_version", home=home)
    try:
        limits = limits_of(says.limits)
    except ValueError as error:
        raise NotUsable("limits", name=error) from None
    Places(home).make()
    files = keeper_files.raise_limit()
    lock = Lock(home, LOCK_PATIENCE_S)
    signals.block()  # before the first thread
    if with_parent:
        threading.Thread(target=_until_parent_ends, name="parent", daemon=True).start()
    try:
        family = frozenset({0, os.getpid(), os.getppid()}) if with_parent else frozenset[int]()
        asyncio.run(_keep(home, says, limits, family, files))
    finally:
        lock.free()
    return 0


def _until_parent_ends() -> None:
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


async def _keep(home: Path, says: Told, limits: Limits, family: frozenset[int], files: int) -> None:
    notifier = notify.Notifier(os.environ)
    before = read_state(home)
    state = StateFile(home, lambda now: notifier.status(f"praxisd {now.version or ''}: {now.state}"))
    orphan = left_over(before)
    loop = asyncio.get_running_loop()
    if (
        orphan is not None and before is not None
    ):  # should this guard be killed too, the next one must know it
        state.change(server_pid=before.server_pid, server_started=before.server_started)
    patience = _Patience(orphan, limits.end_s)
    watcher = asyncio.create_task(patience.until_gone(notifier))
    try:
        until = loop.time() + ADDRESS_PATIENCE_S
        sock = await listening(says.host, says.port, lambda: not watcher.done() or loop.time() < until)
    except OSError as error:
        watcher.cancel()
        detail = error.strerror or str(error)
        raise NotUsable("address", host=says.host, port=says.port, detail=detail) from None
    with sock:
        notify.forget(os.environ)
        told.keep_port(home, sock.getsockname()[1])
        notifier.store(sock)
        writer = Journal(home)
        writer.keep_reserve()
        writer.shorten()
        most = min(MOST, max(1, files // DOOR_SHARE))
        hands = Hands(home, told.read(home) or says, limits, sock, state, writer, most)
        keeper = Keeper(home, hands, notifier, family)
        signals.watch(loop, keeper.asked_to_end)
        await hands.open()  # whoever comes while the old server ends is answered
        await watcher
        state.change(server_pid=None, server_started=None)
        await keeper.run(before)


class _Patience:
    """A server left over by an earlier guard ends by its lifeline; one that hangs is killed."""

    def __init__(self, orphan: Stranger | None, limit_s: float) -> None:
        self._orphan = orphan
        self._limit_s = limit_s

    async def until_gone(self, notifier: notify.Notifier) -> None:
        """Return when nothing of it is left."""
        if self._orphan is None:
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limit_s
        notifier.extend(self._limit_s * 2)
        while self._orphan.alive:
            if loop.time() >= until:
                self._orphan.kill()
            await asyncio.sleep(_LOOK_S)
