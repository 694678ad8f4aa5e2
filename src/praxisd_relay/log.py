"""What a hub writes down, which is little (notes/relay.md § 6, "Relay sees").

Standard error: what the operator must know, one line each, with ids of practices and without addresses of guests.
`abuse-<day>.log` in the hub's folder: who was turned away, as counts per reason and neighbourhood (IPv4 /24, IPv6 /48),
written once a minute and kept for seven days. Nothing anywhere of what was carried, and no address in full.
"""

import asyncio
import contextlib
import logging
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from praxisd_relay.limits import blurred

LOG = logging.getLogger("praxisd_relay.hub")
ABUSE_DAYS = 7
_MOST_ROWS = 4096


class _Line(logging.Formatter):
    """`2026-11-27T12:00:00Z INFO text`, a traceback without the values of variables."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%SZ"
    default_msec_format = ""


def to_stderr(level: str) -> None:
    """Have the package's messages of this level and above written to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line("%(asctime)s %(levelname)s %(message)s"))
    for name in ("praxisd_relay", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level.upper())
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    logging.getLogger("nats").setLevel(logging.ERROR)


def quietly(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's handler of errors nobody caught: asyncio's own would write sockets with their addresses."""
    error = context.get("exception")
    LOG.error(
        "unexpected: %s", context.get("message"), exc_info=error if isinstance(error, Exception) else None
    )


class Abuse:
    """Counts of what was turned away, in memory and once a minute in a file. `rows` is bounded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: dict[tuple[str, str], int] = {}

    def note(self, reason: str, address: str) -> None:
        """One more. `reason`: a word of ours."""
        key = (reason, blurred(address))
        if key not in self._rows and len(self._rows) >= _MOST_ROWS:
            key = (reason, "elsewhere")
        self._rows[key] = self._rows.get(key, 0) + 1

    def write(self, now: float) -> None:
        """Write what was counted since the last time, and delete files that are too old. Raises OSError."""
        rows, self._rows = self._rows, {}
        at = datetime.fromtimestamp(now, UTC)
        if rows:
            file = self._folder / f"abuse-{at:%Y-%m-%d}.log"
            lines = [
                f"{at:%H:%M} {reason} {place} {count}\n" for (reason, place), count in sorted(rows.items())
            ]
            with file.open("a", encoding="ascii") as out:
                out.writelines(lines)
            file.chmod(0o600)
        oldest = f"abuse-{at - timedelta(days=ABUSE_DAYS - 1):%Y-%m-%d}.log"
        for file in self._folder.glob("abuse-????-??-??.log"):
            if file.name < oldest:
                with contextlib.suppress(FileNotFoundError):
                    file.unlink()
