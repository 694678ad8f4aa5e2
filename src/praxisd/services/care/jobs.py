"""What is done for the database by itself: looked at each night, in full each week; compacted where that was switched on."""

from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.schedule import At, Daily, Weekly
from praxisd.kernel.service import JobType, Scope
from praxisd.services.care import checking, compacting, figures, rules, store
from praxisd.services.care.working import working_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.jobs import RunContext

CHECK, COMPACT = "care.check", "care.compact"
NOT_WORTH = "care.not_worth"
CODES = (NOT_WORTH,)


def check(run: "RunContext") -> None:
    """Check (in full where the last full one is older than six days), measure, and take the write-ahead log in.

    Counts `megabytes`, `faults`, and `log_kept` where somebody reads an older state for so long that the log stays.
    """
    house = run.house
    level = _level(house)
    try:
        work = working_of(house).run(
            level, lambda: checking.check(house, run.actor, level, lambda: run.cancelled)
        )
    except checking.Stopped:
        run.stop_if_asked()
        raise
    short = compacting.checkpoint(house)
    run.checkpoint(
        megabytes=int(work.figures.get("size", 0)) // 1_000_000,
        faults=int(work.state != "good"),
        log_kept=int(short is False),
    )


def _level(house: "House") -> checking.Level:
    with house.store.read(system("care")) as tx:
        found = store.last(tx, "full")
        now = tx.now
    return "quick" if found and now - found[0].at < rules.FULL_EVERY_S else "full"


def compact(run: "RunContext") -> None:
    """Compact where it is worth it and there is room. Counts `megabytes` that came free."""
    house = run.house

    def work() -> int | None:
        found = figures.estimated(figures.whole(house, lambda: run.cancelled))
        if found is not None and not found.proposed:
            return None
        done = compacting.compact(house, run.actor, lambda: run.cancelled).figures
        return int(done["before"]) - int(done["after"])

    freed = working_of(house).run("compact", work)
    if freed is None:
        run.say(NOT_WORTH)
    run.checkpoint(megabytes=max(0, freed or 0) // 1_000_000)


JOBS = (
    JobType(
        CHECK, check, Daily(At("02:40")), enabled=True, missed="once", per=Scope.INSTALLATION,
    ),
    JobType(
        COMPACT, compact, Weekly(At("03:50"), ("sun",)), enabled=False, missed="none", per=Scope.INSTALLATION,
        follows=(CHECK,), uncut=True,
    ),
)  # fmt: skip
