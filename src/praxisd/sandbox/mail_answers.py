"""Mails that come back: delivery notices, an out-of-office note, a patient's reply; as a mail server would write them."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal
from uuid import uuid4

from praxisd.sandbox.mail_server import HOST_NAME

Kind = Literal["failed", "delayed", "delivered", "away", "reply"]
KINDS: tuple[Kind, ...] = ("failed", "delayed", "delivered", "away", "reply")

_ACTIONS = {
    "failed": ("failed", "5.1.1", "smtp; 550 5.1.1 no such user here", "Undelivered Mail Returned to Sender"),
    "delayed": ("delayed", "4.4.1", "smtp; connect timed out", "Delayed Mail (still being retried)"),
    "delivered": ("delivered", "2.0.0", "smtp; 250 2.0.0 delivered", "Successful Mail Delivery Report"),
}
_WORDS = {
    "failed": "could not be delivered. It will not be tried again.",
    "delayed": "has not been delivered yet. It will be tried again; you need not send it anew.",
    "delivered": "was delivered to its recipient.",
}
_AWAY = {
    "de": "Ich bin bis Monatsende nicht erreichbar. Ihre Nachricht wird nicht weitergeleitet.",
    "en": "I am away until the end of the month. Your message will not be forwarded.",
    "fr": "Je suis absent jusqu'à la fin du mois. Votre message ne sera pas transmis.",
    "it": "Sono assente fino alla fine del mese. Il vostro messaggio non verrà inoltrato.",
}
_AWAY_SUBJECT = {
    "de": "Abwesenheitsnotiz",
    "en": "Automatic reply",
    "fr": "Réponse automatique",
    "it": "Risposta automatica",
}
_SUBJECT_MOST = 200


def answer(
    kind: Kind, content: bytes, sender: str, to: str, *, text: str = "", lang: str = "de", envid: str = ""
) -> bytes:
    """The bytes of a mail about `content`, which went from `sender` to `to`.

    `text` is what a patient replies, `envid` the envelope id that the sender gave (RFC 3461), if any.
    """
    if kind in _ACTIONS:
        return _notice(kind, content, sender, to, envid)
    return _from_patient(kind, content, sender, to, text, lang)


def _notice(kind: str, content: bytes, sender: str, to: str, envid: str) -> bytes:
    """A report as RFC 3464 wants it; put together by hand, since every octet of it is laid down there."""
    action, status, diagnostic, subject = _ACTIONS[kind]
    head = content.replace(b"\r\n", b"\n").partition(b"\n\n")[0].replace(b"\n", b"\r\n")
    boundary = f"=_{uuid4().hex}"
    now = format_datetime(datetime.now(UTC))
    lines = [
        "Return-Path: <>",
        f"Date: {now}",
        f"From: MAILER-DAEMON@{HOST_NAME} (Mail Delivery System)",
        f"To: {sender}",
        f"Subject: {subject}",
        "Auto-Submitted: auto-replied",
        f"Message-ID: <{uuid4().hex}@{HOST_NAME}>",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        f"This is the mail system at host {HOST_NAME}.",
        "",
        f"Your message to <{to}> {_WORDS[kind]}",
        "",
        f"--{boundary}",
        "Content-Type: message/delivery-status",
        "",
        *([f"Original-Envelope-Id: {envid}"] if envid else []),
        f"Reporting-MTA: dns; {HOST_NAME}",
        f"Arrival-Date: {now}",
        "",
        f"Final-Recipient: rfc822; {to}",
        f"Action: {action}",
        f"Status: {status}",
        f"Diagnostic-Code: {diagnostic}",
        "",
        f"--{boundary}",
        "Content-Type: text/rfc822-headers",
        "",
    ]
    return b"\r\n".join([*(line.encode() for line in lines), head, f"--{boundary}--".encode(), b""])


def _from_patient(kind: str, content: bytes, sender: str, to: str, text: str, lang: str) -> bytes:
    subject, original = _header(content, "Subject"), _header(content, "Message-ID")
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"] = to, sender
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{uuid4().hex}@{HOST_NAME}>"
    if original:
        mail["In-Reply-To"] = mail["References"] = original
    if kind == "away":
        mail["Subject"] = f"{_AWAY_SUBJECT.get(lang, _AWAY_SUBJECT['en'])}: {subject}"
        mail["Auto-Submitted"] = "auto-replied"
        mail["Precedence"] = "bulk"
        mail.set_content(_AWAY.get(lang, _AWAY["en"]) + "\n")
    else:
        mail["Subject"] = subject if subject[:3].lower() == "re:" else f"Re: {subject}"
        quoted = "\n".join(f"> {line}" for line in plain_text(content).rstrip().splitlines())
        mail.set_content(f"{text.strip()}\n\nAm {datetime.now(UTC):%d.%m.%Y} schrieb {sender}:\n{quoted}\n")
    return mail.as_bytes()


def _header(content: bytes, name: str) -> str:
    found = message_from_bytes(content, policy=policy.default).get(name, "")
    return " ".join(str(found).split())[:_SUBJECT_MOST]


def plain_text(content: bytes) -> str:
    """The text of a mail that praxisd wrote."""
    mail = message_from_bytes(content, policy=policy.default)
    part = mail.get_body(("plain", "html")) if isinstance(mail, EmailMessage) else None
    return "" if part is None else str(part.get_content())


def written(content: bytes) -> tuple[str, str]:
    """Subject and Message-ID (without its angle brackets) of a mail."""
    return _header(content, "Subject"), _header(content, "Message-ID").strip("<>")
