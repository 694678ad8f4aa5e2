"""restic as the engine (chosen in HOUSE.md, measured in notes/systems.md § A): 0.14 of Debian and newer.

The repository's address and password go through the environment, never in an argument; a new password goes through its
standard input, lists of paths through a file of ours. Nothing of restic is written outside of the repository, the target of a
restore, and `folder`.
"""

import os
import re
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from praxisd.services.backups import engine
from praxisd.services.backups.engine import (
    Depth,
    EngineFault,
    Entry,
    Key,
    Named,
    Progress,
    Repo,
    Restored,
    Size,
    Snapshot,
    Stop,
)
from praxisd.services.backups.engines import (
    restic_listing,
    restic_locks,
    restic_verify,
    restic_waiting,
    restic_words,
)
from praxisd.services.backups.engines.restic_place import Place, local, names, spacious
from praxisd.services.backups.engines.restic_running import Runner, never

_ID = re.compile(r"[0-9a-f]{8,64}")
_LONG = 256 << 20
"""Longest answer in one line: one folder as JSON."""
_PACK_MB = 64
"""restic puts together what it stores until it is so much, 16 MB by itself. The medium is waited for at each such file: fewer of
them are 4 % of a first run's time (2.6 GB of documents, restic 0.14, four runs each). Up to four lie in passing on our own disk.
"""
T = TypeVar("T")
_SPARSE = (0, 15)
"""From then on, holes in files can come back as holes; the content is the same."""
_SOME = re.compile(r"There were \d+ errors")
"""The end of a restore that went on after single files had failed."""


