"""`praxisd service`: what it refuses and why, what it would do to the operating system, how it tells how things are."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.errors import Problem
from praxisd.system import installing, standing, unit
from praxisd.system.machine import Machine
from praxisd.system.plan import Plan
from praxisd.testing.programs import command
from praxisd.testing.relay_hub import free_port
from praxisd_guard import told, versions


@dataclass(frozen=True)
class Fake(Machine):
    """A computer with systemd on which nothing is changed but files below one folder."""

    root: bool = True
    systemd: bool = True
    calls: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def is_root(self) -> bool:
        return self.root

    @property
    def has_systemd(self) -> bool:
        return self.systemd

    def call(self, *line: str) -> None:
        self.calls.append(line)

    def add_user(self, name: str) -> None:
        self.calls.append(("user", name))

    def give(self, folders: Any, user: str) -> None:
        self.calls.append(("give", *map(str, folders), user))


@pytest.fixture
def units(tmp_path: Path) -> Path:
    (tmp_path / "units").mkdir()
    return tmp_path / "units"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(
        "praxisd",
        "praxisd",
        tmp_path / "home",
        tmp_path / "data",
        "127.0.0.1",
        free_port(),
        "/usr/bin/python3",
    )


@pytest.fixture
def occupied() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


def test_it_is_installed_seen_and_taken_away_again(units: Path, plan: Plan) -> None:
    machine = Fake(units=units)
    assert standing.standing(plan.name, plan.home, plan.data, machine)["state"] == "not_installed"
    version = installing.install(plan, machine, b'{"signed": {}}')
    assert machine.calls == [
        ("user", "praxisd"),
        ("give", str(plan.home), str(plan.data), "praxisd"),
        ("systemctl", "daemon-reload"),
        ("systemctl", "enable", "--now", "praxisd.service"),
    ]
    here, says = versions.pointer(plan.home), told.read(plan.home)
    assert here is not None and here.version == version
    assert says is not None and (says.data, says.port, says.root) == (plan.data, plan.port, True)
    assert machine.unit("praxisd").read_text() == unit.unit(plan)
    facts = standing.standing("praxisd", Path("/elsewhere"), Path("/elsewhere"), machine)
    assert (facts["state"], facts["version"], facts["port"]) == ("stopped", version, plan.port)
    assert facts["home"] == str(plan.home) and facts["host"] == socket.gethostname()
    installing.install(plan, machine)  # once more: it is told anew
    again = told.read(plan.home)
    assert again is not None and again.root
    shutil.rmtree(plan.home / "versions")
    assert installing.uninstall("praxisd", machine) == (plan.home, plan.data)
    assert ("systemctl", "disable", "--now", "praxisd.service") in machine.calls
    assert not machine.unit("praxisd").exists() and plan.data.is_dir() and plan.home.is_dir()


@pytest.mark.parametrize(
    ("more", "code"),
    [({"root": False}, "system.not_root"), ({"systemd": False}, "system.no_systemd")],
)
def test_not_without_rights_or_systemd(units: Path, plan: Plan, more: dict[str, Any], code: str) -> None:
    for call in (lambda m: installing.install(plan, m), lambda m: installing.uninstall("praxisd", m)):
        with pytest.raises(Problem) as raised:
            call(Fake(units=units, **more))
        assert raised.value.code == code
    assert not plan.home.exists() and not plan.data.exists()


def refused(plan: Plan, machine: Fake) -> str:
    with pytest.raises(Problem) as raised:
        installing.install(plan, machine)
    assert machine.calls == []
    return raised.value.code


def test_what_is_not_ours_stays_untouched(units: Path, plan: Plan, occupied: int) -> None:
    machine = Fake(units=units)
    plan.home.mkdir()
    (plan.home / "letter.odt").write_text("x")
    assert refused(plan, machine) == "system.home_not_empty"
    (plan.home / "letter.odt").unlink()
    plan.data.mkdir()
    (plan.data / "letter.odt").write_text("x")
    assert refused(plan, machine) == "system.data_not_ours"
    (plan.data / "letter.odt").unlink()
    machine.unit("praxisd").write_text("[Service]\nExecStart=/bin/true\n")
    assert refused(plan, machine) == "system.foreign_unit"
    with pytest.raises(Problem, match="foreign_unit"):
        installing.uninstall("praxisd", machine)
    machine.unit("praxisd").unlink()
    taken = Plan("praxisd", "praxisd", plan.home, plan.data, "127.0.0.1", occupied, plan.python)
    assert refused(taken, machine) == "system.address_taken"
    for name, user in (("../x", "praxisd"), ("praxisd", "root"), ("praxisd", "a b")):
        bad = Plan(name, user, plan.home, plan.data, "127.0.0.1", plan.port, plan.python)
        assert refused(bad, machine) == "system.bad_name"
    private = Plan(
        "praxisd", "praxisd", plan.home, plan.data, "127.0.0.1", plan.port, "/root/venv/bin/python"
    )
    assert refused(private, machine) == "system.python_private"
    assert list(plan.home.iterdir()) == list(plan.data.iterdir()) == []


def test_uninstall_of_what_is_not_there(units: Path) -> None:
    with pytest.raises(Problem) as raised:
        installing.uninstall("praxisd", Fake(units=units))
    assert raised.value.code == "system.not_installed"


def test_the_commands_speak_in_both_languages(tmp_path: Path) -> None:
    where = ("--home", str(tmp_path / "home"))
    shown = command("service", "install", "--dry-run", *where, folder=tmp_path / "data")
    assert shown.code == 0 and "[Service]" in shown.out and str(tmp_path / "home") in shown.out
    found = command("service", "install", "--dry-run", "--json", *where, folder=tmp_path / "data").json
    assert found["unit"] == shown.out and found["file"].endswith("/praxisd.service")
    assert not (tmp_path / "home").exists() and not (tmp_path / "data").exists()
    status = command("service", "status", "--name", "praxisd-test", *where, folder=tmp_path / "data")
    assert status.code == 3 and "nicht eingerichtet" in status.out
    said = command(
        "service",
        "status",
        "--name",
        "praxisd-test",
        "--lang",
        "en",
        "--json",
        *where,
        folder=tmp_path / "data",
    )
    assert said.json["state"] == "not_installed" and said.json["plugins"] == []
    if Path("/run/systemd/system").is_dir() and os.geteuid() == 0:
        return  # a real one: it would be installed
    for lang, word in (("de", "systemd"), ("en", "systemd")):
        no = command("service", "install", "--lang", lang, *where, folder=tmp_path / "data")
        assert (
            no.code == 1 and ("system.no_systemd" in no.err or "system.not_root" in no.err) and word in no.err
        )


def test_failing_programs_are_quoted(tmp_path: Path) -> None:
    with pytest.raises(Problem) as raised:
        Machine().call("sh", "-c", "echo no such unit >&2; exit 5")
    assert raised.value.params["said"] == "no such unit"
    with pytest.raises(Problem):
        Machine().call(str(tmp_path / "nothing"))


def test_files_get_their_owner(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("x")
    outside = tmp_path / "outside"
    outside.write_text("x")
    (tmp_path / "a" / "link").symlink_to(outside)
    Machine().give([tmp_path / "a"], "nobody")
    owner = int(subprocess.run(["id", "-u", "nobody"], capture_output=True, text=True, check=True).stdout)
    assert {one.lstat().st_uid for one in (tmp_path / "a").rglob("*")} == {owner}
    assert outside.stat().st_uid == 0
