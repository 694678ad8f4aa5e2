"""E-mail as a channel: what a real SMTP server is given, and what is said of its answers."""

import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.errors import Problem
from praxisd.kernel.outside import Outside
from praxisd.services.messaging.channel import (
    Accepted,
    Account,
    Lost,
    Refused,
    Unknown,
    Waiting,
)
from praxisd.services.messaging.channels import smtp_form

from .mail_cast import ID, SENDER, TO, Post, at, channel, message, post_office


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    one = Outside()
    yield one
    one.close()


@pytest.fixture
def post() -> Iterator[Post]:
    with post_office() as one:
        yield one


def read(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def body(mail: EmailMessage) -> str:
    return str(mail.get_content()).replace("\r\n", "\n")


def test_a_mail_says_what_it_must(outside: Outside, post: Post) -> None:
    values = at(post, reply_to="empfang@praxis-am-see.example", return_to="zurueck@praxis-am-see.example")
    answer = channel(outside, values).send(message())
    assert answer == Accepted(f"{ID}@praxis-am-see.example")
    mail = read(post.bodies[0])
    assert mail["From"] == SENDER and mail["To"] == TO
    assert mail["Subject"] == "Ihr Termin am 3. Dezember"
    assert mail["Message-ID"] == f"<{ID}@praxis-am-see.example>"
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Content-Language"] == "de"
    assert mail["Reply-To"] == "empfang@praxis-am-see.example"
    assert abs(mail["Date"].datetime.timestamp() - time.time()) < 60
    assert mail.get_content_type() == "text/plain" and body(mail) == message().text + "\n"
    assert post.bodies[0].isascii()
    assert post.taken[0].sender == "zurueck@praxis-am-see.example"
    assert "NOTIFY" not in post.taken[0].notices


def test_notices_are_asked_for_where_they_can_be_read(outside: Outside, post: Post, tmp_path: Path) -> None:
    values = at(post, mailbox="folder", folder=str(tmp_path))
    assert isinstance(channel(outside, values).send(message()), Accepted)
    assert post.taken[0].notices == {"RET": "HDRS", "ENVID": ID, "NOTIFY": "SUCCESS,FAILURE,DELAY"}


@pytest.mark.parametrize(
    "evil",
    [
        "Termin\r\nBcc: alle@boese.example",
        "Termin\nBcc: x@y.example\n\nText",
        "a\x0bb\x0cBcc: x\x85y\u2028z",
        "\0\x1b[31m",
    ],
)
def test_no_value_becomes_a_header(outside: Outside, post: Post, evil: str) -> None:
    sender = channel(outside, at(post, sender_name=evil))
    assert isinstance(sender.send(message(subject=evil, text=evil, language=evil)), Accepted)
    mail = read(post.bodies[0])
    known = {
        "From", "To", "Subject", "Date", "Message-ID", "X-Praxisd-Id", "Auto-Submitted", "X-Auto-Response-Suppress",
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    }  # fmt: skip
    assert set(mail.keys()) == known
    assert len(mail["From"].addresses) == 1 and post.taken[0].to == [TO]
    assert not any(c in mail["Subject"] for c in "\r\n\0\x1b\x85\u2028")


@pytest.mark.parametrize(
    "name",
    [
        "Praxis am See",
        "Praxis Dr. Muster, Zahnarzt und Kieferorthopaedie am Marktplatz, Hauptgebaeude",
        "Zahnärzte Müller, Köhler & Partner <böse@x.example>",
        'a"b\\c, d@e.example',
        "=?utf-8?q?boese=40x=2Eexample?=",
        "Praxis (am See); Gruppe: x;",
        "\\",
        "漢字" * 30,
    ],
)
def test_a_name_stays_a_name(outside: Outside, post: Post, name: str) -> None:
    one = channel(outside, at(post, sender_name=name), sender="termine@praxis-am-see.example")
    assert isinstance(one.send(message(subject=name)), Accepted)
    # The modern reader of the standard library puts spaces between encoded words of a name: the old one does not.
    mail = message_from_bytes(post.bodies[0])
    [(shown, found)] = getaddresses([mail["From"]])
    assert (decoded(shown), found) == (name[:80], "termine@praxis-am-see.example")
    assert decoded(mail["Subject"]) == name[:200]
    assert max(map(len, post.bodies[0].split(b"\r\n"))) <= 90


def decoded(value: str) -> str:
    return str(make_header(decode_header(value)))


def test_long_and_foreign_texts_arrive_whole(outside: Outside, post: Post) -> None:
    text = "Żółć 漢字 🦷 " * 300 + "\n.\n..\nFrom hier\n" + "x" * 5000
    subject = "Grüße 🦷 " * 30
    assert isinstance(channel(outside, at(post)).send(message(text=text, subject=subject)), Accepted)
    mail = read(post.bodies[0])
    assert body(mail) == text + "\n" and max(map(len, post.bodies[0].split(b"\r\n"))) <= 998
    assert str(mail["Subject"]) == subject.strip()[:200].strip()


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("greylist", Refused("messaging.mail_later", False, "4.7.1", 300)),
        ("unknown", Refused("messaging.address_rejected", True, "5.1.1")),
        ("full", Refused("messaging.mailbox_full", True, "5.2.2")),
        ("busy", Refused("messaging.mail_busy", False, "4.3.2", 300)),
        ("drop_early", Refused("messaging.mail_unreachable", False, "unreachable")),
        ("drop_kept", Lost()),
        ("drop_lost", Lost()),
    ],
)
def test_what_a_server_does_and_what_is_said_of_it(
    outside: Outside, post: Post, fault: str, answer: Any
) -> None:
    post.faults.set(next_=[fault])
    assert channel(outside, at(post)).send(message()) == answer
    assert len(post.taken) == (fault == "drop_kept")


