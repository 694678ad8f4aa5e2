"""REST shapes of devices and of what they sent. Times are RFC 3339 with offset."""

from typing import Annotated

import msgspec
from msgspec import Meta

from praxisd.kernel.service import Cursor, Limit
from praxisd.model.device import Charset, ResultState

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9\-.]+$")]
Short = Annotated[str, Meta(min_length=1, max_length=8, pattern=r"^[A-Za-z0-9_]+$")]
Path = Annotated[str, Meta(max_length=500)]
Test = Annotated[str, Meta(min_length=1, max_length=60)]


class In(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, rename="camel"):
    """What comes in: unknown fields are refused."""


class Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What goes out."""


class DeviceIn(In, frozen=True, kw_only=True):
    """A device. `folderIn`: absolute path where its results appear, `folderOut`: where it looks for requests (one of them is
    needed). `receiver`, `sender`: GDT's short names of the device and of praxisd. `charset`: `auto` judges each result.
    `numbers`: the system of identifiers the device knows patients by; null: praxisd gives numbers. `tests`: for 8402.
    """

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    active: bool = True
    folder_in: Path = ""
    folder_out: Path = ""
    receiver: Short
    sender: Short = "PRAXISD"
    charset: Charset = "auto"
    numbers: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    tests: Annotated[tuple[Test, ...], Meta(max_length=50)] = ()


class DeviceProblem(Out, frozen=True, kw_only=True):
    """Why the folder cannot be read."""

    code: str
    title: str
    cause: str
    solution: str


class DeviceState(Out, frozen=True, kw_only=True):
    """How the last look went: `taken` records of all time, `waiting` files that are not taken yet."""

    looked_at: str | None
    good_at: str | None
    taken: int
    waiting: int
    problem: DeviceProblem | None


class DeviceOut(Out, frozen=True, kw_only=True):
    """A device as it is kept."""

    id: str
    version: int
    name: str
    active: bool
    folder_in: str
    folder_out: str
    receiver: str
    sender: str
    charset: Charset
    numbers: str | None
    tests: tuple[str, ...]
    state: DeviceState


class Devices(Out, frozen=True, kw_only=True):
    """All devices, by name."""

    devices: list[DeviceOut]


class Looked(Out, frozen=True, kw_only=True):
    """What came of a look: records taken, doubts, records that were known, files set aside, files not taken yet."""

    taken: int
    doubts: int
    known: int
    aside: int
    waiting: int


class AskIn(In, frozen=True, kw_only=True):
    """Send a patient to a device; `test`: what is to be examined (8402)."""

    patient: Id
    test: Test | None = None


class Asked(Out, frozen=True, kw_only=True):
    """The name of the file that lies in the device's folder now."""

    file: str


class ResultSearch(In, frozen=True, kw_only=True):
    """Results, the newest first: of a patient, in a state, from a device."""

    patient: Id | None = None
    state: ResultState | None = None
    device: Id | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class ResultBrief(Out, frozen=True, kw_only=True):
    """One result in a list. `why`: code of what a person has to decide, `reason`: the same in words."""

    id: str
    version: int
    device: str
    device_name: str | None
    kind: str
    received_at: str
    state: ResultState
    why: str | None
    reason: str | None
    patient: str | None
    patient_name: str | None


class Results(Out, frozen=True, kw_only=True):
    """Results and the cursor of the next page."""

    results: list[ResultBrief]
    next: str | None


class LineOut(Out, frozen=True, kw_only=True):
    """One line as it was sent; `label`: what the field holds, or empty."""

    line: int
    field: str
    label: str
    text: str | None


class WarningOut(Out, frozen=True, kw_only=True):
    """What was odd at a line (0: the whole file), in words."""

    line: int
    code: str
    text: str


class Candidate(Out, frozen=True, kw_only=True):
    """A patient with this name and day of birth: to look at before deciding."""

    id: str
    name: str
    birth_date: str | None


class ResultOut(ResultBrief, frozen=True, kw_only=True):
    """A result whole. `differs`: fields of the master data that are not what is known."""

    file: str | None
    charset: str
    lines: list[LineOut]
    warnings: list[WarningOut]
    differs: tuple[str, ...]
    candidates: list[Candidate]


class DecideIn(In, frozen=True, kw_only=True):
    """Whose result it is; null: nobody's."""

    patient: Id | None
