"""What the start made is looked through no more, and what comes afterwards is looked through soon."""

import subprocess
import sys

# A start makes some hundred thousand objects; 120,000 that come later are less than a quarter of them.
AFTERWARDS = """
import gc
gc.disable()
start = [[] for _ in range(600_000)]
from praxisd.serving import settled
settled()
before = gc.get_stats()[2]["collections"]
later = [[] for _ in range(120_000)]
print(gc.isenabled(), gc.get_freeze_count() > 600_000, gc.get_stats()[2]["collections"] - before)
"""


def test_waste_of_old_objects_does_not_wait_until_a_quarter_of_the_start_has_come_anew() -> None:
    done = subprocess.run([sys.executable, "-c", AFTERWARDS], capture_output=True, text=True, check=True)
    enabled, frozen, looks = done.stdout.split()
    assert (enabled, frozen) == ("True", "True")
    assert int(looks) >= 1
