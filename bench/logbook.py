"""The logbook with many entries beside one with few: searches, p50 and p99, `python -m bench.logbook [ROWS]`."""

import json
import random
import sys
import tempfile
import time
from pathlib import Path

from praxisd.services.logbook import rules
from praxisd.services.logbook.shelf import Batch, Wanted
from praxisd.services.logbook.sqlite_store import SqliteShelf

_CODES = ("printer.paper_out", "seat.started", "record.saved", "card.read", "link.slow", "backup.done")
_WANTED = {
    "newest": Wanted(organization="p"),
    "a common word": Wanted(organization="p", words=(("paper",),)),
    "two words": Wanted(organization="p", words=(("paper",), ("tray7",))),
    "a rare word": Wanted(organization="p", words=(("rare123",),)),
    "errors": Wanted(organization="p", levels=(40,)),
    "one code": Wanted(organization="p", codes=("card.read",)),
    "one seat": Wanted(organization="p", sources=("seat-3",)),
    "an hour": Wanted(organization="p", first=3_600_000, last=7_200_000),
}


def fill(shelf: SqliteShelf, rows: int) -> float:
    """Put so many rows, 2,000 at once; rows a second."""
    dice, begin = random.Random(1), time.perf_counter()
    for start in range(0, rows, 2_000):
        kept = [
            rules.Kept(
                number, number * 1000, number * 1000, 40 if dice.random() < 0.002 else 20, "status", dice.choice(_CODES),
                json.dumps({"tray": f"tray{dice.randrange(20)}", "ms": dice.randrange(900)}), "",
                f"step {dice.randrange(500)} rare{dice.randrange(rows)}", None,
            )
            for number in range(start + 1, min(start + 2_000, rows) + 1)
        ]  # fmt: skip
        shelf.put([Batch("p", f"seat-{start // 2_000 % 10}", kept, start * 1000)])
    return rows / (time.perf_counter() - begin)


def asked(shelf: SqliteShelf, wanted: Wanted, times: int = 200) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    took = []
    for _ in range(times):
        begin = time.perf_counter()
        shelf.find(wanted, 30)
        took.append((time.perf_counter() - begin) * 1000)
    took.sort()
    return took[times // 2], took[int(times * 0.99)]


def main() -> None:
    """Fill both, ask both in turn, print the ratios."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="praxisd-bench-logbook-") as name:
        few, many = SqliteShelf(Path(name) / "few.db"), SqliteShelf(Path(name) / "many.db")
        fill(few, 100)
        speed = fill(many, rows)
        figures = many.figures()
        print(
            f"{rows} entries: {speed:,.0f}/s in batches of 2,000, each on disk; {figures.used / rows:.0f} bytes an entry"
        )
        print(
            f"{'search (page of 50)':20} {'100: p50 p99 ms':>18} {f'{rows}: p50 p99 ms':>24} {'p99 ratio':>10}"
        )
        for title, wanted in _WANTED.items():
            small, large = asked(few, wanted), asked(many, wanted)
            print(
                f"{title:20} {small[0]:9.2f} {small[1]:8.2f} {large[0]:15.2f} {large[1]:8.2f} {large[1] / small[1]:10.1f}"
            )
        few.close()
        many.close()


if __name__ == "__main__":
    main()
