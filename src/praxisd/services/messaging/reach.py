"""How a patient can be written to: each number and address, and what it is good for."""

from typing import NamedTuple

from praxisd.services.directory import api as directory
from praxisd.services.messaging import phones


class Way(NamedTuple):
    """One number or address. `found` is what `phones` made of it; `use` as it was told (home, work, mobile, …)."""

    system: str
    value: str
    use: str | None
    found: phones.Number | phones.Mail

    @property
    def doubt(self) -> phones.Why | None:
        """Why somebody has to be asked, if so."""
        return self.found.why if isinstance(self.found, phones.Doubtful) else None


def ways(patient: directory.ContactFacts, country: str) -> list[Way]:
    """All numbers (told mobile ones first) and addresses of a patient that are not given up."""
    found = [
        Way("phone", one.value, one.use, phones.number(one.value, one.use, country))
        for one in patient.numbers
    ]
    return found + [Way("email", one, None, phones.mail(one)) for one in patient.emails]


def addresses(patient: directory.ContactFacts, channel: str, country: str) -> set[str]:
    """All addresses of a patient on a channel, in the form in which messages name them."""
    wanted = phones.Mobile if channel == "sms" else phones.Mail
    found = [one.found for one in ways(patient, country) if isinstance(one.found, wanted)]
    return {one.address if isinstance(one, phones.Mail) else one.e164 for one in found}


def doubtful(patient: directory.ContactFacts, country: str) -> list[Way]:
    """What somebody has to be asked about, and nothing if the patient can be reached without it.

    A second, unreadable number beside a good one of its kind does no harm.
    """
    all_ways = ways(patient, country)
    good = {one.system for one in all_ways if isinstance(one.found, phones.Mobile | phones.Mail)}
    return [one for one in all_ways if one.doubt is not None and one.system not in good]
