"""Folders of devices are shared with other computers: what somebody puts there leads to no other place."""

import os
from pathlib import Path

import pytest
from tests.services.devices_cast import Scene, result

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.exchange import devices_store


@pytest.fixture
def scene(house: House, tmp_path: Path) -> Scene:
    return Scene(house, tmp_path)


def test_a_link_in_place_of_a_folder_leads_nowhere(scene: Scene, tmp_path: Path) -> None:
    """`error` that points into the data folder would let a stranger put files there: a mark `laptop.json`, say."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("archive", "error"):
        (scene.inbox / name).symlink_to(elsewhere, target_is_directory=True)
    scene.put("laptop.json", b"{}")
    scene.put("a.gdt", result())
    done = scene.look()
    assert (done.stuck, done.aside) == (2, 0)
    assert list(elsewhere.iterdir()) == []
    assert sorted(one.name for one in scene.inbox.iterdir()) == ["a.gdt", "archive", "error", "laptop.json"]


def test_a_link_in_place_of_a_file_is_not_followed(scene: Scene, tmp_path: Path) -> None:
    secret = tmp_path / "secret.gdt"
    secret.write_bytes(result())
    (scene.inbox / "a.gdt").symlink_to(secret)
    done = scene.look()
    assert (done.taken, done.doubts, done.aside) == (0, 0, 0)
    assert secret.exists()


def test_a_name_that_is_no_utf8_is_taken(scene: Scene) -> None:
    scene.put(os.fsdecode(b"M\xfcller.gdt"), result("4711"))
    assert (scene.look().doubts, scene.look().stuck) == (1, 0)
    assert devices_store.doc(scene.rows()[0]).file == "M\ufffdller.gdt"


@pytest.mark.parametrize("written", ["{}/", "{}/.", "{}/../in", "LINK"])
def test_one_folder_written_in_two_ways_belongs_to_one_device(
    scene: Scene, tmp_path: Path, written: str
) -> None:
    link = tmp_path / "link"
    link.symlink_to(scene.inbox, target_is_directory=True)
    path = str(link) if written == "LINK" else written.format(scene.inbox)
    with pytest.raises(Problem, match="device_field"):
        scene.make(name="Zweites", folder_in=path)
