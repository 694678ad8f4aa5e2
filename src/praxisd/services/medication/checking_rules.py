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
    """One thing found. `rule` is empty for duplicates. `b` is the other drug's key, or the condition of a contraindication."""

    kind: Kind
    severity: Severity
    rule: str
    a: str
    a_via: Subject
    b: str | None = None
    b_via: Subject | None = None


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
    names = {drug.key: subjects(drug, knowledge) for drug in listed}
    with_excipients = {drug.key: subjects(drug, knowledge, excipients=True) for drug in listed}
    found: list[Hit] = []
    for one, other in combinations(listed, 2):
        found += _pairs(one.key, other.key, names, knowledge.pairs)
        found += _twice(one, other)
    has = frozenset(conditions)
    for drug in listed:
        for risk in knowledge.risks:
            if risk.condition in has and risk.subject in with_excipients[drug.key]:
                found.append(
                    Hit("contraindication", risk.severity, risk.id, drug.key, risk.subject, risk.condition)
                )
        found += [
            Hit("dental", "note", note.id, drug.key, note.subject)
            for note in knowledge.notes
            if note.subject in names[drug.key]
        ]
    return sorted(set(found), key=_order)


def _pairs(
    one: str, other: str, names: Mapping[str, list[Subject]], rules: Sequence[PairRule]
) -> Iterable[Hit]:
    """Interactions of two drugs. Where a rule fits both ways round, the drug that is listed first is a."""
    for rule in rules:
        low, high = sorted((rule.a, rule.b))  # the rule and its mirror say one thing in one way
        if low in names[one] and high in names[other]:
            yield Hit("interaction", rule.severity, rule.id, one, low, other, high)
        elif high in names[one] and low in names[other]:
            yield Hit("interaction", rule.severity, rule.id, one, high, other, low)


def _twice(one: Drug, other: Drug) -> Iterable[Hit]:
    """The same substance in two drugs; where there is none, the same chemical subgroup (ATC, fourth level)."""
    shared = sorted(one.substances & other.substances)
    for substance in shared:
        via = Subject("substance", substance)
        yield Hit("duplicate", "note", "", one.key, via, other.key, via)
    groups = [(drug.atc or "").strip().upper()[:SUBGROUP] for drug in (one, other)]
    if not shared and groups[0] == groups[1] and len(groups[0]) == SUBGROUP:
        via = Subject("atc", groups[0])
        yield Hit("duplicate", "note", "", one.key, via, other.key, via)


def _order(hit: Hit) -> tuple[object, ...]:
    return (
        SEVERITIES.index(hit.severity),
        KINDS.index(hit.kind),
        hit.a,
        hit.b or "",
        hit.rule,
        hit.a_via,
        hit.b_via or Subject("", ""),
    )


def concerned(drug: Drug, knowledge: Knowledge) -> bool:
    """Whether the data set has any entry at all about this drug: where it has none, silence means nothing."""
    own = frozenset(subjects(drug, knowledge, excipients=True))
    return (
        any(rule.a in own or rule.b in own for rule in knowledge.pairs)
        or any(rule.subject in own for rule in knowledge.risks)
        or any(rule.subject in own for rule in knowledge.notes)
    )
