"""Plug-ins of the data folder: unpacked, loaded by their entry point, switched off when they fail; the server runs on."""

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd import main
from praxisd.kernel import control, plugin_loading, plugin_places
from praxisd.kernel.app import House
from praxisd.testing.programs import command

from .plugin_cast import wheel


@pytest.fixture(autouse=True)
def _modules_as_before() -> Iterator[None]:
    """Another test's plug-in of the same name is another one."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    for name in [one for one in sys.modules if one.split(".")[0].endswith("_plugin")]:
        del sys.modules[name]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def put(data: Path, name: str, version: str = "1.0", **more: Any) -> None:
    plugin_places.put(data, name, version, wheel(data / "incoming", name, version, **more))


def opened(data: Path, **more: Any) -> House:
    house = main.open_practice(data, **more)
    house.store.close()
    return house


def off(data: Path, name: str) -> plugin_places.Off:
    found = plugin_places.place(data, name)
    assert found is not None and found.off is not None
    return found.off


def test_a_wheel_is_loaded_by_its_entry_point(data: Path) -> None:
    put(data, "acme")
    house = opened(data)
    assert "acme" in [one.name for one in house.registry.services]
    assert control.perform(house, "acme.say", {}) == {"said": "1.0"}
    assert house.texts.get("acme.word") == "acme"
    assert not (data / "plugins" / "loading.json").exists()


def test_safe_mode_loads_none(data: Path) -> None:
    opened(data)
    put(data, "acme")
    house = opened(data, safe=True)
    assert "acme" not in [one.name for one in house.registry.services]
    assert "acme_plugin" not in sys.modules


@pytest.mark.parametrize(
    ("more", "reason", "detail"),
    [
        ({"before": "import nothing_of_that_name"}, "import", "nothing_of_that_name"),
        ({"before": "raise ValueError('Erika Mustermann')"}, "import", "ValueError"),
        ({"point": "OTHER"}, "import", "AttributeError"),
        ({"point": "answer"}, "import", "no Service"),
        ({"more": "needs=('nobody',)"}, "declaration", "nobody"),
        ({"more": "tables=('other_table',)"}, "declaration", "other_table"),
    ],
)
def test_one_that_fails_is_switched_off_and_the_others_run(
    data: Path, more: dict[str, Any], reason: str, detail: str
) -> None:
    put(data, "bad", **more)
    put(data, "good")
    house = opened(data)
    names = [one.name for one in house.registry.services]
    assert "good" in names and "bad" not in names
    found = off(data, "bad")
    assert (found.version, found.reason, found.by) == ("1.0", reason, "praxisd")
    assert detail in found.detail and "Erika" not in found.detail
    (issue,) = plugin_loading._off(house)
    assert issue.code == "plugins.switched_off" and issue.subject == "bad"
    assert "bad" in house.texts.get("plugins.switched_off.title", **issue.params)
    assert "bad" not in [one.name for one in opened(data).registry.services], "it stays off"


def test_one_that_does_not_start_is_switched_off_and_the_house_works(data: Path) -> None:
    put(data, "bad", start="raise RuntimeError('no')")
    put(data, "good")
    house = main.open_practice(data)
    try:
        house.start_work()
        assert house.shared["started"] is True
    finally:
        house.stop()
    assert off(data, "bad").reason == "start"


def test_one_may_need_another(data: Path) -> None:
    put(data, "alpha", more="needs=('beta',)")
    put(data, "beta")
    put(data, "gamma", more="needs=('nobody',)")
    names = [one.name for one in opened(data).registry.services]
    assert {"alpha", "beta"} <= set(names) and "gamma" not in names


def test_a_name_that_is_taken_switches_off_the_plug_in_only(data: Path) -> None:
    file = wheel(data / "incoming", "relay")
    plugin_places.put(data, "relay2", "1.0", file)
    assert [one.name for one in opened(data).registry.services].count("relay") == 1
    assert off(data, "relay2").reason == "declaration"


def test_one_that_ends_the_program_at_import_is_left_out_after_two_times(data: Path) -> None:
    opened(data)
    put(data, "killer", before="import os; os._exit(9)")
    assert [command("doctor", "--json", folder=data).code for _ in range(2)] == [9, 9]
    third = command("doctor", "--json", folder=data)
    assert third.code == 1 and "plugins.switched_off" in third.out
    assert off(data, "killer").reason == "ended"
    found = json.loads(command("plugins", "list", "--json", folder=data).out)["plugins"]
    assert [(one["name"], one["on"], one["reason"]) for one in found] == [("killer", False, "ended")]


def test_a_new_version_takes_the_place_and_is_on(data: Path) -> None:
    put(data, "acme", "1.0", before="raise ValueError")
    opened(data)
    assert off(data, "acme")
    put(data, "acme", "1.1")
    put(data, "acme", "1.2")
    found = plugin_places.place(data, "acme")
    assert found is not None and (found.version, found.previous, found.off) == ("1.2", "1.1", None)
    assert sorted(one.name for one in (data / "plugins" / "acme").iterdir() if one.is_dir()) == ["1.1", "1.2"]
    assert control.perform(opened(data), "acme.say", {}) == {"said": "1.2"}


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a\\b", "ok/../../evil"])
def test_a_wheel_that_leaves_its_place_is_refused_and_nothing_changes(data: Path, name: str) -> None:
    put(data, "acme")
    file = wheel(data / "incoming", "acme", "2.0")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    with pytest.raises(ValueError, match="path of a wheel"):
        plugin_places.put(data, "acme", "2.0", file)
    found = plugin_places.place(data, "acme")
    assert found is not None and found.version == "1.0" and found.folder.is_dir()
    assert not list((data / "plugins" / "acme").glob(".new*"))


def test_what_is_no_plug_in_is_refused(data: Path, tmp_path: Path) -> None:
    other = wheel(tmp_path, "other", group="console_scripts")
    with pytest.raises(ValueError, match="entry point"):
        plugin_places.put(data, "other", "1.0", other)
    broken = tmp_path / "broken.whl"
    broken.write_bytes(b"PK")
    for name, version, file in (
        ("x", "1", broken),
        ("../x", "1", other),
        ("x", "../1", other),
        ("x", "", other),
    ):
        with pytest.raises(ValueError):
            plugin_places.put(data, name, version, file)
    assert plugin_places.places(data) == []


def test_the_command_switches_off_on_and_removes(data: Path) -> None:
    put(data, "acme")
    assert command("plugins", "off", "acme", folder=data).code == 0
    assert "acme" not in [one.name for one in opened(data).registry.services]
    assert list(plugin_loading._off(opened(data))) == [], "a person's wish is no Issue"
    assert command("plugins", "on", "acme", "--json", folder=data).json["on"] is True
    assert "acme" in [one.name for one in opened(data).registry.services]
    unknown = command("plugins", "off", "nobody", folder=data)
    assert unknown.code != 0 and "nobody" in unknown.err
    assert command("plugins", "remove", "acme", "--yes", folder=data).code == 0
    assert "acme" not in command("plugins", "list", folder=data).out
    assert not (data / "plugins" / "acme").exists()


def test_a_wish_that_cannot_be_read_is_heeded(data: Path) -> None:
    put(data, "acme")
    (data / "plugins" / "acme" / "off.json").write_text("{")
    assert off(data, "acme").by == "person"
    assert "acme" not in [one.name for one in opened(data).registry.services]
