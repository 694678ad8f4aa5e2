"""What the guard writes down of itself: state.json (what it does now), start.json (why the server was started)."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from praxisd_guard.child_proc import Stranger, boot_id
from praxisd_guard.durable import put_json, read_json
from praxisd_guard.places import Places


@dataclass(frozen=True)
class State:
    """state.json. `server_started` (clock ticks since boot) and `boot` make a left-over server known again."""

    pid: int
    state: str
    """starting | running | safe | stopping | updating | floor; stopped: the guard has ended in order."""
    since: float
    """Epoch seconds of the last change of `state`."""
    version: str | None = None
    failures: int = 0
    server_pid: int | None = None
    server_started: int | None = None
    boot: str = ""
    order: str | None = None
    step: str | None = None
    by: dict[str, Any] | None = None
    """Who ended the guard (state `stopped`)."""
    with_parent: bool = False
    """True when that was the program whose part the guard is (`--with-parent`): no end from outside."""
    door_open: bool = True
    """False while the guard takes no connection, so that each comes to the server: until then that is not ready."""


class StateFile:
    """Keeps state.json; every change is on the disk before the next thing happens."""

    def __init__(self, home: Path, heard: Callable[[State], None] = lambda _state: None) -> None:
        """`heard(state)` is called after each change of what the guard does."""
        self._path = Places(home).state
        self._heard = heard
        self.now = State(os.getpid(), "starting", time.time(), boot=boot_id())

    def change(self, **facts: Any) -> None:
        """Write what has changed; nothing if nothing has. A full disk does not stop the guard."""
        made = replace(self.now, **facts)
        other = made.state != self.now.state
        if other:
            made = replace(made, since=time.time())
        if made != self.now or not self._path.exists():
            self.now = made
            with suppress(OSError):
                put_json(self._path, asdict(made))
        if other:
            self._heard(made)


def read_state(home: Path) -> State | None:
    """What state.json says, or None where there is none."""
    found = read_json(Places(home).state)
    if found is None:
        return None
    try:
        return State(**{name: found[name] for name in State.__dataclass_fields__ if name in found})
    except TypeError:
        return None


def left_over(before: State | None) -> Stranger | None:
    """The server an earlier guard left behind, if it still runs."""
    if before is None or before.server_pid is None or before.server_started is None:
        return None
    found = Stranger(before.server_pid, before.server_started, before.boot)
    return found if found.alive else None


def write_start(home: Path, reason: str, failures: int, last: dict[str, Any] | None, by: Any) -> None:
    """start.json, for the server that is about to start."""
    content = {"reason": reason, "at": time.time(), "failures": failures, "last": last, "by": by}
    with suppress(OSError):
        put_json(Places(home).start, content)
