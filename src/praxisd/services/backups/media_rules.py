"""Which medium is in the drive, and may this run write on it? Pure (SPEC 8.3; seed 003; BackupAssist's labels).

A medium says who it is in `praxisd-medium.json` at its top. What is not clearly the expected medium is never written on.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from praxisd.model.backup import Expected, Identity, Judged, Medium, Seen, Word
from praxisd.services.backups import day_rules

FILE = "praxisd-medium.json"
LARGEST = 64 * 1024
"""No identity is longer, in bytes: what is, is another file of that name."""
MISSING, WRONG, FOREIGN = "backups.medium_missing", "backups.medium_wrong", "backups.medium_foreign"
NEW, STRANGE, UNLISTED = "backups.medium_new", "backups.medium_strange", "backups.medium_unlisted"
UNREADABLE, HELD, LOCKED = "backups.medium_unreadable", "backups.medium_held", "backups.medium_locked"
RETIRED, SUBSTITUTE = "backups.medium_retired", "backups.medium_substitute"
NEARLY_FULL = "backups.medium_nearly_full"
FULL, READ_ONLY = "backups.medium_full", "backups.medium_read_only"
"""The engine's own codes (`engine.FULL`, `engine.READ_ONLY`): the same fault, seen before the run."""
CODES = (
    MISSING, WRONG, FOREIGN, NEW, STRANGE, UNLISTED, UNREADABLE, HELD, LOCKED, RETIRED, SUBSTITUTE, NEARLY_FULL,
)  # fmt: skip
FIRST_BYTES = 1 << 30
"""Free space wanted where no run has told yet how much one adds."""
_RANK = (READ_ONLY, FULL, LOCKED, HELD, WRONG, RETIRED, UNLISTED, UNREADABLE, FOREIGN, NEW, STRANGE, MISSING)
"""With more than one drive: which of their faults says most, the first of these."""


def parse(data: bytes) -> Identity | None:
    """What an identity file says; None if that cannot be told. What is unknown or of another kind in it is left aside.

    Needed are `id` and `practice`. Characters that cannot be printed are dropped, texts cut at 80 characters.
    """
    if len(data) > LARGEST:
        return None
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    name, practice = _text(found.get("id")), _text(found.get("practice"))
    if not name or not practice:
        return None
    created = found.get("created")
    seconds = created if type(created) is int and 0 <= created < 1 << 40 else 0
    return Identity(name, practice, _text(found.get("label")), _text(found.get("slot")), seconds)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(one for one in value if one.isprintable())[:80].strip()


def written(identity: Identity) -> bytes:
    """The content of the file, for people to read too."""
    doc = {
        "id": identity.id,
        "label": identity.label,
        "created": identity.created,
        "practice": identity.practice,
        "slot": identity.slot,
    }
    return (json.dumps(doc, ensure_ascii=False, indent=2) + "\n").encode()


def expect(slot: str, label: str, media: Iterable[Medium]) -> Expected:
    """Which medium fills a slot: of its media that may be written, the one written longest ago.

    Where its medium is held back, a spare one (no slot) stands in for it, and is given the slot by whoever writes on it.
    None is left: a new one has to be set up. `label` is the slot's, as people say it.
    """
    every = sorted(media, key=lambda one: (one.written or 0, one.id))
    mine = [one for one in every if one.slot == slot]
    able = [one for one in mine if not one.held and not one.retired]
    if able:
        return Expected(slot, able[0].label or label, able[0])
    held = next((one for one in mine if one.held), None)
    spare = next(
        (
            one
            for one in every
            if not one.slot and one.kind == "removable" and not one.held and not one.retired
        ),
        None,
    )
    if held is None or spare is None:
        return Expected(slot, label, None, held)
    return Expected(slot, spare.label or label, spare, held)


def needed(added: Sequence[int]) -> int:
    """Bytes that must be free before a run: half as much again as the largest of the last runs added, at least 64 MiB."""
    return max(64 << 20, max(added) * 3 // 2) if added else FIRST_BYTES


def judge(
    expected: Expected,
    seen: Seen,
    known: Mapping[str, Medium],
    practice: str,
    *,
    today: date,
    locked: Mapping[str, date],
    room: int = FIRST_BYTES,
) -> Judged:
    """What is in the drive. `known`: media by id; `practice`: our digest; `locked`: last locked day by slot (image media);
    `room`: bytes that must be free.

    A fault's params always hold `expected`, the label that is wanted; WRONG, HELD, LOCKED and RETIRED also `label`, that of
    the medium which is in. A medium that is held back or locked is never written on, even if nothing else is expected.
    """
    want = {"expected": expected.label}
    if not seen.present:
        return Judged(_absent(expected))
    if seen.identity is None:
        return Judged(Word(NEW if seen.empty else STRANGE, want))
    identity = parse(seen.identity)
    if identity is None:
        return Judged(Word(UNREADABLE, want))
    if identity.practice != practice:
        return Judged(Word(FOREIGN, want))
    medium = known.get(identity.id)
    if medium is None:
        return Judged(Word(UNLISTED, {**want, "label": identity.label or "?"}))
    return _ours(expected, medium, seen, today, locked.get(medium.slot), room)


def _absent(expected: Expected) -> Word:
    if expected.medium is None and expected.instead_of is not None:
        held = expected.instead_of
        return Word(SUBSTITUTE, {"expected": expected.label, "label": held.label or expected.label}, held.id)
    return Word(MISSING, {"expected": expected.label}, expected.medium.id if expected.medium else "")


def _ours(
    expected: Expected, medium: Medium, seen: Seen, today: date, locked: date | None, room: int
) -> Judged:
    """A medium of this practice: the expected one, and can it be written?"""
    params: dict[str, Any] = {"expected": expected.label, "label": medium.label}
    code = None
    if medium.retired:
        code = RETIRED
    elif medium.held:
        code = HELD
    elif locked is not None and today <= locked:
        code, params = LOCKED, {**params, "until": day_rules.told(locked)}
    elif expected.medium is None or medium.id != expected.medium.id:
        code = WRONG
    elif not seen.writable:
        code = READ_ONLY
    elif seen.free is not None and seen.free < room:
        code = FULL
    if code is not None:
        return Judged(Word(code, params, medium.id), None, medium)
    if seen.free is not None and seen.free < room * 5:
        runs = seen.free // room if room else 0
        return Judged(None, Word(NEARLY_FULL, {"label": medium.label, "runs": runs}, medium.id), medium)
    return Judged(None, None, medium)


def choose(judged: Sequence[Judged]) -> int | None:
    """Of several drives: the place of the one with the right medium, else of the fault that says most; None of none."""
    if not judged:
        return None
    order = {code: number for number, code in enumerate(_RANK)}
    return min(
        range(len(judged)),
        key=lambda number: (
            -1 if (fault := judged[number].fault) is None else order.get(fault.code, len(order))
        ),
    )


def unfilled(slots: Iterable[str], media: Collection[Medium]) -> tuple[str, ...]:
    """The slots that have no medium yet, in their order: what is left to set up."""
    filled = {one.slot for one in media if not one.retired}
    return tuple(one for one in slots if one not in filled)
