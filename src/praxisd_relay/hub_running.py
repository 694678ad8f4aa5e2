"""`run.json` (0600) in the folder of a hub that runs: its process and its addresses. The commands look there."""

import json
import os
from pathlib import Path
from typing import Any

RUN_FILE = "run.json"


def write(data: Path, content: dict[str, Any]) -> None:
    """This process is the hub of the folder. Raises OSError."""
    file = data / RUN_FILE
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump({"pid": os.getpid(), **content}, out)
    part.replace(file)


def read(data: Path) -> dict[str, Any] | None:
    """What the hub of this folder says of itself; None where none runs (or was killed)."""
    try:
        found = dict(json.loads((data / RUN_FILE).read_text(encoding="utf-8")))
        pid = int(found["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
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
