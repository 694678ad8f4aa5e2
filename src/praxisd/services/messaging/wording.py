"""How each language writes days, times and salutations. Pure; no language borrows from another."""

from datetime import datetime
from typing import NamedTuple

from praxisd.model.communication import Language


class Wording(NamedTuple):
    """The words of a language. `clock` is a format of hours and minutes, `dear` salutations by gender, "" for others."""

    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    date: str
    first: str
    clock: str
    minute: tuple[str, str]
    dear: dict[str, str]


WORDINGS: dict[Language, Wording] = {
    "de": Wording(
        ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        ("Januar", "Februar", "März", "April", "Mai", "Juni",
         "Juli", "August", "September", "Oktober", "November", "Dezember"),
        "{day}. {month}", "{day}. {month}", "{hour:02}:{minute:02}", ("Minute", "Minuten"),
        {"female": "Sehr geehrte Frau {titled}", "male": "Sehr geehrter Herr {titled}", "": "Guten Tag {name}"},
    ),
    "fr": Wording(
        ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
        ("janvier", "février", "mars", "avril", "mai", "juin",
         "juillet", "août", "septembre", "octobre", "novembre", "décembre"),
        "{day} {month}", "1er {month}", "{hour}h{minute:02}", ("minute", "minutes"),
        {"female": "Madame {family}", "male": "Monsieur {family}", "": "Bonjour {name}"},
    ),
    "it": Wording(
        ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"),
        ("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno",
         "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"),
        "{day} {month}", "{day} {month}", "{hour:02}:{minute:02}", ("minuto", "minuti"),
        {"female": "Gentile Signora {family}", "male": "Gentile Signor {family}", "": "Buongiorno {name}"},
    ),
    "en": Wording(
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        ("January", "February", "March", "April", "May", "June",
         "July", "August", "September", "October", "November", "December"),
        "{day} {month}", "{day} {month}", "{hour:02}:{minute:02}", ("minute", "minutes"),
        {"female": "Dear Ms {family}", "male": "Dear Mr {family}", "": "Dear {name}"},
    ),
}  # fmt: skip

TIME_TAKEN: dict[Language, str] = {
    "de": "Der Termin ist leider schon vergeben.",
    "fr": "Ce rendez-vous est déjà pris.",
    "it": "L'appuntamento non è più disponibile.",
    "en": "The appointment has already been taken.",
}
"""What is said to somebody who was too late."""


def weekday(at: datetime, language: Language) -> str:
    """`Montag`."""
    return WORDINGS[language].weekdays[at.weekday()]


def date_of(at: datetime, language: Language) -> str:
    """`3. Februar`, `1er février`: without a year, for a reminder is about the next weeks."""
    words = WORDINGS[language]
    pattern = words.first if at.day == 1 else words.date
    return pattern.format(day=at.day, month=words.months[at.month - 1])


def time_of(at: datetime, language: Language) -> str:
    """`08:30`, `8h30`."""
    return WORDINGS[language].clock.format(hour=at.hour, minute=at.minute)


def moment(at: datetime, language: Language) -> str:
    """`Montag, 3. Februar, 08:30`: until when somebody may answer."""
    return f"{weekday(at, language)}, {date_of(at, language)}, {time_of(at, language)}"


def minutes(count: int, language: Language) -> str:
    """`30 Minuten`."""
    one, more = WORDINGS[language].minute
    return f"{count} {one if count == 1 else more}"


def salutation(
    language: Language, gender: str | None, prefix: str | None, family: str, name: str, *, grown: bool
) -> str:
    """`Sehr geehrte Frau Dr. Müller`; neutral for children, and where nobody said how to speak to the person."""
    dear = WORDINGS[language].dear
    pattern = dear.get(gender or "", dear[""]) if grown else dear[""]
    titled = f"{prefix} {family}" if prefix else family
    return pattern.format(titled=titled, family=family, name=name)
