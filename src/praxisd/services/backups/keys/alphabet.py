"""The recovery key as people write it: nine groups of four signs, the fourth of each checks the three before it.

The signs are digits and small letters that cannot be taken for another (no i, l, o, 0, 1) and lie on the same keys of a
German and an English keyboard (no y, z): on a bare computer nobody knows which of them is set. 29 signs, a prime, so that
every wrong sign and every two neighbours exchanged within a group show; the group's number counts too, so that groups in a
wrong order show. 27 signs of chance: 131 bits.
"""

import re
import secrets

from praxisd.kernel.errors import Problem

SIGNS = "23456789abcdefghjkmnpqrstuvwx"
GROUPS, GROUP = 9, 4
MISTYPED = "backups.recovery_key_mistyped"
_KNOWN_BY = 4
_BETWEEN = re.compile(r"[\s\-·.]+")


def make() -> str:
    """A new recovery key as the engine gets it: without blanks."""
    return "".join(
        _checked(number, "".join(secrets.choice(SIGNS) for _ in range(GROUP - 1))) for number in range(GROUPS)
    )


def shown(key: str) -> str:
    """In groups of four, as it is printed."""
    return " ".join(key[at : at + GROUP] for at in range(0, len(key), GROUP))


def typed(text: str) -> str:
    """What a person typed, as the engine gets it: a recovery key without blanks and in small letters, else as it is.

    Problem `backups.recovery_key_mistyped` (422) with the number of the first group that is wrong, counted from 1; also where
    a sign is missing, too many, or none of ours, as long as `_KNOWN_BY` other groups are right: no password looks so by chance.
    """
    key = _BETWEEN.sub("", text).lower()
    if len(key) != GROUPS * GROUP or any(sign not in SIGNS for sign in key):
        wrong = _wrong_group(key)
        if wrong is not None:
            raise Problem(MISTYPED, 422, group=wrong + 1)
        return text
    for number in range(GROUPS):
        group = key[number * GROUP : (number + 1) * GROUP]
        if _checked(number, group[:-1]) != group:
            raise Problem(MISTYPED, 422, group=number + 1)
    return key


def is_key(text: str) -> bool:
    """Is this a recovery key, as the engine gets it?"""
    return len(text) == GROUPS * GROUP and all(sign in SIGNS for sign in text)


def _wrong_group(key: str) -> int | None:
    """The first group that is not right in what is nearly a recovery key, read from both its ends; None for anything else."""
    before = 0
    while before < GROUPS and _right(before, key[before * GROUP : (before + 1) * GROUP]):
        before += 1
    after, end = 0, len(key)
    while after < GROUPS and _right(
        GROUPS - 1 - after, key[max(end - (after + 1) * GROUP, 0) : end - after * GROUP]
    ):
        after += 1
    return min(before, GROUPS - 1) if before + after >= _KNOWN_BY else None


def _right(number: int, group: str) -> bool:
    return (
        len(group) == GROUP and all(sign in SIGNS for sign in group) and _checked(number, group[:-1]) == group
    )


def _checked(number: int, signs: str) -> str:
    """The group with its check sign: weights 2, 3, 4 and the number of the group, modulo 29."""
    total = 5 * (number + 1) + sum(weight * SIGNS.index(sign) for weight, sign in enumerate(signs, 2))
    return signs + SIGNS[total % len(SIGNS)]
