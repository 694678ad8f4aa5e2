"""What comes back of e-mail: folders, Maildirs, IMAP and pushed mails are read, kept, and nothing is lost."""

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.outside import Outside
from praxisd.sandbox import mail_answers
from praxisd.services.messaging.channel import (
    Reply,
    Report,
)
from praxisd.services.messaging.channels.mailbox import Seen
from praxisd.services.messaging.channels.smtp import Smtp

from .imap_cast import imap_server
from .mail_cast import ID, SAMPLES, TO, Post, at, channel, message, post_office


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    one = Outside()
    yield one
    one.close()


@pytest.fixture
def post() -> Iterator[Post]:
    with post_office() as one:
        yield one


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / f"{name}.eml").write_bytes((SAMPLES / f"{name}.eml").read_bytes())


def facts(found: Report | Reply) -> tuple[str, ...]:
    if isinstance(found, Report):
        return (found.state, found.id, found.code, found.detail)
    return ("reply", found.id, found.sender, found.text)


EXPECTED = {
    "failed-exim-full": ("failed", ID, "messaging.mailbox_full", ""),
    "expired-postfix": ("expired", ID, "messaging.mail_expired", "4.4.1"),
    "delayed-gmail": ("buffered", ID, "", "4.4.1"),
    "delivered-exchange": ("delivered", ID, "", "2.1.5"),
    "reply-outlook": ("reply", ID, TO, "Absage"),
}
SILENT = ("auto-outlook-german", "auto-gmx", "unrelated-new-mail", "unrelated-bounce-of-another")


def test_a_folder_is_read_and_kept(outside: Outside, tmp_path: Path) -> None:
    put(tmp_path, *EXPECTED, *SILENT)
    (tmp_path / "kaputt.eml").write_bytes(b"\0\xff" * 100)
    (tmp_path / "liste.txt").write_text("keine Mail")
    one = channel(outside, {"mailbox": "folder", "folder": str(tmp_path)})
    found = list(one.reports([]))
    assert sorted(map(facts, found)) == sorted(EXPECTED.values())
    assert all((tmp_path / f"{name}.eml").exists() for name in EXPECTED), "nothing goes before it is saved"
    assert len(list(one.reports([]))) == len(EXPECTED), "the same again until it is saved"
    for report in (*found, *found):
        report.keep()
    assert list(one.reports([])) == []
    assert {p.stem for p in (tmp_path / "done").iterdir()} == {*EXPECTED, "auto-outlook-german", "auto-gmx"}
    assert [p.name for p in (tmp_path / "unreadable").iterdir()] == ["kaputt.eml"]
    left = {p.name for p in tmp_path.iterdir() if p.is_file()}
    assert left == {"unrelated-new-mail.eml", "unrelated-bounce-of-another.eml", "liste.txt"}


def test_a_mail_of_the_same_name_is_not_lost(outside: Outside, tmp_path: Path) -> None:
    one = channel(outside, {"mailbox": "folder", "folder": str(tmp_path)})
    for sample in ("reply-outlook", "reply-below"):
        (tmp_path / "1.eml").write_bytes((SAMPLES / f"{sample}.eml").read_bytes())
        [reply] = one.reports([])
        reply.keep()
    assert len(list((tmp_path / "done").iterdir())) == 2


def test_a_mail_that_was_still_being_written_is_read_again(outside: Outside, tmp_path: Path) -> None:
    one = channel(outside, {"mailbox": "folder", "folder": str(tmp_path)})
    whole = (SAMPLES / "reply-outlook.eml").read_bytes()
    (tmp_path / "1.eml").write_bytes(whole[:120])
    assert list(one.reports([])) == []
    (tmp_path / "1.eml").write_bytes(whole)
    assert [facts(found) for found in one.reports([])] == [EXPECTED["reply-outlook"]]


def test_what_is_not_ours_is_read_once(outside: Outside, tmp_path: Path) -> None:
    seen = Seen()
    put(tmp_path, "unrelated-new-mail")
    one = channel(outside, {"mailbox": "folder", "folder": str(tmp_path)}, seen=seen)
    list(one.reports([]))
    (tmp_path / "unrelated-new-mail.eml").chmod(0o000)
    assert list(channel(outside, {"mailbox": "folder", "folder": str(tmp_path)}, seen=seen).reports([])) == []
    few = Seen(most=2)
    for name in "abc":
        few.add(name)
    assert "a" not in few and "b" in few and "c" in few


