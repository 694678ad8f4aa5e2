"""Who is to be written to, for thousands of patients at once: only what reminders and letters need is decoded."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from praxisd.kernel.store import Tx
from praxisd.model.people import full_name
from praxisd.services.directory import person_store


class Reach(msgspec.Struct, frozen=True, gc=False):
    """One way to reach someone, as it was told: `system` phone, sms, email, …; `use` home, work, mobile, old, temp."""

    system: str
    value: str
    use: str | None = None


class ContactFacts(msgspec.Struct, frozen=True, rename="camel"):
    """What a message to a patient needs to know. Dates are texts as stored; `birth_date` may be partial."""

    id: str
    version: int
    family: str
    given: str = ""
    prefix: str | None = None
    gender: str | None = None
    birth_date: str | None = None
    deceased: str | None = None
    deceased_undated: bool = False
    active: bool = True
    merged_into: str | None = None
    language: str | None = None
    telecom: tuple[Reach, ...] = ()

    @property
    def dead(self) -> bool:
        """True if the person has died, dated or not."""
        return self.deceased is not None or self.deceased_undated

    @property
    def display(self) -> str:
        """`Dr. Anna Müller`."""
        return full_name(self.prefix, self.given, self.family)

    @property
    def numbers(self) -> tuple[Reach, ...]:
        """Telephone numbers that are not given up: those told to be mobile first, then the others in their order."""
        found = [one for one in self.telecom if one.system in ("phone", "sms") and one.use != "old"]
        return tuple(sorted(found, key=lambda one: one.use != "mobile"))

    @property
    def emails(self) -> tuple[str, ...]:
        """E-mail addresses that are not given up, in the order in which they were told."""
        return tuple(one.value for one in self.telecom if one.system == "email" and one.use != "old")


_ALL, _BATCH = 10_000_000, 5_000
_facts: Any = msgspec.json.Decoder(ContactFacts)


def contacts(tx: Tx, patients: Sequence[str]) -> dict[str, ContactFacts]:
    """Facts by patient id; ids nobody has are left out, merged ones are not followed."""
    decode = _facts.decode
    return {id_: decode(doc) for id_, doc in person_store.docs_of(tx, patients).items()}


def living(tx: Tx) -> Iterator[ContactFacts]:
    """Facts of all who could be written to, in id order: active and living patients whose record goes on."""
    conditions = [person_store.unmerged(), person_store.active("true")]
    yield from (one for one in _facts_of(tx, conditions) if not one.dead)


def everyone(tx: Tx) -> Iterator[ContactFacts]:
    """Facts of all patients there are, dead, merged and inactive ones too: whose names must not leave."""
    yield from _facts_of(tx, [])


def _facts_of(tx: Tx, conditions: list[Any]) -> Iterator[ContactFacts]:
    wanted = person_store.ids(tx, conditions, _ALL)
    for start in range(0, len(wanted), _BATCH):
        some = wanted[start : start + _BATCH]
        found = contacts(tx, some)
        yield from (found[id_] for id_ in some)
