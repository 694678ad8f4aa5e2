"""SQLite in use, praxisd's own or another program's: copied by the online backup, and checked before it is handed on.

Steps of 2000 pages inside an open read transaction on the source (notes/systems.md § A3: measured: no restart, no lost
commit, the writer waits 15 ms at most). Only with a write-ahead log do readers and the writer not meet; in the other journal
modes the steps are made without the transaction, so that writers come in between, and begin anew when one did; after some
of that the copy holds the writers up once, for as long as it takes.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from praxisd.services.backups import source
from praxisd.services.backups.engine import Named, Progress, Stop
from praxisd.services.backups.source import SourceFault, Staged
from praxisd.services.backups.sources import hashing, pieces, places

PAGES = 2000
RESTARTS = 5
"""So often the copy may begin anew because somebody wrote, before it makes writers wait. Only without a WAL."""
PATIENCE_S = 20.0
"""So long a source that is locked by somebody else is waited for. Seconds."""
_SLEEP_S = 0.05
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_STEPS = 100_000
"""Steps of SQLite's machine between two looks whether to stop."""
_TABLES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' "
    "AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
)
"""All that hold rows of their own: a virtual table's lie in others, and its module may not be there."""


class _Written(Exception):
    """Somebody wrote while the copy was made, too often."""


class Sqlite:
    """One database file. The copy bears the name of the file; from `pieces_from` bytes on it is handed on as pieces."""

    kind = "sqlite"

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        pages: int = PAGES,
        patience_s: float = PATIENCE_S,
        pieces_from: int | None = None,
    ) -> None:
        self.name = name
        self.path = path.absolute()
        self._pages = pages
        self._patience_s = patience_s
        self._pieces_from = pieces_from

    def refuse(self) -> SourceFault | None:
        """NOT_THERE without the file."""
        return None if self.path.is_file() else SourceFault(source.NOT_THERE)

    def stage(self, folder: Path, *, progress: Progress, stop: Stop) -> Staged:
        """A copy as of one moment; NOT_WHOLE if it does not pass SQLite's own check."""
        fault = self.refuse()
        if fault is not None:
            raise fault
        copy = folder.absolute() / self.path.name
        try:
            self._room(folder, pieces.folder_of(copy))
            facts = self._copied(copy, progress, stop)
            places.private(copy)
            counts = self._checked(copy, stop)
            if self._in_pieces(copy):
                facts["pieces"] = str(pieces.SIZE)
                hashes = {str(copy): hashing.digest(copy, stop, hashing.FAST)}
                return Staged((pieces.split(copy, stop),), counts, hashes, facts)
            return Staged((copy,), counts, {str(copy): hashing.digest(copy, stop)}, facts)
        except sqlite3.Error as error:
            raise _fault(error) from None
        except OSError as error:
            raise places.fault(error) from None

    def _in_pieces(self, copy: Path) -> bool:
        return self._pieces_from is not None and copy.stat().st_size >= self._pieces_from

    def _room(self, folder: Path, before: Path) -> None:
        """For the copy, beside the pieces of an earlier one, which are taken away if there is not, or they are of no use."""
        size = self.path.stat().st_size
        if before.is_dir() and self._in_pieces(self.path):
            with contextlib.suppress(SourceFault):
                places.room(folder, size)
                return
        if os.path.lexists(before):
            pieces.away(before)
        places.room(folder, size)

    def since(self, staged: Staged) -> tuple[Named, ...]:
        """Nothing: it is a copy of ours."""
        return ()

    def proven(self, folder: Path, staged: Staged) -> list[str]:
        """The restored file to the byte, SQLite's own check of it, and its rows by table."""
        try:
            files = [pieces.whole(places.inside(folder, path), lambda: False) for path in staged.hashes]
        except places.Outside:
            return places.changed(folder, staged.hashes)
        except (SourceFault, OSError) as error:
            return [f"pieces: {getattr(error, 'detail', '') or type(error).__name__}"]
        found = places.changed(folder, staged.hashes)
        for back in files:
            if not back.is_file():
                continue
            try:
                counts = self._checked(back, lambda: False)
            except (SourceFault, sqlite3.Error) as error:
                found.append(f"{back.name}: {getattr(error, 'detail', '') or type(error).__name__}")
                continue
            found.extend(places.compared(staged.counts, counts))
        return found

    def _copied(self, copy: Path, progress: Progress, stop: Stop) -> dict[str, str]:
        with _opened(self.path.resolve(), self._patience_s) as taken:
            journal = str(taken.execute("PRAGMA journal_mode").fetchone()[0])
            facts = {"sqlite": sqlite3.sqlite_version, "journal": journal}
            size = int(taken.execute("PRAGMA page_size").fetchone()[0])
            waits = journal == "wal"
            try:
                self._steps(taken, copy, size, progress, stop, held=waits)
            except _Written:
                facts["held"] = "1"
                self._steps(taken, copy, size, progress, stop, held=True)
            for name in ("user_version", "schema_version", "application_id"):
                facts[name] = str(taken.execute(f"PRAGMA {name}").fetchone()[0])
        return facts

    def _steps(
        self, taken: sqlite3.Connection, copy: Path, size: int, progress: Progress, stop: Stop, *, held: bool
    ) -> None:
        """One whole copy. `held`: inside a read transaction. _Written if others wrote too often without it."""
        last, restarts, busy = 0, 0, 0

        def looked(status: int, remaining: int, total: int) -> None:
            nonlocal last, restarts, busy
            places.stopped(stop)
            done = total - remaining
            busy = busy + 1 if status in _BUSY else 0
            if busy * _SLEEP_S > self._patience_s:
                raise SourceFault(source.REFUSED, "locked", retry=True)
            if done <= last and not busy and not held:  # a step that gained nothing began anew
                restarts += 1
                if restarts > RESTARTS:
                    raise _Written
            last = done
            progress(done * size, total * size)

        copy.unlink(missing_ok=True)
        kept = sqlite3.connect(copy, isolation_level=None)
        try:
            kept.execute("PRAGMA synchronous = OFF")
            kept.execute("PRAGMA journal_mode = MEMORY")
            if held:
                taken.execute("BEGIN")
                taken.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            taken.backup(kept, pages=self._pages, progress=looked, sleep=_SLEEP_S)
        finally:
            if taken.in_transaction:
                taken.execute("ROLLBACK")
            kept.close()

    @staticmethod
    def _checked(copy: Path, stop: Stop) -> dict[str, int]:
        """Rows by table of a copy that nobody else has. SourceFault NOT_WHOLE, STOPPED."""
        with contextlib.closing(
            sqlite3.connect(copy.absolute().as_uri() + "?mode=ro&immutable=1", uri=True)
        ) as kept:
            kept.set_progress_handler(lambda: int(stop()), _STEPS)
            try:
                said = [str(row[0]) for row in kept.execute("PRAGMA quick_check(3)")]
                if said != ["ok"]:
                    raise SourceFault(source.NOT_WHOLE, "quick_check")
                tables = [str(row[0]) for row in kept.execute(_TABLES)]
                return {one: int(kept.execute(_count(one)).fetchone()[0]) for one in tables}
            except sqlite3.OperationalError:
                places.stopped(stop)
                raise


