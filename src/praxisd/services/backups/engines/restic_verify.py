"""What was written is read again: `restic check` says that it fits together, the files' own names that they are as written.

A local repository's files bear the SHA-256 of what they hold (`restic_place`), so a part of them can be read beside `restic
check`, and without a password. restic itself opens each piece that it reads: that is four times the work, and what it finds
beyond what a medium did to a file (a processor or memory at fault when it was written) is found by reading all. Measured with
2.6 GB, a twentieth of it: 1.15 s of processor time by restic alone, 0.55 so, and half of it at the same time as the other.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from praxisd.services.backups import engine, gently
from praxisd.services.backups.engine import Depth, EngineFault, Progress, Repo, Stop
from praxisd.services.backups.engines import restic_words
from praxisd.services.backups.engines.restic_place import Place, local
from praxisd.services.backups.engines.restic_running import Runner

PART = 0.05
"""How much of the data is read after each run."""
_READ = {"structure": (), "part": (f"--read-data-subset={PART:.0%}",), "all": ("--read-data",)}


def verify(
    run: Runner, repo: Repo, depth: Depth, tidy: Callable[[], None], progress: Progress, stop: Stop
) -> None:
    """As `Engine.verify`; `tidy` takes away first what killed runs left. Progress in pieces."""
    folder = local(repo.place)
    if folder is None:
        _checked(run, repo, ["check", *_READ[depth]], progress, stop)
        return
    place = Place(folder)
    place.expect()
    _none_of(place, place.misnamed())
    tidy()
    if depth != "part":
        unlocked = ["--no-lock"] if place.closed() else []
        _checked(run, repo, ["check", *unlocked, *_READ[depth]], progress, stop)
        return
    halt = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="praxisd-reading", initializer=gently.stay) as beside:
        reading = beside.submit(place.sampled, PART, progress, lambda: halt.is_set() or stop())
        try:
            _fits(run, repo, place, stop)
        except BaseException:
            halt.set()
            raise
        _none_of(place, reading.result())
    if stop():
        raise EngineFault(engine.INTERRUPTED, "stopped", retry=True)


def _fits(run: Runner, repo: Repo, place: Place, stop: Stop) -> None:
    """Everything that is referred to is there. Without a lock first, since restic waits a fifth of a second beside its own; what
    seems wrong while another program writes is looked at once more with one.
    """
    try:
        _checked(run, repo, ["check", "--no-lock"], _untold, stop)
    except EngineFault as fault:
        if fault.code not in (engine.DAMAGED, engine.FAILED) or place.closed():
            raise
        _checked(run, repo, ["check"], _untold, stop)


def _checked(run: Runner, repo: Repo, args: Sequence[str], progress: Progress, stop: Stop) -> None:
    for line in run.lines(repo, args, stop=stop):
        counted = restic_words.pieces(line)
        if counted:
            progress(*counted)


def _untold(_done: int, _whole: int) -> None:
    """Another tells how far it is."""


def _none_of(place: Place, bad: Sequence[Path]) -> None:
    """EngineFault DAMAGED if there are any, UNPLUGGED if the medium is not there any more."""
    gone = place.gone()
    if gone:
        raise gone
    if bad:
        kinds = ", ".join(sorted({one.relative_to(place.folder).parts[0] for one in bad}))
        raise EngineFault(engine.DAMAGED, f"{len(bad)} files in {kinds}")
