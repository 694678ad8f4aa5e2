"""The logbook with 10^6 entries beside an empty one: filling, then searches in turn; `python -m bench logbook`."""

import itertools
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import report
from praxisd.services.logbook import rules
from praxisd.services.logbook.shelf import Batch, Wanted
from praxisd.services.logbook.sqlite_store import SqliteShelf

ROWS = 1_000_000
TOGETHER = 2_000
TIMES = 100
FEW_TIMES = 10.0
"""At most so many times the p99 of an empty book, or FAST_MS: what nobody feels."""
FAST_MS = 10.0
_CODES = ("printer.paper_out", "seat.started", "record.saved", "card.read", "link.slow", "backup.done")
_HOUR = 3_600_000


def _asked(rows: int) -> dict[str, list[Wanted]]:
    """Each search with other words and times at every turn, so that none is answered from memory alone."""
    dice = random.Random(2)

    def each(make: Callable[[int], Wanted]) -> list[Wanted]:
        return [make(dice.randrange(rows)) for _ in range(TIMES)]

    def time_of(number: int) -> tuple[int, int]:
        return number * 1000, number * 1000 + 24 * _HOUR

    return {
        "newest page": each(lambda _: Wanted(organization="p")),
        "rare word": each(lambda n: Wanted(organization="p", words=((f"rare{n}",),))),
        "frequent word (1 in 6)": each(lambda _: Wanted(organization="p", words=(("paper",),))),
        "frequent word + level": each(lambda _: Wanted(organization="p", words=(("paper",),), levels=(40,))),
        "frequent + rarer word": each(lambda n: Wanted(organization="p", words=(("paper",), (f"step{n % 500}",)))),
        "code + period (a day)": each(
            lambda n: Wanted(organization="p", codes=("card.read",), first=time_of(n)[0], last=time_of(n)[1])
        ),
        "code + level": each(lambda _: Wanted(organization="p", codes=("card.read",), levels=(40,))),
        "seat": each(lambda n: Wanted(organization="p", sources=(f"seat-{n % 10}",))),
        "errors": each(lambda _: Wanted(organization="p", levels=(40,))),
    }  # fmt: skip


def fill(shelf: SqliteShelf, rows: int) -> float:
    """Put so many entries, 2,000 a transaction, each on disk before the next; seconds in the book alone."""
    dice, spent = random.Random(1), 0.0
    for start in range(1, rows + 1, TOGETHER):
        kept = [
            rules.Kept(
                number, number * 1000, number * 1000, 40 if number % 500 == 7 else 20, "status", _CODES[int(dice.random() * 6)],
                f'{{"tray":"tray{number % 20}","ms":{int(dice.random() * 900)}}}', "",
                f"step{int(dice.random() * 500)} rare{number}", None,
            )
            for number in range(start, min(start + TOGETHER, rows + 1))
        ]  # fmt: skip
        begin = time.perf_counter()
        shelf.put([Batch("p", f"seat-{start // TOGETHER % 10}", kept, start * 1000)])
        spent += time.perf_counter() - begin
    return spent


def _took(shelf: SqliteShelf, wanted: Wanted) -> float:
    begin = time.perf_counter()
    shelf.find(wanted, 30)
    return (time.perf_counter() - begin) * 1000


def _p99(took: Sequence[float]) -> float:
    return sorted(took)[int(len(took) * 0.99) - 1]


def measure(rows: int, rounds: int, say: Callable[[str], None], notes: list[str]) -> list[report.Row]:
    """Rows: p99 with many entries over p99 with none, of each search, by round."""
    found = []
    with tempfile.TemporaryDirectory(prefix="praxisd-bench-logbook-") as name:
        none, many = SqliteShelf(Path(name) / "none.db"), SqliteShelf(Path(name) / "many.db")
        say(f"logbook: filling with {rows:,} entries")
        begun = time.process_time()
        spent, cpu = fill(many, rows), time.process_time() - begun
        used = many.figures().used
        notes.append(
            f"logbook: {rows:,} entries in {spent:.0f} s, {rows / spent:,.0f}/s by the clock, {rows / cpu:,.0f} a second of "
            f"processor time (making them included); {TOGETHER:,} a transaction, each on disk; {used / rows:.0f} bytes an entry"
        )
        for title, wanted in _asked(rows).items():
            say(f"logbook: {title}")
            empty, full, middle = [], [], []
            for _ in range(rounds):
                few, took = [], []
                for one in itertools.chain(wanted):
                    few.append(_took(none, one))
                    took.append(_took(many, one))
                empty.append(_p99(few))
                full.append(_p99(took))
                middle.append(sorted(took)[len(took) // 2])
            ratios = sorted(a / b for a, b in zip(full, empty, strict=True))
            ratio = ratios[len(ratios) // 2]
            fast = sorted(full)[len(full) // 2]
            felt = fast > FAST_MS
            found.append(
                report.Row(
                    part="logbook", name=f"{title} / empty log", ratio=ratio, low=ratios[0], high=ratios[-1], most=True,
                    demanded=FEW_TIMES if felt or ratio <= FEW_TIMES else None, met=not felt or ratio <= FEW_TIMES,
                    note=f"p50 {sorted(middle)[len(middle) // 2]:.2f} p99 {fast:.2f} ms, empty p99 "
                    f"{sorted(empty)[len(empty) // 2]:.2f} ms" + ("" if felt else f"; below {FAST_MS:g} ms nobody feels it"),
                )
            )  # fmt: skip
        none.close()
        many.close()
    return found
