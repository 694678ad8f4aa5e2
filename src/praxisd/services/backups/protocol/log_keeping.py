"""The log of backup days as it is kept, and who has looked at it; for doors, commands, the check and the form alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from praxisd.kernel import events, sentences
from praxisd.kernel.access import INSTALLATION, Kind, system
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import LogCheck, RunKept
from praxisd.services.backups import store
from praxisd.services.backups.plans import planning
from praxisd.services.backups.protocol import log_rules
from praxisd.services.backups.protocol.around import NAME, Around, around
from praxisd.services.backups.protocol.log_rules import LOOK_BACK_DAYS, DayState, Line

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SUBJECT = "BackupLog"
CHECKED = "backup_log.checked"
NOT_OVER, PERSON = "backups.log_not_over", "backups.log_person"
CODES = (NOT_OVER, PERSON)
PEOPLE = (Kind.USER, Kind.SUPPORT)
"""Who is signed in, and so named by that."""
SYSTEM = system(NAME, INSTALLATION)
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Book:
    """The log over some days: lines, states and checks by day; `late`: days somebody should have looked at by now."""

    around: Around
    lines: Mapping[date, tuple[Line, ...]]
    states: Mapping[date, DayState]
    checks: Mapping[date, LogCheck]
    late: tuple[date, ...]

    @property
    def asked(self) -> date | None:
        """The newest day that is over and has something to look at; None if there is none within a month."""
        over = (day for day, state in self.states.items() if day < self.around.today and state != "nothing")
        return max(over, default=None)


@dataclass(frozen=True, slots=True)
class Asked:
    """The look that is asked for now: at which day, whether it is late, who has looked at it already, and when."""

    day: date | None
    due: bool
    by: str
    at: int | None


def book(house: "House", tx: Tx, back: int = LOOK_BACK_DAYS) -> Book:
    """The log of today and so many days before it."""
    here = around(house, tx, back=back)
    return _book(tx, here, here.today - timedelta(days=back), here.today)


def page(house: "House", tx: Tx, day: date) -> Book:
    """The log of one day. Problem `http.not_found` for a day to come."""
    here = around(house, tx, day=max(day, date(2000, 1, 1)))
    if day > here.today:
        raise not_found(SUBJECT)
    return _book(tx, here, day, day)


def asked(house: "House", tx: Tx) -> Asked:
    """Which day's log is to be looked at now (`check` of the overview)."""
    found = book(house, tx)
    day = found.asked
    check = None if day is None else found.checks.get(day)
    late = bool(found.late)
    return Asked(day, late, "" if check is None else check.by, None if check is None else check.at)


def _book(tx: Tx, here: Around, first: date, last: date) -> Book:
    runs = _runs(tx, first, last)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    lines = {day: log_rules.lines(here.planned(day), runs.get(day, []), day < here.today) for day in days}
    states = {day: log_rules.state(found) for day, found in lines.items()}
    checks = {day: one for day in days if (one := store.CHECK.get(tx, day.isoformat())) is not None}
    oldest = here.today - timedelta(days=LOOK_BACK_DAYS)
    recent = {day: state for day, state in states.items() if day >= oldest}
    late = log_rules.unlooked(recent, checks, here.now, here.days, here.closed, here.zone)
    return Book(here, lines, states, checks, late)


def _runs(tx: Tx, first: date, last: date) -> dict[date, list[RunKept]]:
    """The runs of these days. A run is asked for on its day or the morning after; two days more for clocks that were wrong."""
    begin = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()) - 2 * 86_400
    end = int(datetime(last.year, last.month, last.day, tzinfo=UTC).timestamp()) + 4 * 86_400
    found: dict[date, list[RunKept]] = {}
    before: int | None = end
    while True:
        some = store.RUN.newest(tx, _PAGE, before=before)
        for one in some:
            if first <= one.day <= last:
                found.setdefault(one.day, []).append(one)
        if len(some) < _PAGE or some[-1].asked < begin:
            return found
        before = some[-1].asked if some[-1].asked < (before or 0) else some[-1].asked - 1


def look(
    house: "House",
    tx: Tx,
    day: date,
    *,
    remark: str = "",
    earlier: bool = False,
    person: str = "",
    lang: str = "de",
) -> LogCheck:
    """Note that the caller has looked at the log of a backup day. Said again, the last word stands; the audit has all.

    Problems: `http.not_found` where there is nothing to look at, `backups.log_not_over` (409) before the day has ended,
    `backups.log_person` (422) where a program does not say for whom.
    """
    found = book(house, tx)
    if day not in found.states:
        found = page(house, tx, day)
    if found.states[day] == "nothing":
        raise not_found(SUBJECT)
    if day >= found.around.today:
        raise Problem(NOT_OVER, 409)
    by = name(house, tx, person, lang)
    made = _kept(tx, found, day, by, " ".join(remark.split()))
    if earlier:
        for one in found.late:
            if one < day:
                _kept(tx, found, one, by, "")
    return made


def _kept(tx: Tx, found: Book, day: date, by: str, remark: str) -> LogCheck:
    check = LogCheck(day, by, tx.now, log_rules.said(found.states[day]), remark)
    store.CHECK.put(tx, day.isoformat(), check, at=tx.now)
    events.note(tx, CHECKED, SUBJECT, day.isoformat(), state=check.state)
    return check


def name(house: "House", tx: Tx, person: str = "", lang: str = "de") -> str:
    """Who acts, by name: who is signed in by that; a key or the command line says for whom (`backups.log_person`)."""
    actor = tx.actor
    if actor.kind not in PEOPLE:
        given = " ".join(person.split())
        if not given:
            raise Problem(PERSON, 422)
        return given
    with planning.within(tx, actor.organization):
        return sentences.actor_names(house, tx, [actor.label], lang)[actor.label]


def kept(tx: Tx, back: int) -> list[LogCheck]:
    """The looks at the newest so many days, newest first."""
    return sorted(store.CHECK.all(tx), key=lambda one: one.day, reverse=True)[:back]
