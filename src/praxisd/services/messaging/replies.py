"""What patients write back (SPEC 5.10): confirm, cancel, stop; everything lands in the inbox with its own words.

Whose answer it is, is never guessed: it names one of our messages, or its address got messages for exactly one patient
in the last 14 days. Nor which appointment is meant: without a name it is the one reminded of that still stands, if there
is just one; of several none is confirmed or cancelled. Another time that was proposed, and a free one that was offered, are
taken with a yes and given up with a no. A stop is about the address: it holds for everybody who was
written to there. An answer that fits nobody lies in the inbox without a patient, and changes nothing.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from praxisd.kernel import events
from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.mail_address import address as mail_address
from praxisd.kernel.store import Tx
from praxisd.model.communication import Communication
from praxisd.model.fhir_shapes import dump_json
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import (
    answering,
    outbox,
    outcome,
    phones,
    reply_store,
    rules,
    sending_store,
    standing,
    store,
    wishes,
)
from praxisd.services.messaging import outgoing_store as rows
from praxisd.services.messaging.answering import QUESTIONS
from praxisd.services.messaging.channel import Reply
from praxisd.services.messaging.outbox_declared import REPLY_CANCEL, REPLY_CONFIRM, REPLY_STOP
from praxisd.services.messaging.replies_rules import meaning
from praxisd.services.messaging.store import Party

if TYPE_CHECKING:
    from praxisd.kernel.app import House

REMEMBERED_S = 14 * 86_400
"""So long an address is taken to be that of the patient it was written to. Seconds."""
_SENT = ("sending", "unsure", "accepted", "delivered", "expired", "failed")


def take_in(house: "House", tx: Tx, gateway: str, channel: str, reply: Reply) -> bool:
    """Put an answer into the inbox and do what it says; False if it was taken in before (same mark)."""
    named = outcome.named(tx, gateway, channel, reply)
    there = sending_store.newest_to(
        tx, channel, sorted(_written(tx, channel, reply.sender)), tx.now - REMEMBERED_S
    )
    said = meaning(reply.text)
    meant = [named] if named is not None else _meant(tx, there)
    letter = new_id()
    told = str(meant[0].id) if meant else None
    if not reply_store.add(tx, channel, reply.mark, reply.at or tx.now, said, told, letter):
        return False
    _into_inbox(tx, letter, channel, reply, str(meant[0].patient) if meant else None)
    if said == "stop" and house.settings.get(tx, REPLY_STOP):
        _stop(house, tx, [*meant[:1], *there])
    elif meant:
        _act(house, tx, meant, said)
    return True


def _meant(tx: Tx, there: Sequence[Any]) -> list[Any]:
    """The messages to one patient that ask something and still stand, each appointment once; else the confirmation that
    stands, else the newest message. Nothing if several people live there.
    """
    if len({one.patient for one in there}) != 1:
        return []
    stand = {one.appointment or one.topic: one for one in reversed(there) if _stands(tx, one)}
    asking = [one for one in stand.values() if one.kind != "confirmation"]
    return (asking or list(stand.values()) or list(there[:1]))[::-1]


def _written(tx: Tx, channel: str, told: str) -> set[str]:
    """How an address may stand in our messages: gateways leave out the plus, mail programs change capitals."""
    bare = told.strip()
    if channel == "email":
        found = {bare, bare.lower()}
        with suppress(ValueError):
            found |= {mail_address(bare), mail_address(bare.lower())}
        return found
    number = phones.number(bare, None, directory.organization(tx).country)
    digits = bare.removeprefix("00")
    plus = {f"+{digits}"} if digits.isascii() and digits.isdigit() and not digits.startswith("0") else set()
    return {bare, *plus, *([number.e164] if isinstance(number, phones.Mobile) else [])}


def _stop(house: "House", tx: Tx, messages: Sequence[Any]) -> None:
    """Nobody who was written to there is written to any more."""
    newest: dict[str, Any] = {}
    for one in messages:
        newest.setdefault(one.patient, one)
    for patient, one in newest.items():
        wishes.withdraw_all(house, tx, patient, "reply")
        _answered(tx, one, "stopped")


def _act(house: "House", tx: Tx, meant: Sequence[Any], said: str) -> None:
    """Confirm or cancel the one appointment that is meant; if it may be one of several, the desk asks."""
    settings, first = house.settings, meant[0]
    one = len(meant) == 1 and _stands(tx, first)
    if len(meant) == 1 and first.kind in QUESTIONS and said in ("confirm", "cancel"):
        _answered(tx, first, answering.take(house, tx, first, said == "confirm", stands=one))
        return
    if said == "cancel" and (one or len(meant) > 1):
        done = one and settings.get(tx, REPLY_CANCEL) == "do" and _cancel(house, tx, first)
        for message in meant:
            _answered(tx, message, "cancelled" if done else "cancel_asked")
    elif said == "confirm" and one and settings.get(tx, REPLY_CONFIRM):
        _answered(tx, first, "confirmed")
    else:
        _answered(tx, first, "answered")


def _answered(tx: Tx, message: Any, done: str) -> None:
    """Write down what came of the answer; a mere word of thanks does not wipe out what was said before."""
    if done != "answered" or message.reply is None:
        rows.change(tx, message.id, (*_SENT, "withdrawn"), reply=done)
    event = "communication.confirmed" if done in ("confirmed", "accepted") else "communication.replied"
    outbox.tell(tx, message.id, event, reply=done)


def _stands(tx: Tx, message: Any) -> bool:
    """True if what the message spoke of is still to come, at the time it named, for whom it was written."""
    if message.kind not in QUESTIONS and (message.appointment is None or message.kind == "refusal"):
        return False
    return standing.why_not(tx, message) is None


def _cancel(house: "House", tx: Tx, message: Any) -> bool:
    language = directory.organization(tx).language
    try:
        calendar.cancel(
            house, tx, message.appointment, house.texts.get("messaging.reply_cancelled", language)
        )
    except Problem:
        return False
    return True


def _into_inbox(tx: Tx, id_: str, channel: str, reply: Reply, patient: str | None) -> None:
    """The answer as a Communication to the practice, unread; without a patient it shows the address it came from."""
    practice = directory.organization(tx)
    name = None if patient is None else directory.name(tx, [patient])[patient]
    who: dict[str, str] = {"display": name or reply.sender}
    if patient is not None:
        who["reference"] = f"Patient/{patient}"
    resource = {
        "resourceType": "Communication",
        "status": "completed",
        "subject": who,
        "sent": format_rfc3339(reply.at or tx.now, zone(practice.zone)),
        "recipient": [{"reference": f"Organization/{practice.id}", "display": practice.name}],
        "sender": who,
        "medium": [{"text": "SMS" if channel == "sms" else "E-Mail"}],
        "payload": [{"contentString": reply.text.strip()[: rules.TEXT_MOST] or "–"}],
    }
    saved = store.COMMUNICATIONS.insert(
        tx,
        Communication(
            id=id_, updated=tx.now, received=tx.now, state="unread", patient=patient or "",
            resource=dump_json(resource).decode(),
        ),
    )  # fmt: skip
    parties = [Party("recipient", "Organization", practice.id, None)]
    if patient is not None:
        parties += [Party(role, "Patient", patient, patient) for role in ("subject", "sender")]
    store.put_parties(tx, saved.id, parties)
    events.note(tx, "communication.received", "Communication", saved.id, version=1, channel=channel)
