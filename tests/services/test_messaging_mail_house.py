"""E-mail through the whole house: access data as a person enters it, the jobs, a real server, a real mailbox.

What comes back changes the right message and no other; an out-of-office note changes nothing (SPEC 5.5, issue 4).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd.kernel.errors import Problem
from praxisd.sandbox import mail_answers
from praxisd.sandbox.mail import lay
from praxisd.services.messaging import accounts, channels, store

from .mail_cast import HOST, Post, post_office
from .outbox_cast import Outbox, outbox_of, work


@pytest.fixture
def there(house) -> Outbox:
    return outbox_of(house)


@pytest.fixture
def post(there: Outbox, tmp_path: Path) -> Iterator[Post]:
    """The post office, and the practice's account there."""
    with post_office(tmp_path, user="praxis", password="geheim") as one:
        (tmp_path / "mailbox").mkdir()
        fields = {
            "server": HOST, "port": str(one.server.port), "certificate": one.certificate, "login": "praxis",
            "mailbox": "folder", "folder": str(tmp_path / "mailbox"), "sender_name": "Praxis am See",
        }  # fmt: skip
        given = accounts.Given(
            gateway="smtp", sender="termine@praxis-am-see.example", active=True, cost=1, fields=fields,
            secrets={"password": "geheim"},
        )  # fmt: skip
        there.run(lambda tx: accounts.put(there.house, tx, "email", given))
        yield one


def mail(there: Outbox, number: int = 0) -> str:
    return there.prepare(
        number, channel="email", address=f"p{number}@post.example", subject="Ihr Termin", cost=1, parts=0
    )


def comes_back(post: Post, folder: Path, id_: str, kind: mail_answers.Kind, text: str = "") -> None:
    taken = next(one for one in post.taken if one.notices["ENVID"] == id_)
    lay(folder / "mailbox", mail_answers.answer(kind, taken.content, taken.sender, taken.to[0], text=text))


def test_each_mail_that_comes_back_changes_its_message(there: Outbox, post: Post, tmp_path: Path) -> None:
    ids = [mail(there, number) for number in range(4)]
    assert work(there).counts == {"sent": 4}
    assert {one.to[0] for one in post.taken} == {f"p{n}@post.example" for n in range(4)}
    kinds: list[mail_answers.Kind] = ["failed", "delayed", "away", "reply"]
    for id_, kind in zip(ids, kinds, strict=True):
        comes_back(post, tmp_path, id_, kind, "Kann ich auch früher kommen?")
    status = work(there, "messaging.status")
    assert status.state == "success" and status.counts["replies"] == 1
    rows = [there.row(id_) for id_ in ids]
    assert [one.state for one in rows] == ["failed", "accepted", "accepted", "accepted"]
    assert (rows[0].reason, rows[0].detail, rows[0].letter) == ("messaging.address_rejected", "5.1.1", "open")
    assert [one.reply for one in rows] == [None, None, None, "answered"]
    with there.house.store.read(there.actor) as tx:
        assert len(store.COMMUNICATIONS.page(tx, limit=10)[0]) == 1, (
            "the note of absence is no letter to the practice"
        )
    assert len(list((tmp_path / "mailbox" / "done").iterdir())) == 4
    again = work(there, "messaging.status")
    assert again.counts.get("reports", 0) == again.counts.get("replies", 0) == 0


def test_an_unsure_mail_is_settled_by_what_comes_back(there: Outbox, post: Post, tmp_path: Path) -> None:
    post.faults.set(next_=["drop_kept"])
    id_ = mail(there)
    assert work(there).counts == {"unsure": 1} and there.row(id_).state == "unsure"
    comes_back(post, tmp_path, id_, "delivered")
    work(there, "messaging.status")
    row = there.row(id_)
    assert (row.state, row.charged) == ("delivered", 1) and len(post.taken) == 1


def test_a_wrong_password_waits_for_the_practice_and_loses_nothing(there: Outbox, post: Post) -> None:
    post.faults.set(next_=["no_sign_in"])
    ids = [mail(there, number) for number in range(2)]
    work(there)
    assert {there.row(id_).state for id_ in ids} <= {"prepared", "accepted"} and len(post.taken) <= 1
    there.house.clock.advance(3_600)
    work(there)
    assert {there.row(id_).state for id_ in ids} == {"accepted"}
    assert sorted(one.notices["ENVID"] for one in post.taken) == sorted(ids)


def test_a_mailbox_that_is_away_fails_the_run_with_its_code(
    there: Outbox, post: Post, tmp_path: Path
) -> None:
    (tmp_path / "mailbox").rmdir()
    run = work(there, "messaging.status")
    assert (run.state, run.code) == ("failed", "messaging.mailbox_missing")


def test_the_form_of_e_mail_is_one_of_the_gateways(there: Outbox) -> None:
    form = channels.gateways(there.house)["smtp"]
    assert (form.channel, form.hook) == ("email", "made")
    for one in form.fields:
        for key in (one.key, *(f"{one.key}_{choice}" for choice in one.choices)):
            for lang in ("de", "en"):
                assert there.house.texts.has(f"console.gateway.{key}", lang)
    given = accounts.Given(
        gateway="smtp",
        sender="Praxis",
        active=True,
        cost=0,
        fields={"server": "mail.example.org"},
        secrets={},
    )
    with pytest.raises(Problem) as caught:
        there.run(lambda tx: accounts.put(there.house, tx, "email", given))
    assert (caught.value.code, caught.value.params["field"]) == ("messaging.gateway_field", "sender")
