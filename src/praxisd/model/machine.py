"""What is known of a computer: `MachineFacts`. Every leaf is a `Fact`: a value, or the code of why there is none.

A fact without a value is "could not be determined" and never taken for good or bad (SPEC 7.7).
"""

from collections.abc import Iterable
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")
Why = Annotated[str, Meta(max_length=40, pattern="^[a-z][a-z0-9_]*$")]
Family = Literal["windows", "linux", "other"]
DiskKind = Literal["ssd", "hdd", "removable", "network"]
ServiceState = Literal["running", "stopped", "other"]

LONGEST_TEXT = 260
"""Signs of any text: the longest path that Windows' programs agree on. Facts come from other computers: all is bounded."""
MOST, MOST_SERVICES = 64, 1_000
"""So many of each list (disks, printers, …), and of services."""
Line = Annotated[str, Meta(max_length=LONGEST_TEXT)]
Pixels = Annotated[int, Meta(ge=0, le=1_000_000)]

NOT_MEASURED = "not_measured"
"""Nobody tried. The other reasons: `not_here` (this system has no such thing to read), `denied` (no right to read it),
`no_program` (the program that would tell is not installed), `timeout`, `failed`, `not_measurable`, `not_asked`,
`virtual` (the computer is a virtual one and its host does not say)."""


class Fact(msgspec.Struct, Generic[T], frozen=True, forbid_unknown_fields=True):
    """One fact: its value; or None, and `why` says as a code why it could not be determined.

    ValueError for both or neither, a negative number, a text that is too long: what other computers send is refused then.
    """

    value: T | None = None
    why: Why | None = None

    def __post_init__(self) -> None:
        """Refuse what is no fact."""
        if (self.value is None) == (self.why is None):
            raise ValueError("either a value or why there is none")
        if isinstance(self.value, int | float) and not 0 <= self.value <= 1e12:
            raise ValueError("a number of at least 0")
        texts = self.value if isinstance(self.value, tuple) else (self.value,)
        if any(isinstance(one, str) and len(one) > LONGEST_TEXT for one in texts):
            raise ValueError(f"a text of at most {LONGEST_TEXT} signs")

    @property
    def known(self) -> bool:
        """True if there is a value."""
        return self.value is not None


def known(value: T) -> Fact[T]:
    """A fact that was determined; texts are cut to their longest."""
    given: Any = value
    return Fact(tuple(_cut(one) for one in given) if type(given) is tuple else _cut(given))


def unknown(why: str = NOT_MEASURED) -> Fact[T]:
    """A fact that could not be determined, and why."""
    return Fact(None, why)


