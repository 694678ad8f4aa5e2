"""A hook for databases that have no adapter: their own program makes the backup, we see to it that it did.

A list of arguments, run without a shell; `{folder}` in it is the staging folder. The files that it must leave are named
beforehand: they have to be there afterwards, not empty, and made by this run. Secrets belong into `env`, never into `args`.

SQL Server, FILESTREAM included (seed 003: „über SQL-Server-Sicherungen“). Its service writes the file with its own account,
so into a folder of that account, from where we take it. `-b` makes an error count, `-E` signs in as the account of praxisd,
which needs the role db_backupoperator; COPY_ONLY leaves the order of other backups alone:

    Command(
        "medatixx",
        ("sqlcmd", "-S", ".\\\\MEDATIXX", "-E", "-b", "-Q",
         "BACKUP DATABASE [medatixx] TO DISK = N'D:\\\\praxisd\\\\medatixx.bak' "
         "WITH INIT, FORMAT, CHECKSUM, COPY_ONLY, STATS = 5"),
        ("D:\\\\praxisd\\\\medatixx.bak",),
        check=("sqlcmd", "-S", ".\\\\MEDATIXX", "-E", "-b", "-Q",
               "RESTORE VERIFYONLY FROM DISK = N'D:\\\\praxisd\\\\medatixx.bak' WITH CHECKSUM"),
    )

Firebird: `("gbak", "-b", "-g", "localhost:C:\\\\Praxis\\\\PRAXIS.FDB", "{folder}/praxis.fbk")` with `ISC_USER` and
`ISC_PASSWORD` in `env`, and the file `("praxis.fbk",)`.
"""

import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from praxisd.services.backups import source
from praxisd.services.backups.engine import Named, Progress, Stop
from praxisd.services.backups.source import SourceFault, Staged
from praxisd.services.backups.sources import hashing, places, running
from praxisd.services.backups.sources.live import life

LIMIT_S = 4 * 3600.0
LAG_S = 2.0
"""So much earlier than our start a file may say it was written: some file systems count in twos. Seconds."""
_NUMBERS = re.compile(
    r"Msg \d{1,6}, Level \d{1,3}|Meldung \d{1,6}, Ebene \d{1,3}|SQLSTATE[ =:]+\w{5}|ORA-\d{5}"
)
_MARK = "{folder}"


class Command:
    """`files` are what it must leave: absolute, or relative to the staging folder. `check` runs after it and has to end well."""

    kind = "command"

    def __init__(
        self,
        name: str,
        args: Sequence[str],
        files: Sequence[str],
        *,
        check: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        limit_s: float = LIMIT_S,
    ) -> None:
        self.name = name
        self._args = tuple(args)
        self._files = tuple(files)
        self._check = tuple(check)
        self._env = dict(env or {})
        self._limit_s = limit_s

    def __repr__(self) -> str:
        return f"Command({self.name!r})"

    def refuse(self) -> SourceFault | None:
        """PROGRAM without the program; LIVE_FILE if it names a live database file; COMMAND_FAILED if it names none at all."""
        if not self._args or not self._files:
            return SourceFault(source.COMMAND_FAILED, "no command, or no files named")
        if any(life(Path(one).name) == "server" for one in self._files):
            return SourceFault(source.LIVE_FILE)
        for one in (self._args[0], *self._check[:1]):
            if _MARK not in one and shutil.which(one) is None:
                return SourceFault(source.PROGRAM)
        return None

    def stage(self, folder: Path, *, progress: Progress, stop: Stop) -> Staged:
        """Run it; its files, and their digests."""
        fault = self.refuse()
        if fault is not None:
            raise fault
        top = folder.absolute()
        paths = [top / one for one in self._files]
        try:
            before = {one: _print(one) for one in paths}
            started = time.time()
            self._run(self._args, top, stop, lambda: progress(sum(map(_size, paths)), 0))
            for one in paths:
                _new(one, before[one], started)
            if self._check:
                self._run(self._check, top, stop, lambda: None)
            hashes = {str(one): hashing.digest(one, stop) for one in paths}
            for one in paths:
                if one.is_relative_to(top):
                    places.private(one)
            whole = sum(map(_size, paths))
        except OSError as error:
            raise places.fault(error) from None
        progress(whole, whole)
        facts = {"program": Path(self._args[0]).name, "seconds": str(round(time.time() - started))}
        return Staged(tuple(paths), {"files": len(paths), "bytes": whole}, hashes, facts)

    def since(self, staged: Staged) -> tuple[Named, ...]:
        """Nothing: it is a copy of ours."""
        return ()

    def proven(self, folder: Path, staged: Staged) -> list[str]:
        """Its files to the byte: what is in them only its own program can say, and `check` asked it."""
        try:
            sizes = [_size(places.inside(folder, one)) for one in staged.paths]
        except places.Outside:
            return [f"{places.printable(str(one))}: outside" for one in staged.paths]
        there = {"files": sum(size > 0 for size in sizes), "bytes": sum(sizes)}
        return [*places.changed(folder, staged.hashes), *places.compared(staged.counts, there)]

    def _run(self, args: Sequence[str], top: Path, stop: Stop, beat: running.Beat) -> None:
        ended = running.run(
            [one.replace(_MARK, str(top)) for one in args],
            limit_s=self._limit_s, stop=stop, env=self._env, folder=top, beat=beat,
        )  # fmt: skip
        if ended.code:
            numbers = sorted(set(_NUMBERS.findall(ended.said)))[:5]
            raise SourceFault(source.COMMAND_FAILED, "; ".join([f"exit code {ended.code}", *numbers]))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _print(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _new(path: Path, before: tuple[int, int, int] | None, started: float) -> None:
    """SourceFault NOT_WHOLE unless this run has made the file."""
    if not path.is_file():
        raise SourceFault(source.NOT_WHOLE, "a file is not there")
    found = path.stat()
    if found.st_size == 0:
        raise SourceFault(source.NOT_WHOLE, "a file is empty")
    if found.st_mtime < started - LAG_S or (found.st_mtime_ns, found.st_size, found.st_ino) == before:
        raise SourceFault(source.NOT_WHOLE, "a file is older than this run")
