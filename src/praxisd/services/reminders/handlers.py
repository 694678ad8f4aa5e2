"""What becomes of messages when something happens: an appointment moved or fell away, a patient died or has another number.

Each of them may be told twice: what is withdrawn already is not there to be withdrawn, and the outbox holds one message
per topic. What was sent stays; whether another follows says the switch `reminders.on_move` (SPEC 5.10).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from praxisd.kernel.events import Event
from praxisd.kernel.service import Handler
from praxisd.kernel.store import Tx
from praxisd.model.communication import Purpose
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.reminders import conditions, gathering, preparing, rules, store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

GONE = "messaging.appointment_gone"
CHANGED = "reminders.contact_changed"
_REACH = {"telecom"}
_LIFE = {"active", "deceased", "deceased_undated"}
_PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


def appointment_changed(house: "House", tx: Tx, event: Event) -> None:
    """Withdraw a reminder that would say what is no longer so; find the new verdict where the runs were there already.

    A reminder that was sent for another time is replaced, if the switch says so, by the next verdict: that of this
    handler, or of the run that comes to the new day.
    """
    id_ = event.subject_id
    topic = gathering.topic_of(id_)
    held = messaging.holding(tx, [topic]).get(topic)
    facts = calendar.appointment_facts(tx, [id_]).get(id_)
    if facts is None or facts.status != "booked":
        if held is not None:
            _take_back(house, tx, held, GONE)
        store.drop(tx, "reminder", [id_])
        return
    if held is None:
        # A run was there and refused it, or what it prepared was withdrawn: the next one may come too late.
        if store.get(tx, "reminder", id_) is not None or messaging.withdrawn(tx, [topic]):
            preparing.again(house, tx, id_)
        return
    if held.stamp == facts.start:
        return
    if held.state == "prepared" or not held.channel:
        _take_back(house, tx, held, rules.MOVED)
        preparing.again(house, tx, id_)
    elif conditions.on_move(house, tx) == "renew":
        preparing.again(house, tx, id_)


def patient_changed(house: "House", tx: Tx, event: Event) -> None:
    """Nothing goes to the dead or to records out of use, and nothing to a number that was corrected."""
    fields = set(event.fields)
    if not fields & (_REACH | _LIFE):
        return
    person = directory.contacts(tx, [event.subject_id]).get(event.subject_id)
    if person is None or person.merged_into is not None:
        return  # what was prepared for a merged record belongs to the one that goes on
    if person.dead or not person.active:
        code = rules.DEAD if person.dead else rules.INACTIVE
        messaging.withdraw_all(house, tx, person.id, _PURPOSES, code)
        messaging.close_letters(tx, person.id)
        return
    if fields & _REACH:
        _withdraw_wrong_addresses(house, tx, person)
    _look_again(house, tx, person.id)


def wishes_changed(house: "House", tx: Tx, event: Event) -> None:
    """Who was refused for want of a consent may have given it. What is not wanted any more, messaging has withdrawn."""
    _look_again(house, tx, event.subject_id)


def message_withdrawn(house: "House", tx: Tx, event: Event) -> None:
    """Find the verdict that holds now: another message at once where there may be one, else the reason."""
    _judge_again(house, tx, messaging.about(tx, event.subject_id))


def patient_merged(house: "House", tx: Tx, event: Event) -> None:
    """Two records were one person: of two greetings for one birthday that were not sent yet, one goes."""
    dropped = event.codes.get("dropped")
    if not isinstance(dropped, str):
        return
    year = conditions.conditions(house, tx, "birthday").day.year
    topics = [gathering.greeting_topic(one, year) for one in (event.subject_id, dropped)]
    held = messaging.holding(tx, topics)
    if len(held) == 2:
        for one in reversed(topics):
            if messaging.withdraw(house, tx, held[one].id, rules.GREETED):
                return


def channel_failed(house: "House", tx: Tx, event: Event) -> None:
    """A message failed for good, and the practice wants another channel tried (SPEC 5.8): now, not tomorrow."""
    if event.codes.get("again") is not True:
        return
    _judge_again(house, tx, messaging.about(tx, event.subject_id))


def _judge_again(house: "House", tx: Tx, about: Any) -> None:
    if about is None:
        return
    if about.kind == "reminder" and about.appointment is not None:
        preparing.again(house, tx, about.appointment)
    elif about.kind == "birthday":
        preparing.greet_again(house, tx, about.patient)


def _look_again(house: "House", tx: Tx, patient: str) -> None:
    """What a run has refused for this patient, and what still lies ahead, gets a new verdict."""
    for one in store.ahead(tx, patient):
        if one.kind == "reminder":
            preparing.again(house, tx, one.subject)
        else:
            preparing.greet_again(house, tx, patient)


def _take_back(house: "House", tx: Tx, held: Any, reason: str) -> None:
    """What was not sent is withdrawn; a letter that nobody wrote yet is not wanted any more. What was sent stays."""
    if not messaging.withdraw(house, tx, held.id, reason) and held.letter == "open":
        messaging.supersede(tx, held.id)


def _withdraw_wrong_addresses(house: "House", tx: Tx, person: Any) -> None:
    """Withdraw what would go to an address the patient no longer has; the event of that finds a new verdict."""
    country = directory.organization(tx).country
    for one in messaging.waiting(tx, person.id):
        if one.address not in conditions.addresses(person, one.channel, country):
            messaging.withdraw(house, tx, one.id, CHANGED)


_APPOINTMENT: Sequence[str] = tuple(
    f"appointment.{what}" for what in ("moved", "changed", "cancelled", "confirmed", "imported")
)
HANDLERS = (
    Handler("reminders.appointments", tuple(_APPOINTMENT), appointment_changed),
    Handler("reminders.patients", ("patient.changed",), patient_changed),
    Handler("reminders.merged", ("patient.merged",), patient_merged),
    Handler("reminders.wishes", ("consent.changed", "preference.changed"), wishes_changed),
    Handler("reminders.failed", ("communication.failed",), channel_failed),
    Handler("reminders.withdrawn", ("communication.withdrawn",), message_withdrawn),
)
