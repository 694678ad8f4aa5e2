"""The guard's program with a trust that believes every package: for tests that are not about trust.

Run as a file: `python keeper_trusting_cast.py run --home HOME`. With PAUSE_AT=<step> in its environment it stops for as
long as HOME/pause lies there, right after that step's line stands in the journal: the moment at which a test kills.
"""

import os
import time
from functools import partial
from typing import Any

from praxisd.testing import guarded
from praxisd_guard import cli, install
from praxisd_guard.journal import Journal, Line

_write = Journal.write


def _write_and_pause(self: Journal, kind: str, step: str, order: str | None = None, **facts: Any) -> Line:
    line = _write(self, kind, step, order, **facts)
    pause = self._places.home / "pause"
    until = time.monotonic() + 60
    while (
        order is not None and step == os.environ["PAUSE_AT"] and pause.exists() and time.monotonic() < until
    ):
        time.sleep(0.01)
    return line


if __name__ == "__main__":
    if "PAUSE_AT" in os.environ:
        Journal.write = _write_and_pause  # type: ignore[method-assign]
    install.run = partial(install.run, verify=guarded.anything, busy_s=20)
    cli.main()
