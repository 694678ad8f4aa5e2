"""The guard's journal: one line of JSON for each thing it did, on the disk before the next thing begins.

The guard alone writes; the server reads how its order goes on (`outcome`). A line cut off by a power cut is no
line. `kind` says what it is about: `install`, `switch_back`, `restart`, `try_again`, `order` (one that could not
be read), or what happened to the server: `start`, `exit`, `planned`, `outside`.

Steps of `install` in order: accepted, unpacked, stopped, expanded, switched, started, healthy, kept. What went
wrong: failed {code, detail}, back, restored. Refused before anything was stopped: refused {code, detail, fault}. `again` {n} is
written by a guard that took up what another one had left. KEPT, RESTORED and REFUSED end an order.
"""

import errno
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from praxisd_guard.durable import PRIVATE, put, sync_folder
from praxisd_guard.places import Places

KEPT = "kept"
RESTORED = "restored"
REFUSED = "refused"
TERMINAL = {KEPT: "kept", RESTORED: "rolled_back", REFUSED: "refused"}
"""The steps that end an order, and the state of its Outcome then."""
RESERVE = 256 * 1024
"""Bytes kept on the disk for the time when it is full."""
MOST = 4 * 1024 * 1024
"""A journal longer than this is cut to its latter half at the guard's start. Bytes."""


@dataclass(frozen=True)
class Line:
    """One line of the journal."""

    at: float
    """Epoch seconds."""
    kind: str
    step: str
    order: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def terminal(self) -> bool:
        """True for a line that ends its order."""
        return self.order is not None and self.step in TERMINAL


@dataclass(frozen=True)
class Outcome:
    """How far an order has come."""

    state: str
    """waiting | running | kept | rolled_back | refused; the last three are final."""
    step: str | None = None
    """The last line's step."""
    code: str | None = None
    """Why it was rolled back or refused."""
    detail: str = ""
    """More words for a service partner, in no particular language."""
    fault: str | None = None
    """What the trust layer objected to (`updates.frozen`); None where it did not."""
    log: str | None = None
    """The file with the failed start's or migration's own words."""
    healthy: bool = True
    """False when the old version, back in its place, did not answer as it should either."""
    kind: str = ""
    at: float = 0.0
    """When the last line was written. Epoch seconds."""

    @property
    def final(self) -> bool:
        """True when nothing more will come."""
        return self.state in TERMINAL.values()


class Journal:
    """The writer; one per HOME, in the guard only."""

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        self._places = Places(home)
        self._clock = clock

    def write(self, kind: str, step: str, order: str | None = None, **facts: Any) -> Line:
        """Append one line and bring it to the disk. OSError when even the reserve does not help."""
        line = Line(self._clock(), kind, step, order, facts)
        content = {"at": line.at, "kind": kind, "step": step, **({"order": order} if order else {}), **facts}
        data = json.dumps(content, ensure_ascii=False).encode() + b"\n"
        try:
            self._append(data)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._places.reserve.unlink(missing_ok=True)
            self._append(data)
        return line

    def keep_reserve(self) -> None:
        """Put the reserve in its place if it is missing and the disk has room; call it at the guard's start."""
        if not self._places.reserve.exists():
            try:
                put(self._places.reserve, os.urandom(RESERVE))
            except OSError:
                self._places.reserve.unlink(missing_ok=True)

    def shorten(self, most: int = MOST) -> None:
        """Cut a journal longer than `most` bytes to its latter half, in whole lines; nothing while an order runs."""
        path = self._places.journal
        if not path.exists() or path.stat().st_size <= most or unfinished(self._places.home) is not None:
            return
        data = path.read_bytes()
        put(path, data[data.index(b"\n", len(data) - most // 2) + 1 :])

    def _append(self, data: bytes) -> None:
        path = self._places.journal
        fresh = not path.exists()
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, PRIVATE)
        try:
            end = os.lseek(handle, 0, os.SEEK_END)
            try:
                if end and _last_byte(handle, end) != b"\n":
                    data = b"\n" + data  # the line before was cut off
                written = os.write(handle, data)
                if written != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, end)
                raise
        finally:
            os.close(handle)
        if fresh:
            sync_folder(path.parent)


def _last_byte(handle: int, end: int) -> bytes:
    os.lseek(handle, end - 1, os.SEEK_SET)
    return os.read(handle, 1)


def lines(home: Path) -> list[Line]:
    """All whole lines, oldest first; none where there is no journal."""
    try:
        data = Places(home).journal.read_bytes()
    except FileNotFoundError:
        return []
    found = []
    for raw in data.split(b"\n"):
        line = _line(raw)
        if line is not None:
            found.append(line)
    return found


def of(home: Path, order_id: str) -> list[Line]:
    """The lines of one order, oldest first."""
    return [line for line in lines(home) if line.order == order_id]


def knows(home: Path, order_id: str) -> bool:
    """True when the first line of this order stands there."""
    return bool(of(home, order_id))


def unfinished(home: Path) -> str | None:
    """The order that was begun and has not ended, the latest one, or None."""
    begun: dict[str, None] = {}
    for line in lines(home):
        if line.terminal:
            begun.pop(line.order or "", None)
        elif line.order is not None:
            begun[line.order] = None
    return next(reversed(begun), None)


def outcome(home: Path, order_id: str) -> Outcome:
    """How far an order has come. One that lies nowhere, because HOME was replaced, is refused `guard.order_unknown`."""
    for _ in range(2):  # it may be taken between the two looks
        found = of(home, order_id)
        if found:
            return _outcome(found)
        if Places(home).order(order_id).is_file():
            return Outcome("waiting")
    return Outcome("refused", code="guard.order_unknown")


def _outcome(found: list[Line]) -> Outcome:
    last = found[-1]
    why = next((line for line in found if line.step in ("failed", REFUSED)), None)
    facts: dict[str, Any] = {} if why is None else why.facts
    return Outcome(
        state=TERMINAL.get(last.step, "running"),
        step=last.step,
        code=facts.get("code"),
        detail=str(facts.get("detail", "")),
        fault=facts.get("fault"),
        log=facts.get("log"),
        healthy=bool(last.facts.get("healthy", True)),
        kind=last.kind,
        at=last.at,
    )


def _line(raw: bytes) -> Line | None:
    try:
        content = json.loads(raw)
        at, kind, step = float(content.pop("at")), str(content.pop("kind")), str(content.pop("step"))
        order = content.pop("order", None)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return Line(at, kind, step, order if isinstance(order, str) else None, content)
