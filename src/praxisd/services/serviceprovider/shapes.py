"""What the operations about the ServiceProvider take and give."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

State = Literal["running", "stopped", "absent", "unknown"]
Side = Literal["pvs", "install"]
Id = Annotated[str, Meta(min_length=1, max_length=64)]
Path = Annotated[str, Meta(min_length=1, max_length=400)]


class _Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the answers have in common."""


class FaultOut(_Out, frozen=True):
    """One thing that is wrong, in words. `side`, `line`, `key`: where in the files (null: not in one). `mendable`: by a click."""

    code: str
    severity: Literal["error", "warning"]
    title: str
    cause: str
    solution: str
    side: Side | None
    line: int | None
    key: str | None
    mendable: bool


class RowOut(_Out, frozen=True):
    """One line of an INI file. `text`: as it stands there; `meaning`: what a known key says, in words; `codes`: what is wrong
    with it, `note`: what else is odd about it.
    """

    line: int
    text: str
    section: str
    key: str | None
    value: str | None
    meaning: str | None
    finding: str | None
    codes: list[str]
    note: str | None


class FileOut(_Out, frozen=True):
    """One of the two INI files. `unseen`: it lies where this computer cannot look."""

    side: Side
    path: str
    state: Literal["read", "missing", "unreadable", "unseen"]
    encoding: str | None
    rows: list[RowOut]


class DifferenceOut(_Out, frozen=True):
    """A key that both files should have alike, and do not."""

    key: str
    meaning: str
    pvs: str | None
    install: str | None


class ProviderOut(_Out, frozen=True):
    """The ServiceProvider of one practice software. `instance`: its identifier; `own`: praxisd is the provider.

    `host` and `port`: where the programs of the practice look for it; `address`: of that host; `machine`: where it belongs.
    `unknown`: what could not be looked at, in words: while there is any, no fault is not yet good. `fromHere`: it answers
    this computer, and others, whose way nobody tried, have to find it too.
    """

    software: str
    product: str
    state: State
    state_text: str
    own: bool
    version: str | None
    setup_version: str | None
    setup: str | None
    instance: str | None
    host: str | None
    address: str | None
    port: int
    machine: str | None
    folders: list[str]
    service: str | None
    pvs: FileOut
    install: FileOut | None
    differences: list[DifferenceOut]
    faults: list[FaultOut]
    codes: list[str]
    unknown: list[str]
    from_here: bool


class ProvidersOut(_Out, frozen=True):
    """All of them, by product and name of the software."""

    providers: list[ProviderOut]


class RepairIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What to mend; sending it is the consent."""

    software: Id
    code: Annotated[str, Meta(min_length=1, max_length=80)]


class WrittenOut(msgspec.Struct, frozen=True, rename="camel"):
    """A file that was written. `copy`: where what was there before lies now, null for a new file; `lines` that changed."""

    file: str
    copy: str | None
    lines: list[int]


class RepairedOut(_Out, frozen=True):
    """What was mended. `restart`: the ServiceProvider must be started again."""

    software: str
    code: str
    files: list[WrittenOut]
    restart: bool


class InstallIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Make praxisd the provider of a practice software. `replace`: also where the data folder names another provider."""

    software: Id
    data_folder: Path
    replace: bool = False


class InstalledOut(_Out, frozen=True):
    """praxisd's own pair. `updated`: there was one, and the file in the data folder was left alone."""

    software: str
    identifier: str
    port: int
    files: list[WrittenOut]
    updated: bool


class AboutOut(_Out, frozen=True):
    """What praxisd says of itself as a provider."""

    name: str
    version: str
    state: str
