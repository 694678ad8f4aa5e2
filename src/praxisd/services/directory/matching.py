"""Who is meant? A room of the rules (pure): compares what is told about a person with the patients who are known.

SPEC 1.12: certain, certainly new, or a person decides. Identity is never guessed: one doubt makes it a decision.
"""

from typing import NamedTuple

from praxisd.services.directory.rules import is_whole

CONTACT_DIFFERS = "contact_differs"
NAME_SIMILAR = "name_similar"
BIRTH_DATE_NEAR = "birth_date_near"
CONTACT_SAME = "contact_same"
NOT_ACTIVE = "not_active"
SEVERAL = "several"
SOURCE_DIFFERS = "source_differs"
REASONS = (CONTACT_DIFFERS, NAME_SIMILAR, BIRTH_DATE_NEAR, CONTACT_SAME, NOT_ACTIVE, SEVERAL, SOURCE_DIFFERS)


class Likeness(NamedTuple):
    """What of a person is compared: names by `rules.name_key` and `given_key`, contacts as (kind, key) pairs."""

    family: str
    given: str
    birth_date: str | None
    contacts: frozenset[tuple[str, str]]


class Candidate(NamedTuple):
    """A known patient. `bookable` is false for the dead and the inactive."""

    id: str
    likeness: Likeness
    bookable: bool = True


class Match(NamedTuple):
    """The finding: one certain id, or the possible ones with a reason each, or neither: new."""

    certain: str | None
    possible: tuple[tuple[str, str], ...] = ()


def match(told: Likeness, candidates: list[Candidate]) -> Match:
    """Who of the candidates is the one told of.

    Certain: equal family name, given names and full date of birth, and one equal phone number or e-mail address, or the
    known one has neither. Two certain ones are a decision, and so is a dead or inactive one: a refusal at this place
    would tell an outsider that we know the person. Possible: see `_doubt`.
    """
    certain: list[str] = []
    possible: dict[str, str] = {}
    for one in candidates:
        if _same_person(told, one.likeness):
            if one.bookable:
                certain.append(one.id)
            else:
                possible.setdefault(one.id, NOT_ACTIVE)
        else:
            reason = _doubt(told, one.likeness)
            if reason is not None:
                possible.setdefault(one.id, reason)
    known = sorted(set(certain))
    if len(known) == 1:
        return Match(known[0])
    possible.update(dict.fromkeys(known, SEVERAL))
    return Match(None, tuple(sorted(possible.items())))


def _same_person(told: Likeness, known: Likeness) -> bool:
    equal = told.family == known.family and told.given == known.given and bool(told.given)
    if not equal or not is_whole(told.birth_date) or told.birth_date != known.birth_date:
        return False
    return not known.contacts or bool(told.contacts & known.contacts)


def _doubt(told: Likeness, known: Likeness) -> str | None:
    """Why it may be the same person, or None.

    The same day of birth and a like name; the same name and a day of birth that is near, reversed or missing; the same
    number or address and the same given name (married, or a slip in two fields).
    """
    family = told.family == known.family
    given = told.given == known.given
    same_day = told.birth_date is not None and told.birth_date == known.birth_date
    if same_day and family and given:
        return CONTACT_DIFFERS
    if same_day and alike(told.family, known.family) and alike(told.given, known.given):
        return NAME_SIMILAR
    if family and given and near(told.birth_date, known.birth_date):
        return BIRTH_DATE_NEAR
    if given and told.given and told.contacts & known.contacts:
        return CONTACT_SAME
    return None


def alike(one: str, other: str) -> bool:
    """True for names that may be one: equal sound, one part of a double name, or a slip or two of the pen."""
    if one == other:
        return True
    if not one or not other:
        return True  # a name nobody told contradicts nothing
    words, others = set(one.split()), set(other.split())
    if words <= others or others <= words:
        return True
    if sound(one) == sound(other) or one.replace(" ", "") == other.replace(" ", ""):
        return True
    shorter = min(len(one), len(other))
    allowed = 0 if shorter < 4 else 1 if shorter < 8 else 2
    return distance(one, other, allowed) <= allowed


_SOUNDS = (
    ("ph", "f"),
    ("th", "t"),
    ("dt", "t"),
    ("tz", "z"),
    ("ck", "k"),
    ("ey", "ai"),
    ("ei", "ai"),
    ("ay", "ai"),
)


def sound(name: str) -> str:
    """A coarse form in which Maier, Meyer, Mayr and Meier, or Schmidt and Schmitt, are one."""
    for written, heard in _SOUNDS:
        name = name.replace(written, heard)
    name = name.replace("y", "i").replace("aie", "ai").replace("c", "k")
    return "".join(char for n, char in enumerate(name) if n == 0 or char != name[n - 1])


def near(one: str | None, other: str | None) -> bool:
    """True for dates of birth that may be one: missing, partial and fitting, one slip, two digits or day and month reversed."""
    if one is None or other is None or one.startswith(other) or other.startswith(one):
        return True
    if not is_whole(one) or not is_whole(other):
        return False
    if one[:4] == other[:4] and (one[5:7], one[8:]) == (other[8:], other[5:7]):
        return True
    return distance(one, other, 1) <= 1


def distance(one: str, other: str, most: int) -> int:
    """Fewest letters added, lost, changed, or swapped with their neighbour (optimal string alignment); `most` + 1 if more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return min(last[-1], most + 1)
