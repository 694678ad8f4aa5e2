"""Calls of a gateway to us: is it really the gateway, and what does it say? Pure.

A gateway that signs is held to its signature and its time; for one that does not, a secret stands in the address that the
practice entered there. Both are compared in constant time.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.services.messaging.channel import Account, Reply, Report, ReportState
from praxisd.services.messaging.channels.descriptions import Description, Hook, HookEvent
from praxisd.services.messaging.channels.fill import at, fill, fits, gaps, text_at

TOKEN = "token"  # noqa: S105 - the name of the parameter, not its value
TEXT_MOST = 2000
_LATEST = 4_102_444_800


def address(description: Description, account: Account) -> str:
    """Where the gateway shall call: our address, with the secret where it does not sign; empty without either."""
    hook = description.hook
    if hook is None or not account.hook_url or not account.hook_secret:
        return ""
    if hook.signature == "hmac":
        return account.hook_url
    return f"{account.hook_url}{'&' if '?' in account.hook_url else '?'}{TOKEN}={account.hook_secret}"


def read(
    description: Description,
    account: Account,
    now: int,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
) -> Iterator[Report | Reply]:
    """What the call says. Problem `messaging.hook_refused` (403) or `messaging.hook_malformed` (400)."""
    hook = description.hook
    if hook is None:
        raise Problem("messaging.hook_refused", 403)
    check(hook, account, now, headers, query, body)
    tree = dict(query) if hook.source == "query" else _json(body)
    event = next((one for one in hook.events if fits(tree, one.when)), None)
    if event is None:
        raise Problem("messaging.hook_malformed", 400)
    if event.kind == "report":
        yield from _report(description, event, tree)
    elif event.kind == "reply":
        yield _reply(description, event, tree)


def check(
    hook: Hook,
    account: Account,
    now: int,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
) -> None:
    """Problem `messaging.hook_refused` (403) unless the call carries the secret or is signed with it, in time."""
    given = query.get(TOKEN, "") if hook.signature == "token" else headers.get(hook.header, "")
    wanted = account.hook_secret
    if wanted and hook.signature == "hmac":
        wanted = _signature(hook, account, headers, body)
    if not wanted or not hmac.compare_digest(_bytes(given.strip()), _bytes(wanted)):
        raise Problem("messaging.hook_refused", 403)
    if hook.time:
        told = headers.get(hook.time, "")
        if not re.fullmatch(r"\d{1,12}", told) or abs(now - int(told)) > hook.oldest_s:
            raise Problem("messaging.hook_refused", 403)


def _signature(hook: Hook, account: Account, headers: Mapping[str, str], body: bytes) -> str:
    """The signature as it should be. The body is put in last, as the bytes it came as."""
    values = {name: headers.get(name, "") for name in gaps(hook.signed)}
    # seven.io signs the MD5 of the body; what it protects is the HMAC around it.
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    values |= {"body_md5": digest, "url": account.hook_url, "body": "\0body\0"}
    before, mark, after = fill(hook.signed, values).partition("\0body\0")
    signed = _bytes(before) + (body if mark else b"") + _bytes(after)
    return hmac.new(_bytes(account.hook_secret), signed, hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _json(body: bytes) -> Any:
    try:
        tree = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        tree = None
    if not isinstance(tree, dict):
        raise Problem("messaging.hook_malformed", 400)
    return tree


def _report(description: Description, event: HookEvent, tree: Any) -> Iterator[Report]:
    receipt, id_ = text_at(tree, event.receipt), text_at(tree, event.id)
    if not (receipt or id_):
        raise Problem("messaging.hook_malformed", 400)
    state, code = state_of(description, tree, event.state, event.failed)
    if state is not None:
        yield Report(
            state,
            receipt=receipt,
            id=id_,
            code=code,
            detail=short(text_at(tree, event.detail)),
            at=moment(at(tree, event.at) if event.at else None, description.zone),
        )


def _reply(description: Description, event: HookEvent, tree: Any) -> Reply:
    sender, text = number(text_at(tree, event.sender)), text_at(tree, event.text)[:TEXT_MOST]
    when = text_at(tree, event.at)
    if not sender:
        raise Problem("messaging.hook_malformed", 400)
    # Where the gateway gives a reply no name, the same words at the same time are the same reply.
    mark = text_at(tree, event.mark) or hashlib.sha256(f"{sender}\0{text}\0{when}".encode()).hexdigest()[:32]
    return Reply(
        sender,
        text,
        f"{description.name}:{mark}"[:100],
        receipt=text_at(tree, event.receipt),
        id=text_at(tree, event.id),
        at=moment(at(tree, event.at) if event.at else None, description.zone),
    )


ENDS: Mapping[str, str] = {"failed": "messaging.sms_failed", "expired": "messaging.sms_expired"}
NOT_SENT = "messaging.gateway_rejected"
"""The gateway took it and then did not send it on: it costs nothing."""


def state_of(
    description: Description, entry: Any, path: str, failed: Mapping[str, str]
) -> tuple[ReportState | None, str]:
    """The state of an entry in our words and the code of a bad end; None for a word that says nothing yet."""
    if failed and fits(entry, failed):
        return "failed", NOT_SENT
    state = description.states.get(text_at(entry, path))
    return state, ENDS.get(state or "", "")


def number(text: str) -> str:
    """A sender's number in international form, as far as it can be told: 0049… and 49… become +49…"""
    bare = re.sub(r"[\s()/.-]", "", text)
    if re.fullmatch(r"00\d{6,15}", bare):
        return f"+{bare[2:]}"
    return f"+{bare}" if re.fullmatch(r"[1-9]\d{6,14}", bare) else bare[:40]


def short(detail: str) -> str:
    """A code of the other side: one word, never a sentence."""
    return detail if re.fullmatch(r"[A-Za-z0-9_.:-]{1,40}", detail) else ""


def moment(value: Any, zone: str) -> int | None:
    """A time as gateways tell it, in epoch seconds: a number, RFC 3339, or local time of `zone`; None if it is none."""
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    try:
        if re.fullmatch(r"\d{1,12}(\.\d*)?", text):
            found = float(text)
        else:
            parsed = datetime.fromisoformat(text)
            found = (parsed if parsed.tzinfo else parsed.replace(tzinfo=ZoneInfo(zone))).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return int(found) if 0 < found < _LATEST else None
