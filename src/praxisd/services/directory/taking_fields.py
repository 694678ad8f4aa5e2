"""What a file of another program adds to what is known of a person (pure): filled, different, or the same.

Only what is empty is filled by itself. What differs is a doubt that a person sees, unless it was said before that the
file leads in that field. Numbers (identifiers) are added, for one more number overwrites nothing.
"""

from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET

from praxisd.model.people import Patient
from praxisd.services.directory import matching, rules

Action = Literal["new", "merged", "same", "doubt"]
FILLS = ("prefix", "birth_date", "gender", "telecom", "address", "language", "note")
LEADS = ("family", "given", *FILLS)
"""Fields in which the file may be told to lead."""


class Change(NamedTuple):
    """The record as it would be; fields that were filled or led by the file; fields that differ and stay as they are."""

    after: Patient
    filled: tuple[str, ...]
    differs: tuple[str, ...]


def same_one(known: Patient, told: Patient) -> bool:
    """True if two records under one number may be one person: the days of birth agree (or nobody told), and both names are
    alike; with one whole day of birth the given names suffice (married). A number that leads to somebody else is not
    believed: families share a payer's number, and twins a day of birth and a family name."""
    if not matching.near(known.birth_date, told.birth_date):
        return False
    given = rules.given_key(known.given), rules.given_key(told.given)
    if same_day(known, told) and told.given and given[0] == given[1]:
        return True
    return matching.alike(rules.name_key(known.family), rules.name_key(told.family)) and matching.alike(
        *given
    )


def same_day(known: Patient, told: Patient) -> bool:
    """True if both were born on one and the same whole day."""
    return rules.is_whole(told.birth_date) and told.birth_date == known.birth_date


def same_family(known: Patient, told: Patient) -> bool:
    """True if both have one family name and one day of birth: somebody called by another name, or a twin."""
    return same_day(known, told) and rules.name_key(known.family) == rules.name_key(told.family)


def change(known: Patient, told: Patient, leads: frozenset[str], country: str) -> Change:
    """What `told` does to `known`. Fields are named as in the struct."""
    new: dict[str, Any] = {}
    differs = []
    for name in LEADS:
        ours, theirs = getattr(known, name), getattr(told, name)
        if not theirs or _equal(name, ours, theirs, country):
            continue
        if name in leads or (not ours and name in FILLS):
            new[name] = theirs
            continue
        if name == "telecom":
            more, rest = _further(ours, theirs)
            if more:
                new[name] = (*ours, *more)
            if not rest or _equal(name, ours, rest, country):
                continue
        differs.append(name)
    numbers, clash = _numbers(known, told)
    if numbers:
        new["identifiers"] = (*known.identifiers, *numbers)
    if clash:
        differs.append("identifiers")
    if told.dead and not known.dead:
        new["deceased"], new["deceased_undated"] = told.deceased, told.deceased_undated
    elif told.deceased is not None and told.deceased != known.deceased:
        differs.append("deceased")
    if known.active and not told.active:
        differs.append("active")
    if told.extra is not UNSET and told.extra != known.extra:
        differs.append("extra")
    return Change(msgspec.structs.replace(known, **new), tuple(sorted(new)), tuple(sorted(differs)))


def _equal(name: str, ours: Any, theirs: Any, country: str) -> bool:
    """True if the file says nothing that is not known: spelt another way, less exact, or a number among others."""
    if ours == theirs:
        return True
    if not ours:
        return False
    if name == "family":
        return rules.name_key(ours) == rules.name_key(theirs)
    if name == "given":
        return rules.given_key(ours) == rules.given_key(theirs)
    if name == "birth_date":
        return bool(ours.startswith(theirs))
    if name == "telecom":
        keys = rules.contact_keys(theirs, country)
        others = {one for one in theirs if one.system not in ("phone", "sms", "email")}
        plain = len(keys) + len(others) >= len({(one.system, one.value) for one in theirs})
        return plain and keys <= rules.contact_keys(ours, country) and others <= set(ours)
    if name == "address":
        return {_place(one) for one in theirs} <= {_place(one) for one in ours}
    return isinstance(ours, str) and ours.strip().casefold() == theirs.strip().casefold()


def _further(ours: Any, theirs: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Contacts of a kind that nobody told yet (an e-mail address beside a telephone number), and the others."""
    known = {_way(one) for one in ours}
    return tuple(one for one in theirs if _way(one) not in known), tuple(
        one for one in theirs if _way(one) in known
    )


def _way(one: Any) -> str:
    return "phone" if one.system == "sms" else str(one.system)


def _place(one: Any) -> tuple[str, ...]:
    parts = (*one.line, one.city or "", one.postal_code or "")
    return tuple(" ".join(part.casefold().split()) for part in parts)


def _numbers(known: Patient, told: Patient) -> tuple[list[Any], bool]:
    """Identifiers that are not known yet, and whether one of a system that gives one number per person is another one."""
    there = {(one.system, one.value) for one in known.identifiers}
    fresh = [one for one in told.identifiers if (one.system, one.value) not in there]
    once = {one.system for one in known.identifiers if one.system and one.system in SINGLE}
    return [one for one in fresh if one.system not in once], any(one.system in once for one in fresh)


SINGLE = frozenset({"http://fhir.de/sid/gkv/kvid-10"})
"""Naming systems in which a person has one number for life (the German health insurance number, § 290 SGB V)."""
