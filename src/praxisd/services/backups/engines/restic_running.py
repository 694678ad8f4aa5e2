"""Running restic: where it lies, what it gets to know, and when it is ended from here.

Address and password stand in its environment, which only its own user can read; nothing secret is in an argument.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from praxisd.services.backups import engine
from praxisd.services.backups.engine import EngineFault, Repo, Stop
from praxisd.services.backups.engines import restic_waiting, restic_words
from praxisd.services.backups.engines.restic_child import LINE, Child
from praxisd.services.backups.engines.restic_place import Place, local

_ENVIRONMENT = re.compile(
    r"PATH|HOME|USERPROFILE|SYSTEMROOT|SYSTEMDRIVE|COMSPEC|PATHEXT|APPDATA|LOCALAPPDATA|PROGRAMDATA|SSH_AUTH_SOCK"
    r"|SSL_CERT_\w+|https?_proxy|no_proxy|(?:AWS|B2|AZURE|GOOGLE|OS|ST|RCLONE)_\w+",
    re.IGNORECASE,
)
"""What restic gets of our environment: the system's, and accounts of remote targets; no `RESTIC_…` of somebody else."""
_KEY = re.compile(r"[0-9a-f]{8,64}")
_TAIL = 200
"""So many of the last lines it complained in are kept."""
_LONG = 256 << 20
"""Longest answer in one line: all snapshots, or one folder, as JSON."""
_QUESTION_S = 20
_LOOK_S = 0.2
"""How often it is asked whether to stop and whether the medium is still there. Seconds."""
STILL_S = 30.0
"""How long restic may neither read nor write while its medium is nearly full. Seconds."""
SMALL_INDEX, PLENTY = 8 << 20, 4 << 30
"""Up to so large an index, and from so much memory on, restic may take more of it and less of the processor. Bytes."""
_DONE = re.compile(rb'"bytes_done":(\d+)')
_versions: dict[tuple[str, int, int], tuple[int, ...]] = {}


def never() -> bool:
    """A Stop for what is over soon."""
    return False


def _deaf(line: str) -> None:
    """Nobody needs to hear it beside the verdict at the end."""


def _still(child: Child) -> None:
    """Nothing to do while it runs."""


def _no_excuse(exit_code: int, said: str) -> bool:
    return False


def _collecting(folder: Path | None) -> dict[str, str]:
    """Go's collector may wait until memory is five times what is needed, not twice, where there is plenty and the repository
    is small. Measured on 2.6 GB of documents, restic 0.14: 26.1 and 28.1 s of processor time without it, 25.1 with it; its memory
    at the most 140 to 155 MB without, 320 with it.
    """
    small = folder is not None and Place(folder).indexed() <= SMALL_INDEX
    return {"GOGC": "400"} if small and psutil.virtual_memory().total >= PLENTY else {}


def _let(child: Child, ready: Future[Any]) -> None:
    """Go on: all is there."""
    if ready.exception() is None:
        child.give(restic_waiting.REST)


def _done(ready: Future[Any]) -> bool:
    """Whether it is; raises what it ended with."""
    if ready.done():
        ready.result()
        return True
    return False


class Pulse:
    """Notices a restic that stands still on a full medium: 0.14 sometimes waits for itself there, for ever."""

    def __init__(self, child: Child, place: Place | None) -> None:
        self._child = child
        self._place = place
        self._moved = 0
        self.told = 0
        self._since = time.monotonic()

    def hear(self, line: bytes) -> None:
        """How far it says it is, where it says so: better than what the system counts."""
        found = _DONE.search(line)
        if found:
            self.told = int(found[1]) + 1

    def feel(self) -> None:
        """Raises EngineFault FULL, the program killed, if nothing has moved for STILL_S and there is no space."""
        moved, now = self.told or self._child.moved(), time.monotonic()
        if self._place is None or self._place.making or moved != self._moved:
            self._moved, self._since = moved, now
        elif now - self._since > STILL_S and self._place.crammed():
            self._child.end(at_once=True)
            raise EngineFault(engine.FULL, "restic stands still, and there is no space")


