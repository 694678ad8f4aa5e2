"""What Windows tells, read: registry values and PowerShell's answers in the form Microsoft documents."""

import json
from base64 import b64decode
from typing import Any

import pytest

from praxisd.model.machine import Disk, Fact, Graphics, Office, Screen, known, unknown
from praxisd.services.diagnosis import measuring_powershell as shell
from praxisd.services.diagnosis import measuring_registry as registry
from praxisd.services.diagnosis.measuring_network import QUESTIONS
from praxisd.services.diagnosis.measuring_probe import Undetermined
from praxisd.services.diagnosis.measuring_rights import rights_script

from . import powershell

ELEVEN = {
    "ProductName": "Windows 10 Pro",  # so it says on Windows 11 too
    "EditionID": "Professional",
    "InstallationType": "Client",
    "CurrentBuildNumber": "22631",
    "CurrentMajorVersionNumber": 10,
    "CurrentMinorVersionNumber": 0,
    "UBR": 4460,
}
SERVER = {
    "ProductName": "Windows Server 2012 R2 Essentials",
    "EditionID": "ServerSolution",
    "InstallationType": "Server",
    "CurrentBuildNumber": "9600",
    "CurrentVersion": "6.3",
}


def test_the_system_by_its_registry() -> None:
    eleven = registry.system_facts(ELEVEN, "AMD64", "0407")
    assert (eleven.name.value, eleven.edition.value, eleven.version.value) == (
        "Windows 11",
        "Pro",
        "10.0.22631.4460",
    )
    assert (eleven.bits.value, eleven.language.value, eleven.server.value) == (64, "de-DE", False)
    server = registry.system_facts(SERVER, "AMD64", "0409")
    assert (server.name.value, server.edition.value) == ("Windows Server 2012 R2", "Essentials")
    assert (server.version.value, server.language.value, server.server.value) == ("6.3.9600", "en-US", True)
    home = registry.system_facts(
        {**ELEVEN, "EditionID": "Core", "CurrentBuildNumber": "19045"}, "x86", "0407"
    )
    assert (home.name.value, home.edition.value, home.bits.value) == ("Windows 10", "Home", 32)


def test_what_the_registry_does_not_tell_is_no_guess() -> None:
    bare = registry.system_facts({}, "AMD64", "")
    assert {bare.name.why, bare.edition.why, bare.version.why, bare.language.why} == {"failed"}
    with pytest.raises(Undetermined):
        registry.directx_of("")


@pytest.mark.parametrize(
    ("release", "version"), [(None, ""), (378388, ""), (528040, "4.8"), (528049, "4.8"), (533325, "4.8.1"), (461814, "4.7.2")]
)  # fmt: skip
def test_dotnet_framework_by_its_release_number(release: int | None, version: str) -> None:
    assert registry.dotnet_of(release) == version


def test_runtimes_and_directx() -> None:
    assert registry.runtimes_of(["6.0.36", "10.0.0", "6.0.36", "", "x"]) == ("6.0.36", "10.0.0")
    assert registry.directx_of("4.09.00.0904") == "9.0c"


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        ("ProPlus2019Volume,VisioPro2019Volume", ["Word 2019"]),
        ("HomeBusiness2021Retail", ["Word 2021"]),
        ("O365BusinessRetail", ["Word Microsoft 365"]),
        ("ProPlusRetail", ["Word 2016"]),
        ("VisioPro2019Volume", []),
        ("", []),
    ],
)
def test_word_by_click_to_run(ids: str, names: list[str]) -> None:
    told = {"ProductReleaseIds": ids, "Platform": "x86", "VersionToReport": "16.0.10416.20058"}
    found = registry.office_of(told, {})
    assert [one.name for one in found] == names and all(one.bits == known(32) for one in found)


def test_word_by_msi() -> None:
    assert registry.office_of({}, {"15.0": False, "16.0": True}) == (
        Office(name="Word 2016", version=known("16.0"), bits=known(32)),
        Office(name="Word 2013", version=known("15.0"), bits=known(64)),
    )
    assert registry.office_of({}, {}) == ()


def test_instances_of_sql_server() -> None:
    found = registry.sql_of({"SQLENT": "15.0.2000.5", "OLD": "10.50.6000.34", "NEW": "99.0.1", "BARE": ""})
    assert [(one.instance, one.release.value) for one in found] == [
        ("BARE", None), ("NEW", None), ("OLD", "2008 R2"), ("SQLENT", "2019"),
    ]  # fmt: skip


LONG = r"C:\Program Files (x86)\medatixx GmbH & Co. KG\SP\ServiceProvider.exe"


@pytest.mark.parametrize(
    ("command", "program"),
    [
        (f'"{LONG}" -k', LONG),
        (LONG, LONG),
        (r"C:\Program Files\x y\a.exe -svc b.exe", r"C:\Program Files\x y\a.exe"),
        (r"C:\Windows\system32\svchost.exe -k netsvcs -p", r"C:\Windows\system32\svchost.exe"),
        (r"C:\odd\program /x", r"C:\odd\program"),
    ],
)
def test_the_program_of_a_service(command: str, program: str) -> None:
    assert registry.program_of(command) == program


def said(**answers: Any) -> shell.Told:
    lines = []
    for name, value in answers.items():
        lines.append(
            json.dumps(
                {"name": name, "why": value} if isinstance(value, str) else {"name": name, "value": value}
            )
        )
    return shell.Told("\ufeff" + "\r\n".join(lines))


