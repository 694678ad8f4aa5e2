"""Plans, media and states of a backup, as data (SPEC § 8; the seed 003, „Empfehlungen zur Datensicherung“).

Days are backup days: what runs before `BackupPlan.day_begins` belongs to the day before. Instants are epoch seconds.
"""

from datetime import date
from typing import Any, Literal

import msgspec

from praxisd.kernel.schedule import Weekday

Variant = Literal["variant1", "variant2", "variant3", "external"]
"""The seed's three, and the practice that keeps its own backup software and takes a copy out of a folder."""
Under = Literal["variant1", "variant2"]
"""What variant 3 adds its remote copy to."""
Use = Literal["away", "here", "nas", "remote", "image", "folder"]
"""What a slot is for: carried out after work; stays in the practice; network drive; remote copy; image backup; folder."""
Job = Literal["evening", "night", "remote", "snapshot"]
Start = Literal["desk", "time"]
"""Begun by a click at the desk (which is reminded at the time), or by the clock."""
Kind = Literal["removable", "nas", "remote", "folder"]
Place = Literal["drive", "safe", "outside"]
"""In a drive; in the safe of the practice; at the place outside."""
Reason = Literal["newest", "daily", "weekly", "monthly", "held", "last_good", "unproven"]


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What all have in common as JSON."""


class Retention(_Shape, frozen=True):
    """What is kept of one medium: so many newest, and the last of so many days, weeks and months. SPEC 8.6."""

    newest: int = 20
    daily: int = 7
    weekly: int = 4
    monthly: int = 120


class Slot(_Shape, frozen=True):
    """A place in the rotation. `id` is "mon_away", "fri_here", "nas", "remote", "folder", "image_1", "image_2".

    Its label („Mo extern“) is the text `backups.slot.<id>`; the label of the medium that fills it is proposed from it.
    """

    id: str
    use: Use
    day: Weekday | None = None


class PlanJob(_Shape, frozen=True):
    """A job of a plan: on which days, into which kind of slot, begun how and at what wall time (`HH:MM`).

    A time before the plan's `day_begins` is that of the following morning. `closed_too`: also on holidays and days on
    which the practice is closed; only where nobody has to change a medium.
    """

    name: Job
    use: Use
    days: tuple[Weekday, ...]
    time: str
    start: Start = "time"
    closed_too: bool = False


class ImagePlan(_Shape, frozen=True):
    """The reminder of an image backup: every so many days; a medium is locked for `locked_days` after it was written."""

    every_days: int = 28
    locked_days: int = 28
    media: int = 2


class BackupPlan(_Shape, frozen=True):
    """How a practice backs up. `days` are its working days; `under` is what variant 3 adds to."""

    variant: Variant
    days: tuple[Weekday, ...]
    jobs: tuple[PlanJob, ...]
    under: Under | None = None
    day_begins: str = "06:00"
    image: ImagePlan | None = None
    keep: Retention = Retention()


class PlannedRun(_Shape, frozen=True):
    """A run that the plan wants: for which backup day, into which slot, when. `next_morning`: after midnight."""

    job: Job
    day: date
    slot: str
    time: str
    start: Start
    next_morning: bool = False


class CalendarDay(_Shape, frozen=True):
    """A day of the media calendar.

    `bring`: slots whose media must come in from outside that day; `take`: that leave after work; `bring_next`: that must be
    brought on the next day on which one is needed, `next_day`: which day that is.
    """

    day: date
    closed: bool
    runs: tuple[PlannedRun, ...] = ()
    bring: tuple[str, ...] = ()
    take: tuple[str, ...] = ()
    bring_next: tuple[str, ...] = ()
    next_day: date | None = None


class DueRun(_Shape, frozen=True):
    """A planned run with its instant (for a run begun at the desk: when the desk is reminded)."""

    run: PlannedRun
    at: int


class Waiting(_Shape, frozen=True):
    """A run that wants to begin. `due`: since when; `ready`: its medium or target is there; `not_before`: retry pause."""

    id: str
    job: Job
    day: date
    due: int
    ready: bool = True
    by_hand: bool = False
    not_before: int = 0


class Queue(_Shape, frozen=True):
    """Of the waiting runs: which begins now, which wait (in this order), which are overtaken by a newer day's of their job."""

    start: Waiting | None
    wait: tuple[Waiting, ...] = ()
    overtaken: tuple[Waiting, ...] = ()


class ImageDue(_Shape, frozen=True):
    """The next image backup: on which medium and which day; `late` from that day on.

    `locked`: until which day (included) each slot's medium must not be overwritten.
    """

    slot: str
    day: date
    late: bool
    locked: dict[str, date]


class State(_Shape, frozen=True):
    """A snapshot as retention sees it. `no` grows with each one written on the medium, whatever the clock says.

    `good`: whole, and verified so far as the plan wants; `held`: a person said „nicht löschen“. `behind`: when it was
    written, the medium held one of a later time (`retention_rules.behind`): a clock was or had been wrong.
    """

    id: str
    no: int
    at: int
    good: bool = True
    held: bool = False
    behind: bool = False


class Keeping(_Shape, frozen=True):
    """What stays, and why; and what may go. Together all states that were given."""

    keep: dict[str, tuple[Reason, ...]]
    drop: tuple[str, ...]


class Identity(_Shape, frozen=True):
    """What a medium says of itself (`praxisd-medium.json`). `practice` is a digest, never the name; `created` in seconds."""

    id: str
    practice: str
    label: str = ""
    slot: str = ""
    created: int = 0


class Stay(_Shape, frozen=True):
    """Where a medium is, who said so, and since when."""

    place: Place
    person: str
    at: int


class Medium(_Shape, frozen=True):
    """A medium as the practice knows it. `slot` "" is a spare one. `written`: end of the last good run on it.

    `held`: kept back by a person (for a restore, SPEC 8.5); `retired`: replaced, never to be written again.
    """

    id: str
    label: str
    slot: str
    kind: Kind = "removable"
    stay: Stay | None = None
    written: int | None = None
    held: bool = False
    retired: bool = False


class Seen(_Shape, frozen=True):
    """What a drive shows. `identity` is the file's content, None if there is none; `empty`: nothing else is on it.

    `free` in bytes, None where it is not known.
    """

    present: bool
    identity: bytes | None = None
    empty: bool = False
    writable: bool = True
    free: int | None = None


class Expected(_Shape, frozen=True):
    """Which medium a run wants. `medium` None: a new one has to be set up; `instead_of`: the one that is held back."""

    slot: str
    label: str
    medium: Medium | None = None
    instead_of: Medium | None = None


class Word(_Shape, frozen=True):
    """Something to say to people: a code and what fills its texts. `subject` is the id of the medium, or "". No person."""

    code: str
    params: dict[str, Any] = {}
    subject: str = ""


class Judged(_Shape, frozen=True):
    """What is in the drive: `fault` None if the run may write on it; `medium` is whose identity was read, if it is ours."""

    fault: Word | None = None
    warning: Word | None = None
    medium: Medium | None = None


class Figures(_Shape, frozen=True):
    """What a run amounted to: bytes and files looked at, bytes added, seconds."""

    bytes: int
    files: int
    added: int
    seconds: int
