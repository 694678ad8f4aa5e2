"""Every way of the seed's table to break a ServiceProvider, what must be said of it, and how the solution text heals it."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from praxisd.model.machine import ServiceFacts, SqlInstance
from praxisd.services.serviceprovider import words as w
from praxisd.services.serviceprovider.places import PREFIX, VENDOR
from praxisd.testing.pe_file import program
from praxisd.testing.prepared import GUID, OLD_SERVER, OLD_VERSION, OTHER_GUID, SERVER, Place, machine

Act = Callable[[Place], object]
SQL_SERVER = "SQLRECHNER"
STOPPED = ServiceFacts(name="ServiceProvider", display="Service-Provider", state="stopped")
RUNNING = ServiceFacts(name="ServiceProvider", display="Service-Provider", state="running")


@dataclass(frozen=True)
class Case:
    """One prepared installation: how it is broken, the codes that must be found (no more), and its healing by hand.

    `answers`: the provider listens while it is broken.
    """

    name: str
    codes: tuple[str, ...]
    breaks: Act = lambda _place: None
    heals: Act = lambda place: place.start()
    product: str = "x.concept"
    answers: bool = True


def build(case: Case, folder: Path) -> Place:
    """The installation in a folder of its own, broken, its provider at work."""
    place = Place(
        folder / case.name, case.product, "127.0.0.2" if case.name == "facts_missing" else "127.0.0.1"
    )
    if case.answers:
        place.start()
    case.breaks(place)
    place.facts()
    return place


def _edit(file: str, old: str, new: str) -> tuple[Act, Act]:
    """Break by one edit of the file `pvs` or `ini`, heal by the opposite and a restart."""

    def heals(place: Place) -> None:
        place.change(getattr(place, file), new, old)
        place.start()

    return lambda place: place.change(getattr(place, file), old, new), heals


def _set(name: str, bad: object, good: object) -> tuple[Act, Act]:
    return lambda place: setattr(place, name, bad), lambda place: setattr(place, name, good)


def _gone(place: Place) -> None:
    place.stop()
    shutil.rmtree(place.home)
    place.services = []
    place.pvs.unlink()


def _installed_anew(place: Place) -> None:
    """PVS INI first, only with the host name; then the set-up; the service fills the rest."""
    for root in (place.root, place.program_data):
        for one in root.glob(f"{PREFIX}*"):
            shutil.rmtree(one)
    place.write_pvs(f"[Install]\r\nHostname={place.computer}\r\n")
    place.install()
    place.services, place.mapped = [RUNNING], []
    place.start()


def _another_answers(place: Place) -> None:
    """Nothing is installed, and the provider of another program answers where this one would be looked for."""
    place.start()
    shutil.rmtree(place.home)
    place.services = []
    place.pvs.unlink()


def _nothing_but_an_answer(place: Place) -> None:
    """The same on a computer whose services and programs cannot be listed."""
    _another_answers(place)
    shutil.rmtree(place.root)
    place.services = None


def _local_name(place: Place) -> None:
    place.devices = 0
    place.change(place.pvs, SERVER, "localhost")


def _only_computer(place: Place) -> None:
    _local_name(place)
    place.devices = 1


def _moved_to_sql(place: Place) -> None:
    """Uninstalled, the computer with SQL Server entered, installed there."""
    place.computer = place.software_host = SQL_SERVER
    place.sql = (SqlInstance(instance="SQLENT"),)
    _installed_anew(place)


def _second_line(place: Place) -> None:
    place.change(place.pvs, f"Data Source={SERVER}\\SQLENT; ", "")
    place.change(place.pvs, "Async=True; ", "Data Source=EMPFANG1\\SQLENT; ")


def _second_line_right(place: Place) -> None:
    place.change(place.pvs, "=EMPFANG1\\", f"={SERVER}\\")


def _elsewhere(place: Place) -> None:
    place.stop()
    shutil.rmtree(place.home)
    place.services = []
    place.others[OLD_SERVER] = machine(OLD_SERVER, RUNNING)
    place.write_pvs(place.whole_pvs(host=OLD_SERVER))


def _on_network_drive(place: Place) -> None:
    drive = place.folder / "Netzlaufwerk"
    place.root = drive / "Program Files (x86)" / VENDOR
    place.install()
    place.mapped = [drive]


def _off_network_drive(place: Place) -> None:
    shutil.rmtree(place.home)
    place.root = place.folder / "Program Files (x86)" / VENDOR
    _installed_anew(place)


def _through_network_drive(place: Place) -> None:
    drive = place.folder / "Z"
    drive.symlink_to(place.top)
    place.mapped = [drive]
    place.change(place.ini, f"={place.data}\r\n", f"={drive / 'DeData'}\r\n")


def _local_path(place: Place) -> None:
    place.change(place.ini, f"={place.folder / 'Z' / 'DeData'}\r\n", f"={place.data}\r\n")
    place.start()


def _stale(place: Place) -> None:
    place.write_pvs(place.whole_pvs(OTHER_GUID, OLD_SERVER, 23173))


def _only_host(place: Place) -> None:
    place.write_pvs(f"[Install]\r\nHostname={SERVER}\r\n")
    place.start()


def _old_copy(place: Place) -> None:
    """The path leads to a copy of the data folder that was left behind."""
    copy = place.folder / "Alt" / "DConcept" / "DeData"
    shutil.copytree(place.data, copy)
    place.change(place.ini, f"={place.data}\r\n", f"={copy}\r\n")


def _wrong_content(place: Place) -> None:
    place.pvs.write_bytes(b"%PDF-1.7\nno settings at all\n")


def _elsewhere_measured(place: Place) -> None:
    place.software_host = place.computer = "127.0.0.2"
    place.write_pvs(place.whole_pvs())
    place.measured = False


def _renamed(place: Place) -> None:
    """The two files agree, and the folder is called otherwise."""
    for file in (place.ini, place.pvs):
        place.change(file, GUID, OTHER_GUID)


def _renamed_back(place: Place) -> None:
    for file in (place.ini, place.pvs):
        place.change(file, OTHER_GUID, GUID)
    place.start()


def _manner(manner: str) -> Act:
    return lambda place: place.start(manner)  # type: ignore[arg-type]


def _version(version: str) -> Act:
    def act(place: Place) -> None:
        (place.home / "ServiceProvider.exe").write_bytes(program(version))

    return act


def _both(old: str, new: str) -> tuple[Act, Act]:
    def breaks(place: Place) -> None:
        for file in (place.pvs, place.ini):
            place.change(file, old, new)

    def heals(place: Place) -> None:
        for file in (place.pvs, place.ini):
            place.change(file, new, old)
        place.start()

    return breaks, heals


def _other_utf16(place: Place) -> None:
    place.write_pvs("\ufeff" + place.whole_pvs(), "utf-16-le")


def _odd_but_right(place: Place) -> None:
    """A tail of NUL bytes, comments, another order: nothing that matters."""
    text = f"; Praxis\r\n[install]\r\nTCPPORT={place.port}\r\nINSTALLED=1\r\n"
    text += f"UniqueIdentifier={GUID.lower()}\r\nHostname={SERVER.lower()}\r\n"
    place.write_pvs(text + "\0" * 40)


def _empty_path() -> tuple[Act, Act]:
    def heals(place: Place) -> None:
        place.change(place.ini, "PVSDDataPath=", f"PVSDDataPath={place.data}")
        place.start()

    return lambda place: place.change(place.ini, str(place.data), ""), heals


def _service_stopped() -> tuple[Act, Act]:
    def breaks(place: Place) -> None:
        place.stop()
        place.services = [STOPPED]

    def heals(place: Place) -> None:
        place.services = [RUNNING]
        place.start()

    return breaks, heals


def _service_gone(place: Place) -> None:
    place.stop()
    place.services = []


def _other_port() -> tuple[Act, Act]:
    def heals(place: Place) -> None:
        place.change(place.pvs, "=23173", f"={place.port}")
        place.start()

    return lambda place: place.change(place.pvs, f"={place.port}", "=23173"), heals


def _written_again(place: Place) -> None:
    place.write_pvs(place.whole_pvs())
    place.start()


def _two() -> tuple[Act, Act]:
    number = "Kundennummer=123456\r\n"

    def breaks(place: Place) -> None:
        place.change(place.pvs, "Installed=1", "Installed =1")
        place.change(place.ini, number, "")

    def heals(place: Place) -> None:
        place.change(place.pvs, "Installed =1", "Installed=1")
        place.change(place.ini, "TCPPort", f"{number}TCPPort")

    return breaks, heals


def _left_over(place: Place) -> None:
    place.install(OTHER_GUID, place.program_data)


CASES = (
    Case("good", ()),
    Case("good_comfort", (), product="x.comfort"),
    Case("good_isynet", (), product="x.isynet"),
    Case("good_utf16", (), _other_utf16),
    Case("good_odd", (), _odd_but_right),
    Case("good_two_spellings", (), _edit("pvs", "Unique", "UniqueIdentifier=AAAA\r\nUnique")[0]),
    Case("good_local_name", (), _only_computer),
    Case("not_filled", (w.NOT_FILLED,), lambda place: place.write_pvs(f"[Install]\r\nHostname={SERVER}\r\n")),
    Case("unreachable", (w.UNREACHABLE,), answers=False),
    Case("outdated", (w.OUTDATED,), _version(OLD_VERSION), _version("23.3.1.0")),
    Case("not_enabled", (w.NOT_ENABLED,), *_edit("pvs", "Installed=1", "Installed=0")),
    Case("not_enabled_both", (w.NOT_ENABLED,), *_both("Installed=1", "Installed=")),
    Case("datapath_invalid", (w.DATAPATH_INVALID,), lambda place: place.pvs.unlink(), _installed_anew),
    Case("datapath_old_copy", (w.DATAPATH_INVALID,), _old_copy, _installed_anew),
    Case("datapath_top", (w.DATAPATH_INVALID,), _edit("ini", "/DeData", "")[0], _installed_anew),
    Case("datapath_missing", (w.DATAPATH_MISSING,), *_edit("ini", "DeData", "DeWeg")),
    Case("datapath_empty", (w.DATAPATH_MISSING,), *_empty_path()),
    Case("pvs_unknown", (w.PVS_UNKNOWN,), *_edit("ini", "X.CONCEPT", "X.KONZEPT")),
    Case("not_installed", (w.NOT_INSTALLED,), _gone, _installed_anew),
    Case("not_installed_other_answers", (w.NOT_INSTALLED,), _another_answers, _installed_anew),
    Case("stopped", (w.STOPPED,), *_service_stopped()),
    Case("wrong_machine", (w.WRONG_MACHINE,), _elsewhere, _installed_anew),
    Case("sql_missing", (w.SQL_MISSING,), _set("sql", (), ())[0], _moved_to_sql, product="x.isynet"),
    Case("installed_twice", (w.INSTALLED_TWICE,), lambda place: place.install(OTHER_GUID), _installed_anew),
    Case("installed_twice_left_over", (w.INSTALLED_TWICE,), _left_over, _installed_anew),
    Case("folder_missing", (w.FOLDER_MISSING,), lambda place: shutil.rmtree(place.home), _installed_anew),
    Case("service_missing", (w.SERVICE_MISSING,), _service_gone, _installed_anew),
    Case("identifier_differs", (w.IDENTIFIER_DIFFERS,), *_edit("pvs", GUID, OTHER_GUID)),
    Case("identifier_of_folder", (w.IDENTIFIER_DIFFERS,), _renamed, _renamed_back),
    Case("port_differs", (w.PORT_DIFFERS,), *_other_port()),
    Case("mapped_drive", (w.MAPPED_DRIVE,), _on_network_drive, _off_network_drive),
    Case("mapped_path", (w.MAPPED_DRIVE,), _through_network_drive, _local_path),
    Case("dotnet_old", (w.DOTNET_OLD,), *_set("dotnet", "4.7.2", "4.8.1")),
    Case("customer_number_missing", (w.CUSTOMER_NUMBER_MISSING,), *_edit("ini", "Kundennummer=123456", "Kundennummer=")),
    Case("spaces", (w.SPACES,), *_both("Installed=1", "Installed = 1")),
    Case("stale", (w.STALE,), _stale, _only_host),
    Case("hostname_missing", (w.HOSTNAME_MISSING,), *_edit("pvs", f"Hostname={SERVER}", "Hostname=")),
    Case("hostname_differs", (w.HOSTNAME_DIFFERS,), *_edit("pvs", SERVER, "EMPFANG1")),
    Case("hostname_of_itself", (w.HOSTNAME_DIFFERS,), *_edit("pvs", SERVER, "localhost")),
    Case("hostname_local", (w.HOSTNAME_LOCAL,), _local_name, lambda place: setattr(place, "devices", 1)),
    Case(
        "connection_host_going_on", (w.CONNECTION_HOST,), _second_line, _second_line_right, product="x.isynet",
    ),
    Case(
        "connection_host", (w.CONNECTION_HOST,), *_edit("pvs", f"Data Source={SERVER}\\", "Data Source=EMPFANG1\\"),
        product="x.isynet",
    ),
    Case("ini_missing", (w.INI_MISSING,), lambda place: place.pvs.unlink(), _only_host, product="x.isynet"),
    Case("ini_missing_alone", (w.INI_MISSING,), _nothing_but_an_answer, _installed_anew),
    Case("ini_missing_program", (w.INI_MISSING,), lambda place: place.ini.unlink(), _installed_anew),
    Case("ini_unreadable", (w.INI_UNREADABLE,), _wrong_content, _written_again),
    Case("key_twice", (w.KEY_TWICE,), *_edit("pvs", "Installed=1\r\n", "Installed=1\r\nuniqueidentifizier=x\r\n")),
    Case("filtered", (w.FILTERED,), lambda place: place.block()),
    *(Case(f"wrong_answer_{one}", (w.WRONG_ANSWER,), _manner(one)) for one in ("hang", "garbage", "error", "close")),
    Case("facts_missing", (w.FACTS_MISSING,), _elsewhere_measured, lambda place: setattr(place, "measured", True)),
    Case("two_causes", (w.SPACES, w.CUSTOMER_NUMBER_MISSING), *_two()),
)  # fmt: skip


def write_all(folder: Path) -> list[Place]:
    """All of them side by side in a folder, at work, each with `expected.json`: its codes. The caller stops them."""
    made = []
    for case in CASES:
        place = build(case, folder)
        told = {
            "product": case.product,
            "folder": str(place.top),
            "programFolder": str(place.root),
            "codes": case.codes,
        }
        (place.folder / "expected.json").write_bytes(msgspec.json.encode(told))
        made.append(place)
    return made


if (
    __name__ == "__main__"
):  # python -m praxisd.testing.prepared_cases FOLDER: to look at them with `praxisd serve`
    places = write_all(Path(sys.argv[1]))
    sys.stdin.read()  # until the terminal says so (Ctrl+D)
    for one in places:
        one.stop()
