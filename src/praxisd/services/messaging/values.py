"""What is filled into a template: each placeholder's value for one patient, worked out only where it is used."""

from calendar import isleap
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import NamedTuple

from praxisd.model.communication import Kind, Language
from praxisd.model.places import Organization
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import wording
from praxisd.services.messaging.template_rules import PLACEHOLDERS

_GROWN = 18
"""Years from which somebody is spoken to as Frau or Herr."""


class Values(Mapping[str, str]):
    """Values by placeholder. `day` is the birthday that is greeted (for the age; None: the day of the appointment).

    What an appointment does not have is said more generally: for no practitioner and no place the practice stands.
    `more` are those that no record says: reason, link, until; "" where they are not given.
    """

    def __init__(
        self,
        kind: Kind,
        language: Language,
        practice: Organization,
        patient: directory.ContactFacts,
        appointment: calendar.AppointmentFacts | None,
        day: date | None,
        zone: tzinfo,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._language: Language = language
        self._practice = practice
        self._patient = patient
        self._appointment = appointment
        self._at = datetime.fromtimestamp(appointment.start, zone) if appointment else None
        self._day = day if day is not None or self._at is None else self._at.date()
        self._kind: Kind = kind
        self._more = more

    @property
    def patient(self) -> directory.ContactFacts:
        """Whom the text is for."""
        return self._patient

    def __getitem__(self, name: str) -> str:
        if self._kind not in PLACEHOLDERS[name]:
            raise KeyError(name)
        return _FILLERS[name](self)

    def __iter__(self) -> Iterator[str]:
        return (name for name, kinds in PLACEHOLDERS.items() if self._kind in kinds)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _age(self) -> int | None:
        born = self._patient.birth_date or ""
        if len(born) != 10 or self._day is None:
            return None
        year, month, day = map(int, born.split("-"))
        birthday = (2, 28) if (month, day) == (2, 29) else (month, day)
        return self._day.year - year - ((self._day.month, self._day.day) < birthday)

    def _salutation(self) -> str:
        one, age = self._patient, self._age()
        return wording.salutation(
            self._language,
            one.gender,
            one.prefix,
            one.family,
            self._name(),
            grown=age is None or age >= _GROWN,
        )

    def _name(self) -> str:
        return f"{self._patient.given} {self._patient.family}".strip()

    def _when(self, write: Callable[[datetime, Language], str]) -> str:
        return write(self._at, self._language) if self._at else ""

    def _duration(self) -> str:
        one = self._appointment
        return (
            wording.minutes((one.end - one.start) // 60, self._language)
            if one and one.end > one.start
            else ""
        )

    def _of_appointment(self, field: str, instead: str) -> str:
        return str(getattr(self._appointment, field, "") or instead)

    def _phone(self) -> str:
        told = self._practice.telecom
        return next((one.value for one in told if one.system == "phone" and one.use != "old"), "")

    def _address(self) -> str:
        address = next((one for one in self._practice.address if one.use != "old"), None)
        if address is None:
            return ""
        town = " ".join(part for part in (address.postal_code, address.city) if part)
        return ", ".join(part for part in (*address.line, town) if part)


_FILLERS: dict[str, Callable[[Values], str]] = {
    "salutation": Values._salutation,
    "name": Values._name,
    "givenName": lambda its: its._patient.given,
    "familyName": lambda its: its._patient.family,
    "weekday": lambda its: its._when(wording.weekday),
    "date": lambda its: its._when(wording.date_of),
    "time": lambda its: its._when(wording.time_of),
    "duration": Values._duration,
    "appointmentType": lambda its: its._of_appointment("service", ""),
    "practitioner": lambda its: its._of_appointment("practitioner", its._practice.name),
    "place": lambda its: its._of_appointment("location", its._address() or its._practice.name),
    "age": lambda its: "" if (age := its._age()) is None else str(age),
    "reason": lambda its: its._more.get("reason", ""),
    "link": lambda its: its._more.get("link", ""),
    "until": lambda its: its._more.get("until", ""),
    "practice": lambda its: its._practice.name,
    "practicePhone": Values._phone,
    "practiceAddress": Values._address,
}
OF_THE_PRACTICE = ("practicePhone", "practiceAddress")
"""Placeholders that stay empty until somebody fills in the practice's record."""


class _Sample(NamedTuple):
    given: str
    family: str
    gender: str
    service: str
    practitioner: str
    location: str


_SAMPLES: dict[Language, _Sample] = {
    "de": _Sample("Erika", "Mustermann", "female", "Kontrolle", "Dr. Anna Beispiel", "Zimmer 2"),
    "fr": _Sample("Claire", "Dupont", "female", "Contrôle", "Dr. Anna Beispiel", "Salle 2"),
    "it": _Sample("Giulia", "Rossi", "female", "Controllo", "Dr. Anna Beispiel", "Sala 2"),
    "en": _Sample("Jane", "Smith", "female", "Check-up", "Dr. Anna Beispiel", "Room 2"),
}


def sample(kind: Kind, language: Language, practice: Organization, now: int, zone: tzinfo) -> Values:
    """Values of an invented patient with an appointment next Thursday: days with long names, for a fair measure."""
    one = _SAMPLES[language]
    today = datetime.fromtimestamp(now, zone)
    day = today.date() + timedelta(days=(3 - today.weekday()) % 7 or 7)
    start = int(datetime(day.year, day.month, day.day, 10, 30, tzinfo=zone).timestamp())
    patient = directory.ContactFacts(
        id="", version=0, family=one.family, given=one.given, gender=one.gender,
        birth_date=f"{today.year - 46}-{today.month:02}-{min(today.day, 28):02}",
    )  # fmt: skip
    appointment = calendar.AppointmentFacts(
        "", 0, "booked", start, start + 1800, None, one.service, one.practitioner, one.location, ()
    )
    about = None if kind == "birthday" else appointment
    more = example(language, start, zone)
    return Values(kind, language, practice, patient, about, today.date(), zone, more)


def example(language: Language, start: int, zone: tzinfo) -> dict[str, str]:
    """What no record says, for a time that begins at `start` (epoch seconds): as long as it may become."""
    by = datetime.fromtimestamp(start - 4 * 3600, zone)
    return {
        "reason": wording.TIME_TAKEN[language],
        "link": "https://praxis.example/api/v1/offers/" + "x" * 43,
        "until": wording.moment(by, language),
    }


def day_of(now: int, zone: tzinfo) -> date:
    """The local day of an instant (epoch seconds)."""
    return datetime.fromtimestamp(now, zone).date()


def birthday(patient: directory.ContactFacts, today: date) -> date:
    """The patient's next birthday from `today` on; `today` itself where the day of birth is not known in full.

    Who was born on 29 February has it on the last day of February in other years (for a preview that is near enough).
    """
    born = patient.birth_date or ""
    if len(born) != 10:
        return today
    month, day = int(born[5:7]), int(born[8:])
    return next(
        found
        for year in (today.year, today.year + 1)
        if (found := date(year, month, 28 if (month, day) == (2, 29) and not isleap(year) else day)) >= today
    )
