"""What the mail sandbox keeps: mails as they arrived, one entry per recipient, and the answers that were written to them."""

import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from praxisd.sandbox.journal import Journal
from praxisd.sandbox.mail_answers import Kind, answer, plain_text, written
from praxisd.sandbox.mail_server import Taken


@dataclass
class Mail:
    """One mail to one recipient. `id` is ours; `at` epoch seconds."""

    id: str
    to: str
    sender: str
    at: float
    content: bytes
    notices: dict[str, str] = field(default_factory=dict)
    protected: bool = False
    signed_in: bool = False
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """Its subject, decoded."""
        return written(self.content)[0]

    @property
    def message_id(self) -> str:
        """Its Message-ID without angle brackets."""
        return written(self.content)[1]

    @property
    def text(self) -> str:
        """Its text."""
        return plain_text(self.content).replace("\r\n", "\n").rstrip()

    def json(self) -> dict[str, Any]:
        """As `GET /mails` shows it (SPEC 14.8)."""
        return {
            "id": self.id, "to": self.to, "from": self.sender, "subject": self.subject, "text": self.text,
            "at": moment(self.at), "messageId": self.message_id, "envelopeId": self.notices.get("ENVID", ""),
            "notify": self.notices.get("NOTIFY", ""), "protected": self.protected, "signedIn": self.signed_in,
            "answers": [{**one, "at": moment(one["at"])} for one in self.answers],
        }  # fmt: skip


def moment(at: float) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


class Sink:
    """All mails, in a journal. `mailbox`: where answers are laid, as a mail server would."""

    def __init__(self, journal: Journal, mailbox: Path) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self.mailbox = mailbox
        self._mails: dict[str, Mail] = {}
        for entry in journal.read():
            self._apply(entry)

    def _apply(self, entry: dict[str, Any]) -> None:
        if entry.get("kind") == "mail":
            self._mails[entry["id"]] = Mail(
                entry["id"], entry["to"], entry["sender"], entry["at"], entry["content"].encode("latin-1"),
                entry["notices"], entry["protected"], entry["signedIn"],
            )  # fmt: skip
        elif entry.get("kind") == "answer" and entry.get("mail") in self._mails:
            self._mails[entry["mail"]].answers.append(entry["answer"])

    def keep(self, taken: Taken) -> None:
        """Keep a mail; with the operating system when this returns."""
        for to in taken.to:
            entry = {
                "kind": "mail", "id": uuid4().hex[:12], "to": to, "sender": taken.sender, "at": round(time.time(), 3),
                "content": taken.content.decode("latin-1"), "notices": taken.notices,
                "protected": taken.protected, "signedIn": taken.signed_in,
            }  # fmt: skip
            with self._lock:
                self._journal.add(**entry)
                self._apply(entry)

    def mails(self) -> list[Mail]:
        """In order of arrival."""
        with self._lock:
            return list(self._mails.values())

    def mail(self, id_: str) -> Mail | None:
        """One mail."""
        with self._lock:
            return self._mails.get(id_)

    def clear(self) -> None:
        """Forget all; what lies in the mailbox stays there."""
        with self._lock:
            self._mails.clear()
            self._journal.clear()

    def answer(self, mail: Mail, kind: Kind, text: str, lang: str) -> dict[str, Any]:
        """Lay an answer into the mailbox; its entry. OSError where it cannot be written."""
        made = {"kind": kind, "text": text if kind == "reply" else "", "at": round(time.time(), 3)}
        envid = mail.notices.get("ENVID", "")
        data = answer(kind, mail.content, mail.sender, mail.to, text=text, lang=lang, envid=envid)
        made["file"] = lay(self.mailbox, data)
        with self._lock:
            self._journal.add(kind="answer", mail=mail.id, answer=made)
            mail.answers.append(made)
        return made


def lay(mailbox: Path, data: bytes) -> str:
    """Write a mail into a Maildir, or as an `.eml` file; whole or not at all. The file's name."""
    mailbox.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{time.time_ns()}.{uuid4().hex[:8]}"
    maildir = _all_there(mailbox / one for one in ("new", "cur", "tmp"))
    draft, goal = (
        (mailbox / "tmp" / name, mailbox / "new" / name)
        if maildir
        else (mailbox / f".{name}.part", mailbox / f"{name}.eml")
    )
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(goal)
    return goal.name


def _all_there(places: Iterable[Path]) -> bool:
    return all(one.is_dir() for one in places)
