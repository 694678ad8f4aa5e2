"""What was seen of a ServiceProvider: files, folders, services, an answer. Pure data that `rules` judges."""

from dataclasses import dataclass, field
from typing import Literal

from praxisd.services.serviceprovider.ini import Ini, Line

PORT = 23174
"""Where a ServiceProvider listens unless its INI says otherwise (seed 003, Konfigurationsanleitung)."""
IDENTIFIER = ("UniqueIdentifizier", "UniqueIdentifier")
PVS_NAME = ("PVSTName", "PVSName")
DATA_PATH = ("PVSDDataPath", "PVSDataPath")
INSTALLED, TCP_PORT, HOSTNAME = ("Installed",), ("TCPPort",), ("Hostname",)
CONNECTION, CUSTOMER = ("ConnectionString",), ("Kundennummer",)
KEYS: dict[str, tuple[str, ...]] = {
    "installed": INSTALLED, "identifier": IDENTIFIER, "port": TCP_PORT, "hostname": HOSTNAME, "pvs_name": PVS_NAME,
    "data_path": DATA_PATH, "customer": CUSTOMER, "connection": CONNECTION,
}  # fmt: skip
"""Keys by what they mean, first as the seed prints them in its files, then as its text spells them."""

Side = Literal["pvs", "install"]
Answered = Literal["open", "closed", "filtered", "wrong", "unresolved", "not_asked"]
PathState = Literal["right", "missing", "elsewhere", "no_ini", "empty", "unseen"]


@dataclass(frozen=True, slots=True)
class File:
    """One of the two INI files. `unseen`: it lies where this computer cannot look; `why` of an unreadable one is a code."""

    side: Side
    path: str = ""
    state: Literal["read", "missing", "unreadable", "unseen"] = "unseen"
    ini: Ini | None = None
    why: str = ""

    def line(self, names: tuple[str, ...]) -> Line | None:
        """The line of a key, in any of its spellings."""
        return None if self.ini is None else self.ini.find(*names)

    def value(self, names: tuple[str, ...]) -> str:
        """Its value; "" where there is none."""
        line = self.line(names)
        return "" if line is None else line.value.strip()

    @property
    def port(self) -> int | None:
        """TCPPort, if it is one."""
        text = self.value(TCP_PORT)
        return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 65_536 else None

    @property
    def fresh(self) -> bool:
        """Nothing but a host name: written before an installation, or after stale content went; the provider fills it."""
        filled = (INSTALLED, IDENTIFIER, TCP_PORT)
        return self.ini is not None and not any(self.line(names) for names in filled)


@dataclass(frozen=True, slots=True)
class Install:
    """A folder `ServiceProvider_<GUID>`. `version`: of the program in it ("" unknown); `mapped`: on another computer's drive.

    `foreign`: it serves another practice software of this practice. `own`: praxisd's own pair. `root`: where it was found;
    `programs`: that is among the programs, not in ProgramData, where its other half lies.
    """

    folder: str
    guid: str
    root: str
    file: File
    version: str = ""
    mapped: bool = False
    foreign: bool = False
    own: bool = False
    programs: bool = True


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the operating system that is a ServiceProvider."""

    name: str
    state: str
    program: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of the PVS INI answered. `why` is a code (`silent`, `closed_early`, `not_http`, `status`)."""

    host: str = ""
    address: str = ""
    port: int = PORT
    state: Answered = "not_asked"
    why: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """All of it, for one practice software. `machine` is the name of the computer where its provider belongs.

    `names` are all names and addresses of that computer; `services` None: not told. `roots_seen`: the program folders can
    be looked into. `sql_absent`: no SQL Server where one must be. `runs_on`: another computer that is known to have the
    provider. `wanted_path`: the data folder as the machine knows it. `customer`: the number that praxisd knows;
    `several` practices work here, so that only the software can name it.
    `setup_there`: the set-up lies where it should.
    `own`: praxisd is the provider, and listens on `own_port` (0: not now). `late`: something did not answer in time; what
    else there is was not looked at. `away`: another node of this installation looks at it, this one does not.
    """

    software: str
    product: str
    where: Literal["data", "sql"]
    pvs_names: tuple[str, ...]
    path_may_be_empty: bool
    machine: str
    here: bool
    measured: bool
    names: tuple[str, ...] = ()
    devices: int = 0
    pvs: File = field(default_factory=lambda: File("pvs"))
    installs: tuple[Install, ...] = ()
    roots_seen: bool = False
    root: str = ""
    services: tuple[Service, ...] | None = None
    dotnet: str | None = None
    sql_absent: bool = False
    runs_on: str = ""
    wanted_path: str = ""
    path_state: PathState = "unseen"
    path_mapped: bool = False
    setup: str = ""
    setup_version: str = ""
    setup_there: bool = False
    customer: str = ""
    asked: Asked = field(default_factory=Asked)
    own: bool = False
    own_port: int = 0
    late: bool = False
    away: bool = False
    several: bool = False

    @property
    def silent(self) -> str:
        """Which file or folder does not answer; "" if it is none."""
        files = (self.pvs, *(one.file for one in self.installs))
        return next((one.path for one in files if one.why == "timeout"), "")

    @property
    def mine(self) -> tuple[Install, ...]:
        """The installed folders that may belong to this software."""
        return tuple(one for one in self.installs if not one.foreign)

    @property
    def install(self) -> Install | None:
        """The folder of the provider: the one under the programs, where there are several the one the PVS INI names."""
        found = sorted((one for one in self.mine if one.programs), key=lambda one: (not one.own, one.folder))
        named = self.pvs.value(IDENTIFIER).casefold()
        fitting = [one for one in found if named and one.guid.casefold() == named]
        return next(iter(fitting or found), None)

    @property
    def claimed(self) -> bool:
        """What answers at the address is this software's provider: it is installed, or the PVS INI was filled by it."""
        named = self.pvs.state == "read" and self.pvs.ini is not None and not self.pvs.fresh
        return self.own or self.install is not None or bool(self.services) or named

    @property
    def port(self) -> int:
        """Where the programs of the practice look for the provider."""
        install = self.install
        return self.pvs.port or (None if install is None else install.file.port) or PORT
