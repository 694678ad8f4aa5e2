"""Which entries of a data set concern a list of drugs: interactions, contraindications, duplicates, dental notes.

Pure. A drug is met by an entry through one of its substances, through a class that has such a substance or the beginning of
its ATC code, or through that beginning itself. What is found is never proof that there is nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

Kind = Literal["interaction", "contraindication", "duplicate", "dental"]
Severity = Literal["contraindicated", "serious", "moderate", "minor", "note"]
SEVERITIES: tuple[Severity, ...] = ("contraindicated", "serious", "moderate", "minor", "note")
"""The worst first. `note`: said without a weight, as duplicates and dental notes are."""
KINDS: tuple[Kind, ...] = ("interaction", "contraindication", "duplicate", "dental")
SUBGROUP = 5
"""Characters of an ATC code that name a chemical subgroup (its fourth level)."""


class Subject(NamedTuple):
    """What an entry speaks of: `substance`, `class` or `atc` (the beginning of a code), and its id."""

    kind: str
    id: str


class Drug(NamedTuple):
    """One line of a list. `key` is unique in it. `salts`: the same active substances in another form, which entries may
    name too; `excipients` matter to contraindications only (allergies).
    """

    key: str
    substances: frozenset[str] = frozenset()
    salts: frozenset[str] = frozenset()
    excipients: frozenset[str] = frozenset()
    atc: str | None = None


class PairRule(NamedTuple):
    """An interaction of two subjects; which of them is called a says nothing."""

    id: str
    a: Subject
    b: Subject
    severity: Severity


class RiskRule(NamedTuple):
    """A contraindication of a subject in a condition."""

    id: str
    subject: Subject
    condition: str
    severity: Severity


class NoteRule(NamedTuple):
    """What a dentist should know of a subject."""

    id: str
    subject: Subject


class Knowledge(NamedTuple):
    """What a data set knows. `members` are substances, `prefixes` beginnings of ATC codes, both by class."""

    members: Mapping[str, frozenset[str]] = {}
    prefixes: Mapping[str, frozenset[str]] = {}
    pairs: Sequence[PairRule] = ()
    risks: Sequence[RiskRule] = ()
    notes: Sequence[NoteRule] = ()


class Hit(NamedTuple):
    """One thing found. `rule` is empty for duplicates. `b` is the other drug's key, or the condition of a contraindication.

    `more`: keys of further drugs, where the same is said of many (duplicates).
    """

    kind: Kind
    severity: Severity
    rule: str
    a: str
    a_via: Subject
    b: str | None = None
    b_via: Subject | None = None
    more: tuple[str, ...] = ()


def subjects(drug: Drug, knowledge: Knowledge, *, excipients: bool = False) -> list[Subject]:
    """All an entry may call this drug, the most exact first: substances, classes, beginnings of its ATC code."""
    inside = drug.substances | drug.salts | (drug.excipients if excipients else frozenset())
    begins = prefixes_of(drug.atc)
    found = [Subject("substance", one) for one in sorted(inside)]
    found += [
        Subject("class", name)
        for name in sorted({*knowledge.members, *knowledge.prefixes})
        if inside & knowledge.members.get(name, frozenset())
        or begins & knowledge.prefixes.get(name, frozenset())
    ]
    return found + [Subject("atc", one) for one in sorted(begins, key=len, reverse=True)]


def prefixes_of(atc: str | None) -> frozenset[str]:
    """Every beginning of an ATC code, the code itself too; of none: nothing."""
    code = (atc or "").strip().upper()
    return frozenset(code[:end] for end in range(1, len(code) + 1))


def find(drugs: Iterable[Drug], conditions: Iterable[str], knowledge: Knowledge) -> list[Hit]:
    """All hits, the worst first; the order in which drugs and entries are given changes nothing.

    Each interaction is said once per pair of drugs, each contraindication once per drug and condition, each note once per
    drug. Two substances inside one product are not held against each other: a fixed combination is one drug.
    """
    listed = sorted(drugs)
    called = _by_subject(listed, knowledge)
    with_excipients = _by_subject(listed, knowledge, excipients=True)
    found = set(_twice(listed))
    for rule in knowledge.pairs:
        found.update(_pairs(rule, called))
    has = frozenset(conditions)
    for risk in knowledge.risks:
        for key in with_excipients.get(risk.subject, ()) if risk.condition in has else ():
            found.add(Hit("contraindication", risk.severity, risk.id, key, risk.subject, risk.condition))
    for note in knowledge.notes:
        found.update(
            Hit("dental", "note", note.id, key, note.subject) for key in called.get(note.subject, ())
        )
    return sorted(found, key=_order)


def _by_subject(
    listed: Sequence[Drug], knowledge: Knowledge, *, excipients: bool = False
) -> dict[Subject, set[str]]:
    """Which drugs an entry means that speaks of a subject: by it long lists are held against many entries at once."""
    found: dict[Subject, set[str]] = {}
    for drug in listed:
        for one in subjects(drug, knowledge, excipients=excipients):
            found.setdefault(one, set()).add(drug.key)
    return found


def _pairs(rule: PairRule, called: Mapping[Subject, set[str]]) -> Iterable[Hit]:
    """The pairs of drugs a rule fits. Where it fits both ways round, the drug that is listed first is a."""
    low, high = sorted((rule.a, rule.b))  # the rule and its mirror say one thing in one way
    lows, highs = called.get(low, set()), called.get(high, set())
    for one in lows:
        for other in highs:
            if one < other:
                yield Hit("interaction", rule.severity, rule.id, one, low, other, high)
            elif other < one and not (other in lows and one in highs):
                yield Hit("interaction", rule.severity, rule.id, other, high, one, low)


def _twice(listed: Sequence[Drug]) -> Iterable[Hit]:
    """The same substance in several drugs; where there is none, the same chemical subgroup (ATC, fourth level). Each is said
    once of all it concerns: ten lines of one drug are one finding, not forty-five.
    """
    same: dict[Subject, list[Drug]] = {}
    for drug in listed:
        for substance in drug.substances:
            same.setdefault(Subject("substance", substance), []).append(drug)
        group = (drug.atc or "").strip().upper()[:SUBGROUP]
        if len(group) == SUBGROUP:
            same.setdefault(Subject("atc", group), []).append(drug)
    for via, some in same.items():
        if len(some) > 1 and (via.kind == "substance" or _apart(some)):
            one, other, *more = (drug.key for drug in some)  # in the order of the list
            yield Hit("duplicate", "note", "", one, via, other, via, tuple(more))


def _apart(some: Sequence[Drug]) -> bool:
    """True if two of them share no substance: of those that do it is said by the substance."""
    return any(not one.substances & other.substances for one, other in combinations(some, 2))


def _order(hit: Hit) -> tuple[object, ...]:
    return (
        SEVERITIES.index(hit.severity),
        KINDS.index(hit.kind),
        hit.a,
        hit.b or "",
        hit.rule,
        hit.a_via.kind != "substance",  # the most exact first
        hit.a_via,
        hit.b_via or Subject("", ""),
    )


def concerned(drug: Drug, knowledge: Knowledge) -> frozenset[Kind]:
    """Of which kinds the data set has any entry about this drug: of the others its silence means nothing."""
    own = frozenset(subjects(drug, knowledge))
    wide = frozenset(subjects(drug, knowledge, excipients=True))
    found: dict[Kind, bool] = {
        "interaction": any(rule.a in own or rule.b in own for rule in knowledge.pairs),
        "contraindication": any(rule.subject in wide for rule in knowledge.risks),
        "dental": any(note.subject in own for note in knowledge.notes),
    }
    return frozenset(kind for kind, there in found.items() if there)
