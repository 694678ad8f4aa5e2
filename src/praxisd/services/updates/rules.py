"""Which of two versions is newer, and what an element in this state may become. Pure."""

import re
from datetime import date

_PART = re.compile(r"[0-9]+|[a-z]+")
_BEFORE = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "rc": -1, "c": -1}
"""Words that make a version earlier than the one without them (PEP 440, in the little of it that we use)."""
_AFTER = 1
INSTALLABLE = ("waiting", "rolled_back")


def rank(version: str) -> tuple[tuple[int, int], ...]:
    """What versions are ordered by: numbers as numbers, `rc1` before the release, and any other word after it.

    Zeros at the end mean nothing (`1.4` is `1.4.0`); dates (`2026-11-15`) are ordered as dates.
    """
    parts = _PART.findall(version.lower().partition("+")[0])
    length = next((n for n, part in enumerate(parts) if not part.isdigit()), len(parts))
    release = [int(part) for part in parts[:length]]
    while release and release[-1] == 0:
        release.pop()
    rest = [(0, int(part)) if part.isdigit() else (_BEFORE.get(part, _AFTER), 0) for part in parts[length:]]
    end = () if rest and rest[0][0] < 0 else ((0, 0),)
    return (*((0, number) for number in release), *end, *rest)


def newer(version: str, than: str | None) -> bool:
    """Is `version` newer than `than` (None: nothing is there)?"""
    return than is None or rank(version) > rank(than)


def fits(requires: str, version: str) -> bool:
    """Does `version` of praxisd fulfil `>=x`? Nothing asked is fulfilled; anything else than `>=` is not understood: no."""
    text = requires.strip()
    if not text:
        return True
    return text.startswith(">=") and rank(version) >= rank(text[2:].strip())


def age_days(released: str, today: date) -> int | None:
    """How old data of a day (YYYY-MM-DD) are; None where that is no day. Never negative."""
    try:
        return max(0, (today - date.fromisoformat(released[:10])).days)
    except ValueError:
        return None
