"""The unit as systemd reads it, and the definition for Windows as any reader of XML does."""

import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from praxisd.system import unit, windows
from praxisd.system.plan import Plan
from praxisd.testing import debian

PLAN = Plan(
    "praxisd",
    "praxisd",
    Path("/opt/praxisd"),
    Path("/var/lib/praxisd"),
    "127.0.0.1",
    8080,
    "/usr/bin/python3",
)


def settings(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def test_what_the_guard_needs_stands_in_it() -> None:
    found = settings(unit.unit(PLAN))
    wanted = {
        "Type": "notify",
        "NotifyAccess": "main",
        "WatchdogSec": "30",
        "TimeoutStopSec": "100",
        "KillMode": "mixed",
        "FileDescriptorStoreMax": "1",
        "Restart": "always",
        "RestartSec": "100ms",
        "ProtectSystem": "strict",
        "NoNewPrivileges": "yes",
        "User": "praxisd",
        "ExecStart": "/usr/bin/python3 -P -m praxisd_guard run --home /opt/praxisd",
    }
    assert {key: found[key] for key in wanted} == wanted
    assert found["ReadWritePaths"].startswith("/opt/praxisd /var/lib/praxisd -/media")
    assert unit.folders(unit.unit(PLAN)) == (PLAN.home, PLAN.data)
    assert unit.folders("[Service]\nExecStart=/bin/true\n") is None


def test_a_low_port_and_a_folder_of_a_person_change_what_is_closed() -> None:
    low = Plan("praxisd", "praxisd", PLAN.home, Path("/home/arzt/praxis"), "0.0.0.0", 443, PLAN.python)
    found = settings(unit.unit(low))
    assert found["AmbientCapabilities"] == found["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert found["ProtectHome"] == "no"
    assert settings(unit.unit(PLAN))["CapabilityBoundingSet"] == ""


@pytest.mark.parametrize("data", ["/var/lib/praxisd", "/srv/Praxis Dr. 100% Müller"])
def test_systemd_understands_it(tmp_path: Path, data: str) -> None:
    try:
        analyze = debian.program(("systemd-analyze",), "systemd")
    except debian.ProgramMissing as missing:
        pytest.skip(str(missing))
    plan = Plan("praxisd", "daemon", Path("/opt/praxisd"), Path(data), "127.0.0.1", 8080, "/bin/true")
    file = tmp_path / "praxisd.service"
    file.write_text(unit.unit(plan))
    done = subprocess.run([analyze, "verify", "--man=no", file], capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if str(file) in line or "praxisd.service" in line]
    assert said == [] and done.returncode == 0, done.stderr


def test_the_definition_for_windows_is_xml_and_starts_the_server() -> None:
    plan = Plan(
        "praxisd",
        "praxisd",
        Path("C:/praxisd"),
        Path("C:/Praxis & Söhne"),
        "127.0.0.1",
        8080,
        "C:/py/python.exe",
    )
    found = ElementTree.fromstring(windows.xml(plan))
    assert found.findtext("executable") == "C:/py/python.exe"
    assert '--data "C:/Praxis & Söhne"' in (found.findtext("arguments") or "")
    assert found.findtext("id") == "praxisd"
