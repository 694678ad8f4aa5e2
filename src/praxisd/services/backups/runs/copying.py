"""Sources are brought together while the engine gets ready; then it copies them."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.services.backups.engine import Snapshot, Stop
from praxisd.services.backups.runs import recovering, staging
from praxisd.services.backups.runs.staging import Brought
from praxisd.services.backups.source import Source

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.services.backups.runs.recording import Recorder

Copy = Callable[[Sequence[Path], Future[Any] | None, Stop], Snapshot]
"""Copies these paths, complete once the future is done, with this Stop: an engine's `back_up`."""


class _Otherwise(Exception):
    """What was brought is not what was expected: a source failed, or left something else."""


def copied(
    house: "House",
    sources: Sequence[Source],
    recorder: "Recorder",
    manifest: Callable[[Brought], Path],
    copy: Copy,
    stop: Stop,
) -> tuple[Brought, Snapshot]:
    """What the sources brought, and the state that holds it. `manifest` writes what it is, and may raise.

    Where one has failed, or it is not known before where all will lie, the engine begins (anew) once all is there.
    """
    top = recovering.begin(house)
    expected = staging.expected(top, sources)
    halt = threading.Event()

    def stopped() -> bool:
        return halt.is_set() or stop()

    def bring() -> tuple[Brought, list[Path], bool]:
        brought = staging.bring(house, sources, recorder, stopped, top=top)
        paths = [*brought.paths, manifest(brought)]
        return brought, paths, bool(expected) and brought.fills(top)

    def as_expected(done: Future[tuple[Brought, list[Path], bool]], ready: Future[None]) -> None:
        error = done.exception()  # nothing here may fail: the engine would wait for ever
        if error is None and not done.result()[2]:
            error = _Otherwise()
        if error is None:
            ready.set_result(None)
        else:
            ready.set_exception(error)

    with ThreadPoolExecutor(1, thread_name_prefix="praxisd-bringing") as beside:
        bringing = beside.submit(bring)
        try:
            if expected:
                ready: Future[None] = Future()
                bringing.add_done_callback(lambda done: as_expected(done, ready))
                try:
                    made = copy(expected, ready, stop)
                    return bringing.result()[0], made
                except _Otherwise:
                    pass
            brought, paths, _ = bringing.result()
            return brought, copy(paths, None, stop)
        except BaseException:
            halt.set()
            raise
