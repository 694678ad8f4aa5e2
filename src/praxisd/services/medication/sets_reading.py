"""The data sets in use, opened: one whole version for as long as somebody reads it, whatever is switched meanwhile.

A version that cannot be read does not stop anybody: the version in the other slot goes on, and an Issue says so.
"""

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from praxisd.kernel.clock import local_date
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.model import medication
from praxisd.model.medication import ElementName, Standing
from praxisd.services.medication import sets_looking, sets_store
from praxisd.services.medication.sets_looking import SetFault
from praxisd.services.medication.sets_schema import ELEMENTS, MEDICATION, NOTICES, TABLES, TEXTS
from praxisd.services.updates import api as updates

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

__all__ = [
    "MEDICATION",
    "NOTICES",
    "TEXTS",
    "Opened",
    "find",
    "for_checking",
    "for_entry",
    "look",
    "open_set",
    "standing",
]


LOOKS = 5
BREATH_S = 0.001


class Opened:
    """One version of a data set, open for reading by any thread. It stays what it is while it is held, also after a switch.

    `mark` is another one for each file: what is derived from a set is kept under it.
    """

    def __init__(
        self,
        element: str,
        version: str,
        path: Path,
        connection: sqlite3.Connection,
        whole: sqlite3.Connection,
        meta: dict[str, str],
    ) -> None:
        self.element, self.version, self.path, self.meta = element, version, path, meta
        self.mark = f"{version}-{meta['sha256'][:16]}"
        self.sample = meta["sample"] == "1"
        self.released = meta["released"]
        self._connection, self._lock = connection, threading.Lock()
        self._looking, self._fault = threading.Lock(), cast("SetFault | None", None)
        self._whole: sqlite3.Connection | None = whole

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT, all of them: ask for no more than you need."""
        with self._lock:
            return self._connection.execute(sql, params).fetchall()

    def first(self, sql: str, params: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a SELECT, or None."""
        with self._lock:
            found: tuple[Any, ...] | None = self._connection.execute(sql, params).fetchone()
            return found

    @cached_property
    def counts(self) -> dict[str, int]:
        """Rows per table."""
        found = {}
        for table in TABLES[self.element]:
            row = self.first(f"SELECT count(*) FROM {table.name}")  # noqa: S608
            found[table.name] = 0 if row is None else int(row[0])
        return found

    def look(self) -> SetFault | None:
        """Read the whole file, once: what is wrong with it, where it is not what it was made as. Nobody waits meanwhile."""
        with self._looking:
            if self._whole is not None:
                try:
                    sets_looking.whole(self._whole, self.meta, BREATH_S)
                except SetFault as fault:
                    self._fault = fault
                self._whole.close()
                self._whole = None
            return self._fault

    def __del__(self) -> None:
        self._connection.close()
        if self._whole is not None:
            self._whole.close()


