"""The torture of take-overs, small: killed at random, taken up, taken back. The whole one is `make torture TAKEOVER=1`."""

from pathlib import Path

import pytest

from praxisd.testing.takeover_torture import Torture

pytestmark = pytest.mark.judge


def test_a_take_over_that_is_killed_repeats_and_loses_nothing(tmp_path: Path) -> None:
    torture = Torture(tmp_path, patients=250, kills=1, seed=7, known=10, url=None)
    torture.run()
    assert torture.said["running"]["kills"] + torture.said["undoing"]["kills"] > 0
    assert torture.said["counts"]["new"] > 220
    assert torture.said["flaws"] > 0
