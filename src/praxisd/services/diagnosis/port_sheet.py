"""The port list on paper and as a table: for whoever sets up the firewall."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.listings import harmless
from praxisd.kernel.paper import Column, Paper
from praxisd.model.product import INTRANET
from praxisd.services.diagnosis import machine, port_words
from praxisd.services.diagnosis.port_listening import own_addresses
from praxisd.services.diagnosis.port_rows import OWN, PortRow
from praxisd.services.diagnosis.port_view import Seen
from praxisd.services.diagnosis.product_reading import products

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

_COLUMNS = (
    ("service", 2.6, False),
    ("protocol", 1.0, True),
    ("port", 2.0, False),
    ("in", 0.6, True),
    ("out", 0.6, True),
    ("internal", 0.6, True),
    ("external", 0.6, True),
    ("targets", 5.6, False),
    ("exceptions", 3.4, False),
)
_CSV = (
    "product", "service", "protocol", "port", "in", "out", "internal", "external", "targets", "hosts", "inspection",
    "programs", "note", "question", "state",
)  # fmt: skip


def paper(house: "House", tx: "Tx", rows: Sequence[PortRow], lang: str, practice: str) -> Paper:
    """The sheet: landscape, one table for each source, open questions at the end. `practice` is its name."""

    def say(key: str, **params: object) -> str:
        return house.texts.get(f"diagnosis.port_sheet.{key}", lang, **params)

    now = datetime.fromtimestamp(tx.now, zone_of(zone_name(house, tx)))
    sheet = Paper(say("title"), lang, organization=practice, printed=now, wide=True)
    sheet.facts(
        [
            (say("machine"), machine.own_host()),
            (say("addresses"), ", ".join(own_addresses()) or say("unknown")),
            (say("hosts"), ", ".join(dict.fromkeys(one for row in rows for one in row.hosts)) or "–"),
        ]
    )
    sheet.text(say("how"), small=True)
    known = products(house)
    for source in dict.fromkeys(row.source for row in rows):
        mine = [row for row in rows if row.source == source]
        sheet.heading(say("own") if source == OWN else mine[0].name)
        if source in known:
            of = known[source].source
            stand = of.stand.strftime("%d.%m.%Y" if lang == "de" else "%Y-%m-%d")
            sheet.text(say("source", title=of.title, version=of.version, stand=stand), small=True)
        columns = [Column(say(f"column.{key}"), share, centre) for key, share, centre in _COLUMNS]
        sheet.table(columns, (_line(row, say, lang) for row in mine))
    questions: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.question is not None:
            questions.setdefault(row.question.in_(lang), {})[row.service] = None
    if questions:
        sheet.heading(say("questions"))
        for question, services in questions.items():
            sheet.text(f"{', '.join(services)}: {question}", small=True)
    return sheet.signatures([say("set_up_on"), say("set_up_by")])


def _line(row: PortRow, say: "port_words.Say", lang: str) -> list[str]:
    exceptions = []
    if row.inspection:
        exceptions.append(say("inspection", names=", ".join(row.inspection)))
    if row.programs:
        exceptions.append(say("programs", names=", ".join(row.programs)))
    if row.note is not None:
        exceptions.append(row.note.in_(lang))
    return [
        row.service + (" *" if row.question is not None else ""),
        row.protocol.upper(),
        ports_as_printed(row),
        *("x" if flag else "" for flag in (row.in_, row.out, row.internal, row.external)),
        targets(row),
        "\n".join(exceptions),
    ]


def ports_as_printed(row: PortRow) -> str:
    """The ports as the source prints them, else those that are to be opened."""
    return row.ports_text or ", ".join(one.replace("-", " - ") for one in row.ports)


def targets(row: PortRow) -> str:
    """Where to, and the machines of this practice that this means."""
    hosts = ", ".join(row.hosts) if INTRANET in row.targets else ""
    return "\n".join(one for one in (row.target_text or ", ".join(row.targets), hosts) if one)


def table(house: "House", known: Seen, lang: str) -> bytes:
    """The rows with their states as CSV for spreadsheets in German offices, as listings are (`kernel.listings`)."""

    def lines() -> Iterable[list[str]]:
        yield [house.texts.get(f"diagnosis.port_sheet.column.{key}", lang) for key in _CSV]
        for row, results in known:
            yield [
                row.name,
                row.service,
                row.protocol.upper(),
                ", ".join(row.ports),
                *("x" if flag else "" for flag in (row.in_, row.out, row.internal, row.external)),
                row.target_text or ", ".join(row.targets),
                ", ".join(row.hosts),
                ", ".join(row.inspection),
                ", ".join(row.programs),
                row.note.in_(lang) if row.note is not None else "",
                row.question.in_(lang) if row.question is not None else "",
                port_words.summary(house, results, lang),
            ]

    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerows([harmless(cell) for cell in line] for line in lines())
    return ("\ufeff" + out.getvalue()).encode()
