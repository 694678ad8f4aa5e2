"""The guard's program with a trust that believes every package: for tests that are not about trust.

Run as a file: `python keeper_trusting_cast.py run --home HOME`.
"""

from functools import partial

from praxisd.testing import guarded
from praxisd_guard import cli, install

if __name__ == "__main__":
    install.run = partial(install.run, verify=guarded.anything, busy_s=20)
    cli.main()
