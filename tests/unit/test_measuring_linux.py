"""What Linux prints and keeps in its files, read; with outputs as the programs write them."""

import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from praxisd.model.machine import Graphics, Screen, known, unknown
from praxisd.services.diagnosis import measuring_general, measuring_rights
from praxisd.services.diagnosis.measuring_disks import encrypted, kind_of, smart_read, whole
from praxisd.services.diagnosis.measuring_general import ghz_of, maker_of, memory_of
from praxisd.services.diagnosis.measuring_linux import (
    cpu_name,
    dpi_of,
    graphics_of,
    runtimes,
    screens_of,
    units,
)
from praxisd.services.diagnosis.measuring_probe import Undetermined
from praxisd.services.diagnosis.measuring_rights import folder_right, mode_grants, quoted, rules_grant

GIB = 1 << 30


@pytest.mark.parametrize(
    ("seen", "sold"),
    [
        (int(7.75 * GIB), 8.0),
        (int(15.5 * GIB), 16.0),
        (int(31.2 * GIB), 32.0),
        (8 * GIB, 8.0),
        (int(7.4 * GIB), 7.4),
        (int(28 * GIB), 28.0),
    ],
)
def test_memory_counts_as_it_is_sold_but_only_where_little_is_hidden(seen: int, sold: float) -> None:
    assert memory_of(seen) == sold


def test_the_processor_tells_its_nominal_clock() -> None:
    text = (
        "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz\n"
    )
    name = cpu_name(text)
    assert name == "Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz" and cpu_name("processor: 0\n") == ""
    assert ghz_of(name, 800.0) == 3.0  # not what it saves energy with at the moment
    assert ghz_of("AMD Ryzen 5 5600G with Radeon Graphics", 4464.0) == 4.46 and ghz_of("x", None) is None
    assert maker_of(name) == "intel" and maker_of("AMD EPYC 7302") == "amd" and maker_of("Zhaoxin") is None


def test_services_of_systemd() -> None:
    text = (
        "cron.service      loaded    active   running Regular background program processing daemon\n"
        "foo.service       not-found inactive dead    foo.service\n"
        "nftables.service  loaded    active   exited  nftables\n"
        "praxisd.service   loaded    failed   failed  praxisd\n"
        "ssh.service       loaded    inactive dead    OpenBSD Secure Shell server\n"
        "a.socket          loaded    active   running A\n"
    )
    found = units(text)
    assert [(one.name, one.state) for one in found] == [
        ("cron", "running"), ("nftables", "running"), ("praxisd", "stopped"), ("ssh", "stopped"),
    ]  # fmt: skip
    assert found[0].display == "Regular background program processing daemon"


def test_runtimes_of_dotnet_and_resolution_of_printers() -> None:
    text = (
        "Microsoft.AspNetCore.App 8.0.11 [/usr/lib/dotnet/shared/Microsoft.AspNetCore.App]\n"
        "Microsoft.NETCore.App 8.0.11 [/usr/lib/dotnet/shared/Microsoft.NETCore.App]\n"
        "Microsoft.NETCore.App 10.0.1 [/usr/lib/dotnet/shared/Microsoft.NETCore.App]\n"
    )
    assert runtimes(text) == ("8.0.11", "10.0.1")
    assert (
        dpi_of("PageSize/Media Size: *A4 Letter\nResolution/Output Resolution: *600dpi 1200x600dpi\n") == 600
    )
    with pytest.raises(Undetermined):
        dpi_of("PageSize/Media Size: *A4\n")


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def block(tmp_path: Path) -> Path:
    """/sys/class/block of a computer: sda (disk) with LUKS and LVM on sda2; nvme0n1; vda; two disks below md0."""
    devices, block = tmp_path / "devices", tmp_path / "block"
    block.mkdir()
    for disk, rotational, removable in (
        ("sda", 1, 0),
        ("nvme0n1", 0, 0),
        ("vda", 1, 0),
        ("sdb", 1, 1),
        ("sdc", 1, 0),
    ):
        put(devices / disk / "queue" / "rotational", f"{rotational}\n")
        put(devices / disk / "removable", f"{removable}\n")
        (block / disk).symlink_to(devices / disk)
    put(devices / "sda" / "sda2" / "partition", "2\n")
    (block / "sda2").symlink_to(devices / "sda" / "sda2")
    for name, uuid, below in (
        ("dm-0", "CRYPT-LUKS2-x", "sda2"),
        ("dm-1", "LVM-x", "dm-0"),
        ("md0", "", "sda sdc"),
    ):
        put(devices / name / "dm" / "uuid", uuid)
        for one in below.split():
            put(devices / name / "slaves" / one, "")
        (block / name).symlink_to(devices / name)
    return block


def test_a_volume_is_followed_down_to_its_disk(block: Path) -> None:
    for device, disk, kind, secret in (
        ("sda2", "sda", "hdd", False),
        ("dm-1", "sda", "hdd", True),
        ("nvme0n1", "nvme0n1", "ssd", False),
    ):
        assert whole(f"/dev/{device}", block) == disk
        assert kind_of(f"/dev/{device}", block) == kind and encrypted(f"/dev/{device}", block) is secret
    assert kind_of("/dev/sdb", block) == "removable"


