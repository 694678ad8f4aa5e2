"""What is a mobile number, what a landline, and about what somebody has to be asked.

Numbers are from ranges for film and television (Bundesnetzagentur), or libphonenumber's own examples.
"""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.messaging import phones
from praxisd.services.messaging.phones import Doubtful, Landline, Mail, Mobile, mail, number

MOBILE = Mobile("+491713920012")


@pytest.mark.parametrize(
    "written",
    [
        "0171 3920012", "01713920012", "0171/3920012", "0171-39 200-12", "(0171) 3920012", "0171.3920012",
        "+49 171 3920012", "+491713920012", "0049 171 3920012", "00491713920012", " 0171 3920012 ",
        "+49 (0) 171 3920012", "+49(0)171/3920012", "+49 0171 3920012", "0049 (0)171 3920012", "0171 – 3920012",
        "tel:+49-171-3920012", "\u202a+49 171 3920012\u202c", "０１７１ ３９２００１２", "0171\u00a03920012",
    ],
)  # fmt: skip
def test_one_mobile_in_many_hands(written: str) -> None:
    assert number(written, "mobile", "DE") == MOBILE
    assert number(written, "home", "DE") == MOBILE
    assert number(written, None, "DE") == MOBILE


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("0664 1234567", "AT", Mobile("+436641234567")),
        ("+43 (0)664 1234567", "DE", Mobile("+436641234567")),
        ("079 123 45 67", "CH", Mobile("+41791234567")),
        ("0041 79 123 45 67", "DE", Mobile("+41791234567")),
        ("+423 791 2345", "CH", Mobile("+4237912345")),
        ("+33 6 12 34 56 78", "DE", Mobile("+33612345678")),
        ("030 23125-100", "DE", Landline("+493023125100")),
        ("+49 (0) 39928 / 12345", "DE", Landline("+493992812345")),
        ("01 5123456", "AT", Landline("+4315123456")),
        ("044 668 18 00", "CH", Landline("+41446681800")),
    ],
)
def test_each_country_and_its_neighbours(written: str, country: str, expected: object) -> None:
    assert number(written, None, country) == expected


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "empty"), ("  ", "empty"), ("-", "too_short"), ("+", "too_short"), ("0171", "too_short"),
        ("0171 39200", "too_short"), ("110", "too_short"), ("0171 39200123456", "too_long"),
        ("0171 3920012 / 0172 3920012", "several"), ("030 23125100 oder 0171 3920012", "several"),
        ("0171 3920012, 0172 3920012", "several"), ("0171 3920012\n0172 3920012", "several"),
        ("01713920012 01723920012", "several"), ("+49 171 3920012 +49 172 3920012", "several"),
        ("0171 3920012/13", "several"), ("+491713920012/+491723920012", "several"),
        ("0171 3920012 (Herrn Meier verlangen)", "remark"), ("Fr. Meier 0171 3920012", "remark"),
        ("0171 3920012 privat", "remark"), ("keins", "remark"), ("unbekannt", "remark"),
        ("0171 392OO12", "letters"), ("0171 3920012 x12", "letters"),
        ("171 3920012", "no_prefix"), ("491713920012", "no_prefix"), ("23125100", "no_prefix"),
        ("0900 1234567", "service_number"), ("0800 1234567", "service_number"), ("0180 5123456", "service_number"),
        ("+882 16 1234567", "no_sms"), ("032 12345678", "unknown_range"),
        ("+1 202 555 0123", "foreign"), ("+90 532 123 45 67", "foreign"), ("+999 171 3920012", "no_country"),
        ("0171 39*20012", "malformed"), ("#", "malformed"),
    ],
)  # fmt: skip
def test_somebody_has_to_be_asked(written: str, why: str) -> None:
    assert number(written, None, "DE") == Doubtful(why)  # type: ignore[arg-type]
    assert why in phones.WHYS


def test_a_landline_that_was_told_to_be_a_mobile_is_doubtful() -> None:
    assert number("030 23125100", "mobile", "DE") == Doubtful("landline_as_mobile")
    assert number("030 23125100", "home", "DE") == Landline("+493023125100")


def test_without_a_country_only_whole_numbers_count() -> None:
    assert number("0171 3920012", None, "") == Doubtful("no_country")
    assert number("+49 171 3920012", None, "") == MOBILE


@given(
    st.sampled_from(["DE", "AT", "CH"]),
    st.sampled_from(["0", "+49", "+43", "+41", "0049", "+49 0", "+41 (0)", "00"]),
    st.from_regex(r"[1-9][0-9]{4,13}", fullmatch=True),
)
def test_the_quick_look_agrees_with_the_numbering_plan(country: str, before: str, national: str) -> None:
    told = before + national
    found = number(told, None, country)
    try:
        parsed = phonenumbers.parse(re.sub(r"\(0\)", "", told), country)
    except phonenumbers.NumberParseException:
        assert isinstance(found, Doubtful)
        return
    kind = phonenumbers.number_type(parsed)
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if isinstance(found, Doubtful):
        near = phonenumbers.region_code_for_number(parsed) in phones.NEIGHBOURS
        assert not (kind == 0 or (kind == 1 and near)) or found.why == "several"
    else:
        assert found == (Mobile(written) if kind == 1 else Landline(written))


@given(st.text(max_size=40), st.sampled_from(["DE", "AT", "CH", "", "XX"]))
def test_never_breaks_and_never_invents_digits(value: str, country: str) -> None:
    found = number(value, None, country)
    if isinstance(found, Doubtful):
        assert found.why in phones.WHYS
    else:
        digits = [str(int(c)) for c in value if c.isdecimal()]
        assert found.e164[3:].endswith("".join(digits)[-5:])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("anna@example.org", Mail("anna@example.org")),
        (" anna@example.org ", Mail("anna@example.org")),
        ("Anna.Meier+praxis@Example.ORG", Mail("Anna.Meier+praxis@example.org")),
        ("mailto:anna@example.org", Mail("anna@example.org")),
        ("anna@müller.example", Mail("anna@xn--mller-kva.example")),
        ("anna@example", Doubtful("malformed")),
        ("anna.example.org", Doubtful("malformed")),
        ("anna@exam_ple.org", Doubtful("malformed")),
        ("a..b@example.org", Doubtful("malformed")),
        ("@example.org", Doubtful("malformed")),
        ("anna@192.0.2.1", Doubtful("malformed")),
        ("änna@example.org", Doubtful("letters")),
        ("Anna <anna@example.org>", Doubtful("remark")),
        ("anna @example.org", Doubtful("remark")),
        ("anna@example.org\nBcc:", Doubtful("remark")),
        ("a@example.org, b@example.org", Doubtful("several")),
        ("a@example.org b@example.org", Doubtful("several")),
        ("", Doubtful("empty")),
        ("a" * 65 + "@example.org", Doubtful("malformed")),
        ("a@" + "b" * 60 + ".c" * 100 + ".org", Doubtful("too_long")),
    ],
)
def test_addresses(written: str, expected: object) -> None:
    assert mail(written) == expected


@given(st.text(max_size=300))
def test_an_address_is_one_line_and_one_address(value: str) -> None:
    found = mail(value)
    if isinstance(found, Mail):
        assert found.address.count("@") == 1 and found.address.isascii() and len(found.address) <= 254
        assert not set(found.address) & set("\r\n \t,;<>")
