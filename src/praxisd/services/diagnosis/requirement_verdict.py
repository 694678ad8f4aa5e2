"""What a verdict on a requirement consists of. Pure.

What was measured and what is wanted are `Said`: a key of the texts `diagnosis.said.<key>` with its values.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from praxisd.model.machine import Fact, MachineFacts
from praxisd.model.requirement import Role, Words

State = Literal["fulfilled", "not_fulfilled", "undetermined"]


@dataclass(frozen=True, slots=True)
class Said:
    """A short text: `key` below `diagnosis.said`, and the numbers and names it takes."""

    key: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one requirement. `why` is the reason's code where it is undetermined; `told` the product file's own."""

    state: State
    wanted: Said
    measured: Said | None = None
    why: str | None = None
    told: Words | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What the computer is for the product: its role, the product's top folder ("" unknown), whether its data lie here."""

    role: Role
    data_folder: str = ""
    data_here: bool = True


Judge = Callable[[Any, MachineFacts, Place], Verdict]
"""Judges one kind of requirement; its first argument is a requirement of that kind."""


def undetermined(wanted: Said, why: str | None, measured: Said | None = None) -> Verdict:
    """Could not be determined, and why."""
    return Verdict("undetermined", wanted, measured, why or "failed")


def decided(good: bool, wanted: Said, measured: Said) -> Verdict:
    """Fulfilled or not."""
    return Verdict("fulfilled" if good else "not_fulfilled", wanted, measured)


def version_of(text: str) -> tuple[tuple[int, str], ...]:
    """A version as something that can be compared: 4.8.1 > 4.8, 9.0c > 9.0, 10 > 9."""
    found = re.findall(r"(\d+)([a-z]?)", text.lower())
    return tuple((int(number), letter) for number, letter in found)


def named(name: str, wanted: str) -> bool:
    """True if `name` begins with these words: "Windows 10 Pro" with "Windows 10", "… 2012 R2" not with "… 2012"."""
    have, want = name.lower().split(), wanted.lower().split()
    return have[: len(want)] == want and have[len(want) : len(want) + 1] != ["r2"]


def yes(fact: Fact[bool], key: str) -> Verdict:
    """Of something that is there or not."""
    wanted = Said(key)
    if fact.value is None:
        return undetermined(wanted, fact.why)
    return decided(fact.value, wanted, Said("present" if fact.value else "absent"))


def text(fact: Fact[str], wanted: Said) -> Verdict:
    """Of something that has a name where it is there."""
    if fact.value is None:
        return undetermined(wanted, fact.why)
    measured = Said("named", {"name": fact.value}) if fact.value else Said("absent")
    return decided(bool(fact.value), wanted, measured)
