"""Addresses that can be written to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.mail_address import address, domain_of, host_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("anna@example.net", "anna@example.net"),
        ("Anna.Maria+praxis@Example.NET", "Anna.Maria+praxis@example.net"),
        ("praxis@müller.example", "praxis@xn--mller-kva.example"),
        ("praxis@straße.example", "praxis@xn--strae-oqa.example"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("jörg@example.org", "jörg@example.org"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
    ],
)
def test_good_ones(text: str, expected: str) -> None:
    assert address(text) == expected
    assert domain_of(text) == expected.rpartition("@")[2]


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "anna", "anna@", "@example.org", "anna@localhost", "anna@@example.org", ".anna@example.org",
        "anna.@example.org", "an..na@example.org", "an na@example.org", "anna@exa mple.org", "anna@-example.org",
        "anna@example-.org", "anna@example..org", "anna@.org", "anna@example.org.", "a" * 65 + "@example.org",
        "a@" + "b" * 64 + ".org", "a@" + ".".join(["b" * 60] * 5), '"an na"@example.org', "anna@[127.0.0.1]",
        "anna@example.org\r\nBcc: b@example.org", "an\0na@example.org", "anna@exa\u202emple.org", "Anna <a@example.org>",
        "a,b@example.org", "an\u200bna@example.org",
    ],
)  # fmt: skip
def test_bad_ones(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|domain"):
        address(text)


@given(st.text(max_size=80))
def test_whatever_comes_is_an_address_or_a_value_error(text: str) -> None:
    try:
        found = address(text)
    except ValueError:
        return
    assert address(found) == found and not any(c.isspace() for c in found) and found.count("@") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mail.Example.org", "mail.example.org"),
        ("localhost", "localhost"),
        ("[::1]", "::1"),
        ("10.0.0.1", "10.0.0.1"),
    ],
)
def test_hosts(text: str, expected: str) -> None:
    assert host_name(text) == expected
