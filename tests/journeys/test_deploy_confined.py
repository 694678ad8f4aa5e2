"""The unit's own line in what the unit leaves open: a disk that is read-only but for ReadWritePaths, and no right of root.

systemd itself is not started here: its ProtectSystem=strict, PrivateTmp=, NoNewPrivileges= and CapabilityBoundingSet= are made
by hand, in a mount namespace. What needs more than the unit allows would fail here as it would in a practice.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from praxisd.system import installing, unit
from praxisd.system.plan import Plan
from praxisd.testing.programs import Client, command, environment
from praxisd.testing.relay_hub import free_port

PATIENCE_S = 90.0
ROOT = Path(__file__).parents[2]
CONFINE = """
set -eu
mount --make-rprivate /
mount -t tmpfs none /srv
mkdir /srv/here
mount --bind "$1" /srv/here
mkdir /srv/code
mount --bind "$3" /srv/code
mount -t tmpfs none /tmp
mkdir -p "$3"
mount --move /srv/code "$3"
for one in $(awk '{print $5}' /proc/self/mountinfo); do
    case $one in /proc*|/sys*|/dev*|/tmp|/srv/here) continue ;; esac
    mount -o remount,bind,ro "$one"
done
for one in $2; do mount --bind "$one" "$one"; done
mount -o remount,bind,ro /srv/here
shift 3
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --clear-groups "$@"
"""
"""$1: the folder of the test, seen as /srv/here; $2: what may be written there; $3: this checkout, which may lie in the /tmp
that is hidden; then the program."""


@contextmanager
def confined(folder: Path, writable: list[str], line: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that sees `folder` as /srv/here and may write nowhere but in `writable` and a /tmp of its own."""
    unshare = ["unshare", "--mount", "sh", "-c", CONFINE, "sh", str(folder), " ".join(writable), str(ROOT)]
    env = environment(PRAXISD_SERVICE="praxisd", PYTHONDONTWRITEBYTECODE="1")
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [*unshare, *line], env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(autouse=True)
def _possible() -> None:
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("setpriv"):
        pytest.skip("mount namespaces are made by root, with unshare and setpriv (package 'util-linux')")


def test_guard_and_server_need_no_more_than_the_unit_leaves_open(tmp_path: Path) -> None:
    port, here = free_port(), Path("/srv/here")
    plan = Plan("praxisd", "praxisd", here / "home", here / "data", "127.0.0.1", port, sys.executable)
    said = dict(one.split("=", 1) for one in unit.unit(plan).splitlines() if re.match(r"\w+=", one))
    assert (said["ProtectSystem"], said["PrivateTmp"], said["NoNewPrivileges"]) == ("strict", "yes", "yes")
    assert said["CapabilityBoundingSet"] == ""
    writable = [one for one in shlex.split(said["ReadWritePaths"]) if not one.startswith("-")]
    made = Plan("praxisd", "praxisd", tmp_path / "home", tmp_path / "data", "127.0.0.1", port, sys.executable)
    installing.prepare(made, None)
    told = tmp_path / "home" / "guard.json"
    told.write_text(told.read_text().replace(str(tmp_path), str(here)))
    (tmp_path / "outside").mkdir()
    with confined(tmp_path, writable, shlex.split(said["ExecStart"])) as service:
        client = Client(f"http://127.0.0.1:{port}")
        until_ready(client, service, tmp_path)
        assert client.call("GET", "/health/live") == (200, {"status": "live"})
        inside = Path(f"/proc/{service.pid}/root/srv/here")
        with pytest.raises(OSError, match="Read-only"):
            (inside / "outside" / "letter").write_text("x")
        made_it = command(
            "practice", "create", "Praxis am Test", "--region", "DE-BE", folder=tmp_path / "data"
        )
        assert made_it.code == 0, made_it.err
        service.terminate()
        assert service.wait(PATIENCE_S) == 0
    assert list((tmp_path / "outside").iterdir()) == []
    assert b"Read-only" not in (tmp_path / "said").read_bytes()


def until_ready(client: Client, service: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Wait until the server answers and the guard, which answered until then, has seen it; AssertionError with its words."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and service.poll() is None:
        try:
            state = json.loads((folder / "home" / "state.json").read_text()).get("state")
            if state == "running" and client.call("GET", "/health/ready")[0] == 200:
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    raise AssertionError((folder / "said").read_text(errors="replace")[-3000:])
