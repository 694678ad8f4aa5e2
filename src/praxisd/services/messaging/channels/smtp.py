"""E-mail by SMTP, and what comes back of it: from a mailbox (folder or IMAP), or pushed to us as a signed call.

Keeps the promises of `channel.py`. An SMTP server cannot be asked for a message it took, so `find` never knows; a bounce
or a delivery notice that names an unsure message settles it later.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from praxisd.kernel.clock import Clock
from praxisd.kernel.errors import Problem
from praxisd.kernel.mail import AnswerLost, Mail, MailRefused, MailServer, Notify, NotSent, Security
from praxisd.services.messaging.bounces import Verdict, judge
from praxisd.services.messaging.bounces_words import REPLY_SUBJECT
from praxisd.services.messaging.channel import (
    Abilities,
    Accepted,
    Account,
    Lost,
    Outgoing,
    Refused,
    Reply,
    Report,
    Unknown,
    Waiting,
)
from praxisd.services.messaging.channels import smtp_form
from praxisd.services.messaging.channels.mail_writing import Attachment, Sender, compose, sender_of
from praxisd.services.messaging.channels.mailbox import Letter, Mailbox, Seen
from praxisd.services.messaging.channels.mailbox_folder import Folder
from praxisd.services.messaging.channels.mailbox_imap import Imap

if TYPE_CHECKING:
    from praxisd.kernel.app import House

TIME_HEADER, SIGNATURE_HEADER = "x-praxisd-timestamp", "x-praxisd-signature"
HOOK_OLDEST_S = 300
"""A call older (or newer) than this is refused, so that one that was overheard is of no use later."""
_LATER_S = 300
"""When a server asks us to come again (4xx), as greylisting does: not before, in seconds."""
_ANSWER_MOST = 160
"""An answer that does not name its message (some mail programs drop the reference) is taken for one if it is short."""
_WIRE = {"too_late": "messaging.too_late", "encryption": "messaging.mail_unprotected"}
_KINDS: Mapping[str, Literal["buffered", "delivered", "failed", "expired"]] = {
    "delayed": "buffered",
    "delivered": "delivered",
    "failed": "failed",
    "expired": "expired",
}


class Smtp:
    """One account of a practice for e-mail. `seen` outlives it: mails that are nothing of ours."""

    name: Literal["email"] = "email"

    def __init__(self, account: Account, mail: Mail, clock: Clock, seen: Seen | None = None) -> None:
        self._account = account
        self._mail = mail
        self._clock = clock
        self._values = smtp_form.filled(account)
        self._seen = Seen() if seen is None else seen

    @property
    def abilities(self) -> Abilities:
        """What this account can do."""
        return Abilities(
            reports=self._values["mailbox"] != "none", hooks=bool(self._account.hook_secret), final=True
        )

    def _sender(self) -> Sender:
        values = self._values
        return sender_of(self._account.sender, values["sender_name"], values["reply_to"], values["return_to"])

    def send(self, message: Outgoing) -> Accepted | Refused | Lost:
        """Hand the message over, once."""
        return self.hand_in(message)

    def hand_in(
        self, message: Outgoing, *, by_person: bool = False, attachments: Sequence[Attachment] = ()
    ) -> Accepted | Refused | Lost:
        """As `send`; `by_person` and `attachments` as `compose` takes them."""
        now = self._clock.now()
        if message.useless_after <= now:
            return Refused("messaging.too_late", False)
        try:
            sender = self._sender()
        except ValueError:
            return Refused("messaging.sender_rejected", False)
        try:
            written = compose(
                sender, message.to, message.id, message.subject, message.text, message.language, now,
                by_person=by_person, attachments=attachments,
            )  # fmt: skip
        except ValueError:
            return Refused("messaging.address_rejected", True)
        notify: tuple[Notify, ...] = ("SUCCESS", "FAILURE", "DELAY") if self.abilities.reports else ()
        try:
            self._mail.send(
                self._server(),
                sender.envelope,
                message.to,
                written,
                message.before,
                mark=message.id,
                notify=notify,
            )
        except NotSent as left:
            return Refused(_WIRE.get(left.why, "messaging.mail_unreachable"), False, left.why)
        except AnswerLost:
            return Lost()
        except MailRefused as refused:
            return self._refused(refused)
        return Accepted(f"{message.id}@{sender.domain}")

    def _server(self) -> MailServer:
        values = self._values
        security: Security = values["security"]  # type: ignore[assignment]
        return MailServer(
            values["server"],
            int(values["port"]) if values["port"].isdigit() else 0,
            security if security in smtp_form.SECURITY else "starttls",
            values["login"],
            values["password"],
            values["certificate"],
        )

    def _refused(self, said: MailRefused) -> Refused:
        """What a no means: about our access it is temporary (a person mends it), about one message it may be final."""
        detail = said.status or str(said.code)
        if said.step == "sign_in" and said.permanent:
            return Refused("messaging.mail_credentials", False, detail)
        if not said.permanent:
            one = said.step in ("recipient", "data", "end") and said.code != 421  # 421: the server as a whole
            return Refused(f"messaging.{'mail_later' if one else 'mail_busy'}", False, detail, _LATER_S)
        relay = said.status == "5.7.1" and not self._values["login"]
        if said.code == 530 or (said.step in ("sender", "recipient") and relay):
            return Refused("messaging.mail_credentials", False, detail)
        if said.step == "connect":
            return Refused("messaging.mail_refused", False, detail)
        if said.step == "sender":
            return Refused("messaging.sender_rejected", False, detail)
        if said.status[1:] == ".2.2" or (not said.status and said.code == 552 and said.step == "recipient"):
            return Refused("messaging.mailbox_full", True, detail)
        unknown = said.status[1:4] == ".1." or (not said.status and said.code in (550, 551, 553))
        if said.status == "5.6.7" or (unknown and said.step == "recipient"):
            return Refused("messaging.address_rejected", True, detail)
        return Refused("messaging.mail_rejected", True, detail)

    def find(self, _message: Waiting) -> Unknown:
        """An SMTP server cannot be asked."""
        return Unknown(temporary=False)

    def reports(self, _waiting: Sequence[Waiting]) -> Iterator[Report | Reply]:
        """Whatever lies in the mailbox and belongs to a message of ours; Problems of `Mailbox.letters`."""
        box = self._mailbox()
        if box is None:
            return
        domains = self._domains()
        for letter in box.letters():
            yield from self._read(judge(letter.data, domains), letter)

    def _mailbox(self) -> Mailbox | None:
        match self._values["mailbox"]:
            case "folder":
                return Folder(self._values["folder"], self._seen)
            case "imap":
                return Imap(self._values, self._seen, self._clock)
        return None

    def _domains(self) -> tuple[str, ...]:
        try:
            return (self._sender().domain,)
        except ValueError:
            return ()

    def _read(self, verdict: Verdict, letter: Letter | None) -> Iterator[Report | Reply]:
        """What one mail says; the letter is filed away now if that changes nothing, else when it is saved."""
        keep = _nothing if letter is None else letter.done
        if verdict.kind in _KINDS:
            yield Report(
                _KINDS[verdict.kind],
                id=verdict.id,
                code=verdict.code,
                detail=verdict.status,
                at=verdict.at,
                keep=keep,
            )
        elif verdict.kind == "reply" or _is_answer(verdict):
            yield Reply(
                verdict.sender,
                verdict.text or verdict.subject,
                verdict.mark,
                id=verdict.id,
                at=verdict.at,
                keep=keep,
            )
        elif letter is not None:
            if verdict.kind == "unreadable":
                letter.aside()
            elif verdict.kind == "auto":
                letter.done()
            else:
                letter.leave()

    def hook(
        self, headers: Mapping[str, str], _query: Mapping[str, str], body: bytes
    ) -> Iterable[Report | Reply]:
        """A mail that the provider pushes as it came: `Content-Type: message/rfc822`, and two headers of ours.

        `X-Praxisd-Timestamp`: epoch seconds. `X-Praxisd-Signature`: hexadecimal HMAC-SHA256 over timestamp, a dot and
        the body. Problems `messaging.hook_refused` (403), `messaging.hook_malformed` (400).
        """
        told = headers.get(TIME_HEADER, "")
        given = headers.get(SIGNATURE_HEADER, "").strip().lower().removeprefix("sha256=")
        secret = self._account.hook_secret
        if not secret or not re.fullmatch(r"[0-9]{1,12}", told):
            raise Problem("messaging.hook_refused", 403)
        right = hmac.new(secret.encode(), told.encode() + b"." + body, hashlib.sha256).hexdigest()
        fits = hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())
        if not fits or abs(self._clock.now() - int(told)) > HOOK_OLDEST_S:
            raise Problem("messaging.hook_refused", 403)
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        verdict = judge(body, self._domains())
        if media != "message/rfc822" or verdict.kind == "unreadable":
            raise Problem("messaging.hook_malformed", 400)
        return list(self._read(verdict, None))

    def balance(self) -> None:
        """Mail servers count nothing."""
        return None


def _nothing() -> None:
    return None


def _is_answer(verdict: Verdict) -> bool:
    """A short answer by a person, to something, that names nothing: whose it is, its address may tell."""
    short = 0 < len(verdict.text) <= _ANSWER_MOST
    return verdict.kind == "unrelated" and short and bool(REPLY_SUBJECT.match(verdict.subject))


def open_smtp(house: "House", account: Account) -> Smtp:
    """The channel of an account, with what the house remembers of its mailbox."""
    from praxisd.kernel.mail import client

    seen: dict[str, Seen] = house.shared.setdefault("mail_seen", {})
    values = smtp_form.filled(account)
    box = "\0".join(values[key] for key in ("mailbox", "folder", "imap_server", "imap_login", "imap_inbox"))
    return Smtp(account, client(house), house.clock, seen.setdefault(box, Seen()))


__all__ = ("SIGNATURE_HEADER", "TIME_HEADER", "Smtp", "open_smtp")
