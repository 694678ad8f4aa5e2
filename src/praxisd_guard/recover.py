"""What an earlier guard left unfinished is brought to its end, before anything else is started.

Before `switched` the old version is started and the order taken back (`guard.interrupted`). From `switched` on the new
version gets a second try, never a third: then, too, the old one. Every step is one that may have happened already. A
journal that cannot be written (full disk) stops nothing: what cannot be counted is not tried, and the old one is started.
"""

from contextlib import suppress
from pathlib import Path

from praxisd_guard import journal, orders, versions
from praxisd_guard.install_migrate import FREE_S, wait_until_free
from praxisd_guard.install_prepare import clear
from praxisd_guard.install_state import Work, plan_of
from praxisd_guard.keeper_host import Failure, Host

TRIES = 2
"""So often one version is tried for one order, the first time included."""
AGAIN = "again"


def run(home: Path, host: Host, free_s: float = FREE_S) -> bool:
    """Settle the unfinished order; True when a server runs now, False when the keeper shall start one (the pointer
    names which). Call it at the guard's start, once, while no server of this HOME runs. Raises `keeper_host.Ending`.
    """
    order = journal.unfinished(home)
    if order is None:
        clear(home)
        return False
    with suppress(OSError):
        orders.taken(home, order)
    lines = journal.of(home, order)
    plan = plan_of(lines)
    if plan is None:  # a restart: the guard's own start is one
        with suppress(OSError):
            journal.Journal(home).write(lines[-1].kind, journal.KEPT, order, again=True)
        return False
    wait_until_free(home, free_s)
    work = Work(home, plan, host)
    steps = [line.step for line in lines]
    if "failed" in steps:
        return _go_on_back(work, steps[steps.index("failed") :])
    if "healthy" in steps:
        work.keep()
        return False
    if "switched" not in steps:
        return work.back("guard.interrupted", Failure("guard.interrupted", f"after {steps[-1]}"))
    if steps.count(AGAIN) + 1 >= TRIES or versions.python(home, plan.version) is None:
        return work.back(
            "guard.interrupted", Failure("guard.interrupted", f"{TRIES} tries, after {steps[-1]}")
        )
    if not _counted(work, steps.count(AGAIN) + 2):
        return work.back("guard.disk", Failure("guard.disk", "the second try cannot be written down"))
    return work.start_new()


def _counted(work: Work, number: int) -> bool:
    """Write down that try; False where that is not possible."""
    try:
        work.note(AGAIN, n=number)
    except OSError:
        return False
    return True


def _go_on_back(work: Work, steps: list[str]) -> bool:
    if (
        steps.count(AGAIN) >= TRIES
    ):  # the old version's start ends the guard itself? The keeper has rules for that
        versions.point_back(work.home, work.plan.old, work.plan.old_previous)
        work.end_restored(Failure("guard.interrupted", "restored, not looked at"))
        return False
    _counted(work, steps.count(AGAIN) + 1)
    return work.restore()
