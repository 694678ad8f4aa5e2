"""Who is written to, and why everybody else is not: one verdict for each appointment and each birthday. No I/O.

The conditions are those of SPEC 5.2 to 5.4, 5.7, 5.8 and of the seed (vitoclient-Services, „SMS-Service“). They are
looked at in this order, and the first that fails is the reason; what the desk can do least about comes first, what the
practice has to set up comes last:

    appointment   status_not_booked, appointment_past, no_patient, withdrawn, already_reminded, not_arrived
    patient       patient_unknown, patient_dead, patient_inactive
    time          booked_recently, one_per_day, too_late
    way           prefers_letter, then channel by channel: not tried in vain, consent, contact, access data, template
    who pays      no_mandator, mandator_unlicensed
    how much      cap_day, no_credits (`afford`, once the text and with it the price is known)

Letters are written to those who were to be reminded and have no way: that is why the way comes before who pays.
The way is the preferred channel if the patient has an address for it: then access data and a template must be there,
another channel is never guessed. Otherwise it is the first of SMS and e-mail that has everything. Taking a consent away
therefore never makes somebody a candidate, and neither does the loss of a number, a template or access data unless
the patient preferred that channel.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, Protocol

from praxisd.model.communication import ChannelName

CHANNELS: tuple[ChannelName, ...] = ("sms", "email")
"""In the order in which they are tried where the patient has no wish (SPEC 5.8)."""
LEAD_S = 3600
"""A reminder that would go out later than so long before the appointment is of no use. Seconds."""

NOT_BOOKED = "reminders.status_not_booked"
PAST = "reminders.appointment_past"
NO_PATIENT = "reminders.no_patient"
WITHDRAWN = "reminders.withdrawn"
ALREADY = "reminders.already_reminded"
GREETED = "reminders.already_greeted"
UNKNOWN = "reminders.patient_unknown"
DEAD = "reminders.patient_dead"
INACTIVE = "reminders.patient_inactive"
BIRTH_DATE = "reminders.birth_date_incomplete"
RECENT = "reminders.booked_recently"
ONE_PER_DAY = "reminders.one_per_day"
TOO_LATE = "reminders.too_late"
PREFERS_LETTER = "reminders.prefers_letter"
NO_CONTACT = "reminders.no_contact"
DOUBTFUL = "reminders.number_doubtful"
FAILED = "reminders.not_delivered"
NOT_ARRIVED = "reminders.not_arrived"
NO_CHANNEL = "reminders.no_channel"
NO_TEMPLATE = "reminders.no_template"
NO_MANDATOR = "reminders.no_mandator"
UNLICENSED = "reminders.mandator_unlicensed"
CAP = "reminders.cap_day"
NO_CREDITS = "reminders.no_credits"
LETTERS = frozenset({NO_CONTACT, DOUBTFUL, PREFERS_LETTER})
"""Reasons for which somebody should write a letter instead of a reminder."""
CODES = (
    NOT_BOOKED, PAST, NO_PATIENT, WITHDRAWN, ALREADY, GREETED, UNKNOWN, DEAD, INACTIVE, BIRTH_DATE, RECENT, ONE_PER_DAY,
    TOO_LATE, PREFERS_LETTER, NO_CONTACT, DOUBTFUL, FAILED, NOT_ARRIVED, NO_CHANNEL, NO_TEMPLATE, NO_MANDATOR, UNLICENSED,
    CAP, NO_CREDITS,
)  # fmt: skip
"""All reasons that are ours; consent adds those of messaging."""

MOVED = "messaging.appointment_moved"
BY_HAND = "messaging.withdrawn_by_hand"
"""Why a message was taken back: what a person decided for this time is not prepared again."""


class Person(Protocol):
    """What is asked of a patient."""

    @property
    def dead(self) -> bool:
        """True if the person has died."""
        ...

    @property
    def active(self) -> bool:
        """False for a record that is out of use."""
        ...

    @property
    def merged_into(self) -> str | None:
        """The record that goes on in its place."""
        ...

    @property
    def language(self) -> str | None:
        """Language tag such as `fr` or `de-CH`."""
        ...

    @property
    def birth_date(self) -> str | None:
        """YYYY, YYYY-MM or YYYY-MM-DD."""
        ...


class Held(Protocol):
    """The message that counts for a topic now."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def state(self) -> str:
        """How far it is."""
        ...

    @property
    def stamp(self) -> int:
        """Start of the appointment it speaks of."""
        ...

    @property
    def channel(self) -> str:
        """Empty where there was nobody to write to."""
        ...

    @property
    def letter(self) -> str | None:
        """`open` if somebody should write a letter."""
        ...

    @property
    def patient(self) -> str:
        """Whom it was written for."""
        ...


