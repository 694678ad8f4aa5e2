"""Closed days of a practice (a room of `rules`: pure): public holidays per region, and its own closings.

The library only proposes; a Closing of the practice decides. Regions are `DE`, `AT`, `CH` or an ISO 3166-2
code of one of their parts ("DE-BY", "AT-9", "CH-ZH").
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from praxisd.kernel.errors import Problem
from praxisd.model.places import REGIONS
from praxisd.model.scheduling import Closing

# Assumption (15 August) is a public holiday in about 1,700 of Bavaria's 2,056 municipalities, namely those
# with a Catholic majority (Art. 1 BayFTG); the others mark it as worked by a Closing. The few Catholic
# municipalities of Saxony and Thuringia with Corpus Christi are the exception there, not the rule.
_CATHOLIC = frozenset({"DE-BY"})
_LANGUAGES = {"de": "de", "en": "en_US", "fr": "fr", "it": "it"}


def check_region(region: str) -> tuple[str, str | None]:
    """(country, part or None) of a region code. Raises Problem calendar.unknown_region (422)."""
    country, dash, part = region.partition("-")
    if region not in REGIONS or (dash and not part):
        raise Problem("calendar.unknown_region", 422, region=region[:16])
    return country, part or None


@lru_cache(maxsize=512)
def _known(region: str, year: int, language: str) -> tuple[tuple[date, str], ...]:
    # Imported here: the library takes 0.15 s, which a start to ready should not pay.
    import holidays

    country, part = check_region(region)
    wanted = _LANGUAGES.get(language, "de")
    speaks = holidays.country_holidays(country).supported_languages
    categories = ("public", "catholic") if region in _CATHOLIC else ("public",)
    found = holidays.country_holidays(
        country, subdiv=part, years=year, language=wanted if wanted in speaks else "de", categories=categories
    )
    return tuple(sorted(found.items()))


def public_holidays(region: str, year: int, language: str = "de") -> dict[date, str]:
    """Public holidays of a region in one year by date, with names in `language` (de, en; fr, it for CH).

    A language the country's list does not speak falls back to German.
    Raises Problem calendar.unknown_region (422).
    """
    check_region(region)
    return dict(_known(region, year, language))


def closed_days(
    region: str | None, years: Iterable[int], closings: Iterable[Closing] = (), language: str = "de"
) -> dict[date, str]:
    """Dates on which columns that observe holidays are closed, with their names.

    The practice's closings win both ways: a closed one adds a day, an open one takes a holiday away.
    `region` None: only the practice's own. Raises Problem calendar.unknown_region (422).
    """
    wanted = sorted(set(years))
    days: dict[date, str] = {}
    if region is not None:
        for year in wanted:
            days |= public_holidays(region, year, language)
    for entry in closings:
        if entry.date.year not in wanted:
            continue
        if entry.closed:
            days[entry.date] = entry.name or days.get(entry.date, "")
        else:
            days.pop(entry.date, None)
    return dict(sorted(days.items()))