def _count(table: str) -> str:
    name = table.replace('"', '""')
    return f'SELECT count(*) FROM "{name}"'  # noqa: S608


@contextlib.contextmanager
def _opened(path: Path, patience_s: float) -> Iterator[sqlite3.Connection]:
    """The source, so that nothing of it is changed.

    What lies in a log or journal stays there: it is the other program's to take in. Without either, a connection that could
    write (and does not) takes the empty log away again that reading makes.
    """
    beside = any(path.with_name(path.name + end).exists() for end in ("-wal", "-journal"))
    address = path.as_uri() + "?mode="
    try:
        found = _reading(address + ("ro" if beside else "rw"), patience_s)
    except sqlite3.OperationalError:
        if beside:
            raise
        found = _reading(address + "ro", patience_s)
    try:
        yield found
    finally:
        found.close()


def _reading(address: str, patience_s: float) -> sqlite3.Connection:
    found = sqlite3.connect(address, uri=True, isolation_level=None, timeout=patience_s)
    try:
        found.execute("PRAGMA query_only = ON")
        found.execute("PRAGMA mmap_size = 0")
        found.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except BaseException:
        found.close()
        raise
    return found


def _fault(error: sqlite3.Error) -> SourceFault:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    word = getattr(error, "sqlite_errorname", type(error).__name__)
    if code == sqlite3.SQLITE_FULL:
        return SourceFault(source.NO_SPACE, word)
    if code in _BUSY:
        return SourceFault(source.REFUSED, word, retry=True)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return SourceFault(source.REFUSED, word)
    return SourceFault(source.NOT_WHOLE, word, retry=code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR))
