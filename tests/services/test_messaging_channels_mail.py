"""The promises of every channel, kept by e-mail: with a mailbox folder, and a real SMTP server that can fail."""

import hashlib
import hmac
import shutil
from collections.abc import Iterator, Sequence
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.mail import Mail
from praxisd.kernel.outside import Outside
from praxisd.sandbox import mail_answers
from praxisd.sandbox.mail_server import Taken
from praxisd.services.messaging.channel import Account, Outgoing
from praxisd.services.messaging.channels.smtp import SIGNATURE_HEADER, TIME_HEADER, Smtp
from praxisd.testing.channel_suite import ChannelSuite, HookCall

from .mail_cast import HOST, Post, post_office

_FAULTS = {
    "refused_now": "greylist",
    "refused_for_good": "unknown",
    "unreachable": "drop_early",
    "credentials": "no_sign_in",
    "taken_unanswered": "drop_kept",
    "taken_unreadable": "garbage",
    "untaken_unanswered": "drop_lost",
}
_KINDS: dict[str, mail_answers.Kind] = {"buffered": "delayed", "delivered": "delivered", "failed": "failed"}
PASSWORD, SECRET = "passwort-4712", "unterschrift-4713"


class MailStage:
    """The post office and its mailbox folder."""

    finds_absent = False
    faults = tuple(_FAULTS)
    ends = tuple(_KINDS)
    secrets = (PASSWORD, SECRET)
    unreachable = "messaging.mailbox_missing"

    def __init__(self, outside: Outside, post: Post, mailbox: Path) -> None:
        self.clock = FrozenClock(1_795_690_800)
        self._post, self._mailbox = post, mailbox
        mailbox.mkdir()
        self._connections = 0
        drawn = post.faults.draw

        def draw() -> str:
            self._connections += 1
            return drawn()

        post.faults.draw = draw  # type: ignore[method-assign]
        values = {
            "server": HOST, "port": str(post.server.port), "security": "starttls", "certificate": post.certificate,
            "login": "praxis", "password": PASSWORD, "mailbox": "folder", "folder": str(mailbox),
        }  # fmt: skip
        account = Account(
            "smtp", "termine@praxis-am-see.example", values, SECRET, "https://praxis.example/hook"
        )
        self.channel = Smtp(account, Mail(outside, self.clock), self.clock)

    def outgoing(self, number: int, text: str = "Ihr Termin: Montag, 9:30 Uhr.") -> Outgoing:
        now = self.clock.now()
        return Outgoing(
            f"{number:026d}", f"anna{number}@post.example", text, now + 60, now + 86_400, "Ihr Termin"
        )

    def fault(self, name: str) -> None:
        self._post.faults.set(next_=[_FAULTS[name]])

    def got(self) -> Sequence[tuple[str, str]]:
        return [(_id(one), mail_answers.plain_text(one.content)) for one in self._post.taken]

    def attempts(self) -> int:
        return self._connections

    def _notice(self, id_: str, state: str) -> bytes:
        taken = next(one for one in self._post.taken if _id(one) == id_)
        return mail_answers.answer(_KINDS[state], taken.content, taken.sender, taken.to[0])

    def end(self, id_: str, state: str) -> None:
        (self._mailbox / f"{id_}.eml").write_bytes(self._notice(id_, state))

    def calls(self, id_: str, state: str) -> Sequence[HookCall]:
        body, now = self._notice(id_, state), str(self.clock.now())
        mark = hmac.new(SECRET.encode(), now.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"content-type": "message/rfc822", TIME_HEADER: now, SIGNATURE_HEADER: mark}
        return [(headers, {}, body)]

    def away(self) -> None:
        self._post.server.stop()
        shutil.rmtree(self._mailbox)


def _id(taken: Taken) -> str:
    return str(message_from_bytes(taken.content, policy=policy.default)["Message-ID"])[1:27]


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    one = Outside()
    yield one
    one.close()


class TestMail(ChannelSuite):
    """E-mail keeps all of them."""

    @pytest.fixture
    def stage(self, outside: Outside, tmp_path: Path) -> Iterator[MailStage]:  # type: ignore[override]
        with post_office(tmp_path, user="praxis", password=PASSWORD) as post:
            yield MailStage(outside, post, tmp_path / "mailbox")
