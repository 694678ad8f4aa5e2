"""restic gets ready while what it copies is still brought together.

From its start to its first look at a file restic derives the key (half a second of one processor, by intent) and waits a fifth
of a second beside its lock. It asks for patterns of what to leave out after that and before it looks at any file, since it looks
by them; so these are named as its standard input, which stays open until everything is there. It begins with half a pattern,
which only the end makes one (of a place where nothing can be): should praxisd die meanwhile, restic refuses it and keeps
nothing. Tried with 0.14: a file that comes while it waits is in the state.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SETTLE_S = 0.025
"""Files written before a backup are older than its start by more than the file system's clock ticks."""
_INPUT = "/dev/stdin"
BEGIN, REST = b"/dev/null/[", b"a]\n"
"""Half of a pattern, and what makes it one."""


def possible() -> bool:
    """Can a program be told by this system to read its standard input as a file?"""
    return os.name == "posix" and os.path.exists(_INPUT)


def complete(ready: Future[Any] | None) -> Future[int]:
    """Done a moment after `ready` (None: now), with the time in nanoseconds since which nothing should have changed; else with
    its exception.
    """
    found: Future[int] = Future()

    def settle(done: Future[Any]) -> None:
        error = done.exception()
        if error is not None:
            found.set_exception(error)
            return
        time.sleep(_SETTLE_S)
        found.set_result(time.time_ns())

    if ready is None:
        ready = Future()
        ready.set_result(None)
    ready.add_done_callback(settle)
    return found


@contextmanager
def told(folder: Path, paths: Sequence[Path], *, early: bool) -> Iterator[list[str]]:
    """Arguments that name these paths, in a file in `folder`, and for an early one that have it wait."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="run-", ignore_cleanup_errors=True) as passing:
        listed = Path(passing, "paths")
        listed.write_bytes(b"".join(os.fsencode(path) + b"\0" for path in paths))
        yield ["--files-from-raw", str(listed), *(["--exclude-file", _INPUT] if early else [])]