class Restic:
    """The adapter. `folder` is ours alone (see Runner); `program` says where restic lies if not there nor in the PATH."""

    name = "restic"

    def __init__(self, folder: Path, program: Path | None = None) -> None:
        self._run = Runner(folder, program)
        self._trees = restic_listing.Trees()

    def version(self) -> tuple[int, ...]:
        """Of the program as it lies there now. EngineFault ENGINE_MISSING, ENGINE_OLD."""
        return self._run.version()

    def init(self, repo: Repo) -> str:
        """A new repository, format 2 (compressed)."""
        folder = local(repo.place)
        if folder:
            Place(folder).undo()
        for _ in self._run.lines(repo, ["init", "--repository-version", "2"], making=True):
            pass
        return self.identity(repo)

    def back_up(
        self,
        repo: Repo,
        paths: Sequence[Path],
        *,
        tags: Sequence[str],
        at: int,
        host: str,
        progress: Progress,
        stop: Stop,
        ready: Future[Any] | None = None,
        parent: str = "",
    ) -> Snapshot:
        """One state. What changed between restic's opening a file and the end of the run is named `changed`."""
        if any("," in tag or not tag for tag in tags):
            raise ValueError("a tag is not empty and holds no comma")
        whole = [Path(os.path.abspath(path)) for path in paths]
        named = {str(path): Named(str(path), "vanished") for path in whole if not os.path.lexists(path)}
        if len(named) == len(whole):
            raise EngineFault(engine.FAILED, "nothing of what should be copied is there")
        self._tidy(repo)
        place = local(repo.place)
        before = Place(place).stored() if place else 0
        when = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
        args = ["backup", "--json", "--host", host, "--time", when]
        args += [part for tag in tags for part in ("--tag", tag)]
        args += ["--parent", _id(parent)] if parent else []
        if place and Place(place).spacious() and spacious(self._run.folder):
            args += ["--pack-size", str(_PACK_MB)]
        complete = restic_waiting.complete(ready)
        try:
            summary = self._patiently(
                repo, lambda: self._backed_up(repo, args, whole, complete, named, progress, stop), stop
            )
        except EngineFault as fault:
            if fault.code == engine.FULL and place:
                self._make_room(repo, stop)
            raise
        made = self._whole_id(repo, str(summary["snapshot_id"]))
        special, doubtful = restic_listing.look_over(whole, complete.result())
        named.update((one.path, one) for one in special)
        if doubtful:
            for one in restic_listing.changed(self._nodes(repo, made, "/", stop)):
                if len(named) < restic_listing.NAMED_MOST:
                    named.setdefault(one.path, one)
        grown = summary.get("data_added_packed", summary.get("data_added", 0))
        return Snapshot(
            id=made,
            at=at,
            tags=tuple(tags),
            paths=tuple(map(str, whole)),
            files=int(summary["total_files_processed"]),
            bytes=int(summary["total_bytes_processed"]),
            added=max(0, Place(place).stored() - before) if place else int(grown),
            named=tuple(named.values()),
        )

    def snapshots(self, repo: Repo) -> list[Snapshot]:
        """All that can be read; one whose record is damaged is missing here and found by `verify`."""
        found = self._run.answer(repo, "snapshots", "--json", "--no-lock") or []
        return sorted((restic_words.snapshot(one) for one in found), key=lambda one: (one.at, one.id))

    def state_names(self, place: str) -> tuple[str, ...] | None:
        """The files in `snapshots`, as `key_names` those in `keys`."""
        return names(place, "snapshots")

    def entries(self, repo: Repo, snapshot: str, below: str = "/", *, deep: bool = True) -> Iterator[Entry]:
        """Line by line; the program ends when nobody reads on."""
        with closing(self._nodes(repo, snapshot, below.rstrip("/") or "/", never, deep=deep)) as found:
            for node in found:
                yield Entry(node.path, node.kind, node.size, node.modified_ns // 1_000_000_000)

    def restore(
        self,
        repo: Repo,
        snapshot: str,
        into: Path,
        *,
        only: Sequence[str] = (),
        progress: Progress,
        stop: Stop,
    ) -> Restored:
        """Under their whole paths below `into`. Looked over afterwards: what is not there, or too short, is named."""
        if os.path.lexists(into) and (into.is_symlink() or not into.is_dir() or any(into.iterdir())):
            raise EngineFault(engine.TARGET_REFUSED, "not an empty folder")
        only = [one.rstrip("/") or "/" for one in only]
        wanted = (n for n in self._nodes(repo, snapshot, "/", stop) if restic_listing.asked(n.path, only))
        with closing(restic_listing.Spool(self._run.folder, wanted)) as spool:
            args = ["restore", "--no-lock", _id(snapshot), "--target", os.path.abspath(into)]
            args += [part for one in only for part in ("--include", restic_words.pattern(one))]
            args += ["--sparse"] if self._run.version() >= _SPARSE else []
            blamed = self._written(repo, args, spool.bytes, progress, stop)
            return _back(spool, into, only, blamed)

    def _written(
        self, repo: Repo, args: Sequence[str], whole: int, progress: Progress, stop: Stop
    ) -> set[str]:
        """Run a restore; what it complained about."""
        complaints: deque[str] = deque(maxlen=10 * restic_listing.NAMED_MOST)
        try:
            for _ in self._run.lines(
                repo,
                args,
                stop=stop,
                excused=lambda exit_code, said: exit_code == 1 and bool(_SOME.search(said)),
                heard=complaints.append,
                beat=lambda child: progress(min(child.written(), whole), whole),
            ):
                pass
        except EngineFault as fault:
            raise restic_words.of_the_target(fault) from None
        if any((restic_words.phrase(line) or ("",))[0] == engine.FULL for line in complaints):
            raise EngineFault(engine.TARGET_FULL, "restic restore: no space left")
        progress(whole, whole)
        return set(restic_words.blamed(list(complaints)))

    def verify(self, repo: Repo, depth: Depth, *, progress: Progress, stop: Stop) -> None:
        """See `restic_verify`."""
        tidy = partial(self._tidy, repo)
        self._patiently(
            repo, lambda: restic_verify.verify(self._run, repo, depth, tidy, progress, stop), stop
        )

    def keys(self, repo: Repo) -> list[Key]:
        """All passwords."""
        said = self._run.answer(repo, "key", "list", "--json", "--no-lock")
        seconds = restic_words.seconds
        return [Key(str(one["id"]), seconds(str(one["created"])), bool(one["current"])) for one in said]

    def key_names(self, place: str) -> tuple[str, ...] | None:
        """The files in `keys`; None for a repository that is not in a folder of ours. EngineFault UNPLUGGED, NO_REPOSITORY."""
        return names(place, "keys")

    def identity(self, repo: Repo) -> str:
        """What its file `config` says."""
        return str(self._run.answer(repo, "cat", "config", "--no-lock")["id"])

    def add_key(self, repo: Repo, secret: str) -> Key:
        """Given on its standard input, where restic asks for it."""
        if not secret or "\n" in secret or "\r" in secret:
            raise ValueError("a password is one line that is not empty")
        self._tidy(repo)
        folder = local(repo.place)
        before = Place(folder).ids("keys") if folder else [one.id for one in self.keys(repo)]
        new = secret.encode() + b"\n"
        line = ("key", "add", "--user", "praxisd", "--host", "praxisd")
        self._patiently(repo, lambda: self._run.done(repo, *line, given=new))
        added = [one for one in self.keys(repo) if not any(was.startswith(one.id) for was in before)]
        if len(added) != 1:
            raise EngineFault(engine.FAILED, "restic key add: the new key is not there")
        return added[0]

    def remove_key(self, repo: Repo, key: str) -> None:
        """FAILED for the one in use."""
        self._tidy(repo)
        self._patiently(repo, lambda: self._run.done(repo, "key", "remove", _id(key)))

    def forget(self, repo: Repo, snapshots: Sequence[str], *, stop: Stop) -> None:
        """Dropped in one go, then the space is freed; what is not there any more does not matter."""
        if not snapshots:
            return
        self._tidy(repo)
        drop = ["forget", "--prune", *map(_id, snapshots)]

        def dropped(*more: str) -> None:
            for _ in self._run.lines(repo, [*drop, *more], stop=stop):
                pass

        try:
            self._patiently(repo, dropped, stop)
        except EngineFault as fault:
            if fault.code != engine.FULL:
                raise
            # No space to put together what remains of half empty packs: then only what is empty goes.
            dropped("--max-repack-size", "0")

    def size(self, repo: Repo) -> Size:
        """Stored: all files of a local repository; elsewhere what restic counts."""
        folder = local(repo.place)
        whole = self._run.answer(repo, "stats", "--mode", "restore-size", "--json", "--no-lock")
        if folder:
            return Size(Place(folder).stored(), int(whole["total_size"]))
        raw = self._run.answer(repo, "stats", "--mode", "raw-data", "--json", "--no-lock")
        return Size(int(raw["total_size"]), int(whole["total_size"]))

    def unlock(self, repo: Repo) -> None:
        """See `restic_locks`."""
        restic_locks.unlock(self._run, repo)

    def _tidy(self, repo: Repo) -> None:
        restic_locks.tidy(self._run, repo)

    def _patiently(self, repo: Repo, work: Callable[[], T], stop: Stop = never) -> T:
        return restic_locks.patiently(work, partial(self._tidy, repo), stop)

    def _make_room(self, repo: Repo, stop: Stop) -> None:
        """Take away what a run has stored that found no space for its end; nothing that belongs to a state."""
        with suppress(EngineFault):
            self._tidy(repo)
            for _ in self._run.lines(repo, ["prune", "--max-repack-size", "0"], stop=stop):
                pass

    def _backed_up(
        self,
        repo: Repo,
        args: Sequence[str],
        paths: Sequence[Path],
        complete: Future[int],
        named: dict[str, Named],
        progress: Progress,
        stop: Stop,
    ) -> dict[str, Any]:
        """The summary of a backup; into `named` goes what could not be read."""
        early = not complete.done() and restic_waiting.possible() and local(repo.place) is not None
        summary: dict[str, Any] = {}
        broken: list[EngineFault] = []

        def heard(line: str) -> None:
            told = restic_words.message(line)
            words = restic_words.error_text(told) if told else line
            if (restic_words.phrase(words) or ("",))[0] == engine.DAMAGED:
                broken.append(restic_words.fault("backup", restic_words.PARTLY, words))
            if told.get("message_type") == "error" and len(named) < restic_listing.NAMED_MOST:
                item = str(told.get("item", ""))
                gone = restic_words.vanished(words) or _missing(item)
                named.setdefault(item, Named(item, "vanished" if gone else "unreadable"))

        with restic_waiting.told(self._run.folder, paths, early=early) as more:
            if not early:
                complete.result()
            lines = self._run.lines(
                repo,
                [*args, *more],
                stop=stop,
                ready=complete,
                excused=lambda exit_code, said: exit_code == restic_words.PARTLY,
                heard=heard,
            )
            for line in lines:
                told = restic_words.message(line)
                if told.get("message_type") == "status":
                    progress(int(told.get("bytes_done", 0)), int(told.get("total_bytes", 0)))
                elif told.get("message_type") == "summary":
                    summary = told
        if broken:
            raise broken[0]
        if "snapshot_id" not in summary:
            raise EngineFault(engine.FAILED, "restic backup: no summary")
        progress(int(summary["total_bytes_processed"]), int(summary["total_bytes_processed"]))
        return summary

    def _nodes(
        self, repo: Repo, snapshot: str, below: str, stop: Stop, *, deep: bool = True
    ) -> Generator[restic_listing.Node]:
        args = ["ls", "--json", "--no-lock", _id(snapshot)]
        if not deep:
            args.append(below)
        elif below != "/":
            args += ["--recursive", below]

        def blob(tree: str) -> bytes:
            return b"".join(self._run.lines(repo, ["cat", "blob", tree, "--no-lock"], longest=_LONG))

        with closing(self._run.lines(repo, args, stop=stop)) as lines:
            yield from restic_listing.nodes(lines, blob, self._trees, below)

    def _whole_id(self, repo: Repo, made: str) -> str:
        """restic before 0.17 tells the first eight letters."""
        folder = local(repo.place)
        if len(made) == 64:
            return made
        if folder:
            return Place(folder).snapshot(made)
        return str(self._run.answer(repo, "snapshots", "--json", "--no-lock", made)[0]["id"])


def _missing(path: str) -> bool:
    """True if it surely is not there; a path that is too long to be opened may well be."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _id(text: str) -> str:
    """An id as restic makes them; anything else never reaches its arguments."""
    if not _ID.fullmatch(text):
        raise EngineFault(engine.FAILED, "no id of restic")
    return text


def _back(
    wanted: Iterable[restic_listing.Node], into: Path, only: Sequence[str], blamed: set[str]
) -> Restored:
    """What is below `into` now, against what should be."""
    files = size = 0
    missing = {one: Named(one, "not_restored") for one in only if one != "/"}
    named: list[Named] = []
    for node in wanted:
        missing.pop(node.path, None)
        wrong = restic_listing.not_back(node, into, blamed)
        if wrong is None and node.kind == "file":
            files, size = files + 1, size + node.size
        elif wrong is not None and len(named) < restic_listing.NAMED_MOST:
            named.append(wrong)
    return Restored(files, size, (*named, *missing.values()))
