"""The index of an opened data set: read from the file beside it, or made first.

It is derived: whoever finds none, or that of another edition, makes it anew. Each computer makes its own. Large ones are made
by a child process, since making one keeps the interpreter busy for seconds.
"""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel.errors import Problem
from praxisd.services.medication.finding_index import Broken, Index, Source, build

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.services.medication.sets_reading import Opened

FILE = "finding.idx"
"""Its name in the slot of the set: emptied with it when the next edition is fetched."""
HERE_MOST = 2_000
"""So many products are indexed without a child (about 30 ms)."""
CHILD_S = 180.0
"""So long a child may take: a hundred times what 100,000 products need."""
LOOK_S = 0.02
KEPT = 3
"""Editions whose index stays in memory: the one in use, and what is switched to and from."""
Rows = Callable[[str], Sequence[tuple[Any, ...]]]
"""The rows of a SELECT."""
_SELF = "praxisd.services.medication.finding_making"


@dataclass
class _Kept:
    """What this process holds: the mark of an edition → its index."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    found: dict[str, Index] = field(default_factory=dict)


def kept(house: "House", opened: "Opened") -> Index | None:
    """The index of exactly this edition, if this process has it already."""
    return _kept(house).found.get(opened.mark)


def _kept(house: "House") -> _Kept:
    found: _Kept = house.shared.setdefault("medication_finding", _Kept())
    return found


def index_of(house: "House", opened: "Opened") -> Index:
    """The index of exactly this edition. The first to ask makes it, the others wait. Problem `medication.index_failed` (503)."""
    kept = _kept(house)
    found = kept.found.get(opened.mark)
    if found is not None:
        return found
    with kept.lock:
        found = kept.found.get(opened.mark)
        if found is None:
            try:
                found = _read(opened) or _made(house, opened)
            except (Broken, OSError, sqlite3.Error, MemoryError) as error:
                house.log.error("finding_index_failed", error=error)
                raise Problem("medication.index_failed", 503, retry=True) from None
            for old in list(kept.found)[: 1 - KEPT]:
                del kept.found[old]
            kept.found[opened.mark] = found
    return found


def _read(opened: "Opened") -> Index | None:
    """The index beside the set, if it is whole and of this edition."""
    with suppress(OSError, Broken):
        return Index.read((opened.path.parent / FILE).read_bytes(), opened.mark)
    return None


def _made(house: "House", opened: "Opened") -> Index:
    count = opened.rows("SELECT count(*) FROM product")[0][0]
    if count > HERE_MOST:
        with suppress(OSError, subprocess.SubprocessError):
            # fmt: off
            _child(house, [sys.executable, "-P", "-m", _SELF, str(opened.path), opened.mark])
            # fmt: on
        if (made := _read(opened)) is not None:
            return made
        house.log.warning("finding_index_here", products=count)
    return _written(build(opened.mark, sources(opened.rows)), opened.path)


def _child(house: "House", command: list[str]) -> None:
    """Wait for a child, but not beyond the end of the house. OSError, SubprocessError."""
    end = time.monotonic() + CHILD_S
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        while child.poll() is None:
            if house.stopping or time.monotonic() > end:
                child.kill()
            time.sleep(LOOK_S)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, _SELF)


def _written(made: Index, path: Path) -> Index:
    """Put an index beside its set, whole or not at all; it is used even where it cannot be kept."""
    fresh = path.parent / f"{FILE}.{os.getpid()}"
    try:
        with suppress(OSError):
            fresh.write_bytes(made.written())
            fresh.replace(path.parent / FILE)
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
    return made


def sources(rows: Rows) -> Iterator[Source]:
    """All products of a set with the words by which they are to be found."""
    substances: defaultdict[str, list[str]] = defaultdict(list)
    for id_, *names in rows("SELECT id, name_de, name_en, name_la FROM substance"):
        substances[id_] += [one for one in dict.fromkeys(names) if one]
    own: defaultdict[str, list[str]] = defaultdict(list)
    for kind, id_, name in rows("SELECT kind, id, name FROM synonym"):
        (own if kind == "product" else substances)[id_].append(name)
    parts: defaultdict[str, list[str]] = defaultdict(list)
    for product, substance in rows(
        "SELECT product, substance FROM product_substance WHERE kind <> 'excipient' ORDER BY product, rank"
    ):
        parts[product].append(substance)
    told = _dental(rows)
    for id_, name, holder, form, atc in rows("SELECT id, name, holder, form, atc FROM product"):
        mine = parts.get(id_, ())
        others = [word for one in mine for word in substances.get(one, ())]
        others += [one for one in (holder, form) if one]
        subjects = {("substance", one) for one in mine}
        subjects |= {("atc", (atc or "")[:length]) for length in (1, 3, 4, 5, 7)}
        yield Source(id_, [name, *own.get(id_, ())], others, atc, not told.isdisjoint(subjects))


def _dental(rows: Rows) -> set[tuple[str, str]]:
    """The substances and beginnings of ATC codes that a dental note is about, classes resolved."""
    direct = rows("SELECT DISTINCT kind, subject FROM dental_note WHERE kind <> 'class'")
    members = rows(
        "SELECT m.kind, m.member FROM dental_note d JOIN class_member m ON m.class = d.subject WHERE d.kind = 'class'"
    )
    return {(kind, subject) for kind, subject in (*direct, *members)}


def main(path: Path, mark: str) -> None:
    """What the child does. `Broken` where another edition has come to this place meanwhile."""
    with suppress(AttributeError, OSError):
        os.nice(10)
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as db:
        (digest,) = db.execute("SELECT value FROM meta WHERE key = 'sha256'").fetchone()
        if not mark.endswith(digest[:16]):
            raise Broken("edition")
        _written(build(mark, sources(lambda sql: db.execute(sql).fetchall())), path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
