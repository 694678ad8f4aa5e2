"""Pure rules of accounts by example and by property: logins, passwords, networks, scopes, the form of a key."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.services.accounts import keys, passwords, rules


def refused(code: str, call: object, *args: object) -> Problem:
    with pytest.raises(Problem) as caught:
        call(*args)  # type: ignore[operator]
    assert caught.value.code == code
    return caught.value


@pytest.mark.parametrize("login", ["anna", "Anna.Müller", "a+b@praxis-nord.de", "x_1"])
def test_logins_that_are_kept(login: str) -> None:
    assert rules.check_login(f"  {login} ") == login


@pytest.mark.parametrize("login", ["", "a", "anna müller", "a/b", "x" * 65, "a\nb", "a\x00b"])
def test_logins_that_are_refused(login: str) -> None:
    assert refused("accounts.invalid", rules.check_login, login).params["field"] == "login"


@pytest.mark.parametrize(("one", "other"), [("Anna", "ANNA"), ("straße", "STRASSE"), ("\uff21nna", "anna")])
def test_logins_that_are_one(one: str, other: str) -> None:
    assert rules.login_key(one) == rules.login_key(other)


def test_names() -> None:
    assert rules.check_name("  Dr.  Anna \t Beispiel ") == "Dr. Anna Beispiel"
    for bad in ("", "   ", "x" * 101, "a\x1bb"):
        refused("accounts.invalid", rules.check_name, bad)


@pytest.mark.parametrize("password", ["elevenchars", "x" * 40, "ababababababab", "y" * 10 + "abcdefg" * 60])
def test_weak_passwords(password: str) -> None:
    assert refused("accounts.weak_password", rules.check_password, password, "anna").params == {"least": 12}


def test_a_password_is_not_the_login_and_may_be_a_sentence() -> None:
    refused("accounts.weak_password", rules.check_password, "Anna.Beispielfrau", "anna.beispielfrau")
    assert rules.check_password("Der Hund bellt im Café", "anna") == "Der Hund bellt im Café"
    assert rules.check_password("Der Hund bellt im Cafe\u0301", "anna") == "Der Hund bellt im Café"


def test_networks_are_written_one_way() -> None:
    given_ones = ["10.0.0.0/8", "192.168.1.7", "2001:DB8:0::/32", "::ffff:172.16.0.0/108", "10.0.0.0/8"]
    assert rules.check_networks(given_ones) == (
        "10.0.0.0/8",
        "192.168.1.7/32",
        "2001:db8::/32",
        "172.16.0.0/12",
    )


@pytest.mark.parametrize("bad", ["192.168.1.7/16", "10.0.0.0/33", "praxis.example", "", "10.0.0", "::1/129"])
def test_networks_that_are_refused(bad: str) -> None:
    refused("accounts.bad_network", rules.check_networks, [bad])


def test_at_most_fifty_networks() -> None:
    refused("accounts.invalid", rules.check_networks, [f"10.0.{n}.0/24" for n in range(51)])


@pytest.mark.parametrize(
    ("network", "address", "good"),
    [
        ("10.0.0.0/8", "10.255.1.2", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "::ffff:11.1.2.3", False),
        ("10.0.0.0/8", "::10.1.2.3", False),
        ("2001:db8::/32", "2001:db8:1::1", True),
        ("2001:db8::/32", "10.1.2.3", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("0.0.0.0/0", "::1", False),
        ("10.0.0.0/8", None, False),
        ("10.0.0.0/8", "testclient", False),
    ],
)
def test_who_lies_inside(network: str, address: str | None, good: bool) -> None:
    assert rules.inside([ipaddress.ip_network(network)], address) is good


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_a_mapped_address_counts_as_the_plain_one(address: ipaddress.IPv4Address, bits: int) -> None:
    network = ipaddress.ip_network((address, bits), strict=False)
    mapped = f"::ffff:{address}"
    assert rules.inside([network], mapped)
    assert rules.source(mapped) == rules.source(str(address)) == str(address)
    written = rules.check_networks([f"::ffff:{network.network_address}/{96 + bits}"])
    assert written == (str(network),)


def test_ipv6_hosts_are_counted_by_their_network() -> None:
    assert rules.source("2001:db8::1") == rules.source("2001:db8::ffff:1") != rules.source("2001:db8:0:1::1")
    assert rules.source(None) == rules.source("testclient") == "unknown"


def test_scopes_narrow_and_never_widen() -> None:
    role = frozenset({"a.b.read", "a.b.write"})
    assert rules.narrowed(None, role) is None
    assert rules.narrowed(["a.b.write", "a.b.read", "a.b.read"], role) == ("a.b.read", "a.b.write")
    assert refused("accounts.invalid", rules.narrowed, ["a.c.read"], role).params["reason"] == "unknown"
    assert refused("accounts.invalid", rules.narrowed, [], role).params["reason"] == "empty"


def test_the_form_of_a_secret() -> None:
    made = {keys.new_secret() for _ in range(200)}
    assert len(made) == 200
    for secret in made:
        assert rules.could_be_key(secret)
        assert len(secret) == 4 + 8 + 1 + 43
        assert secret.startswith(rules.prefix_of(secret) + "_")
        assert len(rules.prefix_of(secret)) == 12
    for bad in ("", "pxd_", secret[:-1], secret + "A", secret.upper(), secret + "\n", " " + secret):
        assert not rules.could_be_key(bad)


def test_a_password_hash_is_argon2id_with_the_low_memory_profile() -> None:
    hashed = passwords.hash_password("Der Hund bellt im Café", "anna")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.matches(hashed, "Der Hund bellt im Cafe\u0301")
    assert not passwords.matches(hashed, "Der Hund bellt im Hof")
    assert not passwords.outdated(hashed)
    assert not passwords.matches("not a hash", "Der Hund bellt im Café")


def test_nobody_s_hash_asks_for_the_same_work_and_fits_no_password() -> None:
    assert not passwords.outdated(passwords.NOBODY), "its parameters must be those of real hashes"
    assert not passwords.matches(None, "Der Hund bellt im Café")
    assert not passwords.matches(passwords.NOBODY, "")


def test_an_endless_password_is_wrong() -> None:
    hashed = passwords.hash_password("a" * 250 + "bcdefg", "anna")
    assert passwords.matches(hashed, "a" * 250 + "bcdefg")
    assert not passwords.matches(hashed, "a" * 250 + "bcdefg" + "h" * 5_000_000)
