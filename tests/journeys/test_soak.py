"""Half a minute of soak: everybody comes to work at a real sample practice, faults included, and nothing goes wrong."""

import shutil
from pathlib import Path

import pytest

from praxisd.testing import soak, soak_report

ACTORS = {
    "desk", "client", "patients", "live", "seats", "jobs", "logs", "medication", "guest", "laptop", "faults",
}  # fmt: skip
FAULTS = {"faults.drop", "faults.portal", "faults.hub"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_half_a_minute_with_everybody(filled_today: Path, tmp_path: Path) -> None:
    result = soak.soak(tmp_path / "work", seconds=30, seed=12, filled=filled_today)
    tally = result.tally
    assert not tally.errors, list(tally.said)
    assert not result.idle
    assert {name.partition(".")[0] for name in tally.done} == ACTORS
    assert set(tally.done) >= FAULTS and len(tally.marks) >= 3
    series = result.samples.series
    assert {"server.uss", "server.fds", "server.threads", "hub.uss", "files.wal", "probe.slots"} <= set(
        series
    )
    assert series["rows.kernel_event"][-1][1] > series["rows.kernel_event"][0][1]
    assert {one.verdict.state for one in result.lines} == {"short"}, "half a minute is no proof of anything"
    soak_report.write(result, tmp_path / "out")
    told = (tmp_path / "out" / "soak.md").read_text(encoding="utf-8")
    assert "**0 errors**" in told and "| server.uss |" in told
    assert (tmp_path / "out" / "soak.svg").stat().st_size > 5000
    shutil.rmtree(tmp_path / "work")
