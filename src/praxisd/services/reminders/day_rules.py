"""Which days are searched: appointments some days ahead, and birthdays. Local days of the practice, no I/O.

Midnights are taken from the wall clock, so that the two days of a clock change have 23 and 25 hours and an appointment
in the doubled hour belongs to its own day, once.
"""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal

LeapDay = Literal["march_1", "february_28"]
"""When those born on 29 February are greeted in other years.

German law counts the day of birth as the first day of life (§ 187 (2), § 188 (2) BGB): a year of life that began on
29 February ends with the end of 28 February, so the next one begins on 1 March. And in German-speaking countries nobody
is congratulated before the day, which is thought to bring bad luck. Hence 1 March, unless the practice says otherwise.
"""


def midnight(day: date, zone: tzinfo) -> int:
    """The instant at which a local day begins, in epoch seconds.

    Where a clock change skips midnight itself (Havana), the offset before it counts, and that is the change; where
    midnight comes twice, the first one counts (PEP 495, fold 0).
    """
    return int(datetime.combine(day, time(), zone).timestamp())


def period(day: date, first_day: int, days: int, zone: tzinfo) -> tuple[int, int]:
    """[start, end) of the days searched for appointments: `days` local days from `first_day` days after `day` on."""
    first = day + timedelta(days=first_day)
    return midnight(first, zone), midnight(first + timedelta(days=days), zone)


def birthdays(day: date, leap_day: LeapDay = "march_1") -> tuple[str, ...]:
    """`MM-DD` of the dates of birth that are celebrated on `day`: each date exactly once in every year."""
    found = [day.strftime("%m-%d")]
    if not _leap(day.year) and found[0] == ("03-01" if leap_day == "march_1" else "02-28"):
        found.append("02-29")
    return tuple(found)


def has_birthday(birth_date: str | None, day: date) -> bool:
    """False on the day of birth itself and before it: nobody has had a birthday then."""
    return birth_date is None or len(birth_date) != 10 or birth_date[:4] < f"{day.year:04}"


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
