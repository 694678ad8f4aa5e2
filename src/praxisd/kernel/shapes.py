"""What the kernel's REST operations take and answer: settings, jobs, runs, issues, events. JSON is
camelCase.
"""

from typing import Annotated, Any, Literal

import msgspec

from praxisd.kernel import schedule

Cursor = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,18}$")]
"""Where a list goes on: a whole number, to be handed back as it came."""
Limit = Annotated[int, msgspec.Meta(ge=1, le=200)]
State = Literal["waiting", "running", "interrupted", "success", "failed", "missed", "cancelled"]
RunOrder = Literal["due", "-due", "started", "-started", "ended", "-ended", "state", "-state"]


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share: camelCase names."""


class _In(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all bodies and queries share: camelCase names, nothing unknown."""


class SettingOut(_Out, frozen=True, kw_only=True):
    """A setting with its value, where that comes from (`stored`, `file`, `default`), its bounds and its
    words.
    """

    key: str
    value: bool | int | str
    source: str
    version: int
    default: bool | int | str
    kind: str
    choices: list[str] = []
    low: int | None = None
    high: int | None = None
    unit: str | None = None
    scope: str
    label: str
    help: str


class SettingsOut(_Out, frozen=True, kw_only=True):
    """All settings of the practice and of the installation."""

    settings: list[SettingOut]


class SettingIn(_In, frozen=True, kw_only=True):
    """The new value; null restores the default."""

    value: bool | int | str | None


class ProgressOut(_Out, frozen=True, kw_only=True):
    """How far a run is: `done` of `total` items."""

    done: int
    total: int


class RunActivityOut(_Out, frozen=True, kw_only=True):
    """What a run left in the activity list: how many entries, and how many of them tell of a failure."""

    events: int
    errors: int


class RunOut(_Out, frozen=True, kw_only=True):
    """One run: due, start, end, outcome, who triggered it, counts, the message of its code (with cause and solution as
    its explanation), how far it is.

    `activity` counts what is found by POST /events/search with its id as `run`: the outcome says that the job ran, the
    activity what became of its work.
    """

    id: str
    job: str
    state: str
    due_at: str
    started_at: str | None
    ended_at: str | None
    attempt: int
    counts: dict[str, int]
    code: str | None
    message: str | None
    explanation: str | None
    triggered_by: str
    triggered_by_name: str
    activity: RunActivityOut
    progress: ProgressOut | None = None


class WarningOut(_Out, frozen=True, kw_only=True):
    """A job is planned before, or too soon after, one that should have run before it, or waits for one that is off; in words."""

    code: str
    earlier: str
    later: str
    title: str
    cause: str
    solution: str


class JobOut(_Out, frozen=True, kw_only=True):
    """A job: when it runs, whether, what becomes of missed runs (`none`, `once`, `all`, up to an age), and its last run.

    `upcoming` are the due times of seven days, the first ones where they are many: then `more` follow, the last one at
    `until`. A job that waits for another has those of the first one of its chain, and begins some time after them.
    `follows` are the jobs that should have run before it; `warnings` say where the plans are otherwise.
    """

    name: str
    title: str
    help: str
    plan: schedule.Plan
    enabled: bool
    missed: str
    max_age_s: int
    zone: str
    version: int
    next_at: str | None
    upcoming: list[str] = []
    more: int = 0
    until: str | None = None
    last_run: RunOut | None = None
    follows: list[str] = []
    warnings: list[WarningOut] = []


class JobsQuery(_In, frozen=True, kw_only=True):
    """`next`: only so many jobs that are due next."""

    next: Annotated[int, msgspec.Meta(ge=1, le=50)] | None = None


class JobsOut(_Out, frozen=True, kw_only=True):
    """All jobs."""

    jobs: list[JobOut]


class JobIn(_In, frozen=True, kw_only=True):
    """What is to change; left out stays as it is."""

    plan: schedule.Plan | None = None
    enabled: bool | None = None
    missed: str | None = None
    max_age_s: int | None = None