class _Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What the parts of MachineFacts have in common."""


def _unknown() -> Fact[T]:
    return Fact(None, NOT_MEASURED)


class SystemFacts(_Shape, frozen=True):
    """The operating system. `name` like "Windows 11" or "Windows Server 2022", `edition` like "Pro", "Home", "Standard".

    `version` as the system counts (10.0.22631); `language` like de-DE; `server`: a server edition.
    """

    family: Fact[Family] = msgspec.field(default_factory=_unknown)
    name: Fact[str] = msgspec.field(default_factory=_unknown)
    edition: Fact[str] = msgspec.field(default_factory=_unknown)
    version: Fact[str] = msgspec.field(default_factory=_unknown)
    bits: Fact[int] = msgspec.field(default_factory=_unknown)
    language: Fact[str] = msgspec.field(default_factory=_unknown)
    server: Fact[bool] = msgspec.field(default_factory=_unknown)


class ProcessorFacts(_Shape, frozen=True):
    """The processor. `ghz` is what its maker gives as its clock; `maker` intel, amd or another word."""

    name: Fact[str] = msgspec.field(default_factory=_unknown)
    maker: Fact[str] = msgspec.field(default_factory=_unknown)
    ghz: Fact[float] = msgspec.field(default_factory=_unknown)
    cores: Fact[int] = msgspec.field(default_factory=_unknown)


class Disk(_Shape, frozen=True):
    r"""A volume: `C:\`, `/srv`. Sizes in GB of 10^9 bytes; `mapped`: a drive letter of another computer's folder.

    `worn` is the part of its life that is used up, in percent, and `healthy` its own verdict (SMART). `target` is the
    folder a mapped drive stands for; `encrypted`: BitLocker or LUKS is on.
    """

    volume: Line
    system: Fact[bool] = msgspec.field(default_factory=_unknown)
    total_gb: Fact[float] = msgspec.field(default_factory=_unknown)
    free_gb: Fact[float] = msgspec.field(default_factory=_unknown)
    kind: Fact[DiskKind] = msgspec.field(default_factory=_unknown)
    mapped: Fact[bool] = msgspec.field(default_factory=_unknown)
    target: Fact[str] = msgspec.field(default_factory=_unknown)
    encrypted: Fact[bool] = msgspec.field(default_factory=_unknown)
    healthy: Fact[bool] = msgspec.field(default_factory=_unknown)
    worn: Fact[int] = msgspec.field(default_factory=_unknown)


class Network(_Shape, frozen=True):
    """A network adapter that is connected. `address` is its IPv4 address."""

    name: Line
    mbit: Fact[int] = msgspec.field(default_factory=_unknown)
    address: Fact[str] = msgspec.field(default_factory=_unknown)


class Graphics(_Shape, frozen=True):
    """A graphics adapter and its memory in MB (2^20 bytes)."""

    name: Line
    memory_mb: Fact[int] = msgspec.field(default_factory=_unknown)


class Screen(_Shape, frozen=True):
    """A screen and its resolution in pixels."""

    width: Pixels
    height: Pixels


class Office(_Shape, frozen=True):
    """A desktop Word: `name` like "Word 2019", `version` like 16.0.10396, `bits` of the program."""

    name: Line
    version: Fact[str] = msgspec.field(default_factory=_unknown)
    bits: Fact[int] = msgspec.field(default_factory=_unknown)


class SqlInstance(_Shape, frozen=True):
    """An instance of SQL Server that is installed here: name, version (15.0.2000.5), release ("2019")."""

    instance: Line
    version: Fact[str] = msgspec.field(default_factory=_unknown)
    release: Fact[str] = msgspec.field(default_factory=_unknown)


class ServiceFacts(_Shape, frozen=True):
    """A service of the operating system. `program` is the path of its program without arguments, "" if not told."""

    name: Line
    display: Line = ""
    state: ServiceState = "other"
    program: Line = ""


class Printer(_Shape, frozen=True):
    """A printer that is set up here, and its best resolution in dpi."""

    name: Line
    dpi: Fact[int] = msgspec.field(default_factory=_unknown)


class FolderRight(_Shape, frozen=True):
    """Whether every user may delete files in a folder."""

    folder: Line
    granted: Fact[bool] = msgspec.field(default_factory=_unknown)


class MachineFacts(_Shape, frozen=True):
    """All that is known of one computer at a moment (`at`, epoch seconds). No fact names a person.

    `host` is how the computer is called in praxisd (its name in lower case); `computer_name` as it calls itself.
    `dotnet` is the version of .NET Framework, "" where there is none; `dotnet_runtimes` those of .NET (6.0.25).
    `domain`, `pdf_reader`: "" where there is none. `sessions`: people signed in by remote desktop now.
    `updates_pending`: how many updates of the operating system wait. `firewall`: the operating system's own is on.
    """

    host: Annotated[str, Meta(min_length=1, max_length=63, pattern=r"^[^\s/\\?#%]+$")]
    at: Annotated[int, Meta(ge=0, le=1 << 40)]
    computer_name: Fact[str] = msgspec.field(default_factory=_unknown)
    addresses: Fact[tuple[str, ...]] = msgspec.field(default_factory=_unknown)
    os: SystemFacts = msgspec.field(default_factory=SystemFacts)
    cpu: ProcessorFacts = msgspec.field(default_factory=ProcessorFacts)
    memory_gb: Fact[float] = msgspec.field(default_factory=_unknown)
    sessions: Fact[int] = msgspec.field(default_factory=_unknown)
    disks: Fact[tuple[Disk, ...]] = msgspec.field(default_factory=_unknown)
    network: Fact[tuple[Network, ...]] = msgspec.field(default_factory=_unknown)
    graphics: Fact[tuple[Graphics, ...]] = msgspec.field(default_factory=_unknown)
    directx: Fact[str] = msgspec.field(default_factory=_unknown)
    screens: Fact[tuple[Screen, ...]] = msgspec.field(default_factory=_unknown)
    usb: Fact[bool] = msgspec.field(default_factory=_unknown)
    dotnet: Fact[str] = msgspec.field(default_factory=_unknown)
    dotnet_runtimes: Fact[tuple[str, ...]] = msgspec.field(default_factory=_unknown)
    office: Fact[tuple[Office, ...]] = msgspec.field(default_factory=_unknown)
    pdf_reader: Fact[str] = msgspec.field(default_factory=_unknown)
    sql: Fact[tuple[SqlInstance, ...]] = msgspec.field(default_factory=_unknown)
    services: Fact[tuple[ServiceFacts, ...]] = msgspec.field(default_factory=_unknown)
    printers: Fact[tuple[Printer, ...]] = msgspec.field(default_factory=_unknown)
    card_reader: Fact[bool] = msgspec.field(default_factory=_unknown)
    domain: Fact[str] = msgspec.field(default_factory=_unknown)
    ups: Fact[bool] = msgspec.field(default_factory=_unknown)
    remote_access: Fact[bool] = msgspec.field(default_factory=_unknown)
    antivirus: Fact[tuple[str, ...]] = msgspec.field(default_factory=_unknown)
    firewall: Fact[bool] = msgspec.field(default_factory=_unknown)
    updates_pending: Fact[int] = msgspec.field(default_factory=_unknown)
    rights: Fact[tuple[FolderRight, ...]] = msgspec.field(default_factory=_unknown)

    def __post_init__(self) -> None:
        """Refuse lists that no computer has."""
        for name in self.__struct_fields__:
            if _too_many(name, getattr(self, name)):
                raise ValueError(f"{name}: too many")

    def service(self, name: str) -> ServiceFacts | None:
        """The service of this name (upper and lower case alike), or None; ask `services.known` first."""
        return next((one for one in self.services.value or () if one.name.lower() == name.lower()), None)

    def disk_of(self, path: str) -> Disk | None:
        """The volume a path lies on: the longest whose name the path begins with; None if no disk fits."""
        return disk_of(self.disks.value or (), path)


def _too_many(name: str, fact: Any) -> bool:
    value = fact.value if isinstance(fact, Fact) else None
    return isinstance(value, tuple) and len(value) > most(name)


def most(name: str) -> int:
    """How many the list of this name may hold."""
    return MOST_SERVICES if name == "services" else MOST


def bounded(name: str, fact: Any) -> Any:
    """A field of MachineFacts as it was measured, cut to what may be sent: lists to their most."""
    if not isinstance(fact, Fact) or not isinstance(fact.value, tuple):
        return fact
    return known(fact.value[: most(name)])


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, msgspec.Struct):
        texts = {
            name: one for name in value.__struct_fields__ if isinstance(one := getattr(value, name), str)
        }
        long = {name: one[:LONGEST_TEXT] for name, one in texts.items() if len(one) > LONGEST_TEXT}
        return msgspec.structs.replace(value, **long) if long else value
    return value


def disk_of(disks: Iterable[Disk], path: str) -> Disk | None:
    r"""The volume a path lies on. `C:\DCONCEPT` lies on `C:\`, `/srv/data` on `/srv`, a UNC path on none."""
    plain = path.replace("\\", "/").lower()
    if plain.startswith("//"):
        return None
    fitting = [
        one for one in disks if (plain.rstrip("/") + "/").startswith(_plain(one.volume)) and plain != ""
    ]
    return max(fitting, key=lambda one: len(one.volume), default=None)


def _plain(volume: str) -> str:
    return volume.replace("\\", "/").lower().rstrip("/") + "/"
