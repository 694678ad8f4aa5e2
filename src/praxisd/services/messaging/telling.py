"""Answers to what patients asked for: confirmed, refused, another time proposed, a free time offered (purpose `booking`).

One message per topic, by the patient's wishes and numbers, in the open write transaction. Nobody is lost silently: who
cannot be written to gets an entry that asks for a call or a letter, and says why.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.store import Tx
from praxisd.model.communication import BOOKING, ChannelName, Kind, Language
from praxisd.model.people import licensed
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import (
    consent_rules,
    ledger,
    outbox,
    phones,
    quiet,
    reach,
    segments,
    telling_store,
    templates,
    values,
    wishes,
    wording,
)
from praxisd.services.messaging.outbox_declared import PUBLIC_URL, QUIET_FROM, QUIET_TO

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SWITCH = "messaging.send_bookings"
LETTERS = "messaging.prefers_letter"
NO_ADDRESS = "messaging.no_address"
NO_CHANNEL = "messaging.no_channel"
NO_PAYER = "messaging.no_payer"
TOO_LATE = "messaging.too_late"
NO_CREDITS = "messaging.no_credits"
UNLICENSED = "messaging.mandator_gone"
REASONS = (LETTERS, NO_ADDRESS, NO_CHANNEL, NO_PAYER)
"""Why somebody gets no message, where no other part of messaging has a word for it."""
REFUSAL_S = 3 * 86_400
"""A refusal that did not go out by then is not sent any more. Seconds."""
_DEFAULT = "reminders.default_mandator"


class ToldRow(NamedTuple):
    """One message about an appointment. `at`: when its state became what it is, epoch seconds; `reason`: a code;
    `letter`: `open` where somebody should call or write, `done` after that.
    """

    kind: Kind
    channel: ChannelName | None
    state: str
    at: int
    reason: str | None
    letter: str | None


class _Draft(NamedTuple):
    """By whom it is paid, and by which way it goes; or why not."""

    mandator: str | None = None
    channel: ChannelName | None = None
    address: str | None = None
    reason: str | None = None


def tell(
    house: "House",
    tx: Tx,
    kind: Kind,
    patient: str,
    *,
    appointment: str | None = None,
    topic: str,
    stamp: int,
    reason: str = "",
    link: str = "",
    until: int | None = None,
) -> str | None:
    """Tell a patient; the id of the message. None if the topic was told already, the switch is off, or nobody is there to
    be told (died, out of use).

    `stamp` is the start (epoch seconds) of the time the message speaks of: the appointment's, the proposed, the offered
    one. `until`: answers count until then. `reason` are words for the patient, in `language_for`'s language; `link` is a
    whole address. ValueError for a kind that is none of `BOOKING`.
    """
    if kind not in BOOKING:
        raise ValueError(f"{kind} is no answer to a patient")
    if not house.settings.get(tx, SWITCH) or outbox.holding(tx, [topic]):
        return None
    person = _person(tx, patient)
    if person is None or person.dead or not person.active:
        return None
    practice = directory.organization(tx)
    here = zone(practice.zone)
    begin, end = (str(house.settings.get(tx, key)) for key in (QUIET_FROM, QUIET_TO))
    send_at = quiet.next_allowed(tx.now, begin, end, here)
    useless = _useless_after(tx, kind, stamp, until)
    language = templates.language_of(person.language, practice.language)
    more = {"reason": reason, "link": link, "until": _moment(until, language, here)}
    about = _about(tx, appointment, stamp)
    chosen = _way(house, tx, person, practice.country)
    if chosen.reason is None and send_at >= useless:
        chosen = chosen._replace(reason=TOO_LATE)
    subject, text, parts, cost = "", "", 0, 0
    if chosen.channel is not None:
        known = templates.load(tx)
        template = known.get((kind, chosen.channel, language)) or templates.proposal(
            kind, chosen.channel, language
        )
        filled = values.Values(kind, language, practice, person, about, None, here, more)
        subject, text = templates.render(template, filled)
        parts = segments.measure(text).parts if chosen.channel == "sms" else 1
        cost = parts * outbox.prices(tx)[chosen.channel]
        chosen = _paid(house, tx, chosen, person.id, cost)
    sent = chosen.reason is None
    return outbox.prepare(
        house,
        tx,
        outbox.Draft(
            kind=kind, topic=topic, stamp=stamp, patient=person.id, appointment=appointment, mandator=chosen.mandator,
            channel=chosen.channel if sent else None, address=chosen.address if sent else None, language=language,
            subject=subject, text=text, parts=parts if sent else 0, cost=cost if sent else 0, next_at=send_at,
            useless_after=useless, reason=chosen.reason,
        ),
    )  # fmt: skip


def told_of(tx: Tx, appointment: str) -> list[ToldRow]:
    """What was told about an appointment, the oldest first."""
    return [
        ToldRow(
            row.kind, row.channel or None, row.state,
            row.ended_at or row.accepted_at or row.sending_at or row.prepared_at, row.reason, row.letter,
        )
        for row in telling_store.about(tx, appointment)
    ]  # fmt: skip


def close_topic(house: "House", tx: Tx, topic: str, reason: str = "messaging.decided_otherwise") -> None:
    """What was to be told is settled: a message that waits is taken back, nobody need call or write a letter any more."""
    held = outbox.holding(tx, [topic]).get(topic)
    if held is not None and not outbox.withdraw(house, tx, held.id, reason):
        outbox.close_letter(tx, held.id)


def public_link(house: "House", tx: Tx, path: str) -> str:
    """A whole address for patients from a path of ours (`/api/v1/…`); "" where nobody outside can reach us."""
    base = str(house.settings.get(tx, PUBLIC_URL)).rstrip("/")
    return f"{base}{path}" if base and path else ""


def language_for(tx: Tx, patient: str) -> Language:
    """The language in which a patient is written to."""
    person = _person(tx, patient)
    return templates.language_of(person.language if person else None, directory.organization(tx).language)


def _useless_after(tx: Tx, kind: Kind, stamp: int, until: int | None) -> int:
    """An offer is good until its time comes, also where the next one was asked meanwhile."""
    if kind == "refusal":
        return tx.now + REFUSAL_S
    return stamp if kind == "offer" else min(stamp, until or stamp)


def _person(tx: Tx, patient: str) -> directory.ContactFacts | None:
    found = directory.contacts(tx, [patient]).get(patient)
    if found is not None and found.merged_into is not None:
        return directory.contacts(tx, [found.merged_into]).get(found.merged_into)
    return found


def _moment(until: int | None, language: Language, here: Any) -> str:
    return "" if until is None else wording.moment(datetime.fromtimestamp(until, here), language)


def _about(tx: Tx, appointment: str | None, stamp: int) -> calendar.AppointmentFacts:
    """What the text may say of the time: that of the message, whatever the appointment's own is by now."""
    found = calendar.appointment_facts(tx, [appointment]).get(appointment) if appointment else None
    if found is None:
        return calendar.AppointmentFacts("", 0, "", stamp, stamp, None, "", "", "", ())
    return found._replace(start=stamp, end=stamp + found.end - found.start)


