"""Public holidays per region, and the practice's own closings over them."""

from datetime import date

import pytest

from praxisd.kernel.errors import Problem
from praxisd.model.scheduling import Closing
from praxisd.services.calendar.rules import REGIONS, check_region, closed_days, public_holidays


@pytest.mark.parametrize(
    ("region", "on", "name"),
    [
        ("DE", date(2026, 10, 3), "Tag der Deutschen Einheit"),
        ("DE-BY", date(2026, 8, 15), "Mariä Himmelfahrt"),
        ("DE-SN", date(2026, 11, 18), "Buß- und Bettag"),
        ("DE-BE", date(2026, 3, 8), "Frauentag"),
        ("CH-TI", date(2026, 3, 19), "Josefstag"),
        ("CH-ZH", date(2026, 8, 1), "Nationalfeiertag"),
        ("AT-9", date(2026, 10, 26), "Nationalfeiertag"),
    ],
)
def test_known_holidays(region: str, on: date, name: str) -> None:
    assert name in public_holidays(region, 2026)[on]


def test_regions_differ() -> None:
    assert date(2026, 8, 15) not in public_holidays("DE-BE", 2026)
    assert date(2026, 11, 18) not in public_holidays("DE-BY", 2026)
    assert date(2026, 12, 8) not in public_holidays("CH-ZH", 2026)


def test_languages() -> None:
    on = date(2026, 1, 1)
    assert public_holidays("CH-GE", 2026, "fr")[on] == "Nouvel An"
    assert public_holidays("CH-TI", 2026, "it")[on] == "Capodanno"
    assert public_holidays("DE-BY", 2026, "en")[on] == "New Year's Day"
    assert public_holidays("DE-BY", 2026, "it")[on] == "Neujahr"
    assert public_holidays("DE-BY", 2026, "xx")[on] == "Neujahr"


def test_every_region_is_known_to_the_library() -> None:
    assert len(REGIONS) == 3 + 16 + 9 + 26
    for region in sorted(REGIONS):
        assert date(2026, 12, 25) in public_holidays(region, 2026), region


@pytest.mark.parametrize(
    "region", ["", "FR", "DE-", "DE-XX", "de-by", "DE-BY-1", "AT-10", "CH-Stadt Zurich", "X" * 99]
)
def test_unknown_regions_are_refused(region: str) -> None:
    for ask in (
        lambda: check_region(region),
        lambda: public_holidays(region, 2026),
        lambda: closed_days(region, [2026]),
    ):
        with pytest.raises(Problem) as refused:
            ask()
        assert (refused.value.code, refused.value.status) == ("calendar.unknown_region", 422)


def test_closings_decide() -> None:
    closings = [
        Closing(date=date(2026, 8, 15), closed=False),
        Closing(date=date(2026, 12, 24), name="Heiligabend"),
        Closing(date=date(2026, 12, 25)),
        Closing(date=date(2027, 12, 24), name="next year, not asked for"),
        Closing(date=date(2026, 7, 7), closed=False),
    ]
    days = closed_days("DE-BY", [2026], closings)
    plain = public_holidays("DE-BY", 2026)
    assert set(days) == set(plain) - {date(2026, 8, 15)} | {date(2026, 12, 24)}
    assert days[date(2026, 12, 24)] == "Heiligabend"
    assert days[date(2026, 12, 25)] == plain[date(2026, 12, 25)]
    assert list(days) == sorted(days)
    assert closed_days(None, [2026], closings) == {date(2026, 12, 24): "Heiligabend", date(2026, 12, 25): ""}


def test_an_answer_may_be_changed_by_its_reader() -> None:
    public_holidays("DE-BY", 2026).clear()
    assert public_holidays("DE-BY", 2026)
