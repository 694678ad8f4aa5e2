"""A quiet window: a hook stops what works with a folder (or makes a volume snapshot of it), another starts it again.

The window is only as long as the copy into the staging folder takes, and it is closed whatever happens in it: a mark on the
disk tells the next start of praxisd that one was left open (`reopen`).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from praxisd.services.backups import source
from praxisd.services.backups.engine import Stop
from praxisd.services.backups.source import SourceFault
from praxisd.services.backups.sources import places, running
from praxisd_guard.durable import discard, put_json, read_json

LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Window:
    """`begin` stops, `end` starts again: lists of arguments. `read`: where the folder is seen meanwhile, of a volume snapshot.

    LVM: `begin` makes a snapshot and mounts it at `read`, `end` takes both away; the practice works on. `marks`: a folder of
    ours for what must be closed after a crash.
    """

    begin: tuple[str, ...]
    end: tuple[str, ...]
    read: Path | None = None
    limit_s: float = LIMIT_S
    marks: Path | None = None


@contextmanager
def opened(name: str, window: Window, stop: Stop) -> Iterator[None]:
    """The time between both hooks. SourceFault COMMAND_FAILED, PROGRAM, STOPPED; NOT_RESTARTED, which goes before all else."""
    mark = None if window.marks is None else window.marks / f"{places.file_name(name)}.json"
    if mark is not None:
        mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        put_json(mark, {"end": list(window.end), "limit_s": window.limit_s})
    try:
        ended = running.run(window.begin, limit_s=window.limit_s, stop=stop)
        if ended.code:
            raise SourceFault(source.COMMAND_FAILED, f"exit code {ended.code}")
        yield
    finally:
        _close(window.end, window.limit_s)
        if mark is not None:
            discard(mark)


def reopen(marks: Path) -> dict[str, SourceFault | None]:
    """Close the windows that a killed praxisd left open; by name of the source, with what went wrong. Called at its start."""
    found: dict[str, SourceFault | None] = {}
    for mark in sorted(marks.glob("*.json")) if marks.is_dir() else ():
        said = read_json(mark) or {}
        end, limit_s = said.get("end"), said.get("limit_s")
        if not isinstance(end, list) or not end or os.path.islink(mark):
            found[mark.stem] = SourceFault(source.NOT_RESTARTED, "unreadable")
            continue
        try:
            _close([str(one) for one in end], float(limit_s or LIMIT_S))
        except SourceFault as fault:
            found[mark.stem] = fault
            continue
        found[mark.stem] = None
        discard(mark)
    return found


def _close(end: "list[str] | tuple[str, ...]", limit_s: float) -> None:
    """Not to be stopped: what was stopped must start."""
    try:
        ended = running.run(end, limit_s=limit_s, stop=lambda: False)
    except SourceFault as fault:
        raise SourceFault(source.NOT_RESTARTED, fault.detail) from None
    if ended.code:
        raise SourceFault(source.NOT_RESTARTED, f"exit code {ended.code}")
