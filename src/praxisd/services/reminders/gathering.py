"""The facts of many appointments or birthdays at once: one statement per kind of fact, never one per patient."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from praxisd.kernel.clock import local_date
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.reminders.conditions import Conditions
from praxisd.services.reminders.day_rules import has_birthday, midnight
from praxisd.services.reminders.rules import Birthday, Facts

GREETED_BEFORE_S = 180 * 86_400
"""Two greetings to one patient are never closer together, whatever became of the date of birth or of two records."""


class _People(NamedTuple):
    """What is known of the patients of one chunk, by id."""

    contacts: Mapping[str, Any]
    wishes: Mapping[str, Any]
    treated: Mapping[str, str]
    written: Mapping[str, int]


def topic_of(appointment: str) -> str:
    """What a reminder is about."""
    return f"reminder/{appointment}"


def greeting_topic(patient: str, year: int) -> str:
    """What a greeting is about: one birthday in a year."""
    return f"birthday/{patient}/{year}"


def appointments(tx: Tx, found: Conditions, rows: Sequence[Any]) -> list[Facts]:
    """The facts of appointments as `calendar.api.for_reminders` gives them, in the same order."""
    now = found.terms.now
    asked = [row for row in rows if row.patient is not None and (row.status == "booked" or row.start <= now)]
    people = _people(tx, found, (row.patient for row in asked))
    topics = [f"reminder/{row.id}" for row in asked]
    held, withdrawn, tried, told = messaging.standing(tx, topics)
    contacts, wishes, treated, written = people
    silent, nothing, none = messaging.NOTHING_SAID, frozenset[Any](), frozenset[Any]()
    facts = []
    for row in rows:
        patient, topic = row.patient, f"reminder/{row.id}"
        said = wishes.get(patient, silent)
        facts.append(
            Facts(
                row.id, row.status, row.start, row.created, patient, contacts.get(patient), said, said.preferred,
                treated.get(patient), held.get(topic), withdrawn.get(topic, nothing), tried.get((topic, row.start), none),
                told.get(topic), written.get(patient, 0),
            )
        )  # fmt: skip
    return facts


def greetings(tx: Tx, found: Conditions, patients: Sequence[str]) -> list[Birthday]:
    """The facts of patients whose birthday is on the day of the conditions; who was only born on that day is left out."""
    people = _people(tx, found, patients)
    celebrated = [one for one in patients if has_birthday(_born(people.contacts.get(one)), found.day)]
    year, until = found.day.year, midnight(found.day + timedelta(days=1), found.zone)
    topics = {one: greeting_topic(one, year) for one in celebrated}
    held, withdrawn, tried, _ = messaging.standing(tx, topics.values())
    greeted = messaging.greeted(tx, celebrated, found.terms.now - GREETED_BEFORE_S)
    facts = []
    for one in celebrated:
        topic, said = topics[one], people.wishes.get(one, messaging.NOTHING_SAID)
        failed = tried.get((topic, 0), set())
        facts.append(
            Birthday(
                one, until, people.contacts.get(one), said, said.preferred, people.treated.get(one), held.get(topic),
                withdrawn.get(topic, frozenset()), failed, one in greeted and not failed, people.written.get(one, 0),
            )
        )  # fmt: skip
    return facts


def _people(tx: Tx, found: Conditions, patients: Iterable[str]) -> _People:
    ids = list(dict.fromkeys(patients))
    sent_on = local_date(found.terms.send_at, found.zone)
    start, end = midnight(sent_on, found.zone), midnight(sent_on + timedelta(days=1), found.zone)
    return _People(
        directory.contacts(tx, ids),
        messaging.wishes(tx, ids),
        directory.last_mandators(tx, ids, found.day),
        messaging.waiting_today(tx, ids, start, end),
    )


def _born(person: Any) -> str | None:
    return None if person is None else person.birth_date