class RunsOut(_Out, frozen=True, kw_only=True):
    """The run log in the order asked for; `next` is the cursor of the following page."""

    runs: list[RunOut]
    next: str | None = None


class RunsQuery(_In, frozen=True, kw_only=True):
    """`from`/`to` bound the due time (RFC 3339); `state` is one outcome; `sort` is a column, `-` for descending."""

    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    state: State | None = None
    sort: RunOrder = "-due"
    cursor: Cursor | None = None
    limit: Limit = 50


class FixOut(_Out, frozen=True, kw_only=True):
    """The click that heals an issue: the button's words, and what is asked before (null: nothing)."""

    label: str
    ask: str | None = None


class IssueOut(_Out, frozen=True, kw_only=True):
    """An open issue in words. `hint` is for the desk, `information` the lines to copy for the service partner.

    `fix` is null where there is none, or the caller may not.
    """

    code: str
    severity: str
    subject: str
    title: str
    cause: str
    solution: str
    since: str
    installation: bool
    ignored: bool
    ignore_reason: str | None = None
    hint: str
    information: str
    fix: FixOut | None = None


class IssuesOut(_Out, frozen=True, kw_only=True):
    """All open issues of the practice and of the installation."""

    issues: list[IssueOut]


class FixIn(_In, frozen=True, kw_only=True):
    """Which issue is to be healed; `organization: installation` means the server's own where the practice has it too."""

    code: Annotated[str, msgspec.Meta(max_length=120)]
    subject: Annotated[str, msgspec.Meta(max_length=500)] = ""
    organization: Literal["installation"] | None = None


class FixedOut(_Out, frozen=True, kw_only=True):
    """What is open now; whether the issue is gone; a word for the person; whether the server must be started again."""

    issues: list[IssueOut]
    healed: bool
    note: str | None = None
    restart: bool = False


class NoticeOut(_Out, frozen=True, kw_only=True):
    """An open issue as any practice program can show it: plain words, and the lines for the service partner (`detail`)."""

    code: str
    severity: str
    hint: str
    detail: str


class NoticesOut(_Out, frozen=True, kw_only=True):
    """All open issues that nobody ignores, the worst first, and how many they are."""

    notices: list[NoticeOut]
    count: int


class IgnoreIn(_In, frozen=True, kw_only=True):
    """Which one, and why; `ignored: false` takes it back."""

    reason: str = ""
    subject: str = ""
    ignored: bool = True


class EventOut(_Out, frozen=True, kw_only=True):
    """What happened: a sentence, the record it is about, who did it (label and name), when. `alert`: it went wrong.

    `run` is the run that did it, if it was one.
    """

    seq: int
    type: str
    area: str
    subject: str
    version: int
    actor: str
    actor_name: str
    at: str
    fields: list[str]
    alert: bool
    sentence: str
    run: str | None = None


class EventsOut(_Out, frozen=True, kw_only=True):
    """Events, oldest first; `cursor` is where the next call goes on."""

    events: list[EventOut]
    cursor: str


class EventsQuery(_In, frozen=True, kw_only=True):
    """Events after `since` (a cursor of an earlier answer)."""

    since: Cursor | None = None
    limit: Limit = 100


class CheckIn(_In, frozen=True, kw_only=True):
    """Nothing to say: all checks are run."""


class LogQuery(_In, frozen=True, kw_only=True):
    """Lines of this level and above; `cursor` is the `next` of the newer ones."""

    level: Literal["debug", "info", "warning", "error"] = "debug"
    cursor: Cursor | None = None
    limit: Limit = 200


class LogLineOut(_Out, frozen=True, kw_only=True):
    """One line of the log; `detail` holds what is beside time, level and event."""

    number: int
    at: str
    level: str
    event: str
    detail: dict[str, Any]


class LogOut(_Out, frozen=True, kw_only=True):
    """What this process (`node`) has written, newest first; `next` is the cursor of the older lines."""

    node: str
    lines: list[LogLineOut]
    next: str | None = None