class Told(Protocol):
    """What was told last about a topic."""

    @property
    def id(self) -> str:
        """The message's id."""
        ...

    @property
    def stamp(self) -> int:
        """Start of the appointment it speaks of."""
        ...

    @property
    def patient(self) -> str:
        """Whom it was written for."""
        ...


class Reached(NamedTuple):
    """An address of a patient on a channel; `doubtful`: there is one, but not certainly."""

    address: str | None = None
    doubtful: bool = False


class Terms(NamedTuple):
    """What holds for all verdicts of a run. Times are epoch seconds.

    `send_at`: the next moment outside the quiet hours. `paying`: mandators with a valid licence on that day.
    `templates`: (channel, language) of this kind; `language` is the practice's. `reach` finds a patient's address on a
    channel, `allowed` gives the code for which a patient may not be written to there, or None. `on_move` is the switch
    renew, withdraw or keep. `cap`: messages to one patient and day.
    """

    now: int
    send_at: int
    language: str
    channels: Collection[str]
    templates: Collection[tuple[str, str]]
    reach: Mapping[str, Callable[[Any], Reached]]
    allowed: Callable[[Any, str], str | None]
    paying: Collection[str]
    default_mandator: str | None = None
    grace_s: int = 0
    one_per_day: bool = True
    on_move: str = "renew"
    cap: int = 2


class Facts(NamedTuple):
    """What is known of one appointment. `person` None: nobody has such a record.

    `preferred` is the channel the patient prefers (sms, email, letter) or None; `wishes` goes to `Terms.allowed`.
    `treated` is the mandator of the treatment opened last. `withdrawn`: (stamp, reason) of messages taken back.
    `tried`: channels on which a message for this time has failed for good. `told`: the newest message that went out, or
    may have. `written`: messages the patient gets today anyway. `first` is False if an earlier appointment of the same
    patient and day is reminded of.
    """

    appointment: str
    status: str
    start: int
    created: int
    patient: str | None
    person: Person | None
    wishes: Any = None
    preferred: str | None = None
    treated: str | None = None
    held: Held | None = None
    withdrawn: Collection[tuple[int, str]] = ()
    tried: Collection[str] = ()
    told: Told | None = None
    written: int = 0
    first: bool = True


class Birthday(NamedTuple):
    """What is known of a patient whose birthday it is; it ends at `until`. `greeted`: already, also before a merge."""

    patient: str
    until: int
    person: Person | None
    wishes: Any = None
    preferred: str | None = None
    treated: str | None = None
    held: Held | None = None
    withdrawn: Collection[tuple[int, str]] = ()
    tried: Collection[str] = ()
    greeted: bool = False
    written: int = 0


class Candidate(NamedTuple):
    """Somebody who is to be written to. `replaces` is the message that no longer counts then (another time, a letter)."""

    channel: ChannelName
    address: str
    language: str
    mandator: str
    send_at: int
    useless_after: int
    replaces: str | None = None


class Refusal(NamedTuple):
    """Somebody who is not written to: the code of the reason, and whether a letter is wanted instead."""

    code: str
    letter: bool = False


Verdict = Candidate | Refusal


def due(facts: Facts, terms: Terms) -> Verdict:
    """The verdict on one appointment."""
    if facts.status != "booked":
        return Refusal(NOT_BOOKED)
    if facts.start <= terms.now:
        return Refusal(PAST)
    if facts.patient is None:
        return Refusal(NO_PATIENT)
    code = _settled(facts, terms)
    if code is not None:
        return Refusal(code)
    code = _out_of_reach(facts.person)
    if code is not None:
        return Refusal(code)
    if facts.created > terms.now - terms.grace_s:
        return Refusal(RECENT)
    if terms.one_per_day and not facts.first:
        return Refusal(ONE_PER_DAY)
    latest = facts.start - LEAD_S
    if terms.send_at > latest:
        return Refusal(TOO_LATE)
    found = _candidate(facts, terms, latest)
    if isinstance(found, str):
        return Refusal(found, letter=found in LETTERS)
    return found if facts.held is None else found._replace(replaces=facts.held.id)