def test_a_maildir(outside: Outside, tmp_path: Path) -> None:
    for one in ("new", "cur", "tmp"):
        (tmp_path / one).mkdir()
    names = {
        "new/1764148211.M1P1.host": "failed-qmail",
        "cur/1764148300.M2P2.host:2,S": "reply-iphone",
        "tmp/x": "reply-below",
    }
    for name, sample in names.items():
        (tmp_path / name).write_bytes((SAMPLES / f"{sample}.eml").read_bytes())
    sender = channel(outside, {"mailbox": "folder", "folder": str(tmp_path)})
    found = list(sender.reports([]))
    assert sorted(map(facts, found)) == [
        ("failed", ID, "messaging.address_rejected", "5.1.1"),
        ("reply", ID, TO, "Bestätigt"),
    ]
    for report in found:
        report.keep()
    assert {p.name for p in (tmp_path / ".praxisd" / "cur").iterdir()} == {
        "1764148211.M1P1.host:2,S",
        "1764148300.M2P2.host:2,S",
    }
    assert list(sender.reports([])) == [] and (tmp_path / "tmp" / "x").exists()


def test_a_folder_that_is_not_there(outside: Outside, tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        list(channel(outside, {"mailbox": "folder", "folder": str(tmp_path / "weg")}).reports([]))
    assert caught.value.code == "messaging.mailbox_missing"


def test_links_and_folders_are_no_mails(outside: Outside, tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "ordner.eml").mkdir()
    put(tmp_path, "reply-below")
    (tmp_path / "box" / "link.eml").symlink_to(tmp_path / "reply-below.eml")
    assert list(channel(outside, {"mailbox": "folder", "folder": str(tmp_path / "box")}).reports([])) == []


def test_a_short_answer_without_a_reference_counts(outside: Outside, tmp_path: Path) -> None:
    """Some mail programs of telephones drop the reference; whose answer it is, its address tells."""
    head = f"From: {TO}\r\nSubject: %s\r\nContent-Type: text/plain\r\n\r\n%s\r\n"
    letters = {
        "a": ("AW: Ihr Termin", "STOP"),
        "b": ("AW: Befund", "Sehr geehrte Praxis, " * 20),
        "c": ("Hallo", "STOP"),
    }
    for name, (subject, text) in letters.items():
        (tmp_path / f"{name}.eml").write_text(head % (subject, text))
    found = list(channel(outside, {"mailbox": "folder", "folder": str(tmp_path)}).reports([]))
    assert [facts(one) for one in found] == [("reply", "", TO, "STOP")]


def imap(outside: Outside, port: int, file: Path, seen: Seen, **values: str) -> Smtp:
    known = {
        "mailbox": "imap", "imap_server": "127.0.0.1", "imap_port": str(port), "imap_login": "praxis",
        "imap_password": "geheim", "certificate": str(file),
    }  # fmt: skip
    return channel(outside, {**known, **values}, seen=seen)


@pytest.mark.parametrize("can", ["IMAP4rev1 AUTH=PLAIN MOVE UIDPLUS", "IMAP4rev1 UIDPLUS", "IMAP4rev1"])
def test_an_imap_mailbox(outside: Outside, tmp_path: Path, can: str) -> None:
    with imap_server(tmp_path) as (account, file):
        account.can = can
        uids = {name: account.put((SAMPLES / f"{name}.eml").read_bytes()) for name in (*EXPECTED, *SILENT)}
        seen = Seen()
        found = list(imap(outside, account.port, file, seen).reports([]))
        assert sorted(map(facts, found)) == sorted(EXPECTED.values())
        for report in found:
            report.keep()
        ours = {uids[name] for name in (*EXPECTED, "auto-outlook-german", "auto-gmx")}
        assert set(account.folders["praxisd"]) == ours
        marked = {uid for uid, what in account.flags.items() if "Deleted" in what}
        left = set(account.folders["INBOX"]) - marked
        assert left == {uids["unrelated-new-mail"], uids["unrelated-bounce-of-another"]}
        account.fetched.clear()
        assert list(imap(outside, account.port, file, seen).reports([])) == [] and account.fetched == []


def test_keeping_while_the_mailbox_is_read(outside: Outside, tmp_path: Path) -> None:
    with imap_server(tmp_path) as (account, file):
        for name in EXPECTED:
            account.put((SAMPLES / f"{name}.eml").read_bytes())
        account.put(b"x" * 3_000_000)
        for report in imap(outside, account.port, file, Seen(), imap_done="Erledigt & gut").reports([]):
            report.keep()
        assert len(account.folders["Erledigt &- gut"]) == len(EXPECTED) and len(account.folders["INBOX"]) == 1


@pytest.mark.parametrize("can", ["IMAP4rev1 AUTH=PLAIN", "IMAP4rev1"])
@pytest.mark.parametrize("changes", [{"imap_password": "fälsch"}, {"imap_inbox": "Gibt es nicht"}])
def test_an_imap_mailbox_that_says_no(
    outside: Outside, tmp_path: Path, changes: dict[str, str], can: str
) -> None:
    with imap_server(tmp_path) as (account, file):
        account.can = can
        with pytest.raises(Problem) as caught:
            list(imap(outside, account.port, file, Seen(), **changes).reports([]))
    assert (caught.value.code, caught.value.retry) == ("messaging.mailbox_refused", False)


def test_an_imap_mailbox_that_cannot_be_reached(outside: Outside, tmp_path: Path) -> None:
    with imap_server(tmp_path) as (account, file):
        port = account.port
        with pytest.raises(Problem) as caught:
            list(imap(outside, port, Path(""), Seen(), certificate="").reports([]))
        assert (caught.value.code, caught.value.retry) == ("messaging.mailbox_unreachable", True)
    with pytest.raises(Problem) as caught:
        list(imap(outside, port, file, Seen()).reports([]))
    assert caught.value.code == "messaging.mailbox_unreachable"


def signed(body: bytes, at: int, secret: str = "s3cret") -> dict[str, str]:
    mark = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"content-type": "message/rfc822", "x-praxisd-timestamp": str(at), "x-praxisd-signature": mark}


