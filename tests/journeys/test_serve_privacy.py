"""What libraries say and what nobody catches while the server runs: no values on standard error."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import logging, os, signal, sys, threading, warnings
from pathlib import Path
from praxisd import serving

def ready(_house, url):
    logging.getLogger("library").warning("row %s", "Canary Schmidt")
    warnings.warn("Canary Schmidt")
    thread = threading.Thread(target=lambda: {}["Canary Schmidt"])
    thread.start()
    thread.join()
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()

sys.exit(serving.serve(Path(sys.argv[1]), port=0, before_ready=ready))
"""


def test_no_value_reaches_standard_error_by_a_side_door(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "data")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "KeyError" in done.stderr and "library" in done.stderr
    assert "Canary" not in done.stdout + done.stderr
