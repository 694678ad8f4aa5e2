"""SMS by any gateway that a description tells of (`descriptions.py`), over `kernel/http.py`. Keeps the promises of `channel.py`.

What an answer means is decided by the description's rules, and where they are silent by what HTTP says for sure: a
request that was refused for its form, its key or its speed was not taken; after a 5xx, or an answer that cannot be
read, nobody knows.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from praxisd.kernel.clock import Clock
from praxisd.kernel.errors import Problem
from praxisd.kernel.http import AnswerLost, Http, HttpAnswer, NotSent
from praxisd.services.messaging.channel import (
    Abilities,
    Absent,
    Accepted,
    Account,
    Found,
    Lost,
    Outgoing,
    Refused,
    Reply,
    Report,
    Unknown,
    Waiting,
)
from praxisd.services.messaging.channels import hooks
from praxisd.services.messaging.channels.descriptions import AnswerRule, Description, Find, Poll, Request
from praxisd.services.messaging.channels.fill import at, fill, fill_flat, fill_tree, fits, text_at

SEND_S = 20.0
ASK_S = 15.0
RECEIPT_MOST = 200
_WAIT_MOST_S = 86_400
_SKEW_S = 120
"""So far the clocks of gateway and practice may differ when a list is asked from a time on. Seconds."""
_NOT_TAKEN: Mapping[int, tuple[str, bool]] = {
    301: ("gateway_refused", False),
    307: ("gateway_refused", False),
    308: ("gateway_refused", False),
    400: ("gateway_rejected", True),
    401: ("gateway_credentials", True),
    402: ("gateway_no_credits", False),
    403: ("gateway_credentials", True),
    404: ("gateway_refused", False),
    405: ("gateway_refused", False),
    410: ("gateway_refused", False),
    413: ("gateway_rejected", True),
    415: ("gateway_refused", False),
    421: ("gateway_refused", False),
    422: ("gateway_rejected", True),
    429: ("gateway_busy", False),
}
"""Statuses by which a server says that it did not do what was asked (RFC 9110 § 15): our code, permanent."""


class HttpSms:
    """One account at one gateway."""

    name: Literal["sms"] = "sms"

    def __init__(self, account: Account, description: Description, http: Http, clock: Clock) -> None:
        self._account = account
        self._description = description
        self._http = http
        self._clock = clock
        self._fields = {
            one.key: account.values.get(one.key, one.default).strip() for one in description.fields
        }

    @property
    def abilities(self) -> Abilities:
        """What this account can do; it is only called back where we have an address and a secret."""
        able = self._description.abilities
        return dataclasses.replace(able, hooks=able.hooks and bool(self.hook_address))

    @property
    def hook_address(self) -> str:
        """The address that the gateway must be told; empty where it cannot call us."""
        return hooks.address(self._description, self._account)

    def send(self, message: Outgoing) -> Accepted | Refused | Lost:
        """Hand the message over, once."""
        now = self._clock.now()
        send = self._description.send
        if not sender_fits(self._description, self._account.sender):
            return Refused("messaging.sender_rejected", False)
        if message.useless_after <= now:
            return Refused("messaging.too_late", False)
        minutes = math.ceil((message.useless_after - now) / 60)
        minutes = max(send.least_minutes, min(send.most_minutes, minutes))
        values: dict[str, str | int] = {
            "id": message.id,
            "to": message.to,
            "to_digits": message.to.removeprefix("+"),
            "text": message.text,
            "sender": self._account.sender.strip(),
            "now": now,
            "useless_after": message.useless_after,
            "valid_minutes": minutes,
            "valid_seconds": minutes * 60,
            "hook": self.hook_address,
        }
        try:
            answer = self._call(send, values, SEND_S, message.before)
        except NotSent as left:
            late = left.why == "too_late"
            return Refused(
                "messaging.too_late" if late else "messaging.gateway_unreachable", False, detail=left.why
            )
        except AnswerLost:
            return Lost()
        return self._meaning(answer, message)

    def _meaning(self, answer: HttpAnswer, message: Outgoing) -> Accepted | Refused | Lost:
        tree = _tree(answer.body)
        for rule in self._description.send.answers:
            if (not rule.status or answer.status in rule.status) and fits(tree, rule.when):
                return self._by_rule(rule, answer, tree, message)
        if answer.status in _NOT_TAKEN:
            word, permanent = _NOT_TAKEN[answer.status]
            return Refused(f"messaging.{word}", permanent, str(answer.status), self._wait(answer))
        return Lost()

    def _by_rule(
        self, rule: AnswerRule, answer: HttpAnswer, tree: Any, message: Outgoing
    ) -> Accepted | Refused | Lost:
        if rule.means == "refused":
            detail = hooks.short(text_at(tree, rule.detail)) or str(answer.status)
            return Refused(
                f"messaging.{rule.code}", rule.permanent, detail, self._wait(answer) or rule.wait_s
            )
        receipt = message.id if rule.receipt == "=id" else text_at(tree, rule.receipt)
        if rule.means == "lost" or not receipt or len(receipt) > RECEIPT_MOST:
            return Lost()
        parts = text_at(tree, rule.parts)
        return Accepted(receipt, int(parts) if parts.isdigit() and len(parts) < 4 else None)

    def _wait(self, answer: HttpAnswer) -> int | None:
        """Seconds of Retry-After, which may be a number or a date (RFC 9110 § 10.2.3)."""
        told = answer.headers.get("retry-after", "").strip()
        if told.isdigit() and len(told) < 8:
            seconds = int(told)
        else:
            try:
                seconds = math.ceil(parsedate_to_datetime(told).timestamp() - self._clock.now())
            except (ValueError, TypeError, OverflowError):
                return None
        return min(_WAIT_MOST_S, seconds) if seconds > 0 else None

    def find(self, message: Waiting) -> Found | Absent | Unknown:
        """Does the gateway have a message with our id?"""
        find = self._description.find
        if find is None:
            return Unknown(temporary=False)
        since = message.accepted_at - _SKEW_S
        local = datetime.fromtimestamp(since, ZoneInfo(self._description.zone))
        values: dict[str, str | int] = {
            "id": message.id,
            "to": message.to,
            "to_digits": message.to.removeprefix("+"),
            "now": self._clock.now(),
            "since": since,
            # A day more: around midnight two clocks need differ by no more than the skew to tell different days, and a
            # message that is not found is sent again.
            "since_date": (local.date() - timedelta(days=1)).isoformat(),
            "since_time": local.strftime("%Y-%m-%d %H:%M:%S"),
        }
        shown = False
        for page in range(1, find.pages + 1):
            paged = {**values, "page": page, "offset": (page - 1) * find.most}
            entries = self._entries(find, paged)
            if entries is None:
                return Unknown()
            for entry in entries:
                if text_at(entry, find.mark) == message.id:
                    return self._found(find, entry)
            # A list in which no entry shows an id of ours may be one that never shows them.
            shown = shown or any(at(entry, find.mark) is not None for entry in entries)
            if self._is_whole(find, entries, since):
                settled = self._clock.now() >= message.accepted_at + find.settles_s
                if not find.absent or not settled:
                    return Unknown()
                return Absent() if shown or (page == 1 and not entries) else Unknown(temporary=False)
        return Unknown(temporary=False)

    def _found(self, find: Find, entry: Any) -> Found | Unknown:
        receipt = text_at(entry, find.receipt)
        if not receipt or not fits(entry, find.present):
            return Unknown()
        return Found(receipt, hooks.state_of(self._description, entry, find.state, {})[0])

    def _is_whole(self, find: Find, entries: Sequence[Any], since: int) -> bool:
        """True if no entry of the time since can be missing from what was seen so far."""
        if not entries or len(entries) < find.most:
            return True
        if not find.reaches:
            return False
        times = [hooks.moment(at(entry, find.reaches), self._description.zone) for entry in entries]
        return any(time is not None and time < since for time in times)

    def _entries(self, call: Find | Poll, values: Mapping[str, str | int]) -> list[Any] | None:
        """The entries of a list; None if it cannot be had or is none."""
        try:
            answer = self._call(call, values, ASK_S)
        except (NotSent, AnswerLost):
            return None
        tree = _tree(answer.body)
        found = at(tree, call.items)
        good = answer.status == 200 and fits(tree, call.when) and isinstance(found, list)
        return found if good else None

    def reports(self, waiting: Sequence[Waiting]) -> Iterable[Report | Reply]:
        """What has become of messages, asked in batches. Problems as in `channel.py`."""
        poll = self._description.poll
        if poll is None:
            return
        for start in range(0, len(waiting), poll.batch):
            yield from self._batch(poll, waiting[start : start + poll.batch])

    def _batch(self, poll: Poll, batch: Sequence[Waiting]) -> Iterator[Report]:
        one = batch[0]
        values: dict[str, str | int] = {
            "receipt": one.receipt,
            "receipts": poll.join.join(each.receipt for each in batch),
            "id": one.id,
            "to": one.to,
            "to_digits": one.to.removeprefix("+"),
            "now": self._clock.now(),
        }
        answer = self._asked(poll, values)
        if answer.status == 404 and poll.batch == 1:
            return  # the gateway has forgotten it, or never knew it
        tree = self._good(answer, poll.when)
        found = at(tree, poll.items)
        entries = found if isinstance(found, list) else [found]
        ours = {each.receipt: each for each in batch} | {each.id: each for each in batch}
        for entry in entries:
            named = text_at(entry, poll.receipt) or text_at(entry, poll.id)
            known = ours.get(named) if named or len(batch) > 1 else one
            state, code = hooks.state_of(self._description, entry, poll.state, poll.failed)
            if known is not None and state is not None:
                told = hooks.moment(at(entry, poll.at) if poll.at else None, self._description.zone)
                yield Report(
                    state, known.receipt, code=code, detail=hooks.short(text_at(entry, poll.detail)), at=told
                )

    def hook(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> Iterable[Report | Reply]:
        """What a call of the gateway says; Problem `messaging.hook_refused` (403) unless it proves itself."""
        return list(hooks.read(self._description, self._account, self._clock.now(), headers, query, body))

    def balance(self) -> int | None:
        """Credits left at the gateway, whole units rounded down."""
        call = self._description.balance
        if call is None:
            return None
        tree = self._good(self._asked(call, {"now": self._clock.now()}), call.when)
        try:
            return math.floor(float(text_at(tree, call.path)))
        except (ValueError, OverflowError):
            return None

    def _asked(self, call: Request, values: Mapping[str, str | int]) -> HttpAnswer:
        """An answer to a question, which may be asked again; Problem `messaging.gateway_unreachable` (503)."""
        try:
            return self._call(call, values, ASK_S)
        except (NotSent, AnswerLost):
            raise Problem(
                "messaging.gateway_unreachable", 503, retry=True, gateway=self._description.title
            ) from None

    def _good(self, answer: HttpAnswer, when: Mapping[str, str]) -> Any:
        """What a good answer says; Problem `messaging.gateway_credentials` or `messaging.gateway_refused` (502)."""
        tree = _tree(answer.body)
        if answer.status == 200 and fits(tree, when):
            return tree
        word = "gateway_credentials" if answer.status in (401, 403) else "gateway_refused"
        later = answer.status == 429 or answer.status >= 500
        raise Problem(f"messaging.{word}", 502, retry=later, gateway=self._description.title)

    def _call(
        self, call: Request, values: Mapping[str, str | int], timeout_s: float, before: float | None = None
    ) -> HttpAnswer:
        filled = {**self._fields, **values}
        return self._http.request(
            call.method,
            fill(call.url, filled, address=True),
            headers=fill_flat(call.headers, filled),
            params=fill_flat(call.query, filled),
            json=None if call.json is None else fill_tree(call.json, filled),
            form=None if call.form is None else fill_flat(call.form, filled),
            timeout_s=timeout_s,
            before=before,
        )


def _tree(body: bytes) -> Any:
    """The body as JSON, else as a word."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body[:200].decode("utf-8", "replace").strip()


def sender_fits(description: Description, sender: str) -> bool:
    """True if this gateway can show the sender: nothing, a number, or a short name."""
    bare = sender.strip()
    digits = bare.removeprefix("+")
    if not bare:
        return True
    if digits.isdigit():
        return len(digits) <= description.sender.digits
    return len(bare) <= description.sender.letters and bare.isprintable()
