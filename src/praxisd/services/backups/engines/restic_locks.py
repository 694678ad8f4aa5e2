"""The marks of runs on a medium: what killed ones left is taken away, and who is still at work alone is waited for."""

import socket
import time
from contextlib import suppress

import psutil  # type: ignore[import-untyped]

from praxisd.services.backups.engine import EngineFault, Repo
from praxisd.services.backups.engines.restic_place import Place, local
from praxisd.services.backups.engines.restic_running import Runner

PAUSES_S = (0.3, 0.6, 1.2, 2.4)
"""Between two looks where somebody else has the medium alone: what a killed praxisd had begun ends within moments."""


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
    """Before something is written. Whoever is at work alone for longer than all pauses is met by the program itself: LOCKED."""
    folder = local(repo.place)
    if folder is None:
        run.done(repo, "unlock")
        return
    place = Place(folder)
    place.expect()
    if not place.writable():
        return
    for pause in (*PAUSES_S, 0.0):
        if place.locked():
            unlock(run, repo)
        if not place.locked():
            place.sweep()
            return
        if not pause or not _alone(run, repo, place):
            return
        time.sleep(pause)


def _alone(run: Runner, repo: Repo, place: Place) -> bool:
    """Has somebody the medium alone? Then nobody else can write."""
    for name in place.ids("locks"):
        with suppress(EngineFault):  # it is gone by now, or cannot be read
            if _read(run, repo, name).get("exclusive"):
                return True
    return False


def _gone(run: Runner, repo: Repo, place: Place, name: str) -> bool:
    try:
        return left_behind(_read(run, repo, name))
    except EngineFault:
        return any(one.name == name for one in place.misnamed(("locks",)))


def _read(run: Runner, repo: Repo, name: str) -> dict[str, object]:
    return dict(run.answer(repo, "cat", "lock", name, "--no-lock"))


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
