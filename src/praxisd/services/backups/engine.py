"""Contract with the outside: an Engine keeps encrypted, deduplicated copies in a repository, and gives them back.

Promises of every adapter (`testing/engine_suite.py` holds each of them to these):

1. `back_up` answers a Snapshot only when the repository holds all of it; files that could not be read, or that changed
   while they were read, are named in it. What was killed, unplugged or full leaves the snapshots before it whole, and the
   next run works without a hand laid on.
2. `restore` writes nothing outside of `into`, whatever the names in the snapshot say, and names what it could not write.
3. `verify` finds a flipped bit: with `structure` in what says where things lie, with `all` in every byte.
4. A secret never stands in an argument of a program, in a log, or in what is raised.
5. What fails raises `EngineFault` with a code of `CODES`; `retry` says whether the same may work later by itself.
6. `stop()` true ends the work within seconds; it raises `backups.interrupted`.

Adapters are plain and synchronous and hold no transaction. Sources of the rules: SPEC 8.1-8.5, notes/systems.md § A.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Depth = Literal["structure", "part", "all"]
"""How much `verify` reads: what says where things lie; a twentieth of the data too; every byte."""
Stop = Callable[[], bool]
Progress = Callable[[int, int], None]
"""Called with what is done and what is to do in all (0: not known yet), at most some times a second.

Bytes; with `verify` pieces, where an engine does not count bytes there."""
ENGINE_MISSING, ENGINE_OLD = "backups.engine_missing", "backups.engine_old"
PASSWORD_WRONG, NO_REPOSITORY, LOCKED = "backups.password_wrong", "backups.no_repository", "backups.locked"
DAMAGED, INTERRUPTED = "backups.damaged", "backups.interrupted"
FULL, READ_ONLY = "backups.medium_full", "backups.medium_read_only"
UNPLUGGED, UNREACHABLE = "backups.medium_unplugged", "backups.target_unreachable"
TARGET_FULL, TARGET_REFUSED = "backups.restore_full", "backups.restore_refused"
FAILED = "backups.engine_failed"
CODES = (
    ENGINE_MISSING, ENGINE_OLD, PASSWORD_WRONG, NO_REPOSITORY, LOCKED, DAMAGED, INTERRUPTED, FULL, READ_ONLY,
    UNPLUGGED, UNREACHABLE, TARGET_FULL, TARGET_REFUSED, FAILED,
)  # fmt: skip


class EngineFault(Exception):
    """What an engine could not do. `detail` is technical and holds neither secrets nor names of files."""

    def __init__(self, code: str, detail: str = "", *, retry: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.retry = retry


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository: a folder or an address the engine understands, and the secret that opens it.

    `key`: how the name of that secret's key begins, where it is known: each other one that is tried costs half a second.
    """

    place: str
    secret: str = field(repr=False)
    key: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Named:
    """A file that is not as it should be in the copy: its path as the source has it, and a code why.

    Bytes that are no UTF-8 stand in paths as surrogate escapes (PEP 383). `special`: a socket, which no copy holds. `changed`:
    after it was opened for reading, before the end of the run. An adapter may leave out what is more than 1000.
    """

    path: str
    code: Literal["changed", "unreadable", "vanished", "special", "not_restored", "outside"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state that is kept. `at` is the epoch second it was taken for; `tags` are ours (plan, medium, run).

    `bytes` and `files` are what was looked at, `added` what the repository grew by; 0 where it is not known (listing).
    """

    id: str
    at: int
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    files: int = 0
    bytes: int = 0
    added: int = 0
    named: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder in a snapshot: absolute path, kind, size in bytes, time of change in epoch seconds."""

    path: str
    kind: Literal["file", "folder", "link", "other"]
    size: int
    at: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back: files and bytes written, and what could not be."""

    files: int
    bytes: int
    named: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A password that opens the repository; `id` is the engine's, `current` the one just used."""

    id: str
    created: int
    current: bool = False


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes on the medium, and bytes of all states as if each were restored."""

    stored: int
    restored: int


class Engine(Protocol):
    """What keeps the copies; see the promises above."""

    name: str

    def version(self) -> tuple[int, ...]:
        """The version of the program; EngineFault ENGINE_MISSING or ENGINE_OLD."""

    def init(self, repo: Repo) -> str:
        """Make an empty repository, which `repo.secret` opens; its id. One that is there is left as it is: FAILED."""

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
        """Keep these files and folders as one state taken at `at`.

        They are there from the beginning, and complete once `ready` is done: an engine may open its repository meanwhile, and
        reads nothing of them before. An exception of `ready` ends it and is raised. `parent` is a state by which files are
        known that have not changed; without, the engine looks for one of the same paths.
        """

    def snapshots(self, repo: Repo) -> list[Snapshot]:
        """All states, oldest first."""

    def state_names(self, place: str) -> tuple[str, ...] | None:
        """The ids of all states without opening it; None where that cannot be told. One whose record is damaged is left out."""

    def entries(self, repo: Repo, snapshot: str, below: str = "/", *, deep: bool = True) -> Iterator[Entry]:
        """What a state holds at and below a path; without `deep` the folder and what lies directly in it."""

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
        """Write a state, or the paths `only` of it (as `entries` gives them), below `into` under their whole paths.

        `into` is empty or not there yet, else TARGET_REFUSED. Links come back as links, wherever they point.
        """

    def verify(self, repo: Repo, depth: Depth, *, progress: Progress, stop: Stop) -> None:
        """Read what is kept; EngineFault DAMAGED if it is not what was written."""

    def keys(self, repo: Repo) -> list[Key]:
        """The passwords that open it, without them."""

    def key_names(self, place: str) -> tuple[str, ...] | None:
        """The ids of its keys without opening it, in full; None where that cannot be told. A `Key.id` begins one of them."""

    def identity(self, repo: Repo) -> str:
        """The id that `init` answered."""

    def add_key(self, repo: Repo, secret: str) -> Key:
        """Let another password open it too."""

    def remove_key(self, repo: Repo, key: str) -> None:
        """Let a password not open it any more; never the one in use."""

    def forget(self, repo: Repo, snapshots: Sequence[str], *, stop: Stop) -> None:
        """Drop these states and free their space. Which ones is decided by `plan_rules`, never by the engine."""

    def size(self, repo: Repo) -> Size:
        """How much is kept."""

    def unlock(self, repo: Repo) -> None:
        """Take away locks of runs that are gone."""
