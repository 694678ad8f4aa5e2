"""From facts to verdicts with texts and prices, in the order of time: what one verdict means for the next ones.

A `Ledge` carries what earlier verdicts of the same run left behind: who is reminded of today already, what the mandators
can still pay, how many messages somebody gets. It is never changed: a transaction that is tried again begins from the
same one.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, get_args

from praxisd.kernel.clock import local_date
from praxisd.kernel.store import Tx
from praxisd.model.communication import Language
from praxisd.services.calendar import api as calendar
from praxisd.services.messaging import api as messaging
from praxisd.services.reminders import gathering, rules
from praxisd.services.reminders.conditions import Conditions
from praxisd.services.reminders.day_rules import midnight
from praxisd.services.reminders.rules import Birthday, Candidate, Facts, Refusal

_LANGUAGES = get_args(Language)


class Ledge(NamedTuple):
    """What the verdicts so far leave for the next ones. `day_end` is when the local day of the last appointment ends."""

    left: Mapping[str, int]
    day_end: int = 0
    reminded: frozenset[str] = frozenset()
    unpaid: frozenset[str] = frozenset()
    given: Mapping[str, int] = {}


class Message(NamedTuple):
    """What a candidate is to be told, and what that costs."""

    subject: str
    text: str
    parts: int
    cost: int


class Judged(NamedTuple):
    """One appointment or birthday with its verdict; `message` for candidates."""

    facts: Facts | Birthday
    verdict: Candidate | Refusal
    message: Message | None = None


def begin(tx: Tx, found: Conditions) -> Ledge:
    """Before the first verdict: what each mandator can pay now."""
    return Ledge(messaging.credits(tx, sorted(found.terms.paying)))


def verdicts(
    found: Conditions, facts: Sequence[Facts], ledge: Ledge
) -> tuple[list[Candidate | Refusal], Ledge]:
    """The rules alone, without texts and credits: a verdict for each appointment, and what they leave behind."""
    day_end, reminded, given = ledge.day_end, set(ledge.reminded), dict(ledge.given)
    terms, answers = found.terms, []
    for one in facts:
        if one.start >= day_end:
            day = local_date(one.start, found.zone)
            day_end = midnight(day + timedelta(days=1), found.zone)
            reminded.clear()
        patient = one.patient
        if patient in given:
            one = Facts(*one[:-2], one.written + given[patient], patient not in reminded)
        elif patient in reminded:
            one = Facts(*one[:-1], False)
        answer = rules.due(one, terms)
        if patient is not None:
            if isinstance(answer, Candidate):
                reminded.add(patient)
                given[patient] = given.get(patient, 0) + 1
            elif answer.code == rules.ALREADY or _was_reminded(one, terms.now):
                reminded.add(patient)
        answers.append(answer)
    unpaid = ledge.unpaid if day_end == ledge.day_end else frozenset[str]()
    return answers, Ledge(ledge.left, day_end, frozenset(reminded), unpaid, given)


def _was_reminded(facts: Facts, now: int) -> bool:
    """An appointment that has begun, whatever became of it, was the one of its day if a message tells of it."""
    return facts.start <= now and facts.held is not None and not rules.lost(facts.held)


def reminders(tx: Tx, found: Conditions, rows: Sequence[Any], ledge: Ledge) -> tuple[list[Judged], Ledge]:
    """Appointments with verdicts, texts and prices, and what they leave behind."""
    facts = gathering.appointments(tx, found, rows)
    answers, after = verdicts(found, facts, ledge)
    wanted = [
        one.appointment for one, answer in zip(facts, answers, strict=True) if isinstance(answer, Candidate)
    ]
    about = calendar.appointment_facts(tx, wanted) if wanted else {}
    left, unpaid, day_end = dict(after.left), set(ledge.unpaid), ledge.day_end
    judged = []
    for one, answer in zip(facts, answers, strict=True):
        if one.start >= day_end:
            day_end = midnight(local_date(one.start, found.zone) + timedelta(days=1), found.zone)
            unpaid.clear()
        if isinstance(answer, Refusal):
            if answer.code == rules.ONE_PER_DAY and one.patient in unpaid:
                answer = Refusal(rules.NO_CREDITS)  # the first one of the day could not be paid either
            judged.append(Judged(one, answer))
            continue
        message = _message(found, answer, one.person, about.get(one.appointment))
        judged.append(_paid(one, answer, message, left))
        if judged[-1].message is None and one.patient is not None:
            unpaid.add(one.patient)
    return judged, after._replace(
        left=left, unpaid=frozenset(unpaid), reminded=after.reminded - frozenset(unpaid), day_end=day_end
    )


def greetings(tx: Tx, found: Conditions, patients: Sequence[str], ledge: Ledge) -> tuple[list[Judged], Ledge]:
    """Birthdays with verdicts, texts and prices, and what they leave behind."""
    left = dict(ledge.left)
    judged = []
    for one in gathering.greetings(tx, found, patients):
        answer = rules.greeting_due(one, found.terms)
        if isinstance(answer, Refusal):
            judged.append(Judged(one, answer))
        else:
            judged.append(_paid(one, answer, _message(found, answer, one.person, None), left))
    return judged, ledge._replace(left=left)


def _paid(facts: Facts | Birthday, answer: Candidate, message: Message, left: dict[str, int]) -> Judged:
    """The candidate, if what is left pays for the message; that is then taken off."""
    code = rules.afford(message.cost, left.get(answer.mandator, 0))
    if code is not None:
        return Judged(facts, Refusal(code))
    left[answer.mandator] = left.get(answer.mandator, 0) - message.cost
    return Judged(facts, answer, message)


def _message(found: Conditions, answer: Candidate, person: Any, about: Any) -> Message:
    """The text in the language of the verdict, its parts (an e-mail is one) and its price in credits."""
    language: Any = answer.language
    values = messaging.Values(
        found.kind, language, found.practice, person, about, found.day if about is None else None, found.zone
    )
    subject, text = messaging.render(found.templates[answer.channel, answer.language], values)
    parts = messaging.measure(text).parts if answer.channel == "sms" else 1
    return Message(subject, text, parts, found.prices[answer.channel] * parts)


def draft(found: Conditions, one: Judged, run: str | None) -> messaging.Draft | None:
    """What goes into the outbox: the message, an entry that asks for a letter, or nothing."""
    facts, answer, message = one.facts, one.verdict, one.message
    about: dict[str, Any] = {"kind": found.kind, "patient": facts.patient, "run": run}
    if isinstance(facts, Facts):
        about |= {"topic": gathering.topic_of(facts.appointment), "stamp": facts.start}
        about |= {"appointment": facts.appointment}
    else:
        about |= {"topic": gathering.greeting_topic(facts.patient, found.day.year), "stamp": 0}
    if isinstance(answer, Candidate) and message is not None:
        return messaging.Draft(
            **about, mandator=answer.mandator, channel=answer.channel, address=answer.address,
            language=_language(answer.language), subject=message.subject, text=message.text, parts=message.parts,
            cost=message.cost, next_at=answer.send_at, useless_after=answer.useless_after,
        )  # fmt: skip
    if isinstance(answer, Refusal) and answer.letter and isinstance(facts, Facts):
        payer = facts.treated or found.terms.default_mandator
        return messaging.Draft(
            **about, mandator=payer, language=_language(found.practice.language), useless_after=facts.start,
            reason=answer.code,
        )  # fmt: skip
    return None


def _language(word: str) -> Language:
    """One of the languages in which patients are written to."""
    return word if word in _LANGUAGES else "de"  # type: ignore[return-value]


def pages(tx: Tx, found: Conditions, limit: int, since: int | None = None) -> Iterator[list[Any]]:
    """All appointments of the period in pages, by time; with `since` (epoch seconds) from then on."""
    start, end = found.period
    start = start if since is None else since
    after: tuple[int, str] | None = None
    while True:
        rows = calendar.for_reminders(tx, start, end, after, limit)
        if rows:
            yield rows
            after = (rows[-1].start, rows[-1].id)
        if len(rows) < limit:
            return
