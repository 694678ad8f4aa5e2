"""What becomes of messages when something happens: an appointment moved or fell away, a patient died or has another number.

Each of them may be told twice: what is withdrawn already is not there to be withdrawn, and the outbox holds one message
per topic. What was sent stays; whether another follows says the switch `reminders.on_move` (SPEC 5.10).
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, get_args

from praxisd.kernel import jobs
from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.events import Event
from praxisd.kernel.service import Handler
from praxisd.kernel.store import Tx
from praxisd.model.communication import PURPOSE, Purpose
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.reminders import conditions, gathering, preparing, rules, store
from praxisd.services.reminders.day_rules import midnight

if TYPE_CHECKING:
    from praxisd.kernel.app import House

GONE = "messaging.appointment_gone"
CHANGED = "reminders.contact_changed"
STOPPED = "messaging.consent_stopped"
OFF: Mapping[str, str] = {
    "reminder": "reminders.switched_off",
    "birthday": "reminders.greetings_switched_off",
}
"""Why what waits is taken back when a switch goes off."""
KEPT_S = 62 * 86_400
"""What was taken back by a switch comes back for so long, where the appointment still lies ahead. Seconds."""
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
    elif held is None:
        _without_message(house, tx, event, facts)
    elif held.patient != facts.patient:
        _take_back(house, tx, held, GONE)
        preparing.again(house, tx, id_)
    elif held.stamp != facts.start:
        if held.state == "prepared" or not held.channel:
            _take_back(house, tx, held, rules.MOVED)
            preparing.again(house, tx, id_)
        elif conditions.on_move(house, tx) == "renew":
            preparing.again(house, tx, id_)
    if facts is not None and facts.patient is not None:
        _look_again(house, tx, facts.patient, (rules.ONE_PER_DAY,))


def _without_message(house: "House", tx: Tx, event: Event, facts: Any) -> None:
    """Find the verdict now if a run was there (it refused, or its message was withdrawn), or if none comes in time.

    What was booked for the same day is not reminded of: it was booked just now.
    """
    id_ = event.subject_id
    if store.get(tx, "reminder", id_) is not None or messaging.withdrawn(tx, [gathering.topic_of(id_)]):
        preparing.again(house, tx, id_)
    elif facts.patient is not None and facts.start > tx.now and _no_run_comes(house, tx, facts.start):
        here = zone(directory.organization(tx).zone)
        if event.type == "appointment.booked" and local_date(tx.now, here) >= local_date(facts.start, here):
            if house.settings.get(tx, conditions.SEND_REMINDERS):
                refused = ("reminder", id_, facts.patient, rules.RECENT, 0, facts.start, tx.now, None)
                store.put(tx, [store.Refused(*refused)])
        else:
            preparing.again(house, tx, id_)


def _no_run_comes(house: "House", tx: Tx, start: int) -> bool:
    """True if the next run is planned, and the days it searches begin after this appointment."""
    try:
        job = jobs.get_job(house, tx, conditions.JOB["reminder"])
    except Problem:
        return False  # this practice has no jobs yet
    if not job.enabled or job.next_at is None:
        return False
    here = zone(directory.organization(tx).zone)
    first = int(house.settings.get(tx, conditions.FIRST_DAY))
    return start < midnight(local_date(job.next_at, here) + timedelta(days=first), here)


def patient_changed(house: "House", tx: Tx, event: Event) -> None:
    """Nothing goes to the dead or to records out of use, and nothing to a number that was corrected."""
    fields = set(event.fields)
    if not fields & (_REACH | _LIFE):
        return
    person = directory.contacts(tx, [event.subject_id]).get(event.subject_id)
    if person is None or person.merged_into is not None:
        return  # what was prepared for a merged record belongs to the one that goes on
    if _gone(house, tx, person):
        return
    if fields & _REACH:
        _withdraw_wrong_addresses(house, tx, person)
    _look_again(house, tx, person.id)


def wishes_changed(house: "House", tx: Tx, event: Event) -> None:
    """Who was refused for want of a consent may have given it. What is not wanted any more, messaging has withdrawn."""
    _look_again(house, tx, event.subject_id)


def message_withdrawn(house: "House", tx: Tx, event: Event) -> None:
    """Find the verdict that holds now: another message at once where there may be one, else the reason."""
    about = messaging.about(tx, event.subject_id)
    _judge_again(house, tx, about)
    if about is not None and about.kind == "reminder":
        _look_again(house, tx, about.patient, (rules.ONE_PER_DAY,))  # the first one of its day, perhaps


def switched(house: "House", tx: Tx, event: Event) -> None:
    """What waits to be sent is taken back when its switch goes off; on again, what is still of use comes back."""
    for kind, key in conditions.SWITCH.items():
        if key != event.subject_id:
            continue
        code = OFF[kind]
        if not house.settings.get(tx, key):
            for id_ in messaging.waiting_kind(tx, kind):
                messaging.withdraw(house, tx, id_, code)
            continue
        back = messaging.withdrawn_since(tx, code, tx.now - KEPT_S)
        for _, appointment, patient in dict.fromkeys(back):
            if appointment is not None:
                preparing.again(house, tx, appointment)
            else:
                preparing.greet_again(house, tx, patient)


def patient_merged(house: "House", tx: Tx, event: Event) -> None:
    """Two records were one person: of two greetings for one birthday that were not sent yet, one goes.

    What waits is judged as what the record that goes on says: of its life, its wishes, its addresses.
    """
    dropped = event.codes.get("dropped")
    if not isinstance(dropped, str):
        return
    year = conditions.conditions(house, tx, "birthday").day.year
    topics = [gathering.greeting_topic(one, year) for one in (event.subject_id, dropped)]
    held = messaging.holding(tx, topics)
    if len(held) == 2:
        for one in reversed(topics):
            if messaging.withdraw(house, tx, held[one].id, rules.GREETED):
                break
    person = directory.contacts(tx, [event.subject_id]).get(event.subject_id)
    if person is None or person.merged_into is not None or _gone(house, tx, person):
        return
    _withdraw_unwanted(house, tx, person.id)
    _withdraw_wrong_addresses(house, tx, person)
    if house.settings.get(tx, conditions.ONE_PER_DAY):
        _withdraw_second_ones(house, tx, person.id)
    _look_again(house, tx, person.id)


def patient_unmerged(house: "House", tx: Tx, event: Event) -> None:
    """One record was two people after all: nobody gets what is about the other one's appointment."""
    for one in messaging.waiting(tx, event.subject_id):
        about = calendar.appointment_facts(tx, [one.appointment or ""]).get(one.appointment or "")
        if about is not None and about.patient != event.subject_id:
            messaging.withdraw(house, tx, one.id, GONE)
    for patient in (event.subject_id, event.codes.get("revived")):
        if isinstance(patient, str):
            _look_again(house, tx, patient)


