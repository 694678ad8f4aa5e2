"""Indexes are made ready before somebody searches: when the server starts, and when another edition is taken into use.

A search that comes sooner is not kept waiting: it asks the set itself meanwhile (`finding_plain`).
"""

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd.services.medication import finding_making, sets_reading
from praxisd.services.medication.finding_index import Index
from praxisd.services.medication.sets_reading import MEDICATION, Opened

if TYPE_CHECKING:
    from praxisd.kernel.app import House

LOOK_S = 1.0
"""So often it is seen whether another edition is in use."""
SOON_S = 0.3
"""So long a search waits for an index before it does without. Seconds."""
_KEPT = "medication_warmer"


@dataclass
class _Work:
    """An index that is being made."""

    done: threading.Event = field(default_factory=threading.Event)
    failed: bool = False


class Warmer:
    """What one process makes ready."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._gate = threading.Lock()
        self._works: dict[str, _Work] = {}

    def start(self) -> None:
        """Begin; ends with the house."""
        self._house._spawn("medication-index", self._run)

    def _run(self) -> None:
        self.step()
        self._house._every(LOOK_S, self.step)

    def step(self) -> None:
        """See to the edition that is in use; one whose index failed is tried again when somebody searches."""
        opened = sets_reading.find(self._house, MEDICATION)
        if opened is not None and finding_making.kept(self._house, opened) is None:
            with self._gate:
                known = self._works.get(opened.mark)
            if known is None:
                self._begun(opened)

    def soon(self, opened: Opened, seconds: float) -> Index | None:
        """The index if it is ready within so long; else it is being made. Problem `medication.index_failed` (503)."""
        work = self._begun(opened)
        work.done.wait(seconds)
        if work.failed:
            raise Problem("medication.index_failed", 503, retry=True)
        return finding_making.kept(self._house, opened)

    def _begun(self, opened: Opened) -> _Work:
        with self._gate:
            work = self._works.get(opened.mark)
            if work is None or work.failed:
                work = self._works[opened.mark] = _Work()
                threading.Thread(
                    target=self._make, args=(opened, work), name="praxisd-medication-made", daemon=True
                ).start()
        return work

    def _make(self, opened: Opened, work: _Work) -> None:
        try:
            finding_making.index_of(self._house, opened)
            with self._gate:
                self._works.pop(opened.mark, None)
        except Problem:
            work.failed = True
        finally:
            work.done.set()


def start(house: "House") -> None:
    """With the server."""
    warmer = house.shared[_KEPT] = Warmer(house)
    warmer.start()


def soon(house: "House", opened: Opened) -> Index | None:
    """The index, or None while the server makes it ready; where there is no server (a command) it is made at once.

    Problem `medication.index_failed` (503).
    """
    found = finding_making.kept(house, opened)
    if found is not None:
        return found
    warmer = house.shared.get(_KEPT)
    if not isinstance(warmer, Warmer):
        return finding_making.index_of(house, opened)
    return warmer.soon(opened, SOON_S)
