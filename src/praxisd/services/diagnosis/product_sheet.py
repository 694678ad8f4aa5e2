"""What a virus scanner must leave alone, on paper: to be worked through at each computer, ticked off and signed."""

from datetime import datetime
from typing import TYPE_CHECKING

from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.paper import Column, Paper
from praxisd.services.diagnosis.product_view import ExclusionsOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

ALL = "*.*"
"""How the seed writes "every file"."""
_KEY = "diagnosis.product_sheet."


def exclusions(house: "House", tx: "Tx", found: ExclusionsOut, lang: str, practice: str) -> Paper:
    """The sheet of one product."""

    def say(key: str, **params: object) -> str:
        return house.texts.get(_KEY + key, lang, **params)

    printed = datetime.fromtimestamp(tx.now, zone_of(zone_name(house, tx)))
    product = found.product
    paper = Paper(say("title", product=product.name), lang, organization=practice, printed=printed, wide=True)
    source = product.source
    paper.facts(
        [
            (say("product"), f"{product.name} ({product.vendor})"),
            (say("source"), say("source_text", title=source.title, version=source.version)),
            (say("stand"), source.stand.strftime("%d.%m.%Y" if lang == "de" else "%Y-%m-%d")),
        ]
    )
    paper.text(say("lead"))

    def place(where: str) -> str:
        return say(f"where.{where}") if where else ""

    def remarks(*parts: str | None) -> str:
        return "\n".join(one for one in parts if one)

    if found.exclusions:
        columns = (
            Column("✓", 0.3), Column(say("path"), 3), Column(say("files"), 0.8), Column(say("where.label"), 1),
            Column(say("software"), 1), Column(say("note"), 3),
        )  # fmt: skip
        rows = [
            (
                "☐",
                one.path,
                say("all_files") if one.files == ALL else one.files,
                place(one.where),
                one.software,
                remarks(one.note, one.question),
            )
            for one in found.exclusions
        ]
        paper.heading(say("folders")).table(columns, rows)
    if found.services:
        programs = (
            Column("✓", 0.3), Column(say("service"), 1.5), Column(say("program"), 4), Column(say("software"), 1),
            Column(say("note"), 3),
        )  # fmt: skip
        services = [("☐", one.name, one.program, one.software, one.question or "") for one in found.services]
        paper.heading(say("services")).table(programs, services)
    if not found.exclusions and not found.services:
        paper.text(say("none"))
    for one in found.questions:
        if not one.about:
            paper.text(one.text, small=True)
    return paper.signatures((say("date"), say("signature")))
