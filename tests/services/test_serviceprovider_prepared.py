"""Prepared installations: exactly the expected codes, healed by their own solution text, mended by a click to the byte."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd.kernel import issues
from praxisd.kernel.app import House
from praxisd.services.serviceprovider import words
from praxisd.services.serviceprovider.checks import CHECKS
from praxisd.testing.houses import Houses
from praxisd.testing.prepared import Place
from praxisd.testing.prepared_cases import CASES, Case, build, write_all

NAMES = [one.name for one in CHECKS]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    houses = Houses("sqlite", tmp_path_factory.mktemp("prepared"))
    yield houses.open()
    houses.close()


def found(house: House, place: Place) -> dict[tuple[str, str], issues.Issue]:
    place.enter(house)
    report = issues.run_checks(house, NAMES)
    assert not any(one.code in (issues.FAILED, issues.TIMEOUT) for one in report.issues)
    return {(one.code, one.subject): one for one in report.issues if one.code in words.CODES}


def codes(house: House, place: Place) -> set[str]:
    return {code for code, _ in found(house, place)}


def test_every_code_is_prepared() -> None:
    elsewhere = {
        words.LEFT_BEHIND,  # needs praxisd's own pair: test_serviceprovider_doors
        words.ONLY_LOCAL,  # needs an address in the network: test_serviceprovider_reaching
    }
    assert {code for case in CASES for code in case.codes} == set(words.CODES) - elsewhere


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_exactly_its_codes_and_healed_as_the_solution_says(case: Case, house: House, tmp_path: Path) -> None:
    place = build(case, tmp_path)
    try:
        standing = found(house, place)
        assert {code for code, _ in standing} == set(case.codes)
        for one in standing.values():
            for lang in ("de", "en"):
                told = issues.explain(house, one, lang)
                assert "{" not in "".join(told.values()), told
        case.heals(place)
        assert codes(house, place) == set()
    finally:
        place.stop()


def test_the_whole_folder_can_be_laid_out_to_look_at(tmp_path: Path) -> None:
    made = write_all(tmp_path)
    for place in made:
        place.stop()
    assert (
        len(list(tmp_path.glob("*/expected.json"))) == len(list(tmp_path.glob("*/facts.json"))) == len(CASES)
    )
