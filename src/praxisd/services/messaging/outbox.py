"""The outbox: messages to patients, prepared once for their topic and counted once (SPEC 5.8).

    prepared → sending → accepted → delivered | failed | expired
                  ↘ unsure ↗        (nobody knows whether it went out: the gateway or a person tells)
    prepared → withdrawn            (moved, cancelled, consent withdrawn, or by hand)

`delivered`, `failed`, `expired` and `withdrawn` are final. All functions work in the caller's transaction.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from praxisd.kernel import events
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.communication import PURPOSE, ChannelName, Kind, Language, Purpose
from praxisd.services.messaging import account_store, topic_store
from praxisd.services.messaging import outgoing_store as rows
from praxisd.services.messaging.ledger import credits

if TYPE_CHECKING:
    from praxisd.kernel.app import House

__all__ = (
    "About",
    "Draft",
    "Held",
    "Standing",
    "Told",
    "Waits",
    "about",
    "close_letter",
    "close_letters",
    "credits",
    "greeted",
    "holding",
    "prepare",
    "prices",
    "resume",
    "standing",
    "supersede",
    "tried",
    "waiting",
    "waiting_kind",
    "waiting_today",
    "withdraw",
    "withdraw_all",
    "withdrawn",
    "withdrawn_since",
)
FINAL = ("delivered", "failed", "expired", "withdrawn")
SUBJECT = "Message"
"""What events about outgoing messages call them; `Communication` are those of the inbox."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be prepared; the columns of the outbox tell what each field is.

    `cost` are credits for the whole message. `next_at` and `useless_after` are epoch seconds: not sent before the one,
    nor after the other. With a `reason` nothing can be sent: the entry is born `failed`, and asks for a letter.
    """

    kind: Kind
    topic: str
    stamp: int
    patient: str
    appointment: str | None = None
    mandator: str | None = None
    channel: ChannelName | None = None
    address: str | None = None
    language: Language = "de"
    subject: str = ""
    text: str = ""
    parts: int = 0
    cost: int = 0
    next_at: int = 0
    useless_after: int
    reason: str | None = None
    run: str | None = None


class Held(NamedTuple):
    """The message that counts for a topic. `letter`: open, done, or None where none is asked for."""

    id: str
    state: str
    stamp: int
    channel: str
    letter: str | None = None
    patient: str = ""


class Told(NamedTuple):
    """What a patient was told last about a topic: the newest message that went out, or may have gone out."""

    id: str
    stamp: int
    patient: str


class About(NamedTuple):
    """What a message is about."""

    kind: Kind
    topic: str
    appointment: str | None
    patient: str
    stamp: int


class Standing(NamedTuple):
    """By topic: the message that counts, (stamp, reason) of withdrawn ones, channels that failed for good (by stamp), and
    what was told last, also if it no longer counts.
    """

    held: dict[str, Held]
    withdrawn: dict[str, set[tuple[int, str]]]
    tried: dict[tuple[str, int], set[str]]
    told: dict[str, Told]


class Waits(NamedTuple):
    """A message that was not sent yet."""

    id: str
    kind: Kind
    topic: str
    appointment: str | None
    channel: ChannelName
    address: str
    stamp: int


def prepare(house: "House", tx: Tx, draft: Draft) -> str | None:
    """Put a message into the outbox; its id, or None if another message already holds the topic.

    ValueError for a draft without address or channel and without a reason why. Raises nothing else.
    """
    fails = draft.reason is not None
    if not fails and not (draft.channel and draft.address):
        raise ValueError("a message needs a channel and an address, or the reason why it has none")
    id_ = new_id()
    row = {
        "id": id_, "version": 1, "kind": draft.kind, "topic": draft.topic, "holds": draft.topic, "stamp": draft.stamp,
        "patient": draft.patient, "appointment": draft.appointment, "mandator": draft.mandator,
        "channel": draft.channel or "", "address": draft.address, "language": draft.language,
        "subject": draft.subject, "text": draft.text, "parts": draft.parts, "cost": draft.cost, "charged": 0,
        "state": "failed" if fails else "prepared", "reason": draft.reason, "detail": None,
        "letter": "open" if fails else None, "reply": None, "prepared_at": tx.now,
        "next_at": max(draft.next_at, tx.now), "useless_after": draft.useless_after, "attempts": 0, "claim": None,
        "sending_at": None, "gateway": None, "receipt": None, "accepted_at": None, "asked_at": None,
        "ended_at": tx.now if fails else None, "run": draft.run,
    }  # fmt: skip
    if not rows.add(tx, row):
        return None
    rows.answered(tx, draft.topic, id_)
    tell(tx, id_, "communication.failed" if fails else "communication.prepared")
    return id_


def tell(tx: Tx, id_: str, event: str, **more: str | int | bool | None) -> None:
    """Note the event of a message as it is now: kind, channel, why, and no word of what it says or to whom."""
    row = rows.get(tx, id_)
    if row is not None:
        codes = {"kind": row.kind, "channel": row.channel or None, "reason": row.reason, **more}
        events.note(tx, event, SUBJECT, id_, version=row.version, **codes)


def holding(tx: Tx, topics: Iterable[str]) -> dict[str, Held]:
    """The messages that count now, by topic; topics without one are left out."""
    return {str(topic): Held(*rest) for topic, *rest in rows.holders(tx, topics)}


def tried(tx: Tx, topics: Iterable[str]) -> dict[tuple[str, int], set[str]]:
    """Channels on which a message failed for good, by topic and stamp: no use for a second one."""
    found: dict[tuple[str, int], set[str]] = {}
    for topic, stamp, channel in rows.refused(tx, topics):
        found.setdefault((str(topic), int(stamp)), set()).add(str(channel))
    return found


def withdrawn(tx: Tx, topics: Iterable[str]) -> dict[str, set[tuple[int, str]]]:
    """(stamp, reason) of the messages that were withdrawn, by topic; topics without any are left out."""
    found: dict[str, set[tuple[int, str]]] = {}
    for topic, stamp, reason in rows.withdrawn(tx, topics):
        found.setdefault(str(topic), set()).add((int(stamp), str(reason)))
    return found


def standing(tx: Tx, topics: Iterable[str]) -> Standing:
    """What `holding`, `withdrawn` and `tried` say of many topics, read in one go, and what was told last."""
    found = Standing({}, {}, {}, {})
    for topic, holds, id_, state, stamp, channel, letter, reason, patient in topic_store.about(tx, topics):
        if holds is not None:
            found.held[topic] = Held(id_, state, stamp, channel, letter, patient)
        if state in _TOLD or (state == "prepared" and holds is None):
            before = found.told.get(topic)
            if before is None or before.id < id_:
                found.told[topic] = Told(id_, stamp, patient)
        if state == "withdrawn":
            found.withdrawn.setdefault(topic, set()).add((stamp, reason))
        elif state == "failed" and channel:
            found.tried.setdefault((topic, stamp), set()).add(channel)
    return found


_TOLD = frozenset(("sending", "unsure", "accepted", "delivered"))


def about(tx: Tx, id_: str) -> About | None:
    """What a message is about, or None for an unknown id."""
    row = rows.get(tx, id_)
    return None if row is None else About(row.kind, row.topic, row.appointment, row.patient, row.stamp)


def prices(tx: Tx) -> dict[ChannelName, int]:
    """The channels on which anything can be sent (active accounts), and the credits of one part or mail."""
    return {row.channel: int(row.cost) for row in account_store.every(tx) if row.active}


def greeted(tx: Tx, patients: Iterable[str], since: int) -> set[str]:
    """Who has a birthday message (not a withdrawn one) prepared since `since`, epoch seconds."""
    return rows.greeted(tx, patients, since)


def waiting(tx: Tx, patient: str) -> list[Waits]:
    """A patient's messages that were not sent yet, the oldest first."""
    return [Waits(*row) for row in rows.waiting_of(tx, patient, list(PURPOSE))]


