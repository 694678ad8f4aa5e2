"""What a service says of a data set before it is switched to: whether the service can read it at all."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Judge = Callable[[Path], object]
_JUDGES, _CODES = "updates_judges", "updates_judged_codes"


def register(house: "House", name: str, judge: Judge, codes: Sequence[str]) -> None:
    """Have files of a data set judged by `judge`: it raises a Problem of one of `codes`, which have their words."""
    house.shared.setdefault(_JUDGES, {})[name] = judge
    house.shared.setdefault(_CODES, set()).update(codes)


def judge(house: "House", name: str, path: Path) -> None:
    """Ask whoever reads this data set; its Problem ends the order, and nothing is switched."""
    asked: Judge | None = house.shared.get(_JUDGES, {}).get(name)
    if asked is not None:
        asked(path)


def spoils(house: "House", code: str | None) -> bool:
    """Was the file itself refused by its reader?"""
    return code in house.shared.get(_CODES, ())
