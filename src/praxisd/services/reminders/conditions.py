"""What holds for all verdicts of one run: settings, texts, access data, mandators. Read once, at its beginning."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import TYPE_CHECKING, Any

from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.service import Setting
from praxisd.kernel.store import Tx
from praxisd.model.communication import PURPOSE, Kind, Template
from praxisd.model.people import Mandator, licensed
from praxisd.model.places import Organization
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.reminders.day_rules import LeapDay, period
from praxisd.services.reminders.rules import Reached, Terms

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SEND_REMINDERS = "reminders.send_reminders"
SEND_GREETINGS = "reminders.send_greetings"
DEFAULT_MANDATOR = "reminders.default_mandator"
FIRST_DAY = "reminders.first_day"
DAYS = "reminders.days"
ONE_PER_DAY = "reminders.one_per_day"
ON_MOVE = "reminders.on_move"
AFTER_BOOKING = "reminders.after_booking_hours"
LEAP_DAY = "reminders.leap_day"
QUIET_FROM, QUIET_TO, DAY_CAP = "messaging.quiet_from", "messaging.quiet_to", "messaging.patient_day_cap"
SETTINGS = (
    Setting(SEND_REMINDERS, bool, False),
    Setting(SEND_GREETINGS, bool, False),
    Setting(DEFAULT_MANDATOR, str, "", low=0, high=200),
    Setting(FIRST_DAY, int, 1, low=0, high=60, unit="days"),
    Setting(DAYS, int, 1, low=1, high=31, unit="days"),
    Setting(ONE_PER_DAY, bool, True),
    Setting(ON_MOVE, ("renew", "withdraw", "keep"), "renew"),
    Setting(AFTER_BOOKING, int, 12, low=0, high=168, unit="hours"),
    Setting(LEAP_DAY, ("march_1", "february_28"), "march_1"),
)
SWITCH: Mapping[Kind, str] = {"reminder": SEND_REMINDERS, "birthday": SEND_GREETINGS}
JOB: Mapping[Kind, str] = {"reminder": "reminders.prepare", "birthday": "reminders.birthdays"}


@dataclass(frozen=True, slots=True)
class Conditions:
    """The terms for the rules, and what the texts need. `day` is the practice's day on which the run takes place."""

    kind: Kind
    terms: Terms
    day: date
    zone: tzinfo
    practice: Organization
    templates: Mapping[tuple[str, str], Template]
    prices: Mapping[str, int]
    mandators: Mapping[str, Mandator]
    on: bool
    first_day: int
    days: int
    leap_day: LeapDay

    @property
    def period(self) -> tuple[int, int]:
        """[start, end) in which appointments are looked for, epoch seconds."""
        return period(self.day, self.first_day, self.days, self.zone)


def default_mandator(house: "House", tx: Tx, known: Mapping[str, Mandator]) -> str | None:
    """Who pays for patients without a treatment: the setting, else the mandator marked as the default; may be unknown.

    People may write the mandator's name instead of its id.
    """
    told = str(house.settings.get(tx, DEFAULT_MANDATOR)).strip()
    if told and told not in known:
        return next((one.id for one in known.values() if one.name.casefold() == told.casefold()), told)
    return told or next((one.id for one in known.values() if one.default and one.active), None)


def conditions(house: "House", tx: Tx, kind: Kind, now: int | None = None) -> Conditions:
    """Everything that is the same for all patients. `now` (epoch seconds) is for previews of another day."""
    now = tx.now if now is None else now

    def get(key: str) -> Any:
        return house.settings.get(tx, key)

    practice = directory.organization(tx)
    here = zone(practice.zone)
    send_at = messaging.next_allowed(now, get(QUIET_FROM), get(QUIET_TO), here)
    mandators = {one.id: one for one in directory.mandators(tx)}
    paid_on = local_date(send_at, here)
    prices: Mapping[str, int] = {str(channel): cost for channel, cost in messaging.prices(tx).items()}
    texts: dict[tuple[str, str], Template] = {
        (channel, language): text
        for (of, channel, language), text in messaging.load_templates(tx).items()
        if of == kind
    }
    needs = messaging.needs(house, tx)
    purpose, country = PURPOSE[kind], practice.country
    silent = messaging.allowed(messaging.NOTHING_SAID, purpose, "sms", needs)

    known: dict[tuple[str, int], Reached] = {}

    def reach_mobile(person: Any) -> Reached:
        """Numbers are read once in a run for each state of a record: patients come with several appointments."""
        key = (person.id, person.version)
        found = known.get(key)
        if found is None:
            found = known[key] = mobile(person, country)
        return found

    def allowed(wishes: Any, channel: Any) -> str | None:
        return messaging.allowed(wishes, purpose, channel, needs) if wishes.said else silent

    terms = Terms(
        now=now,
        send_at=send_at,
        language=practice.language,
        channels=frozenset(prices),
        templates=frozenset(texts),
        reach={"sms": reach_mobile, "email": mail},
        allowed=allowed,
        paying=frozenset(id_ for id_, one in mandators.items() if one.active and licensed(one, paid_on)),
        default_mandator=default_mandator(house, tx, mandators),
        grace_s=int(get(AFTER_BOOKING)) * 3600,
        one_per_day=bool(get(ONE_PER_DAY)),
        on_move=str(get(ON_MOVE)),
        cap=int(get(DAY_CAP)),
    )
    return Conditions(
        kind=kind, terms=terms, day=local_date(now, here), zone=here, practice=practice, templates=texts,
        prices=prices, mandators=mandators, on=bool(get(SWITCH[kind])), first_day=int(get(FIRST_DAY)),
        days=int(get(DAYS)), leap_day=get(LEAP_DAY),
    )  # fmt: skip


def on_move(house: "House", tx: Tx) -> str:
    """The switch: renew, withdraw or keep."""
    return str(house.settings.get(tx, ON_MOVE))


def mobile(person: Any, country: str) -> Reached:
    """The first of a patient's numbers that certainly is a mobile one; doubtful if there is only one that might be."""
    doubtful = False
    for one in person.numbers:
        found = messaging.number(one.value, one.use, country)
        if isinstance(found, messaging.Mobile):
            return Reached(found.e164)
        doubtful = doubtful or isinstance(found, messaging.Doubtful)
    return _DOUBTFUL if doubtful else _NOTHING


def mail(person: Any) -> Reached:
    """The first of a patient's e-mail addresses that is one."""
    addresses = person.emails
    for one in addresses:
        found = messaging.mail(one)
        if not isinstance(found, messaging.Doubtful):
            return Reached(found.address)
    return _DOUBTFUL if addresses else _NOTHING


_NOTHING, _DOUBTFUL = Reached(), Reached(None, True)
