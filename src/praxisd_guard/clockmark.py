"""The highest time ever seen, so that a clock set back cannot make an old state of the repository young again."""

from datetime import UTC, datetime
from pathlib import Path

from praxisd_guard.durable import put_json, read_json
from praxisd_guard.faults import CLOCK_BACK, TrustFault

NAME = "clock.json"
TOLERANCE_S = 3600
"""A clock may stand this many seconds before the mark: daylight saving done by hand, a corrected drift."""


class ClockMark:
    """The mark in a folder; it only rises, and only after a refresh that was accepted."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / NAME

    def highest(self) -> float | None:
        """Epoch seconds of the mark; none before the first refresh or where the file cannot be read."""
        found = (read_json(self.file) or {}).get("highest")
        return float(found) if isinstance(found, int | float) else None

    def check(self, now: float) -> None:
        """Raise `clock_back` if `now` lies more than TOLERANCE_S before the mark."""
        mark = self.highest()
        if mark is not None and now < mark - TOLERANCE_S:
            raise TrustFault(CLOCK_BACK, now=_words(now), seen=_words(mark))

    def raise_to(self, now: float) -> None:
        """Remember `now` if it is the highest so far. Raises OSError."""
        mark = self.highest()
        if mark is None or now > mark:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            put_json(self.file, {"highest": now})

    def forget(self) -> None:
        """Take the mark away: for a clock that had once run ahead; a person decides that."""
        self.file.unlink(missing_ok=True)


def _words(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
