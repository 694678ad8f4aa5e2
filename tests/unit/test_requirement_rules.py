"""Requirements: fulfilled, not fulfilled, or could not be determined; without a fact it is never green."""

from typing import Any

import msgspec
import pytest

from praxisd.model import requirement as needs
from praxisd.model.machine import (
    Disk,
    Fact,
    FolderRight,
    Graphics,
    MachineFacts,
    Network,
    Office,
    Printer,
    Screen,
    SqlInstance,
    SystemFacts,
    known,
    unknown,
)
from praxisd.model.requirement import Requirement, Words
from praxisd.services.diagnosis.measuring_probe import blank
from praxisd.services.diagnosis.product_reading import built_in
from praxisd.services.diagnosis.requirement_name_rules import name_faults
from praxisd.services.diagnosis.requirement_rules import JUDGES, applies, judge
from praxisd.services.diagnosis.requirement_verdict import Place, version_of

WORDS = Words(de="x", en="x")
ALL: Any = {"id": "x", "roles": ("server", "main", "workstation", "terminal"), "text": WORDS}
PLACE = Place("server", "C:\\DConcept", True)


def facts(**given: Any) -> MachineFacts:
    return MachineFacts(
        host="srv",
        at=0,
        **{n: v if isinstance(v, Fact | msgspec.Struct) else known(v) for n, v in given.items()},
    )


def windows(name: str, edition: str | None = "Pro") -> MachineFacts:
    told = unknown("failed") if edition is None else known(edition)
    return facts(os=SystemFacts(name=known(name), edition=told))


def drive(letter: str = "C", **given: Any) -> Disk:
    return Disk(
        volume=f"{letter}:\\", **{n: v if isinstance(v, Fact) else known(v) for n, v in given.items()}
    )


def word(name: str, bits: int | None = 32) -> MachineFacts:
    return facts(office=(Office(name=name, bits=unknown("failed") if bits is None else known(bits)),))


def sql(*releases: str | None) -> MachineFacts:
    found = tuple(
        SqlInstance(instance="A", release=unknown("failed") if r is None else known(r)) for r in releases
    )
    return facts(sql=found)


def cards(*sizes: int | None) -> tuple[Graphics, ...]:
    return tuple(Graphics(name="x", memory_mb=unknown("not_here") if s is None else known(s)) for s in sizes)


def nets(*speeds: int | None) -> tuple[Network, ...]:
    return tuple(Network(name="x", mbit=unknown("virtual") if s is None else known(s)) for s in speeds)


