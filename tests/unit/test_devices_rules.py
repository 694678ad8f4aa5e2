"""Whose result it is: certain only where the number leads to somebody and nothing speaks against it."""

from hypothesis import given
from hypothesis import strategies as st

from praxisd.model.exchange import TakenPatient
from praxisd.model.people import Patient
from praxisd.services.directory.rules import name_tokens
from praxisd.services.exchange.devices_rules import (
    DIFFERS,
    GONE,
    MISSING,
    TWICE,
    UNKNOWN,
    contradicts,
    judge,
)

NAMES = st.sampled_from(["", "Müller", "MUELLER", "Müller-Meier", "von Berg", "Berg", "Kern"])
BORN = st.sampled_from([None, "1970-01-02", "1970-01", "1970", "1971-01-02"])
TOLD = st.builds(TakenPatient, source_id=st.just("7"), family=NAMES, given=NAMES, birth_date=BORN)
KNOWN = st.builds(
    Patient, id=st.just("p"), family=NAMES.filter(bool), given=NAMES, birth_date=BORN, active=st.booleans(),
    merged_into=st.sampled_from([None, "q"]),
)  # fmt: skip


@given(
    told=st.lists(TOLD, max_size=2),
    numbers=st.lists(st.sampled_from(["7", "8"]), max_size=2),
    known=st.none() | KNOWN,
)
def test_certain_means_certain(told: list[TakenPatient], numbers: list[str], known: Patient | None) -> None:
    """One person, one number, somebody it leads to, no contradiction, a record that goes on: all of it, or a reason."""
    judged = judge(told, numbers, known, name_tokens)
    assert (judged.patient is None) == (judged.why is not None)
    against = contradicts(told[0], known, name_tokens) if told and known else ()
    certain = (
        len(told) < 2 and len(set(numbers)) == 1 and known is not None and not against
        and known.active and known.merged_into is None
    )  # fmt: skip
    assert (judged.patient == "p") == certain
    if judged.why:
        assert judged.why in (MISSING, UNKNOWN, DIFFERS, TWICE, GONE)


@given(told=TOLD, known=KNOWN)
def test_other_names_and_birthdays_speak_against(told: TakenPatient, known: Patient) -> None:
    """What is equal, spelt otherwise, or partly said does not; what shares no word does."""
    against = contradicts(told, known, name_tokens)
    for field in ("family", "given"):
        said, has = set(name_tokens(getattr(told, field))), set(name_tokens(getattr(known, field)))
        if not said & has and said and has:
            assert field in against
        if said == has or not said or not has:
            assert field not in against
    if told.birth_date == known.birth_date or None in (told.birth_date, known.birth_date):
        assert "birthDate" not in against
    if told.birth_date == "1971-01-02" and known.birth_date in ("1970", "1970-01", "1970-01-02"):
        assert "birthDate" in against
