"""A mailbox on an IMAP server (RFC 9051, RFC 3501), always over TLS.

Mails are read without being marked as read (BODY.PEEK). What is ours is moved into a folder of its own (MOVE, RFC 6851,
else copied and marked as deleted); everything else stays untouched.
"""

import imaplib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from praxisd.kernel.clock import Clock
from praxisd.kernel.errors import Problem
from praxisd.kernel.mail import tls
from praxisd.services.messaging.bounces_parts import READ_MOST
from praxisd.services.messaging.channels.mailbox import AT_ONCE, Letter, Seen

DAYS = 14
"""Only mails that arrived so recently are looked at, where nobody says otherwise."""
_TIMEOUT_S = 20.0
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FAULTS = (OSError, imaplib.IMAP4.error)


class Imap:
    """Reads one folder of an account. `values` are the fields of the form; `seen` outlives it; `days`: see `DAYS`."""

    def __init__(self, values: Mapping[str, str], seen: Seen, clock: Clock, days: int = DAYS) -> None:
        self._values = values
        self._days = days
        self._seen = seen
        self._clock = clock
        self._session: imaplib.IMAP4 | None = None
        self._validity = ""

    def letters(self) -> Iterator[Letter]:
        """Mails that were not looked at yet; see `Mailbox`."""
        try:
            session = self._open()
            day = datetime.fromtimestamp(self._clock.now(), UTC) - timedelta(days=self._days)
            since = f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"
            found = _data(session.uid("SEARCH", "UNDELETED", "SINCE", since))
            numbers = [one for one in found[0].split() if one.isdigit()] if found and found[0] else []
            fresh = [uid for uid in sorted(numbers, key=int) if self._name(uid) not in self._seen]
        except _FAULTS:
            self._close()
            raise Problem("messaging.mailbox_unreachable", 503, retry=True) from None
        try:
            for uid in fresh[:AT_ONCE]:
                data = self._fetch(uid)
                if data is None:
                    self._seen.add(self._name(uid))
                    continue
                leave = partial(self._seen.add, self._name(uid))
                yield Letter(data, done=partial(self._move, uid), aside=leave, leave=leave)
        finally:
            self._close()

    def _name(self, uid: bytes) -> str:
        return f"{self._validity}\0{uid.decode('ascii')}"

    def _open(self) -> imaplib.IMAP4:
        """The session, signed in, with the folder selected. Problem `messaging.mailbox_refused` for a wrong password."""
        if self._session is not None:
            return self._session
        values = self._values
        session = imaplib.IMAP4_SSL(
            values["imap_server"],
            int(values["imap_port"]),
            ssl_context=tls(values["certificate"]),
            timeout=_TIMEOUT_S,
        )
        self._session = session
        try:
            _sign_in(session, values["imap_login"], values["imap_password"])
            _data(session.select(_quoted(_utf7(values["imap_inbox"]))))
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, UnicodeError):
            self._close()
            raise Problem("messaging.mailbox_refused", 502) from None
        validity = session.untagged_responses.get("UIDVALIDITY", [b"0"])[0]
        self._validity = f"{values['imap_server']}\0{values['imap_login']}\0{validity!r}"
        return session

    def _fetch(self, uid: bytes) -> bytes | None:
        """A mail's first octets; None where it is gone or not given."""
        number = uid.decode("ascii")
        try:
            found = _data(self._open().uid("FETCH", number, f"(BODY.PEEK[]<0.{READ_MOST}>)"))
        except imaplib.IMAP4.abort:
            raise Problem("messaging.mailbox_unreachable", 503, retry=True) from None
        except imaplib.IMAP4.error:
            return None
        except OSError:
            raise Problem("messaging.mailbox_unreachable", 503, retry=True) from None
        return next((bytes(one[1]) for one in found if isinstance(one, tuple) and len(one) > 1), None)

    def _move(self, uid: bytes) -> None:
        """Into the folder for what is done. Where that fails, the mail stays where it is: what it says is saved."""
        self._seen.add(self._name(uid))
        open_before = self._session is not None
        with suppress(Problem, *_FAULTS):
            session = self._open()
            number, folder = uid.decode("ascii"), _quoted(_utf7(self._values["imap_done"]))
            moves = "MOVE" in session.capabilities
            command = "MOVE" if moves else "COPY"
            kind = session.uid(command, number, folder)[0]
            if kind != "OK":
                session.create(folder)
                kind = session.uid(command, number, folder)[0]
            if kind == "OK" and not moves:
                session.uid("STORE", number, "+FLAGS.SILENT", r"(\Deleted)")
                if "UIDPLUS" in session.capabilities:
                    session.uid("EXPUNGE", number)
        if not open_before:
            self._close()

    def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(Exception):  # whatever the server says to our leaving
                session.logout()


def _sign_in(session: imaplib.IMAP4, user: str, password: str) -> None:
    """AUTHENTICATE PLAIN (RFC 4616) where it is offered, since LOGIN takes ASCII alone."""
    if "AUTH=PLAIN" in session.capabilities:
        session.authenticate("PLAIN", lambda _challenge: f"\0{user}\0{password}".encode())
    else:
        session.login(_quoted(user), password)


def _data(answer: tuple[str, list[Any]]) -> list[Any]:
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error("refused")
    return data


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _utf7(name: str) -> str:
    """A folder's name in the encoding of RFC 3501 § 5.1.3."""

    def wide(match: re.Match[str]) -> str:
        import base64

        packed = base64.b64encode(match[0].encode("utf-16-be")).decode("ascii")
        return f"&{packed.rstrip('=').replace('/', ',')}-"

    return re.sub(r"[^\x20-\x7e]+", wide, name.replace("&", "&-"))
