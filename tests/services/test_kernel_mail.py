"""kernel.mail against a real SMTP server: what was sent, what was not, and when nobody knows."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from praxisd.kernel.clock import FrozenClock, SystemClock
from praxisd.kernel.mail import AnswerLost, Mail, MailRefused, MailServer, NotSent, enhanced, xtext
from praxisd.kernel.outside import Outside

from .mail_cast import Post, post_office

MESSAGE = b"From: praxis@example.org\nSubject: Termin\n\nGuten Tag\n.\n..zwei Punkte\nEnde"
SENDER, TO = "praxis@example.org", "anna@example.net"


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    one = Outside()
    yield one
    one.close()


@pytest.fixture
def mail(outside: Outside) -> Mail:
    return Mail(outside, SystemClock())


@pytest.fixture
def post() -> Iterator[Post]:
    with post_office() as one:
        yield one


def send(mail: Mail, server: MailServer, message: bytes = MESSAGE, to: str = TO, **more: object) -> None:
    before = more.pop("before", time.time() + 60)
    mail.send(server, SENDER, to, message, before, **more)  # type: ignore[arg-type]


def test_a_message_arrives_as_it_was_written(mail: Mail, post: Post) -> None:
    send(mail, post.address())
    [one] = post.taken
    assert (one.sender, one.to) == (SENDER, [TO])
    assert one.content == MESSAGE.replace(b"\n", b"\r\n") + b"\r\n"


@pytest.mark.parametrize("implicit", [False, True])
def test_encrypted_with_a_certificate_that_is_known(mail: Mail, tmp_path: Path, implicit: bool) -> None:
    with post_office(tmp_path, implicit=implicit, user="praxis", password="geheim") as post:
        send(mail, post.address(user="praxis", password="geheim"))
        assert post.taken[0].protected and post.taken[0].signed_in


@pytest.mark.parametrize("implicit", [False, True])
def test_an_unknown_certificate_ends_it(mail: Mail, tmp_path: Path, implicit: bool) -> None:
    with post_office(tmp_path, implicit=implicit) as post:
        with pytest.raises(NotSent) as caught:
            send(mail, post.address(certificate=""))
        assert caught.value.why == "encryption" and post.taken == []


def test_no_password_goes_over_a_line_without_encryption(mail: Mail, tmp_path: Path) -> None:
    with post_office(tmp_path, user="praxis", password="geheim") as post:
        post.faults.set(next_=["no_tls"])
        with pytest.raises(NotSent) as caught:
            send(mail, post.address(user="praxis", password="geheim"))
        assert caught.value.why == "encryption" and post.taken == []


def test_without_encryption_only_to_this_machine(mail: Mail) -> None:
    with pytest.raises(NotSent) as caught:
        send(mail, MailServer("mail.example.org", 25, "none"))
    assert caught.value.why == "encryption"


@pytest.mark.parametrize(
    ("fault", "code", "status", "step", "permanent"),
    [
        ("greylist", 451, "4.7.1", "recipient", False),
        ("unknown", 550, "5.1.1", "recipient", True),
        ("full", 552, "5.2.2", "end", True),
    ],
)
def test_a_no_is_certain(
    mail: Mail, post: Post, fault: str, code: int, status: str, step: str, permanent: bool
) -> None:
    post.faults.set(next_=[fault])
    with pytest.raises(MailRefused) as caught:
        send(mail, post.address())
    refused = caught.value
    assert (refused.code, refused.status, refused.step, refused.permanent) == (code, status, step, permanent)
    assert post.taken == [] and TO not in str(refused)


def test_a_wrong_password(mail: Mail, tmp_path: Path) -> None:
    with post_office(tmp_path, user="praxis", password="geheim") as post:
        with pytest.raises(MailRefused) as caught:
            send(mail, post.address(user="praxis", password="falsch"))
        assert (caught.value.code, caught.value.step) == (535, "sign_in")
        assert "falsch" not in repr(post.address(password="falsch"))


def test_busy_at_the_door(mail: Mail, post: Post) -> None:
    post.faults.set(next_=["busy"])
    with pytest.raises((MailRefused, NotSent)):
        send(mail, post.address())
    assert post.taken == []


def test_the_connection_breaks_after_the_dot(mail: Mail, post: Post) -> None:
    for fault in ("drop_kept", "drop_lost"):
        post.faults.set(next_=[fault])
        with pytest.raises(AnswerLost):
            send(mail, post.address())
    assert len(post.taken) == 1


def test_the_connection_breaks_before_the_dot(mail: Mail, post: Post) -> None:
    post.faults.set(next_=["drop_early"])
    with pytest.raises(NotSent) as caught:
        send(mail, post.address())
    assert caught.value.why == "unreachable" and post.taken == []


def test_an_answer_that_comes_too_late_is_no_answer(mail: Mail, post: Post) -> None:
    post.faults.set(next_=["slow"])
    with pytest.raises(AnswerLost):
        send(mail, post.address(answer_s=0.3))
    assert len(post.taken) == 1


def test_nobody_there(mail: Mail) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(NotSent) as caught:
            send(mail, MailServer("127.0.0.1", free.getsockname()[1], "none"))
    assert caught.value.why == "unreachable"


@pytest.mark.parametrize("host", ["", "a..b", "mail.invalid", "böse host"])
def test_a_name_that_leads_nowhere(mail: Mail, host: str) -> None:
    with pytest.raises(NotSent) as caught:
        send(mail, MailServer(host, 25, "unprotected", timeout_s=5))
    assert caught.value.why in ("unreachable", "timeout")


def test_a_server_that_says_nothing(mail: Mail) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = MailServer("127.0.0.1", silent.getsockname()[1], "none", timeout_s=0.3, answer_s=0.3)
        with pytest.raises(NotSent) as caught:
            send(mail, server)
    assert caught.value.why == "timeout"


def test_nothing_is_handed_over_after_the_permission_has_ended(outside: Outside, post: Post) -> None:
    clock = FrozenClock(1_000.0)
    with pytest.raises(NotSent) as caught:
        send(Mail(outside, clock), post.address(), before=1_000.0)
    assert caught.value.why == "too_late" and post.taken == []


def test_the_clock_is_read_right_before_the_dot(outside: Outside, post: Post) -> None:
    """The third look at the clock is the last before the dot: a process that was frozen until then sends nothing."""

    class Frozen(SystemClock):
        looks = 0

        def now_ms(self) -> int:
            self.looks += 1
            return 1_000_000 if self.looks < 3 else 2_000_000

    clock = Frozen()
    with pytest.raises(NotSent) as caught:
        send(Mail(outside, clock), post.address(), before=1_500.0)
    assert caught.value.why == "too_late" and clock.looks == 3
    time.sleep(0.1)
    assert post.taken == []


def test_one_word_more_than_the_server_understands(mail: Mail, post: Post) -> None:
    """Notices are asked for where they are offered; the envelope id arrives as xtext."""
    send(mail, post.address(), mark="01k=+", notify=("FAILURE", "DELAY"))
    assert post.taken[0].notices == {"RET": "HDRS", "ENVID": "01k+3D+2B", "NOTIFY": "FAILURE,DELAY"}


def test_an_international_address(mail: Mail, post: Post) -> None:
    send(mail, post.address(), to="jörg@müller.example")
    assert post.taken[0].to == ["jörg@xn--mller-kva.example"]


def test_eight_bits(mail: Mail, post: Post) -> None:
    send(mail, post.address(), MESSAGE + "Grüße".encode())
    assert "Grüße".encode() in post.taken[0].content


@pytest.mark.parametrize(
    "to",
    ["", "anna", "a@b", "a b@example.net", "a@example.net>\r\nRCPT TO:<x@example.net", "a\r@example.net"],
)
def test_an_address_that_is_none_never_reaches_the_wire(mail: Mail, post: Post, to: str) -> None:
    with pytest.raises(ValueError, match="address"):
        send(mail, post.address(), to=to)
    assert post.taken == []


def test_many_at_once_share_one_loop(mail: Mail, post: Post) -> None:
    threads = [threading.Thread(target=send, args=(mail, post.address())) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(post.taken) == 12


@pytest.mark.parametrize(
    ("code", "text", "status"),
    [
        (550, "5.1.1 <x> unknown", "5.1.1"),
        (451, "4.7.1 later", "4.7.1"),
        (550, "4.7.1 no", ""),
        (550, "no", ""),
    ],
)
def test_the_enhanced_status_agrees_with_the_code(code: int, text: str, status: str) -> None:
    assert enhanced(code, text) == status


def test_xtext_keeps_to_its_characters() -> None:
    assert xtext("aA1-.@") == "aA1-.@"
    assert xtext("ü +=") == "+C3+BC+20+2B+3D"
