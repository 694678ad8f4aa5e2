"""The marks of runs on a medium: what killed ones left is taken away, and who is still at work is waited for a moment."""

import socket
import time
from collections.abc import Callable
from typing import TypeVar

import psutil  # type: ignore[import-untyped]

from praxisd.services.backups import engine
from praxisd.services.backups.engine import EngineFault, Repo, Stop
from praxisd.services.backups.engines.restic_place import Place, local
from praxisd.services.backups.engines.restic_running import Runner

PAUSES_S = (0.3, 0.6, 1.2, 2.4)
"""Before another try beside somebody else at work: what a killed praxisd had begun ends within moments."""
T = TypeVar("T")


def unlock(run: Runner, repo: Repo) -> None:
    """Take away what restic takes for left behind, and what surely is although a program has its number again."""
    run.done(repo, "unlock")
    folder = local(repo.place)
    if folder is None or not Place(folder).locked():
        return
    for name in Place(folder).ids("locks"):
        if not _gone(run, repo, Place(folder), name):
            return
    run.done(repo, "unlock", "--remove-all")


def tidy(run: Runner, repo: Repo) -> None:
    """Before something is written: what killed runs left is taken away."""
    folder = local(repo.place)
    if folder is None:
        run.done(repo, "unlock")
        return
    place = Place(folder)
    place.expect()
    if not place.writable():
        return
    if place.locked():
        unlock(run, repo)
    if not place.locked():
        place.sweep()


def patiently(work: Callable[[], T], tidy: Callable[[], None], stop: Stop) -> T:
    """Do this; beside somebody else at work anew after each pause, and `tidy` before. EngineFault LOCKED after the last."""
    for pause in PAUSES_S:
        try:
            return work()
        except EngineFault as fault:
            if fault.code != engine.LOCKED or stop():
                raise
        time.sleep(pause)
        tidy()
    return work()


def _gone(run: Runner, repo: Repo, place: Place, name: str) -> bool:
    try:
        return left_behind(dict(run.answer(repo, "cat", "lock", name, "--no-lock")))
    except EngineFault:
        return any(one.name == name for one in place.misnamed(("locks",)))


def left_behind(lock: dict[str, object]) -> bool:
    """True if the run that made this lock is surely gone: it was on this computer, and no restic has its number now.

    restic itself takes any program with that number for its own: after a restart of a container they are the same.
    """
    pid = lock.get("pid")
    if lock.get("hostname") != socket.gethostname() or not isinstance(pid, int):
        return False
    try:
        found = psutil.Process(pid)
        return not found.name().lower().startswith("restic") or found.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True