def waiting_kind(tx: Tx, kind: Kind) -> list[str]:
    """Ids of all messages of a kind that were not sent yet."""
    return rows.waiting_kind(tx, kind)


def withdrawn_since(tx: Tx, reason: str, since: int) -> list[tuple[Kind, str | None, str]]:
    """(kind, appointment, patient) of what was withdrawn for this reason since then (epoch seconds)."""
    return [
        (kind, appointment, patient) for kind, appointment, patient in rows.withdrawn_since(tx, reason, since)
    ]


def close_letter(tx: Tx, id_: str) -> None:
    """Nobody need write a letter in place of this message."""
    rows.no_letter(tx, id_)


def resume(tx: Tx, id_: str) -> bool:
    """A message that was superseded counts for its topic again: what it says is so again. False if another one counts."""
    return rows.hold(tx, id_)


def close_letters(tx: Tx, patient: str) -> int:
    """Nobody need write letters to this patient any more (died); how many were open."""
    return rows.close_letters(tx, patient)


def waiting_today(tx: Tx, patients: Iterable[str], start: int, end: int) -> dict[str, int]:
    """How many messages each patient got, or will get as things stand, in [start, end); without any: left out."""
    return topic_store.written(tx, patients, start, end)


def withdraw(house: "House", tx: Tx, id_: str, reason: str) -> bool:
    """Take back a message that was not sent yet; its topic is free again. False: it is under way or ended.

    `reason` is a code with texts (`messaging.withdrawn_by_hand`).
    """
    done = rows.change(
        tx, id_, ("prepared",), state="withdrawn", holds=None, reason=reason, ended_at=tx.now, letter=None
    )
    if done:
        tell(tx, id_, "communication.withdrawn")
    return done


def withdraw_all(house: "House", tx: Tx, patient: str, purposes: Sequence[Purpose], reason: str) -> int:
    """Take back what waits for a patient for these purposes (consent withdrawn, died); how many messages."""
    kinds = [kind for kind, purpose in PURPOSE.items() if purpose in purposes]
    return sum(withdraw(house, tx, one[0], reason) for one in rows.waiting_of(tx, patient, kinds))


def supersede(tx: Tx, id_: str) -> None:
    """A message no longer holds its topic (the appointment moved, another channel is tried); no letter for it either."""
    rows.release(tx, id_)
