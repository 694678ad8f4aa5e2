"""What the backup service keeps in its tables, as data; see `services/backups/store.py`. Instants are epoch seconds."""

from datetime import date
from typing import Any, Literal

import msgspec

from praxisd.model.backup import BackupPlan, Figures, Job, Kind, Medium, Stay

RunKind = Literal["backup", "verify", "prove", "restore", "move"]
RunState = Literal["waiting", "running", "good", "warning", "failed", "interrupted"]
"""`warning`: the copy was made, but something is named in it: not green. `interrupted`: the server stopped in the middle."""
Verified = Literal["none", "structure", "part", "all"]


class _Kept(msgspec.Struct, frozen=True, rename="camel"):
    """What all have in common as JSON; unknown fields are of a newer program and left alone."""


class PlanKept(_Kept, frozen=True):
    """The plan in force, who put it in force and when. `version` grows by one with each change.

    `reminded`: the last backup day (ISO) on which a mail said what is to be done; `reminder_fault`: why it could not be sent.
    """

    plan: BackupPlan
    version: int
    by: str
    at: int
    reminded: str = ""
    reminder_fault: str = ""


class Drive(_Kept, frozen=True):
    """A place in which media show up, or a target that is always there.

    `path`: mount point or folder, or for "remote" an address that the engine understands. `slot`: "nas", "remote" or
    "folder" for what is always there; "" for a drive of removable media. `raid`, `fire_compartment` ("own", "other"),
    `country` (ISO 3166 alpha-2): what a person said (SPEC 8.3). `environment`: name in the vault of what the remote
    target wants beside the address, or "". `host`: the computer on which it is ("": any), of several on one database.
    `mounted`: a medium in it was seen as a file system of its own; while there is none, nothing is in it.
    """

    id: str
    label: str
    kind: Kind
    path: str
    slot: str = ""
    eject: bool = False
    raid: str | None = None
    fire_compartment: Literal["own", "other"] | None = None
    country: str | None = None
    environment: str = ""
    host: str = ""
    mounted: bool = False


class MediumKept(_Kept, frozen=True):
    """A medium as the rules see it, and what else is kept: the engine's repository id, when it was set up and by whom,
    and `drive`, in which drive it was last seen.
    """

    medium: Medium
    repository: str
    created: int
    by: str
    drive: str = ""


class StayKept(_Kept, frozen=True):
    """One line of the history of whereabouts."""

    medium: str
    stay: Stay


class SourceKept(_Kept, frozen=True):
    """One further source, or what a person left out. `spec` is what the adapter of this kind takes."""

    name: str
    kind: Literal["folders", "sqlite", "postgres", "command", "excluded"]
    spec: dict[str, Any]
    reason: str
    by: str
    at: int


class Secret(_Kept, frozen=True):
    """A password by number, or the recovery key, sealed by the vault. `name`: for which purpose it is sealed there.

    `chosen`: a person made it up and may know it; the others nobody has ever seen. `printed`, `printed_by`: when and by whom
    the recovery sheet was printed last, `printed_vault` which key of the vault it holds (recovery key only).
    """

    no: int
    kind: Literal["password", "recovery"]
    name: str
    since: int
    until: int | None = None
    sealed: str = ""
    chosen: bool = False
    printed: int | None = None
    printed_by: str = ""
    printed_vault: str = ""


class Wrap(_Kept, frozen=True):
    """Password `no` opens `medium` as the engine's key `key`, from `since` until `until`.

    Passwords and recovery keys are counted apart: whoever wants numbers of passwords asks `keyring.opened_by`.
    """

    medium: str
    no: int
    key: str
    since: int
    until: int | None = None
    kind: Literal["password", "recovery"] = "password"


class RunKept(_Kept, frozen=True):
    """A run: what was asked for, how far it is, how it ended.

    `day` is the backup day; `code` and `detail` say why it is not green (a Problem's code; technical, no names of files);
    `named` are files that are not as they should be: at most 1000, [path, code], shown only to who may restore;
    `done`/`whole`: progress of `step` in bytes (0: not known yet); `heard`: when progress was last written.
    """

    id: str
    kind: RunKind
    day: date
    by: str
    asked: int
    state: RunState = "waiting"
    job: Job | None = None
    slot: str = ""
    medium: str = ""
    snapshot: str = ""
    began: int | None = None
    ended: int | None = None
    step: str = ""
    done: int = 0
    whole: int = 0
    heard: int = 0
    code: str = ""
    detail: str = ""
    figures: Figures | None = None
    named_count: int = 0
    named: tuple[tuple[str, str], ...] = ()
    first_on_medium: bool = False
    facts: dict[str, Any] = {}


class SnapshotKept(_Kept, frozen=True):
    """A state on a medium. `id` is "<medium>/<engine's id>". `no`, `good`, `held`, `behind` as in `model.backup.State`.

    `opened_by`: numbers of the passwords that opened the medium when it was written. `verified`: the deepest reading after
    it that found nothing, and when. `proven`: when a restore of it was compared with its manifest and all was there.
    `gone`: when retention dropped it, or it was found to be there no more. `doubted`: damage was found on its medium, and
    all of it has not been read without a fault since.
    """

    id: str
    medium: str
    engine_id: str
    no: int
    at: int
    run: str
    day: date
    figures: Figures
    opened_by: tuple[int, ...]
    good: bool
    behind: bool = False
    held: bool = False
    held_by: str = ""
    verified: Verified = "none"
    verified_at: int | None = None
    proven: int | None = None
    gone: int | None = None
    doubted: bool = False


class LogCheck(_Kept, frozen=True):
    """Who has looked at the log of a backup day, and what the log said then."""

    day: date
    by: str
    at: int
    state: Literal["green", "not_green", "no_run"]
    remark: str = ""


class Answer(_Kept, frozen=True):
    """What a person answered to a question of the form that nobody can measure."""

    question: str
    value: str
    by: str
    at: int


class StepKept(_Kept, frozen=True):
    """One thing that follows a move, or that a person must do: `by` and `at` of whoever ticked it, "" for praxisd itself."""

    state: Literal["open", "done"] = "open"
    by: str = ""
    at: int | None = None


class MoveKept(_Kept, frozen=True):
    """A move of the server to another computer.

    `arrived` stands in the new database; `left` in the old one, where that is a PostgreSQL that other nodes know. `host`: the
    computer it came from; `told`: what it said of itself there (`moving.arrival`); `steps` by name.
    """

    id: str
    kind: Literal["arrived", "left"]
    at: int
    host: str = ""
    told: dict[str, Any] = {}
    steps: dict[str, StepKept] = {}
