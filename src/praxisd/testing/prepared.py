"""Prepared installations of a ServiceProvider: real files of a practice software, real sockets that answer, machine facts.

`Place` is one of them in a folder of its own, sound at first; `prepared_cases` breaks it in every way of the seed's table
and heals it again as the solution texts say.

    <folder>/DConcept/DeData/ServiceProvider.ini             the file in the data folder
    <folder>/DConcept/DeSetup/SERVICEPROVIDER/ServiceProvider.exe
    <folder>/Program Files (x86)/medatixx GmbH & Co. KG/ServiceProvider_<GUID>/ServiceProvider.{ini,exe}
    <folder>/facts.json                                      what the computer says of itself
"""

import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor, Kind
from praxisd.model.machine import Disk, MachineFacts, ServiceFacts, SqlInstance, known, unknown
from praxisd.sandbox.serviceprovider import Manner, Stand, fill
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.services.serviceprovider import asking
from praxisd.services.serviceprovider.places import NAME, PREFIX, VENDOR
from praxisd.services.serviceprovider.room import room_of
from praxisd.testing.pe_file import program

if TYPE_CHECKING:
    from praxisd.kernel.app import House

GUID = "8330F1B9-514D-409F-B4E3-80ADE4076DA0"
OTHER_GUID = "51EC3B21-1884-424E-A9F0-A417B5160505"
SERVER, OLD_SERVER = "PRAXISSERVER", "ALTERSERVER"
VERSION, OLD_VERSION = "23.3.1.0", "21.4.0.2"
CUSTOMER = "123456"
ID = "vorbereitet"
TREES = {
    "x.concept": ("DConcept", "DeData", "DeSetup/SERVICEPROVIDER", "X.CONCEPT"),
    "x.comfort": ("doc2", "daten/data", "progneu/ServiceProvider", "X.COMFORT"),
    "x.isynet": ("winacs", "Text/ServiceProvider", "tools", "X.ISYNET"),
}
"""Product → top folder, folder of the PVS INI, folder of the set-up, PVS name (seed 003)."""
WAIT_S, SHORT_S = 6.0, 0.6
"""How long an answer is waited for, and where none will come. Seconds."""
_CLI = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)


