"""The security directive of § 390 SGB V as a list to work through: its items, how large a practice is, what was found.

What the items say stands in texts, since people read it: `diagnosis.directive_item.<id>.title` and `.todo`.
"""

from datetime import date
from typing import Any, Literal

import msgspec

Size = Literal["small", "medium", "large"]
"""Persons who constantly process data: up to 5, 6 to 20, more than 20 (notes/domain.md § 5)."""
Kind = Literal["measured", "reminder"]
Kept = Literal["done", "not_applicable", "open"]
State = Literal["good", "bad", "done", "due", "open", "not_applicable"]
Verdict = Literal["good", "bad", "unknown"]


class Practice(msgspec.Struct, frozen=True):
    """What decides which annexes hold. `large_devices`: such as CT, MRI, PET (annex 4)."""

    size: Size
    large_devices: bool = False


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item. `annex` is "1" to "5", or "more" for what praxisd adds; `number` as the annex counts ("22–26"), or "".

    Where `kind` is measured, `probe` measures all the item speaks of, and can find it good. The probe of a reminder sees a
    part of it: it can find it bad and tells a fact; whether it is good is for a person to say. `every_days` is after how
    long praxisd reminds: its own proposal, not the directive's. `since`: it holds from that day on (new in 2025). `source`:
    where its wording was seen.
    """

    id: str
    annex: str
    source: str
    number: str = ""
    kind: Kind = "reminder"
    probe: str | None = None
    every_days: int = 365
    since: date | None = None


class System(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Until when an operating system gets security updates. `name` is how its name begins.

    `build`: only this one (Windows 11 counts by it); `editions`: only these; `other_rules`: editions with another date,
    which is not known here.
    """

    name: str
    ends: date
    source: str
    build: str = ""
    editions: tuple[str, ...] = ()
    other_rules: tuple[str, ...] = ()


class Note(msgspec.Struct, frozen=True):
    """What a person said of an item: who takes care, when it was said (epoch seconds), until when it is good."""

    state: Kept
    person: str = ""
    note: str = ""
    due: date | None = None
    at: int = 0


class Look(msgspec.Struct, frozen=True):
    """What was measured. `text` is the key of the sentence below `diagnosis.directive_look`, `why` a reason's code; `more`
    is the key of a second sentence about what was not measured.
    """

    verdict: Verdict
    text: str
    params: dict[str, Any] = {}
    why: str | None = None
    more: str | None = None


class Line(msgspec.Struct, frozen=True):
    """An item as it stands today."""

    item: Item
    state: State
    look: Look | None = None
    note: Note | None = None