def test_what_cannot_be_told_of_a_disk_is_not_told(block: Path) -> None:
    for device, why in (("vda", "virtual"), ("md0", "not_here"), ("sdz", "not_here")):
        with pytest.raises(Undetermined) as caught:
            kind_of(f"/dev/{device}", block)
        assert caught.value.why == why
    with pytest.raises(Undetermined):
        encrypted("/dev/vda", block)


def test_smart_of_nvme_sata_and_of_what_may_not_be_read() -> None:
    nvme = {
        "smartctl": {"exit_status": 0},
        "smart_status": {"passed": True},
        "nvme_smart_health_information_log": {"percentage_used": 7},
    }
    assert smart_read(json.dumps(nvme)) == {"healthy": True, "worn": 7}
    table = [
        {"id": 177, "name": "Wear_Leveling_Count", "value": 4},
        {"id": 233, "name": "Other_Meaning", "value": 1},
    ]
    sata = {
        "smartctl": {"exit_status": 8},  # "disk failing" is news about the disk, no failure to read
        "smart_status": {"passed": False},
        "ata_smart_attributes": {"table": table},
    }
    assert smart_read(json.dumps(sata)) == {"healthy": False, "worn": 96}
    assert smart_read(json.dumps(sata | {"endurance_used": {"current_percent": 11}}))["worn"] == 11
    assert smart_read('{"smartctl": {"exit_status": 0}}') == {"healthy": None, "worn": None}
    words = "Smartctl open device: /dev/sda failed: Permission denied"
    shut = {"smartctl": {"exit_status": 2, "messages": [{"string": words}]}}
    with pytest.raises(Undetermined) as caught:
        smart_read(json.dumps(shut))
    assert caught.value.why == "denied"


def test_screens_and_graphics(tmp_path: Path) -> None:
    put(tmp_path / "card0" / "device" / "vendor", "0x1002\n")
    put(tmp_path / "card0" / "device" / "mem_info_vram_total", f"{512 << 20}\n")
    put(tmp_path / "card0-HDMI-A-1" / "status", "connected\n")
    put(tmp_path / "card0-HDMI-A-1" / "modes", "1920x1080\n1280x720\n")
    put(tmp_path / "card0-DP-1" / "status", "disconnected\n")
    put(tmp_path / "card1" / "device" / "vendor", "0x8086\n")
    assert screens_of(tmp_path) == (Screen(width=1920, height=1080),)
    assert graphics_of(tmp_path) == (
        Graphics(name="card0 (0x1002)", memory_mb=known(512)),
        Graphics(name="card1 (0x8086)", memory_mb=unknown("not_here")),
    )
    put(tmp_path / "card0-HDMI-A-1" / "status", "disconnected\n")
    with pytest.raises(Undetermined):
        screens_of(tmp_path)


def test_who_may_delete_in_a_folder(tmp_path: Path) -> None:
    assert mode_grants(0o40777) and not mode_grants(0o41777) and not mode_grants(0o40755)
    os.chmod(tmp_path, 0o777)
    assert folder_right(str(tmp_path)).granted == known(True)
    assert folder_right(str(tmp_path / "gone")).granted == unknown("no_volume")
    modify, read = 1245631, 1179817
    assert rules_grant(f"Allow {modify} S-1-5-32-545\nAllow 2032127 S-1-5-18\n")
    assert not rules_grant(f"Allow {read} S-1-5-32-545\nAllow 2032127 S-1-5-32-544\n")
    assert not rules_grant(f"Allow {modify} S-1-1-0\nDeny 65536 S-1-5-32-545\n")
    assert rules_grant("Allow 268435456 S-1-1-0\n") and not rules_grant("")
    assert quoted("C:\\O'Neill\\$(x)") == "'C:\\O''Neill\\$(x)'"


def test_volumes_are_those_that_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [
        ("overlay", "/", "overlay", "rw"),
        ("/dev/sda2", "/srv", "ext4", "rw"),
        ("/dev/loop1", "/snap/core", "squashfs", "ro"),
        ("tmpfs", "/run", "tmpfs", "rw"),
        ("overlay", "/var/lib/docker/x", "overlay", "rw"),
        ("tank/data", "/tank", "zfs", "rw"),
        ("//nas/daten", "/mnt/nas", "cifs", "rw"),
    ]
    told = [SimpleNamespace(device=d, mountpoint=m, fstype=f, opts=o) for d, m, f, o in parts]
    monkeypatch.setattr(measuring_general.psutil, "disk_partitions", lambda all: told)
    monkeypatch.setattr(measuring_general, "_same", lambda _one, _other: False)
    found = [disk for disk, _ in measuring_general.volume_devices()]
    assert [one.volume for one in found] == ["/", "/srv", "/tank", "/mnt/nas"]
    assert found[0].system == known(True) and found[0].free_gb.known
    nas = found[-1]
    assert nas.mapped == known(True) and nas.target == known("//nas/daten") and nas.kind == known("network")
    assert nas.free_gb.value is None and nas.free_gb.why == "failed"


def test_a_folder_that_answers_nobody_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, asked = threading.Event(), []

    def hang(path: str) -> bool:
        asked.append(path)
        gate.wait(60)
        return True

    monkeypatch.setattr(measuring_rights, "WAIT_S", 0.2)
    monkeypatch.setattr(measuring_rights.os.path, "isdir", hang)
    for _ in range(3):
        assert folder_right("/share/TEMP").granted == unknown("timeout")
    gate.set()
    assert asked == ["/share/TEMP"]  # no thread is left behind for each look