class Place:
    """One installation in a folder, sound at first."""

    def __init__(self, folder: Path, product: str = "x.concept", host: str = "127.0.0.1") -> None:
        self.folder, self.product, self.host = folder, product, host
        top, below, setup, self.pvs_name = TREES[product]
        self.top = folder / top
        self.data = self.top / below
        self.setup = self.top / setup / "ServiceProvider.exe"
        self.root = folder / "Program Files (x86)" / VENDOR
        self.program_data = folder / "ProgramData" / VENDOR
        self.computer, self.software_host = SERVER, ""
        self.services: list[ServiceFacts] | None = [
            ServiceFacts(name="ServiceProvider", display="Service-Provider", state="running")
        ]
        self.devices = 3
        self.dotnet, self.mapped = "4.8", list[Path]()
        self.sql: tuple[SqlInstance, ...] = (SqlInstance(instance="SQLENT"),)
        self.others: dict[str, MachineFacts] = {}
        self.measured = True
        self.stand: Stand | None = None
        self.wait_s = WAIT_S
        self.blocked: list[socket.socket] = []
        self.port = free_port(host)
        for one in (self.data, self.setup.parent, self.program_data):
            one.mkdir(parents=True)
        self.setup.write_bytes(program(VERSION))
        self.install()
        self.write_pvs(self.whole_pvs())

    @property
    def pvs(self) -> Path:
        """The INI file in the data folder."""
        return self.data / NAME

    @property
    def home(self) -> Path:
        """The provider's folder."""
        return self.root / f"{PREFIX}{GUID}"

    @property
    def ini(self) -> Path:
        """The INI file of the installation."""
        return self.home / NAME

    def install(self, guid: str = GUID, root: Path | None = None) -> Path:
        """Lay down an installation, as the vendor's set-up does."""
        home = (root or self.root) / f"{PREFIX}{guid}"
        home.mkdir(parents=True, exist_ok=True)
        path = "" if self.product == "x.isynet" else str(self.data)
        (home / NAME).write_text(
            f"[Install]\r\nInstalled=1\r\nUniqueIdentifizier={guid}\r\nTCPPort={self.port}\r\nPVSTName={self.pvs_name}\r\n"
            f"PVSDDataPath={path}\r\nKundennummer={CUSTOMER}\r\n",
            newline="",
        )
        (home / "ServiceProvider.exe").write_bytes(program(VERSION))
        return home

    def whole_pvs(self, guid: str = GUID, host: str | None = None, port: int | None = None) -> str:
        """The seed's example."""
        host = host or self.computer
        text = f"[INSTALL]\r\nHostname={host}\r\nUniqueIdentifizier={guid}\r\nInstalled=1\r\nTCPPort={port or self.port}\r\n"
        if self.product == "x.isynet":
            text += (
                f"ConnectionString=Data Source={host}\\SQLENT; Initial Catalog=WINACS; Integrated Security=True; "
                "Connect Timeout=90;\r\nAsync=True; Enlist=True;\r\n"
            )
        return text

    def write_pvs(self, text: str, encoding: str = "utf-8") -> None:
        """Write the file in the data folder, in one of its encodings."""
        self.pvs.write_bytes(text.encode(encoding))

    def change(self, file: Path, old: str, new: str) -> None:
        """What a person does in an editor; AssertionError if the old text does not stand there once."""
        text = file.read_bytes().decode()
        if text.count(old) != 1:
            raise AssertionError(f"{old!r} is not in {text!r} once")
        file.write_bytes(text.replace(old, new).encode())

    def facts(self) -> MachineFacts:
        """What the computer says of itself; the same lies in facts.json."""
        disks = [Disk(volume=str(one), mapped=known(True)) for one in self.mapped]
        found = MachineFacts(
            host=self.computer.lower(),
            at=0,
            computer_name=known(self.computer),
            addresses=known((self.host,)),
            services=unknown() if self.services is None else known(tuple(self.services)),
            dotnet=known(self.dotnet),
            sql=known(self.sql),
            disks=known((Disk(volume="/", mapped=known(False)), *disks)) if disks else unknown(),
        )
        (self.folder / "facts.json").write_bytes(msgspec.json.encode(found))
        return found

    def start(self, manner: Manner = "good") -> None:
        """Start the service, again if it runs: it fills the INI in the data folder and answers."""
        self.stop()
        where = self.home if self.ini.exists() else next(self.root.glob(f"{PREFIX}*"))
        self.stand = Stand(where, self.host, self.port, manner, VERSION)
        if (
            self.product == "x.isynet" and self.pvs.exists()
        ):  # its data path is empty; the real one knows the folder
            fill(self.pvs, GUID, self.port)
        self.wait_s = SHORT_S if manner == "hang" else WAIT_S

    def stop(self) -> None:
        """Nothing answers any more."""
        if self.stand is not None:
            self.stand.close()
            self.stand = None
        while self.blocked:
            self.blocked.pop().close()

    def block(self) -> None:
        """Let connections be dropped as a firewall does: a queue that is full and never emptied."""
        self.stop()
        listener = socket.create_server((self.host, self.port), backlog=0)
        self.blocked.append(listener)
        self.wait_s = SHORT_S
        for _ in range(8):
            one = socket.socket()
            one.settimeout(0.3)
            self.blocked.append(one)
            with suppress(OSError):
                one.connect((self.host, self.port))
                continue
            return

    def enter(self, house: "House") -> None:
        """Enter it as the only practice software of a house, which sees this computer through its facts."""
        room = room_of(house)
        room.facts = lambda _house, host: self._told(host)
        room.ask = lambda host, address, port: asking.ask(
            host, address or self._resolved(host), port, self.wait_s
        )
        what = Software(
            id=ID, product=self.product, role="server", data_folder=str(self.top), program_folder=str(self.root),
            host=self.software_host, devices=self.devices, customer_number=CUSTOMER,
        )  # fmt: skip
        house.store.run(_CLI, lambda tx: software_store.put(tx, what))

    def _resolved(self, host: str) -> str:
        """The address of a name in this practice; "" leaves it to the system."""
        if host.casefold() in (self.computer.casefold(), self.software_host.casefold()):
            return self.host
        return "127.0.0.1" if host in self.others else ""

    def _told(self, host: str | None) -> MachineFacts | None:
        if host is None or host.casefold() in (self.computer.casefold(), self.software_host.casefold()):
            return self.facts() if self.measured else None
        return self.others.get(host)


def machine(name: str, *services: ServiceFacts) -> MachineFacts:
    """Another computer."""
    return MachineFacts(
        host=name.lower(),
        at=0,
        computer_name=known(name),
        addresses=known(("127.0.0.1",)),
        services=known(services),
    )


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody uses now."""
    with socket.create_server((host, 0)) as found:
        return int(found.getsockname()[1])
