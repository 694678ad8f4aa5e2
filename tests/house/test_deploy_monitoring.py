"""deploy/prometheus: Prometheus takes the files, the alerts do what they say, and every number they look at is in /metrics."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from house_sources import ROOT
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.finding import Finding, Severity
from praxisd.kernel.issues_store import ignore, raise_issue
from praxisd.testing import debian
from praxisd.testing.houses import Houses
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build

FOLDER = ROOT / "deploy" / "prometheus"
SYNTHETIC = {"up"}
"""Made by Prometheus itself for each target."""


def promtool(*words: str) -> None:
    try:
        tool = debian.program(("promtool",), "prometheus")
    except debian.ProgramMissing as missing:
        pytest.skip(str(missing))
    done = subprocess.run([tool, *words], cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_files_and_the_alerts_do_what_they_say() -> None:
    promtool("check", "config", "--syntax-only", "prometheus.yml")
    promtool("check", "rules", "alerts.yml")
    promtool("test", "rules", "alerts_test.yml")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [one for group in groups for one in group["rules"]]


def looked_at(expression: str) -> dict[str, set[str]]:
    """The series an expression names, each with the labels it selects by."""
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"\b([a-z_]+)\{([^}]*)\}", expression):
        found.setdefault(name, set()).update(re.findall(r"(\w+)(?==|!=|=~|!~)", labels))
    return found


def test_every_number_of_the_alerts_is_there(sqlite_houses: Houses) -> None:
    house = sqlite_houses.open()
    practice = small_practice(house)
    key = key_for(house, practice, "partner", "Prometheus")
    with house.store.write(system("test", INSTALLATION)) as tx:
        raise_issue(tx, Finding("store.disk_low", "/a", Severity.ERROR, {}), "test")
        raise_issue(tx, Finding("store.disk_low", "/b", Severity.ERROR, {}), "test")
        ignore(tx, "store.disk_low", "/b", "known")
    with TestClient(build(house, main.doors(house))) as client:
        assert client.get("/metrics").status_code == 401  # not from this computer
        client.get("/api/v1/slots")
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    seen: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? \S+$", answer.text, re.MULTILINE):
        seen.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    found = rules()
    assert len(found) == 3 and all(one["for"] and one["annotations"]["summary"] for one in found)
    for one in found:
        wanted = looked_at(one["expr"])
        assert wanted
        for name, labels in wanted.items():
            assert name in SYNTHETIC or labels - {"job", "instance"} <= seen[name], one["alert"]
    assert 'praxisd_issues_open{severity="error"} 1' in answer.text.splitlines()
    assert "/a" not in answer.text


def test_the_files_name_the_keys_that_exist() -> None:
    said = (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
    (line,) = re.findall(r"praxisd (keys create --role \w+ --name \w+)", said)
    assert "kernel.metrics.read" in said and line.split()[3] in ("partner", "owner")
    assert Path(FOLDER / "alerts.yml").name in said
