"""What patients write back (SPEC 5.10): confirm, cancel, stop; everything lands in the inbox with its own words.

Whose answer it is, is never guessed: it names one of our messages, or its address got messages for exactly one patient
in the last 14 days. An answer that fits nobody lies in the inbox without a patient, and changes nothing.
"""

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
    outbox,
    outcome,
    phones,
    reply_store,
    rules,
    sending_store,
    store,
    wishes,
)
from praxisd.services.messaging import outgoing_store as rows
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
    message = outcome.named(tx, gateway, channel, reply)
    if message is None:
        message = _newest(tx, channel, reply.sender)
    said = meaning(reply.text)
    letter = new_id()
    told = None if message is None else str(message.id)
    if not reply_store.add(tx, channel, reply.mark, reply.at or tx.now, said, told, letter):
        return False
    _into_inbox(tx, letter, channel, reply, None if message is None else str(message.patient))
    if message is not None:
        _act(house, tx, message, said)
    return True


def _newest(tx: Tx, channel: str, address: str) -> Any | None:
    """The newest message to this address, if all of them went to one patient."""
    found = sending_store.newest_to(
        tx, channel, sorted(_written(tx, channel, address)), tx.now - REMEMBERED_S
    )
    return found[0] if found and len({one.patient for one in found}) == 1 else None


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


def _act(house: "House", tx: Tx, message: Any, said: str) -> None:
    settings = house.settings
    done = "answered"
    if said == "stop" and settings.get(tx, REPLY_STOP):
        wishes.withdraw_all(house, tx, message.patient, "reply")
        done = "stopped"
    elif said == "confirm" and settings.get(tx, REPLY_CONFIRM) and _stands(tx, message):
        done = "confirmed"
    elif said == "cancel" and _stands(tx, message):
        done = (
            "cancelled"
            if settings.get(tx, REPLY_CANCEL) == "do" and _cancel(house, tx, message)
            else "cancel_asked"
        )
    rows.change(tx, message.id, (*_SENT, "withdrawn"), reply=done)
    outbox.tell(
        tx,
        message.id,
        "communication.confirmed" if done == "confirmed" else "communication.replied",
        reply=done,
    )


def _stands(tx: Tx, message: Any) -> bool:
    """True if the appointment the message spoke of is still to come, at the time it named."""
    if message.appointment is None:
        return False
    try:
        found = calendar.get(tx, message.appointment)
    except Problem:
        return False
    return found.status == "booked" and found.start == message.stamp and found.start > tx.now


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
