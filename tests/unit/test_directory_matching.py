"""Matching: certain only without any doubt, never by guessing."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from praxisd.services.directory import matching, rules
from praxisd.services.directory.matching import Candidate, Likeness, Match, match

PHONE = frozenset({("phone", "+491712345678")})
MAIL = frozenset({("email", "a@example.org")})
NAMES = st.sampled_from(
    ["Anna", "Änne", "Anna Maria", "Maria Anna", "Jörg", "Joerg", "Zoë", "Li", "Hanna", "Peter"]
)
FAMILIES = st.sampled_from(["Müller", "Mueller", "MÜLLER", "Meyer", "Meier-Groß", "Gross", "von Thal", "Öz"])
DATES = st.sampled_from(["1980-05-17", "1980-05-18", "1980-05", "1980", None, "1980-12-05", "2001-01-31"])
CONTACTS = st.sampled_from([frozenset(), PHONE, MAIL, PHONE | MAIL])


def like(
    family: str, given: str, born: str | None, contacts: frozenset[tuple[str, str]] = frozenset()
) -> Likeness:
    return Likeness(rules.name_key(family), rules.given_key(given), born, contacts)


PEOPLE = st.builds(like, FAMILIES, NAMES, DATES, CONTACTS)


@pytest.mark.parametrize(
    ("told", "known"),
    [
        (like("Müller", "Jörg", "1980-05-17", PHONE), like("MUELLER", "Joerg", "1980-05-17", PHONE)),
        (
            like("Groß", "Anna Maria", "1980-05-17", MAIL),
            like("Gross", "Maria-Anna", "1980-05-17", MAIL | PHONE),
        ),
        (like("Müller", "Anna", "1980-05-17"), like("Müller", "Anna", "1980-05-17")),
        (like("Müller", "Anna", "1980-05-17", PHONE), like("Müller", "Anna", "1980-05-17")),
    ],
)
def test_certain(told: Likeness, known: Likeness) -> None:
    assert match(told, [Candidate("a", known)]) == Match("a")


@pytest.mark.parametrize(
    ("told", "known", "reason"),
    [
        (
            like("Müller", "Anna", "1980-05-17", PHONE),
            like("Müller", "Anna", "1980-05-17", MAIL),
            matching.CONTACT_DIFFERS,
        ),
        (
            like("Müller", "Anna", "1980-05-17"),
            like("Müller", "Anna", "1980-05-17", MAIL),
            matching.CONTACT_DIFFERS,
        ),
        (like("Müller", "Anna", "1980-05-17"), like("Muller", "Anna", "1980-05-17"), matching.NAME_SIMILAR),
        (like("Maier", "Anna", "1980-05-17"), like("Meyer", "Anna", "1980-05-17"), matching.NAME_SIMILAR),
        (
            like("Meier", "Anna", "1980-05-17"),
            like("Meier-Groß", "Anna", "1980-05-17"),
            matching.NAME_SIMILAR,
        ),
        (
            like("Meier", "Anna", "1980-05-17", PHONE),
            like("Meier", "Anna Maria", "1980-05-17", PHONE),
            matching.NAME_SIMILAR,
        ),
        (like("Meier", "Anna", "1980-05-17"), like("Meier", "Anna", "1980-05-71"), matching.BIRTH_DATE_NEAR),
        (like("Meier", "Anna", "1980-12-05"), like("Meier", "Anna", "1980-05-12"), matching.BIRTH_DATE_NEAR),
        (like("Meier", "Anna", "1980-05-17"), like("Meier", "Anna", None), matching.BIRTH_DATE_NEAR),
        (like("Meier", "Anna", "1980-05-17"), like("Meier", "Anna", "1980"), matching.BIRTH_DATE_NEAR),
        (
            like("Neu", "Anna", "1980-05-17", PHONE),
            like("Alt", "Anna", "1975-01-01", PHONE),
            matching.CONTACT_SAME,
        ),
    ],
)
def test_possible(told: Likeness, known: Likeness, reason: str) -> None:
    assert match(told, [Candidate("a", known)]) == Match(None, (("a", reason),))


@pytest.mark.parametrize(
    ("told", "known"),
    [
        (like("Meier", "Anna", "1980-05-17", PHONE), like("Meier", "Peter", "1980-05-17", PHONE)),  # twins
        (like("Meier", "Anna", "1980-05-17"), like("Schulz", "Anna", "1980-05-17")),
        (like("Meier", "Anna", "1980-05-17"), like("Meier", "Anna", "1950-11-02")),
        (like("Li", "Na", "1980-05-17"), like("Lu", "Na", "1980-05-17")),
    ],
)
def test_certainly_new(told: Likeness, known: Likeness) -> None:
    assert match(told, [Candidate("a", known)]) == Match(None)


def test_two_certain_ones_are_a_decision() -> None:
    person = like("Meier", "Anna", "1980-05-17")
    found = match(person, [Candidate("b", person), Candidate("a", person)])
    assert found == Match(None, (("a", matching.SEVERAL), ("b", matching.SEVERAL)))


def test_the_dead_are_never_taken_for_the_living() -> None:
    person = like("Meier", "Anna", "1980-05-17", PHONE)
    assert match(person, [Candidate("a", person, bookable=False)]) == Match(
        None, (("a", matching.NOT_ACTIVE),)
    )


@given(PEOPLE, PEOPLE)
def test_certain_always_means_equal_name_whole_date_and_no_foreign_contact(
    told: Likeness, known: Likeness
) -> None:
    if match(told, [Candidate("a", known)]).certain is not None:
        assert (told.family, told.given, told.birth_date) == (known.family, known.given, known.birth_date)
        assert told.birth_date is not None and len(told.birth_date) == 10
        assert not known.contacts or told.contacts & known.contacts


@given(PEOPLE, PEOPLE)
def test_twins_are_never_certain(told: Likeness, known: Likeness) -> None:
    """The same family, day of birth and telephone, but another given name."""
    assume(told.given != known.given)
    twin = known._replace(family=told.family, birth_date=told.birth_date, contacts=told.contacts)
    assert match(told, [Candidate("a", twin)]).certain is None


@given(PEOPLE, st.lists(PEOPLE, max_size=5))
def test_the_order_of_candidates_does_not_count(told: Likeness, known: list[Likeness]) -> None:
    candidates = [Candidate(str(n), one) for n, one in enumerate(known)]
    found = match(told, candidates)
    assert match(told, candidates[::-1]) == found
    assert found.certain is None or not found.possible


@given(st.text(alphabet="abcde", max_size=8), st.text(alphabet="abcde", max_size=8))
def test_distance_is_a_distance(one: str, other: str) -> None:
    far = matching.distance(one, other, 20)
    assert far == matching.distance(other, one, 20) <= max(len(one), len(other))
    assert (far == 0) == (one == other)
    for most in range(4):
        assert matching.distance(one, other, most) == min(far, most + 1)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("meier", "meire", 1), ("anna", "ana", 1), ("", "ab", 2), ("kitten", "sitting", 3)],
)
def test_distance_by_example(one: str, other: str, expected: int) -> None:
    assert matching.distance(one, other, 9) == expected


@given(PEOPLE, PEOPLE)
def test_likeness_is_mutual(one: Likeness, other: Likeness) -> None:
    assert matching.alike(one.family, other.family) == matching.alike(other.family, one.family)
    assert matching.near(one.birth_date, other.birth_date) == matching.near(other.birth_date, one.birth_date)
