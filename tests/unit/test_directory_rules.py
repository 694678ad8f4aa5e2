"""Rules of the directory: spellings, numbers, dates, and what is refused."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.model.fhir_primitives import FORBIDDEN_CHARACTERS
from praxisd.model.people import Contact, Identifier, Patient, PatientClaim, Practitioner, mask_patient
from praxisd.model.places import Organization
from praxisd.model.scheduling import Code
from praxisd.services.directory import places, rules

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    "spellings",
    [
        ("Müller", "MÜLLER", "Mueller", "mu\u0308ller", "Ｍüller"),
        ("Groß", "Gross", "GROSS", "GROẞ"),
        (
            "Müller-Lüdenscheidt",
            "Mueller Luedenscheidt",
            "Müller\u2010Lüdenscheidt",
            " Müller  Lüdenscheidt ",
        ),
        ("O'Neill", "O’Neill", "oneill"),
        ("Sørensen", "Soerensen"),
        ("José", "Jose", "JOSE\u0301"),
        ("Łukasz", "Lukasz"),
        ("Yıldız", "Yildiz", "YILDIZ"),
        ("İpek", "Ipek", "ipek"),
        ("Æsop", "Aesop"),
    ],
)
def test_spellings_of_one_name_have_one_key(spellings: tuple[str, ...]) -> None:
    assert len({rules.name_key(one) for one in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("Müller", "Muller"), ("Bauer", "Baür"), ("Anna", "Hanna"), ("李", "王"), ("😀", "😃")]
)
def test_different_names_have_different_keys(one: str, other: str) -> None:
    if (one, other) == ("Bauer", "Baür"):  # the price of reading ue both ways: nobody is called Baür
        assert rules.name_key(one) == rules.name_key(other)
    else:
        assert rules.name_key(one) != rules.name_key(other)


@given(st.text(alphabet="äöüßaeous Éé-'", min_size=1))
def test_keys_do_not_depend_on_case_or_composition(name: str) -> None:
    import unicodedata

    key = rules.name_key(name)
    assert rules.name_key(unicodedata.normalize("NFD", name)) == key
    assert rules.name_key(name.upper()) == key
    assert rules.name_key(key) == key


@given(st.lists(st.sampled_from(["Anna", "Maria", "Änne", "Lou"]), min_size=1, max_size=4), st.randoms())
def test_the_order_of_given_names_does_not_count(parts: list[str], random: object) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rules.given_key(" ".join(parts)) == rules.given_key("-".join(shuffled))


@given(st.text(max_size=60))
def test_search_words_hold_only_letters_digits_and_spaces(text: str) -> None:
    words = rules.search_words(text)
    assert "%" not in words and "_" not in words
    assert words == "" or words.startswith(" ")


@pytest.mark.parametrize(
    ("told", "country", "key"),
    [
        ("030 1234567", "DE", "+49301234567"),
        ("+49 (0) 171 2345678", "DE", "+491712345678"),
        ("0171/234 56 78", "DE", "+491712345678"),
        ("0041 44 668 18 00", "DE", "+41446681800"),
        ("044 668 18 00", "CH", "+41446681800"),
        ("keine", "DE", None),
        ("", "DE", None),
        ("1" * 200, "DE", None),
    ],
)
def test_phone_numbers(told: str, country: str, key: str | None) -> None:
    assert rules.phone_key(told, country) == key


@pytest.mark.parametrize(
    ("told", "key"),
    [
        (" Anna.Mueller@Example.ORG ", "anna.mueller@example.org"),
        ("anna@", None),
        ("@example.org", None),
        ("anna maria@example.org", None),
        (None, None),
    ],
)
def test_mail_addresses(told: str | None, key: str | None) -> None:
    assert rules.email_key(told) == key


def test_old_and_unreadable_contacts_do_not_count() -> None:
    telecom = (
        Contact(system="phone", value="030 1234567", use="old"),
        Contact(system="phone", value="ruft an"),
        Contact(system="fax", value="030 7654321"),
        Contact(system="email", value="A@b.de"),
    )
    assert rules.contact_keys(telecom, "DE") == {("email", "a@b.de")}


@pytest.mark.parametrize("good", ["1980", "1980-05", "1980-02-29", "2026-11-23", "2026-11-24", "2026", None])
def test_dates_of_birth_that_may_be(good: str | None) -> None:
    rules.check_birth_date(good, TODAY)


@pytest.mark.parametrize(
    "bad", ["", "80", "1980-13", "1981-02-29", "2026-11-25", "2026-12", "2027", "1849-12-31", "17.05.1980"]
)
def test_dates_of_birth_that_cannot_be(bad: str) -> None:
    with pytest.raises(Problem, match=r"directory\.birth_date_invalid"):
        rules.check_birth_date(bad, TODAY)


def test_what_a_portal_must_tell() -> None:
    whole = PatientClaim(family="Beispiel", given="Anna", birth_date="1980-05-17")
    rules.check_patient(rules.from_claim(whole), TODAY, whole=True)
    for missing, told in {
        "family": PatientClaim(given="Anna", birth_date="1980-05-17"),
        "given": PatientClaim(family="Beispiel", given=" ", birth_date="1980-05-17"),
        "birthDate": PatientClaim(family="Beispiel", given="Anna", birth_date="1980-05"),
        "family, given, birthDate": PatientClaim(),
    }.items():
        with pytest.raises(Problem) as caught:
            rules.check_patient(rules.from_claim(told), TODAY, whole=True)
        assert (caught.value.code, caught.value.params["fields"]) == ("directory.patient_incomplete", missing)
    rules.check_patient(rules.from_claim(PatientClaim(family="Beispiel")), TODAY, whole=False)


@given(st.text(min_size=1))
def test_texts_are_refused_exactly_where_fhir_could_not_carry_them(text: str) -> None:
    record = Patient(family="x", address=(), note=text)
    bad = FORBIDDEN_CHARACTERS.search(text) is not None
    if bad:
        with pytest.raises(Problem) as caught:
            rules.check_texts(record)
        assert caught.value.params["field"] == "note"
    else:
        rules.check_texts(record)


def test_texts_are_looked_for_in_the_depth_and_bounded() -> None:
    deep = Patient(family="x", identifiers=(Identifier(value="a\x00b"),))
    with pytest.raises(Problem) as caught:
        rules.check_texts(deep)
    assert caught.value.params["field"] == "identifiers.value"
    with pytest.raises(Problem):
        rules.check_texts(Patient(family="x" * 1001))
    rules.check_texts(Patient(family="x" * 1000, note="y" * 20_000))


@pytest.mark.parametrize(
    "record",
    [
        Patient(family="x", language="de-"),
        Patient(family="x", identifiers=(Identifier(value="1", system="no uri"),)),
        Practitioner(family="x", specialties=(Code(code=" 17"),)),
    ],
)
def test_codes_that_fhir_could_not_carry(record: object) -> None:
    with pytest.raises(Problem, match=r"directory\.code_invalid"):
        rules.check_codes(record)


def test_blank_parts_of_a_claim_are_absent() -> None:
    person = rules.from_claim(PatientClaim(family="A", given="B", phone=" ", email="", prefix="", note="\t"))
    assert (person.telecom, person.prefix, person.note) == ((), None, None)


def test_changing_the_number_that_is_shown() -> None:
    home = Contact(system="phone", value="030 1")
    mobile = Contact(system="phone", value="0171 2", use="mobile")
    mail = Contact(system="email", value="a@b.de")
    assert Patient(family="x", telecom=(home, mobile)).phone == "0171 2"
    changed = rules.with_contact((home, mobile, mail), "phone", "0171 3")
    assert [c.value for c in changed] == ["030 1", "0171 3", "a@b.de"]
    assert changed[1].use == "mobile"
    assert rules.with_contact((home, mail), "email", None) == (home,)
    assert rules.with_contact((home,), "email", "c@d.de")[1] == Contact(system="email", value="c@d.de")


def test_a_masked_patient_says_nothing_personal() -> None:
    patient = Patient(
        id="p1", version=4, family="Canary", given="Anna", birth_date="1980-05-17", gender="female", note="Canary",
        telecom=(Contact(system="phone", value="0171"),), deceased=date(2026, 1, 1), extra='{"photo":[]}', active=False,
    )  # fmt: skip
    masked = mask_patient(patient)
    assert masked == Patient(id="p1", version=4, family="•••", given="•••", active=False)


def test_practices_lie_where_holidays_are_known() -> None:
    for region in ("DE", "DE-BY", "AT-9", "CH-ZH"):
        places.check_organization(Organization(name="x", region=region))
    with pytest.raises(Problem, match=r"directory\.region_unknown"):
        places.check_organization(Organization(name="x", region="FR-75"))
    with pytest.raises(Problem, match=r"clock\.unknown_zone"):
        places.check_organization(Organization(name="x", zone="Europe/Bonn"))
    with pytest.raises(Problem, match=r"directory\.code_invalid"):
        places.check_organization(Organization(name="x", language="deutsch"))