def test_hardware_by_powershell() -> None:
    card = {
        "Name": "NVIDIA T400",
        "AdapterRAM": 4293918720,
        "CurrentHorizontalResolution": 1920,
        "CurrentVerticalResolution": 1080,
    }
    told = said(
        video=[card, {"Name": "Remote", "AdapterRAM": None, "CurrentHorizontalResolution": None}],
        video_memory=[{"DriverDesc": "NVIDIA T400", "HardwareInformation.qwMemorySize": 4 << 30}],
        computer=[{"PartOfDomain": True, "Domain": "praxis.local", "PCSystemType": 1, "Model": "OptiPlex"}],
        usb=[2],
        battery=[1],
        printers=[{"Name": "HL-5450DN", "HorizontalResolution": 600, "VerticalResolution": 1200}, {"Name": "PDF"}],
    )  # fmt: skip
    facts = shell.hardware(told)
    assert facts["graphics"].value == (
        Graphics(name="NVIDIA T400", memory_mb=known(4096)),
        Graphics(name="Remote", memory_mb=unknown("not_here")),
    )
    assert facts["screens"] == known((Screen(width=1920, height=1080),))
    assert (
        facts["domain"] == known("praxis.local")
        and facts["usb"] == known(True)
        and facts["ups"] == known(True)
    )
    assert [one.dpi.value for one in facts["printers"].value] == [600, None]


def test_a_laptop_battery_is_no_ups_and_no_battery_is_no_proof() -> None:
    for computer, battery, why in (
        ({"PCSystemType": 2, "Model": "Latitude"}, 1, "not_measurable"),
        ({"PCSystemType": 1, "Model": "OptiPlex"}, 0, "not_measurable"),
        ({"PCSystemType": 1, "Model": "VMware7,1"}, 0, "virtual"),
    ):
        assert shell.hardware(said(computer=[computer], battery=[battery]))["ups"] == unknown(why)
    assert shell.hardware(said(computer=[{"PartOfDomain": False}], battery=[0]))["domain"] == known("")


def test_each_answer_stands_apart() -> None:
    facts = shell.hardware(said(usb=[1], computer="denied"))
    assert facts["usb"] == known(True) and facts["domain"] == unknown("denied")
    assert facts["graphics"] == facts["screens"] == facts["printers"] == unknown("timeout")
    assert said(usb=[1], computer="denied").complete({"usb": "", "computer": ""})
    assert not said(usb=[1]).complete({"usb": "", "computer": ""})
    assert shell.hardware(shell.Told("", "no_program"))["usb"] == unknown("no_program")
    cut = shell.Told('{"name":"usb","value":[1]}\r\n{"name":"video","val')
    assert shell.hardware(cut)["usb"] == known(True)


def test_protection_by_powershell() -> None:
    on, off = {"Name": "Domain", "On": True}, {"Name": "Public", "On": False}
    facts = shell.protection(said(firewall=[on, on], antivirus=[{"displayName": "G DATA"}], updates=[3]))
    assert facts == {"firewall": known(True), "antivirus": known(("G DATA",)), "updates_pending": known(3)}
    assert shell.protection(said(firewall=[on, off]))["firewall"] == known(False)


def test_drives_by_powershell() -> None:
    rows = [
        {"Letter": "C", "Media": "SSD", "Bus": "NVMe", "Health": "Healthy", "Wear": 4},
        {"Letter": "D", "Media": "HDD", "Bus": "SATA", "Health": "Warning", "Wear": None},
        {"Letter": "E", "Media": "Unspecified", "Bus": "SAS", "Health": ""},
        {"Letter": "F", "Media": "SSD", "Bus": "USB", "Health": "Healthy"},
    ]
    told, guarded = (
        said(disks=rows),
        said(bitlocker=[{"MountPoint": "C:", "On": True}, {"MountPoint": "D:", "On": False}]),
    )

    def drive(letter: str) -> dict[str, Fact[Any]]:
        return shell.disk_facts(Disk(volume=f"{letter}:\\"), told, guarded)

    assert drive("C") == {
        "kind": known("ssd"),
        "healthy": known(True),
        "worn": known(4),
        "encrypted": known(True),
    }
    assert drive("D")["healthy"] == known(False) and drive("D")["worn"] == unknown("not_here")
    assert drive("D")["kind"] == known("hdd") and drive("D")["encrypted"] == known(False)
    assert drive("E")["kind"] == unknown("virtual") and drive("F")["kind"] == known("removable")
    assert drive("G")["kind"] == unknown("not_here")


def test_the_script_asks_each_question_in_a_try_of_its_own() -> None:
    for questions in (shell.HARDWARE, shell.PROTECTION, QUESTIONS):
        lines = shell.script(questions).splitlines()[2:]
        assert len(lines) == len(questions)
        for line, name in zip(lines, questions, strict=True):
            assert line.startswith("try { ") and f"name = '{name}'; why = 'failed'" in line
            assert line.count("{") == line.count("}") and line.count("(") == line.count(")")
    code = shell.powershell("Get-Date 'ä'")[-1]
    assert b64decode(code).decode("utf-16-le") == "Get-Date 'ä'"
    assert "'C:\\O''Neill'" in rights_script("C:\\O'Neill")


def test_a_grammar_of_powershell_reads_the_scripts() -> None:
    scripts = [shell.script(one) for one in (shell.HARDWARE, shell.PROTECTION, QUESTIONS)]
    for made in (*scripts, rights_script("C:\\O'Neill")):
        assert powershell.faults(made) == [] and powershell.commands(made)
    assert powershell.faults("Get-X -Property @(a, b)") != []


def test_without_powershell_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Undetermined) as caught:
        shell.ask({"usb": "1"}, 5)
    assert caught.value.why == "no_program"