def message_failed(house: "House", tx: Tx, event: Event) -> None:
    """It did not arrive. Where the practice wants another channel tried (SPEC 5.8): now, not tomorrow.

    Nobody writes a letter about an appointment that is not so any more, to the dead, or beside another message.
    """
    about = messaging.about(tx, event.subject_id)
    if event.codes.get("again") is True:
        _judge_again(house, tx, about)
    if about is None or about.appointment is None or about.kind != "reminder":
        return
    facts = calendar.appointment_facts(tx, [about.appointment]).get(about.appointment)
    person = directory.contacts(tx, [about.patient]).get(about.patient)
    held = messaging.holding(tx, [about.topic]).get(about.topic)
    if (
        facts is None
        or (facts.status, facts.start, facts.patient) != ("booked", about.stamp, about.patient)
        or person is None
        or person.dead
        or (held is not None and held.id != event.subject_id)
    ):
        messaging.close_letter(tx, event.subject_id)


def _gone(house: "House", tx: Tx, person: Any) -> bool:
    """The person has died, or the record is out of use: nothing goes out, and nobody writes letters."""
    if not person.dead and person.active:
        return False
    code = rules.DEAD if person.dead else rules.INACTIVE
    messaging.withdraw_all(house, tx, person.id, _PURPOSES, code)
    messaging.close_letters(tx, person.id)
    return True


def _withdraw_unwanted(house: "House", tx: Tx, patient: str) -> None:
    """Withdraw what a patient's words do not allow, as messaging does when they are said."""
    wishes = messaging.wishes(tx, [patient]).get(patient, messaging.NOTHING_SAID)
    needs = messaging.needs(house, tx)
    for one in messaging.waiting(tx, patient):
        if wishes.preferred == "letter" or messaging.allowed(wishes, PURPOSE[one.kind], one.channel, needs):
            messaging.withdraw(house, tx, one.id, STOPPED)


def _withdraw_second_ones(house: "House", tx: Tx, patient: str) -> None:
    """Of what waits, one reminder stays for each day: that of the first appointment."""
    here = zone(directory.organization(tx).zone)
    waiting = [one for one in messaging.waiting(tx, patient) if one.kind == "reminder"]
    days: set[date] = set()
    for one in sorted(waiting, key=lambda one: one.stamp):
        day = local_date(one.stamp, here)
        if day in days:
            messaging.withdraw(house, tx, one.id, rules.ONE_PER_DAY)
        days.add(day)


def _judge_again(house: "House", tx: Tx, about: Any) -> None:
    if about is None:
        return
    if about.kind == "reminder" and about.appointment is not None:
        preparing.again(house, tx, about.appointment)
    elif about.kind == "birthday":
        preparing.greet_again(house, tx, about.patient)


def _look_again(house: "House", tx: Tx, patient: str, codes: Sequence[str] = ()) -> None:
    """What a run has refused for this patient (for one of these reasons), and what still lies ahead, gets a new verdict."""
    for one in store.ahead(tx, patient):
        if codes and one.code not in codes:
            continue
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
        if one.address not in messaging.addresses(person, one.channel, country):
            messaging.withdraw(house, tx, one.id, CHANGED)


_APPOINTMENT: Sequence[str] = tuple(
    f"appointment.{what}" for what in ("booked", "moved", "changed", "cancelled", "confirmed", "imported")
)
HANDLERS = (
    Handler("reminders.appointments", tuple(_APPOINTMENT), appointment_changed),
    Handler("reminders.patients", ("patient.changed",), patient_changed),
    Handler("reminders.merged", ("patient.merged",), patient_merged),
    Handler("reminders.unmerged", ("patient.unmerged",), patient_unmerged),
    Handler("reminders.switches", ("setting.changed",), switched),
    Handler("reminders.wishes", ("consent.changed", "preference.changed"), wishes_changed),
    Handler("reminders.failed", ("communication.failed", "communication.expired"), message_failed),
    Handler("reminders.withdrawn", ("communication.withdrawn",), message_withdrawn),
)