class Runner:
    """Runs restic. `folder` is ours: `bin/restic` if it was delivered, cache of remote repositories, files in passing."""

    def __init__(self, folder: Path, program: Path | None = None) -> None:
        self.folder = Path(os.path.abspath(folder))
        self._program = Path(os.path.abspath(program)) if program else None

    def version(self) -> tuple[int, ...]:
        """Of the program as it lies there now. EngineFault ENGINE_MISSING, ENGINE_OLD."""
        program = self._found()
        facts = program.stat()
        key = (str(program), facts.st_mtime_ns, facts.st_size)
        if key not in _versions:
            _versions[key] = self._asked(program)
        if _versions[key] < restic_words.OLDEST:
            raise EngineFault(engine.ENGINE_OLD, f"restic {'.'.join(map(str, _versions[key]))}")
        return _versions[key]

    def answer(self, repo: Repo, *args: str) -> Any:
        """What it answers as JSON."""
        said = b"".join(self.lines(repo, args, longest=_LONG))
        try:
            return json.loads(said)
        except ValueError:
            raise EngineFault(engine.FAILED, f"restic {args[0]}: unreadable answer") from None

    def done(self, repo: Repo, *args: str, given: bytes = b"") -> None:
        """Something short of which only the end counts."""
        for _ in self.lines(repo, args, given=given):
            pass

    def lines(
        self, repo: Repo, args: Sequence[str], *, stop: Stop = never, given: bytes = b"", making: bool = False,
        ready: Future[Any] | None = None,
        excused: Callable[[int, str], bool] = _no_excuse, heard: Callable[[str], None] = _deaf,
        beat: Callable[[Child], None] = _still, longest: int = LINE,
    ) -> Generator[bytes]:  # fmt: skip
        """Its lines as they come; leaving the iterator ends it.

        `given` is its standard input; `heard` gets what it complains of; `excused(exit code, complaints)` says that an end
        other than 0 is none; `beat` is called some times a second; with `ready` (and no `given`) its standard input ends once
        that is done, and the exception of `ready` ends it. EngineFault with what went wrong; ValueError for a
        password that cannot be one.
        """
        if not repo.secret or "\0" in repo.secret:
            raise EngineFault(engine.PASSWORD_WRONG, "no password")
        self.version()
        folder = local(repo.place)
        place = Place(folder, making) if folder else None
        if place:
            place.expect()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        cache = ["--no-cache"] if place else ["--cache-dir", str(self.folder / "cache")]
        complaints: deque[str] = deque(maxlen=_TAIL)
        with tempfile.TemporaryDirectory(
            dir=self.folder, prefix="run-", ignore_cleanup_errors=True
        ) as passing:
            try:
                child = Child(
                    [str(self._found()), *cache, *args],
                    self._environment(repo, passing),
                    given if ready is None else None,
                    longest,
                    folder.parent if folder else None,
                    restic_waiting.BEGIN,
                )
            except OSError as error:
                raise EngineFault(
                    engine.ENGINE_MISSING, f"restic cannot be run: errno {error.errno}"
                ) from None
            with child:
                looked = 0.0
                pulse = Pulse(child, place)
                if ready is not None:
                    ready.add_done_callback(partial(_let, child))
                for said in child.said():
                    waits = ready is not None and not _done(ready)
                    if time.monotonic() - looked >= _LOOK_S:
                        looked = time.monotonic()
                        self._look(child, place, stop)
                        if not waits:
                            pulse.feel()
                        beat(child)
                    if said is None:
                        continue
                    if said[0] == "out":
                        pulse.hear(said[1])
                        yield said[1]
                        continue
                    line = os.fsdecode(said[1])
                    complaints.append(line)
                    heard(line)
                    if hopeless := restic_words.hopeless(line):
                        child.end(at_once=True)
                        raise hopeless
                exit_code = child.exit_code()
        text = "".join(complaints)
        if exit_code and not excused(exit_code, text):
            raise self._verdict(args[0], exit_code, text, place)
        if ready is not None and not _done(ready):
            raise EngineFault(engine.FAILED, f"restic {args[0]} did not wait")
        gone = place.gone() if place else None
        if gone:  # what ended well on a medium that nobody sees any more counts for nothing
            raise gone

    def _look(self, child: Child, place: Place | None, stop: Stop) -> None:
        if stop():
            child.end()
            raise EngineFault(engine.INTERRUPTED, "stopped", retry=True)
        gone = place.gone() if place else None
        if gone:
            child.end(at_once=True)
            raise gone

    def _verdict(self, task: str, exit_code: int, text: str, place: Place | None) -> EngineFault:
        """What went wrong, where looking at the place tells it better than restic's words."""
        gone = place.gone() if place else None
        if gone:
            return gone
        fault = restic_words.fault(task, exit_code, text)
        if fault.code in (engine.PASSWORD_WRONG, engine.FAILED) and place and place.misnamed(("keys",)):
            return EngineFault(engine.DAMAGED, f"restic {task}: a file in keys")
        if fault.code == engine.FULL and str(self.folder) in text:
            return EngineFault(engine.FAILED, f"restic {task}: no space left on the disk of {self.folder}")
        return fault

    def _environment(self, repo: Repo, passing: str) -> dict[str, str]:
        """What it gets to know. It stands beside a local repository, on the medium, and is told the place from there:
        should the medium be gone it finds nothing, while by a whole path it makes the folders anew on our own disk.
        """
        folder = local(repo.place)
        hint = {"RESTIC_KEY_HINT": repo.key} if _KEY.fullmatch(repo.key) else {}
        return self._inherited() | hint | _collecting(folder) | {
            "RESTIC_REPOSITORY": f"local:.{os.sep}{folder.name}" if folder else repo.place,
            "RESTIC_PASSWORD": repo.secret, "RESTIC_PROGRESS_FPS": "3",
            "TZ": "UTC", "LC_ALL": "C.UTF-8", "TMPDIR": passing, "TEMP": passing, "TMP": passing,
        }  # fmt: skip

    def _inherited(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if _ENVIRONMENT.fullmatch(name)}

    def _found(self) -> Path:
        own = self.folder / "bin" / ("restic.exe" if os.name == "nt" else "restic")
        for one in (self._program, own):
            if one is not None and one.is_file():
                return one
        somewhere = shutil.which("restic") if self._program is None else None
        if somewhere is None:
            raise EngineFault(engine.ENGINE_MISSING, "restic is not there")
        return Path(os.path.abspath(somewhere))

    def _asked(self, program: Path) -> tuple[int, ...]:
        try:
            said = subprocess.run(  # noqa: S603
                [program, "version"], capture_output=True, timeout=_QUESTION_S, stdin=subprocess.DEVNULL,
                env=self._inherited(),
            ).stdout  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineFault(
                engine.ENGINE_MISSING, f"restic cannot be run: {type(error).__name__}"
            ) from None
        found = restic_words.version(said.decode(errors="replace"))
        if found is None:
            raise EngineFault(engine.ENGINE_MISSING, "the program is no restic")
        return found
