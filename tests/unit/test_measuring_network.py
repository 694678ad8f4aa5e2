"""Network adapters: only what is a part of the computer tells of its cable, and only where the computer is none itself."""

import json
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from praxisd.model.machine import Fact, known, unknown
from praxisd.services.diagnosis import measuring_network as net
from praxisd.services.diagnosis.measuring_network import Adapter, networks
from praxisd.services.diagnosis.measuring_powershell import Told
from praxisd.services.diagnosis.measuring_probe import Undetermined

HYPER_V = (
    Adapter("Ethernet", 100, ""),
    Adapter("OpenVPN TAP", 1_000, "10.8.0.2"),
    Adapter("vEthernet (Praxis)", 10_000, "192.168.1.10"),
)


def speeds(found: Any) -> dict[str, Fact[int]]:
    return {one.name: one.mbit for one in found}


def test_a_virtual_adapter_says_nothing_of_the_cable() -> None:
    found = networks(HYPER_V, {"Ethernet": 100}, guest=False)
    assert speeds(found) == {
        "Ethernet": known(100),
        "OpenVPN TAP": unknown("virtual_adapter"),
        "vEthernet (Praxis)": unknown("virtual_adapter"),
    }
    assert [one.address.value for one in found] == [None, "10.8.0.2", "192.168.1.10"]


def test_a_virtual_computer_and_a_silent_part_say_no_speed() -> None:
    assert speeds(networks([], {"Ethernet": 10_000}, guest=True)) == {"Ethernet": unknown("virtual")}
    assert speeds(networks([], {"wlan0": 0}, guest=False)) == {"wlan0": unknown("not_here")}
    with pytest.raises(Undetermined):
        networks([Adapter("tap0", 10, "")], {}, guest=False)


def test_windows_names_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net, "adapters", lambda: list(HYPER_V))
    rows = [
        {"Name": "Ethernet", "ReceiveLinkSpeed": 100_000_000, "TransmitLinkSpeed": 100_000_000},
        {"Name": "WLAN", "ReceiveLinkSpeed": 866_700_000, "TransmitLinkSpeed": 585_000_000},
        {"Name": "Neu", "ReceiveLinkSpeed": None, "TransmitLinkSpeed": None},
    ]

    def told(model: str) -> Told:
        lines = [{"name": "adapters", "value": rows}, {"name": "computer", "value": [{"Model": model}]}]
        return Told("\n".join(map(json.dumps, lines)))

    found = speeds(net.windows(told("OptiPlex 7010"))["network"].value)
    assert (found["Ethernet"], found["WLAN"], found["Neu"]) == (known(100), known(585), unknown("not_here"))
    assert found["vEthernet (Praxis)"] == unknown("virtual_adapter")
    assert speeds(net.windows(told("Virtual Machine"))["network"].value)["Ethernet"] == unknown("virtual")
    for silent in (Told(""), Told(json.dumps({"name": "adapters", "value": rows}))):
        with pytest.raises(Undetermined):  # which are parts, or whether it is virtual, was not told
            net.windows(silent)


def test_linux_names_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "enp3s0" / "device").mkdir(parents=True)
    (tmp_path / "docker0").mkdir()
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name\t: hypervisor\nflags\t\t: fpu sse\n")
    monkeypatch.setattr(net, "_SYS", tmp_path)
    monkeypatch.setattr(net, "_CPU", cpuinfo)

    def state(speed: int, up: bool = True) -> SimpleNamespace:
        return SimpleNamespace(isup=up, speed=speed)

    def address(ip: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(family=socket.AF_INET, address=ip)]

    states = {"lo": state(0), "enp3s0": state(100), "docker0": state(10_000), "eth9": state(1_000, False)}
    homes = {"lo": address("127.0.0.1"), "enp3s0": [], "docker0": address("172.17.0.1")}
    monkeypatch.setattr(net.psutil, "net_if_stats", lambda: states)
    monkeypatch.setattr(net.psutil, "net_if_addrs", lambda: homes)
    found = speeds(net.linux()["network"].value)
    assert found == {"enp3s0": known(100), "docker0": unknown("virtual_adapter")}
    cpuinfo.write_text("flags\t\t: fpu hypervisor sse\n")
    assert speeds(net.linux()["network"].value)["enp3s0"] == unknown("virtual")
