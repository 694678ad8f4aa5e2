"""Taking over people: look, apply and undo of a whole file, against plain `executemany` of the same rows into SQLite.

The ratio says what deciding who is who, events, and an undo cost on top of writing rows down.
"""

import sqlite3
import tempfile
import time
from pathlib import Path

from praxisd.kernel.access import system
from praxisd.services.exchange import takeovers
from praxisd.services.exchange.takeover_room import room_of
from praxisd.services.exchange.takeover_routes import begin_look
from praxisd.services.exchange.takeover_shapes import LookIn
from praxisd.testing.practice import small_practice
from praxisd.testing.takeover_file import rows, text
from praxisd.testing.takeover_torture import open_at

SEED = 11


def plain(folder: Path, patients: int) -> float:
    """Seconds for the rows alone: one table with the file's columns and an index, in transactions of 100 rows."""
    db = sqlite3.connect(folder / "plain.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE p(a TEXT PRIMARY KEY, b, c, d, e, f, g, h, i, j)")
    db.execute("CREATE INDEX p_name ON p(b, c, d)")
    told = list(rows(patients, SEED))
    begun = time.perf_counter()
    for at in range(0, len(told), 100):
        db.execute("BEGIN")
        db.executemany("INSERT OR IGNORE INTO p VALUES (?,?,?,?,?,?,?,?,?,?)", told[at : at + 100])
        db.execute("COMMIT")
    spent = time.perf_counter() - begun
    db.close()
    return spent


def measure(patients: int) -> dict[str, float]:
    """Seconds of each work, and the ratio of applying to plain rows."""
    with tempfile.TemporaryDirectory(prefix="praxisd-bench-") as name:
        folder = Path(name)
        house = open_at(folder / "data", {})
        organization = small_practice(house).organization
        actor = system("bench", organization)
        file = folder / "file.csv"
        file.write_bytes(text(patients, SEED))
        id_ = takeovers.bring(house, actor, file)
        found: dict[str, float] = {"plain": plain(folder, patients)}
        begin = {
            "look": lambda tx: begin_look(house, tx, id_, LookIn()),
            "apply": lambda tx: takeovers.apply(tx, id_),
            "undo": lambda tx: takeovers.undo(tx, id_),
        }
        for (what, call), state in zip(begin.items(), ("looking", "running", "undoing"), strict=True):
            house.store.run(actor, call)
            start = time.perf_counter()
            room_of(house).work(organization, id_, state)
            found[what] = time.perf_counter() - start
        house.stop()
    return {**found, "ratio": found["apply"] / found["plain"]}


def main(patients: int = 50_000) -> None:
    """Print the figures."""
    found = measure(patients)
    print(f"take-over of {patients} people")
    for name in ("plain", "look", "apply", "undo"):
        print(f"  {name:6} {found[name]:8.1f} s  {1000 * found[name] / patients:7.3f} ms each")
    print(f"  apply / plain executemany: {found['ratio']:.0f} x")


if __name__ == "__main__":
    import sys

    main(*map(int, sys.argv[1:2]))
