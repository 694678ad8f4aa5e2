"""Did a run amount to much more or much less than usual? Pure. From the last good runs of the same job, never on too few.

Usual is the median; how far runs stray from it is the median of their distances (so one odd run among them spoils
neither). What is told is far off in both: by a factor, and beyond six times the usual straying, and by more than a trifle.
Much that is new is how an encrypting virus looks; much less is a folder that is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from praxisd.model.backup import Figures, Word

SIZE_MORE, SIZE_LESS = "backups.size_more", "backups.size_less"
FILES_MORE, FILES_LESS = "backups.files_more", "backups.files_less"
ADDED_MORE, SLOWER = "backups.added_more", "backups.run_slower"
CODES = (SIZE_MORE, SIZE_LESS, FILES_MORE, FILES_LESS, ADDED_MORE, SLOWER)
FEWEST, MOST = 5, 30
"""So many earlier runs are needed; older than the last thirty do not count."""
STRAY = 6


@dataclass(frozen=True, slots=True)
class _Measure:
    """What is compared: the field, its codes, factors and trifle, and the unit in which it is told."""

    field: str
    more: str
    less: str | None
    above: float
    below: float
    trifle: int
    unit: int


_MEASURES = (
    _Measure("bytes", SIZE_MORE, SIZE_LESS, 1.5, 0.8, 100_000_000, 1_000_000),
    _Measure("files", FILES_MORE, FILES_LESS, 1.5, 0.8, 50, 1),
    _Measure("added", ADDED_MORE, None, 5.0, 0.0, 500_000_000, 1_000_000),
    _Measure("seconds", SLOWER, None, 3.0, 0.0, 900, 60),
)


def unusual(run: Figures, earlier: Sequence[Figures]) -> list[Word]:
    """What of a run is far from usual. `earlier`: good runs of the same job, oldest first, without this one.

    Params `value` and `usual`: whole MB (10^6 bytes), files, or minutes. A first run onto a new medium adds everything: the
    caller leaves it out on both sides.
    """
    last = earlier[-MOST:]
    if len(last) < FEWEST:
        return []
    found: list[Word] = []
    for one in _MEASURES:
        value = getattr(run, one.field)
        usual = median(getattr(each, one.field) for each in last)
        straying = median(abs(getattr(each, one.field) - usual) for each in last)
        if abs(value - usual) <= max(one.trifle, STRAY * straying):
            continue
        code = one.more if value > usual * one.above else one.less if value < usual * one.below else None
        if code is not None:
            found.append(Word(code, {"value": value // one.unit, "usual": int(usual) // one.unit}))
    return found
