"""What a product needs of a machine: one struct for each kind of requirement, told apart by `kind` in the product file.

Values as in the source (seed 003, "Systemvoraussetzungen"); sizes in the unit their kind names (GB = 10^9 bytes as the
source prints it, MHz never). Judging is pure and lies elsewhere: this is data only.
"""

from typing import Annotated, Literal

import msgspec

Role = Literal["server", "main", "workstation", "terminal"]
"""What a machine is: server, main computer of up to three devices ("Hauptrechner"), workstation, terminal server."""
ROLES: tuple[Role, ...] = ("server", "main", "workstation", "terminal")
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Long = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
Id = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9._-]{0,62}$")]
Some = Annotated[tuple[Short, ...], msgspec.Meta(min_length=1, max_length=50)]
Above = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in both languages. `de` is the source's own wording where there is one."""

    de: Long
    en: Long

    def in_(self, lang: str) -> str:
        """The text in this language, German for any that is not English."""
        return self.en if lang == "en" else self.de


class Needed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What all requirements have. `must`: a minimum of the source; `should`: its advice.

    `products`: in shared rows, the only products they hold for (empty: for each that takes the rows). `question` is what
    the source leaves open or says differently elsewhere: shown, never silently decided.
    """

    id: Id
    roles: Annotated[tuple[Role, ...], msgspec.Meta(min_length=1)]
    level: Literal["must", "should"] = "must"
    text: Words
    question: Words | None = None
    products: tuple[Id, ...] = ()

    @property
    def kind(self) -> str:
        """The word of the product file, such as `cpu_ghz`."""
        return str(self.__struct_config__.tag)


class CpuGhz(Needed, frozen=True, tag="cpu_ghz"):
    """Clock of the processor, GHz."""

    least: Above


class MemoryGb(Needed, frozen=True, tag="memory_gb"):
    """Main memory, GB."""

    least: Above


class SessionMemoryGb(Needed, frozen=True, tag="session_memory_gb"):
    """Main memory for each remote session, GB."""

    least: Above


class NetworkMbit(Needed, frozen=True, tag="network_mbit"):
    """Speed of the network card, Mbit/s."""

    least: Above


class InternetMbit(Needed, frozen=True, tag="internet_mbit"):
    """Speed of the line to the Internet, Mbit/s."""

    least: Above


class DiskFreeGb(Needed, frozen=True, tag="disk_free_gb"):
    """Free space on the drive of the data or of the system, GB."""

    least: Above
    where: Literal["data", "system"]


class DiskKind(Needed, frozen=True, tag="disk_kind"):
    """What the drive is, such as `ssd`."""

    is_: Literal["ssd"] = msgspec.field(name="is")


class Graphics(Needed, frozen=True, tag="graphics"):
    """Memory of the graphics card, MB, and the least DirectX, as the source writes it (`9.0c`)."""

    memory_mb: Above
    directx: Short


class Screen(Needed, frozen=True, tag="screen"):
    """Least width and height of the screen, pixels."""

    width: Count
    height: Count


class Usb(Needed, frozen=True, tag="usb"):
    """A USB port."""


class Os(Needed, frozen=True, tag="os"):
    """One of these systems, by the beginning of their names (`Windows 10`; "Windows Server 2012" is not "… 2012 R2").

    `not_editions` are refused, but with the systems in `but_with`; `editions`, where given, are the only ones.
    """

    names: Some
    not_editions: tuple[Short, ...] = ()
    but_with: tuple[Short, ...] = ()
    editions: tuple[Short, ...] = ()


class Bits(Needed, frozen=True, tag="bits"):
    """Width of the operating system."""

    is_: Literal[32, 64] = msgspec.field(name="is")


class Office(Needed, frozen=True, tag="office"):
    """One of these versions of Word, and the width of the office package."""

    names: Some
    bits: Literal[32, 64] | None = None


class PdfReader(Needed, frozen=True, tag="pdf_reader"):
    """Any program that shows PDF."""


class Dotnet(Needed, frozen=True, tag="dotnet"):
    """.NET at least of this version: `framework` (4.8 and before) or `core` (".NET 6" and later)."""

    least: Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+){0,3}$")]
    family: Literal["framework", "core"] = "framework"


class SqlServer(Needed, frozen=True, tag="sql_server"):
    """One of these releases of Microsoft SQL Server; or with `least` (a year) that one and all after it."""

    names: tuple[Short, ...] = ()
    least: Annotated[int, msgspec.Meta(ge=2000, le=2100)] | None = None


class Ups(Needed, frozen=True, tag="ups"):
    """An uninterruptible power supply."""


class Whql(Needed, frozen=True, tag="whql"):
    """Certified by Windows Hardware Quality Labs."""


class RemoteAccess(Needed, frozen=True, tag="remote_access"):
    """The machine can be reached by remote desktop."""


class ComputerName(Needed, frozen=True, tag="computer_name"):
    """At most so many characters, no special characters, no umlauts."""

    max: Annotated[int, msgspec.Meta(ge=1, le=63)]


class DeleteRight(Needed, frozen=True, tag="delete_right"):
    """Every user may delete in this folder, relative to the top folder of the practice software."""

    folder: Short


class Domain(Needed, frozen=True, tag="domain"):
    """The machine belongs to a Windows domain."""


class PrinterDpi(Needed, frozen=True, tag="printer_dpi"):
    """Resolution of the printers, dpi."""

    least: Count


class CardReader(Needed, frozen=True, tag="card_reader"):
    """Card readers that gematik admits."""


class Language(Needed, frozen=True, tag="language"):
    """Language of the operating system, as `de`."""

    is_: Annotated[str, msgspec.Meta(pattern="^[a-z]{2}$")] = msgspec.field(name="is")


class Told(Needed, frozen=True, tag="told"):
    """What no program can measure: always "could not be determined"; `why` says the reason."""

    why: Words


Requirement = (
    CpuGhz | MemoryGb | SessionMemoryGb | NetworkMbit | InternetMbit | DiskFreeGb | DiskKind | Graphics | Screen | Usb
    | Os | Bits | Office | PdfReader | Dotnet | SqlServer | Ups | Whql | RemoteAccess | ComputerName | DeleteRight
    | Domain | PrinterDpi | CardReader | Language | Told
)  # fmt: skip