@dataclass
class _Shelf:
    """What this process has opened: file → the set, or what is wrong with it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    found: dict[tuple[str, str, int, int], "Opened | SetFault"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """Which versions there are. `opened`: the one that is read; `fault`: why it is not the one in use."""

    opened: Opened | None
    previous: str | None
    fault: SetFault | None
    wanted: str | None

    @property
    def held(self) -> Opened:
        """The set of a `look`, which has one."""
        if self.opened is None:
            raise RuntimeError("no set was looked for")
        return self.opened


def _take(house: "House", element: str, one: updates.Dataset) -> "Opened | SetFault":
    shelf: _Shelf = house.shared.setdefault("medication_sets", _Shelf())
    try:
        facts = one.path.stat()
    except OSError:
        return SetFault(sets_looking.UNREADABLE)
    key = (element, one.version, facts.st_ino, facts.st_mtime_ns)
    with shelf.lock:
        known = shelf.found.get(key)
        if known is None:
            known = _open(element, one)
            mine = [other for other in shelf.found if other[0] == element]
            for old in mine[:-1]:  # two slots, two versions: whoever reads an older one still holds it
                del shelf.found[old]
            shelf.found[key] = known
        return known


def _open(element: str, one: updates.Dataset) -> "Opened | SetFault":
    try:
        connection, meta = sets_looking.opened(one.path, element)
        whole, _ = sets_looking.opened(
            one.path, element
        )  # a connection of its own: looking at all of it takes a while
    except SetFault as fault:
        return fault
    return Opened(element, one.version, one.path, connection, whole, meta)


def shown(house: "House", element: str) -> Shown:
    """What is read of an element now: the version in use, else the one before it."""
    return _looked(house, element)[1]


def look(house: "House", element: str, version: str | None = None) -> Shown:
    """As `shown`, with the named version as `opened` where one is named: one look for all that an answer says.

    Problems: `medication.no_data` (409) where there is none, `medication.no_version` (404).
    """
    there, now = _looked(house, element)
    if version is None:
        if now.opened is None:
            raise Problem("medication.no_data", 409, element=element)
        return now
    one = next((each for each in there if each.version == version), None)
    found = None if one is None else _take(house, element, one)
    if not isinstance(found, Opened):
        raise Problem("medication.no_version", 404, element=element, version=version)
    return replace(now, opened=found)


def _looked(house: "House", element: str) -> tuple[Sequence[updates.Dataset], Shown]:
    """The versions that are here, and what is read of them. Both may be replaced in between: then it looks again."""
    there = updates.versions(house, element)
    now = _shown(house, element, there)
    for _ in range(LOOKS):
        if now.opened is not None or (after := updates.versions(house, element)) == there:
            break
        there, now = after, _shown(house, element, after)
    return there, now


def _shown(house: "House", element: str, there: Sequence[updates.Dataset]) -> Shown:
    if not there:
        return Shown(None, None, None, None)
    wanted, previous = there[0].version, there[1].version if len(there) > 1 else None
    fault: SetFault | None = None
    for one in there:
        found = _take(house, element, one)
        if isinstance(found, Opened):
            return Shown(found, previous, fault, wanted)
        fault = fault or found
    return Shown(None, previous, fault, wanted)


def find(house: "House", element: str, version: str | None = None) -> Opened | None:
    """The set that is read now, or the named version if it is one of the two that are here; None where there is none."""
    try:
        return look(house, element, version).opened
    except Problem:
        return None


def open_set(house: "House", element: str, version: str | None = None) -> Opened:
    """As `find`. Problems: those of `look`."""
    return look(house, element, version).held


def today(house: "House", tx: "Tx") -> date:
    """The day in the practice."""
    return local_date(tx.now, zone_of(zone_name(house, tx)))


def standing(house: "House", tx: "Tx", element: ElementName, lang: str = "de") -> Standing:
    """How an element stands in the transaction's practice."""
    return standing_of(house, tx, shown(house, element), lang, element)


def standing_of(
    house: "House", tx: "Tx", now: Shown, lang: str = "de", element: ElementName = MEDICATION
) -> Standing:
    """How the set of a `look` stands, also where another one was switched to meanwhile: what was read in it is told with its
    own version and state. `element` is told where there is no set.
    """
    if now.opened is None:
        return Standing(
            element=element, previous=now.previous, fault=None if now.fault is None else now.fault.code
        )
    return _told(house, tx, now, now.opened, lang)


def _told(house: "House", tx: "Tx", now: Shown, opened: Opened, lang: str) -> Standing:
    element = cast("ElementName", opened.element)
    meta, day = opened.meta, today(house, tx)
    confirmed = sets_store.confirmation(tx, element, meta["source"], opened.sample) is not None
    return Standing(
        element=element,
        title=meta["title_en" if lang == "en" else "title_de"],
        version=opened.version,
        released=opened.released,
        age_days=max(0, (day - date.fromisoformat(opened.released)).days),
        valid_until=meta["valid_until"],
        grace_until=meta["grace_until"],
        state=medication.state(
            day.isoformat(), meta["valid_until"], meta["grace_until"], confirmed or element != MEDICATION
        ),
        sample=opened.sample,
        source=meta["source"],
        source_url=meta["source_url"],
        licence=meta["licence"],
        confirmed=confirmed,
        previous=now.previous,
        fault=None if now.fault is None else now.fault.code,
    )


def for_checking(house: "House", tx: "Tx", version: str | None = None) -> Shown:
    """The set of products, for looking up interactions: only once an owner has confirmed what it is.

    Problems: `medication.no_data`, `medication.unconfirmed` (409), `medication.no_version`. An expired one answers: whoever
    shows its findings says so (`Standing.state`).
    """
    now = look(house, MEDICATION, version)
    opened = now.held
    if sets_store.confirmation(tx, MEDICATION, opened.meta["source"], opened.sample) is None:
        raise Problem("medication.unconfirmed", 409)
    return now


def for_entry(house: "House", tx: "Tx") -> Opened:
    """The set of products, for entering one of them at a patient: not once it is expired.

    Problems: `medication.no_data`, `medication.data_expired` (409): what is entered as free text needs no set.
    """
    opened = open_set(house, MEDICATION)
    if today(house, tx).isoformat() > opened.meta["grace_until"]:
        raise Problem("medication.data_expired", 409, until=opened.meta["grace_until"])
    return opened


def start(house: "House") -> None:
    """Have each edition looked at before it is switched to: one that cannot be read changes nothing."""
    for element in ELEMENTS:
        updates.judge(
            house,
            element,
            lambda path, element=element: sets_looking.looked(path, element, BREATH_S),  # type: ignore[misc]
            sets_looking.FAULTS,
        )
