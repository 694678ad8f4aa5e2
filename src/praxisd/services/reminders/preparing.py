"""Putting messages into the outbox and reasons into the list: one short transaction per chunk, each with its mark.

Facts are read in the transaction that writes, so a verdict is never older than what it leads to; the outbox's unique
constraint is the judge of "one reminder per appointment", and the outbox looks at the appointment once more before it
sends. A chunk ends after `SHARE_S`, wherever it is then; its mark says where the next one begins (SPEC 4.6: a run that is
taken up again repeats nothing).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from praxisd.kernel.clock import local_date
from praxisd.kernel.store import Tx
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.reminders import conditions, gathering, judging, late, rules, store
from praxisd.services.reminders.conditions import Conditions
from praxisd.services.reminders.day_rules import birthdays, midnight
from praxisd.services.reminders.judging import Judged, Ledge
from praxisd.services.reminders.rules import Candidate, Facts, Refusal

if TYPE_CHECKING:
    from praxisd.kernel.app import House

CHUNK = 100
"""Appointments or birthdays judged in one transaction, at most."""
SHARE_S = 0.02
"""So long a transaction may write before it ends at the next item; what reading takes comes on top. Seconds."""
KEEP_S = 400 * 86_400
"""How long a refusal is kept: a year of birthdays, and a little more. Seconds."""

_AS_IT_WAS = (Refusal(rules.ALREADY), Refusal(rules.GREETED))
_NOBODY = directory.ContactFacts(id="", version=0, family="")


class Done(NamedTuple):
    """What a chunk did: of the items judged the first `written` are in the database, with what became of them."""

    written: int
    prepared: int = 0
    letters: int = 0
    refused: int = 0
    candidates: int = 0


def write(house: "House", tx: Tx, found: Conditions, judged: Sequence[Judged], run: str | None) -> Done:
    """Write verdicts down in order, until all are there or the time of a transaction is used up."""
    clock = house.clock
    began = clock.monotonic()
    prepared = letters = refused = candidates = written = 0
    rows, gone = [], []
    for one in judged:
        if written and clock.monotonic() - began > SHARE_S:
            break
        written += 1
        made = _into_outbox(house, tx, found, one, run)
        if isinstance(one.verdict, Candidate):
            candidates += 1
            prepared += made
            gone.append(subject_of(one))
            continue
        _settle(house, tx, one)
        refused += 1
        letters += made
        rows.append(
            store.Refused(
                found.kind, subject_of(one), one.facts.patient, one.verdict.code, int(one.verdict.letter),
                _start(found, one), tx.now, run,
            )
        )  # fmt: skip
    store.put(tx, rows)
    store.drop(tx, found.kind, gone)
    return Done(written, prepared, letters, refused, candidates)


def subject_of(one: Judged) -> str:
    """The appointment, or the patient whose birthday it is."""
    return one.facts.appointment if isinstance(one.facts, Facts) else one.facts.patient


def _start(found: Conditions, one: Judged) -> int:
    return one.facts.start if isinstance(one.facts, Facts) else midnight(found.day, found.zone)


def _into_outbox(house: "House", tx: Tx, found: Conditions, one: Judged, run: str | None) -> bool:
    """Prepare the message, or the entry that asks for a letter; False if there is none, or another was faster."""
    draft = judging.draft(found, one, run)
    if draft is None:
        return False
    held = one.facts.held
    if held is not None:
        if draft.reason is not None and held.stamp == draft.stamp:
            return False  # that letter is asked for already
        if not messaging.withdraw(house, tx, held.id, rules.MOVED):
            messaging.supersede(tx, held.id)
    return messaging.prepare(house, tx, draft) is not None


def _settle(house: "House", tx: Tx, one: Judged) -> None:
    """The appointment is where the patient was told it is (moved away and back): that message counts again."""
    facts = one.facts
    if not isinstance(facts, Facts) or one.verdict != _AS_IT_WAS[0] or facts.told is None:
        return
    held = facts.held
    if facts.told.stamp != facts.start or (held is not None and held.id == facts.told.id):
        return
    if held is not None and not messaging.withdraw(house, tx, held.id, rules.MOVED):
        messaging.supersede(tx, held.id)
    messaging.resume(tx, facts.told.id)


def earlier_today(tx: Tx, found: Conditions, upto: tuple[int, str], *, with_it: bool) -> Ledge:
    """What the appointments of that day, up to `upto` (start, id), leave for the next ones, as the outbox tells it.

    For a run that is taken up again, and for a single appointment: their day began without them.
    """
    ledge = judging.begin(tx, found)
    since, mark = midnight(local_date(upto[0], found.zone), found.zone), None
    while True:
        rows = calendar.for_reminders(tx, since, upto[0] + 1, mark, CHUNK)
        here = [row for row in rows if (row.start, row.id) < upto or (with_it and row.id == upto[1])]
        _, ledge = judging.verdicts(found, gathering.appointments(tx, found, here), ledge)
        if len(rows) < CHUNK:
            return ledge._replace(given={})
        mark = (rows[-1].start, rows[-1].id)


def again(house: "House", tx: Tx, appointment: str) -> bool:
    """Judge one appointment anew, now, if the runs have been over its day: their next one might come too late for it.

    For an appointment that was moved or booked late, a number that was corrected, a channel that failed for good. True if
    something was put into the outbox. Does nothing while reminders are switched off.

    One that was booked just now is judged as of the moment at which `reminders.after_booking_hours` have passed, and its
    message waits until then; unless it was booked for the same day, of which nobody is reminded.
    """
    found = conditions.conditions(house, tx, "reminder")
    facts = calendar.appointment_facts(tx, [appointment]).get(appointment)
    if (
        not found.on
        or facts is None
        or facts.patient is None
        or not found.terms.now < facts.start < found.period[1]
    ):
        return False
    rows = calendar.for_reminders(tx, facts.start, facts.start + 1, None, 1_000)
    here = [row for row in rows if row.id == appointment]
    ripe = max((row.created for row in here), default=0) + found.terms.grace_s
    if found.terms.now < ripe < facts.start and not any(late.same_day(found, row) for row in here):
        found = conditions.conditions(house, tx, "reminder", ripe)
    ledge = earlier_today(tx, found, (facts.start, appointment), with_it=False)
    judged, _ = judging.reminders(tx, found, here, ledge)
    return _written(house, tx, found, judged)


def greet_again(house: "House", tx: Tx, patient: str) -> bool:
    """The same for a patient whose birthday is today."""
    found = conditions.conditions(house, tx, "birthday")
    if not found.on:
        return False
    born = (directory.contacts(tx, [patient]).get(patient) or _NOBODY).birth_date or ""
    if born[5:] not in birthdays(found.day, found.leap_day):
        return False
    judged, _ = judging.greetings(tx, found, [patient], judging.begin(tx, found))
    return _written(house, tx, found, judged)


def _written(house: "House", tx: Tx, found: Conditions, judged: Sequence[Judged]) -> bool:
    """The new verdict replaces the old one, unless it says that all is as it was."""
    for one in judged:
        _settle(house, tx, one)
    new = [one for one in judged if one.verdict not in _AS_IT_WAS]
    done = write(house, tx, found, new, None)
    return bool(done.prepared or done.letters)
