"""Who pays for messages in the sample practice, what its patients want to be sent, and which texts it sends.

Mandators with credits, treatments that say who pays (some with the mandator whose licence ran out), consents and
withdrawals, preferred channels: enough that every reason not to write to somebody can be seen.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING

from praxisd.demo import practice
from praxisd.kernel.store import Tx
from praxisd.model.people import Treatment
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging

if TYPE_CHECKING:
    from praxisd.kernel.app import House

TREATED = 0.8
"""So many patients have been treated; the default mandator pays for the others."""
ELSEWHERE = 0.15
"""So many were treated last under the mandator without a valid licence."""
PARTNER = {
    "support.partner_name": "Systemhaus Beispiel",
    "support.partner_email": "service@systemhaus-beispiel.example",
    "support.partner_phone": "030 23125099",
}
"""Whom the practice asks for help; its mails end in the sandbox."""
SEARCHED = 4
"""Days searched for appointments: whatever today is, an open day lies among them, bar holidays."""


def pay(house: "House", tx: Tx, language: str) -> None:
    """Credits, the default mandator, and the texts of two languages. Sending itself is left switched off."""
    for mandator, amount in zip(directory.mandators(tx), practice.CREDITS, strict=True):
        messaging.book_credits(
            tx, mandator.id, amount, "Anfangsbestand" if language == "de" else "Opening balance"
        )
        if mandator.default:
            house.settings.put(tx, "reminders.default_mandator", mandator.id)
    house.settings.put(tx, "reminders.days", SEARCHED)
    for key, value in PARTNER.items():
        house.settings.put(tx, key, value)
    messaging.propose(tx, ("de", "en"))


def treat(tx: Tx, patients: Sequence[str], today: date, rng: Random) -> None:
    """Treatments of some patients, opened within the last three years."""
    units = directory.mandators(tx)
    standard = next(one for one in units if one.default)
    other = next(one for one in units if not one.default)
    for patient in patients:
        if rng.random() >= TREATED:
            continue
        opened = today - timedelta(days=rng.randrange(20, 1000))
        directory.open_treatment(tx, Treatment(patient=patient, mandator=standard.id, opened=opened))
        if rng.random() < ELSEWHERE:
            later = opened + timedelta(days=rng.randrange(1, 15))
            directory.open_treatment(tx, Treatment(patient=patient, mandator=other.id, opened=later))


def wish(house: "House", tx: Tx, patients: Sequence[str], rng: Random) -> None:
    """What patients said: many like to be greeted, some want no reminders, some prefer a letter or an e-mail."""
    for patient in patients:
        luck = rng.random()
        if luck < 0.5:
            messaging.say(
                house, tx, patient, [("greeting", one, "given") for one in ("sms", "email")], "desk"
            )
        if 0.5 <= luck < 0.54:
            messaging.say(house, tx, patient, [("reminder", "sms", "withdrawn")], "desk")
        if 0.54 <= luck < 0.57:
            messaging.prefer(house, tx, patient, "letter")
        if 0.57 <= luck < 0.67:
            messaging.prefer(house, tx, patient, "email")


def greet(house: "House", tx: Tx, today: date) -> None:
    """All but one of those whose birthday is today like to be greeted."""
    here = directory.birthdays(tx, [f"{today.month:02}-{today.day:02}"])
    for patient in here[1:]:
        messaging.say(house, tx, patient, [("greeting", one, "given") for one in ("sms", "email")], "desk")
