"""`run.json` (0600) in the folder of a hub that runs: its process and its addresses. The commands look there."""

import json
import os
from pathlib import Path
from typing import Any

from praxisd_relay import hub_files

RUN_FILE = "run.json"


def write(data: Path, content: dict[str, Any]) -> None:
    """This process is the hub of the folder. Raises OSError."""
    hub_files.write(data / RUN_FILE, json.dumps({"pid": os.getpid(), **content}).encode())


def read(data: Path) -> dict[str, Any] | None:
    """What the hub of this folder says of itself; None where none runs (or was killed)."""
    try:
        found = dict(json.loads((data / RUN_FILE).read_text(encoding="utf-8")))
        pid = int(found["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if os.name == "nt":
        return found  # there, asking would end it
    try:
        os.kill(pid, 0)
    except PermissionError:
        return found  # it runs, as another user
    except OSError:
        return None
    return found


def forget(data: Path) -> None:
    """This process is it no more; what another one wrote meanwhile stays."""
    found = read(data)
    if found is not None and found["pid"] == os.getpid():
        (data / RUN_FILE).unlink(missing_ok=True)
