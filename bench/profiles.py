"""Where the time of the worst figures goes: `python -m bench.profiles coldest|changed|infix [FOLDER]`.

Own time of each function by cProfile, in one process and one thread, without HTTP; FOLDER is a practice filled with `--keep`.
Shares hold on a busy machine too; cProfile makes many small calls look a little dearer than they are.
"""

import cProfile
import pstats
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench import growth_base, practice, slots
from praxisd.kernel.app import House
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar.finding import _told
from praxisd.services.calendar.shapes import Slots

TOP = 12


def _ask(house: House, made: practice.Filled, begin: int, end: int) -> None:
    with house.store.read(made.desk) as tx:
        found = calendar.free(house, tx, made.service, begin, end)
    rows = [found.told.get(one.start) or _told(found.told, one, practice.ZONE) for one in found.slots]
    msgspec.json.encode(Slots(slots=rows))  # type: ignore[arg-type]


Work = Callable[[cProfile.Profile], None]


def coldest(folder: Path) -> Work:
    """100 questions, for each of which nothing is kept but the calendar's columns and types."""
    made, house = _opened(folder)

    def work(profile: cProfile.Profile) -> None:
        for n in range(100):
            view = calendar.views(house)
            view._occupied.clear()
            view._states.clear()
            profile.runcall(_ask, house, made, growth_base.instant(1 + n), growth_base.instant(22 + n))

    return work


def changed(folder: Path) -> Work:
    """100 questions, before each of which two of 20 columns changed, which is not counted."""
    made, house = _opened(folder)
    begin, end = growth_base.instant(1), growth_base.instant(1 + slots.DAYS)
    _ask(house, made, begin, end)

    def work(profile: cProfile.Profile) -> None:
        for n in range(100):
            house.store.run(made.desk, lambda tx, n=n: _touch(house, tx, made, n))
            profile.runcall(_ask, house, made, begin, end)

    return work


def _touch(house: House, tx: object, made: practice.Filled, number: int) -> None:
    """What a booking does to what is kept: two columns are no longer as they were."""
    from praxisd.services.calendar.view import touch

    doctors, rooms = made.doctors, made.rooms
    touch(house, tx, [doctors[number % len(doctors)], rooms[number % len(rooms)]])  # type: ignore[arg-type]


def infix(_folder: Path) -> Work:
    """400 words that stand within names, among 100,000 names."""
    from bench import medication
    from praxisd.services.medication import finding_cascade, finding_making, sets_reading
    from praxisd.services.medication.sets_schema import MEDICATION
    from praxisd.testing.houses import Houses
    from praxisd.testing.medication_large import install
    from praxisd.testing.medication_names import products, questions

    house = Houses("sqlite", Path(tempfile.mkdtemp(prefix="praxisd-bench-"))).open()
    made = products(medication.NAMES)
    asked = [one.typed for one in questions(made)["infix"]]
    install(house, made, "large")
    index = finding_making.index_of(house, sets_reading.open_set(house, MEDICATION))

    def work(profile: cProfile.Profile) -> None:
        for one in asked:
            profile.runcall(finding_cascade.find, index, one, 20, {})

    return work


def _opened(folder: Path) -> tuple[practice.Filled, House]:
    made = practice.prepared(folder, lambda words: print(words, file=sys.stderr))
    copied = practice.copy(folder, Path(tempfile.mkdtemp(prefix="praxisd-bench-")) / "copy")
    return made, practice.opened(copied)


WORKS = {"coldest": coldest, "changed": changed, "infix": infix}


def main(what: str, folder: str = "/tmp/praxisd-bench-base") -> None:
    """Print the shares of own time, the largest first."""
    work = WORKS[what](Path(folder))
    work(cProfile.Profile())  # what is made once is not asked about
    profile = cProfile.Profile()
    work(profile)
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    total = sum(one[2] for one in stats.values())
    print(f"{what}: {total:.2f} s")
    for (file, line, name), (_, calls, own, _, _) in sorted(stats.items(), key=lambda one: -one[1][2])[:TOP]:
        place = f"{Path(file).parent.name}/{Path(file).name}:{line} " if line else ""
        print(f"  {own / total:5.1%}  {calls:>8}  {place}{name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
