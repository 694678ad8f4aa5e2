"""The requirements of a software on a computer, judged and in words."""

from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import not_found
from praxisd.model.machine import MachineFacts, known
from praxisd.model.requirement import DeleteRight, Requirement, Role
from praxisd.services.diagnosis import machine_view
from praxisd.services.diagnosis.machine_answers import (
    ProductNote,
    RequirementLine,
    RequirementsOut,
    SourceNote,
)
from praxisd.services.diagnosis.machine_words import Words
from praxisd.services.diagnosis.measuring import host_name
from praxisd.services.diagnosis.measuring_rights import folder_right
from praxisd.services.diagnosis.product_reading import products
from praxisd.services.diagnosis.requirement_program_rules import delete_folder
from praxisd.services.diagnosis.requirement_rules import applies, judge
from praxisd.services.diagnosis.requirement_verdict import Place, Said, Verdict
from praxisd.services.diagnosis.software_shapes import Software

if TYPE_CHECKING:
    from praxisd.kernel.access import Actor
    from praxisd.kernel.app import House
    from praxisd.services.diagnosis.product_shapes import Product


def requirements(
    house: "House", actor: "Actor", lang: str, software: str, host: str = "", role: Role | None = None
) -> RequirementsOut:
    """All lines; Problem `http.not_found` (404) for a software, a product or a computer that is unknown."""
    machines, found, zone = machine_view.machines(house, actor)
    one = next((s for s in found if s.id == software), None)
    if one is None:
        raise not_found("Software")
    product = products(house).get(one.product)
    if product is None:
        raise not_found("Product")
    machine = next((m for m in machines if (m.facts.host == host_name(host) if host else m.here)), None)
    if machine is None:
        raise not_found("Machine")
    part = role or (one.role if machine.here else machine.role)
    lines = []
    if part is not None:
        facts = with_rights(machine.facts, product, one) if machine.here else machine.facts
        judged = verdicts(product, facts, one, part)
        lines = [_line(need, verdict, Words(house.texts, lang), lang) for need, verdict in judged]
    today = datetime.fromtimestamp(house.clock.now(), zone).date()
    return RequirementsOut(
        software=one.id,
        product=product.id,
        product_name=product.name,
        origin=product.origin,
        source=_source(product, today),
        host=machine.facts.host,
        role=part,
        at=format_rfc3339(machine.facts.at, zone),
        lines=lines,
        questions=[ProductNote(text=q.text.in_(lang)) for q in product.questions],
        changes=[ProductNote(text=c.text.in_(lang), date=c.date.isoformat()) for c in product.changes],
    )


def verdicts(
    product: "Product", facts: MachineFacts, one: Software, role: Role
) -> list[tuple[Requirement, Verdict]]:
    """Every requirement that is made of a computer in this role, with its verdict."""
    here = machine_view.data_here(one, facts.host)
    place = Place(role, one.data_folder if here else "", here)
    return [(need, judge(need, facts, place)) for need in product.requirements if applies(need, role)]


def with_rights(facts: MachineFacts, product: "Product", one: Software) -> MachineFacts:
    """This computer's facts, with the rights on the folders that the product names."""
    if not one.data_folder or not machine_view.data_here(one, facts.host):
        return facts
    names = [need.folder for need in product.requirements if isinstance(need, DeleteRight)]
    rights = tuple(folder_right(delete_folder(one.data_folder, name)) for name in names)
    return msgspec.structs.replace(facts, rights=known(rights)) if rights else facts


def said(words: Words, one: Said | None) -> str:
    """A short text in words, "" for none."""
    return "" if one is None else words.text(f"said.{one.key}", **one.params)


def _line(need: Requirement, verdict: Verdict, words: Words, lang: str) -> RequirementLine:
    why = "" if verdict.why is None else words.why(verdict.why)
    return RequirementLine(
        id=need.id,
        kind=need.kind,
        level=need.level,
        text=need.text.in_(lang),
        state=verdict.state,
        wanted=said(words, verdict.wanted),
        measured=said(words, verdict.measured),
        code=verdict.why or "",
        why=why if verdict.told is None else verdict.told.in_(lang),
        question=None if need.question is None else need.question.in_(lang),
    )


def _source(product: "Product", today: date) -> SourceNote:
    from_ = product.source
    age = max(0, (today - from_.stand).days)
    return SourceNote(from_.title, from_.version, from_.stand.isoformat(), from_.url, age)