VPN = Network(name="vpn", mbit=unknown("virtual_adapter"))
CLIENT = needs.Os(**ALL, names=("Windows 8.1", "Windows 10", "Windows 11"), not_editions=("Home",))
SERVER = needs.Os(
    **ALL,
    names=("Windows Server 2012", "Windows Server 2022"),
    not_editions=("Essentials",),
    but_with=("Windows Server 2022",),
)
WORD = needs.Office(**ALL, names=("Word 2016", "Word 2019"), bits=32)
SQL = needs.SqlServer(**ALL, names=("SQL Server 2016", "SQL Server 2019"))
GRAPHICS = needs.Graphics(**ALL, memory_mb=64, directx="9.0c")
FREE = needs.DiskFreeGb(**ALL, least=500, where="data")
DPI = needs.PrinterDpi(**ALL, least=300)
DELETE = needs.DeleteRight(**ALL, folder="TEMP")
SSD = needs.DiskKind(**ALL, is_="ssd")
CASES: list[tuple[Requirement, MachineFacts, str]] = [
    (needs.CpuGhz(**ALL, least=2.5), MachineFacts(host="a", at=0), "undetermined"),
    (needs.MemoryGb(**ALL, least=8), facts(memory_gb=8.0), "fulfilled"),
    (needs.MemoryGb(**ALL, least=8), facts(memory_gb=7.9), "not_fulfilled"),
    (needs.SessionMemoryGb(**ALL, least=1), facts(memory_gb=8.0, sessions=0), "undetermined"),
    (needs.SessionMemoryGb(**ALL, least=1), facts(memory_gb=8.0, sessions=9), "not_fulfilled"),
    (needs.SessionMemoryGb(**ALL, least=1), facts(memory_gb=8.0, sessions=3), "fulfilled"),
    (needs.NetworkMbit(**ALL, least=1000), facts(network=nets(2500, 1000)), "fulfilled"),
    (needs.NetworkMbit(**ALL, least=1000), facts(network=nets(100, 1000)), "undetermined"),
    (needs.NetworkMbit(**ALL, least=1000), facts(network=nets(1000, None)), "undetermined"),
    (needs.NetworkMbit(**ALL, least=1000), facts(network=(*nets(100), VPN)), "not_fulfilled"),
    (needs.NetworkMbit(**ALL, least=1000), facts(network=(*nets(1000), VPN)), "fulfilled"),
    (needs.NetworkMbit(**ALL, least=1000), facts(network=(VPN,)), "undetermined"),
    (needs.NetworkMbit(**ALL, least=1000), facts(network=nets(100)), "not_fulfilled"),
    (needs.NetworkMbit(**ALL, least=1000), facts(network=nets(100, None)), "undetermined"),
    (needs.InternetMbit(**ALL, least=16), facts(network=nets(1000)), "undetermined"),
    (FREE, facts(disks=(drive("C", free_gb=499.9), drive("D", free_gb=900.0))), "not_fulfilled"),
    (FREE, facts(disks=(drive("C", free_gb=500.0),)), "fulfilled"),
    (FREE, facts(disks=(drive("D", free_gb=900.0),)), "undetermined"),
    (FREE, facts(disks=(drive("C", free_gb=unknown("timeout")),)), "undetermined"),
    (needs.DiskFreeGb(**ALL, least=100, where="system"), facts(disks=(drive("C", system=True, free_gb=120.0),)), "fulfilled"),
    (SSD, facts(disks=(drive("C", kind="ssd"), drive("D", kind="hdd"))), "fulfilled"),
    (SSD, facts(disks=(drive("C", kind="hdd"),)), "not_fulfilled"),
    (SSD, facts(disks=(drive("C", kind=unknown("virtual")),)), "undetermined"),
    (GRAPHICS, facts(graphics=cards(None, 128), directx="9.0c"), "fulfilled"),
    (GRAPHICS, facts(graphics=cards(128), directx="9.0b"), "not_fulfilled"),
    (GRAPHICS, facts(graphics=cards(32), directx=unknown("not_here")), "not_fulfilled"),
    (GRAPHICS, facts(graphics=cards(32, None), directx="12"), "undetermined"),
    (GRAPHICS, facts(graphics=cards(128)), "undetermined"),
    (needs.Screen(**ALL, width=1920, height=1080), facts(screens=(Screen(width=2560, height=1440),)), "fulfilled"),
    (needs.Screen(**ALL, width=1920, height=1080), facts(screens=(Screen(width=1920, height=1050),)), "not_fulfilled"),
    (needs.Screen(**ALL, width=1920, height=1080), facts(screens=()), "undetermined"),
    (needs.Usb(**ALL), facts(usb=False), "not_fulfilled"),
    (needs.Ups(**ALL), facts(ups=True), "fulfilled"),
    (needs.Whql(**ALL), facts(), "undetermined"),
    (needs.CardReader(**ALL), facts(card_reader=True), "undetermined"),
    (CLIENT, windows("Windows 11"), "fulfilled"),
    (CLIENT, windows("Windows 10", "Home Single Language"), "not_fulfilled"),
    (CLIENT, windows("Windows 10", None), "undetermined"),
    (CLIENT, windows("Windows 7"), "not_fulfilled"),
    (CLIENT, windows("Debian GNU/Linux 12 (bookworm)", ""), "not_fulfilled"),
    (SERVER, windows("Windows Server 2012 R2", "Standard"), "not_fulfilled"),
    (SERVER, windows("Windows Server 2012", "Essentials"), "not_fulfilled"),
    (SERVER, windows("Windows Server 2022", "Essentials"), "fulfilled"),
    (needs.Bits(**ALL, is_=64), facts(os=SystemFacts(bits=known(32))), "not_fulfilled"),
    (needs.Language(**ALL, is_="de"), facts(os=SystemFacts(language=known("de-AT"))), "fulfilled"),
    (WORD, word("Word 2019"), "fulfilled"),
    (WORD, word("Word 2019", 64), "not_fulfilled"),
    (WORD, word("Word 2019", None), "undetermined"),
    (WORD, word("Word Microsoft 365"), "not_fulfilled"),
    (WORD, facts(office=()), "not_fulfilled"),
    (needs.PdfReader(**ALL), facts(pdf_reader=""), "not_fulfilled"),
    (needs.Dotnet(**ALL, least="4.8"), facts(dotnet="4.7.2"), "not_fulfilled"),
    (needs.Dotnet(**ALL, least="4.8"), facts(dotnet="4.8.1"), "fulfilled"),
    (needs.Dotnet(**ALL, least="4.8"), facts(dotnet=""), "not_fulfilled"),
    (needs.Dotnet(**ALL, least="6", family="core"), facts(dotnet_runtimes=("5.0.17", "10.0.1")), "fulfilled"),
    (needs.Dotnet(**ALL, least="6", family="core"), facts(dotnet_runtimes=()), "not_fulfilled"),
    (SQL, sql("2014", "2019"), "fulfilled"),
    (SQL, sql("2014"), "not_fulfilled"),
    (SQL, sql("2014", None), "undetermined"),
    (SQL, sql(), "not_fulfilled"),
    (needs.SqlServer(**ALL, least=2014), sql("2014"), "fulfilled"),
    (needs.SqlServer(**ALL, least=2014), sql("2008 R2"), "not_fulfilled"),
    (needs.RemoteAccess(**ALL), facts(remote_access=False), "not_fulfilled"),
    (needs.Domain(**ALL), facts(domain="praxis.local"), "fulfilled"),
    (needs.Domain(**ALL), facts(domain=""), "not_fulfilled"),
    (needs.ComputerName(**ALL, max=15), facts(computer_name="SRV-1"), "fulfilled"),
    (needs.ComputerName(**ALL, max=15), facts(computer_name="PRAXISSERVER-NEU"), "not_fulfilled"),
    (DPI, facts(printers=(Printer(name="a", dpi=known(200)), Printer(name="b", dpi=known(600)))), "fulfilled"),
    (DPI, facts(printers=(Printer(name="a", dpi=known(200)),)), "not_fulfilled"),
    (DPI, facts(printers=()), "undetermined"),
    (DELETE, facts(rights=(FolderRight(folder="c:\\dconcept\\temp", granted=known(True)),)), "fulfilled"),
    (DELETE, facts(rights=()), "undetermined"),
    (needs.Told(**ALL, why=WORDS), facts(), "undetermined"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("need", "known_facts", "state"), CASES, ids=[f"{c[0].kind}-{i}" for i, c in enumerate(CASES)]
)
def test_verdicts(need: Requirement, known_facts: MachineFacts, state: str) -> None:
    verdict = judge(need, known_facts, PLACE)
    assert verdict.state == state
    assert (verdict.why is not None) == (state == "undetermined")
    assert verdict.measured is not None or state == "undetermined"


def test_every_kind_is_judged_in_the_cases() -> None:
    assert {type(c[0]) for c in CASES} == set(JUDGES) == set(Requirement.__args__)


@pytest.mark.parametrize("why", ["failed", "timeout", "denied"])
def test_where_no_probe_succeeded_no_requirement_of_any_product_is_decided(why: str) -> None:
    nothing = blank(
        MachineFacts, why, host="a", at=0, os=blank(SystemFacts, why), cpu=blank(type(facts().cpu), why)
    )
    for product in built_in().products.values():
        for need in product.requirements:
            for role in need.roles:
                verdict = judge(need, nothing, Place(role, "C:\\x", True))
                assert verdict.state == "undetermined" and verdict.why, (product.id, need.id)


def test_data_on_another_computer_are_not_judged_here() -> None:
    full = facts(disks=(drive("C", free_gb=900.0, kind="ssd"),), sql=())
    for need in (FREE, SQL):
        assert judge(need, full, Place("server", "C:\\x", False)).why == "other_host"
    assert judge(FREE, full, Place("server", "", True)).why == "no_data_folder"


def test_a_requirement_is_made_of_its_roles_only() -> None:
    need = needs.MemoryGb(id="x", roles=("server",), text=WORDS, least=32)
    assert applies(need, "server") and not applies(need, "workstation")


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        ("WIN10RED5", ()),
        ("DESKTOP-4F2K9QX", ()),
        ("PRAXISSERVER2026", ("length",)),
        ("ANMELDUNG_1", ("character",)),
        ("BÜRO", ("umlaut",)),
        ("Büro Empfang links", ("length", "umlaut", "character")),
    ],
)
def test_names_of_computers(name: str, faults: tuple[str, ...]) -> None:
    assert name_faults(name) == faults


def test_versions_are_numbers() -> None:
    ordered = ["4", "4.7.2", "4.8", "4.8.1", "9.0b", "9.0c", "10"]
    assert sorted(ordered, key=version_of) == ordered
