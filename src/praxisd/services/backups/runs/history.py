"""Runs that were: the last good one, pages of all of them. Reads only."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from praxisd.model.backup_kept import RunKept, SnapshotKept
from praxisd.services.backups import store

if TYPE_CHECKING:
    from praxisd.kernel.store import Tx

_MOST = 5000
_SAME_SECOND = 50


def last_good(tx: "Tx", medium: str | None = None) -> RunKept | None:
    """The newest backup without a fault, of one medium if that is given."""
    return _first(tx, lambda one: one.state == "good" and medium in (None, one.medium))


def last(tx: "Tx", medium: str | None = None) -> RunKept | None:
    """The newest backup that has ended, however it did."""
    return _first(tx, lambda one: one.ended is not None and medium in (None, one.medium))


def page(
    tx: "Tx", limit: int, before: int | None = None, kind: str | None = None
) -> tuple[list[RunKept], int | None]:
    """At most so many runs (and those of the same second), newest first; where the next page begins, None at the end."""
    most = limit + _SAME_SECOND
    if kind is None:
        found = store.RUN.newest(tx, most, before=before)
    else:
        found = store.RUN.by(tx, "kind", kind, most=most, before=before)
    end = limit
    while 0 < end < len(found) and found[end].asked == found[end - 1].asked:
        end += 1
    return found[:end], found[end - 1].asked if end < len(found) else None


def running(tx: "Tx") -> RunKept | None:
    """The run at work."""
    found = store.RUN.by(tx, "state", "running", most=1)
    return found[0] if found else None


def newest(tx: "Tx", kind: str, medium: str | None = None) -> RunKept | None:
    """The newest run of a kind that has ended."""
    for one in store.RUN.by(tx, "kind", kind, most=500):
        if one.ended is not None and medium in (None, one.medium):
            return one
    return None


def states(tx: "Tx", medium: str) -> list[SnapshotKept]:
    """What is on a medium, in the order in which it was written."""
    found = [one for one in store.SNAPSHOT.by(tx, "medium", medium) if one.gone is None]
    return sorted(found, key=lambda one: one.no)


def _first(tx: "Tx", wanted: Callable[[RunKept], bool]) -> RunKept | None:
    """Looked for among a few first: nearly always it is one of the last."""
    for most in (10, 100, _MOST):
        found = store.RUN.by(tx, "kind", "backup", most=most)
        for one in found:
            if wanted(one):
                return one
        if len(found) < most:
            return None
    return None
