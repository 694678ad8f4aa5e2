"""Mails that come back: samples in the shapes of real servers, and whatever else a mailbox may hold.

The samples are invented: people, practices and servers do not exist. Their shapes are those of Postfix, Exim, Sendmail,
Exchange, Gmail, qmail, Domino and the German providers.
"""

import random
import time
import tomllib
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisd.services.messaging import bounces_parts
from praxisd.services.messaging.bounces import Verdict, judge

FOLDER = Path(__file__).parent / "bounces"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "expected.toml").read_text(encoding="utf-8"))
OURS = "01kb2v3c4d5e6f7g8h9jakbmcn"
DOMAINS = ("praxis-am-see.example",)
KINDS = {"failed", "expired", "delayed", "delivered", "auto", "reply", "unrelated", "unreadable"}


def sample(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()


def test_every_sample_is_expected_and_there_are_enough() -> None:
    assert {path.stem for path in FOLDER.glob("*.eml")} == set(EXPECTED)
    assert len(EXPECTED) >= 40


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_sample(name: str) -> None:
    expected = EXPECTED[name]
    found = judge(sample(name), DOMAINS)
    seen = {
        "kind": found.kind,
        "status": found.status,
        "code": found.code.removeprefix("messaging."),
        "text": found.text,
        "sender": found.sender,
    }
    assert {key: seen[key] for key in expected} == expected
    assert found.id == ("" if expected["kind"] == "unrelated" else OURS)
    assert len(found.mark) == 32


@pytest.mark.parametrize("name", sorted(n for n, e in EXPECTED.items() if e["kind"] != "unrelated"))
def test_only_mails_that_name_a_message_of_ours_count(name: str) -> None:
    """The same mails about a message of another house: nothing of them may touch ours."""
    assert judge(sample(name), ("praxis-nebenan.example",)).id in (
        "",
        OURS if name == "failed-envelope-id-only" else "",
    )
    other = sample(name).replace(OURS.encode(), b"0000-not-ours")
    if b"base64" not in other:
        assert judge(other, DOMAINS).id == ""


def test_an_envelope_id_must_be_one_of_ours() -> None:
    data = sample("failed-envelope-id-only").replace(OURS.encode(), b"4711")
    assert judge(data, DOMAINS).id == ""


def test_a_mark_stays_and_differs() -> None:
    marks = {judge(sample(name), DOMAINS).mark for name in EXPECTED}
    assert judge(sample("reply-below"), DOMAINS).mark == judge(sample("reply-below"), DOMAINS).mark
    assert len(marks) > len(EXPECTED) / 2


def test_the_date_of_a_mail() -> None:
    assert judge(sample("reply-below"), DOMAINS).at == 1_795_690_800
    for lie in (
        b"Thu, 26 Nov 1901 12:00:00 +0100",
        b"gestern",
        b"Thu, 99 Nov 2026 99:99:99 +9999",
        b"1" * 90,
    ):
        data = sample("reply-below").replace(b"Thu, 26 Nov 2026 12:00:00 +0100", lie)
        assert judge(data, DOMAINS).at is None


def test_subjects_of_notes_and_of_people() -> None:
    """A person who answers is not taken for a machine, whatever the subject speaks of."""
    for subject in (
        "Re: Abwesenheit",
        "AW: Urlaub",
        "Re: out of office visit",
        "Mein Urlaub",
        "Re: Unzustellbar?",
    ):
        data = sample("reply-below").replace(b"Subject: Re: Ihr Termin", f"Subject: {subject}".encode())
        assert judge(data, DOMAINS).kind == "reply", subject


def test_garbage_says_nothing() -> None:
    for data in (
        b"",
        b"\n",
        b"\0" * 1000,
        b"\xff\xfe" * 500,
        b":" * 5000,
        b"=?utf-8?b?" * 500,
        b"\r\n\r\n" * 300,
    ):
        found = judge(data, DOMAINS)
        assert (found.kind, found.id) == ("unreadable", "")


def _nested(levels: int) -> bytes:
    lines = [b"MIME-Version: 1.0"]
    for level in range(levels):
        lines += [b"Content-Type: multipart/mixed; boundary=b%d" % level, b"", b"--b%d" % level]
    return b"\r\n".join([*lines, b"Content-Type: text/plain", b"", b"ende"])


def _forwarded(levels: int) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * levels + b"Subject: ende\r\n\r\nende"


BOUNCE = b"From: mailer-daemon@x.example\r\nReturn-Path: <>\r\nSubject: undeliverable\r\n\r\n"

HEAVY = {
    "deep": lambda: _nested(20_000),
    "forwarded": lambda: _forwarded(30_000),
    "huge": lambda: sample("reply-below") + b"x" * 30_000_000,
    "lines": lambda: sample("reply-below") + b"> \n" * 3_000_000,
    "parts": lambda: b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 500_000,
    "boundary": lambda: b"Content-Type: multipart/mixed; boundary=-\r\n\r\n" + b"---\r\n" * 800_000,
    "headers": lambda: b"X: y\r\n" * 600_000 + b"\r\n",
    "fold": lambda: b"X: y\r\n" + b" \t\r\n" * 500_000,
    "words": lambda: b"Subject: " + b"=?utf-8?q?=41?= " * 100_000 + b"\r\n\r\n",
    "parameters": lambda: b"Content-Type: text/plain" + b'; a="\\' * 300_000 + b"\r\n\r\n",
    "tags": lambda: b"In-Reply-To: <" + OURS.encode() + b"@praxis-am-see.example>\r\nContent-Type: text/html\r\n\r\n"
    + b"<a <div class=" * 400_000,
    "comments": lambda: b"Content-Type: text/html\r\n\r\n" + b"<!--" * 1_000_000,
    "quotes": lambda: b"\r\n\r\nAm " + b"schrieb wrote am " * 400_000,
    "numbers": lambda: b"From: mailer-daemon@x.example\r\nSubject: undeliverable\r\n\r\n" + b"5.1." * 1_000_000,
    "base64": lambda: b"Content-Transfer-Encoding: base64\r\n\r\n" + b"A===" * 1_000_000,
    "punycode": lambda: b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a-" * 500_000,
    "ids": lambda: b"In-Reply-To: " + b"0" * 900_000 + b"\r\nReferences: " + b"<" * 900_000 + b"\r\n\r\n",
    "newlines": lambda: BOUNCE + b"\n" * 900_000,
    "blanks": lambda: BOUNCE + (b" " * 50_000 + b"\n\t>|") * 20,
    "dashes": lambda: BOUNCE + b"-" * 900_000,
    "dashes and words": lambda: BOUNCE + b"-- copy of original message " * 40_000,
    "digits": lambda: BOUNCE + b"1.2." * 200_000 + b"5.1.1" * 5000,
    "almost ids": lambda: BOUNCE + b"Message-ID: <01kb2v3c4d5e6f7g8h9jakbmcn@praxis-am-see.example.\n" * 15_000,
    "addresses": lambda: b"From: " + b"a@" * 400_000 + b"\r\nIn-Reply-To: x\r\n\r\n",
    "boundary blanks": lambda: b"Content-Type: multipart/mixed\r\n\r\n" + (b"--abcdefgh" + b" " * 9000 + b"\n") * 100,
    "report": lambda: b"Content-Type: message/delivery-status\r\n\r\n" + b"Action: failed\n\n" * 400_000,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(HEAVY))
def test_heavy_mails_take_little_time_and_memory(name: str) -> None:
    data = HEAVY[name]()
    tracemalloc.start()
    begun = time.process_time()
    found = judge(data, DOMAINS)
    spent = time.process_time() - begun
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.kind in KINDS
    assert spent < 3.0, f"{spent:.1f} s"
    assert peak < 60_000_000, f"{peak:,} octets"


def _sound(found: Verdict) -> None:
    assert found.kind in KINDS
    assert (found.id == "") == (found.kind in ("unrelated", "unreadable"))
    assert found.id in ("", OURS) and len(found.text) <= 4000
    assert (found.code != "") == (found.kind in ("failed", "expired"))


@given(st.binary(max_size=600))
def test_any_bytes(data: bytes) -> None:
    _sound(judge(data, DOMAINS))


@given(st.sampled_from(sorted(EXPECTED)), st.randoms(use_true_random=False))
@settings(max_examples=400)
def test_damaged_samples(name: str, chance: random.Random) -> None:
    data = bytearray(sample(name))
    for _ in range(chance.randint(1, 12)):
        at, length = chance.randrange(len(data)), chance.randint(1, 60)
        match chance.randrange(5):
            case 0:
                del data[at : at + length]
            case 1:
                data[at : at + length] = bytes(chance.randrange(256) for _ in range(length))
            case 2:
                data[at:at] = data[at : at + length]
            case 3:
                data[at:at] = chance.choice(
                    [b"\n\n", b"\0", b"--", b"=?", b"\x1b$B", b"\r", b"Content-Type: multipart/x;\n"]
                )
            case _:
                other = sample(chance.choice(sorted(EXPECTED)))
                data[at:at] = other[: chance.randint(1, len(other))]
        data = data or bytearray(b"x")
    found = judge(bytes(data), DOMAINS)
    # A damaged address may spell another id: nobody has it, and the store says so. It is never longer or stranger than one.
    assert found.kind in KINDS
    assert found.id in ("", OURS) or (len(found.id) == len(OURS) and found.id.isalnum())


@given(st.binary(max_size=300), st.text(max_size=50))
def test_octets_are_always_text(raw: bytes, charset: str) -> None:
    assert isinstance(bounces_parts.decoded(raw, charset), str)


@pytest.mark.parametrize(
    "charset", ["idna", "punycode", "unicode_escape", "hex", "rot13", "zlib", "base64", "utf-8\0", ""]
)
def test_codecs_that_are_no_charsets(charset: str) -> None:
    assert bounces_parts.decoded("Grüße \\u0041".encode(), charset) == "Grüße \\u0041"
