"""What a file adds to a known person: empty fields are filled, others differ, nothing is overwritten unasked."""

from hypothesis import given
from hypothesis import strategies as st

from praxisd.model.people import Address, Contact, Identifier, Patient
from praxisd.services.directory.taking_fields import LEADS, SINGLE, change, same_one

NOBODY: frozenset[str] = frozenset()
KVNR = next(iter(SINGLE))
_word = st.sampled_from(["", "a", "b", "ä"])
people = st.builds(
    Patient,
    family=st.sampled_from(["Muster", "Müller"]),
    given=_word,
    prefix=st.sampled_from([None, "Dr.", "Prof."]),
    birth_date=st.sampled_from([None, "1980", "1980-05-17", "1981-05-17"]),
    gender=st.sampled_from([None, "female", "male"]),
    language=st.sampled_from([None, "de", "en"]),
    note=st.sampled_from([None, "x", "y"]),
    telecom=st.sampled_from(
        [
            (),
            (Contact(system="phone", value="030 1234567"),),
            (Contact(system="email", value="a@example.org"),),
        ]
    ),
    address=st.sampled_from([(), (Address(line=("Weg 1",), city="Ulm"),)]),
    identifiers=st.sampled_from(
        [(), (Identifier(value="1", system="a"),), (Identifier(value="A1", system=KVNR),)]
    ),
)


@given(people, people)
def test_what_is_known_stays_and_what_differs_is_named(known: Patient, told: Patient) -> None:
    done = change(known, told, NOBODY, "DE")
    for name in LEADS:
        ours, theirs, after = (getattr(one, name) for one in (known, told, done.after))
        if name == "telecom":
            assert set(ours) <= set(after)
        elif ours:
            assert after == ours
        elif name in done.filled:
            assert after == theirs
    assert not set(done.filled) & set(done.differs) - {"identifiers", "telecom"}
    assert set(known.identifiers) <= set(done.after.identifiers)


@given(people, people)
def test_the_same_file_again_changes_nothing_more(known: Patient, told: Patient) -> None:
    once = change(known, told, NOBODY, "DE")
    again = change(once.after, told, NOBODY, "DE")
    assert again.after == once.after
    assert again.filled == ()


def test_the_file_leads_only_in_the_fields_that_were_chosen() -> None:
    known = Patient(family="Muster", note="alt", language="de")
    told = Patient(family="Muster", note="neu", language="en")
    done = change(known, told, frozenset({"note"}), "DE")
    assert (done.after.note, done.after.language) == ("neu", "de")
    assert (done.filled, done.differs) == (("note",), ("language",))


def test_an_address_beside_a_number_is_added_and_another_number_is_a_difference() -> None:
    phone, other = (Contact(system="phone", value=one) for one in ("030 1234567", "040 7654321"))
    mail = Contact(system="email", value="a@example.org")
    known = Patient(family="Muster", telecom=(phone,))
    done = change(known, Patient(family="Muster", telecom=(other, mail)), NOBODY, "DE")
    assert done.after.telecom == (phone, mail)
    assert (done.filled, done.differs) == (("telecom",), ("telecom",))


def test_a_second_insurance_number_is_a_difference_and_no_second_number() -> None:
    known = Patient(family="Muster", identifiers=(Identifier(system=KVNR, value="A123456780"),))
    told = Patient(family="Muster", identifiers=(Identifier(system=KVNR, value="B123456780"),))
    done = change(known, told, NOBODY, "DE")
    assert done.after.identifiers == known.identifiers
    assert done.differs == ("identifiers",)


def test_a_number_that_leads_to_somebody_else_is_not_believed() -> None:
    anna = Patient(family="Müller", given="Anna", birth_date="1980-05-17")
    assert same_one(anna, Patient(family="Schmidt", given="Anna", birth_date="1980-05-17"))  # married
    assert same_one(anna, Patient(family="MUELLER", given="", birth_date=None))
    assert not same_one(anna, Patient(family="Müller", given="Anna", birth_date="1951-01-02"))
    assert not same_one(anna, Patient(family="Schmidt", given="Bernd", birth_date="1980-05-17"))
