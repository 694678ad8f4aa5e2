"""Writing to the service partner: shown first, sent by a click and only as shown, and told honestly (SPEC 7.4)."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from praxisd.kernel import issues
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.finding import Finding, Severity
from praxisd.kernel.ids import new_id
from praxisd.services.support import posting, store

from .mail_cast import Post
from .support_cast import PARTNER, Scene, scene, with_mail

ABOUT = {"code": "store.disk_low", "subject": ""}
WISH = {
    "text": "Seit heute früh ist der Drucker am Empfang sehr langsam.\nViele Grüße",
    "person": "Frau Öztürk",
    "phone": "030 98765",
}


@pytest.fixture
def there(house) -> Iterator[Scene]:
    with scene(house) as one:
        yield one


@pytest.fixture
def post(there: Scene, tmp_path: Path) -> Iterator[Post]:
    with with_mail(there, tmp_path) as one:
        yield one


def disk_low(there: Scene) -> None:
    finding = Finding("store.disk_low", "", Severity.WARNING, {"free": 1200, "limit": 2000})
    there.house.store.run(
        system("test", INSTALLATION), lambda tx: issues.raise_issue(tx, finding, "kernel.disk")
    )


def clear(there: Scene) -> None:
    there.house.store.run(system("test", INSTALLATION), lambda tx: issues.clear(tx, "store.disk_low"))


def test_what_is_shown_is_what_arrives(there: Scene, post: Post) -> None:
    disk_low(there)
    shown = there("POST", "/support/contact/preview", {**WISH, "issue": ABOUT})
    assert not post.taken and shown["to"] == PARTNER
    for part in (
        "store.disk_low",
        "1200",
        "Frau Öztürk",
        "030 98765",
        "Drucker am Empfang",
        "Praxis am Test",
    ):
        assert part in shown["text"]
    assert "Gesundheit" not in shown["text"] and there.house.config.instance in shown["text"]
    sent = there(
        "POST", "/support/contact", {**WISH, "issue": ABOUT, "digest": shown["digest"], "once": new_id()}
    )
    assert sent == {"state": "sent", "to": PARTNER, "reason": None, "detail": None}
    (taken,) = post.taken
    assert taken.to == [PARTNER] and taken.protected and taken.signed_in
    mail = message_from_bytes(taken.content, policy=policy.default)
    assert mail["Subject"] == shown["subject"] and mail["From"] is not None
    assert mail.get_content().replace("\r\n", "\n") == shown["text"]
    assert mail["Auto-Submitted"] is None, "a ticket's number may come back by itself"
    (codes,) = there.events("support.contacted")
    assert codes == {"outcome": "sent", "reason": None, "about": "store.disk_low"}


def test_other_words_than_shown_do_not_leave(there: Scene, post: Post) -> None:
    shown = there("POST", "/support/contact/preview", WISH)
    changed = {**WISH, "text": "Etwas ganz anderes", "digest": shown["digest"], "once": new_id()}
    assert there("POST", "/support/contact", changed, 409)["code"] == "support.contact_changed"
    there.set("support.partner_email", "andere@example.org")
    assert there("POST", "/support/contact", {**WISH, "digest": shown["digest"], "once": new_id()}, 409)[
        "code"
    ] == ("support.contact_changed")
    assert not post.taken and not there.events("support.contacted")


def test_a_healed_issue_is_written_about_no_more(there: Scene, post: Post) -> None:
    disk_low(there)
    shown = there("POST", "/support/contact/preview", {**WISH, "issue": ABOUT})
    clear(there)
    assert (
        there("POST", "/support/contact/preview", {**WISH, "issue": ABOUT}, 409)["code"]
        == "support.issue_gone"
    )
    body = {**WISH, "issue": ABOUT, "digest": shown["digest"], "once": new_id()}
    assert there("POST", "/support/contact", body, 409)["code"] == "support.issue_gone"
    assert not post.taken


def test_without_partner_or_account_it_says_what_to_do(there: Scene) -> None:
    assert there("GET", "/support/contact")["canMail"] is False
    shown = there("POST", "/support/contact/preview", WISH)
    told = there("POST", "/support/contact", {**WISH, "digest": shown["digest"], "once": new_id()}, 409)
    assert told["code"] == "messaging.account_missing" and told["solution"]
    there.set("support.partner_email", "")
    told = there("POST", "/support/contact/preview", WISH, 409)
    assert told["code"] == "support.partner_missing" and "Einstellungen" in told["solution"]
    english = there("POST", "/support/contact/preview", WISH, 409, lang="en")
    assert "Settings" in english["solution"]


@pytest.mark.parametrize(
    ("fault", "state", "code"),
    [
        ("unknown", "failed", "messaging."),
        ("drop_kept", "unsure", "messaging.answer_lost"),
    ],
)
def test_what_is_not_known_is_not_claimed(
    there: Scene, post: Post, fault: str, state: str, code: str
) -> None:
    shown = there("POST", "/support/contact/preview", WISH)
    post.faults.set(next_=[fault])
    told = there("POST", "/support/contact", {**WISH, "digest": shown["digest"], "once": new_id()})
    assert told["state"] == state and told["reason"]["code"].startswith(code) and told["reason"]["solution"]
    good, bad = there.events("support.contacted"), there.events("support.mail_failed")
    assert [one["outcome"] for one in (*good, *bad)] == [state]
    assert bool(bad) is (state == "failed")


def test_it_is_for_the_practice_alone(there: Scene) -> None:
    there("GET", "/support/contact", status=403, role="partner")
    there("POST", "/support/contact/preview", WISH, 403, role="partner")
    there("POST", "/support/contact", {**WISH, "digest": "0" * 64, "once": new_id()}, 403, role="partner")


def test_an_address_that_is_none_is_not_taken(there: Scene) -> None:
    body = {"value": "kein at zeichen"}
    found = there.client.put(
        "/api/v1/settings/support.partner_email",
        headers={"Authorization": f"Bearer {there._keys['owner']}"},
        json=body,
    )
    assert found.status_code == 422 and found.json()["code"] == "settings.invalid"


def test_the_letter_names_the_practice_software_and_the_number(there: Scene, post: Post) -> None:
    there.set("diagnosis.customer_number", "4711-08")
    shown = there("POST", "/support/contact/preview", WISH, lang="en")
    assert "4711-08" in shown["subject"] and "4711-08" in shown["text"] and shown["text"].startswith("Hello,")


def test_the_same_click_sends_one_mail_and_hears_what_became_of_it(there: Scene, post: Post) -> None:
    shown = there("POST", "/support/contact/preview", WISH)
    body = {**WISH, "digest": shown["digest"], "once": new_id()}
    post.faults.set(next_=["drop_kept"])
    first = there("POST", "/support/contact", body)
    assert first["state"] == "unsure" and there("POST", "/support/contact", body) == first
    assert len(post.taken) == 1
    assert there("POST", "/support/contact", {**body, "once": new_id()})["state"] == "sent"


def test_a_server_that_died_while_it_sent_leaves_unsure_and_sends_nothing(there: Scene, post: Post) -> None:
    shown, once = there("POST", "/support/contact/preview", WISH), new_id()
    there.house.store.run(
        there.actor,
        lambda tx: store.leave(
            tx, click=once, bundle="", at=tx.now, by="user:x", way="mail", target=PARTNER, outcome="sending"
        ),
    )
    there.house.clock.advance(posting.SENDING_S + 1)
    told = there("POST", "/support/contact", {**WISH, "digest": shown["digest"], "once": once})
    assert (told["state"], told["reason"]["code"]) == ("unsure", posting.LOST) and not post.taken


def test_what_was_not_even_tried_may_be_tried_again(there: Scene, tmp_path: Path) -> None:
    shown = there("POST", "/support/contact/preview", WISH)
    body = {**WISH, "digest": shown["digest"], "once": new_id()}
    there("POST", "/support/contact", body, 409)
    with with_mail(there, tmp_path) as post:
        assert there("POST", "/support/contact", body)["state"] == "sent" and len(post.taken) == 1