def test_access_that_is_wrong_says_nothing_about_the_message(outside: Outside, tmp_path: Path) -> None:
    with post_office(tmp_path, user="praxis", password="geheim") as post:
        values = at(post, security="starttls", certificate=post.certificate, login="praxis")
        wrong = channel(outside, {**values, "password": "falsch"}).send(message())
        assert wrong == Refused("messaging.mail_credentials", False, "5.7.8")
        nobody = channel(outside, {**values, "login": ""}).send(message())
        assert nobody == Refused("messaging.mail_credentials", False, "5.7.0")
        stranger = channel(outside, {**values, "password": "geheim", "certificate": ""}).send(message())
        assert stranger == Refused("messaging.mail_unprotected", False, "encryption")
        assert isinstance(channel(outside, {**values, "password": "geheim"}).send(message()), Accepted)


def test_addresses_and_times_that_cannot_be(outside: Outside, post: Post) -> None:
    one = channel(outside, at(post))
    assert one.send(message(to="anna")) == Refused("messaging.address_rejected", True)
    assert one.send(message(useless_after=int(time.time()) - 1)) == Refused("messaging.too_late", False)
    assert one.send(message(before=time.time() - 1)) == Refused("messaging.too_late", False, "too_late")
    assert channel(outside, at(post), "Praxis").send(message()) == Refused("messaging.sender_rejected", False)
    assert post.taken == []


def test_a_server_that_cannot_be_asked(outside: Outside) -> None:
    one = channel(outside, {})
    assert one.find(Waiting(ID, "", TO, 0)) == Unknown(temporary=False)
    assert one.balance() is None and list(one.reports([])) == []
    assert (one.abilities.final, one.abilities.reports, one.abilities.hooks) == (True, False, False)


def account(sender: str = SENDER, **values: str) -> Account:
    return Account("smtp", sender, {"server": "mail.example.org", **values})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, ""),
        ({"security": "tls", "port": "465", "login": "praxis", "password": "x"}, ""),
        ({"server": "127.0.0.1", "security": "none"}, ""),
        ({"server": ""}, "server"),
        ({"server": "böse host"}, "server"),
        ({"port": "0"}, "port"),
        ({"port": "99999"}, "port"),
        ({"security": "none"}, "security"),
        ({"security": "vielleicht"}, "security"),
        ({"login": "praxis"}, "password"),
        ({"reply_to": "niemand"}, "reply_to"),
        ({"certificate": "eigenes.pem"}, "certificate"),
        ({"mailbox": "folder"}, "folder"),
        ({"mailbox": "folder", "folder": "relativ"}, "folder"),
        ({"mailbox": "imap", "imap_server": "imap.example.org", "imap_login": "x"}, "imap_password"),
        ({"sender_name": "a\r\nb"}, "sender_name"),
    ],
)
def test_a_form_that_is_filled_in(changes: dict[str, str], field: str) -> None:
    if not field:
        smtp_form.check(account(**changes))
        return
    with pytest.raises(Problem) as caught:
        smtp_form.check(account(**changes))
    assert (caught.value.code, caught.value.params["field"]) == ("messaging.gateway_field", field)


def test_a_sender_must_be_an_address() -> None:
    with pytest.raises(Problem) as caught:
        smtp_form.check(account("Praxis am See"))
    assert caught.value.params["field"] == "sender"
