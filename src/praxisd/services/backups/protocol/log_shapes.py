"""What the doors tell of the log, and take: days, their runs, who has looked."""

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from praxisd.model.backup import Figures, Job
from praxisd.model.backup_kept import RunKind
from praxisd.services.backups.protocol.log_rules import DayState, LineState, Said


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share."""


class BackupLogCheckOut(_Out, frozen=True, kw_only=True):
    """Who has looked at the log of a day, when (RFC 3339), and what it said then."""

    by: str
    at: str
    state: Said
    remark: str


class BackupLogLineOut(_Out, frozen=True, kw_only=True):
    """A run of the day, or one that was planned and has not run. `id` is the run's, "" if there is none.

    `code`, `title`: why it is not green. `last` false: a later try of the same took its place.
    """

    id: str
    kind: RunKind
    job: Job | None
    slot: str
    label: str
    state: LineState
    last: bool
    due: str | None
    began: str | None
    ended: str | None
    code: str
    title: str
    figures: Figures | None
    named_count: int


class BackupLogDayOut(_Out, frozen=True, kw_only=True):
    """A backup day in short. `due`: somebody should have looked at it by now."""

    day: date
    state: DayState
    due: bool
    check: BackupLogCheckOut | None


class BackupLogOut(BackupLogDayOut, frozen=True, kw_only=True):
    """The log of one backup day. `over`: it has ended, so that it may be ticked."""

    over: bool
    lines: tuple[BackupLogLineOut, ...]


class BackupLogDaysOut(_Out, frozen=True, kw_only=True):
    """The days of the log, newest first. `asked`: the one to look at today, null if nobody has to look at one."""

    days: tuple[BackupLogDayOut, ...]
    asked: date | None


class BackupLogQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How many days."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 14


class BackupLogIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A look at the log. `earlier`: also at those before it that nobody has looked at. `person`: only programs with a key
    and the command line say who it was; who is signed in is named by that.
    """

    remark: Annotated[str, Meta(max_length=500)] = ""
    earlier: bool = False
    person: Annotated[str, Meta(max_length=80)] = ""
