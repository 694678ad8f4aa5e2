"""Webhooks: whom we may call, what a receiver checks, and when a call is made again."""

import hashlib
import hmac
import re

import pytest

from praxisd.services.portals import webhooks_rules as rules

LOOPBACK = rules.named("127.0.0.1, ::1 ;pvs.praxis; 192.168.7.0/24")


@pytest.mark.parametrize(
    ("words", "type_", "wanted"),
    [
        (("*",), "offer.made", True),
        (("appointment.*",), "appointment.moved", True),
        (("appointment.*",), "request.accepted", False),
        (("appointment.moved",), "appointment.moved", True),
        (("appointment.moved",), "appointment.booked", False),
        ((), "appointment.booked", False),
    ],
)
def test_what_is_wanted(words: tuple[str, ...], type_: str, wanted: bool) -> None:
    assert rules.wants(words, type_) is wanted


def test_what_can_be_subscribed_to() -> None:
    for word in ("*", "appointment.*", "request.received", "waiting.entered"):
        assert rules.known(word, rules.TYPES)
    for word in ("appointment.", "patient.changed", "patient.*", "", "appointment"):
        assert not rules.known(word, rules.TYPES)
    inside = [one for one in rules.TYPES if one not in rules.INSIDE]
    assert not rules.known("offer.*", inside) and not rules.known("waiting.left", inside)


@pytest.mark.parametrize(
    ("url", "foreign", "fault"),
    [
        ("https://example.com/hook?a=b", True, None),
        ("https://example.com:8443", True, None),
        ("http://example.com/hook", False, "encryption"),
        ("http://127.0.0.1:9000/hook", True, None),
        ("http://[::1]:9000/hook", True, None),
        ("http://192.168.7.20/hook", False, None),
        ("http://192.168.8.20/hook", False, "encryption"),
        ("http://PVS.praxis/hook", False, None),
        ("http://pvs.praxis.evil.example/hook", False, "encryption"),
        ("https://10.0.0.1/hook", False, None),
        ("https://10.0.0.1/hook", True, "private"),
        ("https://169.254.169.254/latest", True, "private"),
        ("https://[::ffff:10.0.0.1]/", True, "private"),
        ("https://[fd00::1]/", True, "private"),
        ("https://localhost/hook", True, "private"),
        ("https://server.local/hook", True, "private"),
        ("https://192.168.7.20/hook", True, None),
        ("https://user:password@example.com/", False, "form"),
        ("ftp://example.com/", False, "form"),
        ("https://", False, "form"),
        ("https://example.com/#part", False, "form"),
        ("https://example.com:99999/", False, "form"),
        ("https://example.com/ü", False, "form"),
        ("https://exam ple.com/", False, "form"),
        ("https://example.com/" + "a" * 600, False, "form"),
        ("javascript:alert(1)", False, "form"),
        ("", False, "form"),
    ],
)
def test_whom_we_call(url: str, foreign: bool, fault: str | None) -> None:
    assert rules.fault(url, LOOPBACK, foreign=foreign) == fault


@pytest.mark.parametrize(
    ("peer", "good"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("10.1.2.3", False), ("127.0.0.1", False),
        ("::1", False), ("fe80::1%eth0", False), ("::ffff:192.168.0.1", False), ("100.64.0.1", False),
        ("0.0.0.0", False), ("224.0.0.1", False), ("", False), ("name", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(peer: str, good: bool) -> None:
    assert rules.public(peer) is good


def test_a_receiver_checks_the_signature_like_this() -> None:
    """The example of the documentation, word by word."""

    def verified(header: str, body: bytes, secret: str, now: float, tolerance_s: int = 300) -> bool:
        parts = dict(part.split("=", 1) for part in header.split(","))
        expected = hmac.new(secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, parts["v1"]) and abs(now - int(parts["t"])) <= tolerance_s

    header = rules.signed("whsec_x", 1_700_000_000, b'{"id":"1"}')
    assert re.fullmatch(r"t=1700000000,v1=[0-9a-f]{64}", header)
    assert verified(header, b'{"id":"1"}', "whsec_x", 1_700_000_010)
    assert not verified(header, b'{"id":"2"}', "whsec_x", 1_700_000_010)
    assert not verified(header, b'{"id":"1"}', "whsec_y", 1_700_000_010)
    assert not verified(header, b'{"id":"1"}', "whsec_x", 1_700_001_000), "an old call that somebody repeats"


def test_the_ladder_ends() -> None:
    assert [rules.wait(n) for n in range(1, 9)] == [10, 60, 300, 1_800, 7_200, 21_600, 86_400, None]
    assert rules.wait(1, 120) == 120 and rules.wait(1, 10**6) == 3_600 and rules.wait(7, 5) == 86_400
    assert rules.wait(8, 5) is None