def greeting_due(facts: Birthday, terms: Terms) -> Verdict:
    """The verdict on one birthday. Nobody writes a letter in place of a greeting (SPEC 5.3)."""
    if any(reason == BY_HAND for _, reason in facts.withdrawn):
        return Refusal(WITHDRAWN)
    if facts.held is not None or facts.greeted:
        return Refusal(GREETED)
    code = _out_of_reach(facts.person)
    if code is not None:
        return Refusal(code)
    if facts.person is None or len(facts.person.birth_date or "") != 10:
        return Refusal(BIRTH_DATE)
    if terms.send_at >= facts.until:
        return Refusal(TOO_LATE)
    found = _candidate(facts, terms, facts.until)
    return Refusal(found) if isinstance(found, str) else found


def afford(cost: int, left: int) -> str | None:
    """`reminders.no_credits` if a message of this price cannot be paid; zero credits always refuse (SPEC 5.4)."""
    return NO_CREDITS if left <= 0 or left < cost else None


def _settled(facts: Facts, terms: Terms) -> str | None:
    """Is there a message for this appointment that leaves nothing to do, or did somebody decide so?

    What the patient was told last counts: an appointment that was moved away and back is told of already, unless the
    time between has been told as well. What was written for somebody else counts for nothing.
    """
    held, told = facts.held, facts.told
    if told is not None and told.stamp == facts.start and told.patient == facts.patient:
        return ALREADY
    if held is None:
        for stamp, reason in facts.withdrawn:
            moved = reason == MOVED and terms.on_move == "withdraw"
            if moved or (reason == BY_HAND and stamp == facts.start):
                return WITHDRAWN
        return None
    if held.patient != facts.patient:
        return None
    if not held.channel and held.letter == "open":
        return None  # nobody has written that letter yet: perhaps there is a way now
    if held.stamp == facts.start:
        return NOT_ARRIVED if lost(held) else ALREADY
    if held.state == "prepared":  # it would tell the old time
        return WITHDRAWN if terms.on_move == "withdraw" else None
    return None if terms.on_move == "renew" else ALREADY


def lost(held: Held) -> bool:
    """The message reached nobody: it never went out, or did not arrive; and nobody has written a letter instead."""
    return held.state in ("failed", "expired") and held.letter != "done"


def _out_of_reach(person: Person | None) -> str | None:
    if person is None:
        return UNKNOWN
    if person.dead:
        return DEAD
    return None if person.active and person.merged_into is None else INACTIVE


def _candidate(facts: Facts | Birthday, terms: Terms, useless_after: int) -> Candidate | str:
    """Way, mandator and cap; a code if one of them is missing."""
    way = _way(facts, terms)
    if isinstance(way, str):
        return way
    mandator = facts.treated or terms.default_mandator
    if mandator is None:
        return NO_MANDATOR
    if mandator not in terms.paying:
        return UNLICENSED
    if facts.written >= terms.cap:
        return CAP
    return Candidate(*way, mandator, terms.send_at, useless_after)


def _way(facts: Facts | Birthday, terms: Terms) -> tuple[ChannelName, str, str] | str:
    """Channel, address and language; or the code of what is missing."""
    person, preferred = facts.person, facts.preferred
    if preferred == "letter":
        return PREFERS_LETTER
    language = "" if person is None else (person.language or "")[:2].lower()
    order = CHANNELS if preferred != "email" else CHANNELS[::-1]
    blocked, wanting, doubtful, open_ = None, None, False, False
    for channel in order:
        if channel in facts.tried:
            continue
        reached = terms.reach[channel](person)
        speaks = _speaks(channel, language, terms)
        missing = NO_CHANNEL if channel not in terms.channels else NO_TEMPLATE if speaks is None else None
        if missing is not None and channel == preferred and reached.address is not None:
            return missing
        refused = terms.allowed(facts.wishes, channel)
        if refused is None:
            open_ = True
            doubtful = doubtful or reached.doubtful
        if reached.address is None:
            continue
        if refused is not None:
            blocked = blocked or refused
        elif missing is not None:
            wanting = wanting or missing
        elif speaks is not None:
            return channel, reached.address, speaks
    if wanting is not None:
        return wanting
    if facts.tried:
        return blocked or FAILED
    if blocked is None and not open_:
        blocked = terms.allowed(facts.wishes, order[0])
    return blocked or (DOUBTFUL if doubtful else NO_CONTACT)


def _speaks(channel: str, language: str, terms: Terms) -> str | None:
    """The patient's language if there is a text in it, else the practice's, else None: a third one is never guessed."""
    if (channel, language) in terms.templates:
        return language
    return terms.language if (channel, terms.language) in terms.templates else None