def _way(house: "House", tx: Tx, person: directory.ContactFacts, country: str) -> _Draft:
    """The first way that is open: mobile or e-mail as the patient prefers, allowed, set up in the practice."""
    said = wishes.of(tx, person.id)
    if said.preferred == "letter":
        return _Draft(reason=LETTERS)
    needed, set_up, why = wishes.needs(house, tx), outbox.prices(tx), NO_ADDRESS
    for channel in consent_rules.channels(said, consent_rules.CHANNELS):
        address = _address(person, channel, country)
        if address is None:
            continue
        refused = consent_rules.allowed(said, "booking", channel, needed)
        if refused is None and channel in set_up:
            return _Draft(channel=channel, address=address)
        why = refused or (NO_CHANNEL if why == NO_ADDRESS else why)
    return _Draft(reason=why)


def _address(person: directory.ContactFacts, channel: ChannelName, country: str) -> str | None:
    for one in reach.ways(person, country):
        if channel == "sms" and isinstance(one.found, phones.Mobile):
            return one.found.e164
        if channel == "email" and isinstance(one.found, phones.Mail):
            return one.found.address
    return None


def _paid(house: "House", tx: Tx, chosen: _Draft, patient: str, cost: int) -> _Draft:
    """With who pays: the mandator of the last treatment, else the default one (SPEC 5.2); what costs nothing needs none."""
    today = local_date(tx.now, zone(directory.organization(tx).zone))
    known: Mapping[str, Any] = {one.id: one for one in directory.mandators(tx)}
    payer = directory.last_mandators(tx, [patient], today).get(patient) or _default(house, tx, known)
    if payer is None:
        return chosen._replace(reason=chosen.reason or (NO_PAYER if cost else None))
    reason = chosen.reason
    its = known.get(payer)
    if reason is None and (its is None or not its.active or not licensed(its, today)):
        reason = UNLICENSED
    if reason is None and cost and ledger.credits(tx, [payer])[payer] < cost:
        reason = NO_CREDITS
    return chosen._replace(mandator=payer, reason=reason)


def _default(house: "House", tx: Tx, known: Mapping[str, Any]) -> str | None:
    """The mandator the practice has chosen for reminders (by id or name), else the one marked as the default."""
    told = ""
    if _DEFAULT in house.registry.settings:
        told = str(house.settings.get(tx, _DEFAULT)).strip()
    if told and told not in known:
        return next((one.id for one in known.values() if one.name.casefold() == told.casefold()), told)
    return told or next((one.id for one in known.values() if one.default and one.active), None)
