"""Contract with what is copied: a Source brings its data into a staging folder, whole and as of one moment.

Promises of every adapter (`testing/source_suite.py` holds each of them to these):

1. What `stage` leaves is consistent: a database as of one moment, checked before it is handed on; never a live database
   file by copy (SPEC 8.1). A place in which such a file would be copied is refused by `refuse`.
2. Nothing of the source is changed, and whoever works with it is not stopped longer than without it.
3. `Staged` says what can be counted and compared after a restore: rows per table, hashes of files.
4. What fails raises `SourceFault`; what was staged until then is left for the caller to remove.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from praxisd.services.backups.engine import Named, Progress, Stop

LIVE_FILE, NOT_THERE, NOT_WHOLE = (
    "backups.source_live_file",
    "backups.source_missing",
    "backups.source_not_whole",
)
COMMAND_FAILED, REFUSED, NO_SPACE = "backups.source_command", "backups.source_refused", "backups.staging_full"
PROGRAM, NOT_RESTARTED = "backups.source_program", "backups.source_not_restarted"
"""A program that is needed is missing or too old; what was stopped for the copy did not start again."""
STOPPED = "backups.interrupted"
OWN_CODES = (LIVE_FILE, NOT_THERE, NOT_WHOLE, COMMAND_FAILED, REFUSED, NO_SPACE, PROGRAM, NOT_RESTARTED)
"""Those that an engine does not have too."""
CODES = (*OWN_CODES, STOPPED)


class SourceFault(Exception):
    """What could not be brought. `detail` is technical; it holds neither secrets nor patient data."""

    def __init__(self, code: str, detail: str = "", *, retry: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.retry = retry


@dataclass(frozen=True, slots=True)
class Staged:
    """What a source has brought: paths to keep (in the staging folder, or in place for folders), and what they hold.

    `counts` are rows by table, `hashes` digests (`sources.hashing`) by absolute path, `facts` versions and the like; `named` are
    files that were not as they should be. All of it goes into the manifest and is compared by the restore proof.
    """

    paths: tuple[Path, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    named: tuple[Named, ...] = ()


class Source(Protocol):
    """One thing that is copied; see the promises above. `name` is unique in a plan, `kind` the adapter's."""

    name: str
    kind: str

    def refuse(self) -> SourceFault | None:
        """Why this cannot be copied as it is set up, or None. Quick; nothing is read but names."""

    def stage(self, folder: Path, *, progress: Progress, stop: Stop) -> Staged:
        """Bring it into `folder`, which is empty and only ours."""

    def since(self, staged: Staged) -> tuple[Named, ...]:
        """After the engine has read `staged.paths`: what is not any more as it was when it was staged.

        The run is not green then; whoever proves the copy later adds them to `staged.named`. Empty for what was copied.
        """

    def proven(self, folder: Path, staged: Staged) -> list[str]:
        """Open what was restored into `folder` and compare it with the manifest; what differs, empty if nothing does.

        Below `folder` the paths lie as an engine puts them there: whole (`sources.places.restored`).
        """