def test_a_mail_that_is_pushed(outside: Outside) -> None:
    clock = FrozenClock(1_795_000_000)
    one = channel(outside, {}, clock=clock, hook_secret="s3cret")
    body = (SAMPLES / "failed-gmail.eml").read_bytes()
    good = signed(body, 1_795_000_000)
    assert one.abilities.hooks
    assert [facts(found) for found in one.hook(good, {}, body)] == [
        ("failed", ID, "messaging.address_rejected", "5.1.1")
    ]
    assert list(one.hook(good, {}, body)) == list(one.hook(good, {}, body))
    refused = [
        ({}, body),
        ({**good, "x-praxisd-signature": "0" * 64}, body),
        ({**good, "x-praxisd-signature": "ü"}, body),
        ({**good, "x-praxisd-timestamp": "1795000001"}, body),
        ({**good, "x-praxisd-timestamp": "x"}, body),
        (good, body + b"\n"),
        (signed(body, 1_795_000_000 - 301), body),
        (signed(body, 1_795_000_000 + 301), body),
        (signed(body, 1_795_000_000, "anders"), body),
    ]
    for headers, given in refused:
        with pytest.raises(Problem) as caught:
            list(one.hook(headers, {}, given))
        assert (caught.value.code, caught.value.status) == ("messaging.hook_refused", 403)
    for headers, given in [
        ({**good, "content-type": "application/json"}, body),
        (signed(b"\0", 1_795_000_000), b"\0"),
    ]:
        with pytest.raises(Problem) as caught:
            list(one.hook(headers, {}, given))
        assert (caught.value.code, caught.value.status) == ("messaging.hook_malformed", 400)
    with pytest.raises(Problem):
        list(channel(outside, {}, clock=clock).hook(signed(body, 1_795_000_000, ""), {}, body))


@pytest.mark.parametrize("kind", ["failed", "delayed", "delivered", "away", "reply"])
def test_what_the_sandbox_writes_is_understood(
    outside: Outside, post: Post, tmp_path: Path, kind: Any
) -> None:
    one = channel(outside, at(post, mailbox="folder", folder=str(tmp_path)))
    one.send(message())
    taken = post.taken[0]
    data = mail_answers.answer(
        kind, taken.content, taken.sender, taken.to[0], text="Ja, ich komme", envid=taken.notices["ENVID"]
    )
    (tmp_path / "1.eml").write_bytes(data)
    expected = {
        "failed": [("failed", ID, "messaging.address_rejected", "5.1.1")],
        "delayed": [("buffered", ID, "", "4.4.1")],
        "delivered": [("delivered", ID, "", "2.0.0")],
        "away": [],
        "reply": [("reply", ID, TO, "Ja, ich komme")],
    }
    assert [facts(found) for found in one.reports([])] == expected[kind]
