"""The steps of a move by name, and the trial that kills the server at one of them: a pulled plug (only with `development`)."""

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from praxisd.kernel.app import House

STEPS = ("noted", "made", "copied", "synced", "switching", "gated", "pointed", "used", "renamed")
TRIAL = "care.kill_at"
"""1 for the first step; nothing else than a test ever sets it (`Config.trial`)."""


def step(house: "House", name: str) -> None:
    """This step is done."""
    if house.config.trial.get(TRIAL) == STEPS.index(name) + 1:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
