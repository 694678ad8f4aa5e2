"""The check of a list: what the data set in use says of it, and what it does not know.

An unknown product is never "no interaction": each line that could not be looked up is named with the reason, and so is each
drug of which the data set has no entry at all.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from praxisd.kernel.store import Tx
from praxisd.model.statement import TAKEN, Risk, Statement
from praxisd.services.medication import checking_rules as rules
from praxisd.services.medication import knowing, sets_reading, statement_store
from praxisd.services.medication.check_shapes import (
    CheckIn,
    CheckOut,
    Covered,
    FindingOut,
    SetOut,
    Side,
    Unknown,
    Via,
)
from praxisd.services.medication.checking_rules import Drug, Hit, Knowledge, Subject
from praxisd.services.medication.sets_reading import Opened

if TYPE_CHECKING:
    from praxisd.kernel.app import House

What = Literal["statement", "product", "substance", "risk", "condition"]
ALWAYS = ("dose", "food", "body", "ended", "inside", "several")
"""What no check of ours ever looks at, as codes `medication.not_covered.<code>`."""
_TABLES = {"interaction": "interaction", "contraindication": "contraindication", "dental": "dental_note"}


class Line(NamedTuple):
    """One drug that is looked at. `why`: what could not be known of it, as code `medication.unknown.<why>`; None: nothing."""

    kind: What
    id: str
    name: str
    drug: Drug
    why: str | None


class Condition(NamedTuple):
    """Something that may speak against a drug. `condition` None: free text."""

    kind: What
    id: str
    name: str
    condition: str | None
    why: str | None


def check(house: "House", tx: Tx, asked: CheckIn, patient: str | None, lang: str) -> CheckOut:
    """Hold a patient's list and whatever else is asked against each other; `patient` is the one that goes on after merges.

    Problems: those of `sets_reading.for_checking`.
    """
    now = sets_reading.for_checking(house, tx, asked.version)
    opened = now.held
    listed = [] if patient is None else statement_store.statements_of(tx, patient)
    has = [] if patient is None else [one for one in statement_store.risks_of(tx, patient) if one.active]
    taken = [one for one in listed if one.status in TAKEN]
    lines = _numbered([*_statements(opened, taken, lang), *_others(opened, asked, lang)])
    against = [*_risks(opened, has, lang), *_conditions(opened, asked.conditions, lang)]
    known = knowing.knowledge(opened, [line.drug for line in lines])
    hits = rules.find(
        (line.drug for line in lines), {one.condition for one in against if one.condition}, known
    )
    words = _Words(house, opened, lang)
    unknown = _unknown(house, lines, against, known, lang)
    standing = sets_reading.standing_of(house, tx, now, lang)
    codes = [*ALWAYS, *(["sample"] if opened.sample else [])]
    if not against:
        codes.append("no_conditions" if patient is None else "no_risks")
    if unknown:
        codes.append("unknown")
    looked = [line for line in lines if line.drug.substances or line.drug.salts or line.drug.atc]
    return CheckOut(
        findings=words.findings(hits, lines, against),
        unknown=unknown,
        covered=Covered(
            drugs=len(looked),
            substances=len(frozenset().union(*(line.drug.substances for line in looked))),
            pairs=len(looked) * (len(looked) - 1) // 2,
            conditions=len({one.condition for one in against if one.condition}),
            left_out=len(listed) - len(taken),
        ),
        not_covered=[f"medication.not_covered.{code}" for code in codes],
        not_covered_texts=[house.texts.get(f"medication.not_covered.{code}", lang) for code in codes],
        summary=_summary(house, lines, hits, lang),
        warning=_warning(house, standing.state, standing.valid_until, lang),
        set=SetOut(
            version=opened.version,
            released=opened.released,
            sample=opened.sample,
            state=standing.state,
            source=standing.source,
        ),
    )


def _summary(house: "House", lines: Sequence[Line], hits: Sequence[Hit], lang: str) -> str:
    """One sentence that never says "no interaction"."""
    if not lines:
        return house.texts.get("medication.summary.empty", lang)
    if not hits:
        return house.texts.get("medication.summary.nothing", lang)
    return house.texts.get("medication.summary.found", lang, count=len(hits))


def _warning(house: "House", state: str, until: str | None, lang: str) -> str | None:
    if state not in ("grace", "expired"):
        return None
    return house.texts.get(f"medication.warning.{state}", lang, until=until or "")


def _numbered(lines: Iterable[Line]) -> list[Line]:
    """With keys in the order of the list: of two drugs the one that stands first is a."""
    return [line._replace(drug=line.drug._replace(key=f"{n:05}")) for n, line in enumerate(lines)]


def _statements(opened: Opened, taken: Sequence[Statement], lang: str) -> Iterable[Line]:
    by_pzn = knowing.products_of_pzns(opened, {one.pzn for one in taken if one.pzn})
    meant = {one.product for one in taken if one.product} | set(by_pzn.values())
    products = knowing.products(opened, meant, lang)
    ids = {part.id for one in taken for part in one.substances}
    here = knowing.substances(opened, ids, lang)
    for one in taken:
        # A package number is exact: what was entered before there was a data set, or under an id that is gone, is found by it.
        known = products.get(one.product or "") or products.get(by_pzn.get(one.pzn or "", ""))
        if known is not None:
            drug = known.drug("")
            why = None if drug.substances or drug.salts else "no_substance"
            yield Line("statement", one.id, _both(one.text, known.name), drug, why)
            continue
        drug = Drug("", frozenset(part.id for part in one.substances if part.id in here), atc=one.atc)
        why = "product_gone" if one.product else "free_text_code" if one.atc else "free_text"
        yield Line("statement", one.id, one.text, drug, why)


def _both(text: str, name: str) -> str:
    """What the list calls it and, where that is another name, what was looked at: nobody shall take one for the other."""
    return text if text.casefold().split() == name.casefold().split() else f"{text} ({name})"


def _others(opened: Opened, asked: CheckIn, lang: str) -> Iterable[Line]:
    """Products and substances that are asked for by themselves, each once."""
    products = knowing.products(opened, asked.products, lang)
    for id_ in dict.fromkeys(asked.products):
        known = products.get(id_)
        if known is None:
            yield Line("product", id_, id_, Drug(""), "product_unknown")
        else:
            drug = known.drug("")
            why = None if drug.substances or drug.salts else "no_substance"
            yield Line("product", id_, known.name, drug, why)
    names = knowing.substances(opened, asked.substances, lang)
    for id_ in dict.fromkeys(asked.substances):
        drug = Drug("", frozenset({id_} if id_ in names else ()))
        yield Line("substance", id_, names.get(id_, id_), drug, None if id_ in names else "substance_unknown")


def _risks(opened: Opened, has: Sequence[Risk], lang: str) -> Iterable[Condition]:
    names = knowing.conditions(opened, {one.condition for one in has if one.condition}, lang)
    for one in has:
        if one.condition is None:
            yield Condition("risk", one.id, one.text, None, "risk_text")
        elif one.condition not in names:
            yield Condition("risk", one.id, one.text, None, "condition_unknown")
        else:
            yield Condition("risk", one.id, _both(one.text, names[one.condition]), one.condition, None)


def _conditions(opened: Opened, ids: Sequence[str], lang: str) -> Iterable[Condition]:
    names = knowing.conditions(opened, ids, lang)
    for id_ in dict.fromkeys(ids):
        known = id_ in names
        yield Condition(
            "condition",
            id_,
            names.get(id_, id_),
            id_ if known else None,
            None if known else "condition_unknown",
        )


def _unknown(
    house: "House", lines: Sequence[Line], against: Sequence[Condition], known: Knowledge, lang: str
) -> list[Unknown]:
    found: list[tuple[What, str, str, str]] = []
    risks = any(one.condition for one in against)
    for line in lines:
        why = line.why or _silent(line.drug, known, risks)
        if why is not None:
            found.append((line.kind, line.id, line.name, why))
    found += [(one.kind, one.id, one.name, one.why) for one in against if one.why is not None]
    return [
        Unknown(
            kind=kind,
            id=id_,
            text=name,
            code=f"medication.unknown.{why}",
            why=house.texts.get(f"medication.unknown.{why}", lang),
        )
        for kind, id_, name, why in found
    ]


def _silent(drug: Drug, known: Knowledge, risks: bool) -> str | None:
    """Where the data set's silence about a drug means nothing: of interactions, and beside `risks` of contraindications. None
    where it has entries of what was asked.
    """
    kinds = rules.concerned(drug, known)
    if not kinds:
        return "no_entries"
    if risks and "contraindication" not in kinds:
        return "no_contraindications" if "interaction" in kinds else "neither"
    return None if "interaction" in kinds else "no_interactions"


class _Words:
    """Hits in words, in one language."""

    def __init__(self, house: "House", opened: Opened, lang: str) -> None:
        self._house, self._opened, self._lang = house, opened, lang

    def findings(
        self, hits: Sequence[Hit], lines: Sequence[Line], against: Sequence[Condition]
    ) -> list[FindingOut]:
        """The findings in the order of the hits."""
        by_key = {line.drug.key: line for line in lines}
        conditions = {one.condition: one for one in reversed(against) if one.condition}
        called = knowing.names(
            self._opened, {via for hit in hits for via in (hit.a_via, hit.b_via) if via}, self._lang
        )
        said = {
            kind: knowing.said(
                self._opened, table, {hit.rule for hit in hits if hit.kind == kind}, self._lang
            )
            for kind, table in _TABLES.items()
        }

        def side(key: str, via: Subject | None) -> Side:
            one = by_key[key]
            through = None if via is None else Via(kind=via.kind, id=via.id, name=called[via])  # type: ignore[arg-type]
            return Side(kind=one.kind, id=one.id, name=one.name, via=through)

        found = []
        for hit in hits:
            if hit.kind == "duplicate":
                text = self._text("duplicate", hit.a_via, len(hit.more) + 2)
                words = knowing.Said(None, text, None, None, "", None, "")
            else:
                words = said[hit.kind][hit.rule]
            if hit.b is None:
                other = None
            elif hit.kind == "contraindication":
                risk = conditions[hit.b]
                other = Side(kind=risk.kind, id=risk.id, name=risk.name)
            else:
                other = side(hit.b, hit.b_via)
            found.append(
                FindingOut(
                    kind=hit.kind,
                    severity=hit.severity,
                    severity_name=self._house.texts.get(f"medication.severity.{hit.severity}", self._lang),
                    rule=hit.rule or None,
                    a=side(hit.a, hit.a_via),
                    b=other,
                    more=[side(key, hit.a_via) for key in hit.more],
                    mechanism=words.mechanism,
                    effect=words.effect,
                    action=words.action,
                    evidence=words.evidence,
                    source=words.source or None,
                    source_url=words.source_url,
                    source_date=words.source_date or None,
                )
            )
        return found

    def _text(self, key: str, via: Subject, count: int) -> str:
        name = knowing.names(self._opened, [via], self._lang)[via]
        return self._house.texts.get(f"medication.{key}.{via.kind}", self._lang, name=name, count=count)
