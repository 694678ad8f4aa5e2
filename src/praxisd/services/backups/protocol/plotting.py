"""Size, growth and duration of the backups over time, one line for each job (SPEC 12.2: figures people compare are plotted)."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from praxisd.kernel.plot import Plot, Series
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import RunKept
from praxisd.services.backups import store
from praxisd.services.backups.plans import planning

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from praxisd.kernel.app import House

Figure = Literal["bytes", "added", "seconds"]
FIGURES: tuple[Figure, ...] = ("bytes", "added", "seconds")
_LINES = ("evening", "night", "remote", "other")
_UNITS = {
    "bytes": ((1, "B"), (10**3, "kB"), (10**6, "MB"), (10**9, "GB"), (10**12, "TB")),
    "seconds": ((1, "s"), (60, "min"), (3600, "h")),
}
_PAGE, _DAY_S = 500, 86_400


def plot(house: "House", tx: Tx, figure: Figure, days: int, lang: str) -> Plot:
    """A figure of the runs of the last so many days."""
    since = tx.now - days * _DAY_S
    return drawn(house, _runs(tx, since), figure, planning.zone(house, tx), lang)


def drawn(house: "House", runs: Iterable[RunKept], figure: Figure, zone: "tzinfo", lang: str) -> Plot:
    """The same of given runs. Only those that made a copy have figures; what a first run onto a medium adds is all of it, and
    says nothing of growth. The snapshot of the plan „external“ and what was begun by hand are one line.
    """
    points: dict[str, list[tuple[date, int]]] = {}
    for one in sorted(runs, key=lambda run: run.asked):
        if one.figures is None or one.state not in ("good", "warning"):
            continue
        if figure == "added" and one.first_on_medium:
            continue
        line = one.job if one.job in _LINES else "other"
        day = datetime.fromtimestamp(one.ended or one.asked, zone).date()
        points.setdefault(line or "other", []).append((day, getattr(one.figures, figure)))
    highest = max((value for found in points.values() for _, value in found), default=0)
    factor, unit = next(
        (one for one in reversed(_UNITS["seconds" if figure == "seconds" else "bytes"]) if highest >= one[0]),
        (1, "s" if figure == "seconds" else "MB"),
    )
    series = tuple(
        Series(
            house.texts.get(f"backups.plot_line.{line}", lang),
            tuple((day, value / factor) for day, value in points[line]),
        )
        for line in _LINES
        if line in points
    )
    return Plot(house.texts.get(f"backups.plot.{figure}", lang), unit, series)


def _runs(tx: Tx, since: int) -> list[RunKept]:
    found: list[RunKept] = []
    before: int | None = None
    while True:
        some = store.RUN.by(tx, "kind", "backup", most=_PAGE, before=before)
        found += [one for one in some if one.asked >= since]
        if len(some) < _PAGE or some[-1].asked < since:
            return found
        before = some[-1].asked
