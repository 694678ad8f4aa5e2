"""What the operations of updates take and give. Times are RFC 3339 in the practice's zone."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.service import Cursor, Limit

Kind = Literal["software", "plugin", "data"]
PackageState = Literal[
    "available", "downloading", "waiting", "ordered", "installed", "replaced", "rolled_back", "refused", "removed"
]  # fmt: skip
"""`waiting`: downloaded and verified; `ordered`: being installed; `replaced`: was installed, a later one is now;
`removed`: its file was deleted to save space."""
OrderState = Literal["checking", "saving", "ordered", "running", "kept", "rolled_back", "refused"]
"""The last three are final. `checking` and `saving`: this server's part; `ordered` and `running`: the guard's."""
Id = Annotated[str, Meta(min_length=1, max_length=64)]
ElementName = Annotated[str, Meta(min_length=1, max_length=120)]


class FaultOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Something that went wrong, in words."""

    code: str
    title: str
    cause: str
    solution: str


class PackageOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One version of an element. `restart`: installing it restarts the server; `installable`: it can be ordered now.

    `size` in bytes; `requires` is the least version of praxisd it needs; `fault` says why it was refused or rolled back;
    `by` names who installed (or pushed) it; `log` is the path of the failed start's log on the server.
    """

    id: str
    element: str
    kind: Kind
    title: str
    version: str
    state: PackageState
    installable: bool
    restart: bool
    size: int
    released: str
    notes: str
    requires: str
    source: Literal["download", "push"]
    seen_at: str
    downloaded_at: str | None
    installed_at: str | None
    by: str | None
    fault: FaultOut | None
    log: str | None


class ElementOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Something that can be subscribed. `installed`: the version in use, `previous`: the one that switch-back leads to.

    `age_days`: how old the data in use are (data sets only). `waiting`: the newest downloaded version newer than the one in
    use; `available`: newer versions that are not downloaded (yet), the newest first.
    """

    element: str
    kind: Kind
    title: str
    subscribed: bool
    installed: str | None
    previous: str | None
    released: str | None
    age_days: int | None
    waiting: PackageOut | None
    available: list[PackageOut]


class OrderOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """An install order. `step`: where it is (texts `console.word.update_step.<step>`); `final`: nothing will change any more.

    `fault`: why it was refused or rolled back; `log`: the failed start's log on the server; `saved`: the copy of the
    database made before. Ask again after `retry_after` seconds while it is not final; answered during maintenance too, but
    for the seconds in which no server runs: then the guard says 503.
    """

    id: str
    kind: Literal["install", "switch_back"]
    state: OrderState
    final: bool
    step: str
    packages: list[PackageOut]
    version: str | None
    at: str
    ended_at: str | None
    by: str
    fault: FaultOut | None
    log: str | None
    saved: str | None
    retry_after: int


class GuardOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The guard that runs this server. `present` False: none does, so that software cannot be installed here."""

    present: bool
    state: str | None
    version: str | None
    previous: str | None


class DownloadOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A run of the download job that is under way; `done` of `total` are kilobytes of the file being fetched."""

    run: str
    done: int | None
    total: int | None


class UpdatesOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """How updates stand. `news`: downloads whose notice this user has not seen. `fault`: why the last look failed.

    `version` is the program that answers; `trusted`: it is known whose signatures count; `looked_at`: the last look at the
    repository, `known_at`: the last that went well.
    """

    version: str
    active: bool
    address: str
    trusted: bool
    standing_order: Literal["none", "data", "all"]
    looked_at: str | None
    known_at: str | None
    fault: FaultOut | None
    guard: GuardOut
    download: DownloadOut | None
    elements: list[ElementOut]
    order: OrderOut | None
    last_order: OrderOut | None
    news: list[PackageOut]


class PackagesQuery(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The history: all versions that were seen, the newest first; of one element, if it is named."""

    element: ElementName | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class PackagesOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A page of the history."""

    packages: list[PackageOut]
    next: str | None = None


class SubscriptionIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fetch newer versions of the element by itself, or do not."""

    subscribed: bool


class CheckOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The run of `updates.download` that looks now."""

    run: str


class InstallIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to install: ids of packages that are `installable`, at most one of them software.

    `without_copy`: yes, also where no copy of the database can be made before (`updates.no_copy`).
    """

    packages: Annotated[list[Id], Meta(min_length=1, max_length=20)]
    without_copy: bool = False


class NoticeIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The packages whose notice this user has seen."""

    packages: Annotated[list[Id], Meta(min_length=1, max_length=200)]


class NoticeOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """How many notices are left."""

    news: int


class SwitchBackIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The element whose version before is to be used again."""

    element: ElementName
