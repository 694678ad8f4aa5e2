"""The two jobs: prepare appointment reminders, prepare birthday greetings. They put into the outbox and send nothing."""

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from praxisd.kernel.clock import local_date
from praxisd.kernel.schedule import At, Daily
from praxisd.kernel.service import JobType
from praxisd.kernel.store import Tx
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.reminders import judging, late, preparing, store
from praxisd.services.reminders.conditions import Conditions, conditions
from praxisd.services.reminders.day_rules import birthdays, midnight
from praxisd.services.reminders.judging import Judged, Ledge
from praxisd.services.reminders.preparing import CHUNK, Done
from praxisd.services.reminders.rules import Facts

if TYPE_CHECKING:
    from praxisd.kernel.jobs import RunContext

OFF = "reminders.switched_off"
GREETINGS_OFF = "reminders.greetings_switched_off"
LEAST = 10
"""A chunk is never planned smaller than this."""


class _Step(NamedTuple):
    """What a transaction leaves for the next one: how far it came, and whether all it had planned was done.

    `ledge` None: to be read anew. `more` False: nothing was left to do.
    """

    mark: Any
    ledge: Ledge | None = None
    more: bool = True
    whole: bool = True
    written: int = 0


def prepare(run: "RunContext") -> None:
    """A message for each appointment of the days searched that is to be reminded of, a reason for each other.

    A run that was missed searches its own days too, as far as they lie ahead: nobody is forgotten because the server
    was off. What lies nearer is looked at again where no verdict stands (`late`): an appointment that was booked after
    its day was searched is reminded of later than usual rather than not at all. The cursor is (start, id) of the last
    appointment that is done with.
    """
    with run.read() as tx:
        found = conditions(run.house, tx, "reminder")
    if not found.on:
        run.say(OFF)
        return
    start, end = days_searched(found, run.due_at)
    mark: tuple[int, str] | None = tuple(run.cursor) if run.cursor else None
    _work(run, partial(_reminders, run, found, start, end), mark)
    _forget(run)


def days_searched(found: Conditions, due_at: int) -> tuple[int, int]:
    """[start, end) of the appointments a run looks at, epoch seconds."""
    start, end = found.period
    due = local_date(due_at, found.zone)
    if due < found.day:
        missed = midnight(due + timedelta(days=found.first_day), found.zone)
        start = min(start, max(missed, found.terms.now))
    return start, end


def greet(run: "RunContext") -> None:
    """A greeting for each patient whose birthday is today and who may get one. The cursor is the last patient's id."""
    with run.read() as tx:
        found = conditions(run.house, tx, "birthday")
        patients = directory.birthdays(tx, birthdays(found.day, found.leap_day))
    if not found.on:
        run.say(GREETINGS_OFF)
        return
    day = found.day.isoformat()
    mark = run.cursor[1] if run.cursor and run.cursor[0] == day else ""
    _work(run, partial(_birthdays, run, found, patients), mark)
    _forget(run)


def _work(run: "RunContext", step: Any, mark: Any) -> None:
    """One transaction after the other, until nothing is left; each one's size follows from how far the last one came."""
    size, last = CHUNK, _Step(mark)
    while last.more:
        last = run.house.store.run(run.actor, partial(step, before=last, size=size))
        size = min(CHUNK, size + size // 8 + 1) if last.whole else max(LEAST, last.written)
        run.stop_if_asked()


def _reminders(
    run: "RunContext", found: Conditions, start: int, end: int, tx: Tx, *, before: _Step, size: int
) -> _Step:
    mark, ledge = before.mark, before.ledge
    soon = found.terms.now + 1
    rows = calendar.for_reminders(tx, min(start, soon), end, mark, size)
    if not rows:
        return _Step(mark, more=False)
    if ledge is None:
        ledge = preparing.earlier_today(tx, found, mark or (soon, ""), with_it=mark is not None)
    judged, after = late.reminders(tx, found, rows, ledge, start)
    done = preparing.write(run.house, tx, found, judged, run.id)
    whole = done.written == len(judged)
    last = (rows[-1].start, rows[-1].id) if whole else _mark(judged[done.written - 1])
    _save(run, tx, list(last), done)
    return _Step(last, _kept(after, done, judged), True, whole, done.written)


def _mark(one: Judged) -> tuple[int, str]:
    facts = one.facts
    return (facts.start, facts.appointment) if isinstance(facts, Facts) else (0, "")


def _birthdays(
    run: "RunContext", found: Conditions, patients: list[str], tx: Tx, *, before: _Step, size: int
) -> _Step:
    ids = [one for one in patients if one > before.mark][:size]
    if not ids:
        return _Step(before.mark, more=False)
    judged, after = judging.greetings(tx, found, ids, before.ledge or judging.begin(tx, found))
    done = preparing.write(run.house, tx, found, judged, run.id)
    whole = done.written == len(judged)
    last = ids[-1] if whole else preparing.subject_of(judged[done.written - 1])
    _save(run, tx, [found.day.isoformat(), last], done)
    return _Step(last, _kept(after, done, judged), True, whole, done.written)


def _kept(after: Ledge, done: Done, judged: list[Judged]) -> Ledge | None:
    """What the chunk leaves, if all of it was written. What somebody is given is in the outbox now."""
    return after._replace(given={}) if done.written == len(judged) else None


def _save(run: "RunContext", tx: Tx, cursor: list[Any], done: Done) -> None:
    """Mark and effect commit together."""
    run.checkpoint(
        cursor, tx=tx, candidates=done.candidates, prepared=done.prepared, refused=done.refused, letters=done.letters
    )  # fmt: skip


def _forget(run: "RunContext") -> None:
    """Delete refusals of long ago, in chunks."""
    before = run.house.clock.now() - preparing.KEEP_S
    while run.house.store.run(run.actor, lambda tx: store.purge(tx, before)):
        run.stop_if_asked()


JOBS = (
    JobType("reminders.prepare", prepare, Daily(At("10:00"))),
    JobType("reminders.birthdays", greet, Daily(At("10:05"))),
)
