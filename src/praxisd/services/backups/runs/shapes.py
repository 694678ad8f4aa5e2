"""What the doors of the runs take and answer. Instants are RFC 3339, days ISO, sizes bytes."""

from typing import Annotated, Any, Literal

import msgspec

from praxisd.kernel.service import Cursor, Limit
from praxisd.model.backup import Figures, Job, Start
from praxisd.model.backup_kept import RunKind, RunState
from praxisd.services.backups.plans.media_shapes import MediumOut
from praxisd.services.backups.plans.plan_shapes import PlanOut

Action = Literal["start", "insert", "confirm_moved", "check_log"]
Shield = Literal["green", "yellow", "red", "none"]
_Id = Annotated[str, msgspec.Meta(max_length=64)]


class _Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all answers share: camelCase names."""


class _In(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What all bodies share: camelCase names, nothing unknown."""


class BackupRunOut(_Out, frozen=True, kw_only=True):
    """A run. `by` in words; `done` and `whole`: progress of the step (0: not known); `code`, `title`: why it is not green.

    `waits`: the code of what a run that waits is waiting for. `detail` is technical; without names of files.
    """

    id: str
    kind: RunKind
    day: str
    job: Job | None
    slot: str
    label: str
    medium: str
    medium_label: str
    state: RunState
    step: str
    done: int
    whole: int
    asked: str
    began: str | None
    ended: str | None
    by: str
    code: str
    title: str
    solution: str
    detail: str
    waits: str
    figures: Figures | None
    named_count: int
    snapshot: str


class NamedFileOut(_Out, frozen=True, kw_only=True):
    """A file that is not as it should be in the copy, and why."""

    path: str
    code: str


class RunSourceOut(_Out, frozen=True, kw_only=True):
    """What a source brought: rows and files, or why it brought nothing."""

    name: str
    kind: str
    rows: int
    files: int
    code: str
    title: str


class BackupRunDetail(BackupRunOut, frozen=True, kw_only=True):
    """A run with what it was made of. `named` null: the caller may not see names of files."""

    sources: tuple[RunSourceOut, ...]
    named: tuple[NamedFileOut, ...] | None


class BackupRuns(_Out, frozen=True, kw_only=True):
    """Runs, newest first."""

    runs: tuple[BackupRunOut, ...]
    next: str | None


class RunsQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which runs: of a kind, page by page."""

    kind: RunKind | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class RunIn(_In, frozen=True, kw_only=True):
    """Back up now: for a job of the plan, or onto a medium; without both what is due next."""

    job: Job | None = None
    medium: _Id = ""


class ReadIn(_In, frozen=True, kw_only=True):
    """Which medium to read, or to restore from; empty: whichever is there."""

    medium: _Id = ""


class StatisticsQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How many days back."""

    days: Annotated[int, msgspec.Meta(ge=1, le=1100)] = 92


class StatisticRow(_Out, frozen=True, kw_only=True):
    """A backup that has ended: size, what was new, how long it took."""

    run: str
    day: str
    at: str
    job: Job | None
    slot: str
    medium: str
    state: RunState
    bytes: int
    files: int
    added: int
    seconds: int
    first: bool


class BackupStatistics(_Out, frozen=True, kw_only=True):
    """Rows, oldest first."""

    rows: tuple[StatisticRow, ...]


class WordOut(_Out, frozen=True, kw_only=True):
    """Something to be done or known, and what a page offers beside it."""

    code: str
    title: str
    hint: str
    subject: str
    action: Action | None


class EngineOut(_Out, frozen=True, kw_only=True):
    """The program that makes the copies: is it there, which version, else what to do."""

    ok: bool
    version: str
    problem: dict[str, Any] | None


class NextOut(_Out, frozen=True, kw_only=True):
    """The next run of the plan that is not done."""

    job: Job
    slot: str
    label: str
    at: str
    start: Start


class ProtectedOut(_Out, frozen=True, kw_only=True):
    """Is the practice protected? Green only if the last run was good and verified, and the last proof good and not too old."""

    state: Shield
    since: str | None
    why: str


class CheckOut(_Out, frozen=True, kw_only=True):
    """The log that has to be looked at: which day's, is it due, who has looked and when."""

    day: str | None
    due: bool
    by: str
    at: str | None


class ProofOut(_Out, frozen=True, kw_only=True):
    """The last restore proof."""

    at: str
    good: bool


class BackupOverview(_Out, frozen=True, kw_only=True):
    """How it stands with the backups today."""

    day: str
    plan: PlanOut | None
    engine: EngineOut
    words: tuple[WordOut, ...]
    next: NextOut | None
    running: BackupRunOut | None
    last: BackupRunOut | None
    last_good: BackupRunOut | None
    protected: ProtectedOut
    check: CheckOut
    proof: ProofOut | None
    media: tuple[MediumOut, ...]
