"""What a sandbox has seen, as a file of lines that only grows: a kill -9 loses nothing that was answered."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    """One line of JSON per entry. Read it whole once, then add."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._handle = file.open("ab")
        os.chmod(file, 0o600)

    def read(self) -> Iterator[dict[str, Any]]:
        """All entries so far. A line that a power cut tore is left out, and ended so that the next stays whole."""
        data = self._file.read_bytes()
        if data and not data.endswith(b"\n"):
            with self._lock:
                self._handle.write(b"\n")
                self._handle.flush()
        for line in data.split(b"\n"):
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                yield entry

    def add(self, **entry: Any) -> None:
        """Write one entry; it is with the operating system when this returns."""
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            self._handle.write(line)
            self._handle.flush()

    def clear(self) -> None:
        """Begin anew."""
        with self._lock:
            self._handle.truncate(0)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._handle.close()
