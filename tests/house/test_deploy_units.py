"""deploy/: the units are those the program writes, and systemd understands them and finds little left open."""

import re
import subprocess
from pathlib import Path

import pytest
from house_sources import ROOT

from praxisd.system import plan, unit
from praxisd.testing import debian, reference_files

DEPLOY = ROOT / "deploy"
UNITS = ("praxisd.service", "praxisd-relay-hub.service")


def analyze() -> Path:
    try:
        return debian.program(("systemd-analyze",), "systemd")
    except debian.ProgramMissing as missing:
        pytest.skip(str(missing))


def test_the_unit_is_the_one_that_service_install_writes() -> None:
    written = (DEPLOY / "praxisd.service").read_text(encoding="utf-8")
    assert written == reference_files.unit_file(), "deploy/praxisd.service is out of date: run `make docs`"
    assert unit.folders(written) == (plan.HOME, plan.DATA)


@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_the_file(tmp_path: Path, name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    text = re.sub(r"^(ExecStart=)/usr/local/lib/praxisd/\S+", r"\1/bin/true", text, flags=re.MULTILINE)
    (tmp_path / name).write_text(re.sub(r"^(User|Group)=.*", r"\1=daemon", text, flags=re.MULTILINE))
    line = [analyze(), "verify", "--man=no", tmp_path / name]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert [one for one in done.stderr.splitlines() if name in one] == [] and done.returncode == 0, (
        done.stderr
    )


@pytest.mark.parametrize(("name", "most"), [("praxisd.service", 30), ("praxisd-relay-hub.service", 20)])
def test_little_is_left_open(name: str, most: int) -> None:
    """systemd's own measure of what a service could do if it were taken over: 0 to 100, 96 for one that confines nothing."""
    line = [analyze(), "security", "--offline=yes", f"--threshold={most}", "--no-pager", DEPLOY / name]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
