"""A simulated SMS gateway: what it takes, keeps and tells. It never looks whether it has a message already.

Everything is in a journal before it is answered, so that a kill -9 of anybody loses nothing.
"""

import math
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from praxisd.sandbox.journal import Journal
from praxisd.sandbox.sms_faults import Faults

STATES = ("accepted", "buffered", "delivered", "failed", "expired")
FINAL = frozenset({"delivered", "failed", "expired"})
TEXT_MOST = 1530
_NUMBER = re.compile(r"\+?[1-9]\d{6,14}")
_FATES = {"0001": "failed", "0002": "expired", "0003": "buffered"}
"""What becomes of a message to a number with this end; all others are delivered."""
_REFUSED_END = "0009"
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO = frozenset("\f^{}\\[~]|€")


class Refusal(Exception):
    """The gateway does not take the message; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Message:
    """One message as it was taken. Times are epoch seconds.

    `calls`: where the gateway calls, by its own words. `fault`: what goes wrong with its calls. `told`: the last state that
    was heard.
    """

    id: str
    to: str
    sender: str
    text: str
    at: float
    reference: str
    gateway: str
    parts: int
    hook: str = ""
    calls: dict[str, str] = field(default_factory=dict)
    valid_until: float = 0.0
    state: str = "accepted"
    changed_at: float = 0.0
    fault: str = ""
    told: str = "accepted"
    replies: list[dict[str, Any]] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """As `GET /messages` shows it."""
        return {
            "id": self.id,
            "to": self.to,
            "text": self.text,
            "at": moment(self.at),
            "from": self.sender,
            "reference": self.reference,
            "state": self.state,
            "changedAt": moment(self.changed_at),
            "parts": self.parts,
            "gateway": self.gateway,
            "replies": [{**one, "at": moment(one["at"])} for one in self.replies],
        }


def moment(at: float) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def parts_of(text: str) -> int:
    """How many SMS a text is (3GPP TS 23.038): 160 or 153 septets, else 70 or 67 UTF-16 units."""
    if all(one in _GSM or one in _TWO for one in text):
        size, one_part, more = sum(2 if one in _TWO else 1 for one in text), 160, 153
    else:
        size, one_part, more = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if size <= one_part else -(-size // more)


class Gateway:
    """All messages of one sandbox, in the order of their arrival.

    `deliver_s`: so long a message takes by itself; None: a person says what became of it. `changed(message)` is called
    (outside the lock) when a state is new. `handed_over` counts requests for sending, taken or not.
    """

    def __init__(
        self,
        journal: Journal,
        faults: Faults,
        credits_: int = 1000,
        deliver_s: float | None = 3.0,
        changed: Callable[[Message], None] = lambda _: None,
        replied: Callable[[Message | None, dict[str, Any]], None] = lambda _, __: None,
    ) -> None:
        self.faults = faults
        self.changed = changed
        self.replied = replied
        self.hooks: dict[str, dict[str, str]] = {}
        self.handed_over = 0
        self._deliver_s = math.inf if deliver_s is None else deliver_s
        self._journal = journal
        self._lock = threading.RLock()
        self._messages: dict[str, Message] = {}
        self._credits = credits_
        for entry in journal.read():
            self._take_up(entry)

    def _take_up(self, entry: Mapping[str, Any]) -> None:
        """One line of the journal."""
        kind = entry.get("kind")
        if kind == "message":
            message = Message(**entry["message"])
            self._messages[message.id] = message
            self._credits -= message.parts
        elif kind == "credits":
            self._credits = entry["credits"]
        elif kind == "hook":
            self.hooks[entry["gateway"]] = {"url": entry["url"], "secret": entry["secret"]}
        elif entry.get("id") in self._messages:
            message = self._messages[entry["id"]]
            if kind == "state":
                message.state, message.changed_at = entry["state"], entry["at"]
            elif kind == "told":
                message.told = entry["state"]
            elif kind == "reply":
                message.replies.append(entry["reply"])

    @property
    def credits(self) -> int:
        """What is left."""
        with self._lock:
            return self._credits

    def count(self) -> None:
        """Somebody hands a message over; whether it is taken is another question."""
        with self._lock:
            self.handed_over += 1

    def set_credits(self, credits_: int) -> None:
        """Book credits by hand."""
        with self._lock:
            self._credits = credits_
            self._journal.add(kind="credits", credits=credits_)

    def set_hook(self, gateway: str, url: str, secret: str) -> None:
        """Where calls go when a message names no place of its own."""
        with self._lock:
            self.hooks[gateway] = {"url": url, "secret": secret}
            self._journal.add(kind="hook", gateway=gateway, url=url, secret=secret)

    def messages(self) -> list[Message]:
        """All, in the order of their arrival."""
        with self._lock:
            return list(self._messages.values())

    def message(self, id_: str) -> Message | None:
        """One of them."""
        with self._lock:
            return self._messages.get(id_)

    def referred(self, reference: str) -> list[Message]:
        """All with this reference: more than one if it was handed over more than once."""
        with self._lock:
            return [one for one in self._messages.values() if one.reference == reference]

    def take(
        self,
        gateway: str,
        to: str,
        sender: str,
        text: str,
        reference: str = "",
        minutes: int = 2880,
        hook: str = "",
        calls: Mapping[str, str] | None = None,
        id_: str = "",
    ) -> Message:
        """Take a message over; Refusal if it cannot be sent. Not deduplicated."""
        bare = re.sub(r"[\s()-]", "", to)
        if not _NUMBER.fullmatch(bare) or bare.endswith(_REFUSED_END):
            raise Refusal("number_invalid")
        if not text.strip() or len(text) > TEXT_MOST:
            raise Refusal("text_invalid")
        digits = sender.removeprefix("+")
        if len(digits) > (16 if digits.isdigit() else 11) or not sender.isprintable():
            raise Refusal("sender_invalid")
        now, parts = time.time(), parts_of(text)
        message = Message(
            id=id_ or uuid.uuid4().hex,
            to=bare if bare.startswith("+") else f"+{bare}",
            sender=sender,
            text=text,
            at=now,
            reference=reference,
            gateway=gateway,
            parts=parts,
            hook=hook,
            calls=dict(calls or {}),
            valid_until=now + 60 * minutes,
            changed_at=now,
            fault=self.faults.call(),
        )
        with self._lock:
            if self._credits < parts:
                raise Refusal("no_credits")
            self._credits -= parts
            self._messages[message.id] = message
            self._journal.add(kind="message", message=message.__dict__ | {"replies": []})
        return message

    def set_state(self, id_: str, state: str) -> bool:
        """Say what became of a message; False if there is none, or nothing new."""
        with self._lock:
            message = self._messages.get(id_)
            if message is None or message.state == state:
                return False
            message.state, message.changed_at = state, time.time()
            self._journal.add(kind="state", id=id_, state=state, at=message.changed_at)
        self.changed(message)
        return True

    def tell(self, message: Message, state: str) -> None:
        """The call about this state has arrived."""
        with self._lock:
            message.told = state
            self._journal.add(kind="told", id=message.id, state=state)

    def reply(self, message: Message | None, sender: str, text: str, gateway: str = "") -> dict[str, Any]:
        """A patient writes back, to a message or (then over `gateway`) to nothing in particular."""
        made = {"id": f"r{uuid.uuid4().hex}", "text": text, "at": time.time()}
        if message is not None:
            with self._lock:
                message.replies.append(made)
                self._journal.add(kind="reply", id=message.id, reply=made)
        self.replied(message, made | {"from": sender, "gateway": gateway or "sandbox"})
        return made

    def turn(self) -> None:
        """What time brings: deliveries, and messages whose validity ends."""
        now = time.time()
        for message in self.messages():
            if message.fault == "silent" or message.state in FINAL:
                continue
            if message.state == "buffered" and now >= message.valid_until:
                self.set_state(message.id, "expired")
            elif message.state == "accepted" and now >= message.at + self._deliver_s:
                self.set_state(message.id, _FATES.get(message.to[-4:], "delivered"))

    def untold(self) -> list[Message]:
        """Messages whose last state nobody was told yet."""
        with self._lock:
            return [one for one in self._messages.values() if one.told != one.state and one.fault != "silent"]

    def clear(self) -> None:
        """Forget all messages; credits and places of calls stay."""
        with self._lock:
            self._messages.clear()
            self._journal.clear()
            self._journal.add(kind="credits", credits=self._credits)
            for name, hook in self.hooks.items():
                self._journal.add(kind="hook", gateway=name, **hook)
